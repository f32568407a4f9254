//! What is well at this gateway and what isn't, for the operator, who belongs to no member and is shown no name.

use super::Desk;
use crate::access::Action;
use crate::error::Result;
use crate::wire;

impl Desk<'_> {
    /// The same.
    pub(crate) async fn health(&self) -> Result<wire::HealthDetail> {
        self.may(Action::ReadHealthDetail)?;
        self.may(Action::ReadWorker)?;
        Ok(self.app.health().await)
    }
}
