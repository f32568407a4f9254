//! Columns: what each is called, of what type it is, and the least that may be done with it so that what runs there runs. What no
//! text and no rule asks for is not listed. Pure.

use super::found::TableRule;
use super::tables::Source;
use super::texts::Read;
use super::{Draft, Unexpressed};
use mappings::agreement::identifier;
use mappings::heard::{self, KeyForm, Scan, Use, Way};
use mappings::model::{
    Aggregate, Column, ColumnName, ColumnType, ColumnUse, Hashed, KeyName, MatchKey, Normaliser,
};
use std::collections::{BTreeMap, BTreeSet};

/// A dataset's column by dataset and column.
pub(super) type Named = (String, String);

/// What each column of a table is called in templates: as Airlock's texts have it, else by its own name.
pub(super) fn names(source: &Source<'_>, scans: &[&Scan]) -> BTreeMap<String, String> {
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for (column, of) in scans.iter().flat_map(|scan| &scan.columns) {
        let (heard::Source::Column(from, _) | heard::Source::Key(from, _)) = of;
        taken.insert(column.clone());
        named.insert(from.to_ascii_lowercase(), column.clone());
    }
    for from in &source.place.columns {
        if !named.contains_key(from) {
            let name = identifier(from, '_', ColumnName::new, &mut taken);
            named.extend(name.map(|name| (from.clone(), name.to_string())));
        }
    }
    named
}

/// The type of a column there, in an agreement's words.
fn of_native(native: &str) -> Option<ColumnType> {
    let bare = native.split('(').next().unwrap_or(native).trim();
    Some(match bare {
        "bigint" | "int" | "integer" | "smallint" | "tinyint" | "long" | "short" | "byte" => {
            ColumnType::Int64
        }
        "double" | "float" | "real" | "decimal" | "numeric" | "double precision" => {
            ColumnType::Float64
        }
        "string" | "varchar" | "char" | "character" => ColumnType::Utf8,
        "boolean" => ColumnType::Boolean,
        "date" => ColumnType::Date,
        "timestamp" | "timestamp_ltz" | "timestamp_ntz" => ColumnType::Timestamp,
        "binary" | "varbyte" => ColumnType::Binary,
        _ => return None,
    })
}

/// One column before it has its kind of key.
struct Part {
    from: String,
    r#type: ColumnType,
    /// Of a key: how it lies there.
    form: Option<KeyForm>,
    becomes: ColumnUse,
    activate: bool,
}

impl Draft<'_> {
    /// The columns of one dataset, its keys of kinds that these columns share.
    pub(super) fn columns(
        &mut self,
        source: &Source<'_>,
        read: &[&Read<'_>],
        kinds: &BTreeMap<Named, KeyName>,
    ) -> BTreeMap<ColumnName, Column> {
        let scans: Vec<&Scan> = read.iter().filter_map(|one| one.scan(source)).collect();
        let mut columns = BTreeMap::new();
        let mut unread = 0usize;
        for (from, name) in names(source, &scans) {
            let Ok(column) = ColumnName::new(&name) else { continue };
            let key = (source.name.to_string(), name.clone());
            let used = uses(read, source, &from, &name);
            let path = format!("datasets.{}.columns.{name}", source.name);
            let Some(part) = self.part(source, &scans, (&from, &name), &used) else {
                unread += 1;
                continue;
            };
            if name != part.from && scans.is_empty() {
                self.remark(&path, format!("called {} there", part.from));
            }
            let declared = match part.form {
                None => Column {
                    from: part.from,
                    r#type: part.r#type,
                    r#use: part.becomes,
                    activate: part.activate,
                },
                Some(form) => {
                    let Some(key) = kinds.get(&key).cloned() else { continue };
                    self.keyed(&path, part, form, key)
                }
            };
            columns.insert(column, declared);
        }
        if unread > 0 {
            let said = format!(
                "{unread} further columns are allowed there; no template reads them, so they are not listed"
            );
            self.remark(&format!("datasets.{}.columns", source.name), said);
        }
        columns
    }

    /// A key as an agreement has it. Whether a text is an identifier or the hash of one the platform doesn't say; compared as they
    /// are, both meet the same.
    fn keyed(&mut self, path: &str, part: Part, form: KeyForm, key: KeyName) -> Column {
        let hashed = match (form, part.r#type) {
            (KeyForm::Hex, _) => Some(Hashed::Sha256Hex),
            (KeyForm::Bytes, _) | (_, ColumnType::Binary) => Some(Hashed::Sha256Bytes),
            (KeyForm::Raw, _) => None,
        };
        let said = match hashed {
            Some(Hashed::Sha256Hex) => "hashed: hmac-hex, if it was hashed under a key",
            Some(_) => "hashed: hmac-bytes, if it was hashed under a key",
            None => "compared as it is; if these are hashes already, say `hashed:`",
        };
        self.remark(path, said.to_owned());
        let kind = match hashed {
            Some(Hashed::Sha256Hex | Hashed::HmacHex) => ColumnType::Utf8,
            Some(Hashed::Sha256Bytes | Hashed::HmacBytes) => ColumnType::Binary,
            None => part.r#type,
        };
        let from = part.from;
        let key =
            MatchKey { key, from: from.clone(), r#type: kind, normalise: Normaliser::None, hashed };
        let r#use = ColumnUse::Match { keys: vec![key] };
        Column { from, r#type: kind, r#use, activate: false }
    }

    fn part(
        &mut self,
        source: &Source<'_>,
        scans: &[&Scan],
        (from, name): (&String, &String),
        used: &Use,
    ) -> Option<Part> {
        let scanned = scans.iter().find_map(|scan| scan.columns.get(name));
        let native = source.shared.columns.iter().find(|(of, _)| of == from);
        let told = native.and_then(|(_, kind)| of_native(kind));
        let (spelled, r#type, form) = match scanned {
            Some(heard::Source::Column(from, kind)) => (from.clone(), Some(*kind), None),
            Some(heard::Source::Key(from, form)) => (from.clone(), told, Some(*form)),
            None => (from.clone(), told, None),
        };
        let class = class(source, from, used, form.is_some())?;
        let Some(r#type) = r#type else {
            let kind = native.map_or("not told", |(_, kind)| kind);
            self.unsaid(Unexpressed {
                code: "column-type",
                at: format!("table {}, column {from}", source.there),
                what: kind.to_owned(),
                why: "agreements have no such type; the column is left out".to_owned(),
                change: "a view with the column as text, number, date or time".to_owned(),
                wider: true,
            });
            return None;
        };
        let is_key = matches!(class, Class::Match);
        if is_key
            && form.is_none()
            && !matches!(r#type, ColumnType::Int64 | ColumnType::Utf8 | ColumnType::Binary)
        {
            self.unsaid(Unexpressed {
                code: "column-type",
                at: format!("table {}, column {from}", source.there),
                what: native.map_or("not told", |(_, kind)| kind).to_owned(),
                why: "a key is a whole number, a text or 32 bytes; the column is left out"
                    .to_owned(),
                change: "a view with the key as text".to_owned(),
                wider: true,
            });
            return None;
        }
        let becomes = match class {
            Class::Match => ColumnUse::Match { keys: Vec::new() },
            Class::Dimension => ColumnUse::Dimension,
            Class::Filter => ColumnUse::Filter,
            Class::Measure(aggregates) => ColumnUse::Measure { aggregates },
        };
        let form = is_key.then(|| form.unwrap_or(KeyForm::Raw));
        Some(Part { from: spelled, r#type, form, becomes, activate: used.is(Way::Leaves) })
    }
}

/// What becomes of a column in all texts that were read.
fn uses(read: &[&Read<'_>], source: &Source<'_>, from: &str, name: &str) -> Use {
    let mut all = Use::default();
    for one in read {
        let column = if one.heard.is_own { name } else { from };
        let table = if one.heard.is_own { source.name.as_str() } else { source.there.as_str() };
        let Some(used) = one.heard.uses.get(&(table.to_owned(), column.to_owned())) else {
            continue;
        };
        all.ways.extend(&used.ways);
        all.aggregates.extend(&used.aggregates);
    }
    all
}

enum Class {
    Match,
    Dimension,
    Filter,
    Measure(BTreeSet<Aggregate>),
}

/// The least that lets everything run that runs there; `None` of a column that nothing asks for.
fn class(source: &Source<'_>, from: &String, used: &Use, is_key: bool) -> Option<Class> {
    if is_key {
        return Some(Class::Match);
    }
    match &source.shared.rule {
        Some(TableRule::Aggregation(rule)) => {
            if rule.joins.contains(from) || rule.constraints.contains_key(from) {
                return Some(Class::Match);
            }
            if rule.dimensions.contains(from) {
                return Some(Class::Dimension);
            }
            let functions = rule.aggregates.get(from)?;
            let allowed: BTreeSet<Aggregate> = functions.iter().filter_map(|f| named(f)).collect();
            (!allowed.is_empty()).then_some(Class::Measure(allowed))
        }
        Some(TableRule::List { joins, lists }) => {
            let join = joins.contains(from).then_some(Class::Match);
            join.or_else(|| lists.contains(from).then_some(Class::Dimension))
        }
        Some(TableRule::Custom(custom)) => {
            let rule = &custom.rule;
            let identity = rule.threshold.as_ref().is_some_and(|(identity, _)| identity == from);
            if source.is_own {
                return own_class(rule, from, used);
            }
            if used.is(Way::Joined) || identity {
                return Some(Class::Match);
            }
            let plain = by_use(used)?;
            Some(if rule.disallowed.contains(from) { Class::Filter } else { plain })
        }
        Some(TableRule::Unknown(_)) | None => None,
    }
}

/// Of a table that Airlock made, the lists of its rule say which kind a column is of.
fn own_class(rule: &crate::rule::Rule, from: &String, used: &Use) -> Option<Class> {
    let (literal, column) = (rule.literals.contains(from), rule.columns.contains(from));
    if rule.disallowed.contains(from) {
        // What only consent or row filters ask for is no column.
        return column.then_some(Class::Filter);
    }
    match (literal, column) {
        (false, true) => Some(Class::Match),
        (true, _) => Some(match by_use(used) {
            Some(Class::Measure(aggregates)) => Class::Measure(aggregates),
            Some(Class::Match | Class::Dimension | Class::Filter) => Class::Dimension,
            None => Class::Measure([Aggregate::Count].into()),
        }),
        (false, false) => None,
    }
}

fn by_use(used: &Use) -> Option<Class> {
    let counts = [Aggregate::Count, Aggregate::CountDistinct];
    if used.is(Way::Shown) || used.is(Way::Leaves) {
        Some(Class::Dimension)
    } else if !used.aggregates.is_empty() {
        // What is filtered by and counted is a dimension.
        let counted = used.aggregates.iter().all(|one| counts.contains(one));
        let dimension = used.is(Way::Filtered) && counted;
        Some(if dimension { Class::Dimension } else { Class::Measure(used.aggregates.clone()) })
    } else {
        used.is(Way::Filtered).then_some(Class::Filter)
    }
}

/// An aggregate by its name there. Sums of distinct values no agreement has.
fn named(function: &str) -> Option<Aggregate> {
    Some(match function {
        "SUM" => Aggregate::Sum,
        "COUNT" => Aggregate::Count,
        "COUNT_DISTINCT" => Aggregate::CountDistinct,
        "AVG" => Aggregate::Avg,
        _ => return None,
    })
}

/// Kinds of keys: what is joined anywhere is of one kind, and so are columns of one name where no text joins them.
pub(super) fn kinds(
    pairs: &BTreeSet<(Named, Named)>,
    keys: &BTreeSet<Named>,
) -> BTreeMap<Named, KeyName> {
    let mut classes: Vec<BTreeSet<Named>> = Vec::new();
    let mut join = |of: BTreeSet<Named>| {
        let (mut all, mut rest) = (of, Vec::new());
        for class in classes.drain(..) {
            if class.is_disjoint(&all) {
                rest.push(class);
            } else {
                all.extend(class);
            }
        }
        rest.push(all);
        classes = rest;
    };
    for (one, two) in pairs {
        join([one.clone(), two.clone()].into());
    }
    for key in keys {
        join([key.clone()].into());
    }
    let paired: BTreeSet<&Named> = pairs.iter().flat_map(|(one, two)| [one, two]).collect();
    let mut by_name: BTreeMap<String, Vec<BTreeSet<Named>>> = BTreeMap::new();
    for class in classes {
        let name = class.iter().map(|(_, column)| column.clone()).min().unwrap_or_default();
        by_name.entry(name).or_default().push(class);
    }
    let (mut kinds, mut taken) = (BTreeMap::new(), BTreeSet::new());
    for (name, same) in by_name {
        let (joined, alone): (Vec<_>, Vec<_>) =
            same.into_iter().partition(|class| class.iter().any(|key| paired.contains(key)));
        let alone: BTreeSet<Named> = alone.into_iter().flatten().collect();
        let groups = joined.into_iter().chain((!alone.is_empty()).then_some(alone));
        for (n, group) in groups.enumerate() {
            let spelled = if n == 0 { name.clone() } else { format!("{name} {}", n + 1) };
            let kind = identifier(&spelled, '-', KeyName::new, &mut taken);
            kinds
                .extend(kind.into_iter().flat_map(|kind| {
                    group.clone().into_iter().map(move |key| (key, kind.clone()))
                }));
        }
    }
    kinds
}
