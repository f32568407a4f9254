//! The part of the settings that says where traces go, and how many: `[traces]`. Must not know what is traced.

use super::egress::egress_of;
use super::{Environment, Section, section};
use crate::egress::{Policy, Target};
use crate::error::{Error, Result};
use crate::home::Home;
use std::sync::Arc;
use url::Url;

const HELP: &str = "[traces] with perhaps endpoint = \"https://collector.example\", where a collector takes OTLP over HTTP; inside = true where it lies on this machine or in a network of your own, and is asked there by http perhaps; and sampled, from 0 to 1";
/// Where a collector takes traces, if nothing else is said.
const PATH: &str = "/v1/traces";

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TracesSetting {
    endpoint: Option<String>,
    inside: bool,
    sampled: f64,
}

/// Where traces go.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Traces {
    pub(crate) endpoint: Target,
    /// What of it may be asked.
    pub(crate) policy: Arc<Policy>,
    /// Of so many, from 0 to 1.
    pub(crate) sampled: f64,
}

/// Where traces go; nowhere unless it is set.
pub(crate) fn traces(home: &Home) -> Result<Option<Traces>> {
    Ok(traces_of(home, &Environment::of_process())?.0)
}

pub(super) fn traces_of(
    home: &Home,
    variables: &Environment,
) -> Result<(Option<Traces>, Vec<super::Row>)> {
    let read: Section<TracesSetting> = section(home, variables, "traces", HELP)?;
    let wrong = |key: &str, what: &str| {
        Error::invalid("settings-invalid", format!("{}: {what}", read.at(key))).help(HELP)
    };
    let sampled = read.set.sampled;
    if !(0.0..=1.0).contains(&sampled) {
        return Err(wrong("traces.sampled", "this is no part of all traces"));
    }
    let endpoint = read.set.endpoint.as_deref().filter(|text| !text.is_empty());
    let Some(text) = endpoint else { return Ok((None, read.rows)) };
    let policy =
        if read.set.inside { Arc::new(Policy::own()) } else { egress_of(home, variables)?.0 };
    let endpoint = endpoint_of(text, &policy).ok_or_else(|| {
        wrong("traces.endpoint", "this is no collector's place, or one that may not be asked")
    })?;
    Ok((Some(Traces { endpoint, policy, sampled }), read.rows))
}

/// What stands after a question mark may be a secret.
fn endpoint_of(text: &str, policy: &Policy) -> Option<Target> {
    policy.target(text).ok().filter(|_| !text.contains('?'))?;
    let mut url = Url::parse(text).ok()?;
    if url.path() == "/" {
        url.set_path(PATH);
    }
    policy.target(url.as_str()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, variables: &[(&str, &str)]) -> Result<Option<Traces>> {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::fs::write(home.settings(), text).unwrap();
        let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables = Environment(variables.iter().map(text).collect());
        Ok(traces_of(&home, &variables)?.0)
    }

    #[test]
    fn they_go_nowhere_unless_it_is_said_where() {
        assert_eq!(set("", &[]).unwrap(), None);
        assert_eq!(set("[traces]\nsampled = 0.5", &[]).unwrap(), None);
        let inside = "[traces]\nendpoint = \"http://127.0.0.1:4318\"\ninside = true";
        let all = set(inside, &[]).unwrap().unwrap();
        assert_eq!(all.endpoint.whole(), "http://127.0.0.1:4318/v1/traces");
        assert!((all.sampled - 1.0).abs() < f64::EPSILON);
        let some = "[traces]\nendpoint = \"https://collector.example/otlp/traces\"\nsampled = 0.01";
        let some = set(some, &[]).unwrap().unwrap();
        assert_eq!(some.endpoint.whole(), "https://collector.example/otlp/traces");
        let place = "http://collector.telemetry.svc:4318/";
        let variable = [("AIRLOCK_TRACES_ENDPOINT", place), ("AIRLOCK_TRACES_INSIDE", "true")];
        let by_variable = set("", &variable).unwrap().unwrap();
        assert_eq!(by_variable.endpoint.whole(), format!("{place}v1/traces"));
    }

    #[test]
    fn what_lies_inside_is_said_to_and_what_is_never_asked_is_not() {
        let of = |place: &str, more: &str| {
            set(&format!("[traces]\nendpoint = \"{place}\"\n{more}"), &[]).map(drop)
        };
        for place in [
            "http://127.0.0.1:4318",
            "http://localhost:4318",
            "https://10.0.0.8:4318",
            "http://[fd00::8]:4318",
            "http://collector.telemetry.svc:4318",
            "http://collector.example",
            "https://collector.internal",
        ] {
            assert_eq!(of(place, "").unwrap_err().code, "settings-invalid", "{place}");
            assert!(of(place, "inside = true").is_ok(), "{place}");
        }
        for never in [
            "http://169.254.169.254/latest",
            "http://[fe80::1]:4318",
            "http://[::ffff:169.254.169.254]:4318",
            "http://0.0.0.0:4318",
            "http://2130706433:4318",
            "http://collector:4318",
            "http://8.8.8.8:4318",
            "http://[2606:4700::1111]:4318",
        ] {
            assert_eq!(of(never, "inside = true").unwrap_err().code, "settings-invalid", "{never}");
        }
        assert!(of("https://8.8.8.8:4318", "inside = true").is_ok(), "outside by https");
        let admitted = "inside = false\n[egress]\nadmit = [\"10.0.0.0/24\"]\nports = [4318]";
        assert!(of("https://10.0.0.8:4318", admitted).is_ok());
    }

    #[test]
    fn what_is_no_place_is_said_by_its_line_and_not_shown() {
        for wrong in [
            "endpoint = \"collector:4318\"",
            "endpoint = \"ftp://collector\"",
            "endpoint = \"http://me:hunter2@collector\"",
            "endpoint = \"http://collector/?key=hunter2\"",
            "endpoint = \"http://collector/#hunter2\"",
            "endpoint = 1",
            "sampled = 1.5",
            "sampled = -0.1",
            "sampled = nan",
            "headers = \"hunter2\"",
        ] {
            let refused = set(&format!("[traces]\n{wrong}"), &[]).unwrap_err();
            assert_eq!(refused.code, "settings-invalid", "{wrong}");
            assert!(refused.message.contains("gateway.toml:2"), "{refused}");
            assert!(!refused.to_string().contains("hunter2"), "{refused}");
        }
    }
}
