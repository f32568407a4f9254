//! The part of the settings that says which programs get access tokens of this gateway for what their own keys sign: `[[http.clients]]`. Must not know
//! how they ask.

use super::http::{TenantSetting, is_name};
use super::keys::{KeysFile, KeysSetting};
use crate::access::Role;
use crate::egress::Policy;
use crate::home::Home;
use mappings::model::MemberId;
use std::collections::BTreeSet;
use std::path::PathBuf;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientFile {
    client: String,
    member: MemberId,
    roles: Vec<String>,
    jwks_file: Option<PathBuf>,
    jwks_url: Option<String>,
    keys_hours_max: i64,
}

/// A program that gets tokens of this gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientSetting {
    /// As it calls itself.
    pub(crate) client: String,
    /// In whose name it calls.
    pub(crate) member: MemberId,
    /// As what.
    pub(crate) roles: BTreeSet<Role>,
    /// Its public keys.
    pub(crate) keys: KeysSetting,
}

/// All that are set; none has the name of an issuer, whose tokens would be taken for its own word.
pub(super) fn clients(
    set: Vec<ClientFile>,
    (tenants, issuers): (&[TenantSetting], &[&str]),
    home: &Home,
    policy: &Policy,
) -> Result<Vec<ClientSetting>, &'static str> {
    let (mut names, mut clients) = (BTreeSet::new(), Vec::new());
    for ClientFile { client, member, roles, jwks_file, jwks_url, keys_hours_max } in set {
        if !is_name(&client) || issuers.contains(&client.as_str()) {
            return Err("a client is a name of 1 to 256 characters, and no issuer's");
        }
        if !names.insert(client.clone()) {
            return Err("two of [[http.clients]] are one client");
        }
        if !tenants.iter().any(|tenant| tenant.member == member) {
            return Err("a client's member is in [[http.tenants]]");
        }
        let roles: Result<BTreeSet<Role>, _> = roles.iter().map(|role| role.parse()).collect();
        let roles = roles.ok().filter(|all| !all.is_empty() && !all.contains(&Role::Operator));
        let roles = roles.ok_or("a client's roles are member-admin, data-steward, analyst, privacy-officer or auditor, at least one")?;
        let keys =
            KeysFile { file: jwks_file, url: jwks_url, discovery: None, hours_max: keys_hours_max };
        clients.push(ClientSetting { client, member, roles, keys: keys.read(home, policy)? });
    }
    Ok(clients)
}
