//! What lies on the platform, whoever made it, as an agreement; and everything of it that no agreement says. What can be said only
//! wider is left out and named; nothing is said weaker than it is there. Pure but for `look`. Must not know what is planned.

mod columns;
mod datasets;
mod found;
mod look;
mod parties;
mod policy;
mod reached;
mod tables;
#[cfg(test)]
mod tests;
mod texts;

pub(crate) use look::{Viewer, look};

use crate::names;
use crate::wanted::wanted;
use adapter_spi::{Desired, Imported, Unexpressed, blank, delivered, remarked};
use found::Found;
use mappings::agreement::Remarks;
use mappings::model::{Agreement, CollaborationId, DatasetName, Limits, MemberId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tables::Source;

/// What is to be imported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Import {
    /// Collaborations, each by its id or ARN.
    pub collaborations: Vec<String>,
    /// The Region, where no ARN says it.
    pub region: Option<String>,
    /// Accounts by the names that their members get.
    pub accounts: BTreeMap<MemberId, String>,
    /// What the agreement is called; else what is made of the name there.
    pub name: Option<CollaborationId>,
    /// Where receivers' results go, as far as that was said.
    pub destinations: BTreeMap<MemberId, String>,
}

/// An agreement that is being put together.
#[derive(Clone)]
struct Draft<'a> {
    found: &'a Found,
    ask: &'a Import,
    agreement: Agreement,
    remarks: Remarks,
    unexpressed: BTreeSet<Unexpressed>,
    /// Members by account.
    members: BTreeMap<String, MemberId>,
    /// Tables by their names there.
    sources: BTreeMap<String, Source<'a>>,
}

/// The agreement that describes what was found; `None` where nothing has a name.
pub(crate) fn import(found: &Found, ask: &Import) -> Option<Imported> {
    let mut draft = Draft {
        found,
        ask,
        agreement: blank(CollaborationId::new("x").ok()?),
        remarks: Remarks::new(),
        unexpressed: BTreeSet::new(),
        members: BTreeMap::new(),
        sources: BTreeMap::new(),
    };
    draft.agreement.collaboration = draft.called()?;
    draft.parties();
    draft.rooms();
    draft.settings();
    draft.tables();
    draft.texts();
    draft.caps();
    delivered(&mut draft.agreement, &mut draft.remarks, &ask.destinations);
    Some(draft.ended())
}

impl Draft<'_> {
    fn remark(&mut self, path: &str, remark: String) {
        remarked(&mut self.remarks, path, remark);
    }

    /// Notes what the agreement does not say.
    fn unsaid(&mut self, one: Unexpressed) {
        self.unexpressed.insert(one.shown());
    }

    /// How often runs may be made: the least of all caps over the longest of their periods.
    fn caps(&mut self) {
        let used: BTreeSet<&str> =
            self.agreement.datasets.keys().map(DatasetName::as_str).collect();
        let sources = self.sources.values().filter(|one| used.contains(one.name.as_str()));
        let mut caps: BTreeSet<(u64, u32)> = BTreeSet::new();
        let (mut uncapped, mut odd) = (Vec::new(), Vec::new());
        for source in sources {
            let at = format!("table {}", source.there);
            if source.place.caps.is_empty() {
                uncapped.push(source.name.to_string());
            }
            if source.place.caps.len() > 1 || source.place.caps.iter().any(|(.., again)| !again) {
                odd.push(at);
            }
            for (period, uses, _) in &source.place.caps {
                let seconds = match period.as_str() {
                    "CALENDAR_DAY" => 86_400,
                    "CALENDAR_WEEK" => 7 * 86_400,
                    "CALENDAR_MONTH" => 31 * 86_400,
                    _ => 366 * 86_400,
                };
                caps.insert((seconds, u32::try_from(*uses).unwrap_or_default()));
            }
        }
        for at in odd {
            self.unsaid(Unexpressed {
                code: "cap-differs",
                at,
                what: "a cap of two periods, or one that never begins anew".to_owned(),
                why: "agreements have one cap in any window of time".to_owned(),
                change: "limits: the fewest of all caps over the longest period were taken"
                    .to_owned(),
                wider: false,
            });
        }
        let longest = caps.iter().map(|(seconds, _)| *seconds).max();
        let fewest = caps.iter().map(|(_, uses)| *uses).min();
        let (Some(within_s), Some(runs_max)) = (longest, fewest) else {
            let said = "no table has a cap there; 100 runs in 24 hours is Airlock's own";
            return self.remark("limits", said.to_owned());
        };
        if caps.len() > 1 {
            let said = "caps differ there: the fewest uses over the longest period";
            self.remark("limits", said.to_owned());
        }
        if !uncapped.is_empty() {
            let said =
                format!("without a cap there, and under this one here: {}", uncapped.join(", "));
            self.remark("limits", said);
        }
        if runs_max == 0 {
            self.unsaid(Unexpressed {
                code: "cap-differs",
                at: "limits".to_owned(),
                what: "a cap of 0".to_owned(),
                why: "an agreement allows at least one run".to_owned(),
                change: "approve nothing until runs are meant to be".to_owned(),
                wider: false,
            });
        }
        self.agreement.limits = Limits { runs_max: runs_max.max(1), within_s };
    }

    /// What comes of it: whether all is there already as the agreement takes it, or is made anew beside what is there.
    fn ended(mut self) -> Imported {
        let all = wanted(&Desired::whole(Arc::new(self.agreement.clone())));
        let takes = |name: &str| all.rooms.values().any(|room| room.name == name);
        let found = self.found;
        for room in &found.collaborations {
            if takes(&room.name) {
                continue;
            }
            let ours = names::made(&room.name)
                .is_some_and(|(agreement, _)| agreement == self.agreement.collaboration);
            self.unsaid(Unexpressed {
                code: "made-anew",
                at: format!("collaboration {}", room.name),
                what: room.id.clone(),
                why: if ours {
                    "the agreement takes another one of other members, abilities or Regions; this one is closed by `airlock apply`".to_owned()
                } else {
                    "Airlock takes up nothing that it did not make: it makes a collaboration, tables, rules and templates of its own beside this one, which stays open, and `airlock plan` says so".to_owned()
                },
                change: format!(
                    "once the new one is in use, by its creator: aws cleanrooms delete-collaboration --collaboration-identifier {}",
                    room.id
                ),
                wider: !ours,
            });
        }
        let is_own = found.collaborations.iter().all(|room| takes(&room.name));
        let Draft { agreement, remarks, unexpressed, .. } = self;
        Imported { agreement, remarks, unexpressed: unexpressed.into_iter().collect(), is_own }
    }
}
