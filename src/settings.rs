//! What an operator set for one gateway: `gateway.toml` in its folder. Secrets come by reference only, and nothing of them
//! comes into an error. Must not know how a store is spoken to.

mod clients;
mod egress;
mod http;
mod keys;
mod metrics;
mod notify;
mod policies;
mod publish;
mod sheet;
mod shown;
mod sign_in;
mod table;
mod traces;
mod triggers;

pub(crate) use clients::ClientSetting;
pub(crate) use http::{
    DEVELOPMENT_ISSUER, FourEyes, Http, IssuerSetting, OWN_ISSUER, TenantSetting, TokenType, http,
};
pub(crate) use keys::{KeysAt, KeysSetting};
pub(crate) use metrics::metrics;
pub(crate) use notify::{Receiver, notify};
pub(crate) use policies::policy_texts;
pub(crate) use publish::{Publish, publish};
pub(crate) use sheet::{Environment, Row};
pub(crate) use shown::{known_variables, shown, text_of};
pub(crate) use sign_in::{ClientSecret, SignInSetting};
pub(crate) use traces::{Traces, traces};
pub(crate) use triggers::{QueueSetting, triggers};

use crate::error::{Error, Result};
use crate::home::Home;
use crate::store::Address;
use serde::de::DeserializeOwned;
use sheet::{Section, section};
use std::path::Path;

const HELP: &str = "[store] with url = \"postgres://ROLE@HOST/DATABASE\" and perhaps password_env = \"VARIABLE\", \
    or with url_env = \"VARIABLE\"";

/// Where the shared store is. A variable is named, never its value.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreSetting {
    url: Option<String>,
    url_env: Option<String>,
    password_env: Option<String>,
}

/// The shared store that a gateway's folder names; none means the folder's own file.
pub(crate) fn store(home: &Home) -> Result<Option<Address>> {
    Ok(store_of(home, &Environment::of_process())?.0)
}

fn store_of(home: &Home, variables: &Environment) -> Result<(Option<Address>, Vec<Row>)> {
    let read: Section<StoreSetting> = section(home, variables, "store", HELP)?;
    if !read.is_set {
        return Ok((None, read.rows));
    }
    let path = home.settings();
    let invalid = |what: &str| {
        Error::invalid("settings-invalid", format!("{}: {what}", path.display())).help(HELP)
    };
    // Its name is not to be shown: it may be the secret itself, put in the wrong place.
    let named = |name: &str| variables.get(name).ok_or("a variable that [store] names is not set");
    let password = read.set.password_env.as_deref().map(named).transpose().map_err(invalid)?;
    let url = match (read.set.url.as_deref(), read.set.url_env.as_deref()) {
        (Some(url), None) if Address::holds_password(url) => {
            let message = format!("{}: the store's url holds a password", read.at("store.url"));
            return Err(Error::refused("store-password-in-file", message)
                .help("the url without it, and password_env, PGPASSFILE or ~/.pgpass; a new password, too"));
        }
        (Some(url), None) => url,
        (None, Some(name)) => named(name).map_err(invalid)?,
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid("[store] has either url or url_env"));
        }
    };
    let address = Address::new(url, password);
    let address = address.map_err(|error| invalid(&format!("the store's url is {error}")))?;
    Ok((Some(address), read.rows))
}

/// A TOML file by its path; one that isn't there says nothing.
pub(crate) fn toml_file<T>(path: &Path, code: &str, help: &str) -> Result<T>
where
    T: DeserializeOwned + Default,
{
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(T::default()),
        Err(error) => return Err(Error::io("read", path, &error)),
    };
    toml::from_str(&text).map_err(|error| {
        not_that(path, &text, error.span().map_or(0, |span| span.start), code, help)
    })
}

/// What was read may be a secret in the wrong place, and the reader's own words repeat it: its line is all that is said.
fn not_that(path: &Path, text: &str, at: usize, code: &str, help: &str) -> Error {
    let (path, line) = (path.display(), line(text, at));
    let message = format!("{path}:{line}: this is not what may stand there");
    Error::invalid(code, message).help(help)
}

fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hunter2hunter2";

    fn read(text: &str) -> Result<Option<Address>> {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::fs::write(home.settings(), text).unwrap();
        store(&home)
    }

    #[test]
    fn a_folder_without_settings_has_its_own_store() {
        let folder = tempfile::tempdir().unwrap();
        assert!(store(&Home::open(folder.path()).unwrap()).unwrap().is_none());
        assert!(read("").unwrap().is_none());
    }

    #[test]
    fn a_url_names_the_shared_store() {
        let address = read("[store]\nurl = \"postgres://me@db.example/logs\"").unwrap().unwrap();
        assert_eq!(address.to_string(), "postgres://me@db.example:5432/logs");
    }

    #[test]
    fn no_secret_is_taken_from_the_file_or_shown() {
        let refused = [
            (
                format!("[store]\nurl = \"postgres://me:{SECRET}@db/logs\""),
                "store-password-in-file",
            ),
            (
                format!("[store]\nurl = \"postgres://me@db/logs?password={SECRET}\""),
                "settings-invalid",
            ),
            (format!("[store]\nurl = \"postgres://me:{SECRET}#@db/logs\""), "settings-invalid"),
            (format!("[store]\nurl = postgres://me:{SECRET}@db/logs"), "settings-invalid"),
            (format!("[store]\nurl = \"{SECRET}\""), "settings-invalid"),
            (format!("[store]\nurl_env = \"{SECRET}\""), "settings-invalid"),
            (
                format!("[store]\nurl = \"postgres://me@db/logs\"\npassword_env = \"{SECRET}\""),
                "settings-invalid",
            ),
            (format!("[store]\npassword = \"{SECRET}\""), "settings-invalid"),
            (format!("[store]\nurl = [\"{SECRET}\"]"), "settings-invalid"),
            (SECRET.to_owned(), "settings-invalid"),
            (format!("store = \"postgres://me:{SECRET}@db/logs\""), "settings-invalid"),
            (format!("[store]\n\"{SECRET}\" = 1"), "settings-invalid"),
            ("[store]".to_owned(), "settings-invalid"),
            ("[store]\nurl = \"postgres://a@b\"\nurl_env = \"X\"".to_owned(), "settings-invalid"),
        ];
        for (text, code) in refused {
            let error = read(&text).unwrap_err();
            assert_eq!(error.code, code, "{text}");
            let shown = format!("{error} {error:?} {}", serde_json::to_string(&error).unwrap());
            assert!(!shown.contains(SECRET), "{shown}");
        }
    }
}
