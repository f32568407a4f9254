//! Parties of logs that were appended to before the store kept any: rebuilt from what their leaves say. Must not know what a party
//! is shown.

use super::App;
use crate::error::Result;
use crate::log::LogError;
use crate::store::StoreError;

/// So many names are held at once.
const PAGE: usize = 256;

/// How far the store was told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Projected {
    /// Logs whose parties are known now and were not before.
    pub told: u64,
    /// Logs that could not be read as they should be: their parties are what they were.
    pub left: u64,
}

impl App {
    /// Tells the store who the parties are of every log of which it does not know. What is done stays done: stopped in between, it
    /// goes on where it was. A log that can't be believed, or is of a newer version, holds up no other.
    pub async fn project_parties(&self) -> Result<Projected> {
        let (mut projected, mut after) = (Projected::default(), None);
        loop {
            let page = self.log.unprojected(after.as_ref(), PAGE).await?;
            for collaboration in &page {
                match self.log.project(collaboration).await {
                    Ok(()) => projected.told += 1,
                    Err(LogError::Store(error)) if error != StoreError::Corrupt => {
                        return Err(LogError::Store(error).into());
                    }
                    Err(error) => {
                        projected.left += 1;
                        let code = error.code();
                        tracing::warn!(%collaboration, code, "who the parties are is not known");
                    }
                }
                self.log.lay_by(collaboration);
            }
            let Some(last) = page.last() else { return Ok(projected) };
            after = Some(last.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::members;
    use crate::home::Home;
    use crate::store::{Appended, Head, MemoryStore, Stands, Store as _};
    use mappings::model::{Agreement, CollaborationId, MemberId};
    use std::sync::Arc;

    fn grocer() -> MemberId {
        "grocer".parse().unwrap()
    }

    fn named(n: usize) -> CollaborationId {
        format!("deal-{n:04}").parse().unwrap()
    }

    fn agreement(n: usize) -> Agreement {
        let value = serde_json::json!({
            "agreement": "v1", "collaboration": named(n),
            "members": {
                "grocer": { "name": "Grocer", "abilities": ["contribute"] },
                "brand": { "name": "Brand", "abilities": ["contribute"] },
            },
            "rooms": [{ "platform": "native" }], "datasets": {}, "templates": {}, "destinations": {},
        });
        serde_json::from_value(value).unwrap()
    }

    #[tokio::test]
    async fn what_the_store_does_not_know_is_rebuilt_from_the_logs() {
        let (folder, store) = (tempfile::tempdir().unwrap(), Arc::new(MemoryStore::new()));
        let open = async || {
            let home = Home::open(folder.path()).unwrap();
            App::over(home, Arc::<MemoryStore>::clone(&store)).await.unwrap()
        };
        let app = open().await;
        members::keygen(&app.home, &grocer()).unwrap();
        let logs = PAGE + 2;
        for n in 0..logs {
            app.propose(&agreement(n), &grocer(), &crate::app::Tied::default()).await.unwrap();
        }
        app.join(&named(1), &grocer(), None, &crate::app::Tied::default()).await.unwrap();
        assert_eq!(app.project_parties().await.unwrap(), Projected::default());
        let before = store.logs_of(&grocer(), None, 9999).await.unwrap();
        assert_eq!(before.len(), logs);
        assert_eq!(
            before[..2].iter().map(|(_, s)| *s).collect::<Vec<_>>(),
            [Stands::Invited, Stands::Member]
        );
        store.forget_parties();
        assert!(store.logs_of(&grocer(), None, 9).await.unwrap().is_empty());
        // One that nobody signed holds up no other.
        let strange = "deal-0001-strange".parse().unwrap();
        let unsigned = Appended::new(vec![b"x".to_vec()], "unsigned".to_owned());
        store.append(&strange, &Head::default(), unsigned, None).await.unwrap();
        store.forget_parties();
        let app = open().await;
        let (told, left) = (u64::try_from(logs).unwrap(), 1);
        assert_eq!(app.project_parties().await.unwrap(), Projected { told, left });
        assert_eq!(store.logs_of(&grocer(), None, 9999).await.unwrap(), before);
        let brand = "brand".parse().unwrap();
        assert_eq!(store.stands(&named(0), &brand).await, Ok(Some(Stands::Invited)));
        assert_eq!(app.project_parties().await.unwrap(), Projected { told: 0, left });
    }
}
