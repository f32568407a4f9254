//! The part of the settings that says where logs are published: `[publish]`. Must not know how a place is written to.

use super::{Environment, Row, Section, section};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::log::Witness;
use url::Url;

const HELP: &str = "[publish] with to = \"s3://BUCKET/PREFIX\" or \"file:///FOLDER\", and perhaps witnesses = [\"NAME+HASH+KEY\"]";

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishSetting {
    to: Option<String>,
    witnesses: Vec<String>,
}

/// Where logs go, each under its collaboration's name, and whose cosignatures are collected there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Publish {
    pub(crate) to: String,
    pub(crate) witnesses: Vec<Witness>,
}

/// Where a gateway's folder publishes its logs; nowhere unless it is set.
pub(crate) fn publish(home: &Home) -> Result<Option<Publish>> {
    Ok(publish_of(home, &Environment::of_process())?.0)
}

pub(super) fn publish_of(
    home: &Home,
    variables: &Environment,
) -> Result<(Option<Publish>, Vec<Row>)> {
    let read: Section<PublishSetting> = section(home, variables, "publish", HELP)?;
    let invalid = |key: &str, what: &str| {
        let message = format!("{}: {what}", read.at(key));
        Error::invalid("settings-invalid", message).help(HELP)
    };
    let parsed = read.set.witnesses.iter().map(|text| text.parse::<Witness>());
    let witnesses: Vec<Witness> =
        parsed.collect::<Result<_, _>>().map_err(|what| invalid("publish.witnesses", what))?;
    let twice = |(n, one): (usize, &Witness)| {
        let mut others = witnesses.iter().take(n);
        others.any(|other| other.name() == one.name() || other.key() == one.key())
    };
    if witnesses.iter().enumerate().any(twice) {
        return Err(invalid("publish.witnesses", "a name or a key is there twice"));
    }
    let to = match &read.set.to {
        Some(to) if is_place(to) => to.clone(),
        Some(_) => return Err(invalid("publish.to", "this is no place to publish to")),
        None if witnesses.is_empty() => return Ok((None, read.rows)),
        None => return Err(invalid("publish.witnesses", "[publish] has witnesses and no place")),
    };
    Ok((Some(Publish { to, witnesses }), read.rows))
}

/// A folder of this machine, or a prefix of a bucket; nothing secret in it.
fn is_place(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let plain = url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    let host = url.host_str().is_some_and(|host| !host.is_empty());
    plain
        && anonymous
        && match url.scheme() {
            "file" => !host && url.path().len() > 1,
            "s3" => host,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::SecretKey;

    fn set(text: &str) -> Result<Option<Publish>> {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::fs::write(home.settings(), text).unwrap();
        Ok(publish_of(&home, &Environment::default())?.0)
    }

    fn witness(name: &str, seed: u8) -> String {
        Witness::new(name, SecretKey::from_seed([seed; 32]).public()).unwrap().to_string()
    }

    #[test]
    fn logs_go_nowhere_unless_it_is_set() {
        assert_eq!(set("").unwrap(), None);
        assert_eq!(set("[publish]").unwrap(), None);
        for to in ["s3://logs/airlock/", "s3://logs", "file:///srv/logs"] {
            let read = set(&format!("[publish]\nto = \"{to}\"")).unwrap().unwrap();
            assert_eq!((read.to.as_str(), read.witnesses.len()), (to, 0));
        }
        let (one, two) = (witness("brand/w", 1), witness("grocer/w", 2));
        let both = format!("[publish]\nto = \"s3://logs\"\nwitnesses = [\"{one}\", \"{two}\"]");
        assert_eq!(set(&both).unwrap().unwrap().witnesses.len(), 2);
    }

    #[test]
    fn what_is_no_place_or_no_witness_is_said_by_its_line() {
        let (one, same_key, same_name) = (witness("a", 1), witness("b", 1), witness("a", 2));
        let list = |all: &[&String]| format!("witnesses = {all:?}");
        let to = "to = \"s3://logs\"";
        for text in [
            "to = \"https://logs.example/\"".to_owned(),
            "to = \"s3://me:secret@logs\"".to_owned(),
            "to = \"s3://logs?token=secret\"".to_owned(),
            "to = \"file:///\"".to_owned(),
            "to = \"/srv/logs\"".to_owned(),
            "to = 1".to_owned(),
            "where = \"s3://logs\"".to_owned(),
            list(&[&one]),
            format!("{to}\n{}", list(&[&one, &same_key])),
            format!("{to}\n{}", list(&[&one, &same_name])),
            format!("{to}\nwitnesses = [\"a\"]"),
        ] {
            let error = set(&format!("[publish]\n{text}")).unwrap_err();
            assert_eq!(error.code, "settings-invalid", "{text}");
            assert!(error.message.contains("gateway.toml"), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
