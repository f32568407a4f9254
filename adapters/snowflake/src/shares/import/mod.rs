//! What shares give, whoever made them, as an agreement; and everything of them that no agreement says. What can be said only wider
//! is left out and named; nothing is said weaker than it is there. Pure but for `look`. Must not know what is planned.

mod found;
mod look;
mod parties;
mod reached;
mod sources;
#[cfg(test)]
mod tests;

pub(crate) use look::bare;

use super::wanted::{Offer, wanted};
use crate::import::{Draft, Import, Object};
use crate::sql::Sql;
use adapter_spi::{Desired, Imported, Unexpressed, delivered};
use found::{Found, Runs, Share};
use mappings::model::{MemberId, PlatformId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is made of shares.
struct Shares<'a> {
    found: &'a Found,
    ask: &'a Import,
    draft: Draft<'a>,
    /// Members by account.
    members: BTreeMap<String, MemberId>,
}

/// The agreement that describes what was found; `None` where nothing has a name.
fn import(found: &Found, ask: &Import) -> Option<Imported> {
    let called = parties::called(found, ask)?;
    let draft = Draft::new(PlatformId::snowflake(), called, (&ask.entities, &found.tables));
    let mut shares = Shares { found, ask, draft, members: BTreeMap::new() };
    shares.parties();
    shares.room();
    for source in shares.sources() {
        shares.draft.dataset(&source);
    }
    shares.templates();
    let is_own = shares.is_own();
    shares.shares(is_own);
    let Shares { mut draft, .. } = shares;
    draft.unseen(&found.unseen);
    draft.remark("limits", "a share has no cap; 100 runs in 24 hours is Airlock's own");
    delivered(&mut draft.agreement, &mut draft.remarks, &ask.destinations);
    let Draft { agreement, remarks, unexpressed, .. } = draft;
    let unexpressed = unexpressed.into_iter().collect();
    Some(Imported { agreement, remarks, unexpressed, is_own })
}

impl<'a> Shares<'a> {
    /// By account: what runners' schemas of this agreement's hold.
    fn runs(&self) -> impl Iterator<Item = (&'a String, &'a Runs)> + use<'a> {
        let of = self.draft.agreement.collaboration.clone();
        let is_of = move |runs: &Runs| runs.mark.as_ref().is_none_or(|mark| mark.airlock == of);
        self.found.runs.iter().filter(move |(_, runs)| is_of(runs))
    }
}

impl Shares<'_> {
    /// What a share lets happen that an agreement doesn't, and how it is closed.
    fn shares(&mut self, is_own: bool) {
        let found = self.found;
        for share in &found.shares {
            let at = format!("share {}.{}", share.owner, share.name);
            for further in &share.further {
                self.draft.unsaid(Unexpressed {
                    code: "share-grant",
                    at: at.clone(),
                    what: further.clone(),
                    why: "agreements have no word for it".to_owned(),
                    change: "a share of views and accounts alone, which Airlock makes".to_owned(),
                    wider: true,
                });
            }
            if is_own {
                continue;
            }
            if self.is_ours(share) {
                self.draft.unsaid(Unexpressed {
                    code: "made-anew",
                    at,
                    what: "a share of this agreement's".to_owned(),
                    why: "what lies there is not all that the agreement takes, or is another version of it: `airlock apply` closes the share until templates that read it are agreed, and opens it anew".to_owned(),
                    change: "the agreement's own file or log, under which nothing is closed; or templates added to this one".to_owned(),
                    wider: false,
                });
            } else if !share.to.is_empty() {
                self.draft.unsaid(Unexpressed {
                    code: "share-lets-queries",
                    at: at.clone(),
                    what: "whoever mounts it asks what it likes".to_owned(),
                    why: "an agreement has templates that every owner approved".to_owned(),
                    change: "a template for each question, and this share closed".to_owned(),
                    wider: true,
                });
                self.draft.unsaid(Unexpressed {
                    code: "made-anew",
                    at,
                    what: share.to.iter().cloned().collect::<Vec<_>>().join(", "),
                    why: "Airlock takes up nothing that it did not make: it makes a view and a share of its own beside this one, which stays open, and `airlock plan` says so".to_owned(),
                    change: format!("once the new one is in use, by its owner: {}", closing(&share.name, &share.to)),
                    wider: true,
                });
            }
        }
        for name in &found.beside {
            self.draft.unsaid(Unexpressed {
                code: "beside",
                at: format!("share {name}"),
                what: "another share of the same agreement".to_owned(),
                why: "it was not named".to_owned(),
                change: "name it as well with --share".to_owned(),
                wider: true,
            });
        }
    }

    /// Whether what the agreement takes is what lies there, statement by statement: nothing is made anew.
    fn is_own(&self) -> bool {
        let (found, agreement) = (self.found, &self.draft.agreement);
        let seen = self.draft.unexpressed.is_empty()
            && found.unseen.is_empty()
            && found.beside.is_empty()
            && found.shares.iter().all(|share| share.further.is_empty());
        let wanted = wanted(&Desired::whole(Arc::new(agreement.clone())));
        let shared = wanted.offers.values().filter(|offer| !offer.is_own()).count();
        let runs = wanted.runners.iter().all(|(runner, room)| {
            let account = self.members.iter().find(|(_, member)| *member == runner);
            let runs = account.and_then(|(account, _)| found.runs.get(account));
            let mark = runs.and_then(|runs| runs.mark.as_ref());
            mark.is_some_and(|mark| mark.templates == room.templates)
        });
        seen && runs
            && shared > 0
            && shared == found.shares.len()
            && wanted.offers.values().all(|offer| self.is_there(offer))
    }

    fn is_there(&self, offer: &Offer) -> bool {
        let found = self.found;
        let is_it = |object: &Object| {
            let [database, ..] = &object.path;
            let put = offer.put(database);
            put.path == object.path && put.sql().as_text() == Ok(object.text.as_str())
        };
        if offer.is_own() {
            let runs = found.runs.get(&offer.provider);
            return runs.is_some_and(|runs| runs.objects.iter().any(is_it));
        }
        let own = |share: &&Share| share.owner == offer.provider && share.name == offer.share();
        found.shares.iter().find(own).is_some_and(|share| {
            share.to.iter().eq([&offer.consumer])
                && share.objects.len() == 1
                && share.objects.iter().all(is_it)
        })
    }

    /// Whether Airlock made a share for this agreement.
    fn is_ours(&self, share: &Share) -> bool {
        share.mark.as_ref().is_some_and(|mark| mark.airlock == self.draft.agreement.collaboration)
    }
}

/// The statement that lets accounts out of a share, or what is to be done where none can name it.
pub(crate) fn closing(share: &str, accounts: &BTreeSet<String>) -> String {
    let mut sql = Sql::new("ALTER SHARE ").name(share).word(" REMOVE ACCOUNTS = ");
    for (at, account) in accounts.iter().enumerate() {
        sql = if at == 0 { sql } else { sql.word(", ") }.account(account);
    }
    let plain = |c: char| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric();
    let said = sql.as_text().ok().filter(|text| text.chars().all(plain));
    said.map_or_else(
        || "its accounts removed; no statement says its name plainly".to_owned(),
        |text| format!("{text};"),
    )
}
