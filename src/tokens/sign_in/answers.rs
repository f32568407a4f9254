//! What an issuer says of a sign-in: by way of a browser (RFC 6749, section 4.1.2), and for a code (section 5). Its free text is not kept: it is none of
//! ours. Pure. Must not know what was asked.

use crate::tokens::json::{self, Json};
use std::collections::BTreeMap;
use std::fmt;
use url::form_urlencoded;

/// Parameters that mean something here.
const READ: [&str; 4] = ["state", "iss", "code", "error"];
const CODE_MAX: usize = 4 * 1_024;
/// Objects and arrays in one another.
const DEPTH_MAX: usize = 8;

/// What a browser brings back.
pub(super) struct Brought {
    pub(super) state: String,
    /// Who says so of itself (RFC 9207); not every issuer does.
    pub(super) issuer: Option<String>,
    pub(super) said: Said,
}

/// What an issuer says by way of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Code(String),
    Denied,
    Failed(&'static str),
}

/// What it gives for a code. It is not shown by accident.
pub(super) struct Given {
    pub(super) access_token: String,
    pub(super) id_token: String,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}

/// Reads a query: each parameter that means something once, and a code or an error, not both. Others are passed over, as RFC 6749 has it.
pub(super) fn brought(query: &str) -> Option<Brought> {
    let mut found = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if READ.contains(&name.as_ref()) && found.insert(name, value.into_owned()).is_some() {
            return None;
        }
    }
    let said = match (found.remove("code"), found.remove("error")) {
        (Some(code), None) => Some(code).filter(|code| is_code(code)).map(Said::Code)?,
        (None, Some(error)) => failed(&error),
        (Some(_), Some(_)) | (None, None) => return None,
    };
    Some(Brought { state: found.remove("state")?, issuer: found.remove("iss"), said })
}

fn is_code(text: &str) -> bool {
    (1..=CODE_MAX).contains(&text.len()) && text.bytes().all(|b| matches!(b, b' '..=b'~'))
}

/// RFC 6749, section 4.1.2.1, and `OpenID` Connect Core, section 3.1.2.6.
fn failed(error: &str) -> Said {
    Said::Failed(match error {
        "access_denied" => return Said::Denied,
        "invalid_request" => "issuer-invalid-request",
        "unauthorized_client" => "issuer-unauthorized-client",
        "unsupported_response_type" => "issuer-unsupported-response-type",
        "invalid_scope" => "issuer-invalid-scope",
        "server_error" => "issuer-server-error",
        "temporarily_unavailable" => "issuer-temporarily-unavailable",
        "interaction_required" => "issuer-interaction-required",
        "login_required" => "issuer-login-required",
        "account_selection_required" => "issuer-account-selection-required",
        "consent_required" => "issuer-consent-required",
        _ => "issuer-other-error",
    })
}

/// Reads what a token endpoint answers: two tokens, or why not, by a code of ours.
pub(super) fn given(status: u16, body: &[u8]) -> Result<Given, &'static str> {
    let read = json::object(body, DEPTH_MAX).map_err(|_| "token-answer-unreadable");
    if status != 200 {
        let error = read.ok().and_then(|answer| Some(answer.get("error")?.text()?.to_owned()));
        return Err(match error.as_deref() {
            Some("invalid_request") => "token-invalid-request",
            Some("invalid_client") => "token-invalid-client",
            Some("invalid_grant") => "token-invalid-grant",
            Some("unauthorized_client") => "token-unauthorized-client",
            Some("unsupported_grant_type") => "token-unsupported-grant-type",
            Some("invalid_scope") => "token-invalid-scope",
            Some(_) | None => "token-answer-status",
        });
    }
    let answer = read?;
    let is_bearer =
        |kind: &Json| kind.text().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
    if !answer.get("token_type").is_some_and(is_bearer) {
        return Err("token-answer-type");
    }
    let token = |name: &str| {
        let token = answer.get(name).and_then(Json::text).filter(|token| !token.is_empty());
        token.map(str::to_owned)
    };
    let access_token = token("access_token").ok_or("access-token-missing")?;
    let id_token = token("id_token").ok_or("id-token-missing")?;
    // Where the two are one, who it is for is not what it says.
    if access_token == id_token {
        return Err("access-token-is-id-token");
    }
    Ok(Given { access_token, id_token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_brings_one_answer_in_one_reading() {
        let good =
            brought("code=a%20b&state=s&iss=https%3A%2F%2Fid.example&session_state=x").unwrap();
        assert_eq!(
            (good.state.as_str(), good.issuer.as_deref()),
            ("s", Some("https://id.example"))
        );
        assert_eq!(good.said, Said::Code("a b".to_owned()));
        assert!(brought("x=1&x=2&code=a&state=s").is_some_and(|it| it.issuer.is_none()));
        let longest = "a".repeat(CODE_MAX);
        assert!(brought(&format!("code={longest}&state=s")).is_some());
        for bad in [
            "",
            "code=a",
            "state=s",
            "code=&state=s",
            "code=a&code=a&state=s",
            "code=a&state=s&state=s",
            "code=a&state=s&iss=a&iss=a",
            "code=a&error=access_denied&state=s",
            "error=x&error=x&state=s",
            "code=a%00&state=s",
            "code=%C3%A4&state=s",
            &format!("code={longest}a&state=s"),
        ] {
            assert!(brought(bad).is_none(), "{bad:.60}");
        }
    }

    #[test]
    fn of_an_error_a_code_of_ours_is_left_and_none_of_its_words() {
        let said = |error: &str| {
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs([
                    ("error", error),
                    ("error_description", "<b>zq</b>"),
                    ("state", "s"),
                ])
                .finish();
            brought(&query).unwrap().said
        };
        assert_eq!(said("access_denied"), Said::Denied);
        assert_eq!(said("login_required"), Said::Failed("issuer-login-required"));
        for other in ["", "<script>zq</script>", "ACCESS_DENIED", "access_denied "] {
            assert_eq!(said(other), Said::Failed("issuer-other-error"), "{other}");
        }
    }

    #[test]
    fn two_tokens_are_given_or_a_code_says_why_not() {
        let good = r#"{"access_token":"a","id_token":"b","token_type":"bearer","expires_in":300,"refresh_token":"zq"}"#;
        let read = given(200, good.as_bytes()).unwrap();
        assert_eq!((read.access_token.as_str(), read.id_token.as_str()), ("a", "b"));
        assert_eq!(format!("{read:?}"), "Given");
        for (status, body, code) in [
            (200, "<html>", "token-answer-unreadable"),
            (200, "[]", "token-answer-unreadable"),
            (200, "", "token-answer-unreadable"),
            (200, &good.replace("id_token", "access_token"), "token-answer-unreadable"),
            (200, &good.replace("\"b\"", "\"\""), "id-token-missing"),
            (200, &good.replace("\"b\"", "7"), "id-token-missing"),
            (200, &good.replace("id_token", "token"), "id-token-missing"),
            (200, &good.replace("access_token", "token"), "access-token-missing"),
            (200, &good.replace("\"b\"", "\"a\""), "access-token-is-id-token"),
            (200, &good.replace("bearer", "DPoP"), "token-answer-type"),
            (200, &good.replace("token_type", "type"), "token-answer-type"),
            (201, good, "token-answer-status"),
            (400, r#"{"error":"invalid_grant"}"#, "token-invalid-grant"),
            (401, r#"{"error":"invalid_client","error_description":"zq"}"#, "token-invalid-client"),
            (400, r#"{"error":"<b>zq</b>"}"#, "token-answer-status"),
            (500, "zq", "token-answer-status"),
        ] {
            assert_eq!(given(status, body.as_bytes()).map(drop), Err(code), "{status} {body}");
        }
    }
}
