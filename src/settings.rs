//! What an operator set for one gateway: `gateway.toml` in its folder. Secrets come by reference only, and nothing of them
//! comes into an error. Must not know how a store is spoken to.

mod http;
mod triggers;

pub(crate) use http::{DEVELOPMENT_ISSUER, Http, IssuerSetting, TenantSetting, TokenType, http};
pub(crate) use triggers::{QueueSetting, triggers};

use crate::error::{Error, Result};
use crate::home::Home;
use crate::store::Address;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::path::Path;

const HELP: &str = "[store] with url = \"postgres://ROLE@HOST/DATABASE\" and perhaps password_env = \"VARIABLE\", \
    or with url_env = \"VARIABLE\"";

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsFile {
    #[serde(default)]
    store: Option<StoreSetting>,
    /// A worker's; whoever denies is not kept from it by what stands there.
    #[serde(default, rename = "triggers")]
    _triggers: IgnoredAny,
    /// A server's; the same holds.
    #[serde(default, rename = "http")]
    _http: IgnoredAny,
}

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
    let path = home.settings();
    let file: SettingsFile = toml_file(&path, "settings-invalid", HELP)?;
    let Some(setting) = file.store else { return Ok(None) };
    let invalid = |what: &str| {
        Error::invalid("settings-invalid", format!("{}: {what}", path.display())).help(HELP)
    };
    let named = |name: &str| variable(name).ok_or("a variable that [store] names is not set");
    let password = setting.password_env.as_deref().map(named).transpose().map_err(invalid)?;
    let url = match (setting.url, setting.url_env) {
        (Some(url), None) if Address::holds_password(&url) => {
            let message = format!("{}: the store's url holds a password", path.display());
            return Err(Error::refused("store-password-in-file", message)
                .help("the url without it, and password_env, PGPASSFILE or ~/.pgpass; a new password, too"));
        }
        (Some(url), None) => url,
        (None, Some(name)) => named(&name).map_err(invalid)?,
        (Some(_), Some(_)) | (None, None) => {
            return Err(invalid("[store] has either url or url_env"));
        }
    };
    let address = Address::new(&url, password.as_deref());
    address.map(Some).map_err(|error| invalid(&format!("the store's url is {error}")))
}

/// The value of a variable. Its name is not to be shown: it may be the secret itself, put in the wrong place.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
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
        let before = error.span().map(|span| text.get(..span.start).unwrap_or_default());
        let line = before.map_or(1, |before| before.lines().count().max(1));
        // What was read may be a secret in the wrong place, and the reader's own words repeat it.
        let message = format!("{}:{line}: this is not what may stand there", path.display());
        Error::invalid(code, message).help(help)
    })
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
