//! What a token says, once its signature is known to be its issuer's: for whom it is, from when until when, who calls and as what. Pure. Must
//! not know how tokens are signed, nor what a caller may do.

use super::issuer::Issuer;
use super::json::{Json, Object};
use super::jws::plain_text;
use super::refused::Refused;
use crate::access::{Caller, Role, Who};
use std::collections::BTreeSet;

/// How far an issuer's clock may be off.
pub(super) const LEEWAY_S: i64 = 60;
/// The end of the year 9999: later times are mistakes, and times in milliseconds stay far from the end of their type.
const SECONDS_MAX: i64 = 253_402_300_799;

/// A caller, and when its token is good: from the first on, until the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Good {
    pub(super) caller: Caller,
    pub(super) from_ms: i64,
    pub(super) until_ms: i64,
}

impl Good {
    /// Whether it is now.
    pub(super) const fn is_at(&self, now_ms: i64) -> bool {
        self.from_ms <= now_ms && now_ms < self.until_ms
    }
}

/// The claims of a token of this issuer, at this time.
pub(super) fn good(claims: &Object, issuer: &Issuer, now_ms: i64) -> Result<Good, Refused> {
    if !claims.get("aud").is_some_and(|aud| names(aud, issuer.audience())) {
        return Err(Refused::Audience);
    }
    let (from_ms, until_ms) = times(claims, issuer.life_max_s(), now_ms)?;
    let subject = claims.get("sub").and_then(plain_text).ok_or(Refused::Subject)?;
    claims.get("jti").and_then(plain_text).ok_or(Refused::TokenId)?;
    let who = Who::new(issuer.name(), subject, is_person(claims, issuer, subject));
    let caller = caller(claims, issuer, who, until_ms)?;
    Ok(Good { caller, from_ms, until_ms })
}

/// Whether an audience is this one alone, or has it among others.
fn names(aud: &Json, audience: &str) -> bool {
    let among = || aud.texts().is_some_and(|texts| texts.contains(&audience));
    aud.text() == Some(audience) || among()
}

/// Whether its issuer says of it that it is a person: by a claim that it writes of people alone, and of nothing that calls in its own name.
fn is_person(claims: &Object, issuer: &Issuer, subject: &str) -> bool {
    let said = issuer.person_claim().and_then(|claim| claims.get(claim));
    let is_said = said.is_some_and(|said| plain_text(said).is_some() || said.integer().is_some());
    let calls_itself = |claim| claims.get(claim).and_then(Json::text) == Some(subject);
    is_said && !["client_id", "azp"].into_iter().any(calls_itself)
}

fn times(claims: &Object, life_max_s: i64, now_ms: i64) -> Result<(i64, i64), Refused> {
    let expires = seconds(claims.get("exp"), Refused::Expiry)?;
    let issued = seconds(claims.get("iat"), Refused::Issued)?;
    let not_before = claims.get("nbf").map(|nbf| seconds(Some(nbf), Refused::NotBefore));
    let not_before = not_before.transpose()?.unwrap_or(issued);
    if !(1..=life_max_s).contains(&(expires - issued)) {
        return Err(Refused::Life);
    }
    let earliest = |seconds: i64| (seconds - LEEWAY_S) * 1_000;
    let until_ms = (expires + LEEWAY_S) * 1_000;
    if now_ms >= until_ms {
        return Err(Refused::Expired);
    }
    if now_ms < earliest(issued) {
        return Err(Refused::IssuedLater);
    }
    if now_ms < earliest(not_before) {
        return Err(Refused::NotYet);
    }
    Ok((earliest(issued.max(not_before)), until_ms))
}

/// A time in whole seconds since 1970, within what anybody can mean.
pub(super) fn seconds(value: Option<&Json>, malformed: Refused) -> Result<i64, Refused> {
    let seconds = value.and_then(Json::integer);
    seconds.filter(|seconds| (0..=SECONDS_MAX).contains(seconds)).ok_or(malformed)
}

fn caller(claims: &Object, issuer: &Issuer, who: Who, until_ms: i64) -> Result<Caller, Refused> {
    let roles = claims.get(issuer.roles_claim()).and_then(Json::texts).ok_or(Refused::Roles)?;
    // Issuers have roles of their own beside ours.
    let roles: BTreeSet<Role> = roles.iter().filter_map(|role| role.parse().ok()).collect();
    let organisation = claims.get(issuer.organisation_claim());
    if roles.contains(&Role::Operator) {
        if roles.len() > 1 || organisation.is_some() {
            return Err(Refused::OperatorMixed);
        }
        if !issuer.names_operators() {
            return Err(Refused::OperatorUnknown);
        }
        return Ok(Caller::operator(who, until_ms));
    }
    let organisation = organisation.and_then(plain_text).ok_or(Refused::Organisation)?;
    let tenant = issuer.tenant(organisation).ok_or(Refused::OrganisationUnknown)?;
    Caller::of_member(tenant.clone(), who, roles, until_ms).ok_or(Refused::NoRole)
}
