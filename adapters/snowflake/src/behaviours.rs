//! What each room counts on of Snowflake: documented here and there, or guessed, and seen on no real account by whoever wrote this.
//! `airlock connections verify` tries it in an account; what an operator found there is said in its connections. Pure.

use crate::connection::Connections;
use adapter_spi::{Behaviour, Otherwise, Standing};
use mappings::model::PlatformId;
use mappings::table::Term;

/// That a text parameter stays a value, whatever signs it has.
pub(crate) const PARAMETERS_BOUND: &str = "parameters-bound";

/// That no runner can put another table where a text names one. The trial tries it in one account, which can refute it; to see it takes two, and
/// an operator's hands.
pub(crate) const PRESET_TABLES: &str = "preset-tables";

/// Code, what is counted on, what comes of it otherwise and why, whether a question of `connections verify` settles it, and the terms
/// that rest on it.
type Line = (&'static str, &'static str, (Otherwise, &'static str), bool, &'static [Term]);

const SHARES: &[Line] = &[
    (
        "policy-over-own-tables",
        "the aggregation policy of a shared view holds where whoever asks joins tables of its own",
        (
            Otherwise::Waived,
            "thresholds of a share are its owner's to waive, and nothing is given before",
        ),
        true,
        &[Term::Entity, Term::EntitiesMin],
    ),
    (
        "remainder-left-out",
        "the remainder row of a policy does not pass a text's HAVING",
        (
            Otherwise::Waived,
            "a row of merged groups may be read for one of a NULL key; its owner waived the class there",
        ),
        true,
        &[Term::Aggregate],
    ),
    (
        "revoked-mount",
        "an account that is removed from a share reads nothing more of it at once",
        (
            Otherwise::Closed,
            "a withdrawal is open on record until it is looked at and closed from the runner's own account",
        ),
        false,
        &[Term::RevokeDataset],
    ),
    (
        "running-query-cut",
        "what becomes of a query of another session when its grant goes",
        (
            Otherwise::Waived,
            "the gateway stops its own and delivers nothing of them; of others nothing is known, and that is waived",
        ),
        false,
        &[Term::RevokeRunning],
    ),
    (
        "case-in-aggregate",
        "a policy admits CASE inside an aggregate",
        (Otherwise::Closed, "the platform refuses the query and the run fails"),
        true,
        &[],
    ),
    (
        "view-text",
        "SHOW VIEWS gives a view's text byte for byte",
        (Otherwise::Closed, "a view with another text is none that was agreed: it is closed again"),
        true,
        &[],
    ),
    (
        "collation-shown",
        "DESC TABLE shows a collation in a column's type",
        (
            Otherwise::Differs,
            "keys of a column with a collation would be equal where bytes are not",
        ),
        true,
        &[],
    ),
    (
        "last-ddl",
        "LAST_DDL shows every change of a column at once",
        (
            Otherwise::Differs,
            "a column that changed is described again within the hour, whatever is said",
        ),
        true,
        &[],
    ),
    (
        "refused-accounts",
        "accounts out of reach, and of a lower edition, are refused with codes 003019 and 003020",
        (
            Otherwise::Closed,
            "a refusal with another code is one all the same, and is told by its kind",
        ),
        false,
        &[],
    ),
    (
        "result-scan",
        "COPY INTO takes RESULT_SCAN of a statement of the same user's",
        (Otherwise::Closed, "the run fails"),
        true,
        &[],
    ),
    LETTERS,
    OVERFLOW,
];

const LETTERS: Line = (
    "letters",
    "letters whose other case is several letters become what they become in the native room",
    (Otherwise::Differs, "texts with such letters may be grouped otherwise"),
    true,
    &[],
);

const OVERFLOW: Line = (
    "float-overflow",
    "a float that overflows is infinite",
    (Otherwise::Closed, "the run fails"),
    true,
    &[],
);

const COLLABORATIONS: &[Line] = &[
    (
        "procedures-return-rows",
        "procedures of the API answer rows over the SQL API",
        (Otherwise::Closed, "nothing is seen there, so that nothing is given"),
        true,
        &[],
    ),
    (
        "run-returns-rows",
        "RUN answers rows over the SQL API",
        (Otherwise::Closed, "the run fails"),
        true,
        &[],
    ),
    (
        "run-scanned",
        "RESULT_SCAN reads what RUN answered",
        (Otherwise::Closed, "rows are taken out of the answer itself"),
        true,
        &[],
    ),
    (
        "quoted-names",
        "a quoted lower-case name stays as it is in an offering",
        (Otherwise::Closed, "the offering is refused, or the text finds no column and fails"),
        true,
        &[Term::HashedKey],
    ),
    (
        PRESET_TABLES,
        "the preset tables of a template bind every runner",
        (
            Otherwise::Closed,
            "nothing is given where a runner reads others' data until an operator says that this was seen",
        ),
        false,
        &[Term::TemplateText],
    ),
    (
        PARAMETERS_BOUND,
        "values are bound and not put into the text",
        (
            Otherwise::Closed,
            "texts with quotes, backslashes, braces or control signs are refused until an operator says that this was seen",
        ),
        true,
        &[Term::Parameters],
    ),
    (
        "activation-block",
        "the form of an activation is accepted",
        (Otherwise::Closed, "no activation is brought home from there"),
        false,
        &[Term::Activation],
    ),
    (
        "unlinked",
        "after UNLINK a run is refused, and how soon",
        (
            Otherwise::Closed,
            "the view is dropped first, and a withdrawal is open on record until it is looked at and closed",
        ),
        true,
        &[Term::RevokeDataset],
    ),
    (
        "view-dropped",
        "after DROP VIEW a run is refused",
        (Otherwise::Closed, "the data is unlinked as well"),
        true,
        &[],
    ),
    (
        "running-query-cut",
        "what becomes of a run when its data is unlinked",
        (
            Otherwise::Closed,
            "the gateway cancels runs of runners that it operates, and delivers nothing of them",
        ),
        false,
        &[Term::RevokeRunning],
    ),
    (
        "query-history-of-the-application",
        "the application's own database lists statements, so that runs are found and stopped",
        (Otherwise::Closed, "other databases are asked, and nothing of a run is delivered"),
        true,
        &[],
    ),
    (
        "torn-down",
        "a collaboration is torn down by two calls",
        (Otherwise::Closed, "it is open on record until it is gone"),
        true,
        &[],
    ),
    LETTERS,
    OVERFLOW,
];

/// What a room counts on. Nothing of a platform that is not Snowflake's.
#[must_use]
pub fn behaviours(platform: &PlatformId, connections: Option<&Connections>) -> Vec<Behaviour> {
    let lines = match platform.as_str() {
        "snowflake" => SHARES,
        "snowflake-dcr" => COLLABORATIONS,
        _ => &[],
    };
    let one = |(code, expects, (otherwise, reason), settled, terms): &Line| Behaviour {
        code: (*code).to_owned(),
        expects: (*expects).to_owned(),
        standing: if connections
            .is_some_and(|to| is_said(code, *settled) && to.verified.contains(*code))
        {
            Standing::Verified
        } else {
            Standing::Unverified
        },
        otherwise: *otherwise,
        reason: (*reason).to_owned(),
        settled_by: settled.then(|| (*code).to_owned()),
        terms: terms.to_vec(),
    };
    lines.iter().map(one).collect()
}

/// Whether an operator can say that it saw something: what the trial settles, and what it tried by hand.
fn is_said(code: &str, settled: bool) -> bool {
    settled || code == PRESET_TABLES
}

/// What an operator says that it saw and that nothing asks for.
#[must_use]
pub fn unknown(verified: &Connections) -> Vec<&str> {
    let asked = |code: &str| {
        let mut all = SHARES.iter().chain(COLLABORATIONS);
        all.any(|(known, _, _, settled, _)| is_said(known, *settled) && *known == code)
    };
    verified.verified.iter().map(String::as_str).filter(|code| !asked(code)).collect()
}

/// What a text may not have that could be more than a value where it was put into a statement, within quotation marks or without any.
const TELLING: &str = "'\"\\{}$();\u{2028}\u{2029}";
const COMMENTS: [&str; 3] = ["--", "/*", "//"];

/// Whether a text is a value at most, wherever it was put into a statement instead of bound.
pub(crate) fn is_plain(text: &str) -> bool {
    let telling = |c: char| c.is_control() || TELLING.contains(c);
    !text.contains(telling) && !COMMENTS.iter().any(|mark| text.contains(mark))
}

#[cfg(test)]
mod tests {
    //! What is said here is what tables say, and what `connections verify` asks.
    use super::*;
    use mappings::table::{Table, snowflake, snowflake_dcr};
    use std::collections::BTreeSet;

    fn rooms() -> [(PlatformId, Table); 2] {
        let tables = (snowflake().unwrap(), snowflake_dcr().unwrap());
        [(PlatformId::snowflake(), tables.0), (PlatformId::snowflake_dcr(), tables.1)]
    }

    #[test]
    fn every_term_that_rests_on_something_unseen_says_so_and_no_other() {
        for (platform, table) in rooms() {
            let all = behaviours(&platform, None);
            assert!(all.iter().all(|one| one.standing == Standing::Unverified));
            let codes: BTreeSet<&str> = all.iter().map(|one| one.code.as_str()).collect();
            assert_eq!(codes.len(), all.len(), "{platform}");
            let rest: BTreeSet<Term> = all.iter().flat_map(|one| one.terms.clone()).collect();
            let says =
                table.term.iter().filter(|row| row.reason.contains(Standing::Unverified.words()));
            assert_eq!(rest, says.map(|row| row.term).collect(), "{platform}");
        }
    }

    /// What would admit more is nobody's but an owner's to waive.
    #[test]
    fn what_is_waived_is_a_term_that_waits_for_a_waiver() {
        use mappings::table::{Fidelity, Residual};
        for (platform, table) in rooms() {
            for one in behaviours(&platform, None) {
                let waits = |term: &Term| {
                    let row = table.row(*term).unwrap();
                    (row.fidelity, row.residual) == (Fidelity::Wider, Residual::None)
                };
                if one.otherwise == Otherwise::Waived {
                    assert!(one.terms.iter().any(waits), "{platform}: {}", one.code);
                }
            }
        }
    }

    /// The value by which the trial settles it has everything that is refused until then.
    #[test]
    fn the_trial_tries_whatever_is_refused() {
        use crate::collaboration::HOSTILE;
        assert!(TELLING.chars().all(|c| HOSTILE.contains(c)));
        assert!(COMMENTS.iter().all(|mark| HOSTILE.contains(mark)));
        assert!(HOSTILE.chars().any(char::is_control));
        for raw in ["NULL AS VARCHAR) OR TRUE OR (NULL", "1; DROP VIEW x", "x", "segment 0"] {
            assert_eq!(is_plain(raw), !raw.contains([')', ';']), "{raw}");
        }
    }

    #[test]
    fn an_operator_can_say_what_it_saw_and_nothing_else() {
        let verified = |codes: &[&str]| Connections {
            verified: codes.iter().map(|code| (*code).to_owned()).collect(),
            ..Connections::default()
        };
        let seen = verified(&["parameters-bound", "preset-tables", "revoked-mount", "view-texts"]);
        assert_eq!(unknown(&seen), ["revoked-mount", "view-texts"], "one account can't settle it");
        let seen = behaviours(&PlatformId::snowflake_dcr(), Some(&seen));
        let seen: Vec<&str> = seen
            .iter()
            .filter(|one| one.standing == Standing::Verified)
            .map(|one| one.code.as_str())
            .collect();
        assert_eq!(seen, ["preset-tables", "parameters-bound"]);
        assert!(behaviours(&PlatformId::native(), None).is_empty());
    }
}
