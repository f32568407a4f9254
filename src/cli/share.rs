//! `airlock share`: results that a member received, open to recipients outside, who read them by Delta Sharing at a gateway that serves.

use super::screen::Screen;
use super::status::at;
use crate::app::sharing::{self, Opened};
use crate::app::{App, ShareRequest, Tied, TokenRequest};
use crate::client::read_address;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::{settings, wire};
use mappings::model::{CollaborationId, MemberId, RecipientId, RunId};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of `share`.
#[derive(Debug, clap::Args)]
pub(super) struct Sharing {
    #[command(subcommand)]
    pub(super) act: Act,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Act {
    /// Open a result to a recipient until a time; a recipient without a good token gets a profile file.
    Add(Box<Add>),
    /// List recipients, and what is open to each.
    List {
        /// The collaboration.
        collaboration: CollaborationId,
    },
    /// Give a recipient another token in a new profile file; the newest two are good.
    Rotate(Box<Rotate>),
    /// Take a result away from a recipient, or everything with every token.
    Revoke {
        /// The collaboration.
        collaboration: CollaborationId,
        /// The recipient.
        #[arg(long)]
        to: RecipientId,
        /// This result alone.
        #[arg(long, value_name = "RUN")]
        run: Option<RunId>,
        /// The member whose recipient it is.
        #[arg(long = "as")]
        member: MemberId,
    },
}

/// Arguments of `share add`.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The collaboration.
    pub(super) collaboration: CollaborationId,
    /// The run that delivered to this member.
    pub(super) run: RunId,
    #[command(flatten)]
    pub(super) to: To,
    /// Hand files out as URLs of the storage itself. They are quicker, and live for five minutes whatever is taken away meanwhile.
    #[arg(long)]
    pub(super) presigned: bool,
    /// Give the recipient another token, also where it has a good one.
    #[arg(long)]
    pub(super) new_token: bool,
}

/// Arguments of `share rotate`.
#[derive(Debug, clap::Args)]
pub(super) struct Rotate {
    /// The collaboration.
    pub(super) collaboration: CollaborationId,
    #[command(flatten)]
    pub(super) to: To,
    /// End every older token now.
    #[arg(long)]
    pub(super) alone: bool,
}

/// Who gets something, and until when.
#[derive(Debug, clap::Args)]
pub(super) struct To {
    /// The recipient, in this member's words: an organisation, and no person.
    #[arg(long = "to", value_name = "RECIPIENT")]
    pub(super) recipient: RecipientId,
    /// The member who received the result.
    #[arg(long = "as")]
    pub(super) member: MemberId,
    /// Until when: 30d, 12h, or a time as 2026-12-31T00:00:00Z; within ninety days.
    #[arg(long, value_name = "TIME", value_parser = until)]
    pub(super) expires: Until,
    /// Write the profile into this new file, which nobody else may read; else it is printed.
    #[arg(long, value_name = "FILE")]
    pub(super) profile: Option<PathBuf>,
    /// The gateway's address as the recipient reaches it; else as [http] has it.
    #[arg(long, value_name = "URL")]
    pub(super) endpoint: Option<String>,
}

/// A time, or how long from now.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    /// In milliseconds since 1970.
    At(i64),
    /// From now.
    In(Duration),
}

impl Until {
    /// In milliseconds since 1970.
    pub(super) fn ms(self) -> i64 {
        use crate::clock::{Clock as _, SystemClock};
        match self {
            Self::At(ms) => ms,
            Self::In(after) => {
                let after = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
                SystemClock.now_ms().saturating_add(after)
            }
        }
    }
}

fn until(text: &str) -> Result<Until, String> {
    let wrong = || "30d, 12h, or a time as 2026-12-31T00:00:00Z".to_owned();
    if let Ok(time) = chrono::DateTime::parse_from_rfc3339(text) {
        return Ok(Until::At(time.timestamp_millis()));
    }
    let unit = |unit: char| text.strip_suffix(unit).and_then(|count| count.parse::<u32>().ok());
    let hours = unit('h').or_else(|| unit('d').and_then(|days| days.checked_mul(24)));
    let seconds = hours.map(|hours| u64::from(hours) * 3_600).or_else(|| unit('s').map(u64::from));
    seconds.map(Duration::from_secs).map(Until::In).ok_or_else(wrong)
}

impl Sharing {
    pub(super) async fn run(self, home: &Path, screen: Screen) -> Result<()> {
        let app = App::existing(home).await?;
        match self.act {
            Act::Add(add) => {
                let request = ShareRequest {
                    until_ms: add.to.expires.ms(),
                    collaboration: add.collaboration,
                    run: add.run,
                    by: add.to.member.clone(),
                    recipient: add.to.recipient.clone(),
                    presigned: add.presigned,
                    new_token: add.new_token,
                };
                let (endpoint, file) = (endpoint(home, &add.to)?, NewFile::of(&add.to)?);
                let opened = app.share(None, &request, &Tied::default()).await?;
                let opened = Given::of(opened, &endpoint, request.until_ms);
                let said =
                    Said { of: &request.collaboration, to: &add.to, until_ms: request.until_ms };
                said.given(&opened, (Some(&request.run), file), screen)
            }
            Act::List { collaboration } => {
                show(&collaboration, &app.recipients(&collaboration).await?, screen);
                Ok(())
            }
            Act::Rotate(asked) => {
                let request = TokenRequest {
                    until_ms: asked.to.expires.ms(),
                    collaboration: asked.collaboration,
                    by: asked.to.member.clone(),
                    recipient: asked.to.recipient.clone(),
                    alone: asked.alone,
                };
                let (endpoint, file) = (endpoint(home, &asked.to)?, NewFile::of(&asked.to)?);
                let opened = app.rotate(&request, &Tied::default()).await?;
                let opened = Given::of(opened, &endpoint, request.until_ms);
                let (of, until_ms) = (&request.collaboration, request.until_ms);
                Said { of, to: &asked.to, until_ms }.given(&opened, (None, file), screen)
            }
            Act::Revoke { collaboration, to, run, member } => {
                let (of, tied) = ((&member, &to), Tied::default());
                let recorded = app.unshare(&collaboration, of, run.as_ref(), &tied).await?;
                ended((&collaboration, &to), run.as_ref(), recorded.index, screen);
                screen.object(&serde_json::json!({
                    "collaboration": collaboration, "recipient": to, "run": run, "receipt": recorded,
                }));
                Ok(())
            }
        }
    }
}

/// Where a recipient reaches this gateway.
fn endpoint(home: &Path, to: &To) -> Result<String> {
    if let Some(said) = to.origin()? {
        return Ok(said);
    }
    let set = settings::http(&Home::existing(home)?)?;
    let own = ["localhost", "127.0.0.1", "[::1]"];
    let outside = set.hosts.iter().find(|host| !own.contains(&host.as_str()));
    let here = || format!("http://{}", set.listen);
    origin(&outside.map_or_else(here, |host| format!("https://{host}")))
}

/// An address to which a token may go.
fn origin(text: &str) -> Result<String> {
    Ok(read_address(text)?.origin().ascii_serialization())
}

impl To {
    /// The address that was said, if a token may go there.
    pub(super) fn origin(&self) -> Result<Option<String>> {
        self.endpoint.as_deref().map(origin).transpose()
    }
}

/// The file for a profile, made before there is a token that would be lost without it; gone again where there is none.
#[derive(Debug)]
pub(super) struct NewFile(Option<(PathBuf, std::fs::File)>);

impl NewFile {
    pub(super) fn of(to: &To) -> Result<Self> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let Some(path) = &to.profile else { return Ok(Self(None)) };
        let mut options = std::fs::OpenOptions::new();
        let opened = options.write(true).create_new(true).mode(0o600).open(path);
        let file = opened.map_err(|error| Error::io("make the profile", path, &error))?;
        Ok(Self(Some((path.clone(), file))))
    }

    /// Where it was written; nowhere where no file was named.
    fn write(mut self, text: &str) -> Result<Option<PathBuf>> {
        let Some((path, mut file)) = self.0.take() else { return Ok(None) };
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|error| Error::io("write the profile", &path, &error))?;
        Ok(Some(path))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// What was said before a share or a token was given.
pub(super) struct Said<'a> {
    pub(super) of: &'a CollaborationId,
    pub(super) to: &'a To,
    pub(super) until_ms: i64,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) index: u64,
    pub(super) receipt: serde_json::Value,
    pub(super) profile: Option<wire::ShareProfile>,
}

impl Said<'_> {
    /// Says it; the profile goes into its file, or where the output goes.
    pub(super) fn given(
        &self,
        opened: &Given,
        (run, file): (Option<&RunId>, NewFile),
        screen: Screen,
    ) -> Result<()> {
        let Self { of, to: To { recipient: to, .. }, until_ms } = self;
        let what = run.map_or_else(|| "another token".to_owned(), ToString::to_string);
        screen.say(format!("{of}: {to} has {what} until {}, leaf {}", at(*until_ms), opened.index));
        let mut written = None;
        if let Some(profile) = &opened.profile {
            let text = serde_json::to_string_pretty(profile)
                .map_err(|_| Error::failed("bug", "a profile can't be written"))?;
            written = file.write(&text)?;
            match &written {
                Some(path) => screen.say(format!(
                    "its profile is in {}; the token is shown nowhere else",
                    path.display()
                )),
                None => screen.say(text),
            }
        } else {
            screen.say("it goes on with the profile that it has");
        }
        let shown = opened.profile.as_ref().filter(|_| written.is_none());
        screen.object(&serde_json::json!({
            "collaboration": of, "recipient": to, "run": run, "until_ms": until_ms,
            "receipt": opened.receipt, "profile": shown, "file": written,
        }));
        Ok(())
    }
}

pub(super) fn ended(
    (of, to): (&CollaborationId, &RecipientId),
    run: Option<&RunId>,
    index: u64,
    screen: Screen,
) {
    let what = run.map_or_else(|| "everything".to_owned(), ToString::to_string);
    screen.say(format!("{of}: {what} is taken away from {to}, leaf {index}"));
}

pub(super) fn show(of: &CollaborationId, all: &[wire::Recipient], screen: Screen) {
    if all.is_empty() {
        screen.say(format!("{of} is open to no recipients"));
    }
    let rows = all.iter().flat_map(|one| {
        let tokens = one.tokens_until_ms.iter().map(|ms| at(*ms)).collect::<Vec<_>>().join(", ");
        let tokens = if tokens.is_empty() { "no good token".to_owned() } else { tokens };
        let row = move |what: String, until: String| {
            vec![one.recipient.clone(), one.by.clone(), what, until, tokens.clone()]
        };
        let results = one.results.iter().map(|result| {
            let until = result
                .closed
                .as_ref()
                .map_or_else(|| at(result.until_ms), |why| format!("closed: {why}"));
            (result.run.clone(), until)
        });
        let mut results: Vec<_> = results.collect();
        if results.is_empty() {
            results.push(("nothing".to_owned(), String::new()));
        }
        results.into_iter().map(move |(what, until)| row(what, until)).collect::<Vec<_>>()
    });
    if !all.is_empty() {
        screen.table(&["recipient", "of", "result", "until", "tokens until"], rows);
    }
    screen.object(&serde_json::json!({ "collaboration": of, "recipients": all }));
}

impl Given {
    fn of(opened: Opened, endpoint: &str, until_ms: i64) -> Self {
        let profile = opened.fresh.map(|fresh| sharing::profile(endpoint, &fresh, until_ms));
        let (index, receipt) = (opened.recorded.index, serde_json::json!(opened.recorded));
        Self { index, receipt, profile }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_time_or_how_long_from_now() {
        let of = |text: &str| until(text).ok();
        assert!(matches!(of("30d"), Some(Until::In(after)) if after.as_secs() == 30 * 86_400));
        assert!(matches!(of("12h"), Some(Until::In(after)) if after.as_secs() == 12 * 3_600));
        assert!(matches!(of("90s"), Some(Until::In(after)) if after.as_secs() == 90));
        assert!(matches!(of("1970-01-01T00:00:01Z"), Some(Until::At(1_000))));
        for no in ["", "d", "-1d", "1.5h", "tomorrow", "2026-12-31", "30", "99999999999d"] {
            assert!(of(no).is_none(), "{no}");
        }
    }
}
