//! The template guard: one template's text against the rules of every dataset it touches. Default deny: a text is read
//! into a small language, every part of it marked with what may be done with it, and written anew with tokens, consent,
//! row filters and thresholds in it; whatever is not understood is refused. Knows nothing of engines or I/O.
//! Decisions 0001 and 0003 say why.

mod activation;
mod call;
mod code;
mod expression;
mod from;
mod measure;
mod optional;
mod refuse;
mod relation;
mod scan;
mod stage;
#[cfg(test)]
mod tests;
mod threshold;
mod typing;

pub use call::FUNCTIONS;
pub use code::CODES;
pub use optional::has_optional_side;
pub(crate) use scan::{bounds, cte, part};
pub(crate) use stage::is_plain;

use crate::model::{
    Agreement, ColumnName, ColumnType, Dataset, DatasetName, Digest, MemberId, ResultClass,
    Template, TemplateName,
};
use expression::Names;
use refuse::{Resolved, refuse};
use relation::{Instance, Mark, Relation, quoted};
use serde::{Deserialize, Serialize};
use sqlparser::ast::{Expr, Query, Spanned, Statement, Visit, Visitor};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span as At, Tokenizer};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::ControlFlow;
use typing::{folded, shown};

/// The longest template, in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 64 << 10;
/// How deep a template may nest.
const DEPTH_MAX: usize = 64;
/// The most words and signs in a template, spaces among them: a chain of operators is freed as deep as it is long.
const TOKENS_MAX: usize = 16 << 10;

/// Guards a template: the text that may run, or why it may not.
pub fn guard(agreement: &Agreement, name: &TemplateName) -> Result<Guarded, Vec<Refusal>> {
    let Some(template) = agreement.templates.get(name) else {
        let message = "the agreement has no template of this name";
        return Err(vec![*refuse(
            code::TEMPLATE_UNKNOWN,
            At::empty(),
            message,
            "a template of the agreement",
        )]);
    };
    let resolver = Resolver {
        agreement,
        template,
        used: RefCell::default(),
        occurrences: Vec::new(),
        stages: BTreeMap::new(),
        ctes: Vec::new(),
        thresholds: BTreeSet::new(),
        released: BTreeMap::new(),
    };
    resolver.guard(name)
}

/// What is known of a template while it is read.
struct Resolver<'a> {
    agreement: &'a Agreement,
    template: &'a Template,
    /// Dataset columns that were read.
    used: RefCell<BTreeSet<(DatasetName, ColumnName)>>,
    /// The dataset of each occurrence.
    occurrences: Vec<DatasetName>,
    stages: BTreeMap<String, Relation>,
    /// The emitted CTEs of stages.
    ctes: Vec<String>,
    thresholds: BTreeSet<(DatasetName, u64, MemberId)>,
    /// Of each protected dataset, the conditions under which groups of it leave.
    released: BTreeMap<DatasetName, BTreeSet<BTreeSet<String>>>,
}

impl Resolver<'_> {
    fn guard(mut self, name: &TemplateName) -> Result<Guarded, Vec<Refusal>> {
        let query = parse(&self.template.sql).map_err(|refusal| vec![*refusal])?;
        let (relation, sql) = self.resolve(&query).map_err(|refusal| vec![*refusal])?;
        let refused = self.receivers();
        if !refused.is_empty() {
            return Err(refused);
        }
        let datafusion = self.text(&sql, &[]);
        let bounded = self.text(&sql, &bounds(&self.template.parameters));
        let mut datasets: BTreeMap<DatasetName, DatasetUse> = BTreeMap::new();
        // The entity is always read, even where nothing names a column.
        let entities = self.occurrences.iter().filter_map(|name| {
            self.agreement.datasets.get(name).map(|known| (name.clone(), known.entity.clone()))
        });
        for (dataset, column) in self.used.borrow().iter().cloned().chain(entities) {
            let Some(known) = self.agreement.datasets.get(&dataset) else {
                continue;
            };
            let used = datasets.entry(dataset).or_insert_with(|| DatasetUse {
                owner: known.owner.clone(),
                columns: BTreeSet::new(),
            });
            used.columns.insert(column);
        }
        Ok(Guarded {
            template: name.clone(),
            digest: self.template.digest(name),
            class: self.template.class,
            datasets,
            warnings: self.warnings(),
            thresholds: self
                .thresholds
                .into_iter()
                .map(|(dataset, entities_min, rule_of)| Threshold {
                    dataset,
                    entities_min,
                    rule_of,
                })
                .collect(),
            output: relation.fields.into_iter().map(output).collect(),
            text_digest: Digest::of(datafusion.as_bytes()),
            datafusion,
            bounded,
        })
    }

    fn resolve(&mut self, query: &Query) -> Resolved<(Relation, String)> {
        if let Some(with) = &query.with {
            if with.recursive {
                return Err(refuse(
                    code::CLAUSE,
                    query.span(),
                    "recursion is outside the language",
                    "WITH",
                ));
            }
            for cte in &with.cte_tables {
                let name = folded(&cte.alias.name);
                let at = cte.alias.name.span;
                plain_name(&name, at)?;
                let taken = self.stages.contains_key(&name)
                    || self.agreement.datasets.keys().any(|dataset| dataset.as_str() == name);
                if taken
                    || !cte.alias.columns.is_empty()
                    || cte.from.is_some()
                    || cte.materialized.is_some()
                {
                    let message = format!(
                        "stage {} shadows a dataset or stage, or has more than a name",
                        shown(&cte.alias.name)
                    );
                    return Err(refuse(code::NAME, at, message, "WITH another_name AS (…)"));
                }
                let (relation, sql) = self.query(&cte.query, false)?;
                self.ctes.push(format!("{} AS (\n{sql}\n)", quoted(&name)));
                self.stages.insert(name, relation);
            }
        }
        match self.template.class {
            ResultClass::Activation => self.activation(query),
            ResultClass::Aggregate => {
                let (relation, sql) = self.query(query, true)?;
                if relation.released() {
                    return Ok((relation, sql));
                }
                let change = "aggregate: GROUP BY dimensions and COUNT(DISTINCT entity)";
                Err(refuse(
                    code::UNRELEASED,
                    query.span(),
                    "rows that no threshold has passed would leave",
                    change,
                ))
            }
        }
    }

    /// Whether every dataset's rule lets the template's receivers have a result.
    fn receivers(&self) -> Vec<Refusal> {
        let touched: BTreeSet<&DatasetName> = self.occurrences.iter().collect();
        let known =
            touched.into_iter().filter_map(|name| self.agreement.datasets.get_key_value(name));
        let mut refused = Vec::new();
        for (name, dataset) in known {
            let Some(may) = &dataset.rule.receivers else {
                continue;
            };
            for receiver in self.template.received_by.difference(may) {
                let message = format!("the rule of {name} does not let {receiver} receive results");
                let change =
                    "take the receiver out of received_by, or have the owner add it to the rule";
                refused.push(
                    *refuse(code::RECEIVER, At::empty(), message, change)
                        .rule_of(&dataset.owner, name),
                );
            }
        }
        refused
    }

    /// The whole text: datasets, each under these conditions, stages, and the last SELECT.
    fn text(&self, last: &str, conditions: &[String]) -> String {
        let used = self.used.borrow();
        let touched: BTreeSet<&DatasetName> = self.occurrences.iter().collect();
        let datasets = touched.into_iter().filter_map(|name| {
            let dataset = self.agreement.datasets.get(name)?;
            // The entity is always there: thresholds and COUNT(*) need a column to count.
            let columns =
                used.iter().filter(|(of, _)| of == name).map(|(_, column)| column.clone());
            let columns = columns.chain([dataset.entity.clone()]).collect();
            Some(cte(name, dataset, &columns, conditions))
        });
        let ctes: Vec<String> = datasets.chain(self.ctes.iter().cloned()).collect();
        format!("WITH {}\n{last}", ctes.join(", "))
    }

    fn names(&self) -> Names<'_> {
        Names { parameters: &self.template.parameters, used: &self.used }
    }

    fn occurrence(&self, instance: Instance) -> Option<(&DatasetName, &Dataset)> {
        self.occurrences.get(instance).and_then(|name| self.agreement.datasets.get_key_value(name))
    }

    fn dataset(&self, instance: Instance) -> Option<&Dataset> {
        self.occurrence(instance).map(|(_, dataset)| dataset)
    }
}

fn output(field: relation::Field) -> OutputColumn {
    let origin = match field.mark {
        Mark::Released(Some((dataset, column))) => OutputOrigin::Dimension(dataset, column),
        Mark::Released(None)
        | Mark::Constant
        | Mark::Key(_)
        | Mark::Dimension(_)
        | Mark::Filter
        | Mark::Measure(_)
        | Mark::Derived(_)
        | Mark::Aggregated(_) => OutputOrigin::Expression,
    };
    OutputColumn { name: field.name, r#type: field.r#type, origin }
}

/// One SELECT and nothing else.
fn parse(sql: &str) -> Resolved<Query> {
    if sql.len() > TEMPLATE_BYTES_MAX {
        return Err(refuse(
            code::TOO_LONG,
            At::empty(),
            "the text is longer than 64 KiB",
            "a shorter template",
        ));
    }
    let syntax = |at: At| {
        let message = "the text is not SQL, or nests too deeply";
        refuse(
            code::SYNTAX,
            at,
            message,
            "one SELECT query; the place is where it stops being read",
        )
    };
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location();
    let tokens = tokens.map_err(|error| syntax(At::new(error.location, error.location)))?;
    if tokens.len() > TOKENS_MAX {
        return Err(syntax(At::empty()));
    }
    let parser = Parser::new(&dialect).with_recursion_limit(DEPTH_MAX);
    let mut statements = parser
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|e| syntax(place(&e)))?;
    let (Some(one), true) = (statements.pop(), statements.is_empty()) else {
        return Err(refuse(
            code::STATEMENT,
            At::empty(),
            "a template is one statement",
            "one SELECT query",
        ));
    };
    if !Depth::fits(&one) {
        return Err(syntax(At::empty()));
    }
    let at = one.span();
    if let Statement::Query(query) = one {
        return Ok(*query);
    }
    Err(refuse(code::STATEMENT, at, "only a SELECT may run", "SELECT … FROM …"))
}

/// Where the parser stopped: the numbers at the end of its words, and nothing of the words, which quote the text.
fn place(error: &ParserError) -> At {
    let words = match error {
        ParserError::ParserError(words) | ParserError::TokenizerError(words) => words.as_str(),
        ParserError::RecursionLimitExceeded => "",
    };
    let (before, column) = words.rsplit_once(", Column: ").unwrap_or_default();
    let line = before.rsplit_once("Line: ").and_then(|(_, line)| line.parse().ok());
    match line.zip(column.parse().ok()) {
        Some((line, column)) => {
            let at = Location { line, column };
            At::new(at, at)
        }
        None => At::empty(),
    }
}

/// How deep expressions stand in one another. The parser counts brackets, but a chain of operators is as deep as it is
/// long, and what resolves it recurses.
struct Depth(usize);

impl Depth {
    fn fits(of: &impl Visit) -> bool {
        of.visit(&mut Self(0)).is_continue()
    }
}

impl Visitor for Depth {
    type Break = ();

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.0 += 1;
        if self.0 > DEPTH_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.0 = self.0.saturating_sub(1);
        ControlFlow::Continue(())
    }
}

/// A name that stages, aliases and output columns may have.
fn plain_name(name: &str, at: At) -> Resolved<()> {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
    let rest = bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if first && rest && name.len() <= 63 && !name.starts_with("airlock") && name != "room" {
        return Ok(());
    }
    Err(refuse(
        code::NAME,
        at,
        "a name that is not plain, or reserved",
        "[a-z][a-z0-9_]*, at most 63 characters, and neither room nor airlock…",
    ))
}

/// A template that passed, with the text that may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarded {
    /// The template.
    pub template: TemplateName,
    /// Its version.
    pub digest: Digest,
    /// What kind of result leaves.
    pub class: ResultClass,
    /// The datasets it touches.
    pub datasets: BTreeMap<DatasetName, DatasetUse>,
    /// What whoever approves it should look at, though no rule refuses it.
    pub warnings: Vec<String>,
    /// The thresholds compiled into the text.
    pub thresholds: Vec<Threshold>,
    /// What leaves, in order.
    pub output: Vec<OutputColumn>,
    /// Readable, deterministic SQL for the native room.
    pub datafusion: String,
    /// The digest of that text.
    pub text_digest: Digest,
    /// The same text with the bounds of the parameters at each scan, for rooms whose runners can go past the gateway.
    pub bounded: String,
}

/// How a template uses one dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetUse {
    /// Who decides over it.
    pub owner: MemberId,
    /// The columns that the text reads, by their canonical names.
    pub columns: BTreeSet<ColumnName>,
}

/// One threshold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// Whose entities are counted.
    pub dataset: DatasetName,
    /// Distinct entities behind every row that leaves.
    pub entities_min: u64,
    /// Whose rule asks for it.
    pub rule_of: MemberId,
}

/// One column that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub r#type: ColumnType,
    /// What it is made of.
    pub origin: OutputOrigin,
}

/// What a column that leaves is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputOrigin {
    /// A dimension as it is.
    Dimension(DatasetName, ColumnName),
    /// Something computed from these.
    Expression,
}

/// A place in the template's text, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First line.
    pub line: u32,
    /// First column.
    pub column: u32,
    /// Last line.
    pub end_line: u32,
    /// Last column.
    pub end_column: u32,
}

/// Why a template doesn't pass, and the smallest change that would. Names only, never literals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Stable code.
    pub code: &'static str,
    /// Where in the text.
    pub span: Option<Span>,
    /// Whose rule, on which dataset.
    pub rule_of: Option<(MemberId, DatasetName)>,
    /// What was refused.
    pub message: String,
    /// What would pass.
    pub change: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(span) = &self.span {
            write!(f, "{}:{}: ", span.line, span.column)?;
        }
        write!(f, "{}: {}", self.code, self.message)?;
        if let Some((member, dataset)) = &self.rule_of {
            write!(f, " (rule of {member} on {dataset})")?;
        }
        write!(f, "; would pass: {}", self.change)
    }
}
