//! What was found withdrawn on a platform, offered again by whoever could withdraw it. It is a new grant, and waits for whatever
//! any grant waits for.

use super::{App, Recorded, Tied, Withdrawal, members};
use crate::error::{Error, Result};
use crate::log::{Body, Revocable};
use mappings::model::{CollaborationId, MemberId};

impl App {
    /// Records that a member offers again what was found withdrawn; refused of anything that a member withdrew itself.
    pub async fn reoffer(
        &self,
        collaboration: &CollaborationId,
        what: &Withdrawal,
        member: &MemberId,
        tied: &Tied,
    ) -> Result<Recorded> {
        let key = members::signing_key(&self.home, member)?;
        let what = match what {
            Withdrawal::Membership => Revocable::Member { member: member.clone() },
            Withdrawal::Dataset(dataset) => Revocable::Dataset { dataset: dataset.clone() },
            Withdrawal::Room => Revocable::Room,
            Withdrawal::Column(..) | Withdrawal::Template(_) | Withdrawal::Approval(_) => {
                let message = "an approval is given anew by approving";
                return Err(Error::invalid("approve-instead", message)
                    .help("airlock approve COLLABORATION TEMPLATE --as MEMBER"));
            }
        };
        self.decide(collaboration, (member, &key), tied, |_| {
            Ok(Body::Reoffered { by: member.clone(), what: what.clone() })
        })
        .await
    }
}
