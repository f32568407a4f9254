//! Scalar expressions, each with its type: what an operator or constant means there depends on it. Knows no function.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's enums grow; whatever is not named here is refused"
)]

use super::query::{Reader, Relation, Scope, outside};
use super::{MARK, Room, declared, word};
use crate::model::ColumnType;
use crate::unsaid::{Said, unsaid};
use sqlparser::ast::{BinaryOperator, CaseWhen, CastKind, Expr, Ident, UnaryOperator, Value};

/// The most that a whole number of 64 bits is.
pub(super) const WHOLE_MOST: f64 = 9_223_372_036_854_775_808.0;
/// What no whole number of 38 digits is: arithmetic that came to it would fail, and only where a row reaches it.
const DIGITS_END: f64 = 1e38;
/// The most rows that are counted on.
pub(super) const ROWS_MOST: f64 = 1e12;

/// An expression, said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spoken {
    pub(super) text: String,
    /// None for NULL and for columns of a physical table.
    pub(super) of: Option<ColumnType>,
    /// Whether it stands as an operand without brackets.
    pub(super) whole: bool,
    /// The most that it is, on either side of zero, where it is a whole number.
    pub(super) most: f64,
}

impl Spoken {
    /// Something that stands by itself.
    pub(super) fn whole(text: String, of: impl Into<Option<ColumnType>>) -> Self {
        Self { text, of: of.into(), whole: true, most: WHOLE_MOST }
    }

    /// Something that needs brackets beside an operator.
    pub(super) fn loose(text: String, of: impl Into<Option<ColumnType>>) -> Self {
        Self { text, of: of.into(), whole: false, most: WHOLE_MOST }
    }

    /// The same, of a whole number that is at most this.
    pub(super) fn at_most(self, most: f64) -> Self {
        Self { most, ..self }
    }

    /// As an operand.
    pub(super) fn operand(&self) -> String {
        if self.whole { self.text.clone() } else { format!("({})", self.text) }
    }

    /// As a float.
    pub(super) fn float(self) -> Self {
        match self.of {
            Some(ColumnType::Int64) => {
                Self::whole(format!("CAST({} AS FLOAT)", self.text), ColumnType::Float64)
            }
            _ => self,
        }
    }
}

/// Texts between commas.
pub(super) fn listed(items: &[Spoken]) -> String {
    items.iter().map(|item| item.text.as_str()).collect::<Vec<_>>().join(", ")
}

/// Values of one type: whole numbers beside floats are floats.
pub(super) fn alike(items: Vec<Spoken>) -> Vec<Spoken> {
    if items.iter().any(|item| item.of == Some(ColumnType::Float64)) {
        return items.into_iter().map(Spoken::float).collect();
    }
    items
}

/// The type of the first of these that has one.
pub(super) fn common(items: &[Spoken]) -> Option<ColumnType> {
    items.iter().find_map(|item| item.of)
}

/// The most that any of these is.
pub(super) fn most(items: &[Spoken]) -> f64 {
    let whole = items.iter().filter(|item| item.of == Some(ColumnType::Int64));
    whole.map(|item| item.most).fold(0.0, f64::max)
}

impl Reader<'_> {
    /// An expression, or why there is none.
    pub(super) fn expression(&self, scope: &Scope, expr: &Expr) -> Said<Spoken> {
        let boolean = |text| Ok(Spoken::loose(text, ColumnType::Boolean));
        match expr {
            Expr::Identifier(name) => column(scope, None, name),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [alias, name] => column(scope, Some(alias), name),
                _ => outside("a column of this form"),
            },
            Expr::Nested(inner) => {
                let inner = self.expression(scope, inner)?;
                Ok(Spoken { text: inner.operand(), whole: true, ..inner })
            }
            Expr::Value(value) => self.constant(&value.value),
            Expr::BinaryOp { left, op, right } => self.binary(scope, left, op, right),
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => self.minus(scope, inner),
            Expr::UnaryOp { op: UnaryOperator::Not, expr: inner } => {
                boolean(format!("NOT {}", self.expression(scope, inner)?.operand()))
            }
            Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::Between { .. }
            | Expr::InList { .. }
            | Expr::Like { .. } => self.test(scope, expr),
            Expr::Case { operand: None, conditions, else_result, .. } => {
                self.case(scope, conditions, else_result.as_deref())
            }
            Expr::Cast {
                kind: CastKind::Cast | CastKind::TryCast,
                expr: inner,
                data_type,
                array: false,
                format: None,
            } => self.cast(scope, inner, data_type),
            Expr::Extract { field, expr: inner, .. } => self.extract(scope, field, inner),
            Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Function(_) => self.call(scope, expr),
            _ => outside("an expression outside the lists"),
        }
    }

    /// What is true, false or NULL of a value.
    fn test(&self, scope: &Scope, expr: &Expr) -> Said<Spoken> {
        let boolean = |text| Ok(Spoken::loose(text, ColumnType::Boolean));
        match expr {
            Expr::IsNull(inner) => {
                boolean(format!("{} IS NULL", self.expression(scope, inner)?.operand()))
            }
            Expr::IsNotNull(inner) => {
                boolean(format!("{} IS NOT NULL", self.expression(scope, inner)?.operand()))
            }
            Expr::IsTrue(inner) => {
                let text = format!("COALESCE({}, FALSE)", self.expression(scope, inner)?.text);
                Ok(Spoken::whole(text, ColumnType::Boolean))
            }
            Expr::IsFalse(inner) => {
                boolean(format!("NOT COALESCE({}, TRUE)", self.expression(scope, inner)?.text))
            }
            Expr::Between { expr: inner, negated, low, high } => {
                let sides = self.alike(scope, &[inner, low, high])?;
                let [inner, low, high] = sides.as_slice() else {
                    return outside("BETWEEN of this form");
                };
                let not = if *negated { "NOT " } else { "" };
                boolean(format!(
                    "{} {not}BETWEEN {} AND {}",
                    inner.operand(),
                    low.operand(),
                    high.operand()
                ))
            }
            Expr::InList { expr: inner, list, negated } => {
                let all: Vec<&Expr> = std::iter::once(&**inner).chain(list).collect();
                let sides = self.alike(scope, &all)?;
                let Some((inner, list)) = sides.split_first() else {
                    return outside("IN of this form");
                };
                let not = if *negated { "NOT " } else { "" };
                boolean(format!("{} {not}IN ({})", inner.operand(), listed(list)))
            }
            Expr::Like { negated, any: false, expr: inner, pattern, escape_char: None } => {
                self.like(scope, inner, pattern, *negated)
            }
            _ => outside("a test outside the lists"),
        }
    }

    fn case(
        &self,
        scope: &Scope,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Said<Spoken> {
        let whens = conditions.iter().map(|when| self.expression(scope, &when.condition));
        let whens = whens.collect::<Said<Vec<_>>>()?;
        let results = conditions.iter().map(|when| &when.result).chain(otherwise);
        let results = self.alike(scope, &results.collect::<Vec<_>>())?;
        let mut text = "CASE".to_owned();
        for (when, then) in whens.iter().zip(&results) {
            text = format!("{text} WHEN {} THEN {}", when.text, then.text);
        }
        if let Some(last) = results.get(whens.len()) {
            text = format!("{text} ELSE {}", last.text);
        }
        Ok(Spoken::whole(format!("{text} END"), common(&results)).at_most(most(&results)))
    }

    /// These expressions, as values of one type.
    pub(super) fn alike(&self, scope: &Scope, all: &[&Expr]) -> Said<Vec<Spoken>> {
        Ok(alike(all.iter().map(|expr| self.expression(scope, expr)).collect::<Said<_>>()?))
    }

    fn constant(&self, value: &Value) -> Said<Spoken> {
        Ok(match value {
            Value::Number(digits, false)
                if digits.len() <= 19 && digits.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Spoken::whole(digits.clone(), ColumnType::Int64)
                    .at_most(digits.parse().unwrap_or(WHOLE_MOST))
            }
            Value::SingleQuotedString(value) => {
                Spoken::whole(self.literal(value)?, ColumnType::Utf8)
            }
            Value::Boolean(value) => {
                Spoken::whole(if *value { "TRUE" } else { "FALSE" }.to_owned(), ColumnType::Boolean)
            }
            Value::Null => Spoken::whole("NULL".to_owned(), None),
            Value::Placeholder(name) => self.parameter(name)?,
            _ => return outside("a constant of this form"),
        })
    }

    pub(super) fn literal(&self, value: &str) -> Said {
        match self.room {
            Room::Shares => word::literal(value),
            Room::Collaboration => word::jinja_literal(value),
        }
    }

    /// A parameter's place. Dates and times are bound as text; Jinja may bind anything as text, so that each is made what it is.
    fn parameter(&self, placeholder: &str) -> Said<Spoken> {
        let name = placeholder.strip_prefix('$').unwrap_or_default();
        let Some(of) = declared(self.parameters, name) else {
            return outside("a parameter that is not declared");
        };
        let place = format!("{MARK}{name}{MARK}");
        let bound = match of {
            ColumnType::Date | ColumnType::Timestamp => ColumnType::Utf8,
            of => of,
        };
        let text = match self.room {
            Room::Shares => place,
            Room::Collaboration => format!("CAST({place} AS {})", word::type_name(bound)),
        };
        Ok(Spoken::whole(text, bound))
    }

    fn minus(&self, scope: &Scope, inner: &Expr) -> Said<Spoken> {
        let said = self.expression(scope, inner)?;
        let digits = said.text.bytes().all(|b| b.is_ascii_digit());
        Ok(if digits {
            Spoken::whole(format!("-{}", said.text), said.of).at_most(said.most)
        } else {
            Spoken::loose(format!("- {}", said.operand()), said.of).at_most(said.most)
        })
    }

    fn binary(
        &self,
        scope: &Scope,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
    ) -> Said<Spoken> {
        let (one, two) = (self.expression(scope, left)?, self.expression(scope, right)?);
        let sign = match op {
            BinaryOperator::And => {
                // A chain of one connective stands without brackets.
                let side = |said: &Spoken, expr: &Expr| match expr {
                    Expr::BinaryOp { op: BinaryOperator::Or, .. } => said.operand(),
                    _ => said.text.clone(),
                };
                let text = format!("{} AND {}", side(&one, left), side(&two, right));
                return Ok(Spoken::loose(text, ColumnType::Boolean));
            }
            BinaryOperator::Or => {
                return Ok(Spoken::loose(
                    format!("{} OR {}", one.text, two.text),
                    ColumnType::Boolean,
                ));
            }
            BinaryOperator::Eq => "=",
            BinaryOperator::NotEq => "<>",
            BinaryOperator::Lt => "<",
            BinaryOperator::LtEq => "<=",
            BinaryOperator::Gt => ">",
            BinaryOperator::GtEq => ">=",
            BinaryOperator::Plus => "+",
            BinaryOperator::Minus => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
            BinaryOperator::Modulo => "%",
            BinaryOperator::StringConcat => "||",
            _ => return outside("an operator outside the lists"),
        };
        let sides = alike(vec![one, two]);
        let of = match op {
            BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo
            | BinaryOperator::StringConcat => common(&sides),
            _ => Some(ColumnType::Boolean),
        };
        let texts: Vec<String> = sides.iter().map(Spoken::operand).collect();
        let most = reached(op, &sides)?;
        Ok(Spoken::loose(texts.join(&format!(" {sign} ")), of).at_most(most))
    }

    /// LIKE has no escape there unless it is named; in the native room it is the backslash.
    fn like(&self, scope: &Scope, inner: &Expr, pattern: &Expr, negated: bool) -> Said<Spoken> {
        let inner = self.expression(scope, inner)?;
        let said = self.expression(scope, pattern)?;
        let pattern = match text_of(pattern) {
            Some(text) if !text.contains('\\') => said.operand(),
            Some(text) if escapes_only(text) => {
                format!("{} ESCAPE {}", said.operand(), word::literal("\\")?)
            }
            Some(_) => {
                return unsaid(
                    "a LIKE pattern whose backslash escapes nothing",
                    "a backslash before %, _ or another backslash only",
                );
            }
            // A bound value that would escape nothing fails the query, and only where a row reaches it.
            None => format!(
                "CASE WHEN NOT CONTAINS({}, {}) THEN {} END",
                said.text,
                word::literal("\\")?,
                said.text
            ),
        };
        let not = if negated { "NOT " } else { "" };
        Ok(Spoken::loose(format!("{} {not}LIKE {pattern}", inner.operand()), ColumnType::Boolean))
    }
}

fn column(scope: &Scope, alias: Option<&Ident>, name: &Ident) -> Said<Spoken> {
    let as_ = word::quoted(&name.value)?;
    if name.quote_style != Some('"') || alias.is_some_and(|alias| alias.quote_style != Some('"')) {
        return outside("a name without quotation marks");
    }
    if scope.physical {
        return Ok(Spoken::whole(as_, None));
    }
    let here = |(known, relation): &&(String, Relation)| {
        alias.is_none_or(|alias| alias.value == *known)
            && relation.columns.contains_key(&name.value)
    };
    let mut found = scope.relations.iter().filter(here);
    let (Some((_, relation)), None) = (found.next(), found.next()) else {
        return outside("a column of no relation, or of two");
    };
    let kind = relation.columns.get(&name.value).copied().unwrap_or_default();
    Ok(Spoken::whole(format!("{}.{as_}", relation.text), kind.of).at_most(kind.most))
}

/// The most that whole numbers come to by an operator.
fn reached(op: &BinaryOperator, sides: &[Spoken]) -> Said<f64> {
    let [one, two] = sides else { return Ok(WHOLE_MOST) };
    if common(sides) != Some(ColumnType::Int64) {
        return Ok(WHOLE_MOST);
    }
    let most = match op {
        BinaryOperator::Plus | BinaryOperator::Minus => one.most + two.most,
        BinaryOperator::Multiply => one.most * two.most,
        BinaryOperator::Modulo => one.most.min(two.most),
        _ => return Ok(WHOLE_MOST),
    };
    if most < DIGITS_END {
        return Ok(most);
    }
    unsaid("whole numbers that may come to more than 38 digits", "CAST(… AS DOUBLE) of one of them")
}

/// The text of a constant that is one.
pub(super) fn text_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Whether every backslash of a pattern stands before what it escapes.
fn escapes_only(pattern: &str) -> bool {
    let mut signs = pattern.chars();
    while let Some(sign) = signs.next() {
        if sign == '\\' && !matches!(signs.next(), Some('\\' | '%' | '_')) {
            return false;
        }
    }
    true
}
