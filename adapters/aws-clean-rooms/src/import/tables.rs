//! Tables: which can be datasets, and what their rules let happen that no agreement says. Pure.

use super::found::{Custom, Place, Shared, TableRule};
use super::{Draft, Unexpressed};
use crate::names;
use mappings::agreement::identifier;
use mappings::model::{DatasetName, MemberId};
use std::collections::BTreeSet;

/// A table that can be a dataset.
#[derive(Debug, Clone)]
pub(super) struct Source<'a> {
    pub(super) name: DatasetName,
    /// Its name there, in lower case.
    pub(super) there: String,
    pub(super) owner: MemberId,
    pub(super) shared: &'a Shared,
    pub(super) place: &'a Place,
    /// Whether Airlock made it for this agreement.
    pub(super) is_own: bool,
}

impl Source<'_> {
    /// Its CUSTOM rule.
    pub(super) const fn custom(&self) -> Option<&Custom> {
        match &self.shared.rule {
            Some(TableRule::Custom(custom)) => Some(custom),
            Some(TableRule::Aggregation(_) | TableRule::List { .. } | TableRule::Unknown(_))
            | None => None,
        }
    }
}

impl<'a> Draft<'a> {
    /// Takes up the tables of all collaborations.
    pub(super) fn tables(&mut self) {
        let mut taken = BTreeSet::new();
        let found = self.found;
        for room in &found.collaborations {
            for shared in &room.tables {
                if let Some(place) = self.place(&room.id, shared) {
                    self.source(shared, place, &mut taken);
                }
            }
        }
        let all: Vec<Source<'a>> = self.sources.values().cloned().collect();
        for source in &all {
            self.rule(source);
        }
    }

    fn left_out(
        &mut self,
        code: &'static str,
        shared: &Shared,
        (what, why, change): (&str, &str, &str),
    ) {
        self.unsaid(Unexpressed {
            code,
            at: format!("table {}", shared.name),
            what: what.to_owned(),
            why: format!("{why}; it is left out, and with it every template that reads it"),
            change: change.to_owned(),
            wider: true,
        });
    }

    /// Where a table lies, as its owner sees it.
    fn place(&mut self, room: &str, shared: &'a Shared) -> Option<&'a Place> {
        if shared.kind != "TABLE" {
            let change = "a table of the owner's own";
            self.left_out(
                "table-kind",
                shared,
                (&shared.kind, "agreements have tables alone", change),
            );
            return None;
        }
        let found = self.found;
        let Some(own) = found.own.get(&shared.creator) else {
            let whose = self.members.get(&shared.creator).map_or("somebody", MemberId::as_str);
            let what = format!("it is {whose}'s, whom this gateway does not operate");
            let change =
                "a connection and --member for its owner, or the import at its owner's gateway";
            self.left_out(
                "not-operated",
                shared,
                (&what, "where it lies only its owner sees", change),
            );
            return None;
        };
        let place = own.places.get(&(room.to_owned(), shared.name.clone()));
        if place.is_none() {
            let change = "a connection that may read it, and the import again";
            let why = "its owner's own view of it could not be read";
            self.left_out("not-seen", shared, ("its place", why, change));
        }
        let place = place?;
        let Some((database, table)) = &place.glue else {
            let change = "a Glue table of the collaboration's Region";
            let why = "an agreement's place in this room is a Glue table";
            self.left_out("table-source", shared, (&place.kind, why, change));
            return None;
        };
        let plain = |name: &String| {
            name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        };
        if let Some(what) = barred(shared, place) {
            let why = "without it the agreement would let more happen than its owner does there";
            let change = "a rule without it, by its owner's own decision, and the import again";
            self.left_out("rule-narrower", shared, (&what, why, change));
            return None;
        }
        if !plain(database) || !plain(table) {
            let change = "a Glue table of letters, digits, `_` and `-`";
            self.left_out(
                "table-source",
                shared,
                ("its Glue name", "agreements can't hold it", change),
            );
            return None;
        }
        Some(place)
    }

    fn source(&mut self, shared: &'a Shared, place: &'a Place, taken: &mut BTreeSet<String>) {
        let there = shared.name.to_ascii_lowercase();
        if let Some(known) = self.sources.get(&there) {
            if known.place.table != place.table {
                let change = "tables of different names";
                let why = "another table has the same name in another collaboration";
                self.left_out("table-name", shared, (&place.named, why, change));
            }
            return;
        }
        let Some(owner) = self.members.get(&shared.creator).cloned() else { return };
        let Some(name) = identifier(&there, '_', DatasetName::new, taken) else { return };
        if name.as_str() != there {
            self.remark(&format!("datasets.{name}"), format!("called {there} there"));
        }
        let is_own = place.named == names::table(&self.agreement.collaboration, &name);
        let source = Source { name, there: there.clone(), owner, shared, place, is_own };
        self.sources.insert(there, source);
    }

    /// What a table's rule lets happen that an agreement doesn't.
    fn rule(&mut self, source: &Source<'_>) {
        let at = format!("table {}", source.there);
        let queries = |what: &str| {
            Unexpressed {
            code: "rule-lets-queries",
            at: at.clone(),
            what: what.to_owned(),
            why: "whoever queries writes the text there; an agreement has templates that every owner approved".to_owned(),
            change: "a template for each question, and this table closed: aws cleanrooms delete-configured-table-analysis-rule".to_owned(),
            wider: true,
        }
        };
        let further = |what: &str, wider: bool| Unexpressed {
            code: "rule-control",
            at: at.clone(),
            what: what.to_owned(),
            why: "agreements have no word for it".to_owned(),
            change: "a rule without it, which Airlock makes".to_owned(),
            wider,
        };
        let mut all = Vec::new();
        match &source.shared.rule {
            None => all.push(further("no analysis rule: nothing may run on it", false)),
            Some(TableRule::Unknown(kind)) => all.push(further(kind, true)),
            Some(TableRule::List { .. }) => all.push(queries("LIST: rows of matched entities")),
            Some(TableRule::Aggregation(rule)) => {
                all.push(queries("AGGREGATION: groups of its dimensions"));
                all.extend(rule.further.iter().map(|what| further(what, true)));
            }
            Some(TableRule::Custom(custom)) => {
                for what in &custom.further {
                    let is_query = what.starts_with("ANY_") || what == "allowedAnalysisProviders";
                    let narrows = what.starts_with("allowedAggregateExpressionType")
                        || what == "outputColumnThresholds";
                    all.push(if is_query { queries(what) } else { further(what, !narrows) });
                }
            }
        }
        let named = source.shared.further.iter().chain(&source.place.further);
        all.extend(named.map(|what| further(what, true)));
        for one in all {
            self.unsaid(one);
        }
    }
}

/// What an owner asks for there that an agreement has no word for, so that importing the table would loosen it.
fn barred(shared: &Shared, place: &Place) -> Option<String> {
    let strict = |what: &&String| {
        ["differentialPrivacy", "DIFFERENTIAL_PRIVACY"].contains(&what.as_str())
            || what.as_str() == "additionalAnalyses REQUIRED"
            || what.as_str() == "analysisMethod DIRECT_JOB"
    };
    let rule = match &shared.rule {
        Some(TableRule::Custom(custom)) => Some(&custom.further),
        Some(TableRule::Aggregation(rule)) if rule.constraints.len() > 1 => {
            return Some("outputConstraints on several columns".to_owned());
        }
        Some(TableRule::Aggregation(rule)) => Some(&rule.further),
        Some(TableRule::List { .. } | TableRule::Unknown(_)) | None => None,
    };
    let all = rule.into_iter().flatten().chain(&shared.further).chain(&place.further);
    all.into_iter().find(strict).cloned()
}
