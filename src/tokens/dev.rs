//! The development issuer: tokens of five minutes under a key of the gateway's own folder, for trying things out on one machine. There is
//! one only where the settings enable it, which no address that others reach allows. Its tokens are verified like everybody's. Must not know
//! what a caller may do.

use super::issuer::Issuer;
use super::mint::{For, LIFE_S, Mint, Minted};
use crate::access::Role;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::settings::{DEVELOPMENT_ISSUER, Http};
use mappings::model::MemberId;
use std::collections::BTreeSet;

/// The development issuer.
#[derive(Debug)]
pub struct DevIssuer {
    mint: Mint,
    members: BTreeSet<MemberId>,
}

impl DevIssuer {
    /// That of a gateway's folder, with a key that is made when there is none; refused unless the settings enable it.
    pub(crate) fn of(http: &Http, home: &Home) -> Result<Self> {
        if !http.development_issuer {
            let message = "this gateway makes no tokens: its development issuer is off";
            return Err(Error::refused("development-issuer-off", message).help(
                "[http] with development_issuer = true in gateway.toml, on a loopback address; or a token of an issuer in [[http.issuers]]",
            ));
        }
        let mint = Mint::of(DEVELOPMENT_ISSUER, &home.dev_issuer_key(), &http.audience)?;
        let members = http.tenants.iter().map(|tenant| tenant.member.clone());
        Ok(Self { mint, members: members.collect() })
    }

    /// It, as one whose tokens are taken.
    #[must_use]
    pub fn issuer(&self) -> Issuer {
        let names = (DEVELOPMENT_ISSUER, self.mint.kid());
        let members = self.members.iter().cloned();
        Issuer::of_key(names, self.mint.public(), self.mint.audience(), LIFE_S, members)
    }

    /// A token of somebody of a member: of a person where one is named, else of a program.
    pub fn for_member(
        &self,
        (member, person): (&MemberId, Option<&str>),
        roles: &BTreeSet<Role>,
        now_ms: i64,
    ) -> Result<Minted> {
        if !self.members.contains(member) {
            let message = format!("{member} is no tenant of this gateway");
            return Err(Error::invalid("tenant-unknown", message).help(
                "a member in [[http.tenants]]; or, where none is listed, one whose key is here: airlock keygen --member MEMBER",
            ));
        }
        if roles.is_empty() || roles.contains(&Role::Operator) {
            let message = "a member's token has one role of a member at least, and no other";
            return Err(Error::invalid("role-of-member", message).help(
                "member-admin, data-steward, analyst, privacy-officer or auditor; the operator has a token without a member",
            ));
        }
        let subject = match person {
            Some(person) => format!("member:{member}:{person}"),
            None => format!("member:{member}"),
        };
        let whom = For { subject: &subject, member: Some(member), person, client: None };
        self.mint.mint(whom, roles, now_ms)
    }

    /// A token of the operator.
    pub fn for_operator(&self, now_ms: i64) -> Result<Minted> {
        let whom = For { subject: "operator", member: None, person: None, client: None };
        self.mint.mint(whom, &BTreeSet::from([Role::Operator]), now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Action;
    use crate::clock::FixedClock;
    use crate::log::SecretKey;
    use crate::settings;
    use crate::tokens::{Refused, verifier};
    use std::sync::Arc;

    const NOW_MS: i64 = 1_700_000_000_999;
    const ON: &str = "[http]\ndevelopment_issuer = true\n";

    fn member(name: &str) -> MemberId {
        MemberId::new(name).unwrap()
    }

    /// A folder with two members.
    fn home(settings: &str) -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        for name in ["grocer", "brand"] {
            SecretKey::generate().unwrap().save(&home.member_key(&member(name))).unwrap();
        }
        std::fs::write(home.settings(), settings).unwrap();
        (folder, home)
    }

    #[test]
    fn its_tokens_are_taken_for_five_minutes() {
        let (_folder, home) = home(ON);
        let http = settings::http(&home).unwrap();
        let clock = Arc::new(FixedClock::new(NOW_MS));
        let issuer = DevIssuer::of(&http, &home).unwrap();
        let verifier = verifier(&http, &home, Arc::<FixedClock>::clone(&clock)).unwrap();
        let roles = BTreeSet::from([Role::Analyst, Role::Auditor]);
        let minted = issuer.for_member((&member("grocer"), None), &roles, NOW_MS).unwrap();
        let caller = verifier.verify(&minted.token).unwrap();
        assert_eq!((caller.tenant(), caller.roles()), (Some(&member("grocer")), &roles));
        assert_eq!(minted.expires_s, 1_700_000_300);
        let operator = verifier.verify(&issuer.for_operator(NOW_MS).unwrap().token).unwrap();
        assert!(operator.tenant().is_none() && operator.may(Action::ReadConfiguration));
        assert_ne!(operator.principal(), caller.principal());
        clock.set((minted.expires_s + 60) * 1_000 - 1);
        assert!(verifier.verify(&minted.token).is_ok());
        clock.step(1);
        assert_eq!(verifier.verify(&minted.token), Err(Refused::Expired));
    }

    #[test]
    fn two_tokens_are_never_one_and_none_is_shown() {
        let (_folder, home) = home(ON);
        let issuer = DevIssuer::of(&settings::http(&home).unwrap(), &home).unwrap();
        let [one, two] = [(); 2].map(|()| issuer.for_operator(NOW_MS).unwrap());
        assert_ne!(one.token, two.token);
        let shown = format!("{one:?} {issuer:?}");
        assert!(!shown.contains(&one.token) && !shown.contains(&one.token[..20]), "{shown}");
    }

    #[test]
    fn the_key_is_made_once_and_stays() {
        let (_folder, home) = home(ON);
        let http = settings::http(&home).unwrap();
        let minted = DevIssuer::of(&http, &home).unwrap().for_operator(NOW_MS).unwrap();
        let clock = Arc::new(FixedClock::new(NOW_MS));
        assert!(
            verifier(&http, &home, Arc::<FixedClock>::clone(&clock))
                .unwrap()
                .verify(&minted.token)
                .is_ok()
        );
        let (_other_folder, other) = self::home(ON);
        let theirs = settings::http(&other).unwrap();
        let theirs = verifier(&theirs, &other, clock).unwrap();
        assert_eq!(theirs.verify(&minted.token), Err(Refused::Key));
    }

    #[test]
    fn there_is_none_unless_it_is_enabled() {
        for settings in ["", "[http]", "[http]\ndevelopment_issuer = false"] {
            let (_folder, home) = home(settings);
            let http = settings::http(&home).unwrap();
            assert_eq!(DevIssuer::of(&http, &home).unwrap_err().code, "development-issuer-off");
            assert!(!home.dev_issuer_key().exists(), "no key is made either");
        }
        let (_folder, home) = home(ON);
        let clock = Arc::new(FixedClock::new(NOW_MS));
        let http = settings::http(&home).unwrap();
        let minted = DevIssuer::of(&http, &home).unwrap().for_operator(NOW_MS).unwrap();
        std::fs::write(home.settings(), "[http]").unwrap();
        let off = verifier(&settings::http(&home).unwrap(), &home, clock).unwrap();
        assert_eq!(off.verify(&minted.token), Err(Refused::Issuer), "what it made before is over");
    }

    #[test]
    fn it_speaks_for_tenants_in_their_roles() {
        let (_folder, home) = home(&format!("{ON}[[http.tenants]]\nmember = \"brand\""));
        let issuer = DevIssuer::of(&settings::http(&home).unwrap(), &home).unwrap();
        let code = |name: &str, roles: &[Role]| {
            let roles = roles.iter().copied().collect();
            issuer
                .for_member((&member(name), None), &roles, NOW_MS)
                .map(drop)
                .map_err(|error| error.code)
        };
        assert_eq!(code("brand", &[Role::Analyst]), Ok(()));
        assert_eq!(code("grocer", &[Role::Analyst]), Err("tenant-unknown".to_owned()));
        for roles in [&[][..], &[Role::Operator], &[Role::Analyst, Role::Operator]] {
            assert_eq!(code("brand", roles), Err("role-of-member".to_owned()));
        }
    }
}
