//! Hostile names and texts through every call and spec of a clean room: a call's text is its own and everything else is bound, a spec is
//! read back as it was written.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the reader's kinds of words are many, and each hand here takes some only"
)]

use crate::collaboration::apply::statement;
use crate::collaboration::call::Call;
use crate::collaboration::yaml;
use crate::collaboration::{names, specs};
use crate::entry::entry;
use crate::hostile::{hostile, tokens, with};
use adapter_spi::suite;
use mappings::model::{Agreement, PlatformId};
use sqlparser::tokenizer::Token;
use std::collections::{BTreeMap, BTreeSet};

/// One of each call, with this in each of its places.
pub(super) fn everywhere(name: &str) -> Vec<Call> {
    let own = || name.to_owned();
    let runners = || BTreeSet::from([own(), "b".to_owned()]);
    let platform = PlatformId::snowflake_dcr();
    let document = suite::agreement(&platform, "suite-hostile", 1);
    let agreement: Agreement = serde_json::from_value(document).unwrap();
    let dataset = "orders".parse().unwrap();
    let entry = entry(&platform, &dataset, &agreement.datasets[&dataset]).unwrap();
    vec![
        Call::CreateSchema { database: own(), schema: own() },
        Call::CreateView { database: own(), schema: own(), view: own(), entry },
        Call::DropView { database: own(), schema: own(), view: own() },
        Call::RegisterOffering { id: own(), spec: own() },
        Call::RegisterTemplate { id: own(), spec: own() },
        Call::UnregisterOffering { id: own() },
        Call::UnregisterTemplate { id: own() },
        Call::Initialize { room: own(), spec: own() },
        Call::Review { room: own(), owner: own() },
        Call::Join { room: own() },
        Call::Leave { room: own(), again: true },
        Call::Teardown { room: own(), again: false },
        Call::Link { room: own(), offering: own(), runner: own() },
        Call::Unlink { room: own(), offering: own(), runners: runners() },
        Call::RequestTemplate { room: own(), template: own(), runner: own() },
        Call::RemoveTemplate { room: own(), template: own(), runners: runners() },
        Call::Approve { room: own(), request: own(), template: own() },
        Call::Reject { room: own(), request: own() },
        Call::Edit { room: own(), spec: own() },
    ]
}

#[test]
fn calls_stay_one_call_whatever_is_in_them() {
    let plain = everywhere("plain");
    for name in hostile() {
        for (call, plain) in everywhere(&name).iter().zip(&plain) {
            let (sql, plain) = (statement(call), statement(plain));
            let (text, plain) = (sql.as_text().unwrap(), plain.as_text().unwrap());
            if plain.starts_with("CALL ") {
                assert_eq!(text, plain, "{name:?} in {}: all of it is bound", call.operation());
            }
            assert_eq!(tokens(text), with(&tokens(plain), "plain", &name), "{name:?} {text}");
        }
    }
}

/// A spec's tree, with one word in the place of another in every text and key.
fn replaced(tree: &serde_json::Value, to: &str) -> serde_json::Value {
    use serde_json::Value;
    let put = |text: &str| text.replace("plain", to);
    match tree {
        Value::String(text) => Value::String(put(text)),
        Value::Array(items) => items.iter().map(|item| replaced(item, to)).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(key, value)| (put(key), replaced(value, to))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => tree.clone(),
    }
}

/// Numbers and flags are texts to the reader of specs.
fn in_texts(tree: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match tree {
        Value::Array(items) => items.into_iter().map(in_texts).collect(),
        Value::Object(entries) => {
            entries.into_iter().map(|(key, value)| (key, in_texts(value))).collect()
        }
        Value::Bool(_) | Value::Number(_) => tree.to_string().into(),
        Value::Null | Value::String(_) => tree,
    }
}

fn all_specs(name: &str) -> [String; 4] {
    let own = || name.to_owned();
    let named = || specs::Named { id: own() };
    let provider = specs::Provider { data_offerings: vec![named()] };
    let runner = specs::Runner {
        data_providers: BTreeMap::from([(own(), provider)]),
        templates: vec![named()],
    };
    let collaboration = specs::Collaboration {
        name: own(),
        description: own(),
        owner: own(),
        collaborator_identifier_aliases: BTreeMap::from([(own(), own())]),
        analysis_runners: BTreeMap::from([(own(), runner)]),
    };
    let columns = BTreeMap::from([(
        names::quoted("x"),
        specs::Policy { category: specs::Category::Passthrough },
    )]);
    let offering = specs::Offering {
        name: own(),
        version: own(),
        description: own(),
        datasets: vec![specs::Dataset::new(own(), own(), columns)],
    };
    let template = specs::Template {
        name: own(),
        version: own(),
        r#type: "sql_analysis",
        description: own(),
        methodology: Some(own()),
        parameters: vec![specs::Parameter { name: own(), required: true, r#type: "string" }],
        preset_tables: vec![specs::Preset { alias: own(), template_view_name: own() }],
        sql: own(),
    };
    let arguments = BTreeMap::from([(own(), specs::Argument::Text(own()))]);
    let template_configuration = specs::Configuration { arguments };
    let analysis = specs::Analysis { template: own(), template_configuration };
    [
        collaboration.text().unwrap(),
        offering.text().unwrap(),
        template.text().unwrap(),
        analysis.text().unwrap(),
    ]
}

#[test]
fn specs_are_read_back_as_they_were_written() {
    let plain = all_specs("plain").map(|text| serde_json::from_str(&text).unwrap());
    for name in hostile() {
        for (text, plain) in all_specs(&name).iter().zip(&plain) {
            let wanted = replaced(plain, &name);
            let found: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(found, wanted, "{name:?}");
            let tree = yaml::read(text).unwrap_or_else(|| panic!("{name:?}: {text}"));
            assert_eq!(serde_json::to_value(&tree).unwrap(), in_texts(wanted), "{name:?}");
        }
    }
}

/// Names of tables and columns, as specs have them.
#[test]
fn quoted_names_in_specs_are_one_name() {
    let words = |text: &str| -> Vec<String> {
        let words = tokens(text).into_iter().map(|token| match token {
            Token::Word(word) => word.value,
            other => other.to_string(),
        });
        words.collect()
    };
    for name in hostile() {
        assert_eq!(words(&names::path(["D", &name, "x"])), ["D", ".", &name, ".", "x"]);
        assert_eq!(words(&names::quoted(&name)), [name.as_str()]);
    }
}
