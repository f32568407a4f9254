//! Verdicts: the native room holds every term as agreed; who holds it, and how.

use adapter_spi::{Assessment, Residual};
use mappings::model::{Agreement, PlatformId};
use mappings::table::Term;

/// What the native room holds of an agreement. Pure and total.
#[must_use]
pub fn assess(desired: &Agreement) -> Assessment {
    Assessment::exact(PlatformId::native(), desired, |term| match term {
        Term::Limits
        | Term::Approval
        | Term::RunBy
        | Term::ReceivedBy
        | Term::Parameters
        | Term::Run
        | Term::Receive
        | Term::Members
        | Term::Residency
        | Term::Destinations => (Residual::Gateway, "decided over the agreement log"),
        Term::Entity
        | Term::HiddenColumns
        | Term::RawKey
        | Term::HashedKey
        | Term::SeveralKeys
        | Term::MatchUse
        | Term::Dimension
        | Term::Measure
        | Term::Filter
        | Term::EntitiesMin
        | Term::JoinRequired
        | Term::AudienceMin
        | Term::Consent
        | Term::Rows
        | Term::Aggregate
        | Term::Activation => (Residual::Template, "in the guarded text, which a checker verifies"),
        Term::Location
        | Term::TemplateText
        | Term::RuleReceivers
        | Term::ActivationTo
        | Term::RevokeMember
        | Term::RevokeDataset
        | Term::RevokeColumn
        | Term::RevokeTemplate
        | Term::RevokeApproval
        | Term::RevokeRoom
        | Term::RevokeRunning => (Residual::None, "held by the room"),
    })
}
