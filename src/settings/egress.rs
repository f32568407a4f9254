//! The part of the settings that says what may be asked of URLs that are named to the gateway: `[egress]`. Must not know who asks.

use super::{Environment, Row, Section, section};
use crate::egress::Policy;
use crate::error::{Error, Result};
use crate::home::Home;
use std::sync::Arc;

const HELP: &str = "[egress] with perhaps admit = [\"id.corp.example\", \"10.20.0.0/16\"], ports = [443] and, for trying things out on one machine, loopback = true";

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct EgressSetting {
    admit: Vec<String>,
    ports: Vec<u16>,
    loopback: bool,
}

/// What a gateway's folder lets it ask.
pub(super) fn egress_of(home: &Home, variables: &Environment) -> Result<(Arc<Policy>, Vec<Row>)> {
    let read: Section<EgressSetting> = section(home, variables, "egress", HELP)?;
    let invalid = |key: &str, what: &str| {
        let message = format!("{}: {what}", read.at(key));
        Error::invalid("settings-invalid", message).help(HELP)
    };
    let EgressSetting { admit, ports, loopback } = &read.set;
    if ports.is_empty() || ports.contains(&0) {
        return Err(invalid("egress.ports", "ports are numbers from 1 to 65535, at least one"));
    }
    let policy = Policy::new(admit, ports.iter().copied(), *loopback).map_err(|_| {
        let what = "what is admitted is a whole name in small letters, or a network that is somebody's own: within 10.0.0.0/8, \
            172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 or fc00::/7";
        invalid("egress.admit", what)
    })?;
    Ok((Arc::new(policy), read.rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Result<Arc<Policy>> {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::fs::write(home.settings(), text).unwrap();
        Ok(egress_of(&home, &Environment::default())?.0)
    }

    #[test]
    fn nothing_inside_is_asked_unless_it_is_set() {
        for text in ["", "[egress]"] {
            assert_eq!(*set(text).unwrap(), Policy::default());
        }
        let open = "[egress]\nadmit = [\"id.corp.example\", \"10.20.0.0/16\"]\nports = [443, 8443]\nloopback = true";
        let open = set(open).unwrap();
        for url in ["https://10.20.1.1:8443/", "http://127.0.0.1:9/", "https://id.corp.example/"] {
            assert!(
                open.target(url).is_ok()
                    && (Policy::default().target(url).is_err() || url.contains("corp"))
            );
        }
        assert!(open.target("https://10.21.1.1/").is_err());
    }

    #[test]
    fn what_cannot_be_admitted_is_said_by_its_line() {
        for text in [
            "admit = [\"0.0.0.0/0\"]",
            "admit = [\"127.0.0.1\"]",
            "admit = [\"169.254.169.254\"]",
            "admit = [\"https://id.example\"]",
            "admit = \"id.example\"",
            "ports = []",
            "ports = [0]",
            "ports = [65536]",
            "proxy = \"x\"",
        ] {
            let error = set(&format!("[egress]\n{text}")).unwrap_err();
            assert_eq!(error.code, "settings-invalid", "{text}");
            assert!(error.message.contains("gateway.toml:"), "{error}");
        }
    }
}
