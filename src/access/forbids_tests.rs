//! What an operator's policies may say, and what each wrong text has beside it that passes.

use super::super::caller::Who;
use super::super::roles::Role;
use super::*;
use crate::stands::Stands;
use std::time::Instant;

const MEMBER: On = On::Collaboration(Some(Stands::Member));

fn tenants() -> BTreeSet<MemberId> {
    ["grocer", "brand"].map(|name| MemberId::new(name).unwrap()).into()
}

fn read(text: &str) -> Result<Forbids> {
    let texts = [PolicyText { name: "own.cedar".to_owned(), text: text.to_owned() }];
    Forbids::read(&texts, Some(&tenants()))
}

fn somebody(tenant: &str, subject: &str, role: Role) -> Caller {
    let who = Who::new("https://id.example", subject, true);
    Caller::of_member(MemberId::new(tenant).unwrap(), who, [role].into(), 1).unwrap()
}

fn named(name: &str) -> CollaborationId {
    CollaborationId::new(name).unwrap()
}

/// What is refused, why, and the least that has to be changed of it.
const REFUSED: [(&str, &str, &str); 25] = [
    (
        "policy-grants",
        "permit (principal, action == Airlock::Action::\"run\", resource);",
        "forbid (principal, action == Airlock::Action::\"run\", resource);",
    ),
    (
        "policy-grants",
        "forbid (principal, action == Airlock::Action::\"run\", resource); permit (principal, action == Airlock::Action::\"plan\", resource);",
        "forbid (principal, action == Airlock::Action::\"run\", resource); forbid (principal, action == Airlock::Action::\"plan\", resource);",
    ),
    (
        "policy-over-withdrawals",
        "forbid (principal, action, resource);",
        "forbid (principal, action in [Airlock::Action::\"read\", Airlock::Action::\"change\"], resource);",
    ),
    (
        "policy-over-withdrawals",
        "forbid (principal, action, resource) when { action == Airlock::Action::\"run\" };",
        "forbid (principal, action == Airlock::Action::\"run\", resource);",
    ),
    (
        "policy-over-withdrawals",
        "forbid (principal, action == Airlock::Action::\"withdraw-membership\", resource);",
        "forbid (principal, action == Airlock::Action::\"join\", resource);",
    ),
    (
        "policy-over-withdrawals",
        "forbid (principal, action == Airlock::Action::\"withdraw-room\", resource);",
        "forbid (principal, action == Airlock::Action::\"look\", resource);",
    ),
    (
        "policy-over-withdrawals",
        "forbid (principal, action == Airlock::Action::\"decline\", resource);",
        "forbid (principal, action == Airlock::Action::\"propose\", resource);",
    ),
    (
        "policy-over-withdrawals",
        "forbid (principal, action == Airlock::Action::\"cancel\", resource);",
        "forbid (principal, action == Airlock::Action::\"run\", resource);",
    ),
    (
        "policy-over-withdrawals",
        "forbid (principal, action in Airlock::Action::\"take-away\", resource);",
        "forbid (principal, action in Airlock::Action::\"change\", resource);",
    ),
    (
        "policy-over-withdrawals",
        "forbid (principal, action in [Airlock::Action::\"run\", Airlock::Action::\"withdraw-column\"], resource);",
        "forbid (principal, action in [Airlock::Action::\"run\", Airlock::Action::\"plan\"], resource);",
    ),
    (
        "policy-over-withdrawals",
        "forbid (principal, action in Airlock::Action::\"of-members\", resource);",
        "forbid (principal, action in Airlock::Action::\"of-parties\", resource);",
    ),
    (
        "policy-unknown",
        "forbid (principal, action == Airlock::Action::\"runn\", resource);",
        "forbid (principal, action == Airlock::Action::\"run\", resource);",
    ),
    (
        "policy-unknown",
        "forbid (principal, action == Action::\"run\", resource);",
        "forbid (principal, action == Airlock::Action::\"run\", resource);",
    ),
    (
        "policy-unknown",
        "forbid (principal, action == Airlock::Action::\"run\", resource) when { principal.sub == \"a\" };",
        "forbid (principal, action == Airlock::Action::\"run\", resource) when { principal.subject == \"a\" };",
    ),
    (
        "policy-unknown",
        "forbid (principal, action == Airlock::Action::\"run\", resource) when { context.ip == \"a\" };",
        "forbid (principal, action == Airlock::Action::\"run\", resource) when { context.standing == Airlock::Standing::\"member\" };",
    ),
    (
        "policy-unknown",
        "forbid (principal, action == Airlock::Action::\"run\", resource) when { principal.subject == 1 };",
        "forbid (principal, action == Airlock::Action::\"run\", resource) when { principal.subject == \"1\" };",
    ),
    (
        "policy-unknown",
        "forbid (principal in Airlock::Role::\"analysts\", action == Airlock::Action::\"run\", resource);",
        "forbid (principal in Airlock::Role::\"analyst\", action == Airlock::Action::\"run\", resource);",
    ),
    (
        "policy-unknown",
        "forbid (principal is Airlock::User, action == Airlock::Action::\"run\", resource);",
        "forbid (principal is Airlock::Caller, action == Airlock::Action::\"run\", resource);",
    ),
    (
        "policy-unknown",
        "forbid (principal, action == Airlock::Action::\"run\", resource) when { principal.tenant == Airlock::Tenant::\"grocr\" };",
        "forbid (principal, action == Airlock::Action::\"run\", resource) when { principal.tenant == Airlock::Tenant::\"grocer\" };",
    ),
    (
        "policy-unknown",
        "forbid (principal, action in [Airlock::Action::\"read\", Airlock::Action::\"operate\"], resource) when { principal.tenant == Airlock::Tenant::\"grocer\" };",
        "forbid (principal, action in [Airlock::Action::\"read\"], resource) when { principal.tenant == Airlock::Tenant::\"grocer\" };",
    ),
    (
        "policy-never",
        "forbid (principal is Airlock::Operator, action == Airlock::Action::\"run\", resource);",
        "forbid (principal is Airlock::Operator, action == Airlock::Action::\"read-configuration\", resource);",
    ),
    (
        "policy-never",
        "forbid (principal, action == Airlock::Action::\"run\", resource) when { false };",
        "forbid (principal, action == Airlock::Action::\"run\", resource) when { principal.person };",
    ),
    (
        "policy-unknown",
        "forbid (principal, action in [], resource);",
        "forbid (principal, action in [Airlock::Action::\"run\"], resource);",
    ),
    (
        "policy-template",
        "forbid (principal == ?principal, action == Airlock::Action::\"run\", resource);",
        "forbid (principal, action == Airlock::Action::\"run\", resource);",
    ),
    (
        "policy-malformed",
        "forbid (principal, action == Airlock::Action::\"run\" resource);",
        "forbid (principal, action == Airlock::Action::\"run\", resource);",
    ),
];

#[test]
fn each_wrong_text_is_refused_where_it_stands_and_its_twin_is_taken() {
    for (code, wrong, twin) in REFUSED {
        let error = read(&format!("// one line\n\n{wrong}")).map(drop).unwrap_err();
        assert_eq!(error.code, code, "{wrong}: {error}");
        assert!(error.problems.iter().all(|one| one.at == "own.cedar:3"), "{wrong}: {error}");
        assert!(error.problems.iter().all(|one| !one.help.is_empty()), "{error}");
        read(&format!("// one line\n\n{twin}")).unwrap_or_else(|error| panic!("{twin}: {error}"));
    }
    for nothing in ["", "// nothing yet"] {
        assert_eq!(read(nothing).map(drop).unwrap_err().code, "policy-none");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_where() {
    let texts = [("a.cedar", "\npermit (principal, action == Airlock::Action::\"run\", resource);\nforbid (principal, action, resource);"), ("b.cedar", "forbid ("), ("c.cedar", "forbid (principal, action == Airlock::Action::\"run\", resource);")]
        .map(|(name, text)| PolicyText { name: name.to_owned(), text: text.to_owned() });
    let error = Forbids::read(&texts, None).map(drop).unwrap_err();
    let told: Vec<_> =
        error.problems.iter().map(|one| (one.code.as_str(), one.at.as_str())).collect();
    assert_eq!(
        told,
        [
            ("policy-grants", "a.cedar:2"),
            ("policy-over-withdrawals", "a.cedar:3"),
            ("policy-malformed", "b.cedar:1")
        ]
    );
}

#[test]
fn where_all_are_of_one_house_nobody_knows_its_tenants() {
    let text = "forbid (principal, action == Airlock::Action::\"run\", resource) when { principal.tenant == Airlock::Tenant::\"press\" };";
    assert_eq!(read(text).map(drop).unwrap_err().code, "policy-unknown");
    let texts = [PolicyText { name: "own.cedar".to_owned(), text: text.to_owned() }];
    let forbids = Forbids::read(&texts, None).unwrap();
    let analyst = somebody("press", "a", Role::Analyst);
    assert!(forbids.forbid(&analyst, Action::Run, MEMBER, Some(&named("spring"))));
}

#[test]
fn they_forbid_by_tenant_role_person_action_and_collaboration() {
    let forbids = |text: &str| read(text).unwrap();
    let run = |forbids: &Forbids, caller: &Caller, of: &str| {
        forbids.forbid(caller, Action::Run, MEMBER, Some(&named(of)))
    };
    let (alice, bob) =
        (somebody("grocer", "alice", Role::Analyst), somebody("brand", "bob", Role::Analyst));
    let officer = somebody("grocer", "alice", Role::PrivacyOfficer);
    let change = "forbid (principal, action in Airlock::Action::\"change\", resource)";
    let of_grocer =
        forbids(&format!("{change} when {{ principal.tenant == Airlock::Tenant::\"grocer\" }};"));
    assert!(run(&of_grocer, &alice, "spring") && !run(&of_grocer, &bob, "spring"));
    assert!(!of_grocer.forbid(&alice, Action::ReadCollaboration, MEMBER, Some(&named("spring"))));
    let of_analysts = forbids(
        "forbid (principal in Airlock::Role::\"analyst\", action in Airlock::Action::\"change\", resource);",
    );
    assert!(run(&of_analysts, &alice, "spring") && !run(&of_analysts, &officer, "spring"));
    let of_alice = forbids(&format!(
        "{change} when {{ principal.issuer == \"https://id.example\" && principal.subject == \"alice\" }};"
    ));
    assert!(run(&of_alice, &alice, "spring") && !run(&of_alice, &bob, "spring"));
    let of_others = forbids(&format!(
        "{change} when {{ principal.issuer == \"https://other.example\" && principal.subject == \"alice\" }};"
    ));
    assert!(!run(&of_others, &alice, "spring"));
    let of_spring = forbids(
        "forbid (principal, action in Airlock::Action::\"change\", resource == Airlock::Collaboration::\"spring\");",
    );
    assert!(run(&of_spring, &bob, "spring") && !run(&of_spring, &bob, "autumn"));
    assert!(of_spring.forbid(
        &bob,
        Action::Propose,
        On::Collaboration(None),
        Some(&named("spring"))
    ));
    assert_eq!(of_spring.told().len(), 1);
    assert!(of_spring.told()[0].actions.contains(&"run".to_owned()));
    let runs_reading = forbids(
        "forbid (principal, action == Airlock::Action::\"run\", resource) when { principal.subject like \"al*\" };",
    );
    assert!(run(&runs_reading, &alice, "spring") && !run(&runs_reading, &bob, "spring"));
    assert!(runs_reading.told()[0].conditional);
}

#[test]
fn nothing_keeps_anybody_from_taking_away() {
    let all = read("forbid (principal, action in [Airlock::Action::\"read\", Airlock::Action::\"change\"], resource);").unwrap();
    // As if one had got past the reader.
    let worst = Forbids {
        set: "forbid (principal, action, resource);".parse().unwrap(),
        told: Vec::new(),
        reached: Action::all().collect(),
    };
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Operator) {
        let caller = somebody("grocer", "alice", role);
        for action in Action::all().filter(|action| action.takes_away()) {
            for on in On::ALL {
                assert!(!all.forbid(&caller, action, on, None), "{role}: {action}");
                assert!(!worst.forbid(&caller, action, on, None), "{role}: {action}");
            }
        }
        assert!(worst.forbid(&caller, Action::Run, MEMBER, None));
    }
}

#[test]
fn an_error_of_a_policy_forbids() {
    let text = "forbid (principal, action == Airlock::Action::\"run\", resource) when { principal.subject like \"z*\" && 9223372036854775807 + 1 == 0 };";
    let forbids = read(text).unwrap();
    let (alice, zoe) =
        (somebody("grocer", "alice", Role::Analyst), somebody("grocer", "zoe", Role::Analyst));
    assert!(!forbids.forbid(&alice, Action::Run, MEMBER, None));
    assert!(forbids.forbid(&zoe, Action::Run, MEMBER, None), "an overflow is no leave");
}

#[test]
fn the_example_of_the_readme_is_taken() {
    let readme = include_str!("../../README.md");
    let from = readme.find("@id(\"no-runs-of-contractors\")").unwrap();
    let text = &readme[from..];
    let text = &text[..text.find("};").unwrap() + 2];
    let forbids = read(text).unwrap();
    let brand = |subject: &str| {
        let who = Who::new("https://id.brand.example", subject, true);
        Caller::of_member(MemberId::new("brand").unwrap(), who, [Role::Analyst].into(), 1).unwrap()
    };
    let of = named("spring-campaign");
    assert!(forbids.forbid(&brand("contractor-7"), Action::Run, MEMBER, Some(&of)));
    assert!(!forbids.forbid(&brand("employee-7"), Action::Run, MEMBER, Some(&of)));
}

/// What one decision costs, for whoever looks: `cargo test -p airlock --lib costs -- --nocapture`.
#[test]
fn what_a_decision_costs() {
    let one = "forbid (principal, action in Airlock::Action::\"change\", resource == Airlock::Collaboration::\"autumn\") when { principal.subject == \"bob\" };\n";
    let alice = somebody("grocer", "alice", Role::Analyst);
    for many in [1, 20, 200] {
        let forbids = read(&one.repeat(many)).unwrap();
        let begun = Instant::now();
        for _ in 0..50 {
            assert!(!forbids.forbid(&alice, Action::Run, MEMBER, Some(&named("spring"))));
        }
        println!("{many} policies of an operator: {:?} a decision", begun.elapsed() / 50);
    }
    let begun = Instant::now();
    for _ in 0..1_000 {
        assert!(alice.may_on(Action::Run, MEMBER));
    }
    println!("known already: {:?}", begun.elapsed() / 1_000);
    let roles = BTreeSet::from([Role::Analyst]);
    let asking = Asking::of_roles(&roles, true, Action::Run, MEMBER);
    let begun = Instant::now();
    for _ in 0..50 {
        assert!(Cedar::get().unwrap().permits(&asking));
    }
    println!("asked of the binary's own: {:?}", begun.elapsed() / 50);
}
