//! Which places a member may name: those that this gateway's operator wrote down for it, since the gateway opens them with its own rights. Without
//! that, whoever names another's place would have the gateway read or fill it.

use super::Desk;
use crate::error::{Error, Problem, Result};
use crate::results::{lies_in, overlaps};
use crate::wiring;
use mappings::model::{Agreement, CollaborationId, Location, MemberId, PlatformId};
use std::collections::BTreeMap;

/// What an operator set for those who call.
#[derive(Debug, Default)]
pub(crate) struct House {
    /// The places of each member; `None` where all who call are of one house, and may name any.
    pub(crate) places: Option<BTreeMap<MemberId, Places>>,
}

/// The places of a member, as URLs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    /// Its data lies in one of these.
    pub(crate) data: Vec<String>,
    /// Its results go into one of these.
    pub(crate) destinations: Vec<String>,
}

impl House {
    /// Whether a member may begin a collaboration of this name. Names are everybody's, and which are taken is nobody's business: each member
    /// has those that begin with its own.
    pub(super) fn names(&self, collaboration: &CollaborationId, member: &MemberId) -> bool {
        let own = collaboration.as_str().strip_prefix(member.as_str());
        self.places.is_none() || own.is_some_and(|rest| rest.starts_with('-'))
    }
}

impl Desk<'_> {
    /// Refuses an agreement that names a place which is not its member's.
    pub(super) fn places_hold(&self, agreement: &Agreement) -> Result<()> {
        let home = wiring::location(&self.app.home.root().to_string_lossy())?;
        let mut problems = Vec::new();
        let mut look = |place: &str,
                        at: String,
                        member: &MemberId,
                        of: fn(&Places) -> &Vec<String>| {
            let known = self.house.places.as_ref();
            let own = known.and_then(|known| known.get(member)).map(of);
            let may = match known {
                None => place.contains("://"),
                Some(_) => own.is_some_and(|own| own.iter().any(|within| lies_in(place, within))),
            };
            if !may || overlaps(place, &home) {
                problems.push(Problem {
                    code: "place-not-registered".to_owned(),
                    at,
                    message: format!("the place is none that was written down for {member} here"),
                    help: "a whole URL in a place that the operator wrote down: [[http.tenants]] places, destinations".to_owned(),
                });
            }
        };
        for (name, dataset) in &agreement.datasets {
            if let Some(Location::Name(place)) = dataset.at.get(&PlatformId::native()) {
                look(place, format!("datasets.{name}.at.native"), &dataset.owner, |own| &own.data);
            }
        }
        for (receiver, place) in &agreement.destinations {
            look(place, format!("destinations.{receiver}"), receiver, |own| &own.destinations);
        }
        if problems.is_empty() {
            return Ok(());
        }
        let message = format!("{} places are not their members'", problems.len());
        Err(Error::refused("place-not-registered", message).problems(problems))
    }
}
