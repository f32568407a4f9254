//! A gateway that lies, and its honest twin: what is not proven is refused by its code.

use super::between::Between;
use super::{ALL, Far, settled};
use crate::http::{Served, Told};
use crate::serve;
use crate::world::World;
use airlock::log::tree::{Tree, leaf_hash};
use airlock::log::{Checkpoint, SecretKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Edits the document of an answer to an approval.
fn edited(
    edit: impl Fn(&mut Value) + Send + 'static,
) -> impl FnMut(&str, &mut Told) -> bool + Send {
    move |request, told| {
        if request.contains("/approvals") {
            let mut document = told.json();
            edit(&mut document);
            told.body = document.to_string();
        }
        false
    }
}

fn other_digit(document: &mut Value, at: &str) {
    let place = document.pointer_mut(at).unwrap();
    let text = place.as_str().unwrap();
    let first = if text.starts_with('0') { "1" } else { "0" };
    *place = json!(format!("{first}{}", &text[1..]));
}

const APPROVE: [&str; 5] = ["approve", "spring", "reach", "--as", "grocer"];

/// What is made of an answer to an approval.
type Edit = Box<dyn Fn(&mut Value) + Send>;

/// Each with the code that it is refused by.
fn lies(older: Value) -> Vec<(&'static str, Edit)> {
    let other = SecretKey::generate().unwrap();
    let another_key = move |document: &mut Value| {
        let note = document["receipt"]["checkpoint"].as_str().unwrap().to_owned();
        document["receipt"]["checkpoint"] = json!(Checkpoint::parse(&note).unwrap().sign(&other));
    };
    let foreign = older.clone();
    vec![
        ("receipt-missing", Box::new(|one| drop(one.as_object_mut().unwrap().remove("receipt")))),
        ("receipt-missing", Box::new(|one| one["receipt"] = Value::Null)),
        (
            "receipt-missing",
            Box::new(|one| drop(one.as_object_mut().unwrap().remove("leaf_bytes"))),
        ),
        ("receipt-missing", Box::new(|one| *one = json!({}))),
        ("receipt-wrong", Box::new(|one| other_digit(one, "/receipt/leaf"))),
        ("receipt-wrong", Box::new(|one| other_digit(one, "/receipt/root"))),
        ("receipt-wrong", Box::new(|one| other_digit(one, "/receipt/inclusion/0"))),
        ("receipt-wrong", Box::new(|one| one["receipt"]["index"] = json!(1))),
        ("receipt-wrong", Box::new(|one| one["receipt"]["size"] = json!(99))),
        ("receipt-wrong", Box::new(|one| one["leaf_bytes"] = json!(STANDARD.encode("{}")))),
        // Another leaf's receipt; and another leaf with its own.
        ("receipt-wrong", Box::new(move |one| one["receipt"] = older["receipt"].clone())),
        (
            "receipt-wrong",
            Box::new(move |one| {
                *one = json!({ "receipt": foreign["receipt"], "leaf_bytes": foreign["bytes"] });
            }),
        ),
        ("receipt-wrong", Box::new(another_key)),
    ]
}

#[test]
fn a_gateway_that_proves_nothing_is_not_believed() {
    let world = serve::world();
    let served = Served::start(&world);
    let between = Between::to(served.at);
    let far = Far::to(between.at);
    settled(&served, &far);
    let older = served.caller("grocer", &ALL).get("/v1/collaborations/spring/leaves/2").done();
    for (n, (code, lie)) in lies(older).into_iter().enumerate() {
        between.tells(edited(lie));
        let refused = far.ask(&served, "grocer", &APPROVE);
        assert_eq!((refused.code, refused.error()), (Some(3), code), "{n}: {}", refused.stderr);
        between.is_honest();
        far.ask(&served, "grocer", &APPROVE).done();
    }
}

#[test]
fn what_a_gateway_echoes_is_cut_out_and_what_is_no_answer_is_none() {
    let world = serve::world();
    let served = Served::start(&world);
    let between = Between::to(served.at);
    let far = Far::to(between.at);
    settled(&served, &far);
    // It says the code of a mistake, and the token with it; or says the token where a name should be.
    let heard = Arc::clone(&between.asked);
    let token = move || {
        let all = heard.lock().unwrap();
        let line = all.last().unwrap().lines().find(|line| line.starts_with("authorization"));
        line.unwrap().split(' ').next_back().unwrap().to_owned()
    };
    let echoed = token.clone();
    between.tells(move |request, told| {
        if request.ends_with("/v1/collaborations?limit=200") {
            let mut document = told.json();
            document["collaborations"][0]["standing"] = json!(echoed());
            told.body = document.to_string();
        }
        if request.ends_with("/v1/collaborations/spring") {
            let mut document = told.json();
            document["withdrawn"] = json!([echoed(), "\u{1b}[2J"]);
            told.body = document.to_string();
        }
        false
    });
    let shown = far.ask(&served, "grocer", &["status"]).done();
    assert_eq!(shown["collaborations"][0]["revocations"], json!(["…", "\u{fffd}[2J"]));
    between.tells(move |request, told| {
        if request.contains("/approvals") {
            told.status = 409;
            told.body =
                json!({"type": "/problems/x", "title": "x", "status": 409, "code": "not-an-owner",
                "detail": format!("it was asked with {}", token()), "request_id": "r"})
                .to_string();
        }
        false
    });
    far.ask(&served, "grocer", &APPROVE).is(3, "not-an-owner");
    for (status, body) in [(302, ""), (200, "<html>"), (409, "<html>"), (500, "{}")] {
        between.tells(move |_, told| {
            told.status = status;
            told.body = body.to_owned();
            false
        });
        far.ask(&served, "grocer", &["status"]).is(1, "gateway-answer");
    }
    between.is_honest();
    far.ask(&served, "grocer", &["status"]).done();
}

#[test]
fn a_withdrawal_is_told_as_what_it_is() {
    let world = serve::world();
    let served = Served::start(&world);
    let between = Between::to(served.at);
    let far = Far::to(between.at);
    settled(&served, &far);
    let withdraw = ["revoke", "spring", "--dataset", "sales", "--as", "grocer"];
    // In force there, it says, and not on record. It is asked again.
    between.tells(|request, told| {
        if request.starts_with("POST") && request.ends_with("/revocations") {
            told.status = 202;
            told.body = json!({ "durable": false, "why": "store-full" }).to_string();
        }
        false
    });
    let kept = far.ask(&served, "grocer", &withdraw).done();
    assert_eq!(
        (&kept["durable"], &kept["receipt"], &kept["because"]["code"]),
        (&json!(false), &Value::Null, &json!("store-full"))
    );
    let asked = |between: &Between| {
        let all = between.asked.lock().unwrap();
        all.iter().filter(|head| head.starts_with("POST") && head.contains("/revocations ")).count()
    };
    assert_eq!(asked(&between), 4);
    // Its answer is lost: it is asked again, and proven.
    let withdraw = ["revoke", "spring", "--approval", "reach", "--as", "brand"];
    let mut lost = false;
    between.tells(move |request, _| {
        let is = request.starts_with("POST") && request.ends_with("/revocations") && !lost;
        lost |= is;
        is
    });
    let found = far.ask(&served, "brand", &withdraw).done();
    assert_eq!(found["durable"], json!(true));
    assert!(found["receipt"]["index"].as_u64().is_some(), "{found}");
    between.is_honest();
    // Without its leaf in the answer it is looked up; another leaf is not believed.
    let withdraw = ["revoke", "spring", "--column", "seen.campaign", "--as", "brand"];
    between.tells(|request, told| {
        if request.starts_with("POST") && request.ends_with("/revocations") {
            let mut document = told.json();
            document.as_object_mut().unwrap().remove("leaf_bytes");
            told.body = document.to_string();
        }
        false
    });
    assert_eq!(far.ask(&served, "brand", &withdraw).done()["durable"], json!(true));
    between.tells(|request, told| {
        if request.starts_with("POST") && request.ends_with("/revocations") {
            told.status = 201;
            told.body = json!({ "durable": true }).to_string();
        }
        false
    });
    let withdraw = ["revoke", "spring", "--membership", "--as", "brand"];
    far.ask(&served, "brand", &withdraw).is(3, "receipt-missing");
}

#[test]
fn a_lost_answer_is_asked_for_again_and_done_once() {
    let world = serve::world();
    let served = Served::start(&world);
    let between = Between::to(served.at);
    let far = Far::to(between.at);
    settled(&served, &far);
    let mut lost = 0;
    between.tells(move |request, told| {
        let is = request.contains("/approvals");
        lost += u32::from(is);
        if is && lost == 2 {
            told.status = 503;
            told.headers.insert("retry-after".to_owned(), "1".to_owned());
        }
        is && lost == 1
    });
    let leaves = || {
        let shown = world.airlock(&["audit", "show", "spring"]).done();
        shown["leaves"].as_array().unwrap().len()
    };
    let before = leaves();
    far.ask(&served, "grocer", &APPROVE).done();
    assert_eq!(leaves(), before + 1);
    let all = between.asked.lock().unwrap();
    let keys = all.iter().filter(|head| head.contains("/approvals ")).rev().take(3);
    let keys =
        keys.map(|head| head.lines().find(|line| line.starts_with("idempotency-key")).unwrap());
    let keys: Vec<&str> = keys.collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn a_log_that_goes_back_or_another_way_is_refused() {
    let world = serve::world();
    let served = Served::start(&world);
    let between = Between::to(served.at);
    let far = Far::to(between.at);
    settled(&served, &far);
    // What was answered once, told again: at once, and after more was seen.
    let first = Arc::new(Mutex::new(String::new()));
    let keep = Arc::clone(&first);
    between.tells(move |request, told| {
        if request.contains("/approvals") {
            *keep.lock().unwrap() = told.body.clone();
        }
        false
    });
    far.ask(&served, "grocer", &APPROVE).done();
    let again = Arc::clone(&first);
    between.tells(move |request, told| {
        if request.contains("/approvals") {
            told.body = again.lock().unwrap().clone();
        }
        false
    });
    far.ask(&served, "grocer", &APPROVE).is(3, "receipt-wrong");
    between.is_honest();
    far.ask(&served, "grocer", &APPROVE).done();
    let again = Arc::clone(&first);
    between.tells(move |request, told| {
        if request.contains("/approvals") {
            told.body = again.lock().unwrap().clone();
        }
        false
    });
    far.ask(&served, "grocer", &APPROVE).is(3, "log-rolled-back");
    // An older head of the whole log.
    let head = json_of(&first)["receipt"]["checkpoint"].as_str().unwrap().to_owned();
    between.tells(move |request, told| {
        if request.ends_with("/checkpoint") {
            told.body = head.clone();
        }
        false
    });
    let show = ["audit", "show", "spring"];
    far.ask(&served, "grocer", &show).is(3, "log-rolled-back");
    between.is_honest();
    far.ask(&served, "grocer", &show).done();
    forks(&world, &served, &between, &far);
    // Somebody who saw nothing before has nothing to hold it against, and the honest gateway passes.
    between.is_honest();
    far.ask(&served, "grocer", &APPROVE).done();
    far.ask(&served, "grocer", &show).done();
}

fn json_of(text: &Mutex<String>) -> Value {
    serde_json::from_str(&text.lock().unwrap()).unwrap()
}

/// The gateway signs a second log, in which an early leaf is another.
fn forks(world: &World, served: &Served<'_>, between: &Between, far: &Far) {
    let key = SecretKey::load(Path::new(&world.path("home/keys/gateway.key"))).unwrap();
    let grocer = served.caller("grocer", &ALL);
    let leaves = grocer.get("/v1/collaborations/spring/leaves?limit=200").done();
    let mut tree = Tree::default();
    for leaf in leaves["leaves"].as_array().unwrap() {
        let bytes = STANDARD.decode(leaf["bytes"].as_str().unwrap()).unwrap();
        let other = leaf["index"] == json!(3);
        tree.push(if other { leaf_hash(b"another") } else { leaf_hash(&bytes) });
    }
    let tree = Arc::new(Mutex::new(tree));
    let (forked, signer) = (Arc::clone(&tree), key.clone());
    let fork = move |one: &mut Value| {
        let mut tree = forked.lock().unwrap();
        let bytes = STANDARD.decode(one["leaf_bytes"].as_str().unwrap()).unwrap();
        let index = tree.size();
        tree.push(leaf_hash(&bytes));
        let (size, root) = (tree.size(), tree.root(tree.size()).unwrap());
        let collaboration = "spring".parse().unwrap();
        let note = Checkpoint { collaboration, size, root }.sign(&signer);
        let path = tree.inclusion_proof(index, size).unwrap();
        one["receipt"] = json!({"index": index, "size": size, "root": root, "leaf": leaf_hash(&bytes),
            "inclusion": path, "checkpoint": note});
    };
    // With the honest log's proof.
    between.tells(edited(fork));
    far.ask(served, "grocer", &APPROVE).is(3, "log-forked");
    // With the second log's own.
    let known = Arc::clone(&tree);
    let (forked, signer) = (tree, key);
    let mut fork = edited(move |one| {
        let tree = forked.lock().unwrap();
        let size = tree.size();
        let bytes = STANDARD.decode(one["leaf_bytes"].as_str().unwrap()).unwrap();
        let mut tree = tree.clone();
        tree.push(leaf_hash(&bytes));
        let root = tree.root(size + 1).unwrap();
        let collaboration = "spring".parse().unwrap();
        let note = Checkpoint { collaboration, size: size + 1, root }.sign(&signer);
        one["receipt"] = json!({"index": size, "size": size + 1, "root": root, "leaf": leaf_hash(&bytes),
            "inclusion": tree.inclusion_proof(size, size + 1).unwrap(), "checkpoint": note});
    });
    between.tells(move |request, told| {
        if request.contains("/proofs/consistency") {
            let tree = known.lock().unwrap();
            let old = told.json()["old"].as_u64().unwrap_or(2);
            let hashes = tree.consistency_proof(old, tree.size()).unwrap();
            told.status = 200;
            told.body = json!({ "old": old, "new": tree.size(), "hashes": hashes }).to_string();
        }
        fork(request, told)
    });
    far.ask(served, "grocer", &APPROVE).is(3, "log-forked");
}

#[test]
fn a_gateway_is_held_to_the_key_that_it_showed_first() {
    let world = serve::world();
    let served = Served::start(&world);
    let between = Between::to(served.at);
    let far = Far::to(between.at);
    let first = far.ask(&served, "grocer", &["status"]);
    assert!(first.stderr.contains("is known by its key ed25519:"), "{}", first.stderr);
    assert_eq!(far.ask(&served, "grocer", &["status"]).stderr, "");
    let other = SecretKey::generate().unwrap().public().to_string();
    let shown = other.clone();
    between.tells(move |request, told| {
        if request.ends_with("/v1/me") {
            let mut me = told.json();
            me["gateway_key"] = json!(shown);
            told.body = me.to_string();
        }
        false
    });
    far.ask(&served, "grocer", &["status"]).is(3, "gateway-key-changed");
    between.is_honest();
    far.ask(&served, "grocer", &["status"]).done();
    // A key that is told goes before what is remembered.
    far.ask(&served, "grocer", &["status", "--gateway-key", &other]).is(3, "gateway-key-changed");
    let me = served.caller("grocer", &ALL).get("/v1/me").done();
    let key = me["gateway_key"].as_str().unwrap();
    far.ask(&served, "grocer", &["status", "--gateway-key", key]).done();
}

#[test]
fn a_list_is_read_to_its_end() {
    let world = serve::world();
    let served = Served::start(&world);
    let between = Between::to(served.at);
    let far = Far::to(between.at);
    settled(&served, &far);
    let run = far.ask(&served, "brand", &["run", "spring", "reach", "--as", "brand"]).done();
    let run = run["run"].as_str().unwrap();
    for to in ["agency", "press"] {
        let words = ["share", "add", "spring", run, "--to", to, "--as", "brand", "--expires", "1d"];
        far.ask(&served, "brand", &words).done();
    }
    let list = ["share", "list", "spring"];
    let whole = far.ask(&served, "brand", &list).done();
    assert_eq!(whole["recipients"].as_array().unwrap().len(), 2, "{whole}");
    // A gateway of which the first page is short.
    between.tells(|request, told| {
        if request.ends_with("/shares?limit=200") {
            let mut document = told.json();
            document["recipients"].as_array_mut().unwrap().truncate(1);
            document["next"] = json!("brand/agency");
            told.body = document.to_string();
        }
        if request.ends_with("/revocations?limit=200") {
            told.body = json!({ "revocations": [], "next": 7 }).to_string();
        }
        false
    });
    assert_eq!(far.ask(&served, "brand", &list).done(), whole);
    far.ask(&served, "brand", &["status", "spring"]).done();
    let asked = between.asked.lock().unwrap().join("");
    assert!(asked.contains("/revocations?limit=200&after=7 "), "{asked}");
}
