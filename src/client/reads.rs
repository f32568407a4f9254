//! What a gateway shows of a collaboration. It is the gateway's word; what matters of it is held against the log by whoever decides on it.

use super::Client;
use super::ask::{Question, unreadable};
use crate::error::Result;
use crate::wire;
use mappings::model::{Agreement, CollaborationId, Digest, PlatformId, RunId};
use serde::de::DeserializeOwned;

/// So many pages of anything are read.
const PAGES_MAX: usize = 10_000;
const PAGE: &str = "200";

impl Client {
    async fn read<T: DeserializeOwned>(
        &self,
        of: &CollaborationId,
        below: &[&str],
        query: &[(&str, String)],
    ) -> Result<T> {
        let path = [&["v1", "collaborations", of.as_str()], below].concat();
        self.link.get(&path, query).await?.json()
    }

    /// The collaborations that the caller's member is part of, invited to, or was part of.
    pub async fn collaborations(&self) -> Result<Vec<wire::Listed>> {
        let (mut all, mut after) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let mut query = vec![("limit", PAGE.to_owned())];
            query.extend(after.map(|after| ("after", after)));
            let page = self.link.get(&["v1", "collaborations"], &query).await?;
            let page: wire::Collaborations = page.json()?;
            all.extend(page.collaborations);
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
        Err(unreadable("its list does not end"))
    }

    /// A collaboration as it stands, and the mark of what is decided in it.
    pub async fn collaboration(
        &self,
        of: &CollaborationId,
    ) -> Result<(wire::Collaboration, String)> {
        let told = self.link.get(&["v1", "collaborations", of.as_str()], &[]).await?;
        let mark = told.etag.clone().ok_or_else(|| unreadable("it has no mark"))?;
        Ok((told.json()?, mark))
    }

    /// Its members.
    pub async fn members(&self, of: &CollaborationId) -> Result<Vec<wire::Member>> {
        Ok(self.read::<wire::Members>(of, &["members"], &[]).await?.members)
    }

    /// Its templates, in order of name.
    pub async fn templates(&self, of: &CollaborationId) -> Result<Vec<wire::Template>> {
        Ok(self.read::<wire::Templates>(of, &["templates"], &[]).await?.templates)
    }

    /// Its rooms on other platforms.
    pub async fn rooms(&self, of: &CollaborationId) -> Result<Vec<wire::Room>> {
        Ok(self.read::<wire::Rooms>(of, &["rooms"], &[]).await?.rooms)
    }

    /// The withdrawals that platforms had to be closed for.
    pub async fn revocations(&self, of: &CollaborationId) -> Result<Vec<wire::Revocation>> {
        let (mut all, mut after) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let mut query = vec![("limit", PAGE.to_owned())];
            query.extend(after.map(|after: u64| ("after", after.to_string())));
            let page: wire::Revocations = self.read(of, &["revocations"], &query).await?;
            all.extend(page.revocations);
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
        Err(unreadable("its list does not end"))
    }

    /// One of them, by the position of its leaf.
    pub async fn revocation(&self, of: &CollaborationId, index: u64) -> Result<wire::Revocation> {
        self.read(of, &["revocations", &index.to_string()], &[]).await
    }

    /// A version of an agreement: the document that has this digest, and no other.
    pub async fn agreement(&self, of: &CollaborationId, digest: &Digest) -> Result<Agreement> {
        let path = ["agreements", &digest.to_string()];
        let version: wire::AgreementVersion = self.read(of, &path, &[]).await?;
        let document = serde_json::from_value::<Agreement>(version.document);
        let document = document.map_err(|_| unreadable("its agreement is none"))?;
        if document.digest() == *digest {
            return Ok(document);
        }
        Err(unreadable("its agreement is not the one of that digest"))
    }

    /// The runs, the newest first.
    pub async fn runs(&self, of: &CollaborationId) -> Result<Vec<wire::Run>> {
        let (mut all, mut before) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let mut query = vec![("limit", PAGE.to_owned())];
            query.extend(before.map(|before: u64| ("before", before.to_string())));
            let page: wire::Runs = self.read(of, &["runs"], &query).await?;
            all.extend(page.runs);
            before = page.next;
            if before.is_none() {
                return Ok(all);
            }
        }
        Err(unreadable("its list does not end"))
    }

    /// A run.
    pub async fn run(&self, of: &CollaborationId, run: &RunId) -> Result<wire::Run> {
        self.read(of, &["runs", run.as_str()], &[]).await
    }

    /// The schedules that have not ended, by name.
    pub async fn schedules(&self, of: &CollaborationId) -> Result<Vec<wire::Schedule>> {
        Ok(self.read::<wire::Schedules>(of, &["schedules"], &[]).await?.schedules)
    }

    /// Recipients outside, and what is open to each.
    pub async fn shares(&self, of: &CollaborationId) -> Result<Vec<wire::Recipient>> {
        let (mut all, mut after) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let mut query = vec![("limit", PAGE.to_owned())];
            query.extend(after.map(|after| ("after", after)));
            let page: wire::Shares = self.read(of, &["shares"], &query).await?;
            all.extend(page.recipients);
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
        Err(unreadable("its list does not end"))
    }

    /// What it would take to make a room as agreed. Its platform is asked.
    pub async fn plan(&self, of: &CollaborationId, room: &PlatformId) -> Result<wire::RoomPlan> {
        let path = ["v1", "collaborations", of.as_str(), "rooms", room.as_str(), "plans"];
        self.link.ask(&Question::post(&path)).await?.json()
    }

    /// How the caller's member is reached on platforms.
    pub async fn test_connections(
        &self,
        of: &CollaborationId,
    ) -> Result<Vec<wire::ConnectionTested>> {
        let path = ["v1", "collaborations", of.as_str(), "connections", "tests"];
        let tested: wire::ConnectionsTested =
            self.link.ask(&Question::post(&path)).await?.json()?;
        Ok(tested.connections)
    }
}
