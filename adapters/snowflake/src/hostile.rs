//! Names and texts that would like to be more than that, one list for every place where one reaches a statement, a spec or a value; and a
//! reader of statements that is not ours.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the reader's kinds of words are many, and each hand here takes some only"
)]

use crate::behaviours::is_plain;
use crate::connection::Connection;
use crate::entry::entry;
use crate::sql::Sql;
use crate::unload::{below, unload};
use mappings::model::{Agreement, ColumnType, Consent, Dataset, Literal, PlatformId, RowFilter};
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::tokenizer::{Token, Tokenizer, Whitespace};
use std::collections::BTreeSet;

/// A hundred and more: quotes, marks of comments, ends of statements, other alphabets, all that a lexer looks for, names of 255 signs.
pub(crate) fn hostile() -> Vec<String> {
    let all: Vec<String> = serde_json::from_str(include_str!("../tests/hostile.json")).unwrap();
    assert!(all.len() >= 100, "{}", all.len());
    all
}

/// A statement's words and signs as another reader takes them: of one statement, and without a comment.
pub(crate) fn tokens(sql: &str) -> Vec<Token> {
    let all = Tokenizer::new(&SnowflakeDialect {}, sql).tokenize();
    let all = all.unwrap_or_else(|error| panic!("{error}: {sql}"));
    let is_comment = |token: &Token| match token {
        Token::Whitespace(
            Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_),
        ) => true,
        Token::Whitespace(Whitespace::Space | Whitespace::Newline | Whitespace::Tab) => false,
        token => *token == Token::SemiColon,
    };
    assert!(!all.iter().any(is_comment), "more than one statement: {sql}");
    all.into_iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect()
}

/// The same statement with one word in the place of another, as names and as texts.
pub(crate) fn with(plain: &[Token], from: &str, to: &str) -> Vec<Token> {
    let put = |text: &str| text.replace(from, to);
    let one = |token: &Token| match token {
        Token::Word(word) if word.value.contains(from) => {
            let mut word = word.clone();
            word.value = put(&word.value);
            Token::Word(word)
        }
        Token::SingleQuotedString(text) => Token::SingleQuotedString(put(text)),
        other => other.clone(),
    };
    plain.iter().map(one).collect()
}

/// The names of every kind of a call, as its reader knows them: a new one is among them at once.
pub(crate) fn kinds<T: serde::de::DeserializeOwned + std::fmt::Debug>(
    tag: &str,
) -> BTreeSet<String> {
    let error = serde_json::from_value::<T>(serde_json::json!({ tag: "?" })).unwrap_err();
    let kinds: BTreeSet<String> =
        error.to_string().split('`').skip(3).step_by(2).map(str::to_owned).collect();
    assert!(kinds.len() > 10, "{error}");
    kinds
}

/// The kinds of these calls.
pub(crate) fn kinds_of(calls: &[impl serde::Serialize], tag: &str) -> BTreeSet<String> {
    let kind = |call| serde_json::to_value(call).unwrap()[tag].as_str().unwrap().to_owned();
    calls.iter().map(kind).collect()
}

/// A statement with a hostile word in each of its places is the one with a plain word, but for that word.
fn stays(sql: impl Fn(&str) -> Option<Sql>) {
    let plain = tokens(sql("plain").unwrap().as_text().unwrap());
    assert!(with(&plain, "plain", "other") != plain, "the word is nowhere in it");
    for name in hostile() {
        let Some(sql) = sql(&name) else { continue };
        let found = tokens(sql.as_text().unwrap());
        assert_eq!(found, with(&plain, "plain", &name), "{name:?}");
    }
}

#[test]
fn names_and_texts_stay_what_they_are() {
    stays(|name| Some(Sql::new("DROP VIEW ").path(&["D", name, name]).word(" X ").name(name)));
    stays(|name| Some(Sql::new("(").names([name, "b", name]).word(")")));
    stays(|name| Some(Sql::new("COMMENT = ").text(name)));
    stays(|name| Some(Sql::new("IN (").texts([name, "b"]).word(")")));
    stays(|name| Some(Sql::new("LIKE ").beginning(name).word(" IN ACCOUNT")));
}

#[test]
fn a_path_as_a_text_is_read_back_as_its_names() {
    for name in hostile() {
        let sql = Sql::new("").path_text(&["D", &name]);
        let [Token::SingleQuotedString(path)] = &tokens(sql.as_text().unwrap())[..] else {
            panic!("{name:?} is no one text")
        };
        let parts = tokens(path);
        let names = parts.iter().filter_map(|token| match token {
            Token::Word(word) => Some((word.value.as_str(), word.quote_style)),
            _ => None,
        });
        assert_eq!(names.collect::<Vec<_>>(), [("D", Some('"')), (name.as_str(), Some('"'))]);
    }
}

#[test]
fn the_place_of_an_unload_stays_one_place() {
    let (run, handle) = ("run-7".parse().unwrap(), "01ab-cd".parse().unwrap());
    let below = below(&"spring".parse().unwrap(), &run);
    stays(|name| {
        let connection = Connection {
            unload: Some(format!("s3://bucket/{name}/x")),
            storage_integration: Some(name.to_owned()),
            ..Connection::default()
        };
        unload(&connection, &below, &handle)
    });
}

/// Values of row filters and of consent, as owners of agreements write them. What has no words there is in no view.
#[test]
fn values_of_row_filters_and_consent_stay_values() {
    let platform = PlatformId::snowflake();
    let document = adapter_spi::suite::agreement(&platform, "hostile", 1);
    let agreement: Agreement = serde_json::from_value(document).unwrap();
    let name = "orders".parse().unwrap();
    let said = |text: &str| {
        let value = || Literal::Utf8(text.to_owned());
        let consent = Consent {
            from: "ok".to_owned(),
            r#type: ColumnType::Utf8,
            granted: vec![value(), Literal::Utf8("yes".to_owned())],
        };
        let filter = RowFilter {
            from: "area".to_owned(),
            r#type: ColumnType::Utf8,
            any_of: vec![value()],
            min: Some(value()),
            max: Some(value()),
        };
        let orders = agreement.datasets[&name].clone();
        let dataset = Dataset { consent: Some(consent), rows: vec![filter], ..orders };
        entry(&platform, &name, &dataset)
    };
    let plain = tokens(said("plain").unwrap().query());
    let places =
        plain.iter().filter(|token| **token == Token::SingleQuotedString("plain".to_owned()));
    assert_eq!(places.count(), 4);
    let mut count = 0;
    for text in hostile() {
        let Some(view) = said(&text) else {
            assert!(text.chars().any(char::is_control), "{text:?} has no words");
            continue;
        };
        assert_eq!(tokens(view.query()), with(&plain, "plain", &text), "{text:?}");
        count += 1;
    }
    assert!(count >= 100, "{count}");
}

/// What a clean room gets as a value until somebody saw that it is bound, and what it does not get.
#[test]
fn a_plain_value_is_one_in_any_quotes() {
    let (plain, refused): (Vec<String>, Vec<String>) =
        hostile().into_iter().partition(|text| is_plain(text));
    assert!(plain.len() >= 40 && refused.len() >= 40, "{} {}", plain.len(), refused.len());
    for text in &plain {
        let whole = format!("SELECT '{text}', \"{text}\", $${text}$$");
        assert_eq!(tokens(&whole).len(), 6, "{text:?}");
    }
    for legitimate in ["segment 0", "2026-02-03", "Zürich", "a.b@c.example", "100 %", "x-y_z"] {
        assert!(is_plain(legitimate), "{legitimate}");
    }
}
