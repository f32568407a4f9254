//! Agreements of any size, and what a look finds once all of one is there: for tests and benchmarks, which need many of either and no
//! platform. Pure.

pub use crate::collaboration::settled as settled_collaborations;
pub use crate::shares::settled as settled_shares;

use mappings::model::{Agreement, PlatformId};
use serde_json::{Map, Value, json};

/// How much there is of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Members: the first only contributes, the others run and receive as well.
    pub members: usize,
    /// Datasets, dealt out to the members in turn.
    pub datasets: usize,
    /// Columns of each, its entity among them.
    pub columns: usize,
    /// Templates, dealt out to who runs; each joins a dataset with the next one.
    pub templates: usize,
}

/// A member and its account; the first two are those of the twin.
#[must_use]
pub fn member(number: usize) -> (String, String) {
    match number {
        0 => ("provider".to_owned(), "ACME.PROVIDER".to_owned()),
        1 => ("analyst".to_owned(), "ACME.CONSUMER".to_owned()),
        more => (format!("member-{more}"), format!("ACME.MEMBER_{more}")),
    }
}

/// A dataset and its table.
#[must_use]
pub fn dataset(number: usize) -> (String, String) {
    (format!("d{number:03}"), format!("SUITE.PUBLIC.D{number:03}"))
}

/// Every fourth dataset has another minimum.
const fn minimum(number: usize) -> u64 {
    if number % 4 == 2 { 20 } else { 10 }
}

/// A column of every dataset, by number from one, as the agreement declares it: a dimension, a measure, a filter, a date, and again.
fn column(number: usize) -> (String, Value) {
    let from = format!("C{number:02}");
    let said = match number % 4 {
        1 => json!({ "from": from, "type": "utf8", "use": "dimension" }),
        2 => json!({ "from": from, "type": "float64", "use": "measure", "aggregates": ["sum"] }),
        3 => json!({ "from": from, "type": "int64", "use": "filter" }),
        _ => json!({ "from": from, "type": "date", "use": "dimension" }),
    };
    (from.to_ascii_lowercase(), said)
}

/// An agreement of this size on one of the platform's rooms.
///
/// # Errors
/// There is something in it that agreements don't have.
pub fn agreement(
    platform: &PlatformId,
    collaboration: &str,
    size: Size,
) -> serde_json::Result<Agreement> {
    let members: Map<String, Value> =
        (0..size.members).map(member).enumerate().map(named).collect();
    let datasets: Map<String, Value> = (0..size.datasets)
        .map(|number| {
            let (name, table) = dataset(number);
            let (owner, _) = member(number % size.members.max(1));
            let key = json!({ "key": "email", "from": "EMAIL_SHA256", "type": "utf8", "normalise": "email", "hashed": "sha256-hex" });
            let mut columns: Map<String, Value> = (1..size.columns).map(column).collect();
            let entity = json!({ "from": "", "type": "utf8", "use": "match", "keys": [key] });
            columns.insert("person".to_owned(), entity);
            let said = json!({
                "owner": owner, "at": { (platform.as_str()): table }, "entity": "person",
                "columns": columns, "rule": { "entities_min": minimum(number), "join": "optional" },
            });
            (name, said)
        })
        .collect();
    let templates: Map<String, Value> = (0..size.templates)
        .map(|number| {
            let own = number % size.datasets.max(1);
            let (one, other) = (dataset(own).0, dataset((own + 1) % size.datasets.max(1)).0);
            let (runner, _) = member(1 + number % size.members.saturating_sub(1).max(1));
            let (from, spent) = if one == other {
                (format!("{one} a"), "a.c02")
            } else {
                (format!("{one} a JOIN {other} b ON a.person = b.person"), "b.c02")
            };
            let said = json!({
                "class": "aggregate",
                "sql": format!("SELECT a.c01, COUNT(DISTINCT a.person) AS persons, SUM({spent}) AS spent FROM {from} WHERE a.c03 >= :since GROUP BY a.c01"),
                "parameters": { "since": { "type": "int64", "min": 0, "max": 10_000 } },
                "run_by": [runner], "received_by": [runner],
            });
            (format!("t{number:03}"), said)
        })
        .collect();
    serde_json::from_value(json!({
        "agreement": "v1", "collaboration": collaboration, "members": members,
        "rooms": [{ "platform": platform, "region": "us-east-1" }],
        "datasets": datasets, "templates": templates,
        "limits": { "runs_max": 100, "within_s": 86_400 }, "destinations": {},
    }))
}

fn named((number, (name, account)): (usize, (String, String))) -> (String, Value) {
    let abilities: &[&str] =
        if number == 0 { &["contribute"] } else { &["contribute", "run", "receive"] };
    let identity = json!({ "snowflake": account, "snowflake-dcr": account });
    (name.clone(), json!({ "name": name, "abilities": abilities, "identity": identity }))
}

#[cfg(test)]
mod tests {
    //! What is said to be there is enough, whatever the size: a plan over it does nothing.
    use super::*;
    use crate::connection::{Connection, Connections};
    use crate::twin::clock;
    use crate::{SnowflakeCollaborations, SnowflakeShares};
    use adapter_spi::{Adapter, Desired, Effect, Observation, Scope};
    use std::sync::Arc;

    fn of(platform: &PlatformId, datasets: usize) -> Arc<Agreement> {
        let size = Size { members: 4, datasets, columns: 6, templates: datasets };
        Arc::new(agreement(platform, "model", size).unwrap())
    }

    fn rooms(agreement: &Agreement) -> [Box<dyn Adapter>; 2] {
        let members = agreement.members.keys().map(|one| (one.clone(), Connection::default()));
        let verified = ["preset-tables".to_owned()].into();
        let members = members.collect();
        let all = Connections { members, verified, ..Connections::default() };
        [
            Box::new(SnowflakeShares::new(all.clone(), clock())),
            Box::new(SnowflakeCollaborations::new(all, clock())),
        ]
    }

    fn settled(desired: &Desired, platform: &PlatformId) -> Observation {
        let scope = Scope::of(&desired.agreement);
        if *platform == PlatformId::snowflake() {
            settled_shares(desired, &scope)
        } else {
            settled_collaborations(desired, &scope)
        }
    }

    #[test]
    fn what_is_wanted_is_there_and_nothing_else() {
        for platform in [PlatformId::snowflake(), PlatformId::snowflake_dcr()] {
            for datasets in [1, 2, 9] {
                let agreement = of(&platform, datasets);
                let adapters = rooms(&agreement);
                let room = adapters.iter().find(|room| *room.platform() == platform).unwrap();
                assert_eq!(room.assess(&agreement).refused().count(), 0);
                let whole = Desired::whole(Arc::clone(&agreement));
                let seen = settled(&whole, &platform);
                assert_eq!(seen.resources, whole.resources(), "{platform} {datasets}");
                let plan = room.plan(&whole, &seen).unwrap();
                assert!(plan.is_settled(), "{platform} {datasets}: {plan:#?}");
                let mut less = whole.clone();
                less.datasets.pop_last();
                let plan = room.plan(&less, &seen).unwrap();
                assert!(plan.steps.first().unwrap().effect == Effect::Revoke);
                let plan = room.plan(&whole, &settled(&less, &platform)).unwrap();
                assert!(
                    !plan.steps.is_empty() && !plan.steps.iter().any(|one| one.effect.takes_away())
                );
            }
        }
    }
}
