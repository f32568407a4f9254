//! The part of the settings that says where the gateway answers over HTTP, who its tenants are and who speaks for them: `[http]`. Must not
//! know how a request is answered, nor how a token is verified.

use super::clients::{ClientFile, ClientSetting, clients};
use super::egress::egress_of;
use super::keys::{KeysFile, KeysSetting};
use super::{Environment, Row, Section, section};
use crate::egress::Policy;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::results::lies_in;
use mappings::model::MemberId;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

const HELP: &str = "[http] with perhaps listen = \"127.0.0.1:PORT\", hosts, audience, runs_at_once, policies and development_issuer; [[http.tenants]] with member, and \
    perhaps organisation, places, destinations, runs_at_once and four_eyes; [[http.issuers]] with issuer, one of jwks_file, jwks_url and discovery, tenants, and perhaps typ, organisation_claim, roles_claim, person_claim, operators and keys_hours_max; \
    [[http.clients]] with client, member, roles, and jwks_file or jwks_url";
const NAME_MAX: usize = 256;
/// Names that a token's own rules are about.
const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
/// Names by which a machine reaches itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpSetting {
    listen: SocketAddr,
    /// Said by whoever means it: what listens elsewhere than at a loopback address has a proxy's TLS before it.
    beyond_loopback: bool,
    hosts: Vec<String>,
    audience: String,
    development_issuer: bool,
    runs_at_once: usize,
    policies: Option<PathBuf>,
    #[serde(default)]
    tenants: Vec<TenantFile>,
    #[serde(default)]
    issuers: Vec<IssuerFile>,
    #[serde(default)]
    clients: Vec<ClientFile>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantFile {
    member: MemberId,
    organisation: Option<String>,
    places: Vec<String>,
    destinations: Vec<String>,
    runs_at_once: Option<usize>,
    four_eyes: BTreeSet<FourEyes>,
    notify_url: Option<String>,
    notify_secret_env: Option<String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerFile {
    issuer: String,
    jwks_file: Option<PathBuf>,
    jwks_url: Option<String>,
    discovery: Option<String>,
    keys_hours_max: i64,
    typ: TokenType,
    organisation_claim: String,
    roles_claim: String,
    person_claim: Option<String>,
    tenants: Vec<MemberId>,
    operators: bool,
}

/// A decision that two people of a tenant make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FourEyes {
    /// The approval of a template.
    Approve,
    /// The consent to a room's holding something more loosely.
    Waive,
}

/// What an issuer writes into `typ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub(crate) enum TokenType {
    /// An access token, as RFC 9068 says.
    #[serde(rename = "at+jwt")]
    AccessToken,
    /// Any token, where the issuer has no other word for its access tokens.
    #[serde(rename = "JWT")]
    Jwt,
}

/// Where the gateway answers, and to whom.
#[derive(Debug)]
pub(crate) struct Http {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Names by which it is reached, without a port, in lower case; those of the machine itself among them.
    pub(crate) hosts: BTreeSet<String>,
    /// What a token has to be for.
    pub(crate) audience: String,
    /// Whether the gateway itself makes tokens, for trying things out on one machine.
    pub(crate) development_issuer: bool,
    /// Runs under way at a time that callers asked for.
    pub(crate) runs_at_once: usize,
    /// The folder with the operator's own policies.
    pub(crate) policies: Option<PathBuf>,
    /// Members in whose name somebody may call.
    pub(crate) tenants: Vec<TenantSetting>,
    /// Whether all of them are of one house, and may name any place and any collaboration: nobody wrote any of them down.
    pub(crate) one_house: bool,
    /// Who says who calls.
    pub(crate) issuers: Vec<IssuerSetting>,
    /// Programs that get tokens of this gateway.
    pub(crate) clients: Vec<ClientSetting>,
    /// What may be asked of URLs that are named to the gateway.
    pub(crate) egress: Arc<Policy>,
}

/// A member in whose name somebody may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TenantSetting {
    /// The member.
    pub(crate) member: MemberId,
    /// What issuers call it.
    pub(crate) organisation: String,
    /// Where its data may lie, and its results go, as far as this gateway opens places itself.
    pub(crate) places: Vec<String>,
    pub(crate) destinations: Vec<String>,
    /// Runs that it may have under way; none where that is not said.
    pub(crate) runs_at_once: Option<usize>,
    /// What two people of it decide.
    pub(crate) four_eyes: BTreeSet<FourEyes>,
    /// Where it is told what became of its runs, and the variable with the secret that this is signed under.
    pub(crate) notify: Option<(String, String)>,
}

/// Somebody whose tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IssuerSetting {
    /// As `iss` has it.
    pub(crate) issuer: String,
    /// Where its keys are.
    pub(crate) keys: KeysSetting,
    /// As `typ` has it.
    pub(crate) typ: TokenType,
    /// The claim with the organisation.
    pub(crate) organisation_claim: String,
    /// The claim with the roles.
    pub(crate) roles_claim: String,
    /// A claim that it writes of people, and of no program; none where it has none, and then it speaks of programs alone.
    pub(crate) person_claim: Option<String>,
    /// For whom it may speak, and for nobody else.
    pub(crate) tenants: Vec<TenantSetting>,
    /// Whether it may say who the operator is.
    pub(crate) operators: bool,
}

/// The name under which the development issuer's tokens go; nobody else may have it.
pub(crate) const DEVELOPMENT_ISSUER: &str = "urn:airlock:development-issuer";
/// The same of the tokens that this gateway gives to its clients.
pub(crate) const OWN_ISSUER: &str = "urn:airlock:gateway";

/// What a gateway's folder sets.
pub(crate) fn http(home: &Home) -> Result<Http> {
    Ok(http_of(home, &Environment::of_process())?.0)
}

pub(super) fn http_of(home: &Home, variables: &Environment) -> Result<(Http, Vec<Row>)> {
    let path = home.settings();
    let read: Section<HttpSetting> = section(home, variables, "http", HELP)?;
    let listens =
        format!("{}: the gateway would listen beyond this machine", read.at("http.listen"));
    let to_anybody = format!(
        "{}: the development issuer would be reached from beyond this machine",
        read.at("http.development_issuer")
    );
    let Section { set, rows, .. } = read;
    let invalid = |what: &str| {
        Error::invalid("settings-invalid", format!("{}: {what}", path.display())).help(HELP)
    };
    let is_here = set.listen.ip().is_loopback();
    if set.development_issuer && !is_here {
        return Err(Error::refused("development-issuer-exposed", to_anybody)
            .help("a loopback address; or development_issuer = false, and an issuer of your own in [[http.issuers]]"));
    }
    if !is_here && !set.beyond_loopback {
        return Err(Error::refused("http-exposed", listens)
            .help("a loopback address behind a proxy with TLS; or beyond_loopback = true, where a network of your own is between them"));
    }
    let egress = egress_of(home, variables)?.0;
    if egress.is_loopback() && !is_here {
        let message =
            format!("{}: callers from beyond this machine could have it asked", path.display());
        return Err(Error::refused("egress-loopback-exposed", message)
            .help("[egress] loopback = false, which it is unless it is set; or a loopback address to listen at"));
    }
    if !is_name(&set.audience) {
        return Err(invalid("audience is a name of 1 to 256 characters"));
    }
    let mut hosts = BTreeSet::from(LOOPBACK.map(str::to_owned));
    for host in &set.hosts {
        hosts.insert(host_name(host).ok_or_else(|| invalid(HOSTS))?);
    }
    let mut tenants = tenants(set.tenants, &egress).map_err(invalid)?;
    let issuers = issuers(set.issuers, &tenants, (home, &egress)).map_err(invalid)?;
    two_people(&tenants, &issuers, set.development_issuer).map_err(invalid)?;
    let policies = set.policies.as_ref().map(|folder| home.root().join(folder));
    let one_house = set.development_issuer && tenants.is_empty();
    if one_house {
        let named = |member: MemberId| TenantSetting {
            organisation: member.to_string(),
            member,
            places: Vec::new(),
            destinations: Vec::new(),
            runs_at_once: None,
            four_eyes: BTreeSet::new(),
            notify: None,
        };
        tenants = home.members()?.into_iter().map(named).collect();
    }
    let mut names: Vec<&str> = issuers.iter().map(|issuer| issuer.issuer.as_str()).collect();
    names.extend([DEVELOPMENT_ISSUER, OWN_ISSUER]);
    let clients = clients(set.clients, (&tenants, &names), home, &egress).map_err(invalid)?;
    let HttpSetting { listen, audience, development_issuer, runs_at_once, .. } = set;
    let http = Http {
        listen,
        hosts,
        audience,
        development_issuer,
        runs_at_once,
        policies,
        tenants,
        one_house,
        issuers,
        clients,
        egress,
    };
    Ok((http, rows))
}

const HOSTS: &str = "hosts are names or addresses by themselves, without a scheme or a port";

fn tenants(set: Vec<TenantFile>, egress: &Policy) -> Result<Vec<TenantSetting>, &'static str> {
    let mut seen = BTreeSet::new();
    let mut tenants = Vec::new();
    for file in set {
        let notify = notify(&file, egress)?;
        let TenantFile {
            member, organisation, places, destinations, runs_at_once, four_eyes, ..
        } = file;
        let organisation = organisation.unwrap_or_else(|| member.to_string());
        if !is_name(&organisation) {
            return Err("an organisation is a name of 1 to 256 characters");
        }
        if !seen.insert(member.clone()) {
            return Err("two of [[http.tenants]] are one member");
        }
        if !places.iter().chain(&destinations).all(|place| lies_in(place, place)) {
            return Err(
                "places and destinations are whole URLs: file:///FOLDER/ or s3://BUCKET/PREFIX/, of plain letters",
            );
        }
        tenants.push(TenantSetting {
            member,
            organisation,
            places,
            destinations,
            runs_at_once,
            four_eyes,
            notify,
        });
    }
    Ok(tenants)
}

/// Where a tenant is told. The variable is named as variables are, so that a secret in its place is refused.
fn notify(file: &TenantFile, egress: &Policy) -> Result<Option<(String, String)>, &'static str> {
    let (url, variable) = match (&file.notify_url, &file.notify_secret_env) {
        (None, None) => return Ok(None),
        (Some(url), Some(variable)) => (url, variable),
        (Some(_), None) | (None, Some(_)) => {
            return Err("notify_url and notify_secret_env stand together");
        }
    };
    if egress.target(url).is_err() {
        return Err("a notify_url is https://HOST/PATH outside, or of a host that [egress] admits");
    }
    let inner = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_variable = (1..=64).contains(&variable.len())
        && variable.bytes().all(inner)
        && !variable.starts_with(|first: char| first.is_ascii_digit());
    if !is_variable {
        return Err("notify_secret_env is the name of a variable, in capitals");
    }
    Ok(Some((url.clone(), variable.clone())))
}

fn issuers(
    set: Vec<IssuerFile>,
    tenants: &[TenantSetting],
    (home, egress): (&Home, &Policy),
) -> Result<Vec<IssuerSetting>, &'static str> {
    let mut names = BTreeSet::from([DEVELOPMENT_ISSUER, OWN_ISSUER].map(str::to_owned));
    let mut issuers = Vec::new();
    for issuer in set {
        if !is_name(&issuer.issuer) {
            return Err("an issuer is a name of 1 to 256 characters");
        }
        if !names.insert(issuer.issuer.clone()) {
            return Err(
                "two of [[http.issuers]] are one issuer, or one has a name of the gateway's own",
            );
        }
        let claims = [issuer.organisation_claim.as_str(), issuer.roles_claim.as_str()];
        let is_own = |claim: &&str| is_name(claim) && !REGISTERED.contains(claim);
        if !claims.iter().all(is_own) || claims.first() == claims.last() {
            return Err("organisation_claim and roles_claim are two claims of the issuer's own");
        }
        // One that every token has would make people of programs.
        let is_of_people = |claim: &str| {
            is_own(&claim) && !claims.contains(&claim) && !["client_id", "azp"].contains(&claim)
        };
        if !issuer.person_claim.as_deref().is_none_or(is_of_people) {
            return Err("person_claim is a claim that the issuer writes of people alone");
        }
        let keys = KeysFile {
            file: issuer.jwks_file,
            url: issuer.jwks_url,
            discovery: issuer.discovery,
            hours_max: issuer.keys_hours_max,
        };
        issuers.push(IssuerSetting {
            keys: keys.read(home, egress)?,
            tenants: spoken_for(&issuer.tenants, tenants)?,
            issuer: issuer.issuer,
            typ: issuer.typ,
            organisation_claim: issuer.organisation_claim,
            roles_claim: issuer.roles_claim,
            person_claim: issuer.person_claim,
            operators: issuer.operators,
        });
    }
    Ok(issuers)
}

/// Where two people are to decide, somebody has to say who is a person; nothing could be decided otherwise.
fn two_people(
    tenants: &[TenantSetting],
    issuers: &[IssuerSetting],
    development_issuer: bool,
) -> Result<(), &'static str> {
    let names_people = |tenant: &TenantSetting| {
        let mut of = issuers.iter().filter(|issuer| issuer.person_claim.is_some());
        development_issuer || of.any(|issuer| issuer.tenants.contains(tenant))
    };
    if tenants.iter().all(|tenant| tenant.four_eyes.is_empty() || names_people(tenant)) {
        return Ok(());
    }
    Err(
        "four_eyes of a tenant of which no issuer says who is a person: person_claim in [[http.issuers]]",
    )
}

/// The tenants that an issuer lists; no two of them may be one to it.
fn spoken_for(
    members: &[MemberId],
    tenants: &[TenantSetting],
) -> Result<Vec<TenantSetting>, &'static str> {
    let (mut organisations, mut found) = (BTreeSet::new(), Vec::new());
    for member in members {
        let tenant = tenants.iter().find(|tenant| tenant.member == *member);
        let tenant = tenant.ok_or("an issuer's tenants are members in [[http.tenants]]")?;
        if !organisations.insert(&tenant.organisation) {
            return Err("two tenants of one issuer are one organisation");
        }
        found.push(tenant.clone());
    }
    Ok(found)
}

pub(super) fn is_name(text: &str) -> bool {
    (1..=NAME_MAX).contains(&text.len())
        && text.trim() == text
        && !text.chars().any(char::is_control)
}

/// A host by itself, in lower case.
fn host_name(text: &str) -> Option<String> {
    let is_plain = |text: &str| {
        let is_part = |part: &str| {
            let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            (1..=63).contains(&part.len()) && part.bytes().all(inner)
        };
        text.len() <= 253 && text.split('.').all(is_part)
    };
    let address = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().ok();
    (is_plain(text) || address().is_some()).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::super::KeysAt;
    use super::*;

    const TENANTS: &str = "[[http.tenants]]\nmember = \"grocer\"\norganisation = \"org-1\"\n[[http.tenants]]\nmember = \"brand\"\n";

    fn set(text: &str) -> Result<Http> {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::fs::write(home.settings(), text).unwrap();
        assert!(super::super::store(&home).unwrap().is_none(), "nobody else is kept from anything");
        assert!(super::super::triggers(&home).is_ok(), "nor from listening");
        http(&home)
    }

    fn code(text: &str) -> String {
        set(text).map(drop).unwrap_err().code
    }

    #[test]
    fn a_tenant_is_told_where_it_says_and_its_secret_is_a_variables() {
        let with = |more: &str| format!("[[http.tenants]]\nmember = \"brand\"\n{more}");
        let both = "notify_url = \"https://hooks.example.org/a\"\nnotify_secret_env = \"HOOK\"";
        let tenants = set(&with(both)).unwrap().tenants;
        let (url, variable) = tenants[0].notify.clone().unwrap();
        assert_eq!((url.as_str(), variable.as_str()), ("https://hooks.example.org/a", "HOOK"));
        assert_eq!(set(&with("")).unwrap().tenants[0].notify, None);
        for wrong in [
            "notify_url = \"https://hooks.example.org/a\"",
            "notify_secret_env = \"HOOK\"",
            "notify_url = \"http://hooks.example.org/a\"\nnotify_secret_env = \"HOOK\"",
            "notify_url = \"https://169.254.169.254/\"\nnotify_secret_env = \"HOOK\"",
            "notify_url = \"http://127.0.0.1:9/\"\nnotify_secret_env = \"HOOK\"",
            "notify_url = \"https://hooks.example.org/a\"\nnotify_secret_env = \"hunter2hunter2\"",
        ] {
            let error = set(&with(wrong)).map(drop).unwrap_err();
            assert_eq!(error.code, "settings-invalid", "{wrong}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let here = with(
            "notify_url = \"http://127.0.0.1:9/\"\nnotify_secret_env = \"HOOK\"\n[egress]\nloopback = true",
        );
        assert!(set(&here).unwrap().tenants[0].notify.is_some());
    }

    fn issuer(more: &str) -> String {
        format!(
            "{TENANTS}[[http.issuers]]\nissuer = \"https://id.example\"\njwks_file = \"id.json\"\n{more}"
        )
    }

    #[test]
    fn nothing_set_is_a_loopback_address_and_nobody() {
        for text in ["", "[http]", "[store]\nurl = \"postgres://a@b/c\""] {
            let folder = tempfile::tempdir().unwrap();
            let home = Home::open(folder.path()).unwrap();
            std::fs::write(home.settings(), text).unwrap();
            let http = http(&home).unwrap();
            assert_eq!(http.listen.to_string(), "127.0.0.1:8470");
            assert_eq!(http.audience, "airlock");
            assert!(http.hosts.contains("localhost") && http.hosts.len() == 3);
            assert!(!http.development_issuer && http.tenants.is_empty() && http.issuers.is_empty());
        }
    }

    #[test]
    fn what_is_reached_from_elsewhere_is_meant_to_be() {
        let listen = |at: &str, more: &str| format!("[http]\nlisten = \"{at}\"\n{more}");
        for (at, beyond) in [
            ("0.0.0.0:8470", true),
            ("10.0.0.1:8470", true),
            ("[::]:8470", true),
            ("[::1]:8470", false),
        ] {
            let meant = set(&listen(at, "beyond_loopback = true")).unwrap();
            assert_eq!(meant.listen.to_string(), at);
            assert_eq!(set(&listen(at, "")).is_err(), beyond, "{at}");
            if beyond {
                assert_eq!(code(&listen(at, "")), "http-exposed");
            }
        }
        assert_eq!(code(&listen("localhost:8470", "")), "settings-invalid");
        assert_eq!(code(&listen("127.0.0.1", "")), "settings-invalid");
    }

    #[test]
    fn the_development_issuer_is_never_reached_from_elsewhere() {
        let with = |at: &str, more: &str| {
            format!("[http]\nlisten = \"{at}\"\ndevelopment_issuer = true\n{more}")
        };
        for at in
            ["0.0.0.0:8470", "10.0.0.1:1", "[::]:8470", "[2001:db8::1]:1", "[::ffff:127.0.0.1]:1"]
        {
            assert_eq!(code(&with(at, "")), "development-issuer-exposed", "{at}");
            assert_eq!(code(&with(at, "beyond_loopback = true")), "development-issuer-exposed");
        }
        for at in ["127.0.0.1:8470", "127.9.9.9:1", "[::1]:8470"] {
            assert!(set(&with(at, "")).unwrap().development_issuer, "{at}");
            assert!(set(&with(at, "beyond_loopback = true")).unwrap().development_issuer);
        }
    }

    #[test]
    fn this_machine_is_asked_for_those_alone_who_are_on_it() {
        let with = |at: &str| {
            format!("[http]\nlisten = \"{at}\"\nbeyond_loopback = true\n[egress]\nloopback = true")
        };
        assert_eq!(code(&with("0.0.0.0:8470")), "egress-loopback-exposed");
        assert!(set(&with("127.0.0.1:8470")).unwrap().egress.is_loopback());
        assert!(!set("").unwrap().egress.is_loopback());
    }

    #[test]
    fn the_development_issuer_knows_the_members_of_the_folder_unless_tenants_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        for member in ["grocer", "brand"] {
            std::fs::write(home.member_key(&MemberId::new(member).unwrap()), "").unwrap();
        }
        let tenants = |text: &str| {
            std::fs::write(home.settings(), text).unwrap();
            let tenants = http(&home).unwrap().tenants;
            tenants.iter().map(|tenant| tenant.member.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(tenants("[http]\ndevelopment_issuer = true"), ["brand", "grocer"]);
        assert!(tenants("[http]").is_empty());
        let named = "[http]\ndevelopment_issuer = true\n[[http.tenants]]\nmember = \"brand\"";
        assert_eq!(tenants(named), ["brand"]);
    }

    #[test]
    fn an_issuer_speaks_for_those_whom_it_lists() {
        let http = set(&issuer("tenants = [\"grocer\"]")).unwrap();
        let one = &http.issuers[0];
        assert_eq!(one.tenants, http.tenants[..1]);
        assert_eq!(one.tenants[0].organisation, "org-1");
        assert_eq!((one.organisation_claim.as_str(), one.roles_claim.as_str()), ("org", "roles"));
        assert!(one.typ == TokenType::AccessToken && !one.operators);
        let KeysAt::File(file) = &one.keys.at else { panic!("{one:?}") };
        assert!(file.is_absolute() && file.ends_with("id.json"));
        let other =
            set(&issuer("typ = \"JWT\"\noperators = true\nroles_claim = \"https://x/r\"")).unwrap();
        assert!(other.issuers[0].typ == TokenType::Jwt && other.issuers[0].operators);
        assert!(other.issuers[0].tenants.is_empty());
        assert_eq!(
            http.tenants[1].organisation, "brand",
            "a member's own name, unless it has another"
        );
    }

    #[test]
    fn what_would_be_two_things_at_once_is_refused() {
        let twice = "[[http.tenants]]\nmember = \"grocer\"\n[[http.tenants]]\nmember = \"grocer\"\norganisation = \"x\"";
        let one_organisation = format!(
            "{}[[http.tenants]]\nmember = \"bank\"\norganisation = \"org-1\"",
            issuer("tenants = [\"grocer\", \"bank\"]\n")
        );
        let at = |more: &str| format!("[[http.issuers]]\nissuer = \"https://id.example\"\n{more}");
        let mine =
            "[[http.issuers]]\nissuer = \"urn:airlock:development-issuer\"\njwks_file = \"x\"";
        for text in [
            twice.to_owned(),
            one_organisation,
            mine.to_owned(),
            issuer("tenants = [\"nobody\"]"),
            issuer("tenants = [\"grocer\", \"grocer\"]"),
            issuer("typ = \"jwt\""),
            issuer("organisation_claim = \"sub\""),
            issuer("roles_claim = \"org\""),
            issuer("roles_claim = \"\""),
            issuer("jwks_url = \"https://id.example/keys\""),
            issuer("keys_hours_max = 0"),
            issuer("keys_hours_max = 169"),
            at("jwks_url = \"http://id.example/keys\""),
            at("jwks_url = \"https://10.0.0.1/keys\""),
            at("jwks_url = \"https://id.example/\"\ndiscovery = \"https://id.example/\""),
            at("discovery = \"https://localhost/\""),
            at("tenants = []"),
            format!(
                "{}[[http.issuers]]\nissuer = \"https://id.example\"\njwks_file = \"x\"",
                issuer("")
            ),
            "[[http.issuers]]\nissuer = \"https://id.example\"".to_owned(),
            "[[http.issuers]]\nissuer = \" https://id.example\"\njwks_file = \"x\"".to_owned(),
            "[[http.tenants]]\nmember = \"Grocer\"".to_owned(),
            "[[http.tenants]]\nmember = \"grocer\"\nplaces = [\"data\"]".to_owned(),
            "[[http.tenants]]\nmember = \"grocer\"\nplaces = [\"s3://a/../b\"]".to_owned(),
            "[[http.tenants]]\nmember = \"grocer\"\ndestinations = [\"https://a/b\"]".to_owned(),
            "[[http.tenants]]\nmember = \"grocer\"\norganisation = \"\"".to_owned(),
            "[http]\naudience = \"\"".to_owned(),
            "[http]\nport = 1".to_owned(),
        ] {
            assert_eq!(code(&text), "settings-invalid", "{text}");
        }
        let apart = format!(
            "{}[[http.tenants]]\nmember = \"bank\"\norganisation = \"org-1\"\n\
             [[http.issuers]]\nissuer = \"https://other.example\"\njwks_file = \"x\"\ntenants = [\"bank\"]",
            issuer("tenants = [\"grocer\"]\n")
        );
        assert_eq!(set(&apart).unwrap().issuers.len(), 2, "one name with two issuers is two");
    }

    #[test]
    fn two_people_decide_where_somebody_says_who_is_one() {
        let eyes = "[[http.tenants]]\nmember = \"grocer\"\nfour_eyes = [\"approve\", \"waive\"]\n";
        let issuer = |more: &str| {
            format!(
                "{eyes}[[http.issuers]]\nissuer = \"https://id.example\"\njwks_file = \"x\"\n{more}"
            )
        };
        let set_so = set(&issuer("tenants = [\"grocer\"]\nperson_claim = \"email\"")).unwrap();
        assert_eq!(set_so.tenants[0].four_eyes, [FourEyes::Approve, FourEyes::Waive].into());
        assert_eq!(set_so.issuers[0].person_claim.as_deref(), Some("email"));
        assert!(set(&format!("[http]\ndevelopment_issuer = true\n{eyes}")).is_ok());
        for text in [
            issuer("tenants = [\"grocer\"]"),
            issuer("person_claim = \"email\""),
            issuer("tenants = [\"grocer\"]\nperson_claim = \"\""),
            issuer("tenants = [\"grocer\"]\nperson_claim = \"sub\""),
            issuer("tenants = [\"grocer\"]\nperson_claim = \"client_id\""),
            issuer("tenants = [\"grocer\"]\nperson_claim = \"org\""),
            eyes.to_owned(),
            eyes.replace("waive", "revoke"),
            eyes.replace("waive", "decline"),
        ] {
            assert_eq!(code(&text), "settings-invalid", "{text}");
        }
    }

    #[test]
    fn keys_are_in_one_place() {
        let kept = |text: &str| {
            let text = format!("[[http.issuers]]\nissuer = \"https://id.example\"\n{text}");
            set(&text).unwrap().issuers[0].keys.clone()
        };
        let url = kept("jwks_url = \"https://id.example/keys\"");
        assert!(matches!(url.at, KeysAt::Url(_)) && url.kept_ms == 24 * 3_600_000);
        let found = kept(
            "discovery = \"https://id.example/.well-known/openid-configuration\"\nkeys_hours_max = 1",
        );
        assert!(matches!(found.at, KeysAt::Discovery(_)) && found.kept_ms == 3_600_000);
        let inside = "[egress]\nadmit = [\"10.0.0.0/8\"]\nports = [8443]\n[[http.issuers]]\nissuer = \"https://id.example\"\n\
            jwks_url = \"https://10.0.0.1:8443/keys\"";
        assert_eq!(set(inside).unwrap().issuers.len(), 1);
    }

    #[test]
    fn a_client_speaks_for_one_member_in_roles_of_its_own() {
        let client = |more: &str| {
            format!("{TENANTS}[[http.clients]]\nclient = \"etl\"\njwks_file = \"etl.json\"\n{more}")
        };
        let http = set(&client("member = \"grocer\"\nroles = [\"analyst\", \"auditor\"]")).unwrap();
        let one = &http.clients[0];
        assert_eq!(
            (one.client.as_str(), one.member.as_str(), one.roles.len()),
            ("etl", "grocer", 2)
        );
        for wrong in [
            "member = \"nobody\"\nroles = [\"analyst\"]",
            "member = \"grocer\"",
            "member = \"grocer\"\nroles = [\"operator\"]",
            "member = \"grocer\"\nroles = [\"admin\"]",
            "roles = [\"analyst\"]",
            "member = \"grocer\"\nroles = [\"analyst\"]\njwks_url = \"https://id.example/\"",
            "member = \"grocer\"\nroles = [\"analyst\"]\nsecret = \"x\"",
            "member = \"grocer\"\nroles = [\"analyst\"]\n[[http.clients]]\nclient = \"etl\"\nmember = \"brand\"\nroles = [\"analyst\"]\njwks_file = \"x\"",
        ] {
            assert_eq!(code(&client(wrong)), "settings-invalid", "{wrong}");
        }
        for taken in [OWN_ISSUER, DEVELOPMENT_ISSUER] {
            let text = client("member = \"grocer\"\nroles = [\"analyst\"]")
                .replace("\"etl\"", &format!("\"{taken}\""));
            assert_eq!(code(&text), "settings-invalid");
        }
    }

    #[test]
    fn hosts_are_names_by_themselves() {
        let hosts = |name: &str| set(&format!("[http]\nhosts = [\"{name}\"]"));
        for good in ["airlock.example", "AIRLOCK", "10.0.0.1", "[2001:db8::1]"] {
            assert!(hosts(good).unwrap().hosts.contains(&good.to_lowercase()), "{good}");
        }
        for wrong in ["", "https://a", "a:80", "a/b", "a..b", "*", "[::1", "::1", "a b", "ä"] {
            assert_eq!(hosts(wrong).map(drop).unwrap_err().code, "settings-invalid", "{wrong}");
        }
    }
}
