//! An agreement as a file for people: fields in their usual order, a column a line, remarks above what they are about. Reading the
//! file gives the same agreement. Must not know where the agreement came from.

use super::lexical::{hidden_character, shows_nothing};
use super::literal::type_name;
use crate::model::{
    Ability, Aggregate, Agreement, AnalysisRule, Column, ColumnUse, Dataset, Hashed, JoinRule,
    Literal, Location, MatchKey, Member, Normaliser, Parameter, ResultClass, Room, Template,
};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Remarks, each by the dotted path of the field above which it stands.
pub type Remarks = BTreeMap<String, Vec<String>>;

/// The file.
#[must_use]
pub fn written(agreement: &Agreement, remarks: &Remarks) -> String {
    let mut file = File { text: String::new(), remarks };
    file.agreement(agreement);
    file.text
}

struct File<'a> {
    text: String,
    remarks: &'a Remarks,
}

impl File<'_> {
    fn line(&mut self, depth: usize, path: &str, line: &str) {
        let indent = "  ".repeat(depth);
        for remark in self.remarks.get(path).into_iter().flatten() {
            let plain: String = remark.chars().map(|c| if is_shown(c) { c } else { ' ' }).collect();
            let _ = writeln!(self.text, "{indent}# {plain}");
        }
        let _ = writeln!(self.text, "{indent}{line}");
    }

    fn agreement(&mut self, of: &Agreement) {
        self.line(0, "agreement", "agreement: v1");
        self.line(
            0,
            "collaboration",
            &format!("collaboration: {}", scalar(&of.collaboration.to_string())),
        );
        if !of.description.is_empty() {
            self.line(0, "description", &format!("description: {}", quoted(&of.description)));
        }
        if !of.residency.is_empty() {
            self.line(0, "residency", &format!("residency: {}", ids(&of.residency)));
        }
        self.map("members", of.members.is_empty());
        for (id, member) in &of.members {
            self.line(1, &format!("members.{id}"), &format!("{id}: {}", said_member(member)));
        }
        self.line(0, "rooms", "rooms:");
        for (n, room) in of.rooms.iter().enumerate() {
            self.line(1, &format!("rooms.{n}"), &format!("- {}", said_room(room)));
        }
        self.map("datasets", of.datasets.is_empty());
        for (name, dataset) in &of.datasets {
            self.dataset(&format!("datasets.{name}"), name.as_str(), dataset);
        }
        self.map("templates", of.templates.is_empty());
        for (name, template) in &of.templates {
            self.template(&format!("templates.{name}"), name.as_str(), template);
        }
        let (runs, within) = (of.limits.runs_max, window(of.limits.within_s));
        self.line(0, "limits", &format!("limits: {{ runs_max: {runs}, within: {within} }}"));
        self.map("destinations", of.destinations.is_empty());
        for (id, place) in &of.destinations {
            self.line(1, &format!("destinations.{id}"), &format!("{id}: {}", quoted(place)));
        }
    }

    fn map(&mut self, name: &str, is_empty: bool) {
        self.line(0, name, &format!("{name}:{}", if is_empty { " {}" } else { "" }));
    }

    fn dataset(&mut self, path: &str, name: &str, of: &Dataset) {
        self.line(1, path, &format!("{name}:"));
        self.line(
            2,
            &format!("{path}.owner"),
            &format!("owner: {}", scalar(&of.owner.to_string())),
        );
        self.line(2, &format!("{path}.at"), "at:");
        for (platform, place) in &of.at {
            let place = said_place(place);
            self.line(3, &format!("{path}.at.{platform}"), &format!("{platform}: {place}"));
        }
        self.line(
            2,
            &format!("{path}.entity"),
            &format!("entity: {}", scalar(&of.entity.to_string())),
        );
        self.line(2, &format!("{path}.columns"), "columns:");
        for (column, declared) in &of.columns {
            let said = said_column(declared);
            self.line(3, &format!("{path}.columns.{column}"), &format!("{column}: {said}"));
        }
        self.line(2, &format!("{path}.rule"), &format!("rule: {}", said_rule(&of.rule)));
        if let Some(consent) = &of.consent {
            let granted = constants(&consent.granted);
            let (from, kind) = (scalar(&consent.from), type_name(consent.r#type));
            let said = format!("consent: {{ from: {from}, type: {kind}, granted: {granted} }}");
            self.line(2, &format!("{path}.consent"), &said);
        }
        if !of.rows.is_empty() {
            self.line(2, &format!("{path}.rows"), "rows:");
        }
        for (n, row) in of.rows.iter().enumerate() {
            let mut said =
                vec![("from", scalar(&row.from)), ("type", type_name(row.r#type).into())];
            said.extend((!row.any_of.is_empty()).then(|| ("any_of", constants(&row.any_of))));
            said.extend(row.min.as_ref().map(|min| ("min", constant(min))));
            said.extend(row.max.as_ref().map(|max| ("max", constant(max))));
            self.line(3, &format!("{path}.rows.{n}"), &format!("- {}", flow(&said)));
        }
    }

    fn template(&mut self, path: &str, name: &str, of: &Template) {
        let class = match of.class {
            ResultClass::Aggregate => "aggregate",
            ResultClass::Activation => "activation",
        };
        self.line(1, path, &format!("{name}:"));
        self.line(2, &format!("{path}.class"), &format!("class: {class}"));
        match block(&of.sql) {
            Some(mark) => {
                self.line(2, &format!("{path}.sql"), &format!("sql: {mark}"));
                for line in of.sql.lines() {
                    let indent = if line.is_empty() { "" } else { "      " };
                    let _ = writeln!(self.text, "{indent}{line}");
                }
            }
            None => self.line(2, &format!("{path}.sql"), &format!("sql: {}", quoted(&of.sql))),
        }
        if !of.parameters.is_empty() {
            self.line(2, &format!("{path}.parameters"), "parameters:");
        }
        for (name, parameter) in &of.parameters {
            let said = said_parameter(parameter);
            self.line(3, &format!("{path}.parameters.{name}"), &format!("{name}: {said}"));
        }
        self.line(2, &format!("{path}.run_by"), &format!("run_by: {}", ids(&of.run_by)));
        let received = ids(&of.received_by);
        self.line(2, &format!("{path}.received_by"), &format!("received_by: {received}"));
    }
}

fn said_member(of: &Member) -> String {
    let ability = |one: &Ability| match one {
        Ability::Contribute => "contribute",
        Ability::Run => "run",
        Ability::Receive => "receive",
        Ability::Pay => "pay",
    };
    let abilities = of.abilities.iter().map(ability).collect::<Vec<_>>().join(", ");
    let mut said = vec![("name", scalar(&of.name)), ("abilities", format!("[{abilities}]"))];
    if !of.identity.is_empty() {
        let own: Vec<(&str, String)> =
            of.identity.iter().map(|(of, own)| (of.as_str(), quoted(own))).collect();
        said.push(("identity", flow(&own)));
    }
    said.extend(of.key.as_ref().map(|key| ("key", quoted(key))));
    flow(&said)
}

fn said_room(of: &Room) -> String {
    of.region.as_ref().map_or_else(
        || of.platform.to_string(),
        |region| flow(&[("platform", of.platform.to_string()), ("region", region.to_string())]),
    )
}

fn said_place(of: &Location) -> String {
    match of {
        Location::Name(name) => quoted(name),
        Location::Glue { glue } => {
            let parts: Vec<(&str, String)> =
                glue.iter().map(|(part, name)| (part.as_str(), scalar(name))).collect();
            flow(&[("glue", flow(&parts))])
        }
    }
}

fn said_column(of: &Column) -> String {
    let kind = type_name(of.r#type).to_owned();
    let activate = of.activate.then(|| ("activate", "true".to_owned()));
    let from = ("from", scalar(&of.from));
    match &of.r#use {
        ColumnUse::Match { keys } => {
            if let [key] = keys.as_slice() {
                let mut said = key_fields(key);
                said.insert(2, ("use", "match".to_owned()));
                return flow(&said);
            }
            let keys: Vec<String> = keys.iter().map(|key| flow(&key_fields(key))).collect();
            let keys = format!("[{}]", keys.join(", "));
            flow(&[("type", kind), ("use", "match".to_owned()), ("keys", keys)])
        }
        ColumnUse::Dimension => {
            let said = [from, ("type", kind), ("use", "dimension".to_owned())];
            flow(&said.into_iter().chain(activate).collect::<Vec<_>>())
        }
        ColumnUse::Filter => {
            let said = [from, ("type", kind), ("use", "filter".to_owned())];
            flow(&said.into_iter().chain(activate).collect::<Vec<_>>())
        }
        ColumnUse::Measure { aggregates } => {
            let named = aggregates.iter().map(|one| named(*one)).collect::<Vec<_>>().join(", ");
            let uses = ("use", "measure".to_owned());
            let said = [from, ("type", kind), uses, ("aggregates", format!("[{named}]"))];
            flow(&said.into_iter().chain(activate).collect::<Vec<_>>())
        }
    }
}

fn key_fields(of: &MatchKey) -> Vec<(&'static str, String)> {
    let mut said = vec![
        ("from", scalar(&of.from)),
        ("type", type_name(of.r#type).to_owned()),
        ("key", scalar(&of.key.to_string())),
    ];
    let form = of.hashed.map(|hashed| match hashed {
        Hashed::Sha256Hex => "sha256-hex",
        Hashed::Sha256Bytes => "sha256-bytes",
        Hashed::HmacBytes => "hmac-bytes",
        Hashed::HmacHex => "hmac-hex",
    });
    let normalised = match of.normalise {
        Normaliser::Email => "email",
        Normaliser::Phone => "phone",
        Normaliser::PhoneUs => "phone-us",
        Normaliser::DeviceId => "device-id",
        Normaliser::LowerTrim => "lower-trim",
        Normaliser::None => "none",
    };
    let last = form.map_or(("normalise", normalised), |form| ("hashed", form));
    said.push((last.0, last.1.to_owned()));
    said
}

const fn named(of: Aggregate) -> &'static str {
    match of {
        Aggregate::Count => "count",
        Aggregate::CountDistinct => "count-distinct",
        Aggregate::Sum => "sum",
        Aggregate::Avg => "avg",
        Aggregate::Min => "min",
        Aggregate::Max => "max",
    }
}

fn said_rule(of: &AnalysisRule) -> String {
    let join = match of.join {
        JoinRule::Required => "required",
        JoinRule::Optional => "optional",
    };
    let mut said = vec![("entities_min", of.entities_min.to_string()), ("join", join.to_owned())];
    said.extend(of.receivers.as_ref().map(|receivers| ("receivers", ids(receivers))));
    said.extend(of.activation.as_ref().map(|rule| {
        let least = rule.audience_min.to_string();
        ("activation", flow(&[("to", ids(&rule.to)), ("audience_min", least)]))
    }));
    flow(&said)
}

fn said_parameter(of: &Parameter) -> String {
    let mut said = vec![("type", type_name(of.r#type).to_owned())];
    said.extend(of.min.as_ref().map(|min| ("min", constant(min))));
    said.extend(of.max.as_ref().map(|max| ("max", constant(max))));
    said.extend((!of.values.is_empty()).then(|| ("values", constants(&of.values))));
    said.extend(of.default.as_ref().map(|default| ("default", constant(default))));
    flow(&said)
}

fn flow(fields: &[(&str, String)]) -> String {
    let said: Vec<String> = fields.iter().map(|(name, said)| format!("{name}: {said}")).collect();
    format!("{{ {} }}", said.join(", "))
}

fn listed<T: ToString>(of: impl IntoIterator<Item = T>) -> String {
    let all: Vec<String> = of.into_iter().map(|one| one.to_string()).collect();
    format!("[{}]", all.join(", "))
}

/// Names in a list: a name may be a word that YAML reads as something else.
fn ids<T: ToString>(of: impl IntoIterator<Item = T>) -> String {
    listed(of.into_iter().map(|one| scalar(&one.to_string())))
}

fn constants(of: &[Literal]) -> String {
    listed(of.iter().map(constant))
}

fn constant(of: &Literal) -> String {
    match of {
        Literal::Boolean(value) => value.to_string(),
        Literal::Int64(value) => value.to_string(),
        Literal::Float64(value) => format!("{value:?}"),
        Literal::Utf8(value) => quoted(value),
    }
}

/// A window of time in the largest unit that says it.
fn window(seconds: u64) -> String {
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    // A day is better known as 24 hours.
    let whole = units
        .into_iter()
        .find(|(unit, sign)| seconds.is_multiple_of(*unit) && (*sign != 'd' || seconds > *unit));
    whole.map_or_else(|| format!("{seconds}s"), |(unit, sign)| format!("{}{sign}", seconds / unit))
}

/// A text plain where nobody can take it for anything else, else in quotes.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 10] =
        ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "undefined"];
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    let sign = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b' ' | b'.');
    let word = WORDS.iter().any(|word| word.eq_ignore_ascii_case(text));
    let ends = !text.ends_with(' ');
    if first && ends && !word && text.bytes().all(sign) { text.to_owned() } else { quoted(text) }
}

/// A text in quotes, what hides written as an escape.
fn quoted(text: &str) -> String {
    let mut said = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => said.extend(['\\', c]),
            '\n' => said.push_str("\\n"),
            '\t' => said.push_str("\\t"),
            '\r' => said.push_str("\\r"),
            c if is_shown(c) => said.push(c),
            c => {
                let _ = write!(said, "\\U{:08x}", u32::from(c));
            }
        }
    }
    said.push('"');
    said
}

fn is_shown(c: char) -> bool {
    c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric()
}

/// How a text of several lines begins, where it can stand as it is.
fn block(text: &str) -> Option<&'static str> {
    let plain = |c: char| c == '\n' || is_shown(c) || !(shows_nothing(c) || c.is_whitespace());
    let begins = text.chars().next().is_some_and(|c| c != ' ' && c != '\n');
    if !begins || !text.chars().all(plain) || hidden_character(text).is_some() {
        return None;
    }
    let (bare, ends) = text.strip_suffix('\n').map_or((text, false), |bare| (bare, true));
    (!bare.ends_with('\n')).then_some(if ends { "|" } else { "|-" })
}

#[cfg(test)]
mod tests {
    //! What is written is read back as it was, whatever stands in it.
    use super::*;
    use crate::agreement::read;
    use proptest::prelude::*;

    const WHOLE: &str = include_str!("../../tests/corpus/agreement.yaml");

    fn again(agreement: &Agreement) -> Agreement {
        let text = written(agreement, &Remarks::new());
        read(&text).unwrap_or_else(|found| panic!("{found:#?}\n{text}"))
    }

    #[test]
    fn every_term_comes_back() {
        let whole = read(WHOLE).unwrap();
        assert_eq!(again(&whole), whole);
        let shared = read(include_str!("../../../src/demo/agreement.yaml")).unwrap();
        assert_eq!(again(&shared), shared);
    }

    #[test]
    fn names_that_are_words_of_yaml_come_back() {
        let whole = serde_json::to_string(&read(WHOLE).unwrap()).unwrap();
        for word in ["null", "true", "no", "y"] {
            for name in ["\"grocer\"", "\"household\""] {
                assert!(whole.contains(name), "{name}");
                let one = whole.replace(name, &format!("\"{word}\""));
                let one: Agreement = serde_json::from_str(&one).unwrap();
                let text = written(&one, &Remarks::new());
                assert!(read(&text).is_ok_and(|again| again == one), "{text}");
            }
        }
    }

    #[test]
    fn remarks_stand_above_what_they_are_about_and_are_one_line() {
        let whole = read(WHOLE).unwrap();
        let path = "datasets.sales.rule".to_owned();
        let remarks = Remarks::from([(path, vec!["chosen\nagreement: v2".to_owned()])]);
        let text = written(&whole, &remarks);
        assert!(
            text.contains("    # chosen agreement: v2\n    rule: { entities_min: 100"),
            "{text}"
        );
        assert_eq!(read(&text).unwrap(), whole);
    }

    #[test]
    fn a_window_is_said_in_its_largest_unit() {
        for (seconds, said) in
            [(86_400, "24h"), (172_800, "2d"), (3_600, "1h"), (5_400, "90m"), (61, "61s")]
        {
            assert_eq!(window(seconds), said);
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(name in "\\PC{1,40}", sql in "[ -~\n\u{e9}\u{202e}\u{2028}\t]{1,80}") {
            prop_assume!(!name.trim().is_empty() && !sql.trim().is_empty());
            let mut whole = read(WHOLE).unwrap();
            whole.members.values_mut().next().unwrap().name = name;
            whole.templates.values_mut().next().unwrap().sql = sql;
            prop_assert_eq!(again(&whole), whole);
        }
    }
}
