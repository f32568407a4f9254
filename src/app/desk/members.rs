//! Members of a collaboration.

use super::{Desk, absent};
use crate::access::Action;
use crate::app::status::{members, word};
use crate::error::Result;
use crate::log::MemberState;
use crate::store::Stands;
use crate::wire;

impl Desk<'_> {
    /// Its members and where each stands.
    pub(crate) async fn members(&self, name: &str) -> Result<wire::Members> {
        let seen = self.seen(name, Action::ReadCollaboration).await?;
        if seen.stands == Stands::Former {
            return Err(absent());
        }
        let state = seen.state();
        let shown = |(member, stands): (_, MemberState)| wire::Member {
            key: state.key(&member).map(ToString::to_string),
            member: member.to_string(),
            state: word(stands).to_owned(),
        };
        let members = members(state);
        Ok(wire::Members { members: members.into_iter().map(shown).collect() })
    }
}
