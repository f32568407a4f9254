//! Who is told what becomes of runs, schedules and withdrawals: the part of `[[http.tenants]]` that only whoever keeps the rooms reads, since it
//! needs secrets to be there. Must not know what is told.

use super::Environment;
use super::http::http_of;
use crate::egress::Policy;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::triggers::Secret;
use mappings::model::MemberId;
use std::sync::Arc;

/// Shorter ones are guessed.
const SECRET_BYTES_MIN: usize = 32;

/// A tenant's receiver.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) member: MemberId,
    pub(crate) url: String,
    pub(crate) secret: Secret,
}

/// Everybody who is told, and where URLs may lead.
pub(crate) fn notify(home: &Home) -> Result<(Vec<Receiver>, Arc<Policy>)> {
    notify_of(home, &Environment::of_process())
}

fn notify_of(home: &Home, variables: &Environment) -> Result<(Vec<Receiver>, Arc<Policy>)> {
    let (set, _) = http_of(home, variables)?;
    let mut receivers = Vec::new();
    for tenant in set.tenants {
        let Some((url, variable)) = tenant.notify else { continue };
        let member = tenant.member;
        let secret = variables.get(&variable).filter(|secret| secret.len() >= SECRET_BYTES_MIN);
        let secret = secret.ok_or_else(|| {
            let message =
                format!("the variable with the secret of notices to {member} is not set, or short");
            Error::invalid("settings-invalid", message)
                .help("32 characters or more in the variable that notify_secret_env names")
        })?;
        receivers.push(Receiver { member, url, secret: Secret::new(secret) });
    }
    Ok((receivers, set.egress))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_has_its_secret_or_nothing_begins() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let set = "[[http.tenants]]\nmember = \"brand\"\nnotify_url = \"https://hooks.example.org/a\"\nnotify_secret_env = \"HOOK\"";
        std::fs::write(home.settings(), set).unwrap();
        let with = |secret: Option<&str>| {
            let set = secret.map(|secret| ("HOOK".to_owned(), secret.to_owned()));
            notify_of(&home, &Environment(set.into_iter().collect()))
        };
        let long = "hunter2".repeat(5);
        let (receivers, _) = with(Some(&long)).unwrap();
        assert_eq!(receivers[0].url, "https://hooks.example.org/a");
        assert!(!format!("{receivers:?}").contains("hunter2"));
        for wrong in [None, Some("hunter2")] {
            let error = with(wrong).unwrap_err();
            assert_eq!(error.code, "settings-invalid");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
