//! The terms of an agreement: everything that a platform must hold, and where each stands in a document. The list is closed, so
//! that a platform's table can be complete. Must not know any platform.

use crate::model::{Agreement, ColumnUse, Dataset, JoinRule, ResultClass, Template};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! terms {
    ($($name:ident, $text:literal, $doc:literal;)*) => {
        /// One term.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Term {
            $(#[doc = $doc] #[serde(rename = $text)] $name,)*
        }

        impl Term {
            /// Every term.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in tables.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What it asks of a platform.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $doc,)* }
            }
        }
    };
}

terms! {
    Members, "members", "Exactly these parties take part, each under its pinned identity.";
    Run, "abilities.run", "Exactly these members may start runs.";
    Receive, "abilities.receive", "Exactly these members may receive results.";
    Residency, "residency", "Data, runs and results stay in these regions.";
    Limits, "limits", "No more runs than this in any window, counted by attempts over all rooms.";
    Destinations, "destinations", "Results go to each receiver's registered place and nowhere else.";
    Location, "datasets.at", "The dataset is read where it lies, and never copied.";
    Entity, "datasets.entity", "Thresholds count this column's distinct values.";
    HiddenColumns, "datasets.hidden-columns", "Columns that the agreement does not list don't exist.";
    RawKey, "datasets.columns.match.raw", "A raw identifier is brought to one form and hashed before it is matched.";
    HashedKey, "datasets.columns.match.hashed", "A key that its owner hashed is matched as it is.";
    SeveralKeys, "datasets.columns.match.several", "Keys are tried in declared order; the first that matches decides.";
    MatchUse, "datasets.columns.match", "A match key stands only in joins with another dataset and in distinct counts.";
    Dimension, "datasets.columns.dimension", "A dimension may be filtered on, grouped by and shown.";
    Measure, "datasets.columns.measure", "A measure stands only inside the aggregates that its owner allows.";
    Filter, "datasets.columns.filter", "A filter stands only in WHERE.";
    EntitiesMin, "datasets.rule.entities_min", "Every row that leaves is backed by this many distinct entities.";
    JoinRequired, "datasets.rule.join", "The dataset is used only joined with another member's data.";
    RuleReceivers, "datasets.rule.receivers", "Only these members receive results computed from the dataset.";
    ActivationTo, "datasets.rule.activation.to", "Rows of matched entities go to these members only.";
    AudienceMin, "datasets.rule.activation.audience_min", "No audience smaller than this leaves.";
    Consent, "datasets.consent", "Rows without consent are left out before any join.";
    Rows, "datasets.rows", "Rows outside the owner's filter are left out before any join.";
    TemplateText, "templates.sql", "Only this text runs, byte for byte as approved.";
    Parameters, "templates.parameters", "Parameters are bound as typed values within their bounds.";
    RunBy, "templates.run_by", "Only these members run the template.";
    ReceivedBy, "templates.received_by", "Only these members receive its results.";
    Aggregate, "templates.class.aggregate", "Groups leave, each backed by enough entities; thin ones are left out.";
    Activation, "templates.class.activation", "Rows of matched entities go to the receiver; the runner sees a count.";
    Approval, "approvals", "A run needs the approval of this version by every owner it touches.";
    RevokeMember, "revocation.member", "A member that leaves takes its data and abilities with it.";
    RevokeDataset, "revocation.dataset", "A withdrawn dataset is not read again.";
    RevokeColumn, "revocation.column", "A withdrawn column is not read again.";
    RevokeTemplate, "revocation.template", "A withdrawn template does not run again.";
    RevokeApproval, "revocation.approval", "A withdrawn approval stops the template.";
    RevokeRoom, "revocation.room", "A closed room answers nobody.";
    RevokeRunning, "revocation.running", "A run under way when something is withdrawn delivers nothing.";
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Term {
    /// Where this term stands in an agreement: paths, one for each time it is agreed. What holds whatever is agreed stands
    /// under its own name.
    #[must_use]
    pub fn places(self, agreement: &Agreement) -> Vec<String> {
        let datasets = |has: &dyn Fn(&Dataset) -> bool, tail: &str| {
            let with = agreement.datasets.iter().filter(|(_, dataset)| has(dataset));
            with.map(|(name, _)| format!("datasets.{name}{tail}")).collect::<Vec<_>>()
        };
        let columns = |has: &dyn Fn(&ColumnUse) -> bool| {
            let all = agreement.datasets.iter();
            let all = all.flat_map(|(name, dataset)| {
                dataset.columns.iter().map(move |(c, of)| (name, c, of))
            });
            all.filter(|(_, _, of)| has(&of.r#use))
                .map(|(name, column, _)| format!("datasets.{name}.columns.{column}"))
                .collect::<Vec<_>>()
        };
        let templates = |has: &dyn Fn(&Template) -> bool, tail: &str| {
            let with = agreement.templates.iter().filter(|(_, template)| has(template));
            with.map(|(name, _)| format!("templates.{name}{tail}")).collect::<Vec<_>>()
        };
        let once = |is: bool| if is { vec![self.name().to_owned()] } else { Vec::new() };
        let keys = |has: fn(&crate::model::MatchKey) -> bool| {
            columns(&move |of| matches!(of, ColumnUse::Match { keys } if keys.iter().any(has)))
        };
        match self {
            Self::Location => datasets(&|_| true, ".at"),
            Self::Entity => datasets(&|_| true, ".entity"),
            Self::HiddenColumns => datasets(&|_| true, ".columns"),
            Self::RawKey => keys(|key| key.hashed.is_none()),
            Self::HashedKey => keys(|key| key.hashed.is_some()),
            Self::SeveralKeys => {
                columns(&|of| matches!(of, ColumnUse::Match { keys } if keys.len() > 1))
            }
            Self::MatchUse => columns(&|of| matches!(of, ColumnUse::Match { .. })),
            Self::Dimension => columns(&|of| matches!(of, ColumnUse::Dimension)),
            Self::Measure => columns(&|of| matches!(of, ColumnUse::Measure { .. })),
            Self::Filter => columns(&|of| matches!(of, ColumnUse::Filter)),
            Self::EntitiesMin => datasets(&|d| d.rule.entities_min > 1, ".rule.entities_min"),
            Self::JoinRequired => datasets(&|d| d.rule.join == JoinRule::Required, ".rule.join"),
            Self::RuleReceivers => datasets(&|d| d.rule.receivers.is_some(), ".rule.receivers"),
            Self::ActivationTo => datasets(&|d| d.rule.activation.is_some(), ".rule.activation.to"),
            Self::AudienceMin => {
                datasets(&|d| d.rule.activation.is_some(), ".rule.activation.audience_min")
            }
            Self::Consent => datasets(&|d| d.consent.is_some(), ".consent"),
            Self::Rows => datasets(&|d| !d.rows.is_empty(), ".rows"),
            Self::TemplateText => templates(&|_| true, ".sql"),
            Self::Parameters => templates(&|t| !t.parameters.is_empty(), ".parameters"),
            Self::RunBy => templates(&|_| true, ".run_by"),
            Self::ReceivedBy => templates(&|_| true, ".received_by"),
            Self::Aggregate => templates(&|t| t.class == ResultClass::Aggregate, ".class"),
            Self::Activation => templates(&|t| t.class == ResultClass::Activation, ".class"),
            Self::Residency => once(!agreement.residency.is_empty()),
            Self::Members
            | Self::Run
            | Self::Receive
            | Self::Limits
            | Self::Destinations
            | Self::Approval
            | Self::RevokeMember
            | Self::RevokeDataset
            | Self::RevokeColumn
            | Self::RevokeTemplate
            | Self::RevokeApproval
            | Self::RevokeRoom
            | Self::RevokeRunning => once(true),
        }
    }
}
