//! The stable codes of refusals, each with what it means. Tools and documents may rely on them.

macro_rules! codes {
    ($($name:ident, $code:literal, $doc:literal;)*) => {
        $(#[doc = $doc] pub(crate) const $name: &str = $code;)*

        /// Every code and its meaning.
        pub const CODES: &[(&str, &str)] = &[$(($code, $doc)),*];
    };
}

codes! {
    TEMPLATE_UNKNOWN, "template-unknown", "the agreement has no template of this name";
    GROWTH, "grows-too-large", "an expression that repeats itself through stages, until no engine can plan or hold it";
    TOO_LONG, "template-too-long", "the text is longer than 64 KiB";
    SYNTAX, "syntax", "the text is not one SQL query, or nests too deeply";
    STATEMENT, "statement", "only one SELECT may run: no DDL, DML, COPY, SET or second statement";
    CLAUSE, "clause", "a clause outside the language of templates";
    SET_OPERATION, "set-operation", "UNION, INTERSECT, EXCEPT and VALUES are outside the language";
    DISTINCT, "distinct", "SELECT DISTINCT: group instead, so that the threshold applies";
    STAR, "star", "a star names columns without naming them";
    SUBQUERY, "subquery", "a subquery inside an expression";
    EXPRESSION, "expression", "an expression outside the language";
    FUNCTION, "function", "a function outside the allow-list, or with the wrong arguments";
    TYPE, "type", "the types don't fit";
    PARAMETER, "parameter", "a parameter that is not declared, or where none may stand";
    DATASET_UNKNOWN, "dataset-unknown", "no dataset or stage of this name";
    COLUMN_UNKNOWN, "column-unknown", "what the agreement does not list does not exist";
    COLUMN_AMBIGUOUS, "column-ambiguous", "two relations have this column";
    NAME, "name", "a name that shadows a dataset, repeats, or is reserved";
    JOIN_KIND, "join-kind", "only INNER and LEFT joins with ON";
    JOIN_KEY, "join-key", "datasets join on match keys of one kind, and on nothing less";
    JOIN_REQUIRED, "join-required", "the dataset may only be used matched with another member's data";
    KEY_SPACE, "key-space", "two stages whose entities were matched by different datasets can't be joined";
    MATCH_KEY, "match-key", "a match key outside equality joins and COUNT(DISTINCT)";
    MEASURE, "measure-outside-aggregate", "a measure outside its aggregates";
    AGGREGATE, "aggregate-not-allowed", "an aggregate that the owner does not allow on this column";
    CONDITIONAL_AGGREGATE, "conditional-aggregate", "a condition inside an aggregate counts a group that no threshold sees";
    NESTED_AGGREGATE, "aggregate-place", "an aggregate where none may stand";
    FILTER_COLUMN, "filter-only", "a filter column outside WHERE";
    NOT_GROUPED, "not-grouped", "a column that is neither grouped nor aggregated";
    DERIVED_FILTER, "derived-filter", "a condition on a per-entity value before the threshold";
    ORACLE, "oracle-before-threshold", "HAVING, ORDER BY, LIMIT or a window over rows that no threshold has passed";
    ENTITY_LOST, "entity-lost", "a stage dropped the entity that the threshold counts";
    MIXED_STAGES, "mixed-stages", "released rows joined with rows that are not";
    UNRELEASED, "unreleased-output", "rows that no threshold has passed would leave";
    RECEIVER, "receiver-not-allowed", "the dataset's rule does not allow this receiver";
    ACTIVATION, "activation-not-allowed", "the dataset's rule does not allow activation to this receiver";
    ACTIVATION_COLUMN, "activation-column", "a column that may not leave in an activation";
    ACTIVATION_SHAPE, "activation-shape", "an activation is one plain SELECT of columns";
    ORDER_BY, "order-by-output", "ORDER BY names something that is not an output column";
    OUTPUT, "output-name", "an output column without a plain name of its own";
}
