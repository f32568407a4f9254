//! The words of the language: keywords as they are, types by their Spark names, and which words are functions.

use super::{Said, unsaid};

const KEYWORDS: [&str; 45] = [
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CROSS",
    "DESC",
    "DISTINCT",
    "ELSE",
    "END",
    "FALSE",
    "FIRST",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "IS",
    "JOIN",
    "LAST",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "NULLS",
    "ON",
    "OR",
    "ORDER",
    "OVER",
    "PARTITION",
    "SELECT",
    "THEN",
    "TRUE",
    "WHEN",
    "WHERE",
    "WITH",
    "YEAR",
    "QUARTER",
    "MONTH",
    "WEEK",
    "DAY",
    "DOY",
    "HOUR",
    "OFFSET",
];

const FUNCTIONS: [&str; 31] = [
    "COUNT",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "COALESCE",
    "NULLIF",
    "ABS",
    "ROUND",
    "FLOOR",
    "CEIL",
    "GREATEST",
    "LEAST",
    "LOWER",
    "UPPER",
    "TRIM",
    "LTRIM",
    "RTRIM",
    "SUBSTR",
    "CHARACTER_LENGTH",
    "CONCAT",
    "CAST",
    "TRY_CAST",
    "EXTRACT",
    "DATE_TRUNC",
    "ROW_NUMBER",
    "RANK",
    "DENSE_RANK",
    "AIRLOCK_TOKEN",
    "AIRLOCK_HASHED",
    "AIRLOCK_AT_LEAST",
];

/// Whether a word before brackets is a function of the list.
pub(super) fn is_function(word: &str) -> bool {
    FUNCTIONS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// A keyword, in capitals.
pub(super) fn keyword(word: &str) -> Said<&'static str> {
    match KEYWORDS.iter().find(|known| known.eq_ignore_ascii_case(word)) {
        Some(known) => Ok(known),
        None => unsaid("a word outside the list", "the words of the language"),
    }
}

/// A type by its Spark name.
pub(super) fn type_name(word: &str) -> Said<&'static str> {
    Ok(match word {
        "BIGINT" => "BIGINT",
        "DOUBLE" => "DOUBLE",
        "VARCHAR" => "STRING",
        "BOOLEAN" => "BOOLEAN",
        "DATE" => "DATE",
        "TIMESTAMP" => "TIMESTAMP",
        "BYTEA" => "BINARY",
        _ => {
            return unsaid(
                "a type outside the list",
                "int64, float64, utf8, boolean, date or timestamp",
            );
        }
    })
}
