//! `share` at a gateway elsewhere. The token that it made comes over, and is in the profile alone.

use super::receipt;
use crate::cli::screen::Screen;
use crate::cli::share::{Act, Given, NewFile, Said, Sharing, ended, show};
use crate::client::{Client, Decided};
use crate::error::Result;
use crate::wire;

pub(super) async fn share(client: &Client, asked: Sharing, screen: Screen) -> Result<()> {
    match asked.act {
        Act::Add(add) => {
            client.speaks_for(&add.to.member)?;
            let body = wire::ShareAsked {
                run: add.run.to_string(),
                recipient: add.to.recipient.to_string(),
                until_ms: add.to.expires.ms(),
                presigned: add.presigned,
                new_token: add.new_token,
            };
            let (endpoint, file) = (add.to.origin()?, NewFile::of(&add.to)?);
            let opened = given(client.share(&add.collaboration, &body).await?, endpoint);
            let said = Said { of: &add.collaboration, to: &add.to, until_ms: body.until_ms };
            said.given(&opened, (Some(&add.run), file), screen)
        }
        Act::List { collaboration } => {
            show(&collaboration, &client.shares(&collaboration).await?, screen);
            Ok(())
        }
        Act::Rotate(asked) => {
            client.speaks_for(&asked.to.member)?;
            let body = wire::ShareTokenAsked {
                recipient: asked.to.recipient.to_string(),
                until_ms: asked.to.expires.ms(),
                alone: asked.alone,
            };
            let of = &asked.collaboration;
            let (endpoint, file) = (asked.to.origin()?, NewFile::of(&asked.to)?);
            let opened = given(client.rotate(of, &body).await?, endpoint);
            let said = Said { of, to: &asked.to, until_ms: body.until_ms };
            said.given(&opened, (None, file), screen)
        }
        Act::Revoke { collaboration, to, run, member } => {
            client.speaks_for(&member)?;
            let decided = client.unshare(&collaboration, &to, run.as_ref()).await?;
            ended((&collaboration, &to), run.as_ref(), decided.receipt.index, screen);
            screen.object(&serde_json::json!({
                "collaboration": collaboration, "recipient": to, "run": run,
                "receipt": receipt(&decided.receipt),
            }));
            Ok(())
        }
    }
}

fn given(
    (decided, profile): (Decided, Option<wire::ShareProfile>),
    endpoint: Option<String>,
) -> Given {
    let profile = profile.map(|profile| {
        let own = endpoint.map(|said| format!("{said}/delta-sharing/"));
        wire::ShareProfile { endpoint: own.unwrap_or(profile.endpoint), ..profile }
    });
    Given { index: decided.receipt.index, receipt: receipt(&decided.receipt), profile }
}
