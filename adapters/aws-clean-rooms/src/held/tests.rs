//! What is held is what partners see, in any collaboration that ever was; what has ended for good is only what was positively said.

use super::*;
use crate::seen::{Association, Member, Membership, Past, Schema, Seat, Template};
use mappings::model::{Digest, PlatformId};
use std::collections::BTreeMap;

const OWNER: &str = "111111111111";
const RUNNER: &str = "222222222222";

fn agreement(change: (&str, &str)) -> Arc<Agreement> {
    let document = adapter_spi::suite::agreement(&PlatformId::aws_clean_rooms(), "suite-held", 1);
    Arc::new(serde_json::from_str(&document.to_string().replace(change.0, change.1)).unwrap())
}

fn now() -> Arc<Agreement> {
    agreement(("-", "-"))
}

fn member(name: &str) -> MemberId {
    name.parse().unwrap()
}

fn entry(status: &str) -> Member {
    Member { status: status.to_owned(), queries: false, receives: false, pays: None }
}

fn own(status: &str) -> Membership {
    Membership {
        id: "own".to_owned(),
        status: status.to_owned(),
        associations: BTreeMap::new(),
        templates: BTreeMap::new(),
        budgets: BTreeMap::new(),
    }
}

/// The agreement's collaboration with both tables open, as the runner sees it.
fn room(agreement: &Arc<Agreement>) -> (String, Room) {
    let all = wanted(&Desired::whole(Arc::clone(agreement)));
    let room = all.rooms.values().next().unwrap();
    let text = room.templates.values().next().unwrap();
    let arn = "arn:template".to_owned();
    let schema = |creator: &str| Schema {
        creator: creator.to_owned(),
        ready: true,
        reasons: BTreeSet::new(),
        analyses: BTreeSet::from([arn.clone()]),
        ruled_ms: 0,
    };
    let template = Template {
        arn: arn.clone(),
        creator: RUNNER.to_owned(),
        text: Some(Digest::of(text.sql.as_bytes())),
        parameters: Vec::new(),
        made_ms: 0,
    };
    let schemas = [("orders", OWNER), ("people", RUNNER)];
    let view = Room {
        id: "room".to_owned(),
        arn: "arn:room".to_owned(),
        creator: RUNNER.to_owned(),
        members: [(OWNER, "ACTIVE"), (RUNNER, "ACTIVE")]
            .map(|(account, status)| (account.to_owned(), entry(status)))
            .into(),
        membership: Some(own("ACTIVE")),
        schemas: schemas.map(|(name, by)| (name.to_owned(), schema(by))).into(),
        templates: [(text.alias.clone(), template)].into(),
    };
    (room.name.clone(), view)
}

fn seen(agreement: &Arc<Agreement>) -> Seen {
    let (name, room) = room(agreement);
    let blind = Room { schemas: BTreeMap::new(), templates: BTreeMap::new(), ..room.clone() };
    let account =
        |room: Room| Account { rooms: [(name.clone(), room)].into(), ..Account::default() };
    let accounts = [(member("analyst"), account(room)), (member("provider"), account(blind))];
    Seen { accounts: accounts.into(), ..Seen::default() }
}

fn of<'a>(seen: &'a mut Seen, name: &str) -> &'a mut Room {
    let account = seen.accounts.get_mut(&member(name)).unwrap();
    account.rooms.values_mut().next().unwrap()
}

fn held(seen: &Seen) -> Holding {
    holding(&Scope::of(&now()), seen)
}

fn words<T: ToString>(all: impl IntoIterator<Item = T>) -> Vec<String> {
    all.into_iter().map(|one| one.to_string()).collect()
}

fn kinds(holding: &Holding) -> Vec<String> {
    words(holding.resources.iter().map(|one| &one.kind))
}

fn approved(holding: &Holding) -> Vec<String> {
    holding.approvals.iter().map(|(template, owner)| format!("{template} {owner}")).collect()
}

#[test]
fn an_open_room_holds_all_that_was_agreed() {
    let all = held(&seen(&now()));
    assert_eq!(kinds(&all), ["dataset orders", "dataset people", "template overlap"]);
    assert_eq!(words(&all.members), ["analyst", "provider"]);
    assert_eq!(approved(&all), ["overlap analyst", "overlap provider"]);
    assert_eq!(words(&all.offered), ["orders", "people"]);
    assert!(all.gone.is_empty() && all.notes.is_empty());
    assert_eq!(held(&Seen::default()), Holding::default());
}

#[test]
fn an_owners_part_is_what_its_own_tables_allow() {
    let mut seen = seen(&now());
    of(&mut seen, "analyst").schemas.get_mut("orders").unwrap().analyses.clear();
    let all = held(&seen);
    assert_eq!(approved(&all), ["overlap analyst"]);
    assert!(!kinds(&all).contains(&"template overlap".to_owned()));
}

#[test]
fn a_table_that_allows_any_query_allows_the_template() {
    let mut seen = seen(&now());
    let schema = of(&mut seen, "analyst").schemas.get_mut("orders").unwrap();
    schema.analyses = BTreeSet::from(["ANY_QUERY".to_owned()]);
    assert_eq!(approved(&held(&seen)), ["overlap analyst", "overlap provider"]);
    assert!(kinds(&held(&seen)).contains(&"template overlap".to_owned()));
}

#[test]
fn a_table_that_is_ready_without_a_template_is_open() {
    let mut seen = seen(&now());
    for schema in of(&mut seen, "analyst").schemas.values_mut() {
        schema.analyses.clear();
    }
    assert_eq!(kinds(&held(&seen)), ["dataset orders", "dataset people"], "by another rule");
    for schema in of(&mut seen, "analyst").schemas.values_mut() {
        schema.analyses.insert("arn:of-something-that-is-gone".to_owned());
    }
    assert!(kinds(&held(&seen)).is_empty());
}

#[test]
fn a_table_that_allows_nothing_is_offered_still() {
    let mut seen = seen(&now());
    for schema in of(&mut seen, "analyst").schemas.values_mut() {
        (schema.ready, schema.analyses) = (false, BTreeSet::new());
    }
    assert_eq!(words(held(&seen).offered), ["orders", "people"]);
    of(&mut seen, "analyst").schemas.remove("orders");
    assert_eq!(words(held(&seen).offered), ["people"]);
}

/// Two who run, both collaborations open, as the runners see them.
fn two() -> (Arc<Agreement>, Seen) {
    let two = agreement((r#""run_by":["analyst"]"#, r#""run_by":["analyst","provider"]"#));
    let mut two = (*two).clone();
    let abilities = two.members[&member("analyst")].abilities.clone();
    two.members.get_mut(&member("provider")).unwrap().abilities.extend(abilities);
    let two = Arc::new(two);
    let all = wanted(&Desired::whole(Arc::clone(&two)));
    assert_eq!(all.rooms.len(), 2);
    let (_, view) = room(&now());
    let mut seen = Seen::default();
    for name in ["analyst", "provider"] {
        let own = &all.rooms[&member(name)];
        let creator = own.parties[&member(name)].account.clone();
        let room = Room { id: name.to_owned(), creator, ..view.clone() };
        let account = Account { rooms: [(own.name.clone(), room)].into(), ..Account::default() };
        seen.accounts.insert(member(name), account);
    }
    (two, seen)
}

/// What leaves one collaboration is not held because it is in the other.
#[test]
fn what_is_taken_out_of_one_of_two_collaborations_is_not_offered() {
    let (two, mut seen) = two();
    let alias = of(&mut seen, "provider").templates.keys().next().unwrap().clone();
    let held = |seen: &Seen| holding(&Scope::of(&two), seen);
    assert_eq!(words(held(&seen).offered), ["orders", "people"]);
    of(&mut seen, "provider").schemas.remove("orders");
    assert_eq!(words(held(&seen).offered), ["people"], "its template shows that it was there");
    let older = Arc::new({
        let text = serde_json::to_string(&*two).unwrap();
        serde_json::from_str::<Agreement>(&text.replace("persons", "humans")).unwrap()
    });
    let past = Scope { past: vec![Arc::clone(&two)], ..Scope::of(&older) };
    assert_eq!(words(holding(&past, &seen).offered), ["people"], "an older text shows it as well");
    of(&mut seen, "provider").templates.remove(&alias);
    assert_eq!(words(held(&seen).offered), ["orders", "people"], "it has not come in yet");
    of(&mut seen, "analyst").members.insert(OWNER.to_owned(), entry("LEFT"));
    let all = held(&seen);
    assert_eq!(words(&all.members), ["analyst"], "out of one is out");
    assert_eq!(words(&all.gone), ["membership of provider"]);
    assert_eq!(words(&all.remains), ["membership of provider"], "it is in the other still");
}

#[test]
fn an_approval_that_was_taken_out_of_one_of_two_collaborations_is_not_held_and_remains() {
    let (two, mut seen) = two();
    let held = |seen: &Seen| holding(&Scope::of(&two), seen);
    for room in ["analyst", "provider"] {
        of(&mut seen, room).templates.values_mut().for_each(|one| one.made_ms = 10_000);
    }
    let both = ["overlap analyst", "overlap provider"];
    assert_eq!(approved(&held(&seen)), both);
    let orders = |seen: &mut Seen, ruled_ms| {
        let schema = of(seen, "provider").schemas.get_mut("orders").unwrap();
        (schema.analyses, schema.ruled_ms) = (BTreeSet::new(), ruled_ms);
    };
    for before in [0, 10_000, 11_000] {
        orders(&mut seen, before);
        assert_eq!(approved(&held(&seen)), both, "the template is newer: it was not allowed yet");
        assert!(held(&seen).remains.is_empty());
    }
    orders(&mut seen, 11_001);
    let all = held(&seen);
    assert_eq!(approved(&all), ["overlap analyst"]);
    assert_eq!(words(&all.remains), ["approval of overlap by provider"]);
    assert!(kinds(&all).contains(&"template overlap".to_owned()), "it can run in the other");
    of(&mut seen, "analyst").schemas.get_mut("orders").unwrap().analyses.clear();
    assert!(held(&seen).remains.is_empty(), "it is nowhere any more");
}

#[test]
fn a_table_is_offered_by_its_owner_and_by_nobody_else() {
    let mut seen = seen(&now());
    of(&mut seen, "analyst").schemas.get_mut("orders").unwrap().creator = RUNNER.to_owned();
    assert_eq!(words(held(&seen).offered), ["people"], "another's under the same name");
    let keeps = |seen: &mut Seen, status: &str| {
        let association = Association {
            id: "one".to_owned(),
            table: "one".to_owned(),
            role: String::new(),
            receivers: None,
        };
        let associations = [("orders".to_owned(), association)].into();
        of(seen, "provider").membership = Some(Membership { associations, ..own(status) });
    };
    keeps(&mut seen, "ACTIVE");
    assert_eq!(words(held(&seen).offered), ["orders", "people"], "its own account says so");
    keeps(&mut seen, "COLLABORATION_DELETED");
    assert_eq!(words(held(&seen).offered), ["orders", "people"], "it took nothing out");
    keeps(&mut seen, "REMOVED");
    assert_eq!(words(held(&seen).offered), ["people"]);
}

#[test]
fn a_member_is_in_by_its_own_account_or_else_by_the_list() {
    let mut seen = seen(&now());
    of(&mut seen, "provider").membership = None;
    assert_eq!(words(held(&seen).members), ["analyst"], "it did not join");
    seen.accounts.remove(&member("provider"));
    assert_eq!(words(held(&seen).members), ["analyst", "provider"], "the list says that it is in");
    of(&mut seen, "analyst").members.insert(OWNER.to_owned(), entry("INVITED"));
    assert_eq!(words(held(&seen).members), ["analyst"]);
}

#[test]
fn what_has_ended_is_said_and_nothing_is_read_from_absence() {
    let gone = |change: &dyn Fn(&mut Seen)| {
        let mut seen = seen(&now());
        change(&mut seen);
        words(held(&seen).gone)
    };
    let none: [String; 0] = [];
    assert_eq!(gone(&|_| ()), none);
    assert_eq!(gone(&|seen| drop(seen.accounts.remove(&member("provider")))), none);
    assert_eq!(gone(&|seen| of(seen, "provider").membership = None), none);
    assert_eq!(gone(&|seen| drop(of(seen, "analyst").members.remove(OWNER))), none);
    let list = |seen: &mut Seen, status: &str| {
        of(seen, "analyst").members.insert(OWNER.to_owned(), entry(status));
    };
    assert_eq!(gone(&|seen| list(seen, "LEFT")), ["membership of provider"]);
    assert_eq!(gone(&|seen| list(seen, "REMOVED")), ["membership of provider"]);
    assert_eq!(gone(&|seen| list(seen, "PAUSED")), none, "an unknown word");
    let ended = |seen: &mut Seen, status: &str| of(seen, "provider").membership = Some(own(status));
    assert_eq!(gone(&|seen| ended(seen, "REMOVED")), ["membership of provider"]);
    let who_ended_it = ["membership of analyst"];
    assert_eq!(gone(&|seen| ended(seen, "COLLABORATION_DELETED")), who_ended_it);
    let by_another = |seen: &mut Seen| {
        list(seen, "LEFT");
        of(seen, "analyst").creator = OWNER.to_owned();
        of(seen, "provider").creator = OWNER.to_owned();
    };
    assert_eq!(gone(&by_another), none, "somebody else's collaboration under the name");
    let anew = |seen: &mut Seen| {
        ended(seen, "COLLABORATION_DELETED");
        of(seen, "provider").id = "the one before".to_owned();
    };
    assert_eq!(gone(&anew), none, "it was made anew");
}

/// The runner, whom nobody here operates, ended the collaboration.
#[test]
fn whoever_has_something_in_a_collaboration_that_another_ended_is_in_until_it_is_taken_down() {
    let mut seen = seen(&now());
    seen.accounts.remove(&member("analyst"));
    let left = of(&mut seen, "provider");
    left.members.clear();
    left.membership = Some(own("COLLABORATION_DELETED"));
    let all = held(&seen);
    assert_eq!(words(&all.members), ["provider"], "it did nothing");
    assert_eq!(words(&all.gone), ["membership of analyst"]);
    of(&mut seen, "provider").membership = Some(own("REMOVED"));
    let all = held(&seen);
    assert!(all.members.is_empty());
    assert_eq!(words(&all.gone), ["membership of provider"]);
    let maker = seen.accounts.remove(&member("provider")).unwrap();
    seen.accounts.insert(member("analyst"), maker);
    of(&mut seen, "analyst").membership = Some(own("COLLABORATION_DELETED"));
    let all = held(&seen);
    assert!(all.members.is_empty(), "whoever ended it is out");
    assert_eq!(words(&all.gone), ["membership of analyst"]);
}

#[test]
fn what_a_further_collaboration_of_the_name_leaves_open_is_open() {
    let mut seen = seen(&now());
    let account = seen.accounts.get_mut(&member("analyst")).unwrap();
    let (name, room) = account.rooms.pop_first().unwrap();
    let empty = Room { schemas: BTreeMap::new(), templates: BTreeMap::new(), ..room.clone() };
    account.rooms.insert(names::spare(&name, "further"), Room { id: "further".to_owned(), ..room });
    account.rooms.insert(name, empty);
    let all = held(&seen);
    assert_eq!(kinds(&all), ["dataset orders", "dataset people", "template overlap"]);
    assert!(all.gone.is_empty());
}

#[test]
fn what_an_earlier_agreement_left_open_is_held_still() {
    let (now, before) = (now(), agreement((OWNER, "333333333333")));
    let scope = Scope { past: vec![Arc::clone(&before)], ..Scope::of(&now) };
    let mut seen = seen(&now);
    let as_now = holding(&scope, &seen);
    assert_eq!(as_now, holding(&Scope::of(&now), &seen), "nothing of it is there");
    of(&mut seen, "analyst").schemas.clear();
    assert!(kinds(&holding(&scope, &seen)).is_empty());
    let (name, room) = room(&before);
    seen.accounts.get_mut(&member("analyst")).unwrap().rooms.insert(name, room);
    let all = holding(&scope, &seen);
    assert_eq!(kinds(&all), ["dataset orders", "dataset people", "template overlap"]);
    assert!(all.members.contains(&member("analyst")));
}

#[test]
fn an_older_version_is_seen_in_the_same_collaboration_as_long_as_any_owner_allows_it() {
    let (before, now) = (now(), agreement(("persons", "humans")));
    let overlap = "overlap".parse().unwrap();
    let [old, new] = [&before, &now].map(|one| one.templates[&overlap].digest(&overlap));
    assert_ne!(old, new);
    let scope = Scope { past: vec![Arc::clone(&before)], ..Scope::of(&now) };
    let mut seen = seen(&before);
    assert_eq!(room(&before).0, room(&now).0, "the parties are the same");
    let versions = |seen: &Seen| {
        let all = holding(&scope, seen);
        let of = all.resources.iter().filter(|one| matches!(one.kind, ResourceKind::Template(_)));
        let of: Vec<Digest> = of.map(|one| one.digest).collect();
        (of, approved(&all))
    };
    assert_eq!(versions(&seen), (vec![old], Vec::new()), "an approval of it is none of the new");
    let (alias, found) = room(&now).1.templates.into_iter().next().unwrap();
    let found = Template { arn: "arn:new".to_owned(), ..found };
    of(&mut seen, "analyst").templates.insert(alias, found);
    for schema in of(&mut seen, "analyst").schemas.values_mut() {
        schema.analyses.insert("arn:new".to_owned());
    }
    let (both, approvals) = versions(&seen);
    assert_eq!(BTreeSet::from_iter(both), BTreeSet::from([old, new]));
    assert_eq!(approvals, ["overlap analyst", "overlap provider"]);
    for (table, left) in [("orders", 2), ("people", 1)] {
        let schema = of(&mut seen, "analyst").schemas.get_mut(table).unwrap();
        schema.analyses.remove("arn:template");
        assert_eq!(versions(&seen).0.len(), left, "{table}");
    }
    assert_eq!(versions(&seen).0, [new]);
}

#[test]
fn what_is_left_in_another_region_is_held_still() {
    let now = now();
    let scope = Scope { past: vec![Arc::clone(&now)], ..Scope::of(&now) };
    let (name, room) = room(&now);
    let account = Account { rooms: [(name, room)].into(), ..Account::default() };
    let seat = Seat {
        member: member("analyst"),
        account: RUNNER.to_owned(),
        region: "us-west-2".to_owned(),
    };
    let seen = Seen { past: vec![Past { seat, account }], ..Seen::default() };
    assert_eq!(kinds(&holding(&scope, &seen)).len(), 3);
    assert!(holding(&Scope::of(&now), &seen).resources.is_empty());
}
