//! The part of the settings that says how people sign in to the console at an issuer: `sign_in` of `[[http.issuers]]`. Must not know what a browser
//! is told.

use super::Environment;
use super::http::{LOOPBACK, TokenType, is_name, is_variable};
use super::keys::KeysAt;
use crate::egress::{Policy, Target};
use crate::error::{Error, Result};
use std::collections::BTreeSet;
use std::fmt;

/// Where a browser comes back to, before the name.
const PLACE: &str = "/console/sign-in/";
const NAME_MAX: usize = 32;
const LABEL_MAX: usize = 64;
/// What is put to an authorization endpoint, and so stands in none.
const PUT: [&str; 8] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
];
/// What is put to an end-session endpoint.
const PUT_OUT: [&str; 3] = ["id_token_hint", "client_id", "post_logout_redirect_uri"];
const REDIRECT: &str = "a redirect_uri is https://HOST/console/sign-in/NAME, of a host in [http] hosts and a name of small letters, digits and dashes; http only of a loopback name";
const ENDPOINT: &str = "authorization_endpoint, token_endpoint and end_session_endpoint are https://HOST/PATH outside, or of a host that [egress] admits";

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInFile {
    client_id: String,
    redirect_uri: String,
    scopes: Vec<String>,
    label: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    client_secret_env: Option<String>,
    client_key_env: Option<String>,
    client_key_id: Option<String>,
    #[serde(default)]
    sign_out: bool,
    end_session_endpoint: Option<String>,
}

/// How people sign in at an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignInSetting {
    /// The last part of `redirect_uri`.
    pub(crate) name: String,
    /// As people are told of it.
    pub(crate) label: String,
    /// As the issuer knows the gateway.
    pub(crate) client_id: String,
    /// Where a browser comes back to, byte for byte as the issuer has it.
    pub(crate) redirect_uri: String,
    /// Scheme and authority of that.
    pub(crate) origin: String,
    /// What is asked for, one space between two.
    pub(crate) scopes: String,
    /// Where a browser is sent; none where the issuer's document says it.
    pub(crate) authorization: Option<Target>,
    /// Where a code is exchanged; none where the issuer's document says it.
    pub(crate) token: Option<Target>,
    /// The variable with the client's secret; none of a public client.
    pub(crate) secret_env: Option<String>,
    /// The variable with the client's private key, and how the issuer calls that; none of a client that does not sign.
    pub(crate) key_env: Option<String>,
    pub(crate) key_id: Option<String>,
    /// Whether signing out here ends the session at the issuer as well.
    pub(crate) sign_out: bool,
    /// Where a browser is sent for that; none where the issuer's document says it.
    pub(crate) end_session: Option<Target>,
}

/// What else is set that a way in has to fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) egress: &'a Policy,
    pub(super) hosts: &'a BTreeSet<String>,
    pub(super) audience: &'a str,
}

/// A client's secret. It is not shown by accident.
pub(crate) struct ClientSecret(String);

impl ClientSecret {
    /// The secret itself, for whoever shows it at the token endpoint.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

impl SignInSetting {
    /// The client's secret, where it has one; an error where its variable is not set.
    pub(crate) fn secret(&self) -> Result<Option<ClientSecret>> {
        self.secret_of(&Environment::of_process())
    }

    /// The text of the client's private key, where it signs; empty where its variable is not set.
    pub(crate) fn key(&self) -> Option<ClientSecret> {
        let variable = self.key_env.as_ref()?;
        let variables = Environment::of_process();
        Some(ClientSecret(variables.get(variable).unwrap_or_default().to_owned()))
    }

    /// Where a browser comes back to that signed out at the issuer, as the issuer has it.
    pub(crate) fn signed_out_uri(&self) -> String {
        format!("{}/console/sign-in", self.origin)
    }

    fn secret_of(&self, variables: &Environment) -> Result<Option<ClientSecret>> {
        let Some(variable) = &self.secret_env else { return Ok(None) };
        let secret = variables.get(variable).map(|text| ClientSecret(text.to_owned()));
        secret.map(Some).ok_or_else(|| {
            let message = format!("the secret of the client at {} is not set", self.label);
            Error::invalid("settings-invalid", message)
                .help("the secret in the variable that client_secret_env names")
        })
    }
}

/// How people sign in at this issuer.
pub(super) fn sign_in(
    set: SignInFile,
    (issuer, typ, keys): (&str, TokenType, &KeysAt),
    ground: Ground<'_>,
) -> Result<SignInSetting, &'static str> {
    signs(&set, keys)?;
    let is_plain = |text: &str| is_name(text) && text.bytes().all(|b| matches!(b, b' '..=b'~'));
    if !is_plain(&set.client_id) {
        return Err("a client_id is 1 to 256 plain characters");
    }
    if typ == TokenType::Jwt && set.client_id == ground.audience {
        return Err(
            "where typ is \"JWT\" a client_id is not the audience: an ID token would pass for an access token",
        );
    }
    let (origin, name) = place(&set.redirect_uri, ground.hosts).ok_or(REDIRECT)?;
    let distinct: BTreeSet<&String> = set.scopes.iter().collect();
    let is_scope = |text: &String| {
        (1..=256).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\'))
    };
    let has_openid = set.scopes.iter().any(|scope| scope == "openid");
    if !has_openid || distinct.len() != set.scopes.len() || !set.scopes.iter().all(is_scope) {
        return Err("scopes are words, each once, and \"openid\" is among them");
    }
    let endpoint = |text: Option<String>| {
        text.map(|text| ground.egress.target(&text)).transpose().map_err(|_| ENDPOINT)
    };
    let authorization = endpoint(set.authorization_endpoint)?;
    let token = endpoint(set.token_endpoint)?;
    let is_known = authorization.is_some() && token.is_some();
    if !is_known && !matches!(keys, KeysAt::Discovery(_)) {
        return Err("without discovery a sign_in has authorization_endpoint and token_endpoint");
    }
    if authorization.as_ref().is_some_and(|target| target.names(&PUT)) {
        return Err("an authorization_endpoint names none of the parameters that are put to it");
    }
    if !set.client_secret_env.as_deref().is_none_or(is_variable) {
        return Err("client_secret_env is the name of a variable, in capitals");
    }
    let end_session = endpoint(set.end_session_endpoint)?;
    if end_session.as_ref().is_some_and(|target| target.names(&PUT_OUT)) {
        return Err("an end_session_endpoint names none of the parameters that are put to it");
    }
    let label = set
        .label
        .unwrap_or_else(|| issuer.trim_start_matches("https://").chars().take(LABEL_MAX).collect());
    if !is_name(&label) || label.chars().count() > LABEL_MAX {
        return Err("a label is 1 to 64 characters");
    }
    Ok(SignInSetting {
        name,
        label,
        client_id: set.client_id,
        redirect_uri: set.redirect_uri,
        origin,
        scopes: set.scopes.join(" "),
        authorization,
        token,
        secret_env: set.client_secret_env,
        key_env: set.client_key_env,
        key_id: set.client_key_id,
        sign_out: set.sign_out,
        end_session,
    })
}

/// How the client shows who it is, and whether anybody can be signed out at the issuer.
fn signs(set: &SignInFile, keys: &KeysAt) -> Result<(), &'static str> {
    if !set.client_key_env.as_deref().is_none_or(is_variable) {
        return Err("client_key_env is the name of a variable, in capitals");
    }
    if set.client_key_env.is_some() && set.client_secret_env.is_some() {
        return Err("a client has client_secret_env or client_key_env, and not both");
    }
    let is_id = |id: &str| is_name(id) && id.bytes().all(|b| b.is_ascii_graphic());
    if !set.client_key_id.as_deref().is_none_or(is_id)
        || set.client_key_env.is_none() && set.client_key_id.is_some()
    {
        return Err("client_key_id is 1 to 256 plain characters, beside client_key_env");
    }
    if set.end_session_endpoint.is_some() && !set.sign_out {
        return Err("end_session_endpoint is for sign_out = true");
    }
    let is_known = set.end_session_endpoint.is_some() || matches!(keys, KeysAt::Discovery(_));
    if set.sign_out && !is_known {
        return Err("without discovery sign_out has an end_session_endpoint");
    }
    Ok(())
}

/// The origin and the name of a place of this gateway, in the one way of writing it.
fn place(text: &str, hosts: &BTreeSet<String>) -> Option<(String, String)> {
    let (scheme, rest) = text.split_once("://")?;
    let at = rest.find('/')?;
    let (authority, path) = (rest.get(..at)?, rest.get(at..)?);
    let name = path.strip_prefix(PLACE)?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    let is_here = LOOPBACK.contains(&host);
    let usual = match scheme {
        "https" => "443",
        "http" if is_here => "80",
        _ => return None,
    };
    // What browsers leave out is left out, or nobody would come back to where it was kept.
    let is_port =
        |port: &str| port != usual && !port.starts_with('0') && port.parse::<u16>().is_ok();
    let is_letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let is_called = (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_letter);
    let is_good = hosts.contains(host) && port.is_none_or(is_port) && is_called;
    is_good.then(|| (format!("{scheme}://{authority}"), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::http::http_of;
    use super::*;
    use crate::home::Home;

    const KEYS: &str = "discovery = \"https://id.example/.well-known/openid-configuration\"";
    const GOOD: &str =
        "client_id = \"console\", redirect_uri = \"https://airlock.example/console/sign-in/corp\"";

    fn set_with(keys: &str, sign_in: &str, more: &str) -> Result<Vec<SignInSetting>> {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        let text = format!(
            "[http]\nhosts = [\"airlock.example\"]\n[[http.issuers]]\nissuer = \"https://id.example\"\n{keys}\nsign_in = {{ {sign_in} }}\n{more}"
        );
        std::fs::write(home.settings(), text).unwrap();
        let http = http_of(&home, &Environment::default())?.0;
        Ok(http.issuers.into_iter().filter_map(|issuer| issuer.sign_in).collect())
    }

    fn set(sign_in: &str) -> Result<Vec<SignInSetting>> {
        set_with(KEYS, sign_in, "")
    }

    #[test]
    fn a_way_in_is_read_and_what_it_is_called() {
        let found = &set(GOOD).unwrap()[0];
        assert_eq!((found.name.as_str(), found.label.as_str()), ("corp", "id.example"));
        assert_eq!(found.origin, "https://airlock.example");
        assert_eq!(found.scopes, "openid");
        assert!(found.authorization.is_none() && found.token.is_none());
        assert!(found.secret().unwrap().is_none(), "a public client");
        let more = format!(
            "{GOOD}, label = \"Corp\", scopes = [\"openid\", \"api://airlock/all\"], authorization_endpoint = \"https://id.example/a?audience=x\""
        );
        let found = &set(&more).unwrap()[0];
        assert_eq!(
            (found.label.as_str(), found.scopes.as_str()),
            ("Corp", "openid api://airlock/all")
        );
        assert!(found.authorization.is_some());
        let both = "authorization_endpoint = \"https://id.example/a\", token_endpoint = \"https://id.example/t\"";
        assert!(set_with("jwks_file = \"k\"", &format!("{GOOD}, {both}"), "").is_ok());
        assert!(!found.sign_out && found.key_env.is_none());
        let out =
            format!("{GOOD}, sign_out = true, client_key_env = \"KEY\", client_key_id = \"k1\"");
        let found = &set(&out).unwrap()[0];
        assert!(found.sign_out && found.key_env.as_deref() == Some("KEY"));
        assert_eq!(found.signed_out_uri(), "https://airlock.example/console/sign-in");
        let out = format!("{GOOD}, {both}, sign_out = true");
        assert!(set_with("jwks_file = \"k\"", &out, "").is_err(), "nobody says where");
        let out = format!("{out}, end_session_endpoint = \"https://id.example/out\"");
        assert!(set_with("jwks_file = \"k\"", &out, "").is_ok());
    }

    #[test]
    fn the_way_back_is_to_this_gateway_in_one_way_of_writing_it() {
        for (uri, is_good) in [
            ("https://airlock.example/console/sign-in/corp", true),
            ("https://airlock.example:8443/console/sign-in/corp", true),
            ("http://localhost:8470/console/sign-in/corp-2", true),
            ("http://127.0.0.1:8470/console/sign-in/corp", true),
            ("http://[::1]:8470/console/sign-in/corp", true),
            ("https://localhost/console/sign-in/corp", true),
            ("http://airlock.example/console/sign-in/corp", false),
            ("https://airlock.example:443/console/sign-in/corp", false),
            ("http://localhost:80/console/sign-in/corp", false),
            ("https://airlock.example:0443/console/sign-in/corp", false),
            ("https://airlock.example:99999/console/sign-in/corp", false),
            ("https://airlock.example:/console/sign-in/corp", false),
            ("https://Airlock.example/console/sign-in/corp", false),
            ("https://evil.example/console/sign-in/corp", false),
            ("https://airlock.example@evil.example/console/sign-in/corp", false),
            ("https://airlock.example.evil.example/console/sign-in/corp", false),
            ("https://airlock.example/console/sign-in/", false),
            ("https://airlock.example/console/sign-in/Corp", false),
            ("https://airlock.example/console/sign-in/corp/", false),
            ("https://airlock.example/console/sign-in/corp?x=1", false),
            ("https://airlock.example/console/sign-in/corp#x", false),
            ("https://airlock.example/console/sign-in/../corp", false),
            ("https://airlock.example/console", false),
            ("https://airlock.example", false),
            ("javascript://airlock.example/console/sign-in/corp", false),
            ("", false),
        ] {
            let found = set(&format!("client_id = \"console\", redirect_uri = \"{uri}\""));
            assert_eq!(found.is_ok(), is_good, "{uri}");
            assert!(found.is_ok_and(|found| found[0].redirect_uri == uri) || !is_good);
        }
    }

    #[test]
    fn what_would_not_hold_is_refused() {
        for wrong in [
            "client_id = \"console\"",
            "redirect_uri = \"https://airlock.example/console/sign-in/corp\"",
            &format!("{GOOD}, scopes = []"),
            &format!("{GOOD}, scopes = [\"profile\"]"),
            &format!("{GOOD}, scopes = [\"openid\", \"openid\"]"),
            &format!("{GOOD}, scopes = [\"openid profile\"]"),
            &format!("{GOOD}, label = \"\""),
            &format!("{GOOD}, token_endpoint = \"http://id.example/t\""),
            &format!("{GOOD}, token_endpoint = \"https://169.254.169.254/t\""),
            &format!("{GOOD}, authorization_endpoint = \"https://id.example/a#x\""),
            &format!("{GOOD}, authorization_endpoint = \"https://id.example/a?state=x\""),
            &format!(
                "{GOOD}, authorization_endpoint = \"https://id.example/a?x=y&redirect%5Furi=x\""
            ),
            &format!("{GOOD}, client_secret_env = \"hunter2hunter2\""),
            &format!("{GOOD}, client_key_env = \"hunter2hunter2\""),
            &format!("{GOOD}, client_key_env = \"KEY\", client_secret_env = \"SECRET\""),
            &format!("{GOOD}, client_key_id = \"k1\""),
            &format!("{GOOD}, client_key_env = \"KEY\", client_key_id = \"\""),
            &format!("{GOOD}, end_session_endpoint = \"https://id.example/out\""),
            &format!("{GOOD}, sign_out = true, end_session_endpoint = \"http://id.example/out\""),
            &format!(
                "{GOOD}, sign_out = true, end_session_endpoint = \"https://id.example/out?id_token_hint=x\""
            ),
            &format!("{GOOD}, client_secret = \"hunter2hunter2\""),
            &GOOD.replace("console\"", "con\u{fc}\""),
        ] {
            let error = set(wrong).unwrap_err();
            assert_eq!(error.code, "settings-invalid", "{wrong}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        for keys in ["jwks_file = \"k\"", "jwks_url = \"https://id.example/k\""] {
            assert!(set_with(keys, GOOD, "").is_err(), "nobody says where people are sent: {keys}");
        }
        // An ID token of such a client would be for the gateway.
        let own = GOOD.replace("\"console\"", "\"airlock\"");
        assert!(set_with(&format!("{KEYS}\ntyp = \"JWT\""), &own, "").is_err());
        assert!(set_with(&format!("{KEYS}\ntyp = \"at+jwt\""), &own, "").is_ok());
    }

    #[test]
    fn no_two_issuers_have_one_way_back() {
        let other = |name: &str| {
            format!(
                "[[http.issuers]]\nissuer = \"https://two.example\"\n{KEYS}\nsign_in = {{ client_id = \"c\", redirect_uri = \"http://localhost:1/console/sign-in/{name}\" }}"
            )
        };
        assert!(set_with(KEYS, GOOD, &other("corp")).is_err());
        assert_eq!(set_with(KEYS, GOOD, &other("two")).unwrap().len(), 2);
    }

    #[test]
    fn a_secret_is_a_variables_or_nothing_begins() {
        let set = &set(&format!("{GOOD}, client_secret_env = \"CONSOLE\"")).unwrap()[0];
        let with = |value: &str| {
            let all = [("CONSOLE".to_owned(), value.to_owned())];
            set.secret_of(&Environment(all.into()))
        };
        let secret = with("hunter2").unwrap().unwrap();
        assert_eq!((secret.text(), format!("{secret:?}").as_str()), ("hunter2", "ClientSecret"));
        assert_eq!(with("").unwrap_err().code, "settings-invalid");
    }
}
