//! Templates whose texts come back: taken up where the guard lets each pass over the datasets that were taken up. Pure. Must not know
//! where a text was kept.

use super::Draft;
use mappings::guard::guard;
use mappings::model::{Ability, Agreement, MemberId, Template, TemplateName};
use std::collections::BTreeSet;

/// What would do where whoever made it knows more than what is there.
pub(crate) const MADE_BY: &str = "the agreement that it was made by, from its file or log";

impl Draft<'_> {
    /// Takes up a template, unless it can't be held as it is or what it takes is not what lies there.
    pub(crate) fn template(
        &mut self,
        name: &TemplateName,
        template: Template,
        is_there: impl Fn(&Agreement) -> bool,
    ) {
        let at = format!("template {name}");
        if let Some(known) = self.agreement.templates.get(name) {
            if *known != template || !is_there(&self.agreement) {
                let why = "another runner has it in another version";
                self.left_out("template-differs", at, ("its text", why, MADE_BY));
            }
            return;
        }
        let named: BTreeSet<&MemberId> =
            template.run_by.iter().chain(&template.received_by).collect();
        if !self.are_members(named) {
            return self.strangers(at);
        }
        let mut tried = self.agreement.clone();
        let runs = template.run_by.iter().map(|one| (one, Ability::Run));
        let receives = template.received_by.iter().map(|one| (one, Ability::Receive));
        for (member, ability) in runs.chain(receives) {
            if let Some(member) = tried.members.get_mut(member) {
                member.abilities.insert(ability);
            }
        }
        tried.templates.insert(name.clone(), template);
        match guard(&tried, name) {
            Err(refused) => {
                let first = refused.into_iter().next();
                let first = first.map(|one| (format!("{}: {}", one.code, one.message), one.change));
                let (why, change) = first.unwrap_or_default();
                self.left_out("template-refused", at, ("its text", &why, &change));
            }
            Ok(_) if !is_there(&tried) => {
                let why =
                    "what Airlock writes for it over the datasets of this agreement is another";
                self.left_out("template-differs", at, ("its text", why, MADE_BY));
            }
            Ok(_) => self.agreement = tried,
        }
    }

    /// Whether all of these take part.
    pub(super) fn are_members<'m>(&self, all: impl IntoIterator<Item = &'m MemberId>) -> bool {
        all.into_iter().all(|member| self.agreement.members.contains_key(member))
    }

    pub(super) fn strangers(&mut self, at: String) {
        let why = "its terms name members who take no part here, or are called otherwise";
        let change = "--member NAME=ACCOUNT for each, as the agreement that it was made by has it";
        self.left_out("member-unnamed", at, ("its members", why, change));
    }
}
