//! The part of the settings that says where traces go, and how many: `[traces]`. Must not know what is traced.

use super::{Environment, Section, section};
use crate::error::{Error, Result};
use crate::home::Home;
use url::Url;

const HELP: &str = "[traces] with perhaps endpoint = \"http://127.0.0.1:4318\", where a collector takes OTLP over HTTP, and sampled, from 0 to 1";
/// Where a collector takes traces, if nothing else is said.
const PATH: &str = "/v1/traces";

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TracesSetting {
    endpoint: Option<String>,
    sampled: f64,
}

/// Where traces go.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Traces {
    pub(crate) endpoint: Url,
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
    let endpoint = endpoint.map(|text| {
        // What stands before the host, or after a question mark, may be a secret.
        endpoint_of(text).ok_or_else(|| wrong("traces.endpoint", "this is no collector's place"))
    });
    let traces = endpoint.transpose()?.map(|endpoint| Traces { endpoint, sampled });
    Ok((traces, read.rows))
}

fn endpoint_of(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let spoken = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !(plain && spoken && url.fragment().is_none()) {
        return None;
    }
    if url.path() == "/" {
        url.set_path(PATH);
    }
    Some(url)
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
        let all = set("[traces]\nendpoint = \"http://127.0.0.1:4318\"", &[]).unwrap().unwrap();
        assert_eq!((all.endpoint.path(), all.sampled), ("/v1/traces", 1.0));
        let some = "[traces]\nendpoint = \"https://collector.example/otlp/traces\"\nsampled = 0.01";
        let some = set(some, &[]).unwrap().unwrap();
        assert_eq!((some.endpoint.path(), some.sampled), ("/otlp/traces", 0.01));
        let variable = [("AIRLOCK_TRACES_ENDPOINT", "http://collector:4318/")];
        let by_variable = set("", &variable).unwrap().unwrap();
        assert_eq!(by_variable.endpoint.as_str(), "http://collector:4318/v1/traces");
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
