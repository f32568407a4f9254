//! The part of the settings that says where metrics are read: `[metrics]`. Must not know what is measured.

use super::{Environment, Section, section};
use crate::error::{Error, Result};
use crate::home::Home;
use std::net::SocketAddr;

const HELP: &str = "[metrics] with perhaps listen = \"127.0.0.1:PORT\"";

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricsSetting {
    listen: Option<SocketAddr>,
    /// Said by whoever means it: metrics have no token and no TLS of their own.
    beyond_loopback: bool,
}

/// Where metrics are read; nowhere unless it is set.
pub(crate) fn metrics(home: &Home) -> Result<Option<SocketAddr>> {
    Ok(metrics_of(home, &Environment::of_process())?.set.listen)
}

pub(super) fn metrics_of(home: &Home, variables: &Environment) -> Result<Section<MetricsSetting>> {
    let read: Section<MetricsSetting> = section(home, variables, "metrics", HELP)?;
    let is_beyond = read.set.listen.is_some_and(|place| !place.ip().is_loopback());
    if is_beyond && !read.set.beyond_loopback {
        let at = read.at("metrics.listen");
        let message = format!("{at}: metrics would be read from beyond this machine");
        return Err(Error::refused("metrics-exposed", message)
            .help("a loopback address; or beyond_loopback = true, where a network of your own is between them and whoever reads them"));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, variables: &[(&str, &str)]) -> Result<Option<SocketAddr>> {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::fs::write(home.settings(), text).unwrap();
        assert!(super::super::store(&home).unwrap().is_none(), "nobody else is kept from anything");
        let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables = Environment(variables.iter().map(text).collect());
        Ok(metrics_of(&home, &variables)?.set.listen)
    }

    #[test]
    fn they_are_read_nowhere_unless_it_is_set_and_here_unless_it_is_meant() {
        assert_eq!(set("", &[]).unwrap(), None);
        assert_eq!(set("[metrics]", &[("AIRLOCK_METRICS_LISTEN", "")]).unwrap(), None);
        let here = "[metrics]\nlisten = \"127.0.0.1:9470\"";
        assert_eq!(set(here, &[]).unwrap().unwrap().port(), 9470);
        let other = [("AIRLOCK_METRICS_LISTEN", "[::1]:1")];
        assert_eq!(
            set(here, &other).unwrap().unwrap().port(),
            1,
            "a variable goes before the file"
        );
        let beyond = "[metrics]\nlisten = \"0.0.0.0:9470\"";
        let exposed = set(beyond, &[]).unwrap_err();
        assert_eq!(exposed.code, "metrics-exposed");
        assert!(exposed.message.contains("gateway.toml:2: "), "{exposed}");
        assert!(set(&format!("{beyond}\nbeyond_loopback = true"), &[]).unwrap().is_some());
        let meant = [("AIRLOCK_METRICS_BEYOND_LOOPBACK", "true")];
        assert!(set(beyond, &meant).unwrap().is_some());
        let by_variable = set("", &[("AIRLOCK_METRICS_LISTEN", "0.0.0.0:1")]).unwrap_err();
        assert!(by_variable.message.starts_with("AIRLOCK_METRICS_LISTEN: "), "{by_variable}");
    }

    #[test]
    fn what_may_not_stand_there_is_said_by_its_place() {
        for (text, at) in [
            ("[metrics]\n\nlisten = \"localhost:1\"", "gateway.toml:3"),
            ("[metrics]\nport = 1", "gateway.toml:2"),
            ("metrics = 1", "gateway.toml:1"),
            ("\n[metric]\nlisten = \"127.0.0.1:1\"", "gateway.toml:2"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let home = Home::open(folder.path()).unwrap();
            std::fs::write(home.settings(), text).unwrap();
            let error = metrics_of(&home, &Environment::default()).unwrap_err();
            assert_eq!(error.code, "settings-invalid");
            assert!(error.message.contains(at), "{text}: {error}");
        }
        for value in ["localhost:1", "9470", "127.0.0.1"] {
            let error = set("", &[("AIRLOCK_METRICS_LISTEN", value)]).unwrap_err();
            assert_eq!(error.code, "settings-invalid");
            assert!(!error.to_string().contains(value) || value == "127.0.0.1", "{error}");
        }
    }
}
