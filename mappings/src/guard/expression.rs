//! Scalar expressions: every one is typed, marked and emitted anew, or refused. Nothing passes through unread.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums grow; whatever is not named here is refused"
)]

use super::code;
use super::measure::combined;
use super::refuse::{Resolved, refuse};
use super::relation::{Field, Mark, Relation, Typed, sql_type, text};
use super::scan;
use super::threshold::Backing;
use super::typing::{
    DATES, alike, cast_type, common, dated_text, expect, filter_refusal, folded, measure_refusal,
    measures, nothing, outside, shown, type_refusal, ungrouped,
};
use crate::model::{ColumnName, ColumnType, DatasetName, Parameter, ParameterName};
use sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DateTimeField, Expr, Ident, Spanned, UnaryOperator, Value,
    Visit, Visitor,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// The most times that columns may stand in one expression, seen through all stages.
const WEIGHT_MAX: u64 = 1024;

/// The longest text constant, in bytes, as for constants of the agreement.
const LITERAL_BYTES_MAX: usize = 1024;

/// What expressions of a template may refer to, besides columns.
#[derive(Debug)]
pub(super) struct Names<'a> {
    pub(super) parameters: &'a BTreeMap<ParameterName, Parameter>,
    /// Dataset columns that were read.
    pub(super) used: &'a RefCell<BTreeSet<(DatasetName, ColumnName)>>,
}

/// A group key of the stage at hand.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) typed: Typed,
}

/// Where an expression stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) names: &'a Names<'a>,
    pub(super) relation: &'a Relation,
    /// The group keys, where aggregates may stand.
    pub(super) groups: Option<&'a [Group]>,
    /// What must back every group, where aggregates leave.
    pub(super) backed: Option<&'a Backing>,
    /// Inside an aggregate's argument.
    pub(super) argument: bool,
}

impl Scope<'_> {
    /// Resolves an expression.
    pub(super) fn resolve(&self, expr: &Expr) -> Resolved<Typed> {
        let Some(groups) = self.groups else {
            return self.resolve_plain(expr);
        };
        // What is written like a group key is that key, however it is composed.
        if let Ok(row) = (Scope { groups: None, ..*self }).resolve_plain(expr)
            && let Some(group) = groups.iter().find(|group| group.typed.sql == row.sql)
        {
            return Ok(group.typed.clone());
        }
        let found = self.resolve_plain(expr)?;
        if found.bare { Err(ungrouped(&found.mark, expr)) } else { Ok(found) }
    }

    fn resolve_plain(&self, expr: &Expr) -> Resolved<Typed> {
        if self.argument {
            self.only_in_argument(expr)?;
        }
        match expr {
            Expr::Identifier(name) => self.column(None, name),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [alias, name] => self.column(Some(alias), name),
                _ => Err(outside(expr, "a column is named ALIAS.COLUMN")),
            },
            Expr::Nested(inner) => {
                let inner = self.resolve(inner)?;
                Ok(Typed { sql: format!("({})", inner.sql), ..inner })
            }
            Expr::Value(value) => self.value(&value.value, expr),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, expr),
            Expr::UnaryOp { op, expr: inner } => self.unary(*op, inner, expr),
            Expr::IsNull(inner) => self.test(inner, "IS NULL"),
            Expr::IsNotNull(inner) => self.test(inner, "IS NOT NULL"),
            Expr::IsTrue(inner) => self.test(inner, "IS TRUE"),
            Expr::IsFalse(inner) => self.test(inner, "IS FALSE"),
            Expr::Between { expr: inner, negated, low, high } => {
                let [inner, low, high] = self.comparable([&**inner, &**low, &**high])?;
                let not = if *negated { "NOT " } else { "" };
                let sql = format!("{} {not}BETWEEN {} AND {}", inner.sql, low.sql, high.sql);
                Self::boolean(sql, &[inner, low, high], expr)
            }
            Expr::InList { expr: inner, list, negated } => {
                self.in_list(inner, list, *negated, expr)
            }
            Expr::Like { negated, any: false, expr: inner, pattern, escape_char: None } => {
                self.like(inner, pattern, *negated, expr)
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), expr)
            }
            Expr::Cast {
                kind: CastKind::Cast | CastKind::TryCast,
                expr: inner,
                data_type,
                array: false,
                format: None,
            } => {
                let inner = self.resolve(inner)?;
                let to = cast_type(data_type)
                    .ok_or_else(|| outside(expr, "cast to a type of the agreement"))?;
                if matches!(to, ColumnType::Date | ColumnType::Timestamp) {
                    expect(
                        &inner,
                        &[ColumnType::Utf8, ColumnType::Date, ColumnType::Timestamp],
                        expr,
                    )?;
                }
                let sql = format!("TRY_CAST({} AS {})", inner.sql, sql_type(to));
                Self::made(sql, Some(to), &[inner], expr)
            }
            Expr::Extract { field, expr: inner, .. } => self.extract(field, inner, expr),
            Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Function(_) => self.call(expr),
            Expr::TypedString(_) => Self::typed_string(expr),
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => Err(refuse(
                code::SUBQUERY,
                expr.span(),
                "a subquery inside an expression",
                "join the datasets in FROM instead",
            )),
            _ => Err(outside(expr, "use the operators and functions that the documentation lists")),
        }
    }

    /// Inside an aggregate: columns, and sums of products of measures.
    fn only_in_argument(&self, expr: &Expr) -> Resolved<()> {
        match expr {
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::Nested(_)
            | Expr::UnaryOp { op: UnaryOperator::Minus, .. }
            | Expr::BinaryOp {
                op: BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply,
                ..
            } => Ok(()),
            Expr::Value(value) if matches!(value.value, Value::Number(..)) => Ok(()),
            _ if self.relation.released() => Ok(()),
            _ => Err(refuse(
                code::CONDITIONAL_AGGREGATE,
                expr.span(),
                "an aggregate takes a column, or sums and products of measures",
                "GROUP BY the condition or expression, and aggregate the column itself",
            )),
        }
    }

    fn column(&self, alias: Option<&Ident>, name: &Ident) -> Resolved<Typed> {
        let span = alias.map_or(name.span, |alias| alias.span.union(&name.span));
        let wanted = |field: &&Field| {
            field.name == folded(name) && alias.is_none_or(|alias| field.alias == folded(alias))
        };
        let mut found = self.relation.fields.iter().filter(wanted);
        let field = found.next().ok_or_else(|| {
            let near: Vec<&str> =
                self.relation.fields.iter().map(|field| field.name.as_str()).collect();
            let help =
                if near.is_empty() { "a column of FROM".to_owned() } else { near.join(", ") };
            refuse(code::COLUMN_UNKNOWN, span, format!("no column {}", shown(name)), help)
        })?;
        if found.next().is_some() {
            let message = format!("column {} stands in two relations", shown(name));
            return Err(refuse(code::COLUMN_AMBIGUOUS, span, message, "name it ALIAS.COLUMN"));
        }
        if let Some(origin) = &field.origin {
            self.names.used.borrow_mut().insert(origin.clone());
        }
        Ok(Typed {
            sql: field.sql.clone(),
            r#type: Some(field.r#type),
            mark: field.mark.clone(),
            bare: true,
            weight: field.weight,
        })
    }

    fn value(&self, value: &Value, expr: &Expr) -> Resolved<Typed> {
        let (sql, of) = match value {
            Value::Number(digits, false) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                let number: i64 =
                    digits.parse().map_err(|_| type_refusal(expr, "an integer of 64 bits"))?;
                (number.to_string(), Some(ColumnType::Int64))
            }
            Value::Number(digits, false) => {
                let number: f64 =
                    digits.parse().map_err(|_| type_refusal(expr, "a finite number"))?;
                if !number.is_finite() {
                    return Err(type_refusal(expr, "a finite number"));
                }
                (format!("CAST({number:?} AS DOUBLE)"), Some(ColumnType::Float64))
            }
            // A longer LIKE pattern may fail in the engine, and only where a row reaches it.
            Value::SingleQuotedString(value) if value.len() > LITERAL_BYTES_MAX => {
                return Err(outside(expr, "a text of at most 1024 bytes"));
            }
            Value::SingleQuotedString(value) => (text(value), Some(ColumnType::Utf8)),
            Value::Boolean(value) => (value.to_string(), Some(ColumnType::Boolean)),
            Value::Null => ("NULL".to_owned(), None),
            Value::Placeholder(name) => return self.parameter(name, expr),
            _ => {
                return Err(outside(
                    expr,
                    "a number, a text in single quotes, TRUE, FALSE or NULL",
                ));
            }
        };
        Ok(Typed { sql, r#type: of, mark: Mark::Constant, bare: false, weight: 0 })
    }

    fn parameter(&self, placeholder: &str, expr: &Expr) -> Resolved<Typed> {
        let name = placeholder.strip_prefix(':').and_then(|name| ParameterName::new(name).ok());
        let declared = name.as_ref().and_then(|name| self.names.parameters.get_key_value(name));
        let (name, parameter) = declared.ok_or_else(|| {
            let known: Vec<String> =
                self.names.parameters.keys().map(|name| format!(":{name}")).collect();
            let help = if known.is_empty() {
                "declare it under parameters".to_owned()
            } else {
                known.join(", ")
            };
            refuse(
                code::PARAMETER,
                expr.span(),
                "a parameter that the template does not declare",
                help,
            )
        })?;
        Ok(Typed {
            sql: scan::parameter(name, parameter.r#type),
            r#type: Some(parameter.r#type),
            mark: Mark::Constant,
            bare: false,
            weight: 0,
        })
    }

    fn typed_string(expr: &Expr) -> Resolved<Typed> {
        let Expr::TypedString(typed) = expr else {
            return Err(outside(expr, "DATE '…'"));
        };
        let of = cast_type(&typed.data_type);
        match (of, &typed.value.value) {
            (
                Some(of @ (ColumnType::Date | ColumnType::Timestamp)),
                Value::SingleQuotedString(value),
            ) => {
                let sql = dated_text(&text(value), of).ok_or_else(|| type_refusal(expr, DATES))?;
                Ok(Typed { sql, r#type: Some(of), mark: Mark::Constant, bare: false, weight: 0 })
            }
            _ => Err(outside(expr, "DATE '…' or TIMESTAMP '…'")),
        }
    }

    fn binary(
        &self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        expr: &Expr,
    ) -> Resolved<Typed> {
        match op {
            BinaryOperator::And | BinaryOperator::Or => {
                let (left, right) = (self.condition(left)?, self.condition(right)?);
                Self::boolean(format!("({} {op} {})", left.sql, right.sql), &[left, right], expr)
            }
            BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq => {
                let [left, right] = self.comparable([left, right])?;
                Self::boolean(format!("{} {op} {}", left.sql, right.sql), &[left, right], expr)
            }
            BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo => self.arithmetic(left, op, right, expr),
            BinaryOperator::StringConcat => {
                let (left, right) = (self.resolve(left)?, self.resolve(right)?);
                for side in [&left, &right] {
                    expect(side, &[ColumnType::Utf8], expr)?;
                }
                let sql = format!("({} || {})", left.sql, right.sql);
                Self::made(sql, Some(ColumnType::Utf8), &[left, right], expr)
            }
            _ => Err(outside(expr, "AND, OR, comparisons, + - * / % and ||")),
        }
    }

    fn arithmetic(
        &self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        expr: &Expr,
    ) -> Resolved<Typed> {
        let (left, right) = (self.resolve(left)?, self.resolve(right)?);
        let numbers = [ColumnType::Int64, ColumnType::Float64];
        expect(&left, &numbers, expr)?;
        expect(&right, &numbers, expr)?;
        let whole =
            left.r#type == Some(ColumnType::Int64) && right.r#type == Some(ColumnType::Int64);
        let (sql, of) = match op {
            BinaryOperator::Divide => (
                format!("(CAST({} AS DOUBLE) / NULLIF({}, 0))", left.sql, right.sql),
                ColumnType::Float64,
            ),
            BinaryOperator::Modulo if whole => {
                (format!("({} % NULLIF({}, 0))", left.sql, right.sql), ColumnType::Int64)
            }
            BinaryOperator::Modulo => return Err(type_refusal(expr, "integers")),
            _ => (
                format!("({} {op} {})", left.sql, right.sql),
                if whole { ColumnType::Int64 } else { ColumnType::Float64 },
            ),
        };
        let linear =
            matches!(op, BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply);
        if measures(&left.mark).is_none() && measures(&right.mark).is_none() {
            return Self::made(sql, Some(of), &[left, right], expr);
        }
        if !linear || !self.argument {
            return Err(measure_refusal(expr));
        }
        let measure = combined([&left, &right], op == &BinaryOperator::Multiply, expr)?;
        let weight = weighed(&[left, right], expr)?;
        Ok(Typed { sql, r#type: Some(of), mark: Mark::Measure(measure), bare: false, weight })
    }

    fn unary(&self, op: UnaryOperator, inner: &Expr, expr: &Expr) -> Resolved<Typed> {
        match op {
            UnaryOperator::Not => {
                let inner = self.condition(inner)?;
                Self::boolean(format!("NOT ({})", inner.sql), &[inner], expr)
            }
            UnaryOperator::Minus => {
                let inner = self.resolve(inner)?;
                expect(&inner, &[ColumnType::Int64, ColumnType::Float64], expr)?;
                let of = inner.r#type;
                if self.argument && measures(&inner.mark).is_some() {
                    let mark = Mark::Measure(combined([&inner, &inner], false, expr)?);
                    return Ok(Typed {
                        sql: format!("(- {})", inner.sql),
                        mark,
                        bare: false,
                        ..inner
                    });
                }
                Self::made(format!("(- {})", inner.sql), of, &[inner], expr)
            }
            _ => Err(outside(expr, "NOT or minus")),
        }
    }

    fn test(&self, inner: &Expr, what: &str) -> Resolved<Typed> {
        let resolved = self.resolve(inner)?;
        let sql = format!("{} {what}", resolved.sql);
        let whether = matches!(what, "IS NULL" | "IS NOT NULL");
        if matches!(resolved.mark, Mark::Key(_)) && whether && self.groups.is_none() {
            return Ok(Typed {
                sql,
                r#type: Some(ColumnType::Boolean),
                mark: Mark::Dimension(None),
                bare: false,
                weight: resolved.weight,
            });
        }
        Self::boolean(sql, &[resolved], inner)
    }

    fn in_list(&self, inner: &Expr, list: &[Expr], negated: bool, expr: &Expr) -> Resolved<Typed> {
        let subject = self.resolve(inner)?;
        let mut sides = Vec::new();
        for item in list {
            let pair = alike(vec![subject.clone(), self.resolve(item)?], Some(inner))?;
            let item = pair.into_iter().next_back().ok_or_else(nothing)?;
            if item.mark != Mark::Constant {
                return Err(outside(expr, "IN takes a list of constants and parameters"));
            }
            sides.push(item);
        }
        let inner = subject;
        let listed: Vec<&str> = sides.iter().map(|item| item.sql.as_str()).collect();
        let not = if negated { "NOT " } else { "" };
        let sql = format!("{} {not}IN ({})", inner.sql, listed.join(", "));
        sides.push(inner);
        Self::boolean(sql, &sides, expr)
    }

    fn like(&self, inner: &Expr, pattern: &Expr, negated: bool, expr: &Expr) -> Resolved<Typed> {
        let (inner, pattern) = (self.resolve(inner)?, self.resolve(pattern)?);
        expect(&inner, &[ColumnType::Utf8], expr)?;
        expect(&pattern, &[ColumnType::Utf8], expr)?;
        if pattern.mark != Mark::Constant {
            return Err(outside(expr, "LIKE takes a constant pattern"));
        }
        let not = if negated { "NOT " } else { "" };
        Self::boolean(format!("{} {not}LIKE {}", inner.sql, pattern.sql), &[inner, pattern], expr)
    }

    fn case(
        &self,
        operand: Option<&Expr>,
        whens: &[CaseWhen],
        otherwise: Option<&Expr>,
        expr: &Expr,
    ) -> Resolved<Typed> {
        if operand.is_some_and(has_operand) {
            return Err(outside(expr, "CASE WHEN condition THEN …, or the inner CASE in a CTE"));
        }
        let mut sides = Vec::new();
        let mut sql = "CASE".to_owned();
        let mut of = None;
        let mut result = |result: &Expr, sides: &mut Vec<Typed>| -> Resolved<String> {
            let resolved = self.resolve(result)?;
            of = common(of, resolved.r#type)
                .map_err(|_| type_refusal(result, "results of one type"))?;
            let sql = resolved.sql.clone();
            sides.push(resolved);
            Ok(sql)
        };
        for when in whens {
            let condition = match operand {
                None => self.condition(&when.condition)?,
                Some(operand) => {
                    let [operand, value] = self.comparable([operand, &when.condition])?;
                    let sql = format!("{} = {}", operand.sql, value.sql);
                    Self::boolean(sql, &[operand, value], expr)?
                }
            };
            let then = result(&when.result, &mut sides)?;
            sql = format!("{sql} WHEN {} THEN {then}", condition.sql);
            sides.push(condition);
        }
        if let Some(otherwise) = otherwise {
            let otherwise = result(otherwise, &mut sides)?;
            sql = format!("{sql} ELSE {otherwise}");
        }
        sql.push_str(" END");
        Self::made(sql, of, &sides, expr)
    }

    fn extract(&self, field: &DateTimeField, inner: &Expr, expr: &Expr) -> Resolved<Typed> {
        let field = match field {
            DateTimeField::Year => "YEAR",
            DateTimeField::Quarter => "QUARTER",
            DateTimeField::Month => "MONTH",
            DateTimeField::Week(None) => "WEEK",
            DateTimeField::Day => "DAY",
            DateTimeField::Dow => "DOW",
            DateTimeField::Doy => "DOY",
            DateTimeField::Hour => "HOUR",
            _ => {
                return Err(outside(expr, "YEAR, QUARTER, MONTH, WEEK, DAY, DOW, DOY or HOUR"));
            }
        };
        let inner = self.resolve(inner)?;
        expect(&inner, &[ColumnType::Date, ColumnType::Timestamp], expr)?;
        let sql = format!("CAST(EXTRACT({field} FROM {}) AS BIGINT)", inner.sql);
        Self::made(sql, Some(ColumnType::Int64), &[inner], expr)
    }

    /// A condition: boolean, or refused.
    pub(super) fn condition(&self, expr: &Expr) -> Resolved<Typed> {
        let resolved = self.resolve(expr)?;
        expect(&resolved, &[ColumnType::Boolean], expr)?;
        Ok(resolved)
    }

    /// Operands that can be compared; text constants become dates where dates are compared.
    fn comparable<const N: usize>(&self, sides: [&Expr; N]) -> Resolved<[Typed; N]> {
        let mut resolved = Vec::new();
        for side in sides {
            resolved.push(self.resolve(side)?);
        }
        let alike = alike(resolved, sides.first().copied())?;
        alike.try_into().map_err(|_| nothing())
    }

    fn boolean(sql: String, sides: &[Typed], expr: &Expr) -> Resolved<Typed> {
        Self::made(sql, Some(ColumnType::Boolean), sides, expr)
    }

    /// Something computed from these: the most private mark wins, or it is refused.
    pub(super) fn made(
        sql: String,
        of: Option<ColumnType>,
        sides: &[Typed],
        expr: &Expr,
    ) -> Resolved<Typed> {
        let mut mark = Mark::Constant;
        for side in sides {
            mark = match (mark, &side.mark) {
                (_, Mark::Key(_)) => {
                    return Err(refuse(
                        code::MATCH_KEY,
                        expr.span(),
                        "a match key may stand only in equality joins between datasets and in COUNT(DISTINCT …)",
                        "take the match key out of this expression",
                    ));
                }
                (_, Mark::Measure(_)) => return Err(measure_refusal(expr)),
                (mark, Mark::Constant) => mark,
                (Mark::Filter, Mark::Derived(_) | Mark::Aggregated(_))
                | (Mark::Derived(_) | Mark::Aggregated(_), Mark::Filter) => {
                    return Err(filter_refusal(expr));
                }
                (Mark::Aggregated(_), _) | (_, Mark::Aggregated(_)) => {
                    Mark::Aggregated(BTreeSet::new())
                }
                (Mark::Derived(_), _) | (_, Mark::Derived(_)) => Mark::Derived(BTreeSet::new()),
                (Mark::Filter, _) | (_, Mark::Filter) => Mark::Filter,
                (_, Mark::Released(_)) => Mark::Released(None),
                (_, Mark::Dimension(_)) => Mark::Dimension(None),
            };
        }
        Ok(Typed { sql, r#type: of, mark, bare: false, weight: weighed(sides, expr)? })
    }
}

/// The weight of something made of these. A stage's column that repeats another one twice doubles with every stage: some
/// kilobytes of text would be gigabytes of plan, or of value.
fn weighed(sides: &[Typed], expr: &Expr) -> Resolved<u64> {
    let weight = sides.iter().fold(0u64, |all, side| all.saturating_add(side.weight));
    if weight <= WEIGHT_MAX {
        return Ok(weight);
    }
    let message = "an expression that repeats columns too often, seen through its stages";
    Err(refuse(code::GROWTH, expr.span(), message, "name a value once, and repeat it less"))
}

/// Whether an expression holds a CASE with an operand, which is written once for every WHEN.
fn has_operand(expr: &Expr) -> bool {
    struct Finder;
    impl Visitor for Finder {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Case { operand: Some(_), .. } => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut Finder).is_break()
}
