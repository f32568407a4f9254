//! Leaves for a member: read in its name, so that the store asks once more whose the log is, and none from behind the end of its membership. Must not
//! know who asks for them, nor what they say.

use super::App;
use crate::error::{Error, Result};
use crate::log::{Actor, Body, Leaf, LogError, State};
use crate::stands::Stands;
use mappings::model::{CollaborationId, MemberId};

/// Before which position a member's leaves end, by what is folded: nowhere while it belongs to the collaboration, behind the leaf by which that was
/// over, and before all of them where it never did.
pub(crate) fn end_of(state: &State, member: &MemberId) -> u64 {
    match state.parties().get(member) {
        Some(Stands::Member) => u64::MAX,
        Some(Stands::Former) => {
            let until = state.tenure(member).and_then(|tenure| tenure.until);
            until.map_or(0, |until| until.saturating_add(1))
        }
        Some(Stands::Invited) | None => 0,
    }
}

impl App {
    /// Up to `max` leaves from a position on, as a member may have them.
    pub(crate) async fn leaves_as(
        &self,
        of: &CollaborationId,
        (member, state): (&MemberId, &State),
        (from, max): (u64, usize),
    ) -> Result<Vec<Vec<u8>>> {
        let left = end_of(state, member).saturating_sub(from);
        let max = max.min(usize::try_from(left).unwrap_or(usize::MAX));
        if max == 0 {
            return Ok(Vec::new());
        }
        Ok(self.store.read_as(member, of, from, max).await.map_err(LogError::from)?)
    }

    /// One of them, read; nothing where the member has none there.
    pub(super) async fn leaf_as(
        &self,
        of: &CollaborationId,
        whose: (&MemberId, &State),
        index: u64,
    ) -> Result<Option<Leaf>> {
        let stored = self.leaves_as(of, whose, (index, 1)).await?;
        stored.first().map(|bytes| parsed(bytes)).transpose()
    }

    /// The leaf of what a member just decided. Of one that is no party, having declined or not joined yet, the store gives nothing: such a leaf is its
    /// own by what it says, and nothing else is.
    pub(crate) async fn leaf_of_own(
        &self,
        of: &CollaborationId,
        member: &MemberId,
        index: u64,
    ) -> Result<Option<Vec<u8>>> {
        let stored = self.store.read_as(member, of, index, 1).await.map_err(LogError::from)?;
        if let Some(bytes) = stored.into_iter().next() {
            return Ok(Some(bytes));
        }
        let stored = self.store.read(of, index, 1).await.map_err(LogError::from)?;
        let Some(bytes) = stored.into_iter().next() else { return Ok(None) };
        Ok(is_own(&parsed(&bytes)?, member).then_some(bytes))
    }
}

/// Whether a member decided it itself; its first proposal is signed by nobody, and names it.
fn is_own(leaf: &Leaf, member: &MemberId) -> bool {
    let names_it = matches!(&leaf.body, Body::Proposed { agreement, .. } if agreement.members.contains_key(member));
    names_it || matches!(&leaf.actor, Actor::Member(by) if by == member)
}

fn parsed(bytes: &[u8]) -> Result<Leaf> {
    Leaf::parse(bytes).map_err(|error| Error::failed("log-unreadable", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{Tied, Withdrawal, members};
    use crate::home::Home;
    use crate::log::Loaded;

    fn name<T: std::str::FromStr>(text: &str) -> T {
        text.parse().ok().unwrap()
    }

    /// An agreement of two, whose template's one figure is called so.
    fn agreement((owner, runner): (&str, &str), people: &str) -> mappings::model::Agreement {
        let text = format!(
            "agreement: v1
collaboration: spring
members:
  {owner}: {{ name: Owner, abilities: [contribute] }}
  {runner}: {{ name: Runner, abilities: [contribute, run, receive] }}
rooms: [native]
datasets:
  sales:
    owner: {owner}
    at: {{ native: 'file:///nowhere/sales.parquet' }}
    entity: person
    columns:
      person: {{ use: match, key: email, from: email, type: utf8 }}
      segment: {{ type: utf8, use: dimension }}
    rule: {{ entities_min: 3, join: optional }}
templates:
  reach:
    class: aggregate
    sql: SELECT s.segment, COUNT(DISTINCT s.person) AS {people} FROM sales s GROUP BY s.segment
    run_by: [{runner}]
    received_by: [{runner}]
destinations: {{ {runner}: 'file:///results' }}
"
        );
        mappings::agreement::read(&text).unwrap()
    }

    struct Gateway {
        _folder: tempfile::TempDir,
        app: App,
        of: CollaborationId,
    }

    impl Gateway {
        /// Two versions, each of which both joined.
        async fn agreed(both: (&str, &str)) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let home = Home::open(folder.path()).unwrap();
            for member in [both.0, both.1] {
                members::keygen(&home, &name(member)).unwrap();
            }
            let app = App::open(folder.path()).await.unwrap();
            let gateway = Self { _folder: folder, app, of: name("spring") };
            for people in ["people", "persons"] {
                gateway.propose(both, people).await;
                for member in [both.0, both.1] {
                    let (of, tied) = (&gateway.of, Tied::default());
                    gateway.app.join(of, &name(member), None, &tied).await.unwrap();
                }
            }
            gateway
        }

        async fn propose(&self, both: (&str, &str), people: &str) -> u64 {
            let (agreement, tied) = (agreement(both, people), Tied::default());
            self.app.propose(&agreement, &name(both.0), &tied).await.unwrap().index
        }

        async fn loaded(&self) -> Loaded {
            self.app.load_denying(&self.of).await.unwrap()
        }

        async fn many(&self, who: &str, state: &State, (from, max): (u64, usize)) -> usize {
            let who = name(who);
            self.app.leaves_as(&self.of, (&who, state), (from, max)).await.unwrap().len()
        }
    }

    #[tokio::test]
    async fn leaves_end_with_the_membership() {
        let place = Gateway::agreed(("grocer", "brand")).await;
        let before = place.loaded().await;
        let all = usize::try_from(before.size).unwrap();
        for member in ["grocer", "brand"] {
            assert_eq!(place.many(member, &before.state, (0, 99)).await, all);
        }
        let (of, grocer) = (&place.of, name("grocer"));
        place.app.revoke(of, &Withdrawal::Membership, &grocer).await.unwrap();
        let template = Withdrawal::Template(name("reach"));
        place.app.revoke(of, &template, &name("brand")).await.unwrap();
        let Loaded { state, size, .. } = place.loaded().await;
        let left = state.tenure(&grocer).unwrap().until.unwrap();
        let until = usize::try_from(left).unwrap() + 1;
        assert!(until >= all && size > left + 1, "{left} of {size}");
        assert_eq!(place.many("grocer", &state, (0, 99)).await, until, "its own leaf is the last");
        assert_eq!(place.many("grocer", &state, (left, 99)).await, 1);
        assert_eq!(place.many("grocer", &state, (left + 1, 99)).await, 0);
        assert_eq!(place.many("grocer", &state, (0, 2)).await, 2);
        assert_eq!(place.many("brand", &state, (0, 99)).await, usize::try_from(size).unwrap());
        assert_eq!(place.many("press", &state, (0, 99)).await, 0);
    }

    #[tokio::test]
    async fn the_store_says_whose_a_leaf_is_whatever_is_folded() {
        let (own, other) =
            tokio::join!(Gateway::agreed(("grocer", "brand")), Gateway::agreed(("press", "bank")));
        let (of, loaded) = (&own.of, own.loaded().await);
        let version = loaded.state.proposals().first().unwrap();
        assert_eq!(other.many("brand", &loaded.state, (0, 99)).await, 0, "a log of its name");
        let brand: MemberId = name("brand");
        let read = own.app.document(of, (&brand, &loaded.state), version).await.unwrap();
        assert_eq!(read.digest(), version.digest);
        let theirs = other.app.document(of, (&brand, &loaded.state), version).await;
        assert_eq!(theirs.unwrap_err().code, "log-unreadable");
        let stranger = own.app.document(of, (&name("press"), &loaded.state), version).await;
        assert_eq!(stranger.unwrap_err().code, "log-unreadable");
    }

    #[tokio::test]
    async fn what_was_decided_is_its_own_also_of_whoever_is_no_party() {
        let place = Gateway::agreed(("grocer", "brand")).await;
        let own = async |who: &str, index| {
            place.app.leaf_of_own(&place.of, &name(who), index).await.unwrap().is_some()
        };
        let (declining, tied) = ("press", Tied::default());
        members::keygen(&place.app.home, &name(declining)).unwrap();
        let mut next = agreement(("grocer", "brand"), "readers");
        let runner = next.members[&name::<MemberId>("brand")].clone();
        next.members.insert(name(declining), runner);
        next.destinations.insert(name(declining), "file:///press".to_owned());
        let proposed = place.app.propose(&next, &name("grocer"), &tied).await.unwrap().index;
        let declined = place.app.decline(&place.of, &name(declining), None, &tied).await.unwrap();
        let declined = declined.1.index;
        assert!(own(declining, declined).await && own(declining, proposed).await);
        assert!(!own(declining, 2).await, "a leaf of somebody else");
        assert!(!own("bank", declined).await && !own("bank", proposed).await);
        assert!(own("brand", declined).await, "a member reads them all");
    }
}
