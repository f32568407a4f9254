//! Codes of the template guard.

use super::Row;

pub(super) const CODES: &[Row] = &[
    (
        "grows-too-large",
        "an expression repeats itself through stages until no engine can plan or hold it",
        "fewer stages, or an expression that is named once",
    ),
    (
        "template-too-long",
        "the text of a template is longer than 64 KiB",
        "a shorter text, or several templates",
    ),
    (
        "syntax",
        "the text is not one SQL query, or nests too deeply",
        "one SELECT that the guard can read",
    ),
    (
        "statement",
        "only one SELECT may run",
        "one SELECT: no DDL, DML, COPY, SET and no second statement",
    ),
    (
        "clause",
        "a clause is outside the language of templates",
        "the clauses that the README lists",
    ),
    (
        "set-operation",
        "UNION, INTERSECT, EXCEPT and VALUES are outside the language",
        "several templates, or one GROUP BY",
    ),
    (
        "distinct",
        "SELECT DISTINCT leaves without the threshold",
        "GROUP BY, so that the threshold applies",
    ),
    ("star", "a star names columns without naming them", "the columns by their names"),
    ("subquery", "a subquery stands inside an expression", "a stage: WITH name AS (…)"),
    (
        "expression",
        "an expression is outside the language",
        "arithmetic, comparisons, CASE and the listed functions",
    ),
    (
        "function",
        "a function is outside the list, or has the wrong arguments",
        "a function of the list that the README has",
    ),
    ("type", "the types in an expression don't fit", "a CAST, or columns of one type"),
    (
        "parameter",
        "a parameter is not declared, or stands where none may",
        "a declared parameter in a condition",
    ),
    (
        "column-ambiguous",
        "two relations have this column",
        "the column with its relation's name before it",
    ),
    ("name", "a name shadows a dataset, repeats, or is reserved", "another name"),
    (
        "join-kind",
        "only INNER and LEFT joins with ON are in the language",
        "JOIN … ON, or LEFT JOIN … ON",
    ),
    (
        "join-key",
        "datasets join on match keys of one kind, and on nothing less",
        "ON a.KEY = b.KEY, both of one kind",
    ),
    (
        "join-required",
        "the dataset may only be used matched with another member's data",
        "an inner join with another member's dataset on a match key",
    ),
    (
        "key-space",
        "two stages whose entities were matched by different datasets can't be joined",
        "stages that begin with the same dataset",
    ),
    (
        "match-key",
        "a match key stands outside equality joins and COUNT(DISTINCT)",
        "the key in ON, or counted",
    ),
    (
        "measure-outside-aggregate",
        "a measure stands outside its aggregates",
        "an aggregate that its owner allows",
    ),
    (
        "aggregate-not-allowed",
        "the owner does not allow this aggregate on the column",
        "one of the aggregates of the column",
    ),
    (
        "conditional-aggregate",
        "a condition inside an aggregate counts a group that no threshold sees",
        "the condition in WHERE or GROUP BY",
    ),
    ("aggregate-place", "an aggregate stands where none may", "aggregates in SELECT, of columns"),
    ("filter-only", "a filter column stands outside WHERE", "the column in WHERE"),
    (
        "not-grouped",
        "a column is neither grouped nor aggregated",
        "the column in GROUP BY, or an aggregate of it",
    ),
    (
        "derived-filter",
        "a condition on a value of one entity stands before the threshold",
        "a condition on a dimension",
    ),
    (
        "oracle-before-threshold",
        "HAVING, ORDER BY, LIMIT or a window sees rows that no threshold has passed",
        "the same over rows that have passed one",
    ),
    (
        "entity-lost",
        "a stage dropped the entity that the threshold counts",
        "the entity's key in the stage's SELECT and GROUP BY",
    ),
    (
        "mixed-stages",
        "released rows are joined with rows that are not",
        "a join of stages of the same kind",
    ),
    (
        "unreleased-output",
        "rows that no threshold has passed would leave",
        "GROUP BY dimensions and COUNT(DISTINCT entity)",
    ),
    (
        "activation-not-allowed",
        "the dataset's rule does not allow activation to this receiver",
        "a receiver of the rule's activation",
    ),
    ("activation-column", "a column may not leave in an activation", "columns with activate: true"),
    (
        "activation-shape",
        "an activation is one plain SELECT of columns",
        "SELECT columns FROM … JOIN … WHERE …",
    ),
    (
        "order-by-output",
        "ORDER BY names something that is not an output column",
        "an output column",
    ),
    (
        "output-name",
        "an output column has no plain name of its own",
        "AS name, with each name once",
    ),
];
