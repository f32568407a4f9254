//! Whose account, in which Region, an agreement names; and those that only earlier agreements named. Pure.

use crate::error::made;
use crate::seen::Seat;
use adapter_spi::{AdapterError, ErrorKind, Result, Retry, Scope};
use mappings::model::{Agreement, MemberId, PlatformId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where an agreement puts a member.
pub(crate) fn seat(agreement: &Agreement, member: &MemberId) -> Result<Seat> {
    let platform = PlatformId::aws_clean_rooms();
    let account = agreement.members.get(member).and_then(|one| one.identity.get(&platform));
    let account = account.ok_or_else(|| {
        missing("identity-missing", format!("the agreement pins no account of {member}"))
    })?;
    let room = agreement.rooms.iter().find(|room| room.platform == platform);
    let region = room.and_then(|room| room.region.as_ref()).ok_or_else(|| {
        missing("region-missing", "the agreement names no Region for this room".to_owned())
    })?;
    let (account, region) = (account.clone(), region.as_str().to_owned());
    Ok(Seat { member: member.clone(), account, region })
}

fn missing(code: &'static str, reason: String) -> AdapterError {
    made(ErrorKind::PermissionDenied, code, Retry::Never, "connect", reason)
}

/// Where earlier agreements put their members and the newest puts nobody, each with all that named it. An account that the
/// newest gives to another member is that member's now.
pub(crate) fn past(scope: &Scope) -> BTreeMap<Seat, Vec<Arc<Agreement>>> {
    let of = |agreement: &Arc<Agreement>| {
        let seats = agreement.members.keys().filter_map(|member| seat(agreement, member).ok());
        seats.collect::<Vec<Seat>>()
    };
    let taken: BTreeSet<(String, String)> =
        of(&scope.agreement).into_iter().map(|seat| (seat.account, seat.region)).collect();
    let mut past: BTreeMap<Seat, Vec<Arc<Agreement>>> = BTreeMap::new();
    for agreement in &scope.past {
        for seat in of(agreement) {
            if !taken.contains(&(seat.account.clone(), seat.region.clone())) {
                past.entry(seat).or_default().push(Arc::clone(agreement));
            }
        }
    }
    past
}

#[cfg(test)]
mod tests {
    //! Who was put elsewhere once is found there; what is somebody's now is left to that.
    use super::*;

    fn agreement(changes: &[(&str, &str)]) -> Arc<Agreement> {
        let document =
            adapter_spi::suite::agreement(&PlatformId::aws_clean_rooms(), "suite-seats", 1);
        let mut text = document.to_string();
        for (from, to) in changes {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        Arc::new(serde_json::from_str(&text).unwrap())
    }

    fn found(now: &Arc<Agreement>, past_ones: &[&Arc<Agreement>]) -> Vec<(String, String, usize)> {
        let past_ones = past_ones.iter().map(|one| Arc::clone(one)).collect();
        let scope = Scope { past: past_ones, ..Scope::of(now) };
        let seats = past(&scope).into_iter();
        seats.map(|(seat, of)| (seat.member.to_string(), seat.account, of.len())).collect()
    }

    #[test]
    fn an_account_of_an_earlier_agreement_is_looked_at_as_well() {
        let now = agreement(&[]);
        assert!(found(&now, &[&now]).is_empty(), "nothing changed");
        let moved = agreement(&[("111111111111", "333333333333")]);
        let elsewhere = ("provider".to_owned(), "333333333333".to_owned(), 2);
        assert_eq!(found(&now, &[&moved, &moved]), [elsewhere]);
        let region = seat(&now, &"provider".parse().unwrap()).unwrap().region;
        let other = if region == "us-east-1" { "us-west-2" } else { "us-east-1" };
        let away = agreement(&[(region.as_str(), other)]);
        assert_eq!(found(&now, &[&away]).len(), 2, "both in another Region");
    }

    #[test]
    fn an_account_that_is_another_members_now_is_not_looked_at_as_the_formers() {
        let now = agreement(&[]);
        let swapped = agreement(&[
            ("111111111111", "999999999999"),
            ("222222222222", "111111111111"),
            ("999999999999", "222222222222"),
        ]);
        assert!(found(&now, &[&swapped]).is_empty());
    }
}
