//! `airlock policies`: what an operator's own policies would forbid, before a gateway starts with them. Decides nothing.

use super::screen::Screen;
use crate::access::{Forbid, Forbids};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::settings::{self, Http, policy_texts};
use mappings::model::MemberId;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Arguments of `policies`.
#[derive(Debug, clap::Args)]
pub(super) struct Policies {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Reads policies as `serve` would at its start: what each may forbid, or why they are not taken.
    Check {
        /// The folder; without it, the one that [http] policies names.
        folder: Option<PathBuf>,
    },
}

impl Policies {
    pub(super) fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let Act::Check { folder } = self.act;
        if !home.join("gateway.toml").is_file() {
            Home::existing(home)?;
        }
        let mut set = settings::http(&Home::open(home)?)?;
        set.policies = folder.or(set.policies);
        let forbids = read(&set)?.ok_or_else(|| {
            Error::invalid("policy-none", "no folder of policies is named, here or in gateway.toml")
                .help("airlock policies check FOLDER; or [http] policies = \"FOLDER\"")
        })?;
        let row = |one: &Forbid| {
            let when = if one.conditional { "under its conditions" } else { "always" };
            let name = one.name.clone().unwrap_or_else(|| "-".to_owned());
            let (to, of) = (one.principal.clone(), one.resource.clone());
            vec![one.at.clone(), name, one.actions.join(" "), to, of, when.to_owned()]
        };
        screen.table(
            &["policy", "id", "forbids", "to", "of", "when"],
            forbids.told().iter().map(row),
        );
        screen.object(&serde_json::json!({ "policies": forbids.told() }));
        Ok(())
    }
}

/// The operator's policies that are set; none where none are.
pub(super) fn read(set: &Http) -> Result<Option<Forbids>> {
    let Some(folder) = &set.policies else { return Ok(None) };
    let members = || set.tenants.iter().map(|tenant| tenant.member.clone());
    let known: Option<BTreeSet<MemberId>> =
        (!set.one_house && !set.tenants.is_empty()).then(|| members().collect());
    Forbids::read(&policy_texts(folder)?, known.as_ref()).map(Some)
}
