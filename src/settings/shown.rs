//! What is set, for whoever looks (`airlock config show`): every setting, its value and where that stands. Of a secret the name by which it is
//! found, and never the secret: a section is shown only once its reader took it, so that what was put into the wrong place is not. Variables that
//! look like a setting and are none are told.

use super::egress::egress_of;
use super::http::http_of;
use super::metrics::metrics_of;
use super::publish::publish_of;
use super::sheet::{Environment, Row};
use super::store_of;
use super::table::{REFERENCES, SECTIONS, SETTINGS};
use super::traces::traces_of;
use super::triggers::triggers_of;
use crate::error::{Error, Problem, Result};
use crate::home::Home;
use crate::wire;
use serde_json::Value;
use std::collections::BTreeSet;

/// How a setting is called that names a variable.
const NAMES: &str = "_env";

/// What is set, and what of it may not stand there.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    pub(crate) rows: Vec<Row>,
    pub(crate) problems: Vec<Problem>,
}

/// Every section that its reader takes; of the others why it doesn't.
pub(crate) fn shown(home: &Home, variables: &Environment) -> Shown {
    let mut shown = Shown::default();
    for name in SECTIONS {
        match rows(home, variables, name) {
            Ok(rows) => shown.rows.extend(rows),
            Err(Error { code, message, help, .. }) => {
                shown.problems.push(Problem { code, at: format!("[{name}]"), message, help });
            }
        }
    }
    shown.problems.extend(unknown(home, variables));
    shown
}

fn rows(home: &Home, variables: &Environment, name: &str) -> Result<Vec<Row>> {
    match name {
        "store" => Ok(store_of(home, variables)?.1),
        "http" => Ok(http_of(home, variables)?.1),
        "egress" => Ok(egress_of(home, variables)?.1),
        "triggers" => Ok(triggers_of(home, variables)?.1),
        "publish" => Ok(publish_of(home, variables)?.1),
        "traces" => Ok(traces_of(home, variables)?.1),
        _ => Ok(metrics_of(home, variables)?.rows),
    }
}

/// Refuses to begin where a variable looks like a setting and is none: whoever set it believes that something holds which doesn't.
pub(crate) fn known_variables(home: &Home) -> Result<()> {
    let problems = unknown(home, &Environment::of_process());
    if problems.is_empty() {
        return Ok(());
    }
    let message = "a variable looks like a setting and sets nothing";
    Err(Error::refused("setting-unknown", message).problems(problems))
}

fn unknown(home: &Home, variables: &Environment) -> Vec<Problem> {
    let begins = SECTIONS.map(|section| format!("AIRLOCK_{}_", section.to_uppercase()));
    let own: BTreeSet<&str> =
        SETTINGS.iter().filter_map(|setting| setting.variable.map(|(name, _)| name)).collect();
    let suspects = variables.0.keys().filter(|name| {
        begins.iter().any(|begin| name.starts_with(begin)) && !own.contains(name.as_str())
    });
    let suspects: Vec<&String> = suspects.collect();
    if suspects.is_empty() {
        return Vec::new();
    }
    let named = references(home, variables);
    let help = || {
        let own: Vec<&str> = own.iter().copied().collect();
        format!("{}; or a name in a setting of gateway.toml that ends in {NAMES}", own.join(", "))
    };
    let problem = |name: &String| Problem {
        code: "setting-unknown".to_owned(),
        at: name.clone(),
        message: "no setting is of this name, and no setting names it".to_owned(),
        help: help(),
    };
    suspects.into_iter().filter(|name| !named.contains(*name)).map(problem).collect()
}

/// Variables that settings name, as far as they can be read.
fn references(home: &Home, variables: &Environment) -> BTreeSet<String> {
    let all = SECTIONS.into_iter().filter_map(|name| rows(home, variables, name).ok()).flatten();
    let named = all.filter(|row| row.key.ends_with(NAMES));
    named.filter_map(|row| row.value.as_str().map(str::to_owned)).collect()
}

impl Row {
    /// The same for documents.
    pub(crate) fn told(self) -> wire::Setting {
        let Self { key, value, source } = self;
        wire::Setting { key, value, from: source.kind().to_owned(), at: source.at() }
    }
}

/// The value of a setting in words.
pub(crate) fn text_of(key: &str, value: &Value) -> String {
    let one = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::Array(all) if all.is_empty() => "none".to_owned(),
        Value::Array(all) => all.iter().map(one).collect::<Vec<_>>().join(", "),
        other @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            one(other)
        }
    };
    // Its section was taken, so the variable is there.
    if REFERENCES.contains(&key) && value.is_string() {
        return format!("{text} (set, not shown)");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::sheet::Source;
    use super::*;

    const CANARY: &str = "hunter2hunter2hunter2hunter2hunter2";

    fn look(text: &str, variables: &[(&str, &str)]) -> Shown {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::fs::write(home.settings(), text).unwrap();
        let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        shown(&home, &Environment(variables.iter().map(text).collect()))
    }

    fn row<'a>(shown: &'a Shown, key: &str) -> &'a Row {
        let found = shown.rows.iter().find(|row| row.key == key);
        found.unwrap_or_else(|| panic!("no {key}: {shown:?}"))
    }

    #[test]
    fn every_setting_is_shown_with_where_it_stands() {
        let text = "[http]\nlisten = \"127.0.0.1:1\"\naudience = \"here\"\n\n[[http.tenants]]\nmember = \"grocer\"\n\
            [[http.tenants]]\nmember = \"brand\"\norganisation = \"org-2\"\n";
        let variables = [("AIRLOCK_HTTP_LISTEN", "127.0.0.1:2"), ("AIRLOCK_METRICS_LISTEN", "")];
        let shown = look(text, &variables);
        assert!(shown.problems.is_empty(), "{shown:?}");
        for (key, value, source) in [
            ("http.listen", "127.0.0.1:2", Source::Variable("AIRLOCK_HTTP_LISTEN")),
            ("http.audience", "here", Source::File(3)),
            ("http.beyond_loopback", "false", Source::Default),
            ("http.tenants[0].member", "grocer", Source::File(6)),
            ("http.tenants[0].organisation", "-", Source::Default),
            ("http.tenants[1].organisation", "org-2", Source::File(9)),
            ("http.tenants[1].places", "none", Source::Default),
            ("http.issuers", "none", Source::Default),
            ("store.url", "-", Source::Default),
            ("egress.admit", "none", Source::Default),
            ("egress.ports", "443", Source::Default),
            ("triggers.sqs", "none", Source::Default),
            ("triggers.webhook.listen", "-", Source::Default),
            ("publish.to", "-", Source::Default),
            ("publish.witnesses", "none", Source::Default),
            ("metrics.listen", "-", Source::Default),
        ] {
            let row = row(&shown, key);
            assert_eq!(
                (text_of(&row.key, &row.value).as_str(), &row.source),
                (value, &source),
                "{key}"
            );
        }
        for setting in &SETTINGS {
            let stem = setting.key.split("[]").next().unwrap();
            assert!(shown.rows.iter().any(|row| row.key.starts_with(stem)), "{}", setting.key);
        }
        let keys: BTreeSet<_> = shown.rows.iter().map(|row| &row.key).collect();
        assert_eq!(keys.len(), shown.rows.len(), "each once");
    }

    #[test]
    fn a_secret_is_named_and_never_shown() {
        let text = "[store]\nurl_env = \"AIRLOCK_STORE_URL\"\n\
            [triggers.webhook]\nlisten = \"127.0.0.1:1\"\nsecret_env = \"AIRLOCK_TRIGGERS_SECRET\"\n";
        let url = format!("postgres://me:{CANARY}@db/logs");
        let good = look(text, &[("AIRLOCK_STORE_URL", &url), ("AIRLOCK_TRIGGERS_SECRET", CANARY)]);
        assert!(good.problems.is_empty(), "{good:?}");
        let url = row(&good, "store.url_env");
        assert_eq!(text_of(&url.key, &url.value), "AIRLOCK_STORE_URL (set, not shown)");
        let wrong = [
            (
                format!("[store]\nurl = \"postgres://me:{CANARY}@db/logs\""),
                "store-password-in-file",
            ),
            (format!("[store]\nurl = \"{CANARY}\""), "settings-invalid"),
            (format!("[store]\nurl_env = \"{CANARY}\""), "settings-invalid"),
            (
                format!("[store]\nurl = \"postgres://me@db/logs\"\npassword_env = \"{CANARY}\""),
                "settings-invalid",
            ),
            (format!("[store]\npassword = \"{CANARY}\""), "settings-invalid"),
            (
                format!("[triggers.webhook]\nlisten = \"127.0.0.1:1\"\nsecret_env = \"{CANARY}\""),
                "settings-invalid",
            ),
            (
                format!("[triggers.webhook]\nlisten = \"{CANARY}\"\nsecret_env = \"HOME\""),
                "settings-invalid",
            ),
            (format!("[http]\n{CANARY} = 1"), "settings-invalid"),
            (format!("[{CANARY}]"), "settings-invalid"),
            (CANARY.to_owned(), "settings-invalid"),
        ];
        let all = wrong.iter().map(|(text, code)| {
            let shown = look(text, &[]);
            assert_eq!(shown.problems[0].code, *code, "{text}: {shown:?}");
            assert!(!shown.problems[0].help.is_empty(), "what would pass is said");
            format!("{shown:?}")
        });
        let by_variable =
            look("", &[("AIRLOCK_HTTP_LISTEN", CANARY), ("AIRLOCK_STORE_URL", CANARY)]);
        assert_eq!(by_variable.problems.len(), 2, "{by_variable:?}");
        for text in all.chain([format!("{good:?}"), format!("{by_variable:?}")]) {
            assert!(!text.contains(CANARY), "{text}");
        }
    }

    #[test]
    fn a_variable_that_sets_nothing_is_told_and_every_other_one_is_left_alone() {
        let codes = |text: &str, name: &str| {
            let problems = look(text, &[(name, "x")]).problems;
            problems.into_iter().map(|one| (one.code, one.at)).collect::<Vec<_>>()
        };
        for name in [
            "AIRLOCK_HTTP_LISTENS",
            "AIRLOCK_STORE_URL",
            "AIRLOCK_METRICS_PORT",
            "AIRLOCK_TRIGGERS_WEBHOOK_LISTEN",
        ] {
            assert_eq!(codes("", name), [("setting-unknown".to_owned(), name.to_owned())]);
        }
        for name in [
            "AIRLOCK_HOME",
            "AIRLOCK_LOG",
            "AIRLOCK_LOG_FORMAT",
            "AIRLOCK_PORT",
            "AIRLOCK_HTTPS",
            "HTTP_LISTEN",
        ] {
            assert_eq!(codes("", name), []);
        }
        let named =
            "[store]\nurl = \"postgres://me@db/logs\"\npassword_env = \"AIRLOCK_STORE_PASSWORD\"";
        assert_eq!(codes(named, "AIRLOCK_STORE_PASSWORD"), []);
    }

    #[test]
    fn every_setting_that_names_a_variable_may_name_one_that_looks_like_a_setting() {
        let (secret, url) = (CANARY, "postgres://me@db/logs");
        let issuer = "[http]\nhosts = [\"airlock.example\"]\n[[http.issuers]]\nissuer = \"https://id.example\"\n\
            discovery = \"https://id.example/.well-known/openid-configuration\"\n[http.issuers.sign_in]\n\
            client_id = \"console\"\nredirect_uri = \"https://airlock.example/console/sign-in/corp\"\n";
        let of_tenant =
            "[[http.tenants]]\nmember = \"grocer\"\nnotify_url = \"https://hooks.example.org/a\"\n";
        let webhook = "[triggers.webhook]\nlisten = \"127.0.0.1:1\"\n";
        let all = [
            ("store.url_env", "[store]\n", "AIRLOCK_STORE_ADDRESS", url),
            (
                "store.password_env",
                "[store]\nurl = \"postgres://me@db/logs\"\n",
                "AIRLOCK_STORE_WORD",
                secret,
            ),
            ("http.tenants[].notify_secret_env", of_tenant, "AIRLOCK_HTTP_NOTICES", secret),
            (
                "http.issuers[].sign_in.client_secret_env",
                issuer,
                "AIRLOCK_HTTP_CONSOLE_SECRET",
                secret,
            ),
            ("http.issuers[].sign_in.client_key_env", issuer, "AIRLOCK_HTTP_CONSOLE_KEY", secret),
            ("triggers.webhook.secret_env", webhook, "AIRLOCK_TRIGGERS_SECRET", secret),
        ];
        for (key, text, name, value) in all {
            let word = key.rsplit('.').next().unwrap();
            let named = look(&format!("{text}{word} = \"{name}\"\n"), &[(name, value)]);
            assert!(named.problems.is_empty(), "{key}: {named:?}");
            assert!(!format!("{named:?}").contains(CANARY), "{key}");
            let unnamed = look("", &[(name, value)]).problems;
            assert_eq!(unnamed[0].code, "setting-unknown", "{key}");
        }
        let in_table =
            SETTINGS.iter().map(|setting| setting.key).filter(|key| key.ends_with(NAMES));
        let tried: BTreeSet<&str> = all.iter().map(|one| one.0).collect();
        assert_eq!(in_table.collect::<BTreeSet<_>>(), tried);
    }
}
