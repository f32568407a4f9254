//! Statements put together from this package's own words, names in quotation marks and texts in quotes. What others wrote has no
//! other way into one. Must not know what a statement is for.

use crate::entry::View;
use mappings::snowflake::SnowflakeText;
use snowflake_sql_api::{AccountIdentifier, Binding, Handle, Identifier, Statement, text_literal};

/// A statement that is being written. Nothing shows it but the request that it is sent in.
#[derive(Clone)]
pub(crate) struct Sql {
    text: Result<String, NotSaid>,
    bindings: Vec<Binding>,
}

/// Something that no statement can hold: a name that is none, or a text with NUL in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotSaid;

impl Sql {
    /// A statement that begins with these words.
    pub(crate) fn new(words: &'static str) -> Self {
        Self { text: Ok(words.to_owned()), bindings: Vec::new() }
    }

    fn put(mut self, piece: Result<&str, NotSaid>) -> Self {
        self.text = match (self.text, piece) {
            (Ok(mut text), Ok(piece)) => {
                text.push_str(piece);
                Ok(text)
            }
            (Err(NotSaid), _) | (_, Err(NotSaid)) => Err(NotSaid),
        };
        self
    }

    /// Words of this package, as they are.
    pub(crate) fn word(self, words: &'static str) -> Self {
        self.put(Ok(words))
    }

    /// A name, in quotation marks, exact in case.
    pub(crate) fn name(self, name: &str) -> Self {
        self.path(&[name])
    }

    /// Names one below the other.
    pub(crate) fn path(self, names: &[&str]) -> Self {
        let names = names.iter().map(|name| Identifier::new(*name));
        let path = names.collect::<Result<Vec<_>, _>>().map(|names| Identifier::path(&names));
        self.put(path.as_deref().map_err(|_| NotSaid))
    }

    /// Names in a list, each quoted.
    pub(crate) fn names<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut sql = self;
        for (at, name) in names.into_iter().enumerate() {
            sql = if at == 0 { sql } else { sql.word(", ") }.name(name);
        }
        sql
    }

    /// A text constant.
    pub(crate) fn text(self, text: &str) -> Self {
        let literal = text_literal(text);
        self.put(literal.as_deref().map_err(|_| NotSaid))
    }

    /// Text constants in a list.
    pub(crate) fn texts<'a>(self, texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut sql = self;
        for (at, text) in texts.into_iter().enumerate() {
            sql = if at == 0 { sql } else { sql.word(", ") }.text(text);
        }
        sql
    }

    /// A path of names as a text constant, as table functions take names.
    pub(crate) fn path_text(self, names: &[&str]) -> Self {
        let names = names.iter().map(|name| Identifier::new(*name));
        match names.collect::<Result<Vec<_>, _>>() {
            Ok(names) => self.text(&Identifier::path(&names)),
            Err(_) => self.put(Err(NotSaid)),
        }
    }

    /// A pattern of LIKE as a constant that finds names which begin so; an underscore of it may be any sign.
    pub(crate) fn beginning(self, with: &str) -> Self {
        self.text(&format!("{with}%"))
    }

    /// A whole number.
    pub(crate) fn number(self, number: u64) -> Self {
        self.put(Ok(&number.to_string()))
    }

    /// An account as sharing statements say it. One without such a name can't be said.
    pub(crate) fn account(self, account: &str) -> Self {
        let account = account.parse::<AccountIdentifier>().ok().and_then(|one| one.sharing());
        self.put(account.as_deref().ok_or(NotSaid))
    }

    /// The query of a view by which a dataset enters.
    pub(crate) fn view(self, view: &View) -> Self {
        self.put(Ok(view.query()))
    }

    /// A template's text.
    pub(crate) fn template(self, text: &SnowflakeText) -> Self {
        self.put(Ok(&text.sql))
    }

    /// The result of a statement that ended.
    pub(crate) fn result_of(self, handle: &Handle) -> Self {
        self.word("TABLE(RESULT_SCAN(").text(handle.as_str()).word("))")
    }

    /// A value for the next `?`.
    pub(crate) fn bind(mut self, value: Binding) -> Self {
        self.bindings.push(value);
        self
    }

    /// Its text alone, as the platform keeps it of a view.
    pub(crate) fn as_text(&self) -> Result<&str, NotSaid> {
        self.text.as_deref().map_err(|error| *error)
    }

    /// The statement.
    pub(crate) fn statement(self) -> Result<Statement, NotSaid> {
        let statement = Statement::new(self.text?);
        Ok(self.bindings.into_iter().fold(statement, Statement::bind))
    }
}

#[cfg(test)]
mod tests {
    //! What others wrote stays inside its quotes.
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_statement_is_its_words_and_quoted_names() {
        let sql = Sql::new("GRANT SELECT ON VIEW ").path(&["D", "s\"x", "V"]).word(" TO SHARE ");
        let sql = sql.name("S--").word(" COMMENT = ").text("it's \\ /* $$ */");
        let text = "GRANT SELECT ON VIEW \"D\".\"s\"\"x\".\"V\" TO SHARE \"S--\" COMMENT = 'it''s \\\\ /* $$ */'";
        assert_eq!(sql.as_text(), Ok(text));
        let names = Sql::new("(").names(["A", "b"]).word(")").number(7);
        assert_eq!(names.as_text(), Ok("(\"A\", \"b\")7"));
        assert_eq!(Sql::new("").texts(["A", "o'k"]).as_text(), Ok("'A', 'o''k'"));
        assert_eq!(Sql::new("").account("acme-one").as_text(), Ok("ACME.ONE"));
        assert_eq!(Sql::new("").path_text(&["D", "o'k"]).as_text(), Ok("'\"D\".\"o''k\"'"));
    }

    #[test]
    fn what_no_statement_can_hold_is_said_by_none() {
        let long = "x".repeat(256);
        let begun = || Sql::new("DROP SHARE ");
        for sql in [begun().name(""), begun().name(&long), begun().text("a\0"), begun().name("\0")]
        {
            assert_eq!(sql.word(" IF").as_text(), Err(NotSaid));
        }
        for account in ["XY12345", "a.b; DROP", "", "ACME.A, ACME.B"] {
            assert_eq!(begun().account(account).as_text(), Err(NotSaid), "{account}");
        }
    }

    proptest! {
        #[test]
        fn quotes_inside_are_even(name in "[^\0]{1,40}") {
            let sql = Sql::new("").name(&name);
            let inner = sql.as_text().unwrap();
            let inner = inner.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
            prop_assert_eq!(inner.replace("\"\"", "").matches('"').count(), 0);
            prop_assert_eq!(inner.replace("\"\"", "\""), name);
        }
    }
}
