//! Activation: rows of matched entities to declared receivers only, as one audience that is large enough or nothing.

use super::Resolver;
use super::code;
use super::from::scope;
use super::refuse::{Resolved, refuse};
use super::relation::{Field, Mark, Relation, quoted};
use super::stage::{Item, items};
use super::threshold::Backing;
use sqlparser::ast::{GroupByExpr, Query, Select, Spanned};

impl Resolver<'_> {
    /// The last SELECT of an activation: its output, and its text with the audience's CTEs.
    pub(super) fn activation(&mut self, query: &Query) -> Resolved<(Relation, String)> {
        let select = Self::plain(query)?;
        let grouped =
            !matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty());
        if grouped
            || select.having.is_some()
            || query.order_by.is_some()
            || query.limit_clause.is_some()
        {
            let change = "SELECT columns FROM … JOIN … WHERE …";
            return Err(refuse(
                code::ACTIVATION_SHAPE,
                query.span(),
                "an activation is one plain SELECT of columns",
                change,
            ));
        }
        let source = self.from(&select.from, select.span())?;
        let filter = self.filter(&source.relation, select.selection.as_ref())?;
        let fields = self.visible(select, &source.relation)?;
        self.required_joins(&source.relation, select.span())?;
        let counts = self.audience(&source.relation, select)?;
        let mut listed: Vec<String> =
            fields.iter().map(|(sql, field)| format!("{sql} AS {}", quoted(&field.name))).collect();
        let mut sizes = Vec::new();
        for (n, (key, min)) in counts.pairs().enumerate() {
            listed.push(format!("{key} AS \"airlock_entity_{n}\""));
            sizes.push(format!("COUNT(DISTINCT \"airlock_entity_{n}\"), {min}"));
        }
        let audience = format!(
            "\"airlock_audience\" AS (\nSELECT {}\nFROM {}{filter}\n)",
            listed.join(",\n       "),
            source.sql
        );
        self.ctes.push(audience);
        let names: Vec<String> =
            fields.iter().map(|(_, field)| format!("\"a\".{}", quoted(&field.name))).collect();
        let mut sql =
            format!("SELECT DISTINCT {}\nFROM \"airlock_audience\" AS \"a\"", names.join(", "));
        if !sizes.is_empty() {
            self.ctes.push(format!(
                "\"airlock_size\" AS (\nSELECT COUNT(*) AS \"rows\"\nFROM \"airlock_audience\"\nHAVING airlock_at_least({})\n)",
                sizes.join(", ")
            ));
            sql.push_str("\nCROSS JOIN \"airlock_size\"");
        }
        let fields = fields.into_iter().map(|(_, field)| field).collect();
        Ok((Relation { fields, ..Relation::default() }, sql))
    }

    /// The columns that leave: only those whose owner lets them.
    fn visible(&self, select: &Select, relation: &Relation) -> Resolved<Vec<(String, Field)>> {
        let names = self.names();
        let mut fields: Vec<(String, Field)> = Vec::new();
        for Item { name, typed, at } in items(&scope(&names, relation), &select.projection)? {
            let change = "a dimension with `activate: true`";
            let column = |message: &str| refuse(code::ACTIVATION_COLUMN, at, message, change);
            let (dataset, origin) = match (&typed.mark, typed.bare) {
                (Mark::Dimension(Some(origin)), true) => origin.clone(),
                (Mark::Key(_), _) => {
                    return Err(refuse(code::MATCH_KEY, at, "a match key may not leave", change));
                }
                (_, _) => return Err(column("an activation delivers columns as they are")),
            };
            let declared =
                self.agreement.datasets.get(&dataset).and_then(|known| known.columns.get(&origin));
            let Some(declared) = declared.filter(|declared| declared.activate) else {
                return Err(column("the owner did not let this column leave in activations"));
            };
            let mark = Mark::Released(Some((dataset, origin)));
            let (r#type, sql) = (declared.r#type, quoted(&name));
            let field =
                Field { alias: String::new(), sql, r#type, mark, origin: None, name, weight: 1 };
            fields.push((typed.sql, field));
        }
        Ok(fields)
    }

    /// What is counted of the audience, and how many there must be.
    fn audience(&mut self, relation: &Relation, select: &Select) -> Resolved<Backing> {
        let receivers = self.template.received_by.clone();
        let at = select.span();
        self.backing(relation, at, |dataset| {
            let own = receivers.len() == 1 && receivers.contains(&dataset.owner);
            match &dataset.rule.activation {
                None if own => Ok(None),
                Some(rule) if own || receivers.is_subset(&rule.to) => {
                    Ok(Some(rule.audience_min.max(dataset.rule.entities_min)))
                }
                Some(_) | None => {
                    let message =
                        "the dataset's rule does not let matched rows go to this receiver";
                    let change =
                        "add the receiver to the rule's activation, which its owner decides";
                    Err(refuse(code::ACTIVATION, at, message, change))
                }
            }
        })
    }
}
