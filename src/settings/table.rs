//! Every setting there is: its key, what it is unless somebody sets it, and the variable that goes before the file. Readers and `config show`
//! have nothing else to go by: what is not here is not read. Must not know what a setting is for.

use std::net::SocketAddr;

/// One setting. `NAME[]` in a key is any element of an array.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) key: &'static str,
    /// As it would stand in the file.
    pub(super) default: Option<&'static str>,
    /// The variable, and what is read of it.
    pub(super) variable: Option<(&'static str, Form)>,
}

/// What a variable may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `true` or `false`.
    Flag,
    /// An address with a port.
    Address,
    /// Any text; whoever reads it says what may stand there.
    Text,
}

impl Form {
    /// What would pass.
    pub(super) const fn help(self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Address => "an address with a port, as 127.0.0.1:8470",
            Self::Text => "text",
        }
    }

    pub(super) fn takes(self, text: &str) -> bool {
        match self {
            Self::Flag => matches!(text, "true" | "false"),
            Self::Address => text.parse::<SocketAddr>().is_ok(),
            Self::Text => true,
        }
    }
}

const fn of(key: &'static str) -> Setting {
    Setting { key, default: None, variable: None }
}

const fn by_default(key: &'static str, default: &'static str) -> Setting {
    Setting { key, default: Some(default), variable: None }
}

impl Setting {
    const fn or(self, variable: &'static str, form: Form) -> Self {
        Self { variable: Some((variable, form)), ..self }
    }

    /// The section that it stands in.
    pub(super) fn section(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(section, _)| section)
    }
}

/// All of them. Where the log is, who calls and what is listened to for others stand in the file alone: a variable that is left over moves no log,
/// and lets nobody in.
pub(super) const SETTINGS: [Setting; 64] = [
    of("store.url"),
    of("store.url_env"),
    of("store.password_env"),
    by_default("http.listen", "\"127.0.0.1:8470\"").or("AIRLOCK_HTTP_LISTEN", Form::Address),
    by_default("http.beyond_loopback", "false").or("AIRLOCK_HTTP_BEYOND_LOOPBACK", Form::Flag),
    by_default("http.hosts", "[]"),
    by_default("http.audience", "\"airlock\""),
    by_default("http.development_issuer", "false"),
    by_default("http.runs_at_once", "4"),
    of("http.policies"),
    of("http.tenants[].member"),
    of("http.tenants[].organisation"),
    by_default("http.tenants[].places", "[]"),
    by_default("http.tenants[].destinations", "[]"),
    of("http.tenants[].runs_at_once"),
    of("http.tenants[].notify_url"),
    of("http.tenants[].notify_secret_env"),
    by_default("http.tenants[].four_eyes", "[]"),
    of("http.issuers[].issuer"),
    of("http.issuers[].jwks_file"),
    of("http.issuers[].jwks_url"),
    of("http.issuers[].discovery"),
    by_default("http.issuers[].keys_hours_max", "24"),
    by_default("http.issuers[].typ", "\"at+jwt\""),
    by_default("http.issuers[].organisation_claim", "\"org\""),
    by_default("http.issuers[].roles_claim", "\"roles\""),
    of("http.issuers[].person_claim"),
    by_default("http.issuers[].tenants", "[]"),
    by_default("http.issuers[].operators", "false"),
    of("http.issuers[].sign_in.client_id"),
    of("http.issuers[].sign_in.redirect_uri"),
    by_default("http.issuers[].sign_in.scopes", "[\"openid\"]"),
    of("http.issuers[].sign_in.label"),
    of("http.issuers[].sign_in.authorization_endpoint"),
    of("http.issuers[].sign_in.token_endpoint"),
    of("http.issuers[].sign_in.client_secret_env"),
    of("http.issuers[].sign_in.client_key_env"),
    of("http.issuers[].sign_in.client_key_id"),
    by_default("http.issuers[].sign_in.sign_out", "false"),
    of("http.issuers[].sign_in.end_session_endpoint"),
    of("http.clients[].client"),
    of("http.clients[].member"),
    by_default("http.clients[].roles", "[]"),
    of("http.clients[].jwks_file"),
    of("http.clients[].jwks_url"),
    by_default("http.clients[].keys_hours_max", "24"),
    by_default("egress.admit", "[]"),
    by_default("egress.ports", "[443]"),
    by_default("egress.loopback", "false"),
    of("triggers.sqs[].queue_url"),
    of("triggers.sqs[].region"),
    of("triggers.sqs[].profile"),
    of("triggers.sqs[].assume_role"),
    by_default("triggers.sqs[].inside", "false"),
    of("triggers.webhook.listen"),
    of("triggers.webhook.secret_env"),
    by_default("triggers.webhook.beyond_loopback", "false"),
    of("publish.to"),
    by_default("publish.witnesses", "[]"),
    of("metrics.listen").or("AIRLOCK_METRICS_LISTEN", Form::Address),
    by_default("metrics.beyond_loopback", "false")
        .or("AIRLOCK_METRICS_BEYOND_LOOPBACK", Form::Flag),
    of("traces.endpoint").or("AIRLOCK_TRACES_ENDPOINT", Form::Text),
    by_default("traces.inside", "false").or("AIRLOCK_TRACES_INSIDE", Form::Flag),
    by_default("traces.sampled", "1.0"),
];

/// The sections, in the order in which they are shown.
pub(super) const SECTIONS: [&str; 7] =
    ["store", "http", "egress", "triggers", "publish", "metrics", "traces"];

/// Settings whose value is the name of a variable, which holds a secret.
pub(super) const REFERENCES: [&str; 3] =
    ["store.url_env", "store.password_env", "triggers.webhook.secret_env"];

/// Whether a setting has this key.
pub(super) fn is_setting(key: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.key == key)
}

/// Whether settings stand within this key.
pub(super) fn holds(key: &str) -> bool {
    let within =
        |setting: &Setting| setting.key.strip_prefix(key).is_some_and(|k| k.starts_with('.'));
    SETTINGS.iter().any(within)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use toml::de::DeValue;

    #[test]
    fn every_setting_is_named_once_and_its_default_can_be_read() {
        let keys: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.key).collect();
        assert_eq!(keys.len(), SETTINGS.len());
        for setting in &SETTINGS {
            assert!(SECTIONS.contains(&setting.section()), "{}", setting.key);
            assert!(setting.default.is_none_or(|text| DeValue::parse(text).is_ok()));
            if let Some((variable, form)) = setting.variable {
                let named = setting.key.replace('.', "_").to_uppercase();
                assert_eq!(variable, format!("AIRLOCK_{named}"), "the variable is the key");
                let plain = setting.default.map(|text| text.trim_matches('"').to_owned());
                assert!(plain.is_none_or(|text| form.takes(&text)), "{}", setting.key);
            }
        }
        assert!(REFERENCES.iter().all(|key| is_setting(key)));
        assert!(holds("triggers.webhook") && holds("http.tenants[]") && !holds("http.listen"));
    }

    #[test]
    fn a_variable_says_what_its_form_takes() {
        for (form, good, bad) in
            [(Form::Flag, "true", "yes"), (Form::Address, "[::1]:1", "localhost:1")]
        {
            assert!(form.takes(good) && !form.takes(bad), "{form:?}");
        }
    }
}
