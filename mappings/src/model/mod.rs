//! The words of an agreement as types. Knows nothing of files, engines or platforms.

mod agreement;
mod analysis_rule;
mod dataset;
mod digest;
mod ids;
mod member;
mod template;

pub use agreement::{Agreement, Limits, Room};
pub use analysis_rule::{ActivationRule, AnalysisRule, JoinRule};
pub use dataset::{
    Aggregate, Column, ColumnType, ColumnUse, Consent, Dataset, Hashed, Location, MatchKey,
    Normaliser, RowFilter,
};
pub use digest::Digest;
pub use ids::{
    CollaborationId, ColumnName, DatasetName, IdError, KeyName, MemberId, ParameterName,
    PlatformId, RecipientId, Region, RunId, ScheduleId, TemplateName,
};
pub use member::{Ability, Member};
pub use template::{Literal, Parameter, ResultClass, Template};
