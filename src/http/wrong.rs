//! What may be wrong with a call, for the document: a problem of each status that it may have.

use std::collections::BTreeMap;
use utoipa::IntoResponses;
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};

const OF_ALL: [(&str, &str); 8] = [
    ("400", "The request can't be read."),
    ("401", "No token, or none that is good here."),
    ("403", "The caller's roles do not permit it."),
    ("404", "There is nothing of this name, or nothing that this caller may see."),
    ("421", "This gateway is not known by the name under which it was asked."),
    ("429", "Too many requests are under way; `Retry-After` says when to ask again."),
    ("500", "The gateway failed at it; its own log says why."),
    ("503", "It can't be done now; `Retry-After` says when to ask again."),
];

const OF_CHANGES: [(&str, &str); 6] = [
    ("409", "A rule says no."),
    ("412", "Something was decided since the caller looked."),
    ("413", "The body is too long."),
    ("415", "The body is of a type that is not read here."),
    ("422", "What is said is not valid, or the key was used for something else."),
    ("428", "What it is decided on is not said."),
];

const OF_CHECKS: [(&str, &str); 4] = [
    ("409", "The guard or a room refuses it; `problems` has every reason."),
    ("413", "The body is too long."),
    ("415", "The body is of a type that is not read here."),
    ("422", "It is no agreement; `problems` has every reason."),
];

const OF_PLATFORMS: [(&str, &str); 3] = [
    ("409", "A rule says no."),
    ("422", "This gateway reaches nobody there."),
    ("502", "The platform could not be looked at now."),
];

/// Of a check.
pub(super) struct Check;

impl IntoResponses for Check {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        all(&[&OF_ALL, &OF_CHECKS])
    }
}

/// Of what asks a platform.
pub(super) struct Platform;

impl IntoResponses for Platform {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        all(&[&OF_ALL, &OF_PLATFORMS])
    }
}

/// Of a change.
pub(super) struct Change;

impl IntoResponses for Change {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        all(&[&OF_ALL, &OF_CHANGES])
    }
}

/// Of a read.
pub(super) struct Read;

impl IntoResponses for Read {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        all(&[&OF_ALL])
    }
}

fn all(of: &[&[(&str, &str)]]) -> BTreeMap<String, RefOr<Response>> {
    let body = || Content::new(Some(Ref::from_schema_name("ProblemDocument")));
    let told = |(status, description): &(&str, &str)| {
        let response = ResponseBuilder::new().description(*description);
        let response = response.content("application/problem+json", body()).build();
        ((*status).to_owned(), RefOr::T(response))
    };
    of.iter().flat_map(|some| some.iter()).map(told).collect()
}
