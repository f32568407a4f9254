//! Members of a collaboration.

use super::{Desk, Part, absent};
use crate::access::Action;
use crate::app::status::{members, word};
use crate::error::Result;
use crate::log::MemberState;
use crate::store::Stands;
use crate::wire;
use mappings::model::MemberId;

impl Desk<'_> {
    /// A page of its members and where each stands, in order of name; perhaps those alone who stand so.
    pub(crate) async fn members(
        &self,
        name: &str,
        stands: Option<MemberState>,
        part: Part<MemberId>,
    ) -> Result<wire::Members> {
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
        let later = members(state).into_iter().filter(|(member, _)| part.has(member));
        let fits = later.filter(|(_, found)| stands.is_none_or(|stands| *found == stands));
        let mut members = part.first(fits.map(shown));
        let next = part.cut(&mut members, |one| one.member.clone());
        Ok(wire::Members { members, next })
    }
}
