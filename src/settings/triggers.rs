//! The part of the settings that says what may tell a worker that a look is worth while: `[triggers]`. Must not know how it is listened to.

use super::egress::egress_of;
use super::{Environment, Row, Section, section};
use crate::egress::Policy;
use crate::error::{Error, Result};
use crate::home::Home;
use std::net::SocketAddr;
use std::sync::Arc;

const HELP: &str = "[[triggers.sqs]] with queue_url, and perhaps region, profile and assume_role; [triggers.webhook] with \
    listen = \"127.0.0.1:PORT\" and secret_env = \"VARIABLE\"";
/// Shorter ones are guessed.
const SECRET_BYTES_MIN: usize = 32;

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct TriggersSetting {
    #[serde(default)]
    sqs: Vec<QueueSetting>,
    #[serde(default)]
    webhook: Option<WebhookSetting>,
}

/// One queue.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QueueSetting {
    /// Its address.
    pub(crate) queue_url: String,
    /// Where it can't be told from the address.
    pub(crate) region: Option<String>,
    /// Of the AWS configuration files; without one the environment's credentials.
    pub(crate) profile: Option<String>,
    /// A role to assume with those.
    pub(crate) assume_role: Option<String>,
    /// Whether it lies on this machine or in a network of the operator's own, and is asked there by http perhaps.
    #[serde(default)]
    pub(crate) inside: bool,
}

/// A variable is named, never its value.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookSetting {
    listen: SocketAddr,
    secret_env: String,
    /// Said by whoever means it: what listens elsewhere than at a loopback address has a proxy's TLS before it.
    beyond_loopback: bool,
}

/// What is listened to.
#[derive(Default)]
pub(crate) struct Triggers {
    /// Queues.
    pub(crate) queues: Vec<QueueSetting>,
    /// The webhook.
    pub(crate) webhook: Option<Webhook>,
}

/// Where the webhook listens, and what its callers know.
pub(crate) struct Webhook {
    pub(crate) listen: SocketAddr,
    pub(crate) secret: String,
}

/// What a gateway's folder names; nothing means that rooms are looked at at their pace.
pub(crate) fn triggers(home: &Home) -> Result<Triggers> {
    Ok(triggers_of(home, &Environment::of_process())?.0)
}

pub(super) fn triggers_of(home: &Home, variables: &Environment) -> Result<(Triggers, Vec<Row>)> {
    let path = home.settings();
    let read: Section<TriggersSetting> = section(home, variables, "triggers", HELP)?;
    let invalid = |what: &str| {
        Error::invalid("settings-invalid", format!("{}: {what}", path.display())).help(HELP)
    };
    let exposed = format!(
        "{}: the webhook would listen beyond this machine",
        read.at("triggers.webhook.listen")
    );
    let Section { set: TriggersSetting { sqs: queues, webhook }, rows, .. } = read;
    let egress = egress_of(home, variables)?.0;
    let of = |queue: &QueueSetting| {
        if queue.inside { Arc::new(Policy::own()) } else { Arc::clone(&egress) }
    };
    if !queues.iter().all(|queue| is_address(&queue.queue_url, &of(queue))) {
        return Err(invalid(
            "a queue_url is an address of https outside, or that [egress] admits, or one inside with inside = true, where it may be of http; without a password",
        ));
    }
    let Some(WebhookSetting { listen, secret_env, beyond_loopback }) = webhook else {
        return Ok((Triggers { queues, webhook: None }, rows));
    };
    if !listen.ip().is_loopback() && !beyond_loopback {
        return Err(Error::refused("webhook-exposed", exposed)
            .help("a loopback address behind a proxy with TLS; or beyond_loopback = true, where a network of your own is between them"));
    }
    let secret = variables
        .get(&secret_env)
        .ok_or_else(|| invalid("the variable that [triggers.webhook] names is not set"))?;
    if secret.len() < SECRET_BYTES_MIN {
        return Err(invalid("the webhook's secret has less than 32 characters"));
    }
    let webhook = Webhook { listen, secret: secret.to_owned() };
    Ok((Triggers { queues, webhook: Some(webhook) }, rows))
}

/// An address that may be asked, and shown. A queue has a path.
fn is_address(text: &str, egress: &Policy) -> bool {
    let path = text.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    egress.target(text).is_ok()
        && !text.contains('?')
        && path.is_some_and(|(_, path)| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Result<Triggers> {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::fs::write(home.settings(), text).unwrap();
        assert!(super::super::store(&home).unwrap().is_none(), "nobody else is kept from anything");
        let variables = [("LONG".to_owned(), "s".repeat(32)), ("SHORT".to_owned(), "s".repeat(31))];
        Ok(triggers_of(&home, &Environment(variables.into()))?.0)
    }

    fn code(text: &str) -> String {
        set(text).map(drop).unwrap_err().code
    }

    #[test]
    fn nothing_is_listened_to_unless_it_is_named() {
        let none = set("").unwrap();
        assert!(none.queues.is_empty() && none.webhook.is_none());
    }

    #[test]
    fn a_queue_is_named_by_its_address() {
        let text = "[[triggers.sqs]]\nqueue_url = \"https://sqs.eu-central-1.amazonaws.com/111111111111/airlock\"\nprofile = \"gateway\"\n\
            [[triggers.sqs]]\nqueue_url = \"http://127.0.0.1:5000/1/q\"\nregion = \"us-east-1\"\n\
            [egress]\nloopback = true\n";
        let queues = set(text).unwrap().queues;
        assert_eq!(queues.len(), 2);
        assert_eq!(queues[0].profile.as_deref(), Some("gateway"));
        for url in [
            "airlock",
            "http://sqs.example/1/q",
            "https://me:pass@sqs.example/1/q",
            "https://sqs.example",
            "file:///q",
        ] {
            assert_eq!(
                code(&format!("[[triggers.sqs]]\nqueue_url = \"{url}\"")),
                "settings-invalid",
                "{url}"
            );
        }
    }

    #[test]
    fn a_queue_inside_is_asked_without_tls_and_one_outside_is_not() {
        let queue = |url: &str| {
            format!(
                "[[triggers.sqs]]\nqueue_url = \"{url}\"\nregion = \"us-east-1\"\ninside = true"
            )
        };
        for good in [
            "http://127.0.0.1:5000/1/q",
            "http://10.0.0.8/1/q",
            "http://queues.internal/1/q",
            "https://8.8.8.8/1/q",
        ] {
            assert_eq!(set(&queue(good)).unwrap().queues.len(), 1, "{good}");
        }
        for bad in
            ["http://8.8.8.8/1/q", "http://[2606:4700::1111]/1/q", "http://169.254.169.254/q"]
        {
            assert_eq!(code(&queue(bad)), "settings-invalid", "{bad}");
        }
    }

    #[test]
    fn the_webhook_listens_here_and_its_secret_is_no_part_of_the_file() {
        let webhook = |listen: &str, more: &str| {
            format!("[triggers.webhook]\nlisten = \"{listen}\"\nsecret_env = \"LONG\"\n{more}")
        };
        assert!(set(&webhook("127.0.0.1:8650", "")).unwrap().webhook.is_some());
        assert!(set(&webhook("[::1]:8650", "")).unwrap().webhook.is_some());
        assert_eq!(code(&webhook("0.0.0.0:8650", "")), "webhook-exposed");
        assert!(set(&webhook("0.0.0.0:8650", "beyond_loopback = true")).unwrap().webhook.is_some());
        assert_eq!(code(&webhook("localhost:8650", "")), "settings-invalid");
        assert_eq!(code(&webhook("127.0.0.1:8650", "secret = \"x\"")), "settings-invalid");
        let hidden = "hunter2hunter2";
        let unset =
            format!("[triggers.webhook]\nlisten = \"127.0.0.1:1\"\nsecret_env = \"{hidden}\"");
        let error = set(&unset).map(drop).unwrap_err();
        assert_eq!(error.code, "settings-invalid");
        assert!(!format!("{error} {error:?}").contains(hidden));
        let short = "[triggers.webhook]\nlisten = \"127.0.0.1:1\"\nsecret_env = \"SHORT\"";
        assert_eq!(code(short), "settings-invalid");
    }
}
