//! The same data, open by somebody's own table: told, with what closes it, and never touched.

use super::*;
use crate::seen::Beside;

fn beside() -> Beside {
    let id = |what: &str| format!("{what}-id");
    Beside {
        dataset: "orders".parse().unwrap(),
        table: "by hand\u{1b}[31m".to_owned(),
        collaboration: id("room"),
        membership: id("membership"),
        association: id("association"),
        with: [member("analyst")].into(),
    }
}

#[test]
fn what_is_open_beside_is_told_with_the_command_that_closes_it_and_nothing_is_done() {
    let (mut world, desired) = settled();
    world.account(&member("provider")).beside.insert(beside());
    let plan = world.plan(&desired).unwrap();
    assert!(plan.steps.is_empty() && !plan.pending && plan.refused.is_none(), "{plan:?}");
    let [told] = plan.waiting.as_slice() else { panic!("{plan:?}") };
    assert_eq!(told.member, member("provider"));
    assert!(told.what.starts_with("orders is open wider than agreed: to analyst in"), "{told:?}");
    assert!(!told.what.contains('\u{1b}'), "{told:?}");
    assert_eq!(
        told.act,
        "aws cleanrooms delete-configured-table-association --membership-identifier membership-id --configured-table-association-identifier association-id"
    );
}

#[test]
fn what_is_over_tells_nothing_of_what_its_owners_do_elsewhere() {
    let (mut world, desired) = settled();
    let closed = Desired::closed(Arc::clone(&desired.agreement));
    world.settle(&closed);
    world.account(&member("provider")).beside.insert(beside());
    assert!(world.plan(&closed).unwrap().is_settled());
}
