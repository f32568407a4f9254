//! A guarded text as Snowflake says it, for both of its rooms, and the view of a dataset that the text reads. The guard's own
//! text is parsed, typed and written anew by closed lists: what is not listed is refused. Must not know the guard's rules or
//! any platform's client.
//!
//! A dataset enters through a view that its owner makes: columns under their agreed names and of their agreed types, keys as
//! tokens, consent and row filters applied; whatever is not in it does not exist for others. The text names that view by the
//! dataset, reads it in a stage `airlock_NAME` that has the bounds of the parameters, and holds thresholds itself (HAVING),
//! since the platform's policy would merge thin groups into a row of their own. No session's settings decide what it means.

mod call;
mod cast;
mod expression;
mod query;
mod word;

#[cfg(test)]
mod tests;

use crate::guard::{Guarded, bounds, cte};
use crate::model::{
    Agreement, ColumnName, ColumnType, ColumnUse, Dataset, DatasetName, Digest, Literal, Parameter,
    ParameterName, ResultClass, Template,
};
use crate::unsaid::{Said, Unsaid, unsaid};
use query::{Columns, Relation};
use serde::Serialize;
use sqlparser::ast::{Expr, Query, SetExpr, Statement};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use std::collections::{BTreeMap, BTreeSet};

/// How deep a guarded text may nest.
const DEPTH_MAX: usize = 64;
/// Stands around a parameter until its place in the text is known; no constant and no name has it.
const MARK: char = '\u{1}';
/// Names that a template of the Collaboration API may not give to a parameter: Jinja's words and the platform's variables.
const RESERVED: [&str; 26] = [
    "and",
    "block",
    "call",
    "caller",
    "cycler",
    "dict",
    "else",
    "false",
    "for",
    "if",
    "import",
    "in",
    "is",
    "joiner",
    "lipsum",
    "loop",
    "my_table",
    "namespace",
    "none",
    "not",
    "or",
    "preset_tables",
    "range",
    "self",
    "source_table",
    "true",
];

/// Which of the platform's two rooms a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Room {
    /// Views granted to shares, under policies: the text is a query with `?` for its parameters.
    Shares,
    /// The Collaboration API: the text is a template of Jinja.
    Collaboration,
}

/// A template in Snowflake SQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnowflakeText {
    /// The text.
    pub sql: String,
    /// The digest of the text.
    pub digest: Digest,
    /// The parameter of each `?`, in order. None in a room of the Collaboration API, where parameters go by name.
    pub binds: Vec<ParameterName>,
    /// The datasets whose views it reads.
    pub datasets: BTreeSet<DatasetName>,
}

/// A parameter's value as it is bound.
#[derive(Clone, PartialEq, Eq)]
pub struct Bound {
    /// The platform's name of the binding's type.
    pub r#type: &'static str,
    /// The value, as text.
    pub value: String,
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}(…)", self.r#type)
    }
}

/// A template's text for one of the rooms, or why there is none. What has no view there has no text that reads it.
pub fn snowflake(
    agreement: &Agreement,
    guarded: &Guarded,
    room: Room,
) -> Result<SnowflakeText, Unsaid> {
    for (name, dataset) in
        guarded.datasets.keys().filter_map(|name| agreement.datasets.get_key_value(name))
    {
        view(name, dataset, &[name.as_str()])?;
    }
    text_over_views(agreement, guarded, room)
}

/// The same over datasets whose views the caller has already: each is said once for all texts that read it.
pub fn text_over_views(
    agreement: &Agreement,
    guarded: &Guarded,
    room: Room,
) -> Result<SnowflakeText, Unsaid> {
    let template = agreement.templates.get(&guarded.template);
    let Some(template) = template.filter(|t| t.digest(&guarded.template) == guarded.digest) else {
        return unsaid("a text of another agreement", "the agreement that it was guarded under");
    };
    let mut datasets = BTreeMap::new();
    for name in guarded.datasets.keys() {
        let Some(dataset) = agreement.datasets.get(name) else {
            return unsaid(
                "a text of another agreement",
                "the agreement that it was guarded under",
            );
        };
        datasets.insert(name, dataset);
    }
    let mut speaker = Speaker {
        room,
        template,
        datasets,
        constrained: room == Room::Shares && !guarded.thresholds.is_empty(),
        stages: BTreeMap::new(),
    };
    speaker.can_be_asked(guarded)?;
    let sql = speaker.text(guarded)?;
    let (sql, binds) = speaker.placed(&sql)?;
    let datasets = guarded.datasets.keys().cloned().collect();
    Ok(SnowflakeText { digest: Digest::of(sql.as_bytes()), sql, binds, datasets })
}

/// The query of the view by which a dataset enters, over a table named by these parts. What the agreement does not list is not
/// in it; rows without consent or outside the owner's filters are not either.
pub fn view(name: &DatasetName, dataset: &Dataset, table: &[&str]) -> Result<String, Unsaid> {
    let parts = table.iter().map(|part| word::quoted(part)).collect::<Said<Vec<_>>>()?;
    if parts.is_empty() || parts.len() > 3 {
        return unsaid("a table named by no part, or by more than three", "DATABASE.SCHEMA.TABLE");
    }
    let all = dataset.columns.keys().cloned().collect();
    let query = parsed(&format!("WITH {}\nSELECT 1", cte(name, dataset, &all, &[])))?;
    let body = query.with.as_ref().and_then(|with| with.cte_tables.first());
    let Some(body) = body else { return unsaid("a dataset that is no query", "a dataset") };
    let (parameters, stages) = (BTreeMap::new(), BTreeMap::new());
    let physical = Some(parts.join("."));
    let speaker = query::Reader {
        room: Room::Shares,
        constrained: false,
        parameters: &parameters,
        stages: &stages,
        physical,
    };
    speaker.query(&body.query).map(|spoken| spoken.text)
}

/// The columns of that view, with their types: those that templates name, and the single keys of an entity with several.
#[must_use]
pub fn columns(dataset: &Dataset) -> BTreeMap<String, ColumnType> {
    let mut all = BTreeMap::new();
    for (name, column) in &dataset.columns {
        match &column.r#use {
            ColumnUse::Match { keys } => {
                all.insert(name.to_string(), ColumnType::Utf8);
                for key in keys.iter().filter(|_| keys.len() > 1) {
                    all.insert(crate::guard::part(name, key), ColumnType::Utf8);
                }
            }
            ColumnUse::Dimension | ColumnUse::Measure { .. } | ColumnUse::Filter => {
                all.insert(name.to_string(), column.r#type);
            }
        }
    }
    all
}

/// A parameter's value as the platform wants it bound; none for what no parameter may be.
#[must_use]
pub fn bound(value: &Literal, of: ColumnType) -> Option<Bound> {
    let (r#type, value) = match (of, value) {
        (ColumnType::Int64, Literal::Int64(value)) => ("FIXED", value.to_string()),
        (ColumnType::Float64, Literal::Float64(value)) => ("REAL", format!("{value:?}")),
        (ColumnType::Float64, Literal::Int64(value)) => ("REAL", value.to_string()),
        (ColumnType::Boolean, Literal::Boolean(value)) => ("BOOLEAN", value.to_string()),
        (ColumnType::Utf8 | ColumnType::Date, Literal::Utf8(value)) => ("TEXT", value.clone()),
        (ColumnType::Timestamp, Literal::Utf8(value)) => {
            let time = chrono::DateTime::parse_from_rfc3339(value).ok()?.naive_utc();
            ("TEXT", time.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
        }
        (_, _) => return None,
    };
    Some(Bound { r#type, value })
}

/// Says one template.
struct Speaker<'a> {
    room: Room,
    template: &'a Template,
    datasets: BTreeMap<&'a DatasetName, &'a Dataset>,
    /// Whether views that it reads are under an aggregation policy.
    constrained: bool,
    /// The columns of the stages said so far.
    stages: BTreeMap<String, Relation>,
}

impl Speaker<'_> {
    /// Refuses what the room has no place for.
    fn can_be_asked(&self, guarded: &Guarded) -> Said<()> {
        if self.room == Room::Shares && guarded.class == ResultClass::Activation {
            return unsaid(
                "an activation: a share has no receivers, and rows of single entities don't leave it",
                "the room `snowflake-dcr`, or another one",
            );
        }
        let reserved = |name: &&ParameterName| RESERVED.contains(&name.as_str());
        match self.template.parameters.keys().find(reserved) {
            Some(name) if self.room == Room::Collaboration => {
                unsaid(format!("parameter {name} is a word of Jinja"), "another name")
            }
            Some(_) | None => Ok(()),
        }
    }

    fn reader(&self) -> query::Reader<'_> {
        query::Reader {
            room: self.room,
            constrained: self.constrained,
            parameters: &self.template.parameters,
            stages: &self.stages,
            physical: None,
        }
    }

    /// The whole text: datasets, stages, and the last SELECT.
    fn text(&mut self, guarded: &Guarded) -> Said {
        let query = parsed(&guarded.datafusion)?;
        let mut ctes = Vec::new();
        for (name, used) in &guarded.datasets {
            let Some(dataset) = self.datasets.get(name) else { continue };
            let (text, relation) = self.dataset(name, dataset, &used.columns)?;
            ctes.push(text);
            self.stages.insert(name.to_string(), relation);
        }
        let stages = query.with.iter().flat_map(|with| &with.cte_tables);
        for stage in stages {
            let name = &stage.alias.name.value;
            if self.datasets.keys().any(|dataset| dataset.as_str() == name) {
                continue;
            }
            let said = self.reader().query(&stage.query)?;
            let as_ = word::quoted(name)?;
            ctes.push(format!("{as_} AS (\n{}\n)", query::indented(&said.text)));
            self.stages.insert(
                name.clone(),
                Relation { text: as_, columns: said.columns, entities: said.entities },
            );
        }
        let last = self.reader().query(&Query { with: None, ..*query })?;
        let text = format!("WITH {}\n{}", ctes.join(", "), last.text);
        Ok(match guarded.class {
            ResultClass::Aggregate => text,
            ResultClass::Activation => {
                let name = guarded.template.as_str().replace('-', "_");
                let text = query::indented(&text);
                format!(
                    "BEGIN\n  CREATE OR REPLACE TABLE cleanroom.activation_data_{name} AS\n{text};\n  RETURN '{name}';\nEND"
                )
            }
        })
    }

    /// The stage by which a dataset enters: the columns used, and no row unless the parameters are within their bounds.
    fn dataset(
        &self,
        name: &DatasetName,
        dataset: &Dataset,
        used: &BTreeSet<ColumnName>,
    ) -> Said<(String, Relation)> {
        let own = |column: &str| {
            used.iter().any(|used| {
                let parts = format!("{used}__");
                column == used.as_str() || (has_parts(dataset, used) && column.starts_with(&parts))
            })
        };
        let columns: Columns = columns(dataset)
            .into_iter()
            .filter(|(column, _)| own(column))
            .map(|(column, of)| {
                let most = expression::WHOLE_MOST;
                (column, query::Kind { of: Some(of), most })
            })
            .collect();
        let listed = columns.keys().map(|column| word::quoted(column)).collect::<Said<Vec<_>>>()?;
        let mut body =
            format!("  SELECT {}\n  FROM {}", listed.join(",\n         "), self.source(name)?);
        let reader = self.reader();
        let conditions = bounds(&self.template.parameters).into_iter().map(|condition| {
            Ok(reader.expression(&query::Scope::default(), &condition_of(&condition)?)?.text)
        });
        let conditions = conditions.collect::<Said<Vec<_>>>()?;
        if !conditions.is_empty() {
            body = format!("{body}\n  WHERE {}", conditions.join("\n    AND "));
        }
        let text = word::quoted(&format!("airlock_{name}"))?;
        let entity = (dataset.rule.entities_min > 1).then(|| Some(dataset.entity.to_string()));
        let entities = entity.into_iter().collect();
        Ok((format!("{text} AS (\n{body}\n)"), Relation { text, columns, entities }))
    }

    /// The view of a dataset, as the text names it. A table that the caller names is one that it may exchange, so that a template of
    /// the Collaboration API names the tables that were set with it.
    fn source(&self, name: &DatasetName) -> Said {
        match self.room {
            Room::Shares => word::quoted(name.as_str()),
            Room::Collaboration => Ok(format!("IDENTIFIER({{{{ preset_tables['{name}'] }}}})")),
        }
    }

    /// The text with its parameters in their places, and which stand where.
    fn placed(&self, text: &str) -> Said<(String, Vec<ParameterName>)> {
        let (mut sql, mut binds) = (String::with_capacity(text.len()), Vec::new());
        for (n, piece) in text.split(MARK).enumerate() {
            if n % 2 == 0 {
                sql.push_str(piece);
                continue;
            }
            let Some((name, _)) =
                self.template.parameters.iter().find(|(name, _)| name.as_str() == piece)
            else {
                return unsaid("a parameter that is not declared", "a guarded text");
            };
            match self.room {
                Room::Shares => {
                    sql.extend(["? /* ", name.as_str(), " */"]);
                    binds.push(name.clone());
                }
                Room::Collaboration => sql.extend(["{{ ", name.as_str(), " }}"]),
            }
        }
        Ok((sql, binds))
    }
}

/// Whether a match column's single keys stand beside it.
fn has_parts(dataset: &Dataset, column: &ColumnName) -> bool {
    let declared = dataset.columns.get(column).map(|declared| &declared.r#use);
    matches!(declared, Some(ColumnUse::Match { keys }) if keys.len() > 1)
}

/// A parameter's declared type.
fn declared(parameters: &BTreeMap<ParameterName, Parameter>, name: &str) -> Option<ColumnType> {
    parameters.iter().find(|(known, _)| known.as_str() == name).map(|(_, declared)| declared.r#type)
}

/// One query and nothing else.
fn parsed(sql: &str) -> Said<Box<Query>> {
    let statements = Parser::new(&GenericDialect {})
        .with_recursion_limit(DEPTH_MAX)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_statements());
    match statements.map(|mut all| (all.pop(), all.is_empty())) {
        Ok((Some(Statement::Query(query)), true)) => Ok(query),
        Ok(_) => unsaid("a text that is no one query", "a guarded text"),
        Err(_) => {
            unsaid("a text that nests too deeply", "fewer conditions in one another, or a CTE")
        }
    }
}

/// A condition of the guard's own.
fn condition_of(text: &str) -> Said<Expr> {
    let query = parsed(&format!("SELECT {text} AS \"x\""))?;
    if let SetExpr::Select(select) = &*query.body
        && let [sqlparser::ast::SelectItem::ExprWithAlias { expr, .. }] =
            select.projection.as_slice()
    {
        return Ok(expr.clone());
    }
    unsaid("a bound that is no condition", "a guarded text")
}
