//! Functions: an allow-list of scalar ones, the five aggregates, and windows over released rows. Everything else is refused.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums grow; whatever is not named here is refused"
)]

use super::code;
use super::expression::Scope;
use super::refuse::{Resolved, refuse};
use super::relation::{Mark, Measure, Typed, sql_type};
use super::stage::{direction, number};
use super::typing::{common, expect, filter_refusal, outside, type_refusal};
use crate::model::{Aggregate, ColumnType};
use sqlparser::ast::{
    CeilFloorKind, DateTimeField, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, ObjectNamePart, Spanned, TrimWhereField, Value, WindowType,
};
use std::collections::BTreeSet;

/// The functions of the language; aggregates stand last.
pub const FUNCTIONS: &str = "lower, upper, trim, ltrim, rtrim, substr, length, concat, coalesce, nullif, abs, round, floor, ceil, \
    greatest, least, date_trunc, extract; count, sum, avg, min, max";

/// The arguments of a call: a star, or expressions.
enum Arguments<'a> {
    Star,
    List { distinct: bool, items: Vec<&'a Expr> },
}

impl Scope<'_> {
    /// Resolves a call, in whichever syntax it is written.
    pub(super) fn call(&self, expr: &Expr) -> Resolved<Typed> {
        match expr {
            Expr::Function(function) => self.function(function, expr),
            Expr::Substring {
                expr: inner,
                substring_from: Some(from),
                substring_for: length,
                ..
            } => {
                let items: Vec<&Expr> =
                    [&**inner, from].into_iter().chain(length.as_deref()).collect();
                self.scalar("substr", &items, expr)
            }
            Expr::Trim { trim_where, trim_what: None, trim_characters: None, expr: inner } => {
                let name = match trim_where {
                    None | Some(TrimWhereField::Both) => "trim",
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                };
                self.scalar(name, &[inner], expr)
            }
            Expr::Ceil {
                expr: inner,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => self.scalar("ceil", &[inner], expr),
            Expr::Floor {
                expr: inner,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => self.scalar("floor", &[inner], expr),
            _ => Err(outside(expr, FUNCTIONS)),
        }
    }

    fn function(&self, function: &Function, expr: &Expr) -> Resolved<Typed> {
        let unknown =
            || refuse(code::FUNCTION, expr.span(), "a function outside the allow-list", FUNCTIONS);
        let [ObjectNamePart::Identifier(name)] = function.name.0.as_slice() else {
            return Err(unknown());
        };
        let name = name.value.to_ascii_lowercase();
        let plain = !function.uses_odbc_syntax
            && function.parameters == FunctionArguments::None
            && function.filter.is_none()
            && function.null_treatment.is_none()
            && function.within_group.is_empty();
        if !plain {
            return Err(refuse(
                code::CLAUSE,
                expr.span(),
                "a clause of a function outside the language",
                "the plain call",
            ));
        }
        let arguments = arguments(function).ok_or_else(unknown)?;
        if let Some(over) = &function.over {
            return self.window(&name, &arguments, over, expr);
        }
        match (name.as_str(), &arguments) {
            ("count" | "sum" | "avg" | "min" | "max", _) => self.aggregate(&name, &arguments, expr),
            (_, Arguments::List { distinct: false, items }) => self.scalar(&name, items, expr),
            (_, _) => Err(unknown()),
        }
    }

    fn scalar(&self, name: &str, items: &[&Expr], expr: &Expr) -> Resolved<Typed> {
        let mut sides = Vec::new();
        for item in items {
            sides.push(self.resolve(item)?);
        }
        let numbers = [ColumnType::Int64, ColumnType::Float64];
        let all = |any: &[ColumnType]| sides.iter().try_for_each(|side| expect(side, any, expr));
        let listed = sides.iter().map(|side| side.sql.as_str()).collect::<Vec<_>>().join(", ");
        let plain = format!("{name}({listed})");
        let (sql, of) = match (name, sides.as_slice()) {
            ("lower" | "upper" | "trim" | "ltrim" | "rtrim", [_]) | ("concat", [_, ..]) => {
                all(&[ColumnType::Utf8])?;
                (plain, Some(ColumnType::Utf8))
            }
            ("length" | "char_length" | "character_length", [_]) => {
                all(&[ColumnType::Utf8])?;
                (format!("CAST(character_length({listed}) AS BIGINT)"), Some(ColumnType::Int64))
            }
            ("substr" | "substring", [subject, places @ ..]) if (1..=2).contains(&places.len()) => {
                expect(subject, &[ColumnType::Utf8], expr)?;
                places.iter().try_for_each(|place| expect(place, &[ColumnType::Int64], expr))?;
                // A negative length is an error in the engine, and an error is an oracle.
                let length =
                    places.get(1).map_or_else(String::new, |n| format!(", greatest({}, 0)", n.sql));
                let from = places.first().map_or("1", |n| n.sql.as_str());
                let from = total(from);
                (format!("substr({}, {from}{length})", subject.sql), Some(ColumnType::Utf8))
            }
            ("coalesce" | "greatest" | "least", [_, _, ..]) | ("nullif", [_, _]) => {
                let mut of = None;
                for side in &sides {
                    of = common(of, side.r#type)
                        .map_err(|_| type_refusal(expr, "arguments of one type"))?;
                }
                (plain, of)
            }
            ("abs", [side]) => {
                all(&numbers)?;
                let whole = side.r#type == Some(ColumnType::Int64);
                let sql = if whole { format!("abs({})", total(&side.sql)) } else { plain };
                (sql, side.r#type)
            }
            ("floor" | "ceil" | "round", [side]) => {
                all(&numbers)?;
                (format!("{name}(CAST({} AS DOUBLE))", side.sql), Some(ColumnType::Float64))
            }
            ("round", [side, places]) if places.sql.parse().is_ok_and(|n: u8| n <= 15) => {
                expect(side, &numbers, expr)?;
                (
                    format!("round(CAST({} AS DOUBLE), {})", side.sql, places.sql),
                    Some(ColumnType::Float64),
                )
            }
            ("date_trunc", [_, side]) => {
                expect(side, &[ColumnType::Date, ColumnType::Timestamp], expr)?;
                // A computed time out of the engine's range is an error, and an error is an oracle.
                if matches!(side.mark, Mark::Dimension(None) | Mark::Derived(_) | Mark::Filter) {
                    return Err(outside(expr, "date_trunc takes a column as it is"));
                }
                let unit = unit(items.first().copied().unwrap_or(expr))?;
                let of = side.r#type.unwrap_or(ColumnType::Timestamp);
                (format!("CAST(date_trunc('{unit}', {}) AS {})", side.sql, sql_type(of)), Some(of))
            }
            (_, _) => {
                return Err(refuse(
                    code::FUNCTION,
                    expr.span(),
                    "a function outside the allow-list, or with other arguments",
                    FUNCTIONS,
                ));
            }
        };
        Self::made(sql, of, &sides, expr)
    }

    fn aggregate(&self, name: &str, arguments: &Arguments<'_>, expr: &Expr) -> Resolved<Typed> {
        if self.groups.is_none() || self.argument {
            return Err(refuse(
                code::NESTED_AGGREGATE,
                expr.span(),
                "an aggregate may stand only in the SELECT list and HAVING of a grouped stage",
                "aggregate in a CTE first",
            ));
        }
        let (distinct, item) = match arguments {
            Arguments::Star if name == "count" => {
                let mark = Mark::Aggregated(counted());
                return Ok(Typed {
                    sql: "COUNT(*)".to_owned(),
                    r#type: Some(ColumnType::Int64),
                    mark,
                    bare: false,
                    weight: 1,
                });
            }
            // One way to say the same.
            Arguments::List { distinct: false, items }
                if name == "count"
                    && matches!(items.as_slice(), [one] if number(one).is_some()) =>
            {
                return self.aggregate(name, &Arguments::Star, expr);
            }
            Arguments::List { distinct, items } => match items.as_slice() {
                [one] => (*distinct, *one),
                _ => {
                    return Err(refuse(
                        code::FUNCTION,
                        expr.span(),
                        "an aggregate takes one argument",
                        "one column",
                    ));
                }
            },
            Arguments::Star => {
                return Err(refuse(
                    code::STAR,
                    expr.span(),
                    "only COUNT takes a star",
                    "name the column",
                ));
            }
        };
        let inner = Scope { groups: None, argument: true, ..*self };
        let side = inner.resolve(item)?;
        let wanted = wanted(name, distinct, expr)?;
        allowed(wanted, &side, self.relation.released(), expr)?;
        let (of, further) = given(wanted, &side, expr)?;
        let star = if distinct { "DISTINCT " } else { "" };
        let argument = if wanted == Aggregate::Avg {
            format!("CAST({} AS DOUBLE)", side.sql)
        } else {
            side.sql.clone()
        };
        let sql = format!("{}({star}{argument})", name.to_ascii_uppercase());
        let sql = match (self.backed, &side.mark) {
            (Some(backing), Mark::Key(key)) if backing.counts(&key.of) => sql,
            (Some(backing), _) => backing.backed(sql, &side.sql),
            (None, _) => sql,
        };
        Ok(Typed {
            sql,
            r#type: of,
            mark: Mark::Aggregated(further),
            bare: false,
            weight: side.weight,
        })
    }

    fn window(
        &self,
        name: &str,
        arguments: &Arguments<'_>,
        over: &WindowType,
        expr: &Expr,
    ) -> Resolved<Typed> {
        if !self.relation.released() || self.groups.is_some() {
            return Err(refuse(
                code::ORACLE,
                expr.span(),
                "a window over rows that no threshold has passed",
                "aggregate in a CTE, and use the window in a SELECT over that CTE",
            ));
        }
        let WindowType::WindowSpec(spec) = over else {
            return Err(outside(expr, "OVER (PARTITION BY … ORDER BY …)"));
        };
        if spec.window_name.is_some() || spec.window_frame.is_some() {
            return Err(outside(expr, "OVER (PARTITION BY … ORDER BY …)"));
        }
        let resolve_all = |items: Vec<&Expr>| -> Resolved<Vec<Typed>> {
            items.into_iter().map(|item| self.resolve(item)).collect()
        };
        let given = match arguments {
            Arguments::Star => Vec::new(),
            Arguments::List { distinct: false, items } => resolve_all(items.clone())?,
            Arguments::List { distinct: true, .. } => {
                return Err(outside(expr, "a window without DISTINCT"));
            }
        };
        let (inner, of) = match (name, given.as_slice(), arguments) {
            ("count", [], Arguments::Star) => ("*".to_owned(), Some(ColumnType::Int64)),
            ("row_number" | "rank" | "dense_rank", [], Arguments::List { .. }) => {
                (String::new(), Some(ColumnType::Int64))
            }
            ("sum" | "min" | "max", [one], _) => (one.sql.clone(), one.r#type),
            ("avg", [one], _) => {
                (format!("CAST({} AS DOUBLE)", one.sql), Some(ColumnType::Float64))
            }
            (_, _, _) => {
                return Err(refuse(
                    code::FUNCTION,
                    expr.span(),
                    "a window function outside the allow-list",
                    "count(*), sum, avg, min, max, row_number, rank, dense_rank",
                ));
            }
        };
        let mut parts = Vec::new();
        if !spec.partition_by.is_empty() {
            let by = resolve_all(spec.partition_by.iter().collect())?;
            parts.push(format!(
                "PARTITION BY {}",
                by.iter().map(|one| one.sql.as_str()).collect::<Vec<_>>().join(", ")
            ));
        }
        if !spec.order_by.is_empty() {
            let mut by = Vec::new();
            for item in &spec.order_by {
                let resolved = self.resolve(&item.expr)?;
                by.push(format!("{} {}", resolved.sql, direction(item)));
            }
            parts.push(format!("ORDER BY {}", by.join(", ")));
        }
        let call = format!("{}({inner}) OVER ({})", name.to_ascii_uppercase(), parts.join(" "));
        let sql =
            if of == Some(ColumnType::Int64) { format!("CAST({call} AS BIGINT)") } else { call };
        let weight = given.iter().map(|one| one.weight).sum::<u64>().max(1);
        Ok(Typed { sql, r#type: of, mark: Mark::Released(None), bare: false, weight })
    }
}

/// The type of an aggregate, and the aggregates that it may go into in turn.
fn given(
    wanted: Aggregate,
    side: &Typed,
    expr: &Expr,
) -> Resolved<(Option<ColumnType>, BTreeSet<Aggregate>)> {
    let numbers = [ColumnType::Int64, ColumnType::Float64];
    let of = match wanted {
        Aggregate::Count | Aggregate::CountDistinct => Some(ColumnType::Int64),
        Aggregate::Sum => {
            expect(side, &numbers, expr)?;
            side.r#type
        }
        Aggregate::Avg => {
            expect(side, &numbers, expr)?;
            Some(ColumnType::Float64)
        }
        Aggregate::Min | Aggregate::Max => side.r#type,
    };
    let further = match (wanted, &side.mark) {
        (Aggregate::Count | Aggregate::CountDistinct, _) => counted(),
        (_, Mark::Measure(Measure { may, .. }) | Mark::Derived(may)) => may.clone(),
        (_, _) => BTreeSet::new(),
    };
    Ok((of, further))
}

/// What a count may go into.
fn counted() -> BTreeSet<Aggregate> {
    BTreeSet::from([Aggregate::Count, Aggregate::Sum, Aggregate::Avg])
}

fn wanted(name: &str, distinct: bool, expr: &Expr) -> Resolved<Aggregate> {
    Ok(match (name, distinct) {
        ("count", true) => Aggregate::CountDistinct,
        ("count", false) => Aggregate::Count,
        ("sum", false) => Aggregate::Sum,
        ("avg", false) => Aggregate::Avg,
        ("min", false) => Aggregate::Min,
        ("max", false) => Aggregate::Max,
        (_, _) => {
            let message = "DISTINCT goes with COUNT only";
            return Err(refuse(code::FUNCTION, expr.span(), message, "drop DISTINCT"));
        }
    })
}

/// Whether an aggregate may be taken of this value.
fn allowed(wanted: Aggregate, side: &Typed, released: bool, expr: &Expr) -> Resolved<()> {
    let counts = matches!(wanted, Aggregate::Count | Aggregate::CountDistinct);
    let no =
        |message: &str, change: &str| Err(refuse(code::AGGREGATE, expr.span(), message, change));
    match &side.mark {
        Mark::Key(key) if key.thin => Err(refuse(
            code::CONDITIONAL_AGGREGATE,
            expr.span(),
            "this counts matched entities alone, of whom there may be fewer than the other side's rule asks for",
            "GROUP BY key IS NOT NULL and count the other side's key, or use an inner join",
        )),
        Mark::Key(_) if wanted == Aggregate::CountDistinct => Ok(()),
        Mark::Key(_) => Err(refuse(
            code::MATCH_KEY,
            expr.span(),
            "a match key inside an aggregate",
            "COUNT(DISTINCT key)",
        )),
        Mark::Filter => Err(filter_refusal(expr)),
        Mark::Measure(Measure { may, .. }) | Mark::Derived(may) if may.contains(&wanted) => Ok(()),
        Mark::Measure(_) => no(
            "the owner does not allow this aggregate on this measure",
            "an aggregate listed on the column",
        ),
        Mark::Derived(_) => no(
            "this aggregate would give one entity's value away",
            "SUM or AVG where the measure allows it, or GROUP BY the value",
        ),
        Mark::Dimension(Some(_)) if counts => Ok(()),
        Mark::Released(_) if released => Ok(()),
        Mark::Constant | Mark::Dimension(_) | Mark::Aggregated(_) | Mark::Released(_) => no(
            "this aggregate needs a measure",
            "COUNT or COUNT(DISTINCT …) of a dimension, or agree on the column as a measure",
        ),
    }
}

/// An integer that has a negative: the one that has none is an error in the engine, and an error is an oracle.
fn total(sql: &str) -> String {
    if sql.bytes().all(|b| b.is_ascii_digit()) {
        return sql.to_owned();
    }
    format!("greatest({sql}, -9223372036854775807)")
}

fn unit(item: &Expr) -> Resolved<&'static str> {
    let named = match item {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(name) => Some(name),
            _ => None,
        },
        _ => None,
    };
    let mut units = ["year", "quarter", "month", "week", "day", "hour"].into_iter();
    let found = named.and_then(|name| units.find(|unit| unit.eq_ignore_ascii_case(name)));
    found.ok_or_else(|| {
        let change = "'year', 'quarter', 'month', 'week', 'day' or 'hour'";
        refuse(code::FUNCTION, item.span(), "an unknown unit of time", change)
    })
}

fn arguments(function: &Function) -> Option<Arguments<'_>> {
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    if !list.clauses.is_empty() {
        return None;
    }
    let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    if let [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)] = list.args.as_slice() {
        return (!distinct).then_some(Arguments::Star);
    }
    let items = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        FunctionArg::Unnamed(_) | FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. } => None,
    });
    Some(Arguments::List { distinct, items: items.collect::<Option<_>>()? })
}
