//! What Snowflake's codes mean. Must not know how an answer came.

use crate::error::ErrorKind;

/// What an error code, with its SQL state, means for a statement that failed.
pub(crate) fn of_failure(code: &str, sql_state: &str) -> ErrorKind {
    use ErrorKind as Kind;
    match code {
        "002003" | "002043" | "390189" => Kind::MissingOrHidden,
        "003001" => Kind::PrivilegeMissing,
        "002002" => Kind::AlreadyExists,
        "001003" => Kind::Syntax,
        "000904" => Kind::NameUnknown,
        "100037" => Kind::ValueRefused,
        "506031" | "506032" | "506037" | "506038" => Kind::PolicyRefused,
        "000002" => Kind::Unsupported,
        "000606" => Kind::WarehouseMissing,
        "000604" => Kind::Canceled,
        "000630" => Kind::StatementTimeout,
        "000709" => Kind::StatementUnknown,
        "391908" => Kind::TooLarge,
        _ => of_state(sql_state),
    }
}

fn of_state(sql_state: &str) -> ErrorKind {
    use ErrorKind as Kind;
    match sql_state {
        "42501" => Kind::PrivilegeMissing,
        "42S02" => Kind::MissingOrHidden,
        "42710" => Kind::AlreadyExists,
        "42601" => Kind::Syntax,
        "23001" => Kind::PolicyRefused,
        "0A000" => Kind::Unsupported,
        "57P03" => Kind::WarehouseMissing,
        state if state.starts_with("22") => Kind::ValueRefused,
        _ => Kind::StatementFailed,
    }
}

/// What an error code means where the caller was not let in.
pub(crate) fn of_refusal(code: &str) -> ErrorKind {
    match code {
        "390114" | "390318" => ErrorKind::CredentialsExpired,
        "390422" => ErrorKind::AccessRefused,
        _ => ErrorKind::CredentialsRefused,
    }
}

#[cfg(test)]
mod tests {
    //! Every code that the API's pages and the twin name.
    use super::*;

    #[test]
    fn codes_before_states() {
        use ErrorKind as Kind;
        let known = [
            ("002003", "02000", Kind::MissingOrHidden),
            ("002003", "42S02", Kind::MissingOrHidden),
            ("003001", "42501", Kind::PrivilegeMissing),
            ("002002", "42710", Kind::AlreadyExists),
            ("001003", "42000", Kind::Syntax),
            ("000904", "42000", Kind::NameUnknown),
            ("100037", "22018", Kind::ValueRefused),
            ("100035", "22007", Kind::ValueRefused),
            ("506037", "23001", Kind::PolicyRefused),
            ("506999", "23001", Kind::PolicyRefused),
            ("000008", "0A000", Kind::Unsupported),
            ("000604", "57014", Kind::Canceled),
            ("000630", "57014", Kind::StatementTimeout),
            ("000709", "02000", Kind::StatementUnknown),
            ("000606", "57P03", Kind::WarehouseMissing),
            ("000900", "42601", Kind::Syntax),
            ("000603", "XX000", Kind::StatementFailed),
            ("", "", Kind::StatementFailed),
        ];
        for (code, state, kind) in known {
            assert_eq!(of_failure(code, state), kind, "{code} {state}");
        }
        assert_eq!(of_refusal("390318"), Kind::CredentialsExpired);
        assert_eq!(of_refusal("390144"), Kind::CredentialsRefused);
        assert_eq!(of_refusal("390422"), Kind::AccessRefused);
    }
}
