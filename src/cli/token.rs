//! `airlock token`: a token of the development issuer, for trying the HTTP interface out on one machine. It goes to the output and nowhere
//! else. Decides nothing.

use super::screen::{self, Screen};
use crate::access::Role;
use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::settings;
use crate::tokens::DevIssuer;
use mappings::model::MemberId;
use std::path::Path;

/// Arguments of `token`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(super) struct Token {
    #[command(flatten)]
    who: Who,
    /// A role of the member's: member-admin, data-steward, analyst, privacy-officer or auditor; more than once for more than one.
    #[arg(
        long = "role",
        value_name = "ROLE",
        requires = "member",
        required_unless_present = "operator"
    )]
    roles: Vec<Role>,
    /// A person of the member, by a name of its own; without it, the token is a program's, and nobody of two where two people decide.
    #[arg(long, value_name = "NAME", requires = "member", value_parser = person)]
    person: Option<String>,
}

fn person(text: &str) -> Result<String, &'static str> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let is_name = (1..=64).contains(&text.len()) && text.bytes().all(is_plain);
    if is_name { Ok(text.to_owned()) } else { Err("a name is of letters, digits, - _ and .") }
}

const HELP: &str = "Needs `[http] development_issuer = true` in gateway.toml of the gateway's folder, which is refused on any address but a \
    loopback one. The token is good for five minutes; whoever has it is that caller.";

/// For whom: exactly one.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// Somebody of this member.
    #[arg(long = "as", value_name = "MEMBER")]
    member: Option<MemberId>,
    /// The operator of the gateway, who belongs to no member and reads no one's data.
    #[arg(long, conflicts_with = "roles")]
    operator: bool,
}

impl Token {
    pub(super) fn run(self, home: &Path, screen: Screen) -> Result<()> {
        if !home.join("gateway.toml").is_file() {
            let message = format!("{} holds no gateway.toml", home.display());
            return Err(Error::refused("development-issuer-off", message).help(
                "[http] with development_issuer = true in it; or --home FOLDER, or AIRLOCK_HOME",
            ));
        }
        let home = Home::open(home)?;
        let issuer = DevIssuer::of(&settings::http(&home)?, &home)?;
        let now_ms = SystemClock.now_ms();
        let minted = match &self.who.member {
            Some(member) => {
                let who = (member, self.person.as_deref());
                issuer.for_member(who, &self.roles.into_iter().collect(), now_ms)?
            }
            None => issuer.for_operator(now_ms)?,
        };
        if screen.is_json() {
            let expires_at = chrono::DateTime::from_timestamp_secs(minted.expires_s)
                .map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
            let token = serde_json::json!({ "token": minted.token, "expires_at": expires_at });
            screen.object(&token);
        } else {
            screen::put(&minted.token);
        }
        Ok(())
    }
}
