//! Tokens that are taken and tokens that are not: the corpus in `tests/it/tokens.toml`, and what a list can't hold. The tokens are made
//! here from recipes, under the world of `tests/forge`, or were made by another program.

mod forge;

use super::Refused;
use crate::access::{Action, Role};
use crate::clock::FixedClock;
use forge::{NOW_S, Recipe, World, make};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;

const CORPUS: &str = include_str!("../../tests/it/tokens.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Corpus {
    attack: Vec<Attack>,
    foreign: Vec<Foreign>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    name: String,
    refused: String,
    #[serde(default = "grocer")]
    key: String,
    make: Recipe,
    #[serde(default)]
    twin: Recipe,
}

fn grocer() -> String {
    "grocer-ed".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Foreign {
    name: String,
    refused: Option<String>,
    jwk: Option<String>,
    token: String,
}

fn corpus() -> Corpus {
    toml::from_str(CORPUS).unwrap()
}

/// With the keys of others in the grocer's set.
fn world() -> World {
    World::new(corpus().foreign.into_iter().filter_map(|it| it.jwk))
}

fn good() -> String {
    make("grocer-ed", &Recipe::default())
}

#[test]
fn every_attack_is_refused_for_its_reason_and_its_twin_is_taken() {
    let (world, corpus) = (world(), corpus());
    assert!(corpus.attack.len() >= 60, "{}", corpus.attack.len());
    let (mut broken, mut names) = (Vec::new(), BTreeSet::new());
    for attack in &corpus.attack {
        assert!(names.insert(attack.name.as_str()), "{} twice", attack.name);
        let (bad, twin) = (make(&attack.key, &attack.make), make(&attack.key, &attack.twin));
        let is_one = bad == twin && attack.make.at == attack.twin.at;
        assert!(!is_one, "{}: it and its twin are one", attack.name);
        let (verifier, clock) = world.verifier();
        let taken = verifier.verify(&twin);
        clock.set((NOW_S + attack.make.at) * 1_000);
        // Also the second time, and beside a twin that is remembered.
        let refused = [(); 2].map(|()| verifier.verify(&bad).map_err(Refused::code));
        let expected = [(); 2].map(|()| Err(attack.refused.as_str()));
        if taken.is_err() || refused != expected {
            broken.push(format!("{}: {refused:?}, its twin {taken:?}", attack.name));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_reason_has_its_attack_and_a_word_that_says_no_more() {
    let corpus = corpus();
    let seen: BTreeSet<&str> = corpus.attack.iter().map(|it| it.refused.as_str()).collect();
    let codes: BTreeSet<&str> = Refused::ALL.iter().map(|it| it.code()).collect();
    assert_eq!(seen, codes);
    assert_eq!(codes.len(), Refused::ALL.len());
    for refused in Refused::ALL {
        let told = match refused.code() {
            own @ ("token-missing" | "role-missing") => own,
            _ => "token-invalid",
        };
        assert_eq!(refused.told(), told);
    }
}

#[test]
fn what_another_program_made_is_judged_alike() {
    let (world, corpus) = (world(), corpus());
    let taken = corpus.foreign.iter().filter(|it| it.refused.is_none()).count();
    assert!(taken >= 5 && corpus.foreign.len() - taken >= 5);
    for foreign in corpus.foreign {
        let (verifier, _clock) = world.verifier();
        match (verifier.verify(&foreign.token), foreign.refused) {
            (Ok(caller), None) => {
                assert_eq!(caller.tenant().unwrap().as_str(), "grocer", "{}", foreign.name);
                assert_eq!(caller.roles(), &BTreeSet::from([Role::Analyst]));
                assert_eq!(caller.expires_ms(), (NOW_S + 590 + 60) * 1_000);
            }
            (Err(refused), Some(code)) => assert_eq!(refused.code(), code, "{}", foreign.name),
            (found, code) => panic!("{}: {found:?}, not {code:?}", foreign.name),
        }
    }
}

#[test]
fn callers_are_who_their_issuer_says() {
    let (verifier, _clock) = world().verifier();
    let of = |key: &str| verifier.verify(&make(key, &Recipe::default())).unwrap();
    let (grocer, brand, operator) = (of("grocer-ed"), of("brand-ed"), of("ops-ed"));
    assert_eq!(grocer.tenant().unwrap().as_str(), "grocer");
    assert_eq!(brand.tenant().unwrap().as_str(), "brand");
    assert!(operator.tenant().is_none() && operator.may(Action::ReadWorker));
    assert!(!operator.may(Action::ReadCollaboration) && grocer.may(Action::ReadCollaboration));
    // One `sub` with two issuers is two.
    assert_ne!(grocer.principal(), brand.principal());
    assert_eq!(grocer.principal(), of("grocer-es256").principal());
}

#[test]
fn a_person_is_who_its_issuer_says_is_one_and_no_client() {
    let (verifier, _clock) = world().verifier();
    let is_person = |key: &str, claims: &str| {
        let recipe: Recipe = toml::from_str(&format!("[claims]\n{claims}")).unwrap();
        verifier.verify(&make(key, &recipe)).unwrap().is_person()
    };
    for (claims, is) in [
        ("email = \"a@example\"", true),
        ("email = \"a@example\"\nclient_id = \"console\"", true),
        ("", false),
        ("email = \"\"", false),
        ("email = false", false),
        ("email = []", false),
        ("email = \"a@example\"\nclient_id = \"someone\"", false),
        ("email = \"a@example\"\nazp = \"someone\"", false),
        ("mail = \"a@example\"", false),
    ] {
        assert_eq!(is_person("grocer-ed", claims), is, "{claims}");
    }
    assert!(!is_person("brand-ed", "email = \"a@example\""), "its issuer says it of nobody");
}

#[test]
fn no_letter_of_a_token_can_be_another() {
    let world = world();
    for key in ["grocer-ed", "grocer-es256", "grocer-rs256"] {
        let (verifier, _clock) = world.verifier();
        let token = make(key, &Recipe::default());
        assert!(verifier.verify(&token).is_ok());
        for (at, letter) in token.char_indices() {
            for other in ['A', 'B', 'z', '-', '.', '=', '\0'] {
                let mut changed = token.clone();
                changed.replace_range(at..=at, other.encode_utf8(&mut [0; 4]));
                let found = verifier.verify(&changed);
                assert_eq!(found.is_ok(), other == letter, "{key}: {at}: {other:?}: {found:?}");
            }
            assert!(verifier.verify(&token[..at]).is_err(), "{key}: cut at {at}");
        }
    }
}

#[test]
fn a_remembered_token_ends_when_it_would_and_starts_when_it_would() {
    let (verifier, clock) = world().verifier();
    let token = good();
    let at = |seconds: i64, ms: i64| {
        clock.set((NOW_S + seconds) * 1_000 + ms);
        verifier.verify(&token).map(|caller| caller.expires_ms())
    };
    assert_eq!(at(0, 0), Ok((NOW_S + 350) * 1_000));
    assert!(at(349, 999).is_ok());
    assert_eq!(at(350, 0), Err(Refused::Expired));
    // The clock was set back: what was over is good again, and what was good is not yet.
    assert!(at(0, 0).is_ok() && at(-70, 0).is_ok());
    assert_eq!(at(-70, -1), Err(Refused::IssuedLater));
}

#[test]
fn remembered_tokens_are_forgotten_when_their_issuers_keys_change() {
    let world = world();
    let (verifier, clock) = world.verifier();
    let (grocer, brand) = (good(), make("brand-ed", &Recipe::default()));
    assert!(verifier.verify(&grocer).is_ok() && verifier.verify(&brand).is_ok());
    world.write_keys("grocer.json", &["grocer-ed2"]);
    clock.step(999);
    assert!(verifier.verify(&grocer).is_ok(), "a file is looked at once a second");
    clock.step(1);
    assert_eq!(verifier.verify(&grocer), Err(Refused::Key));
    assert!(verifier.verify(&brand).is_ok());
    let mut newer = Recipe::default();
    newer.header.insert("kid".to_owned(), "grocer-ed2".into());
    newer.signature = Some("of grocer-ed2".to_owned());
    assert!(verifier.verify(&make("grocer-ed", &newer)).is_ok());
    world.write_keys("grocer.json", &["grocer-ed"]);
    clock.step(1_000);
    assert!(verifier.verify(&grocer).is_ok() && verifier.verify(&brand).is_ok());
}

#[test]
fn only_good_tokens_are_remembered() {
    let (verifier, _clock) = world().verifier();
    for attack in corpus().attack.iter().filter(|attack| attack.make.at == 0) {
        assert!(verifier.verify(&make(&attack.key, &attack.make)).is_err(), "{}", attack.name);
    }
    assert_eq!(verifier.memory.len(), 0);
    for _ in 0..3 {
        assert!(verifier.verify(&good()).is_ok());
    }
    assert_eq!(verifier.memory.len(), 1);
}

#[test]
fn nobody_gets_in_where_no_issuer_is_set() {
    let clock = Arc::new(FixedClock::new(NOW_S * 1_000));
    let verifier = super::Verifier::new(Vec::new(), clock);
    assert_eq!(verifier.verify(&good()), Err(Refused::Issuer));
    assert_eq!(verifier.verify(""), Err(Refused::Missing));
}

#[test]
fn no_time_is_too_far_for_an_answer() {
    let (verifier, clock) = world().verifier();
    for now_ms in [i64::MIN, -1, 0, i64::MAX] {
        clock.set(now_ms);
        assert!(verifier.verify(&good()).is_err(), "{now_ms}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_text_that_was_made_up_is_a_token(text in prop_oneof![".{0,200}", "[A-Za-z0-9_-]{0,90}(\\.[A-Za-z0-9_-]{0,90}){0,4}"]) {
        let verifier = super::Verifier::new(Vec::new(), Arc::new(FixedClock::new(0)));
        prop_assert!(verifier.verify(&text).is_err());
    }

    #[test]
    fn whatever_claims_say_there_is_an_answer(text in r#"\{"iss":"https://id\.grocer\.example","aud":"airlock"(,"(exp|iat|nbf|sub|jti|org|roles)":("airlock"|\["analyst"\]|-?[1-9][0-9]{0,19}|null)){0,8}\}"#) {
        let (verifier, _clock) = SMALL.with(World::verifier);
        let mut recipe = Recipe::default();
        recipe.claims_text = Some(text);
        let refused = verifier.verify(&make("grocer-ed", &recipe)).unwrap_err();
        prop_assert_ne!(refused, Refused::Claims, "they are well formed");
        prop_assert_ne!(refused, Refused::Signature);
    }
}

thread_local! {
    static SMALL: World = World::new([].into_iter());
}
