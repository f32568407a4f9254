//! Templates: what their texts ask, as templates of the language, each judged by the guard; Airlock's own by whether the same text
//! comes out again. And the datasets that they need. Pure.

use super::columns::{Named, kinds, names};
use super::found::{Asked, Collaboration, Text};
use super::tables::Source;
use super::{Draft, Unexpressed};
use crate::names as alias;
use mappings::agreement::identifier;
use mappings::guard::{Refusal, guard};
use mappings::heard::{Catalog, Heard, Scan, Table, Within, hear};
use mappings::model::{
    ActivationRule, ColumnType, Digest, JoinRule, Literal, MemberId, Parameter, ParameterName,
    ResultClass, Template, TemplateName,
};
use mappings::spark::spark;
use std::collections::{BTreeMap, BTreeSet};

/// Why a text was not taken up.
pub(super) struct Why {
    code: &'static str,
    what: String,
    because: String,
    change: String,
}

fn why(code: &'static str, what: &str, because: &str, change: &str) -> Why {
    let (what, because, change) = (what.to_owned(), because.to_owned(), change.to_owned());
    Why { code, what, because, change }
}

/// A text that was read.
pub(super) struct Read<'a> {
    room: &'a Collaboration,
    text: &'a Text,
    sql: &'a str,
    pub(super) heard: Heard,
}

impl Read<'_> {
    /// How a dataset enters it, of Airlock's texts.
    pub(super) fn scan(&self, source: &Source<'_>) -> Option<&Scan> {
        self.heard.tables.get(source.name.as_str()).and_then(Option::as_ref)
    }

    pub(super) fn touches(&self, source: &Source<'_>) -> bool {
        let name = if self.heard.is_own { source.name.as_str() } else { source.there.as_str() };
        self.heard.tables.contains_key(name)
    }
}

fn dated(text: &Text) -> BTreeSet<String> {
    let is_dated = |one: &&Asked| one.r#type == "DATE" || one.r#type.starts_with("TIMESTAMP");
    text.parameters.iter().filter(is_dated).map(|one| one.name.clone()).collect()
}

impl<'a> Draft<'a> {
    /// Reads every text, and takes up what can be held as it is. A text that would loosen what another one needs is left out: of
    /// those that Airlock did not write each is tried with all that were taken up before.
    pub(super) fn texts(&mut self) {
        let read = self.read();
        let sources: Vec<Source<'a>> = self.sources.values().cloned().collect();
        let (own, others): (Vec<_>, Vec<_>) = read.iter().partition(|one| one.heard.is_own);
        let mut kept: Vec<&Read<'_>> = own;
        let before = self.clone().assembled(&kept, &sources);
        let mut left: Vec<(&Text, Why)> = Vec::new();
        for one in others {
            let mut tried = kept.clone();
            tried.push(one);
            let failed = self.clone().assembled(&tried, &sources);
            if failed.len() == before.len() {
                kept = tried;
                continue;
            }
            let beside = || Why {
                code: "template-refused",
                what: "its text".to_owned(),
                because: "beside the templates before it, it would need looser columns".to_owned(),
                change: "columns of their own for what is both shown and summed".to_owned(),
            };
            let own = failed.into_iter().find(|(arn, _)| *arn == one.text.arn);
            left.push((one.text, own.map_or_else(beside, |(_, why)| why)));
        }
        let failed = self.assembled(&kept, &sources);
        let texts = kept.iter().map(|one| one.text);
        let mut by_arn: BTreeMap<&str, &Text> =
            texts.map(|text| (text.arn.as_str(), text)).collect();
        left.extend(
            failed
                .into_iter()
                .filter_map(|(arn, why)| by_arn.remove(arn.as_str()).map(|text| (text, why))),
        );
        for (text, Why { code, what, because, change }) in left {
            self.left(code, text, (&what, &because, &change));
        }
        self.unused(&sources, &read.iter().collect::<Vec<_>>());
    }

    /// Datasets for these texts, and each of them as a template; those that can't be, by ARN.
    fn assembled(&mut self, read: &[&Read<'_>], sources: &[Source<'a>]) -> Vec<(String, Why)> {
        let kinds = kinds(&pairs(sources, read), &keys(sources, read));
        for source in sources {
            let columns = self.columns(source, read, &kinds);
            self.dataset(source, read, columns);
        }
        let (mut taken, mut failed) = (BTreeSet::new(), Vec::new());
        let mut done: BTreeMap<(&str, &Vec<Asked>), TemplateName> = BTreeMap::new();
        for one in read {
            let key = (one.sql, &one.text.parameters);
            if let Some(known) = done.get(&key) {
                let known = known.clone();
                let why = self.runs_as_well(&known, one, sources);
                failed.extend(why.map(|why| (one.text.arn.clone(), why)));
                continue;
            }
            match self.template(one, sources, &mut taken) {
                Ok(name) => drop(done.insert(key, name)),
                Err(why) => failed.push((one.text.arn.clone(), why)),
            }
        }
        failed
    }

    fn left(&mut self, code: &'static str, text: &Text, (what, why, change): (&str, &str, &str)) {
        let at = format!("template {}", text.name);
        let (what, why, change) = (what.to_owned(), why.to_owned(), change.to_owned());
        self.unsaid(Unexpressed { code, at, what, why, change, wider: true });
    }

    /// All texts that can be read and that read tables which were taken up: Airlock's own first, whose columns have names.
    fn read(&mut self) -> Vec<Read<'a>> {
        let found = self.found;
        let all = found
            .collaborations
            .iter()
            .flat_map(|room| room.templates.iter().map(move |text| (room, text)));
        let (own, others): (Vec<_>, Vec<_>) = all
            .partition(|(_, text)| text.sql.as_ref().is_some_and(|sql| sql.contains("`airlock_")));
        let mut read: Vec<Read<'a>> = Vec::new();
        for (room, text) in own {
            read.extend(self.heard(room, text, &Catalog::new()));
        }
        let sources: Vec<Source<'a>> = self.sources.values().cloned().collect();
        let table = |source: &Source<'_>| {
            let scans: Vec<&Scan> = read.iter().filter_map(|one| one.scan(source)).collect();
            let (dataset, columns) = (source.name.to_string(), names(source, &scans));
            (source.there.clone(), Table { dataset, columns })
        };
        let catalog: Catalog = sources.iter().map(table).collect();
        for (room, text) in others {
            read.extend(self.heard(room, text, &catalog));
        }
        read.retain(|one| self.is_allowed(one, &sources));
        read
    }

    fn heard(
        &mut self,
        room: &'a Collaboration,
        text: &'a Text,
        catalog: &Catalog,
    ) -> Option<Read<'a>> {
        for further in &text.further {
            let why = "agreements have no word for it";
            self.left("template-setting", text, (further, why, "a template without it"));
        }
        let Some(sql) = &text.sql else {
            let why = "an agreement's templates are SQL";
            self.left("template-format", text, ("no SQL", why, "a template in SQL"));
            return None;
        };
        match hear(sql, catalog, &dated(text)) {
            Ok(heard) => Some(Read { room, text, sql, heard }),
            Err(unheard) => {
                let (why, change) = (&unheard.message, &unheard.change);
                self.left("template-unheard", text, ("its text", why, change));
                None
            }
        }
    }

    /// Whether all its tables were taken up, and their owners let it run.
    fn is_allowed(&mut self, one: &Read<'_>, sources: &[Source<'_>]) -> bool {
        let known = |table: &&String| {
            let mut all = sources.iter();
            all.any(|source| {
                one.touches(source)
                    && [source.name.as_str(), &source.there].contains(&table.as_str())
            })
        };
        if let Some(away) = one.heard.tables.keys().find(|table| !known(table)) {
            let why = "it reads a table that was not taken up";
            self.left("template-table", one.text, (away, why, "the table's own entry says it"));
            return false;
        }
        let made = alias::said(&one.text.name, &Digest::of(one.sql.as_bytes())).is_some();
        if one.heard.is_own && made {
            return true;
        }
        let mut touched = sources.iter().filter(|source| one.touches(source));
        let refuses = touched.find(|source| {
            source.custom().is_none_or(|custom| !custom.rule.analyses.contains(&one.text.arn))
        });
        let Some(refuses) = refuses else { return true };
        let (what, why) =
            (refuses.there.clone(), "the rule of this table does not let it run".to_owned());
        let at = format!("template {}", one.text.name);
        let change =
            "its owner's approval there, and the import again; or propose it anew".to_owned();
        self.unsaid(Unexpressed {
            code: "template-unapproved",
            at,
            what,
            why,
            change,
            wider: false,
        });
        false
    }

    /// One text as a template, if the guard lets it pass.
    fn template(
        &mut self,
        one: &Read<'_>,
        sources: &[Source<'_>],
        taken: &mut BTreeSet<String>,
    ) -> Result<TemplateName, Why> {
        let digest = Digest::of(one.sql.as_bytes());
        let made =
            alias::said(&one.text.name, &digest).filter(|name| !taken.contains(name.as_str()));
        let name = made
            .or_else(|| identifier(&one.text.name, '-', TemplateName::new, taken))
            .ok_or_else(|| why("template-refused", "its name", "it has none", "a name"))?;
        taken.insert(name.to_string());
        let parameters = parameters(one)?;
        let (run_by, received_by) = (self.runners(one), self.receivers(one, sources));
        if run_by.is_empty() || received_by.is_empty() {
            let what = if run_by.is_empty() { "nobody queries" } else { "nobody may receive" };
            let because = "a template of an agreement has who runs it and who receives";
            let change = "receivers in the rules of its tables";
            return Err(why("template-receivers", what, because, change));
        }
        let template = Template {
            class: if one.heard.audience.is_some() {
                ResultClass::Activation
            } else {
                ResultClass::Aggregate
            },
            sql: one.heard.sql.clone(),
            parameters,
            run_by,
            received_by,
        };
        let before = self.agreement.clone();
        self.hands_out(one, sources, &template);
        self.agreement.templates.insert(name.clone(), template);
        if let Err((code, because, change)) = self.judged(&name, one, digest) {
            self.agreement = before;
            return Err(why(code, "its text", &because, &change));
        }
        if !one.heard.is_own {
            let said = "from a text that Airlock did not write: its own has thresholds in it, and needs every owner's approval".to_owned();
            self.remark(&format!("templates.{name}"), said);
        }
        if one.text.name != name.as_str() && !one.heard.is_own {
            self.remark(&format!("templates.{name}"), format!("called {} there", one.text.name));
        }
        Ok(name)
    }

    /// Whether the guard lets a template pass, and of Airlock's own texts the same comes out again.
    fn judged(
        &mut self,
        name: &TemplateName,
        one: &Read<'_>,
        digest: Digest,
    ) -> Result<(), (&'static str, String, String)> {
        let away = || {
            (
                "template-table",
                "a dataset of it was left out".to_owned(),
                "the table's own entry says it".to_owned(),
            )
        };
        let needs = one.heard.tables.len();
        for _ in 0..=needs {
            let guarded = match guard(&self.agreement, name) {
                Ok(guarded) => guarded,
                Err(refused) if self.joins_less(&refused) => continue,
                Err(refused) => {
                    let first = refused.into_iter().next().ok_or_else(away)?;
                    return Err((
                        "template-refused",
                        format!("{}: {}", first.code, first.message),
                        first.change,
                    ));
                }
            };
            let said = match spark(&guarded) {
                Ok(said) => said,
                Err(unsaid) => return Err(("template-refused", unsaid.message, unsaid.change)),
            };
            let same = !one.heard.is_own || said.digest == digest;
            let change =
                "the agreement that it was made of, from the log of the gateway that made it"
                    .to_owned();
            let why =
                "it has a form of Airlock's, and what is read from it would be written otherwise"
                    .to_owned();
            return if same { Ok(()) } else { Err(("template-differs", why, change)) };
        }
        Err(away())
    }

    /// A dataset that a text uses alone may be used alone.
    fn joins_less(&mut self, refused: &[Refusal]) -> bool {
        let mut alone = refused.iter().filter(|one| one.code == "join-required");
        let Some((_, dataset)) = alone.find_map(|one| one.rule_of.clone()) else {
            return false;
        };
        let Some(known) = self.agreement.datasets.get_mut(&dataset) else { return false };
        let changed = known.rule.join == JoinRule::Required;
        known.rule.join = JoinRule::Optional;
        changed
    }

    /// Rows of entities leave only by a dataset's leave.
    fn hands_out(&mut self, one: &Read<'_>, sources: &[Source<'_>], template: &Template) {
        let Some(audience) = one.heard.audience else { return };
        for source in sources.iter().filter(|source| one.touches(source)) {
            let own =
                template.received_by.len() == 1 && template.received_by.contains(&source.owner);
            let Some(dataset) = self.agreement.datasets.get_mut(&source.name).filter(|_| !own)
            else {
                continue;
            };
            let least = audience.max(dataset.rule.entities_min).max(1);
            let rule = dataset
                .rule
                .activation
                .get_or_insert_with(|| ActivationRule { to: BTreeSet::new(), audience_min: least });
            rule.to.extend(template.received_by.iter().cloned());
            rule.audience_min = rule.audience_min.min(least);
        }
    }

    fn runners(&self, one: &Read<'_>) -> BTreeSet<MemberId> {
        let queries = one.room.members.iter().filter(|entry| entry.queries);
        queries.filter_map(|entry| self.members.get(&entry.account).cloned()).collect()
    }

    /// Whom every table of a text lets receive.
    fn receivers(&self, one: &Read<'_>, sources: &[Source<'_>]) -> BTreeSet<MemberId> {
        let able = one.room.members.iter().filter(|entry| entry.receives);
        let able: BTreeSet<String> = able.map(|entry| entry.account.clone()).collect();
        let tables = one.room.tables.iter().filter(|shared| {
            let there = shared.name.to_ascii_lowercase();
            sources.iter().any(|source| source.there == there && one.touches(source))
        });
        let lists = tables.filter_map(|shared| shared.receivers.as_ref());
        let all = lists.fold(able, |all, list| &all & list);
        all.iter().filter_map(|account| self.members.get(account).cloned()).collect()
    }

    /// The same text in another runner's collaboration: received by whom both let receive.
    fn runs_as_well(
        &mut self,
        name: &TemplateName,
        one: &Read<'_>,
        sources: &[Source<'_>],
    ) -> Option<Why> {
        let (runners, receivers) = (self.runners(one), self.receivers(one, sources));
        let template = self.agreement.templates.get_mut(name)?;
        let both = &template.received_by & &receivers;
        if both.is_empty() {
            let because =
                "another collaboration has the same text, and lets nobody of its receivers receive";
            let change = "one list of receivers in both";
            return Some(why("template-receivers", "its receivers", because, change));
        }
        template.received_by = both;
        template.run_by.extend(runners);
        None
    }
}

/// Parameters as an agreement has them.
fn parameters(one: &Read<'_>) -> Result<BTreeMap<ParameterName, Parameter>, Why> {
    let mut parameters = BTreeMap::new();
    for asked in &one.text.parameters {
        let name = ParameterName::new(&asked.name).ok();
        let (name, r#type) = name.zip(of_native(&asked.r#type)).ok_or_else(|| {
            let what = format!("parameter {} of type {}", asked.name, asked.r#type);
            let because = "agreements have no parameter of this name or type";
            let change = "a lower-case name, and a whole number, number, text, date, time or truth";
            why("template-parameter", &what, because, change)
        })?;
        let within = one.heard.bounds.get(&asked.name).cloned().unwrap_or_default();
        let default = asked.default.as_ref().map(|text| {
            let what = format!("the default of parameter {}", asked.name);
            let because = "it is no value of its type";
            let wrong = || why("template-parameter", &what, because, "a default of its type");
            literal(r#type, text).ok_or_else(wrong)
        });
        let (default, Within { any_of: values, min, max }) = (default.transpose()?, within);
        parameters.insert(name, Parameter { r#type, min, max, values, default });
    }
    Ok(parameters)
}

/// What texts take for the same, by datasets and their columns.
fn pairs(sources: &[Source<'_>], read: &[&Read<'_>]) -> BTreeSet<(Named, Named)> {
    let mut pairs = BTreeSet::new();
    for one in read {
        let named = |(table, column): &Named| -> Option<Named> {
            if one.heard.is_own {
                return Some((table.clone(), column.clone()));
            }
            let source = sources.iter().find(|source| source.there == *table)?;
            let scans: Vec<&Scan> = read.iter().filter_map(|one| one.scan(source)).collect();
            Some((source.name.to_string(), names(source, &scans).get(column)?.clone()))
        };
        pairs.extend(one.heard.equal.iter().filter_map(|(a, b)| Some((named(a)?, named(b)?))));
    }
    pairs
}

/// Every column that could be a key.
fn keys(sources: &[Source<'_>], read: &[&Read<'_>]) -> BTreeSet<Named> {
    let mut keys = BTreeSet::new();
    for source in sources {
        let scans: Vec<&Scan> = read.iter().filter_map(|one| one.scan(source)).collect();
        let all = names(source, &scans).into_values();
        keys.extend(all.map(|column| (source.name.to_string(), column)));
    }
    keys
}

/// A parameter's type by its name there.
fn of_native(native: &str) -> Option<ColumnType> {
    Some(match native {
        "BIGINT" | "INTEGER" | "INT" | "SMALLINT" | "TINYINT" | "LONG" | "SHORT" | "BYTE" => {
            ColumnType::Int64
        }
        "DOUBLE" | "DOUBLE_PRECISION" | "FLOAT" | "REAL" | "DECIMAL" | "NUMERIC" => {
            ColumnType::Float64
        }
        "STRING" | "VARCHAR" | "CHAR" | "CHARACTER" => ColumnType::Utf8,
        "BOOLEAN" => ColumnType::Boolean,
        "DATE" => ColumnType::Date,
        "TIMESTAMP" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" => ColumnType::Timestamp,
        _ => return None,
    })
}

/// A default as its type has it.
fn literal(kind: ColumnType, text: &str) -> Option<Literal> {
    match kind {
        ColumnType::Int64 => text.parse().ok().map(Literal::Int64),
        ColumnType::Float64 => {
            text.parse().ok().filter(|value: &f64| value.is_finite()).map(Literal::Float64)
        }
        ColumnType::Boolean => text.parse().ok().map(Literal::Boolean),
        ColumnType::Utf8 | ColumnType::Date | ColumnType::Timestamp => {
            let plain = text.len() <= 1024 && !text.chars().any(char::is_control);
            plain.then(|| Literal::Utf8(text.to_owned()))
        }
        ColumnType::Binary => None,
    }
}
