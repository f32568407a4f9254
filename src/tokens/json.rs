//! JSON as tokens and keys have it, read strictly: an object with one name twice, or more depth than allowed, is not read at all, so no two
//! readers can understand it differently. Must not know what is in it.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    /// `null`, and numbers that are no integers of 64 bits: nothing here is made of them.
    Other,
    /// `true` or `false`.
    Flag(bool),
    /// A number without a fraction or an exponent.
    Integer(i64),
    /// A text.
    Text(String),
    /// An array.
    List(Vec<Self>),
    /// An object.
    Object(Object),
}

/// Names and values.
pub(super) type Object = BTreeMap<String, Json>;

/// Why it is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is not an object in JSON.
    Malformed,
    /// An object has one name twice.
    Repeated,
    /// Too many in one another.
    Deep,
}

impl Json {
    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The integer, if it is one.
    pub(super) fn integer(&self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(*number) } else { None }
    }

    /// All texts of an array of texts.
    pub(super) fn texts(&self) -> Option<Vec<&str>> {
        if let Self::List(list) = self { list.iter().map(Self::text).collect() } else { None }
    }
}

/// An object with nothing around it; it is the first of the depth.
pub(super) fn object(bytes: &[u8], depth_max: usize) -> Result<Object, Unread> {
    let why = Cell::new(Unread::Malformed);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = Value { left: depth_max, why: &why }.deserialize(&mut reader);
    match (read, reader.end()) {
        (Ok(Json::Object(object)), Ok(())) => Ok(object),
        (Ok(_), _) => Err(Unread::Malformed),
        (Err(_), _) => Err(why.get()),
    }
}

/// What may still be in one another.
#[derive(Clone, Copy)]
struct Value<'a> {
    left: usize,
    why: &'a Cell<Unread>,
}

impl Value<'_> {
    fn within<E: serde::de::Error>(self) -> Result<Self, E> {
        let left = self.left.checked_sub(1).ok_or_else(|| self.no(Unread::Deep))?;
        Ok(Self { left, ..self })
    }

    fn no<E: serde::de::Error>(self, why: Unread) -> E {
        self.why.set(why);
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Json;
    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Json, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Flag(flag))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(i64::try_from(number).map_or(Json::Other, Json::Integer))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let within = self.within()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(within)? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let within = self.within()?;
        let mut object = Object::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(within)?;
            if object.insert(name, value).is_some() {
                return Err(self.no(Unread::Repeated));
            }
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Object, Unread> {
        object(text.as_bytes(), 4)
    }

    #[test]
    fn values_are_what_they_are() {
        let text = r#" {"i": -7, "f": 7.0, "e": 7e0, "big": 9223372036854775808, "t": "\u00e4", "n": null, "b": true, "l": ["a", "b"], "m": ["a", 1], "o": {}} "#;
        let object = read(text).unwrap();
        assert_eq!(object["i"].integer(), Some(-7));
        for other in ["f", "e", "big", "n"] {
            assert_eq!(object[other], Json::Other, "{other}");
        }
        assert_eq!(object["t"].text(), Some("ä"));
        assert_eq!(object["b"], Json::Flag(true));
        assert_eq!(object["l"].texts(), Some(vec!["a", "b"]));
        assert_eq!((object["m"].texts(), object["t"].texts()), (None, None));
        assert_eq!(object["o"], Json::Object(Object::new()));
    }

    #[test]
    fn a_name_twice_is_refused_wherever_it_is() {
        for text in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"a": 1, "\u0061": 2}"#,
            r#"{"o": {"a": 1, "b": 2, "a": 3}}"#,
            r#"{"l": [{"a": 1, "a": 2}]}"#,
        ] {
            assert_eq!(read(text), Err(Unread::Repeated), "{text}");
        }
        assert!(read(r#"{"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}]}"#).is_ok());
    }

    #[test]
    fn depth_ends() {
        assert!(read(r#"{"a": [[[1]]]}"#).is_ok());
        assert_eq!(read(r#"{"a": [[[[1]]]]}"#), Err(Unread::Deep));
        assert!(read(r#"{"a": {"a": {"a": {"a": 1}}}}"#).is_ok());
        assert_eq!(read(r#"{"a": {"a": {"a": {"a": {}}}}}"#), Err(Unread::Deep));
        let deep = format!("{{\"a\": {}1", "[".repeat(100_000));
        assert_eq!(read(&deep), Err(Unread::Deep));
    }

    #[test]
    fn what_is_no_object_alone_is_not_read() {
        for text in [
            "",
            "1",
            "[]",
            "null",
            "\"{}\"",
            "{} {}",
            "{}x",
            "{\"a\": 1,}",
            "{a: 1}",
            "{\"a\": 01}",
            "{\"a\": NaN}",
            "{\"a\": 1e999}",
            "\u{feff}{}",
            "{\"a\": \"\\ud800\"}",
            "{\"a\": \"\n\"}",
            "{} // b",
        ] {
            assert_eq!(read(text), Err(Unread::Malformed), "{text:?}");
        }
        assert_eq!(object(b"{\"a\": \"\xff\"}", 4), Err(Unread::Malformed));
        assert_eq!(object(b"{}\0", 4), Err(Unread::Malformed));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_read_is_read_alike_elsewhere(text in r#"\{("[ab]":([0-9]{1,3}|"x"|\[\]|\{("[ab]":1,?){0,2}\}),?){0,3}\}"#) {
            let theirs = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
            match read(&text) {
                Ok(ours) => prop_assert_eq!(ours.len(), theirs.unwrap().len()),
                Err(Unread::Malformed) => prop_assert!(theirs.is_err()),
                Err(Unread::Repeated) => prop_assert!(text.matches(r#""a""#).count() > 1 || text.matches(r#""b""#).count() > 1),
                Err(Unread::Deep) => prop_assert!(false, "nothing there is deep"),
            }
        }
    }
}
