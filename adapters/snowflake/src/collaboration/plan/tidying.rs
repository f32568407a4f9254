//! Registered specs of ours that nothing needs any more: some are kept, since what was withdrawn may be offered again as it was, and
//! the rest is taken back, so that registries do not grow for ever. Nothing opens or closes by it; it waits until all else is done.

use super::{Planned, Subject};
use crate::collaboration::call::Call;
use crate::collaboration::seen::{Account, Asks, Room as View};
use adapter_spi::Effect;
use mappings::model::{Digest, MemberId};
use std::collections::{BTreeMap, BTreeSet};

/// So many old specs of a kind may stay in an account.
const OLD_MAX: usize = 16;

type Specs = BTreeMap<String, Option<Digest>>;

/// Every id that is in use in a collaboration, or is asked for.
fn used(view: &View) -> impl Iterator<Item = &String> {
    let runners = view.spec.runners.values();
    let applied = runners.flat_map(|one| one.providers.values().flatten().chain(&one.templates));
    let asked = view.requests.iter().filter_map(|request| match &request.asks {
        Asks::Template { id, .. } if request.status.is_open() => Some(id),
        Asks::Template { .. } | Asks::Edit | Asks::Other => None,
    });
    applied.chain(asked)
}

impl Subject<'_> {
    /// The steps that take specs back.
    pub(super) fn tidying(&self) -> Vec<Planned> {
        let rooms = self.seen.all().flat_map(|(_, account)| account.rooms.values());
        let mut needed: BTreeSet<&String> = rooms.flat_map(used).collect();
        needed.extend(self.wanted.offerings.values().map(|one| &one.id));
        let rooms = self.wanted.rooms.values();
        needed.extend(rooms.flat_map(|room| room.templates.values()).map(|said| &said.id));
        let mut planned = Vec::new();
        for (member, account) in self.agreed() {
            let of = (member, account, &needed);
            let offering = |id: String| Call::UnregisterOffering { id };
            planned.extend(old(of, &account.offerings, offering));
            let template = |id: String| Call::UnregisterTemplate { id };
            planned.extend(old(of, &account.templates, template));
        }
        planned
    }
}

/// What is over the number that may stay.
fn old(
    (member, account, needed): (&MemberId, &Account, &BTreeSet<&String>),
    specs: &Specs,
    call: impl Fn(String) -> Call,
) -> Vec<Planned> {
    let old = specs.keys().filter(|id| !needed.contains(id) && !account.kept.contains(*id));
    let old: Vec<&String> = old.collect();
    let over = old.len().saturating_sub(OLD_MAX);
    let steps = old.into_iter().take(over).map(|id| {
        Planned::new(member, Effect::Neutral, "spec", call(id.clone())).named(id.clone())
    });
    steps.collect()
}
