//! Which of what is offered can be datasets, and which of it Airlock wrote. Pure.

use super::Rooms;
use super::found::Offered;
use crate::collaboration::names;
use crate::collaboration::wanted::offering_of;
use crate::import::{Object, Own, Source, placed};
use crate::sql::Sql;
use adapter_spi::Unexpressed;
use mappings::agreement::identifier;
use mappings::model::{CollaborationId, Dataset, DatasetName, PlatformId};
use std::collections::{BTreeMap, BTreeSet};

/// The query of one of Airlock's views; none of one that is not all that Airlock writes and no more.
pub(super) fn query_of(object: &Object) -> Option<&str> {
    agreement_of(object)?;
    let path = object.path.each_ref().map(String::as_str);
    let head = Sql::new("CREATE SECURE VIEW ").path(&path).word(" AS ");
    let alone = object.secure && object.policies.is_empty();
    object.text.strip_prefix(head.as_text().ok()?).filter(|_| alone)
}

/// The agreement in whose schema a view lies.
pub(super) fn agreement_of(object: &Object) -> Option<CollaborationId> {
    let [_, schema, _] = &object.path;
    let name = schema.strip_prefix("AIRLOCK$")?.strip_suffix("$REGISTERED")?;
    let id: CollaborationId = name.to_ascii_lowercase().replace('_', "-").parse().ok()?;
    (names::schema(&id) == *schema).then_some(id)
}

impl<'a> Rooms<'a> {
    /// Everything that is offered, each view or table once.
    pub(super) fn sources(&mut self) -> Vec<Source<'a>> {
        let found = self.found;
        let (mut sources, mut taken) = (Vec::new(), BTreeSet::new());
        for ((account, id), all) in &found.offerings {
            for offered in all {
                self.further(id, offered);
                self.source((account, id), offered, (&mut sources, &mut taken));
            }
        }
        sources
    }

    fn further(&mut self, id: &str, offered: &Offered) {
        for further in &offered.further {
            self.draft.unsaid(Unexpressed {
                code: "offering-setting",
                at: format!("dataset {} of offering {id}", offered.alias),
                what: further.clone(),
                why: "agreements have no word for it".to_owned(),
                change: "an offering for templates alone, which Airlock makes".to_owned(),
                wider: true,
            });
        }
    }

    fn source(
        &mut self,
        (account, id): (&str, &str),
        offered: &'a Offered,
        (sources, taken): (&mut Vec<Source<'a>>, &mut BTreeSet<String>),
    ) {
        let Some(owner) = self.members.get(account).cloned() else { return };
        let Some(object) = &offered.object else { return };
        if sources.iter().any(|one| one.owner == owner && one.object.path == object.path) {
            return;
        }
        let keys = offered.columns.iter();
        let keys: BTreeMap<String, bool> =
            keys.map(|(name, category)| (name.clone(), category.starts_with("join"))).collect();
        if agreement_of(object).as_ref() != Some(&self.draft.agreement.collaboration) {
            let Some(name) = identifier(&offered.alias, '_', DatasetName::new, taken) else {
                return;
            };
            sources.push(Source { name, owner, object, own: None, offered: Some(keys) });
            return;
        }
        let named = DatasetName::new(&offered.alias).ok().filter(|name| {
            let version = id.rsplit_once('_').map(|(_, version)| version).unwrap_or_default();
            let [.., view] = &object.path;
            names::view(name, version) == *view
        });
        let whole = object.columns.iter().all(|(name, _)| keys.contains_key(name));
        match named.zip(query_of(object)).filter(|_| whole) {
            Some((name, query)) if taken.insert(name.to_string()) => {
                let told = self.told((&name, id), offered, query);
                let own = Some(Own { query, guarded: None, otherwise: None, told });
                sources.push(Source { name, owner, object, own, offered: Some(keys) });
            }
            Some(_) | None => {
                let why = "it has a name of Airlock's, and is not what Airlock writes under it, or is a second version";
                let change = "`airlock apply` under the agreement that it was made by";
                self.draft.left_out("view-differs", object.at(), ("the view", why, change));
            }
        }
    }

    /// The dataset whose terms an offering tells, if it is of the version that they make, over the view that they make.
    fn told(
        &self,
        (name, id): (&DatasetName, &str),
        offered: &Offered,
        query: &str,
    ) -> Option<Dataset> {
        let terms = (offered.told.as_ref()?, &BTreeSet::new());
        let told = placed(&PlatformId::snowflake_dcr(), name, terms, query)?;
        let made = offering_of(&self.draft.agreement.collaboration, name, told.clone())?;
        let is_it = made.id == id && made.has(&offered.columns) && offered.further.is_empty();
        is_it.then_some(told)
    }
}
