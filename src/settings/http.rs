//! The part of the settings that says where the gateway answers over HTTP, who its tenants are and who speaks for them: `[http]`. Must not
//! know how a request is answered, nor how a token is verified.

use super::clients::{ClientFile, ClientSetting, clients};
use super::egress::egress_of;
use super::keys::{KeysFile, KeysSetting};
use super::sign_in::{Ground, SignInFile, SignInSetting, sign_in};
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
    perhaps organisation, places, destinations, runs_at_once and four_eyes; [[http.issuers]] with issuer, one of jwks_file, jwks_url and discovery, tenants, and perhaps typ, organisation_claim, roles_claim, person_claim, operators, keys_hours_max and sign_in; \
    [[http.clients]] with client, member, roles, and jwks_file or jwks_url";
const NAME_MAX: usize = 256;
/// Names that a token's own rules are about.
const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];
/// Names by which a machine reaches itself.
pub(super) const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

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
    notify_url: Option<String>,
    notify_secret_env: Option<String>,
    four_eyes: BTreeSet<FourEyes>,
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
    sign_in: Option<SignInFile>,
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
    /// Where it is told what became of its runs, and the variable with the secret that this is signed under.
    pub(crate) notify: Option<(String, String)>,
    /// What two people of it decide.
    pub(crate) four_eyes: BTreeSet<FourEyes>,
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
    /// How people sign in there; none where they don't.
    pub(crate) sign_in: Option<SignInSetting>,
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
    let ground = Ground { egress: &egress, hosts: &hosts, audience: &set.audience };
    let issuers = issuers(set.issuers, &tenants, (home, ground)).map_err(invalid)?;
    two_people(&tenants, &issuers, set.development_issuer).map_err(invalid)?;
    let policies = set.policies.as_ref().map(|folder| home.root().join(folder));
    let one_house = set.development_issuer && tenants.is_empty();
    if one_house {
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

/// A member of which nothing is written down.
fn named(member: MemberId) -> TenantSetting {
    TenantSetting {
        organisation: member.to_string(),
        member,
        places: Vec::new(),
        destinations: Vec::new(),
        runs_at_once: None,
        notify: None,
        four_eyes: BTreeSet::new(),
    }
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
            notify,
            four_eyes,
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
    if !is_variable(variable) {
        return Err("notify_secret_env is the name of a variable, in capitals");
    }
    Ok(Some((url.clone(), variable.clone())))
}

/// Whether this is a variable's name, as they are written: a secret in its place is none.
pub(super) fn is_variable(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=64).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with(|first: char| first.is_ascii_digit())
}

fn issuers(
    set: Vec<IssuerFile>,
    tenants: &[TenantSetting],
    (home, ground): (&Home, Ground<'_>),
) -> Result<Vec<IssuerSetting>, &'static str> {
    let mut names = BTreeSet::from([DEVELOPMENT_ISSUER, OWN_ISSUER].map(str::to_owned));
    let (mut issuers, mut ways) = (Vec::new(), BTreeSet::new());
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
        let keys = keys.read(home, ground.egress)?;
        let of = (issuer.issuer.as_str(), issuer.typ, &keys.at);
        let sign_in = issuer.sign_in.map(|set| sign_in(set, of, ground)).transpose()?;
        if !sign_in.iter().all(|set| ways.insert(set.name.clone())) {
            return Err("two of [[http.issuers]] have one redirect_uri, or one NAME in it");
        }
        issuers.push(IssuerSetting {
            keys,
            sign_in,
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
mod surfaces;
#[cfg(test)]
mod tests;
