//! Which places a member may name: those that this gateway's operator wrote down for it, since the gateway opens them with its own rights. Without
//! that, whoever names another's place would have the gateway read or fill it. Must not know who calls.

use super::guarded::GuardedLately;
use super::supervisor::RunsMax;
use super::sync::Inbox;
use super::turns::{Asking, Fetching};
use crate::access::{Action, Caller, Forbids, On};
use crate::error::{Error, Problem, Result};
use crate::results::{lies_in, overlaps};
use crate::settings::{FourEyes, Http, TenantSetting};
use mappings::model::{Agreement, CollaborationId, Location, MemberId, PlatformId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Requests that guard templates, at a time.
const GUARDING_MAX: usize = 2;
/// Results that are fetched, or on their way, at a time.
const FETCHING_MAX: usize = 16;

/// What an operator set for those who call.
#[derive(Debug)]
pub(crate) struct House {
    /// The places of each member; `None` where all who call are of one house, and may name any.
    places: Option<BTreeMap<MemberId, Places>>,
    /// Leave to guard templates, which takes a processor for a while.
    pub(crate) guarding: Arc<Semaphore>,
    /// What they made lately.
    pub(crate) guarded: GuardedLately,
    /// Who fetches results, or is sent them.
    pub(crate) fetching: Fetching,
    /// Runs at a time.
    runs_max: RunsMax,
    /// What the operator forbids.
    forbids: Option<Arc<Forbids>>,
    /// What two people of a tenant decide.
    four_eyes: BTreeMap<MemberId, BTreeSet<FourEyes>>,
    /// Who asks platforms now.
    pub(super) asking: Asking,
    /// Where whoever keeps the rooms is told to look; none where nobody does here.
    pub(super) inbox: Option<Arc<Inbox>>,
}

/// The places of a member, as URLs.
#[derive(Debug, Clone, Default)]
struct Places {
    /// Its data lies in one of these.
    data: Vec<String>,
    /// Its results go into one of these.
    destinations: Vec<String>,
}

impl Default for House {
    fn default() -> Self {
        Self {
            places: None,
            guarding: Arc::new(Semaphore::new(GUARDING_MAX)),
            guarded: GuardedLately::default(),
            fetching: Fetching::of(FETCHING_MAX),
            runs_max: RunsMax::default(),
            forbids: None,
            four_eyes: BTreeMap::new(),
            asking: Asking::default(),
            inbox: None,
        }
    }
}

impl House {
    /// What the settings say.
    pub(crate) fn of(set: &Http) -> Self {
        let places = |tenant: &TenantSetting| {
            let (data, destinations) = (tenant.places.clone(), tenant.destinations.clone());
            (tenant.member.clone(), Places { data, destinations })
        };
        let runs_max = |tenant: &TenantSetting| Some((tenant.member.clone(), tenant.runs_at_once?));
        let four_eyes = |tenant: &TenantSetting| (tenant.member.clone(), tenant.four_eyes.clone());
        let written = !set.one_house && !set.tenants.is_empty();
        Self {
            places: written.then(|| set.tenants.iter().map(places).collect()),
            runs_max: RunsMax {
                in_all: set.runs_at_once,
                of_member: set.tenants.iter().filter_map(runs_max).collect(),
            },
            four_eyes: set.tenants.iter().map(four_eyes).collect(),
            ..Self::default()
        }
    }

    /// The same with policies of the operator's.
    pub(crate) fn with_policies(self, forbids: Option<Arc<Forbids>>) -> Self {
        Self { forbids, ..self }
    }

    /// Whether a policy of the operator's keeps a caller from this.
    pub(crate) fn forbids(
        &self,
        caller: &Caller,
        action: Action,
        on: On,
        of: Option<&CollaborationId>,
    ) -> bool {
        self.forbids.as_ref().is_some_and(|forbids| forbids.forbid(caller, action, on, of))
    }

    /// Whether two people of a tenant decide this.
    pub(crate) fn takes_two(&self, member: &MemberId, what: FourEyes) -> bool {
        self.four_eyes.get(member).is_some_and(|set| set.contains(&what))
    }

    /// The same with a worker that reads this.
    pub(crate) fn with_worker(self, inbox: Arc<Inbox>) -> Self {
        Self { inbox: Some(inbox), ..self }
    }

    /// Whether a member may begin a collaboration of this name. Names are everybody's, and which are taken is nobody's business: each member
    /// has those that begin with its own, and with no longer one of another.
    pub(crate) fn names(&self, collaboration: &CollaborationId, member: &MemberId) -> bool {
        let Some(places) = &self.places else { return true };
        let begins = |one: &MemberId| {
            let rest = collaboration.as_str().strip_prefix(one.as_str());
            rest.is_some_and(|rest| rest.starts_with('-'))
        };
        let longer = |one: &MemberId| one.as_str().len() > member.as_str().len() && begins(one);
        begins(member) && !places.keys().any(longer)
    }

    /// Refuses an agreement that names a place which is not its member's, or lies in the gateway's own folder.
    pub(crate) fn takes(&self, agreement: &Agreement, home: &str) -> Result<()> {
        refused(named(agreement).filter(|place| {
            let may = match &self.places {
                None => place.url.contains("://"),
                Some(known) => known.get(place.member).is_some_and(|own| own.hold(place)),
            };
            !may || overlaps(place.url, home)
        }))
    }

    /// How many runs there may be at a time.
    pub(crate) const fn runs_max(&self) -> &RunsMax {
        &self.runs_max
    }

    /// Refuses to read a member's result from a place that is not written down for it any more.
    pub(crate) fn receives(&self, member: &MemberId, url: &str) -> Result<()> {
        let Some(known) = &self.places else { return Ok(()) };
        let holds = |own: &Places| own.destinations.iter().any(|within| lies_in(url, within));
        if known.get(member).is_some_and(holds) {
            return Ok(());
        }
        let message = format!("the destination of {member} is none of those written down for it");
        Err(Error::refused("place-not-registered", message).help(
            "the result from where it lies; or the destination among [[http.tenants]] destinations",
        ))
    }

    /// The same before a run, by what the places are by then: a link may lead elsewhere than when the agreement was taken. Of members for whom
    /// nothing is written down nothing came over HTTP.
    pub(crate) fn still_takes(&self, agreement: &Agreement) -> Result<()> {
        let Some(known) = &self.places else { return Ok(()) };
        let left = |place: &Named<'_>| known.get(place.member).is_some_and(|own| !own.hold(place));
        refused(named(agreement).filter(left))
    }
}

impl Places {
    fn hold(&self, place: &Named<'_>) -> bool {
        let own = if place.is_data { &self.data } else { &self.destinations };
        own.iter().any(|within| lies_in(place.url, within))
    }
}

/// A place that an agreement names.
struct Named<'a> {
    url: &'a str,
    member: &'a MemberId,
    is_data: bool,
    at: String,
}

fn named(agreement: &Agreement) -> impl Iterator<Item = Named<'_>> {
    let data = agreement.datasets.iter().filter_map(|(name, dataset)| {
        let Some(Location::Name(url)) = dataset.at.get(&PlatformId::native()) else { return None };
        let at = format!("datasets.{name}.at.native");
        Some(Named { url, member: &dataset.owner, is_data: true, at })
    });
    let results = agreement.destinations.iter().map(|(member, url)| {
        let at = format!("destinations.{member}");
        Named { url, member, is_data: false, at }
    });
    data.chain(results)
}

fn refused<'a>(places: impl Iterator<Item = Named<'a>>) -> Result<()> {
    let problem = |place: Named<'_>| {
        Problem {
        code: "place-not-registered".to_owned(),
        at: place.at,
        message: format!("the place is none that was written down for {} here", place.member),
        help: "a whole URL in a place that the operator wrote down: [[http.tenants]] places, destinations".to_owned(),
    }
    };
    let problems: Vec<Problem> = places.map(problem).collect();
    if problems.is_empty() {
        return Ok(());
    }
    let message = format!("{} places are not their members'", problems.len());
    Err(Error::refused("place-not-registered", message).problems(problems))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house(members: &[&str]) -> House {
        let places = members.iter().map(|name| (name.parse().unwrap(), Places::default()));
        House { places: Some(places.collect()), ..House::default() }
    }

    #[test]
    fn a_member_has_the_names_that_begin_with_its_own_and_no_longer_one() {
        let house = house(&["grocer", "grocer-north", "brand"]);
        let may = |name: &str, member: &str| {
            house.names(&name.parse().unwrap(), &member.parse().unwrap())
        };
        assert!(may("grocer-spring", "grocer") && may("grocer-north-spring", "grocer-north"));
        assert!(!may("grocer-north-spring", "grocer"), "another's");
        assert!(!may("grocer", "grocer") && !may("grocers-spring", "grocer"));
        assert!(!may("brand-spring", "grocer") && !may("spring", "brand"));
        assert!(House::default().names(&"spring".parse().unwrap(), &"brand".parse().unwrap()));
    }
}
