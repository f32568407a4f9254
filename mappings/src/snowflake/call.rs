//! Functions: those of the language, under the names and in the forms that have the same meaning there.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums grow; whatever is not named here is refused"
)]

use super::expression::{ROWS_MOST, Spoken, alike, common, listed, most, text_of};
use super::query::{Reader, Scope, outside};
use crate::model::ColumnType;
use crate::unsaid::{Said, unsaid};
use sqlparser::ast::{
    CastKind, CeilFloorKind, DateTimeField, DuplicateTreatment, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, ObjectNamePart, Value, WindowType,
};

/// The arguments of a call.
struct Arguments<'a> {
    star: bool,
    distinct: bool,
    items: Vec<&'a Expr>,
}

impl Reader<'_> {
    /// A call, in whichever syntax it is written.
    pub(super) fn call(&self, scope: &Scope, expr: &Expr) -> Said<Spoken> {
        let plain = |name: &str, inner: &Expr| {
            let said = self.expression(scope, inner)?;
            Ok(Spoken::whole(format!("{name}({})", said.text), said.of))
        };
        match expr {
            Expr::Substring { expr: inner, substring_from: Some(from), substring_for, .. } => {
                self.substr(scope, inner, from, substring_for.as_deref())
            }
            Expr::Trim {
                trim_where: None,
                trim_what: None,
                trim_characters: None,
                expr: inner,
            } => self.trim(scope, "TRIM", inner),
            Expr::Ceil {
                expr: inner,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => plain("CEIL", inner),
            Expr::Floor {
                expr: inner,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => plain("FLOOR", inner),
            Expr::Function(function) => self.function(scope, function),
            _ => outside("a call of this form"),
        }
    }

    fn function(&self, scope: &Scope, function: &Function) -> Said<Spoken> {
        let [ObjectNamePart::Identifier(name)] = function.name.0.as_slice() else {
            return outside("a function of two names");
        };
        let plain = name.quote_style.is_none()
            && !function.uses_odbc_syntax
            && function.parameters == FunctionArguments::None
            && function.filter.is_none()
            && function.null_treatment.is_none()
            && function.within_group.is_empty();
        let Some(arguments) = arguments(function).filter(|_| plain) else {
            return outside("a clause of a function outside the lists");
        };
        let name = name.value.to_ascii_lowercase();
        match (name.as_str(), &function.over) {
            (_, Some(WindowType::WindowSpec(spec))) => self.window(scope, &name, &arguments, spec),
            (_, Some(WindowType::NamedWindow(_))) => outside("a window of this form"),
            ("count" | "sum" | "avg" | "min" | "max", None) => {
                self.aggregate(scope, &name, &arguments)
            }
            (_, None) if arguments.star || arguments.distinct => {
                outside("a star or DISTINCT outside an aggregate")
            }
            (_, None) => self.scalar(scope, &name, &arguments.items),
        }
    }

    fn scalar(&self, scope: &Scope, name: &str, items: &[&Expr]) -> Said<Spoken> {
        let all =
            || items.iter().map(|item| self.expression(scope, item)).collect::<Said<Vec<_>>>();
        let as_text = |text| Ok(Spoken::whole(text, ColumnType::Utf8));
        match (name, items) {
            ("lower" | "upper", [_]) => {
                as_text(format!("{}({})", name.to_ascii_uppercase(), listed(&all()?)))
            }
            ("ltrim" | "rtrim", [inner]) => self.trim(scope, &name.to_ascii_uppercase(), inner),
            ("character_length", [_]) => {
                Ok(Spoken::whole(format!("LENGTH({})", listed(&all()?)), ColumnType::Int64))
            }
            ("concat", [_, ..]) => self.concat(scope, items),
            ("coalesce" | "greatest" | "least", [_, _, ..]) | ("nullif", [_, _]) => {
                let sides = alike(all()?);
                let of = common(&sides);
                if of == Some(ColumnType::Boolean) && matches!(name, "greatest" | "least") {
                    return unsaid("greatest or least of flags", "CASE WHEN");
                }
                // NULLs are left out.
                let name = match name {
                    "greatest" => "GREATEST_IGNORE_NULLS",
                    "least" => "LEAST_IGNORE_NULLS",
                    "coalesce" => "COALESCE",
                    _ => "NULLIF",
                };
                Ok(Spoken::whole(format!("{name}({})", listed(&sides)), of).at_most(most(&sides)))
            }
            ("abs", [_]) => {
                let sides = all()?;
                let of = common(&sides);
                Ok(Spoken::whole(format!("ABS({})", listed(&sides)), of).at_most(most(&sides)))
            }
            ("round", [value, places @ ..]) => self.round(scope, value, places),
            ("date_trunc", [unit, value]) => self.date_trunc(scope, unit, value),
            ("airlock_token", [kind, column]) => self.token(scope, kind, column),
            ("airlock_hashed", [_, form, column]) => self.hashed(scope, form, column),
            ("airlock_at_least", pairs) => self.at_least(scope, pairs),
            (_, _) => outside("a function outside the lists"),
        }
    }

    /// Spaces alone, as in the native room.
    fn trim(&self, scope: &Scope, name: &str, inner: &Expr) -> Said<Spoken> {
        let said = self.expression(scope, inner)?;
        Ok(Spoken::whole(format!("{name}({}, ' ')", said.text), ColumnType::Utf8))
    }

    /// NULLs are left out; one of them makes the whole NULL there.
    fn concat(&self, scope: &Scope, items: &[&Expr]) -> Said<Spoken> {
        let mut texts = Vec::new();
        for item in items {
            let said = self.expression(scope, item)?;
            texts.push(if text_of(item).is_some() {
                said.text
            } else {
                format!("COALESCE({}, '')", said.text)
            });
        }
        let text = texts.join(" || ");
        let whole = texts.len() == 1;
        Ok(Spoken { whole, ..Spoken::loose(text, ColumnType::Utf8) })
    }

    /// A place before the first character counts from the end there.
    fn substr(
        &self,
        scope: &Scope,
        value: &Expr,
        from: &Expr,
        length: Option<&Expr>,
    ) -> Said<Spoken> {
        let value = self.expression(scope, value)?;
        let from = self.expression(scope, from)?;
        if !from.text.parse().is_ok_and(|place: i64| place >= 1) {
            return unsaid(
                "a SUBSTR from a place that is computed, or before the first",
                "a whole number from 1",
            );
        }
        let length = length.map(|length| self.length(scope, length)).transpose()?;
        let length = length.map_or_else(String::new, |length| format!(", {length}"));
        Ok(Spoken::whole(
            format!("SUBSTR({}, {}{length})", value.text, from.text),
            ColumnType::Utf8,
        ))
    }

    /// The guard keeps a length from being negative; a constant that is not needs no keeping.
    fn length(&self, scope: &Scope, length: &Expr) -> Said {
        if let Expr::Function(function) = length
            && let Some(Arguments { items, .. }) = arguments(function)
            && let [Expr::Value(value), _] = items.as_slice()
            && let Value::Number(digits, false) = &value.value
        {
            return Ok(digits.clone());
        }
        Ok(self.expression(scope, length)?.text)
    }

    /// The native room moves the point, rounds halves away from zero, and moves it back.
    fn round(&self, scope: &Scope, value: &Expr, places: &[&Expr]) -> Said<Spoken> {
        let value = self.expression(scope, value)?;
        let places: u32 = match places {
            [] => 0,
            [places] => match self.expression(scope, places)?.text.parse() {
                Ok(places) if places <= 15 => places,
                _ => return outside("ROUND of this form"),
            },
            _ => return outside("ROUND of this form"),
        };
        if places == 0 {
            return Ok(Spoken::whole(format!("ROUND({})", value.text), ColumnType::Float64));
        }
        let factor = 10_u64.pow(places);
        let text = format!("ROUND({} * {factor}) / {factor}", value.operand());
        Ok(Spoken::loose(text, ColumnType::Float64))
    }

    fn date_trunc(&self, scope: &Scope, unit: &Expr, value: &Expr) -> Said<Spoken> {
        let value = self.expression(scope, value)?;
        let is_date = value.of == Some(ColumnType::Date);
        let text = match (text_of(unit), is_date) {
            // Midnight of a day is its hour as well.
            (Some("day" | "hour"), true) => return Ok(value),
            (Some("week"), true) => {
                format!("DATEADD('day', 1 - DAYOFWEEKISO({0}), {0})", value.text)
            }
            // The first day of a week is a session's setting; ISO's is Monday.
            (Some("week"), false) => {
                format!("DATEADD('day', 1 - DAYOFWEEKISO({0}), DATE_TRUNC('day', {0}))", value.text)
            }
            (Some(unit @ ("year" | "quarter" | "month" | "day" | "hour")), _) => {
                format!("DATE_TRUNC('{unit}', {})", value.text)
            }
            (_, _) => return outside("a unit of time outside the lists"),
        };
        Ok(Spoken::whole(text, value.of))
    }

    pub(super) fn extract(
        &self,
        scope: &Scope,
        field: &DateTimeField,
        value: &Expr,
    ) -> Said<Spoken> {
        let value = self.expression(scope, value)?;
        let text = match field {
            DateTimeField::Year => format!("EXTRACT(YEAR FROM {})", value.text),
            DateTimeField::Quarter => format!("EXTRACT(QUARTER FROM {})", value.text),
            DateTimeField::Month => format!("EXTRACT(MONTH FROM {})", value.text),
            DateTimeField::Day => format!("EXTRACT(DAY FROM {})", value.text),
            DateTimeField::Doy => format!("DAYOFYEAR({})", value.text),
            // What sessions may set is set: weeks by ISO.
            DateTimeField::Week(None) => format!("WEEKISO({})", value.text),
            // Sunday is 0.
            DateTimeField::Dow => {
                return Ok(Spoken::loose(
                    format!("DAYOFWEEKISO({}) % 7", value.text),
                    ColumnType::Int64,
                ));
            }
            DateTimeField::Hour if value.of == Some(ColumnType::Date) => {
                format!("EXTRACT(HOUR FROM CAST({} AS TIMESTAMP_NTZ(9)))", value.text)
            }
            DateTimeField::Hour => format!("EXTRACT(HOUR FROM {})", value.text),
            _ => return outside("a field of time outside the lists"),
        };
        Ok(Spoken::whole(text, ColumnType::Int64))
    }

    /// A raw identifier as the hexadecimal SHA-256 of its one form; none of no byte or of more than 1,024.
    fn token(&self, scope: &Scope, kind: &Expr, column: &Expr) -> Said<Spoken> {
        let kind = text_of(kind).unwrap_or_default();
        let (key, normaliser) = kind.rsplit_once(':').unwrap_or((kind, ""));
        if normaliser != "none" {
            return unsaid(
                format!(
                    "match key {key} would be normalised as {normaliser} inside the platform, which has no such function"
                ),
                "`airlock prepare` in the owner's domain, and `hashed:` on the key",
            );
        }
        let text = format!("CAST({} AS VARCHAR)", self.expression(scope, column)?.text);
        let text =
            format!("CASE WHEN OCTET_LENGTH({text}) BETWEEN 1 AND 1024 THEN SHA2({text}, 256) END");
        Ok(Spoken::whole(text, ColumnType::Utf8))
    }

    /// A hashed identifier as 64 lower-case digits; anything else is none.
    fn hashed(&self, scope: &Scope, form: &Expr, column: &Expr) -> Said<Spoken> {
        let column = self.expression(scope, column)?.text;
        let text = match text_of(form) {
            Some("sha256-hex" | "hmac-hex") => {
                format!(
                    "CASE WHEN REGEXP_LIKE({column}, '[0-9A-Fa-f]{{64}}') THEN LOWER({column}) END"
                )
            }
            Some("sha256-bytes" | "hmac-bytes") => {
                format!("CASE WHEN LENGTH({column}) = 32 THEN LOWER(HEX_ENCODE({column})) END")
            }
            _ => return outside("a form of hashed key outside the lists"),
        };
        Ok(Spoken::whole(text, ColumnType::Utf8))
    }

    /// The threshold in plain words.
    fn at_least(&self, scope: &Scope, pairs: &[&Expr]) -> Said<Spoken> {
        let mut all = Vec::new();
        for pair in pairs.chunks(2) {
            let [count, min] = pair else { return outside("a threshold without its minimum") };
            let (count, min) = (self.expression(scope, count)?, self.expression(scope, min)?);
            all.push(format!("{} >= {}", count.operand(), min.operand()));
        }
        Ok(Spoken::loose(all.join(" AND "), ColumnType::Boolean))
    }

    fn aggregate(&self, scope: &Scope, name: &str, arguments: &Arguments<'_>) -> Said<Spoken> {
        if self.constrained && matches!(name, "min" | "max") {
            return constrained("MIN, MAX and matching by several keys");
        }
        let of_count = Some(ColumnType::Int64);
        let distinct = if arguments.distinct { "DISTINCT " } else { "" };
        let [one] = arguments.items.as_slice() else {
            return match (name, arguments.star) {
                ("count", true) => {
                    Ok(Spoken::whole("COUNT(*)".to_owned(), of_count).at_most(ROWS_MOST))
                }
                (_, _) => outside("an aggregate of this form"),
            };
        };
        if name == "avg" {
            return self.average(scope, one);
        }
        let said = self.expression(scope, one)?;
        let (of, most) = match name {
            "count" => (of_count, ROWS_MOST),
            "sum" => (said.of, said.most * ROWS_MOST),
            _ => (said.of, said.most),
        };
        let text = format!("{}({distinct}{})", name.to_ascii_uppercase(), said.text);
        Ok(Spoken::whole(text, of).at_most(most))
    }

    /// The mean of whole numbers is a decimal of six places there, and under a policy nothing is converted inside an aggregate.
    fn average(&self, scope: &Scope, item: &Expr) -> Said<Spoken> {
        let bare = match item {
            Expr::Cast { kind: CastKind::Cast, expr, .. } => expr,
            _ => item,
        };
        let said = self.expression(scope, bare)?;
        Ok(if said.of == Some(ColumnType::Int64) {
            let text = format!("CAST(SUM({0}) AS FLOAT) / NULLIF(COUNT({0}), 0)", said.text);
            Spoken::loose(text, ColumnType::Float64)
        } else {
            Spoken::whole(format!("AVG({})", said.text), ColumnType::Float64)
        })
    }

    fn window(
        &self,
        scope: &Scope,
        name: &str,
        arguments: &Arguments<'_>,
        spec: &sqlparser::ast::WindowSpec,
    ) -> Said<Spoken> {
        if self.constrained {
            return constrained("windows");
        }
        let (inner, of, framed) = match (name, arguments.items.as_slice()) {
            ("count", []) if arguments.star => ("*".to_owned(), Some(ColumnType::Int64), true),
            ("row_number" | "rank" | "dense_rank", []) => {
                (String::new(), Some(ColumnType::Int64), false)
            }
            ("sum" | "min" | "max", [one]) => {
                let said = self.expression(scope, one)?;
                (said.text, said.of, true)
            }
            ("avg", [one]) => {
                (self.expression(scope, one)?.float().text, Some(ColumnType::Float64), true)
            }
            (_, _) => return outside("a window function outside the lists"),
        };
        let over = self.over(scope, spec, framed)?;
        Ok(Spoken::whole(format!("{}({inner}) {over}", name.to_ascii_uppercase()), of))
    }
}

fn constrained<T>(what: &str) -> Said<T> {
    unsaid(
        format!("{what} over data with a threshold: the share's aggregation policy refuses them"),
        "the room `snowflake-dcr`, or COUNT, SUM and AVG",
    )
}

fn arguments(function: &Function) -> Option<Arguments<'_>> {
    let FunctionArguments::List(list) = &function.args else { return None };
    if !list.clauses.is_empty() {
        return None;
    }
    let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
    if let [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)] = list.args.as_slice() {
        return (!distinct).then_some(Arguments { star: true, distinct, items: Vec::new() });
    }
    let items = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    });
    Some(Arguments { star: false, distinct, items: items.collect::<Option<_>>()? })
}
