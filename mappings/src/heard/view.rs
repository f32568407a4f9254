//! The view by which a dataset enters Snowflake, read back: its table, its columns and its row filters. Knows only the form that
//! `snowflake::view` writes; whoever uses what is heard has the same view written again and compares.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums grow; whatever is not named here is no form of ours"
)]

use super::scan::{Scan, Source, Within, argument, call, conjuncts, constant_or, texted};
use super::{KeyForm, Unheard, select_of, unheard};
use crate::model::{ColumnType, Literal};
use chrono::{NaiveDateTime, SecondsFormat};
use sqlparser::ast::{
    BinaryOperator, Expr, Ident, ObjectNamePart, Query, Select, SelectItem, Statement, TableFactor,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

const TEXT_BYTES_MAX: usize = 256 << 10;
const DEPTH_MAX: usize = 64;

/// The table that a view reads, its names from the outermost, and how the dataset enters.
pub fn hear_view(query: &str) -> Result<(Vec<String>, Scan), Unheard> {
    let no = || unheard("the view has a form that is not read back", "a dataset with one key");
    if query.len() > TEXT_BYTES_MAX {
        return no();
    }
    let Some(query) = parsed(query) else { return no() };
    let heard = select_of(&query).and_then(|select| Some((table(select)?, scan(select)?)));
    heard.map_or_else(no, Ok)
}

fn parsed(text: &str) -> Option<Query> {
    let tokenizer = &mut Tokenizer::new(&GenericDialect {}, text).with_unescape(false);
    let mut tokens = tokenizer.tokenize().ok()?;
    for token in &mut tokens {
        match token {
            Token::SingleQuotedString(raw) => *raw = literal(raw)?,
            Token::Word(word) if word.quote_style.is_some() => {
                word.value = word.value.replace("\"\"", "\"");
            }
            _ => {}
        }
    }
    let parser = Parser::new(&GenericDialect {}).with_recursion_limit(DEPTH_MAX);
    let mut statements = parser.with_tokens(tokens).parse_statements().ok()?;
    match (statements.pop(), statements.is_empty()) {
        (Some(Statement::Query(query)), true) if query.with.is_none() => Some(*query),
        (_, _) => None,
    }
}

/// A text constant's value, as it is escaped there.
fn literal(raw: &str) -> Option<String> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(sign) = rest.next() {
        value.push(match sign {
            '\\' => match rest.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                _ => return None,
            },
            '\'' => rest.next().filter(|sign| *sign == '\'')?,
            sign => sign,
        });
    }
    Some(value)
}

fn table(select: &Select) -> Option<Vec<String>> {
    let [from] = select.from.as_slice() else { return None };
    let TableFactor::Table { name, alias: None, .. } = &from.relation else { return None };
    let part_of = |part: &ObjectNamePart| match part {
        ObjectNamePart::Identifier(ident) => Some(ident.value.clone()),
        ObjectNamePart::Function(_) => None,
    };
    let names: Option<Vec<String>> = name.0.iter().map(part_of).collect();
    names.filter(|_| from.joins.is_empty())
}

fn scan(select: &Select) -> Option<Scan> {
    let mut scan = Scan::default();
    for item in &select.projection {
        let (name, source) = match item {
            SelectItem::ExprWithAlias { expr, alias } => (&alias.value, source(expr)?),
            _ => return None,
        };
        scan.columns.insert(name.clone(), source);
    }
    let mut conditions = Vec::new();
    if let Some(selection) = &select.selection {
        conjuncts(selection, &mut conditions);
    }
    for condition in conditions {
        let (from, of, asked) = asked(condition)?;
        let last = scan.rows.last_mut().filter(|(known, same, _)| (known, *same) == (&from, of));
        match last {
            Some((_, _, within)) if within.takes(&asked) => within.take(asked),
            Some(_) | None => scan.rows.push((from, of, asked)),
        }
    }
    Some(scan)
}

/// A column as a type, or a key as a token.
fn source(expr: &Expr) -> Option<Source> {
    if let Some((inner, of)) = cast(expr) {
        return Some(Source::Column(plain(inner)?.to_owned(), of));
    }
    let Expr::Case { operand: None, conditions, else_result: None, .. } = expr else {
        return None;
    };
    let [when] = conditions.as_slice() else { return None };
    let of = |name: &str, expr| call(expr, name)?.first().and_then(argument);
    if let Some(inner) = of("SHA2", &when.result) {
        let (inner, _) = cast(inner)?;
        return Some(Source::Key(plain(inner)?.to_owned(), KeyForm::Raw));
    }
    let inner = of("LOWER", &when.result)?;
    Some(match of("HEX_ENCODE", inner) {
        Some(inner) => Source::Key(plain(inner)?.to_owned(), KeyForm::Bytes),
        None => Source::Key(plain(inner)?.to_owned(), KeyForm::Hex),
    })
}

/// One condition on a physical column.
fn asked(condition: &Expr) -> Option<(String, ColumnType, Within)> {
    let (subject, within) = match condition {
        Expr::InList { expr, list, negated: false } => {
            let any_of: Option<Vec<Literal>> = list.iter().map(constant).collect();
            (expr, Within { any_of: any_of?, ..Within::default() })
        }
        Expr::BinaryOp { left, op: BinaryOperator::GtEq, right } => {
            (left, Within { min: Some(constant(right)?), ..Within::default() })
        }
        Expr::BinaryOp { left, op: BinaryOperator::LtEq, right } => {
            (left, Within { max: Some(constant(right)?), ..Within::default() })
        }
        _ => return None,
    };
    let (inner, of) = cast(subject)?;
    Some((plain(inner)?.to_owned(), of, within))
}

fn constant(expr: &Expr) -> Option<Literal> {
    constant_or(expr, &own_constant)
}

/// What a view writes otherwise than other texts do.
fn own_constant(expr: &Expr) -> Option<Literal> {
    match expr {
        Expr::Nested(inner) => constant(inner),
        Expr::Cast { .. } => {
            let (inner, _) = cast(expr).filter(|(_, of)| *of == ColumnType::Float64)?;
            match constant(inner)? {
                Literal::Utf8(text) => text.parse().ok().map(Literal::Float64),
                value @ (Literal::Int64(_) | Literal::Float64(_)) => Some(value),
                Literal::Boolean(_) => None,
            }
        }
        Expr::Function(_) => {
            let text = |name: &str| call(expr, name)?.first().and_then(argument).and_then(texted);
            match text("TO_DATE") {
                Some(date) => Some(Literal::Utf8(date.to_owned())),
                None => text("TO_TIMESTAMP_NTZ").and_then(time),
            }
        }
        _ => None,
    }
}

/// A time there has no zone: it is one of UTC.
fn time(text: &str) -> Option<Literal> {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?.and_utc();
    Some(Literal::Utf8(time.to_rfc3339_opts(SecondsFormat::AutoSi, true)))
}

/// What a cast is of, and its type by its name there.
fn cast(expr: &Expr) -> Option<(&Expr, ColumnType)> {
    let Expr::Cast { expr, data_type, .. } = expr else { return None };
    let named: String = data_type.to_string().chars().filter(|c| !c.is_whitespace()).collect();
    let of = match named.to_ascii_uppercase().as_str() {
        "NUMBER(38,0)" => ColumnType::Int64,
        "FLOAT" => ColumnType::Float64,
        "VARCHAR" => ColumnType::Utf8,
        "BOOLEAN" => ColumnType::Boolean,
        "DATE" => ColumnType::Date,
        "TIMESTAMP_NTZ(9)" => ColumnType::Timestamp,
        "BINARY" => ColumnType::Binary,
        _ => return None,
    };
    Some((expr, of))
}

fn plain(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Identifier(Ident { value, quote_style: Some('"'), .. }) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    //! What is written of a dataset is read as what wrote it.
    use super::*;
    use crate::agreement::read;
    use crate::model::ColumnName;
    use crate::snowflake::view;

    #[test]
    fn a_view_is_read_back_and_other_texts_are_not() {
        let whole = read(include_str!("../../tests/corpus/agreement.yaml")).unwrap();
        let mut several = 0;
        for (name, dataset) in &whole.datasets {
            let Ok(text) = view(name, dataset, &["D\"x", "s", "T'"]) else { continue };
            let (table, scan) = hear_view(&text).unwrap_or_else(|no| panic!("{no}\n{text}"));
            assert_eq!(table, ["D\"x", "s", "T'"]);
            let named: Vec<&str> = scan.columns.keys().map(String::as_str).collect();
            let all: Vec<&str> = dataset.columns.keys().map(ColumnName::as_str).collect();
            assert_eq!(named, all, "{text}");
            several += 1;
        }
        assert_eq!(several, 3);
        for other in [
            "",
            "SELECT * FROM \"D\".\"S\".\"T\"",
            "SELECT CAST(\"a\" AS FLOAT) AS \"a\" FROM \"T\" JOIN \"U\" ON TRUE",
            "SELECT CAST(\"a\" AS FLOAT) AS \"a\" FROM \"T\" WHERE \"a\" = 1",
            "SELECT CAST(a AS FLOAT) AS \"a\" FROM \"T\"",
            "DROP VIEW \"T\"",
        ] {
            assert!(hear_view(other).is_err(), "{other}");
        }
    }
}
