//! Ways to a dataset's data beside what is agreed: an offering that Airlock did not make, of the dataset's own table, linked in somebody's
//! collaboration for another member of the agreement. Whoever let it stand is told; nothing of it is touched. Pure.

use super::observe::Found;
use super::seen::Beside;
use super::yaml::{self, Tree};
use crate::entry::table;
use crate::import::look::path;
use crate::reach::account_of;
use mappings::model::{Agreement, DatasetName, MemberId, PlatformId};
use std::collections::{BTreeMap, BTreeSet};

/// Ids of registered offerings, each with its spec's text.
pub(super) type Registered = [(String, Option<String>)];

/// Those of a member whose account has this name, among all collaborations that it takes part in.
pub(super) fn beside(
    agreement: &Agreement,
    (member, account): (&MemberId, &str),
    (rooms, registered): (&[Found], &Registered),
) -> BTreeSet<Beside> {
    let platform = PlatformId::snowflake_dcr();
    let own = agreement.datasets.iter().filter(|(_, dataset)| dataset.owner == *member);
    let tables: BTreeMap<Vec<String>, &DatasetName> = own
        .filter_map(|(name, dataset)| Some((table(&platform, dataset)?.to_vec(), name)))
        .collect();
    let offered: BTreeMap<&String, BTreeSet<DatasetName>> =
        registered.iter().map(|(id, spec)| (id, of(spec.as_deref(), &tables))).collect();
    let mut found = BTreeSet::new();
    for room in rooms {
        let alias = room.spec.aliases.iter().find(|(_, of)| *of == account);
        let (Some((alias, _)), Some(local)) = (alias, &room.local) else { continue };
        for (runner, held) in &room.spec.runners {
            let of = room.spec.aliases.get(runner).and_then(|account| account_of(account));
            let known = of.filter(|of| of != account).and_then(|of| known(agreement, &of));
            let Some(known) = known else { continue };
            for id in held.providers.get(alias).into_iter().flatten() {
                found.extend(offered.get(id).into_iter().flatten().map(|dataset| Beside {
                    dataset: dataset.clone(),
                    room: local.clone(),
                    offering: id.clone(),
                    runner: runner.clone(),
                    member: known.clone(),
                }));
            }
        }
    }
    found
}

/// The datasets whose tables an offering's spec names.
fn of(spec: Option<&str>, tables: &BTreeMap<Vec<String>, &DatasetName>) -> BTreeSet<DatasetName> {
    let tree = spec.and_then(yaml::read);
    let datasets = tree.as_ref().and_then(|tree| tree.get("datasets")).map(Tree::items);
    let places = datasets.into_iter().flatten().filter_map(|one| {
        let names = path(one.get("data_object_fqn")?.text()?)?;
        tables.get(&names).map(|name| (*name).clone())
    });
    places.collect()
}

fn known(agreement: &Agreement, account: &str) -> Option<MemberId> {
    let platform = PlatformId::snowflake_dcr();
    let is_it = |identity: &String| account_of(identity).as_deref() == Some(account);
    let mut members = agreement.members.iter();
    let found = members.find(|(_, one)| one.identity.get(&platform).is_some_and(is_it));
    found.map(|(name, _)| name.clone())
}

#[cfg(test)]
mod tests {
    //! Whose tables lie open where, and to whom.
    use super::*;
    use crate::collaboration::plan::plan;
    use crate::collaboration::seen::{Account, Runner, Seen, Spec};
    use adapter_spi::{Desired, Observation, Scope};
    use std::sync::Arc;

    fn agreement() -> Agreement {
        let document = adapter_spi::suite::agreement(&PlatformId::snowflake_dcr(), "spring", 1);
        serde_json::from_value(document).unwrap()
    }

    fn room(providers: &[(&str, &str)]) -> Found {
        let aliases = [("us", "ACME.PROVIDER"), ("them", "ACME.CONSUMER"), ("else", "ACME.OTHER")];
        let held = Runner {
            providers: providers
                .iter()
                .map(|(alias, id)| ((*alias).to_owned(), [(*id).to_owned()].into()))
                .collect(),
            ..Runner::default()
        };
        let runners = ["us", "them", "else"].map(|alias| (alias.to_owned(), held.clone()));
        Found {
            name: "reach".to_owned(),
            local: Some("reach_here".to_owned()),
            owner: "ACME.CONSUMER".to_owned(),
            updated: String::new(),
            spec: Spec {
                owner: "them".to_owned(),
                aliases: aliases.map(|(alias, of)| (alias.to_owned(), of.to_owned())).into(),
                runners: runners.into(),
            },
        }
    }

    fn registered(place: &str) -> Vec<(String, Option<String>)> {
        let spec = format!("datasets: [{{alias: a, data_object_fqn: '{place}'}}]");
        vec![("orders_v1".to_owned(), Some(spec))]
    }

    #[test]
    fn the_very_table_of_a_dataset_linked_for_another_member_is_found_and_told() {
        let agreement = agreement();
        let owner: MemberId = "provider".parse().unwrap();
        let of = |room: Found, place: &str| {
            beside(&agreement, (&owner, "ACME.PROVIDER"), (&[room], &registered(place)))
        };
        let table = "SUITE.PUBLIC.ORDERS";
        let found = of(room(&[("us", "orders_v1")]), table);
        let told: Vec<(&str, &str)> =
            found.iter().map(|one| (one.member.as_str(), one.runner.as_str())).collect();
        assert_eq!(told, [("analyst", "them")], "nobody else is of the agreement");
        assert!(of(room(&[("them", "orders_v1")]), table).is_empty(), "another's offering");
        assert!(of(room(&[("us", "orders_v2")]), table).is_empty(), "nothing that is registered");
        assert!(of(room(&[("us", "orders_v1")]), "SUITE.PUBLIC.OTHER").is_empty());
        let invited = Found { local: None, ..room(&[("us", "orders_v1")]) };
        assert!(of(invited, table).is_empty(), "nothing is linked before it is joined");
        let account = Account { beside: found, ..Account::default() };
        let seen = Seen { accounts: [(owner.clone(), account)].into(), ..Seen::default() };
        let agreement = Arc::new(agreement.clone());
        let scope = Scope::of(&agreement);
        let looked = |seen: &Seen| Observation {
            native: serde_json::json!(seen),
            ..Observation::whole(&scope, seen.version(), Vec::new())
        };
        let waits =
            |desired: &Desired| plan(desired, &looked(&seen), &BTreeSet::new()).unwrap().waiting;
        let whole = waits(&Desired::whole(Arc::clone(&agreement)));
        let told = whole.iter().find(|one| one.what.contains("open wider than agreed")).unwrap();
        assert_eq!(told.member, owner);
        assert_eq!(
            told.act,
            "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.UNLINK_DATA_OFFERING('reach_here', 'orders_v1', ['them']);"
        );
        let over = waits(&Desired::closed(agreement));
        assert!(!over.iter().any(|one| one.what.contains("open wider")));
    }
}
