//! How members are reached on platforms: tried, and written out as documents. Knows no platform by name.

use super::{App, known};
use crate::error::{Error, Problem, Result};
use crate::reconcile::desired;
use crate::wire::ExportForm;
use mappings::model::{CollaborationId, MemberId, PlatformId};
use serde::Serialize;
use std::sync::Arc;

/// One permission that was tried.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectionLine {
    /// Which room.
    pub room: String,
    /// Whose connection.
    pub member: MemberId,
    /// The permission, in the platform's words.
    pub permission: String,
    /// Why it does not work: code and reason.
    pub error: Option<String>,
}

/// One question about a platform that no document answers, and what an account answered.
#[derive(Debug, Clone, Serialize)]
pub struct VerifiedLine {
    /// The question, by its stable code.
    pub question: &'static str,
    /// What is asked.
    pub asks: &'static str,
    /// `yes`, `no`, or `not-tried`.
    pub answer: &'static str,
    /// Codes, where the answer is no.
    pub detail: String,
    /// How long its statements took, in milliseconds.
    pub took_ms: u64,
}

/// What one room's self-test found in an account.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Which room.
    pub room: PlatformId,
    /// Question by question.
    pub lines: Vec<VerifiedLine>,
    /// All of it, to be sent: names of columns, codes and times, and nobody's name.
    pub report: serde_json::Value,
}

impl ConnectionLine {
    /// What is wrong, where something is.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let message = self.error.clone()?;
        let code = message.split(':').next().unwrap_or_default().to_owned();
        let at = format!("{}, {}: {}", self.room, self.member, self.permission);
        Some(Problem { code, at, message, help: format!("leave for {}", self.permission) })
    }
}

impl App {
    /// Tries the connections of every operated member of a collaboration.
    pub async fn test_connections(
        &self,
        collaboration: &CollaborationId,
    ) -> Result<Vec<ConnectionLine>> {
        self.test_connections_of(collaboration, None).await
    }

    /// The same of one member alone.
    pub(super) async fn test_connections_of(
        &self,
        collaboration: &CollaborationId,
        only: Option<&MemberId>,
    ) -> Result<Vec<ConnectionLine>> {
        let state = self.load(collaboration).await?.state;
        self.rooms.test(known(&state)?, only).await
    }

    /// Tries in a member's account what no document says of the rooms that the agreement is held in, or of one of them; a trial makes
    /// things of its own there and takes them away again.
    pub async fn verify_connections(
        &self,
        collaboration: &CollaborationId,
        member: &MemberId,
        (room, trial): (Option<&PlatformId>, bool),
    ) -> Result<Vec<Verified>> {
        let state = self.load(collaboration).await?.state;
        let agreement = known(&state)?;
        if !agreement.members.contains_key(member) {
            let message = format!("{member} is no member of this agreement");
            return Err(Error::refused("not-a-member", message));
        }
        Box::pin(self.rooms.verify(agreement, member, (room, trial))).await
    }

    /// A member's part of a room as a document.
    pub async fn export_room(
        &self,
        collaboration: &CollaborationId,
        room: &PlatformId,
        member: &MemberId,
        form: ExportForm,
    ) -> Result<String> {
        let state = self.load(collaboration).await?.state;
        let agreement = Arc::new(known(&state)?.clone());
        if !agreement.members.contains_key(member) {
            let message = format!("{member} is no member of this agreement");
            return Err(Error::refused("not-a-member", message));
        }
        self.rooms.export(&desired(&agreement, &state), room, member, form)
    }
}
