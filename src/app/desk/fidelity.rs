//! How each room holds each term of the agreement in force, or of the one that waits.

use super::plans::behaviour;
use super::templates::agreement;
use super::{Desk, texts};
use crate::access::Action;
use crate::app::agreements;
use crate::error::Result;
use crate::log::State;
use crate::reconcile::{Loss, losses};
use crate::{wire, wiring};
use adapter_spi::{Assessment, Fidelity, Residual, Verdict};
use mappings::model::{Agreement, PlatformId};
use mappings::table::Term;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Desk<'_> {
    /// Each agreed term by each room.
    pub(crate) async fn fidelity(&self, name: &str) -> Result<wire::Fidelity> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        let (agreement, state) = (agreement(&seen)?, Arc::clone(&seen.loaded.state));
        let assessed = self.guarding(move || fidelity(&agreement, &state)).await?;
        let behaviours = assessed.rooms.iter().map(|room| self.counted_on(room)).collect();
        Ok(wire::Fidelity { behaviours, ..assessed })
    }

    /// What a room counts on, with what was found in this gateway's accounts where it has one there.
    fn counted_on(&self, room: &str) -> Vec<wire::Behaviour> {
        let Ok(room) = room.parse::<PlatformId>() else { return Vec::new() };
        let reached = self.app.rooms.adapter(&room);
        let known = reached.map(|adapter| adapter.capabilities().behaviours.clone());
        let all = known.unwrap_or_else(|_| agreements::counts_on(&room));
        all.into_iter().map(behaviour).collect()
    }
}

fn fidelity(agreement: &Agreement, state: &State) -> Result<wire::Fidelity> {
    let (digest, assessed) = (agreement.digest(), wiring::assess(agreement)?);
    let mut terms: BTreeMap<(Term, &str), Vec<Option<wire::RoomHeld>>> = BTreeMap::new();
    for (n, room) in assessed.iter().enumerate() {
        let losses = losses((agreement, digest), room, state);
        for verdict in &room.verdicts {
            let rooms = terms.entry((verdict.term, verdict.at.as_str()));
            let rooms = rooms.or_insert_with(|| vec![None; assessed.len()]);
            if let Some(place) = rooms.get_mut(n) {
                *place = Some(held(room, verdict, &losses));
            }
        }
    }
    let term = |((term, at), rooms): ((Term, &str), _)| wire::TermHeld {
        term: term.to_string(),
        meaning: term.meaning().trim().to_owned(),
        at: at.to_owned(),
        rooms,
    };
    Ok(wire::Fidelity {
        agreement: digest.to_string(),
        rooms: assessed.iter().map(|room| room.platform.to_string()).collect(),
        terms: terms.into_iter().map(term).collect(),
        behaviours: Vec::new(),
    })
}

fn held(room: &Assessment, verdict: &Verdict, losses: &[Loss]) -> wire::RoomHeld {
    let loss = losses.iter().find(|loss| loss.term == verdict.term && loss.at == verdict.at);
    let residual = loss.map_or(verdict.residual, |loss| loss.residual);
    let (held, by) = words(verdict.fidelity, residual);
    wire::RoomHeld {
        room: room.platform.to_string(),
        held: held.to_owned(),
        by: by.to_owned(),
        construct: verdict.construct.clone(),
        reason: verdict.reason.clone(),
        waived_by: loss.map(|loss| texts(&loss.waived_by)).unwrap_or_default(),
        needs: loss.map(|loss| texts(&loss.needs)).unwrap_or_default(),
    }
}

/// How it is held, and who does it.
const fn words(fidelity: Fidelity, residual: Residual) -> (&'static str, &'static str) {
    let by = match residual {
        Residual::Gateway => "gateway",
        Residual::Template => "template",
        Residual::Waived => "waiver",
        Residual::None => "room",
    };
    let held = match (fidelity, residual) {
        (Fidelity::Exact, _) => "exact",
        (Fidelity::Narrower, _) => "narrower",
        (Fidelity::Wider | Fidelity::Unsupported, Residual::Gateway) => "gateway",
        (Fidelity::Wider | Fidelity::Unsupported, Residual::Template) => "template",
        (Fidelity::Wider | Fidelity::Unsupported, Residual::Waived) => "waived",
        (Fidelity::Wider, Residual::None) => "wider",
        (Fidelity::Unsupported, Residual::None) => "unsupported",
    };
    (held, by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_admits_more_is_never_called_held_by_the_room() {
        for fidelity in [Fidelity::Wider, Fidelity::Unsupported] {
            for residual in
                [Residual::Gateway, Residual::Template, Residual::Waived, Residual::None]
            {
                let (held, _) = words(fidelity, residual);
                assert!(held != "exact" && held != "narrower", "{fidelity:?} {residual:?}: {held}");
            }
        }
        assert_eq!(words(Fidelity::Wider, Residual::None), ("wider", "room"));
        assert_eq!(words(Fidelity::Exact, Residual::Template), ("exact", "template"));
    }
}
