//! Why something is not done, as a problem document (RFC 9457): one table says which status a code has. Its body is written where the
//! request's name is known (`request`). What a failure says of this machine stays in this gateway's own log.

use super::body::Unread;
use crate::error::{Error, Kind};
use crate::wire;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Why something is not done.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    error: Error,
    /// When to try again, in seconds.
    pub(super) retry_after_s: Option<u32>,
}

macro_rules! own {
    ($($name:ident, $status:ident, $code:literal, $detail:literal, $help:literal;)*) => {
        /// What is wrong with a request itself.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Own {
            $(#[doc = $detail] $name,)*
        }

        impl Own {
            /// Every one.
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            const fn told(self) -> (StatusCode, &'static str, &'static str, &'static str) {
                match self {
                    $(Self::$name => (StatusCode::$status, $code, $detail, $help),)*
                }
            }
        }
    };
}

own! {
    RequestMalformed, BAD_REQUEST, "request-malformed", "the request can't be read", "GET /openapi.json says what is read";
    JsonUnreadable, BAD_REQUEST, "json-unreadable", "the body is not the JSON that is read here", "GET /openapi.json says what is read; names that are not there are refused, and so are names that come twice";
    BodyUnread, BAD_REQUEST, "body-unread", "the body ended too early", "the whole body, as long as its head says";
    KeyMissing, BAD_REQUEST, "idempotency-key-missing", "a change has a key under which it is done once", "Idempotency-Key: 16 to 128 visible characters, a new one for each change and the same for the same again";
    KeyMalformed, BAD_REQUEST, "idempotency-key-malformed", "the key under which it is asked is none", "Idempotency-Key: 16 to 128 visible characters, once";
    IfMatchMissing, PRECONDITION_REQUIRED, "if-match-missing", "what it is decided on is not said", "If-Match: the ETag of the collaboration that was looked at";
    IfMatchUnreadable, BAD_REQUEST, "if-match-unreadable", "what it is decided on can't be read", "If-Match: one ETag of the collaboration, or * for whatever is there";
    QueryInvalid, BAD_REQUEST, "query-invalid", "the query is not one that is read here", "GET /openapi.json says what is read";
    TokenMissing, UNAUTHORIZED, "token-missing", "no access token is shown", "Authorization: Bearer TOKEN";
    TokenInvalid, UNAUTHORIZED, "token-invalid", "the access token is not good here", "a fresh one of an issuer in [[http.issuers]], for this audience";
    RoleMissing, FORBIDDEN, "role-missing", "the access token names no role that is known here", "member-admin, data-steward, analyst, privacy-officer or auditor; or operator alone";
    SessionMissing, FORBIDDEN, "session-missing", "nobody is signed in here, or the session is over; nothing was done", "GET /console/sign-in, then the same form again from its page";
    SignInRefused, FORBIDDEN, "sign-in-refused", "the access token is not good here", "a fresh one of an issuer in [[http.issuers]], for this audience; one of the development issuer is good for five minutes";
    SignInAway, SERVICE_UNAVAILABLE, "sign-in-away", "it is not known now where this issuer signs people in", "the same again, in a moment: its document is asked for in the background";
    SignInUnreadable, BAD_REQUEST, "sign-in-unreadable", "what the browser brings is no answer of an issuer: a code or an error, and a state, each once", "GET /console/sign-in, and its button";
    SignInState, FORBIDDEN, "sign-in-state", "this is no answer to what this browser asked an issuer in the last ten minutes, or it was brought before", "GET /console/sign-in, and its button again, in one browser that keeps cookies";
    SignInMixed, FORBIDDEN, "sign-in-mixed", "the answer is not of the issuer that was asked", "GET /console/sign-in, and its button again";
    SignInDenied, FORBIDDEN, "sign-in-denied", "the issuer did not let you in, or you did not go on there", "GET /console/sign-in, and somebody whom the issuer lets use this gateway";
    SignInIssuer, BAD_GATEWAY, "sign-in-issuer", "the issuer gave no tokens for this sign-in", "the button again; where that is of no use, the operator's log names what the issuer said";
    SignInTokens, FORBIDDEN, "sign-in-tokens", "what the issuer gave is not good here", "an access token for this gateway's audience, of fifteen minutes at most, with an organisation and roles; the operator's log names what is wrong";
    ConsoleOfMembers, FORBIDDEN, "console-of-members", "the console shows what is a member's, and this token speaks for none", "a token of somebody of a member";
    FormForeign, FORBIDDEN, "form-foreign", "the form does not come from a page of this gateway", "the form of the page itself, in a browser that says where it is sent from: Sec-Fetch-Site: same-origin, or the gateway's own Origin";
    FormForged, FORBIDDEN, "form-forged", "the form was not made for this in this session; nothing was done", "the page again, and its form";
    FormUnreadable, BAD_REQUEST, "form-unreadable", "the form does not say what it is about, or says it twice", "the page again, and its form";
    PathUnknown, NOT_FOUND, "not-found", "there is nothing of this name, or nothing that this caller may see", "GET /openapi.json names every path";
    MethodUnknown, METHOD_NOT_ALLOWED, "method-unknown", "this path does not answer to this method", "GET /openapi.json names every path";
    BodyTooLarge, PAYLOAD_TOO_LARGE, "body-too-large", "the body is longer than what is read here", "64 KiB; an agreement has 4 MiB at most";
    MediaTypeUnknown, UNSUPPORTED_MEDIA_TYPE, "media-type-unknown", "the body is of a type that is not read here", "Content-Type: application/json";
    HostUnknown, MISDIRECTED_REQUEST, "host-unknown", "this gateway is not known by this name", "a name in [http] hosts, or a loopback name";
    TooManyRequests, TOO_MANY_REQUESTS, "too-many-requests", "too many requests are under way", "the same again, later";
    TimedOut, SERVICE_UNAVAILABLE, "timed-out", "it took too long; it may have been done all the same", "a look at what became of it, then the same again";
    Bug, INTERNAL_SERVER_ERROR, "bug", "this gateway failed at it, and goes on", "please report it, with what the gateway says where it was started";
}

/// What there is too much of now ends in the meantime, perhaps; a run's cap is of a day.
const LATER_S: u32 = 10;

/// What is said of a failure whose own words are for the operator.
const FAILED: &str = "this gateway could not do it; its own log says why, under the request's name";

impl Problem {
    /// One of several things that were wrong, for whoever reads answers.
    fn places(&self) -> Vec<wire::Place> {
        self.error.problems.iter().cloned().map(wire::Place::from).collect()
    }

    /// What whoever runs the gateway may read of it; of what only the caller did wrong there is nothing to read.
    pub(super) fn for_operators(&self) -> Option<String> {
        let told = self.error.kind == Kind::Failed || self.status.is_server_error();
        told.then(|| format!("{} [{}]", self.error.message, self.error.code))
    }

    /// The document.
    pub(super) fn document(&self, request_id: &str) -> wire::ProblemDocument {
        let Error { kind, code, message, help, .. } = &self.error;
        // A failure's own words may hold paths, accounts and what a platform said; those of a store that is away are fixed.
        let (detail, help, problems) = match *kind {
            Kind::Failed if self.status == StatusCode::INTERNAL_SERVER_ERROR => {
                (FAILED.to_owned(), String::new(), Vec::new())
            }
            Kind::Failed => (message.clone(), help.clone(), Vec::new()),
            Kind::Invalid | Kind::Refused | Kind::Cancelled => {
                (message.clone(), help.clone(), self.places())
            }
        };
        wire::ProblemDocument {
            kind: format!("/problems/{code}"),
            title: code.replace('-', " "),
            status: self.status.as_u16(),
            code: code.clone(),
            detail,
            help,
            problems,
            request_id: request_id.to_owned(),
        }
    }

    /// The document of an answer that nobody of ours wrote.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let own = match status {
            StatusCode::NOT_FOUND => Own::PathUnknown,
            StatusCode::METHOD_NOT_ALLOWED => Own::MethodUnknown,
            StatusCode::PAYLOAD_TOO_LARGE => Own::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Own::MediaTypeUnknown,
            _ if status.is_server_error() => Own::Bug,
            _ => Own::RequestMalformed,
        };
        own.into()
    }
}

impl From<Unread> for Own {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLong => Self::BodyTooLarge,
            Unread::Cut => Self::BodyUnread,
        }
    }
}

impl From<Own> for Problem {
    fn from(own: Own) -> Self {
        let (status, code, detail, help) = own.told();
        let kind = if own == Own::Bug { Kind::Failed } else { Kind::Invalid };
        let retry_after_s = matches!(own, Own::TooManyRequests | Own::TimedOut).then_some(1);
        Self { status, error: Error::new(kind, code, detail).help(help), retry_after_s }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = status(error.kind, &error.code);
        let retry_after_s = match status {
            StatusCode::SERVICE_UNAVAILABLE => Some(1),
            StatusCode::TOO_MANY_REQUESTS => Some(LATER_S),
            _ => None,
        };
        Self { status, error, retry_after_s }
    }
}

/// The status of a code.
fn status(kind: Kind, code: &str) -> StatusCode {
    match code {
        "collaboration-unknown" | "not-found" => StatusCode::NOT_FOUND,
        "share-token-invalid" | "share-token-expired" => StatusCode::UNAUTHORIZED,
        "not-permitted" | "policy-forbids" | "person-needed" | "share-closed"
        | "share-url-invalid" | "share-url-expired" => StatusCode::FORBIDDEN,
        "share-unsupported" | "share-query-invalid" | "share-page-invalid" => {
            StatusCode::BAD_REQUEST
        }
        "share-range" => StatusCode::RANGE_NOT_SATISFIABLE,
        "changed-meanwhile" => StatusCode::PRECONDITION_FAILED,
        "if-match-missing" => StatusCode::PRECONDITION_REQUIRED,
        "runs-at-once"
        | "fetching-at-once"
        | "cap-spent"
        | "share-reads-max"
        | "platforms-asked-already"
        | "platforms-busy" => StatusCode::TOO_MANY_REQUESTS,
        // Its words are ours.
        "room-unseen" => StatusCode::BAD_GATEWAY,
        // Their words are fixed and name nothing of this machine.
        "storage-unavailable"
        | "store-unavailable"
        | "store-denied"
        | "store-full"
        | "store-read-only"
        | "store-conflict"
        | "lease-lost"
        | "log-busy"
        | "triggers-full" => StatusCode::SERVICE_UNAVAILABLE,
        "manifest-missing" | "manifest-differs" | "manifest-unreadable" | "file-differs" => {
            StatusCode::CONFLICT
        }
        _ => match kind {
            Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::Refused | Kind::Cancelled => StatusCode::CONFLICT,
            Kind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Own {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_nothing_of_this_machine_and_a_refusal_says_all() {
        let path = std::path::Path::new("/srv/zqsentinel/heads");
        let io = Error::io("write", path, &std::io::ErrorKind::PermissionDenied.into());
        let failed = Problem::from(io);
        let document = serde_json::to_string(&failed.document("r")).unwrap();
        assert!(!document.contains("zqsentinel"), "{document}");
        assert!(document.contains(FAILED) && document.contains("/problems/io"));
        assert!(failed.for_operators().unwrap().contains("zqsentinel"));
        let refused = Error::refused("member-dropped", "the agreement leaves out a member");
        let refused = Problem::from(refused.help("every member"));
        let document = refused.document("r");
        assert_eq!(
            (document.status, document.detail.as_str()),
            (409, "the agreement leaves out a member")
        );
        assert_eq!(refused.for_operators(), None);
    }

    #[test]
    fn what_may_pass_later_says_when() {
        let full = Problem::from(Error::failed("store-full", "the store is full"));
        assert_eq!((full.status.as_u16(), full.retry_after_s), (503, Some(1)));
        let busy = Problem::from(Error::refused("platforms-busy", "others ask"));
        assert_eq!((busy.status.as_u16(), busy.retry_after_s), (429, Some(LATER_S)));
        let dropped = Problem::from(Error::refused("member-dropped", "a member is left out"));
        assert_eq!((dropped.status.as_u16(), dropped.retry_after_s), (409, None));
        let document = full.document("r");
        assert_eq!(document.detail, "the store is full");
        for own in Own::ALL {
            let problem = Problem::from(*own);
            assert!(problem.status.as_u16() >= 400 && !problem.document("r").detail.is_empty());
        }
    }
}
