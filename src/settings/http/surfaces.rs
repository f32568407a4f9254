//! Every setting that takes a URL which the gateway asks or sends people to, over the corpus of `tests/it/egress.toml`: what may not be asked by its
//! text alone keeps the gateway from starting, and its legitimate twins don't. Must not know how a URL is read.

use super::*;
use crate::egress::tests::by_text;

const PORT: u16 = 8_469;
const ISSUER: &str =
    "[[http.tenants]]\nmember = \"grocer\"\n[[http.issuers]]\nissuer = \"https://id.example\"\n";
const WAY_IN: &str = "discovery = \"https://id.example/.well-known/openid-configuration\"\n\
    [http.issuers.sign_in]\nclient_id = \"console\"\nredirect_uri = \"https://airlock.example/console/sign-in/corp\"\n";

/// Settings around one URL.
type Around = fn(&str) -> String;

/// By what the URL is for.
const SURFACES: [(&str, Around); 6] = [
    ("jwks_url", |url| format!("{ISSUER}jwks_url = {url}\n")),
    ("discovery", |url| format!("{ISSUER}discovery = {url}\n")),
    ("notify_url", |url| {
        format!(
            "[[http.tenants]]\nmember = \"grocer\"\nnotify_url = {url}\nnotify_secret_env = \"HOOK\"\n"
        )
    }),
    ("token_endpoint", |url| format!("{ISSUER}{WAY_IN}token_endpoint = {url}\n")),
    ("authorization_endpoint", |url| format!("{ISSUER}{WAY_IN}authorization_endpoint = {url}\n")),
    ("end_session_endpoint", |url| {
        format!("{ISSUER}{WAY_IN}sign_out = true\nend_session_endpoint = {url}\n")
    }),
];

/// Settings that are no callers' business, and ask as well.
const BESIDE: [(&str, Around); 2] = [
    ("traces.endpoint", |url| format!("[traces]\nendpoint = {url}\n")),
    ("triggers.queue_url", |url| {
        format!("[[triggers.sqs]]\nqueue_url = {url}\nregion = \"eu-central-1\"\n")
    }),
];

fn set(text: &str) -> Result<Http> {
    let home = homed(text);
    http(&home.1)
}

fn homed(text: &str) -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    let ground = format!(
        "[egress]\nports = [443, 8443, {PORT}]\n[http]\nhosts = [\"airlock.example\"]\n{text}"
    );
    std::fs::write(home.settings(), ground).unwrap();
    (folder, home)
}

/// The same of what `serve` and `sync` read beside it.
fn set_beside(text: &str) -> Result<()> {
    let (_folder, home) = homed(text);
    crate::settings::traces(&home)?;
    crate::settings::triggers(&home).map(drop)
}

/// They take no query, which may be a secret, and a queue has a path of its own; an empty endpoint is none.
#[test]
fn what_asks_beside_callers_does_not_lead_inside_either() {
    let (attempts, twins) = by_text(PORT);
    assert!(attempts.len() >= 150 && twins.len() >= 30, "{} {}", attempts.len(), twins.len());
    let mut broken = Vec::new();
    for (name, around) in BESIDE {
        let said = |url: &str| set_beside(&around(&toml::Value::from(url).to_string()));
        for url in attempts.iter().filter(|url| !url.is_empty() || name != "traces.endpoint") {
            match said(url) {
                Err(error) if error.code == "settings-invalid" => {}
                other => broken.push(format!("{name} = {url:?}: {other:?}")),
            }
        }
        for url in twins.iter().filter(|url| name == "traces.endpoint" && !url.contains('?')) {
            if let Err(error) = said(url) {
                broken.push(format!("{name} = {url:?}, which may be asked: {error}"));
            }
        }
        // A queue's twins have a path of their own, wherever they lead.
        for url in twins.iter().filter(|url| !url.contains('?')) {
            let url = format!("{}/1/q", url.trim_end_matches('/'));
            if let Err(error) = said(&url) {
                broken.push(format!("{name} = {url:?}, which may be asked: {error}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn no_setting_leads_inside_and_its_twins_are_taken() {
    let (attempts, twins) = by_text(PORT);
    assert!(attempts.len() >= 150 && twins.len() >= 30, "{} {}", attempts.len(), twins.len());
    let mut broken = Vec::new();
    for (name, around) in SURFACES {
        let said = |url: &str| set(&around(&toml::Value::from(url).to_string())).map(drop);
        for url in &attempts {
            match said(url) {
                Err(error) if error.code == "settings-invalid" => {}
                other => broken.push(format!("{name} = {url:?}: {other:?}")),
            }
        }
        for url in &twins {
            if let Err(error) = said(url) {
                broken.push(format!("{name} = {url:?}, which may be asked: {error}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Places are no URLs of a network: none of the corpus is one but a folder of this machine, which an operator may write down.
#[test]
fn no_place_is_a_url_that_is_asked() {
    let (attempts, twins) = by_text(PORT);
    let said = |key: &str, url: &str| {
        let url = toml::Value::from(url);
        set(&format!("[[http.tenants]]\nmember = \"grocer\"\n{key} = [{url}]\n")).map(drop)
    };
    // Nor where logs are published.
    let published = |url: &str| {
        let url = toml::Value::from(url);
        let (_folder, home) = homed(&format!("[publish]\nto = {url}\n"));
        crate::settings::publish(&home).map(drop)
    };
    for url in attempts.iter().chain(&twins).filter(|url| !url.starts_with("file:///")) {
        let found = published(url).map_err(|error| error.code);
        assert_eq!(found, Err("settings-invalid".to_owned()), "publish.to = {url:?}");
    }
    for url in ["s3://id.example/keys/", "s3://bucket/", "file:///etc/"] {
        assert!(published(url).is_ok(), "publish.to = {url:?}");
    }
    for key in ["places", "destinations"] {
        for url in attempts.iter().chain(&twins).filter(|url| !url.starts_with("file:///")) {
            let found = said(key, url).map_err(|error| error.code);
            assert_eq!(found, Err("settings-invalid".to_owned()), "{key} = {url:?}");
        }
        for url in ["s3://id.example/keys/", "s3://bucket/", "file:///etc/"] {
            assert!(said(key, url).is_ok(), "{key} = {url:?}");
        }
    }
}
