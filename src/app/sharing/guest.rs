//! What a recipient is given: shares, tables, files. Everything is asked of the log as it is now, with what is pending laid over it; what is given
//! is on record first. What is absent and what is closed are answered alike. Must not know HTTP.

use super::{App, absent, bare};
use crate::app::desk::in_time;
use crate::app::{House, Share};
use crate::error::{Error, Kind, Result};
use crate::log::{self, Body, READS_MAX, Revocable, State};
use crate::results::{self, FileLine, Manifest, Place};
use crate::sharing::{Bearer, File, Table, Ticket, URL_S_MAX, Wants, id, lines};
use futures::stream::BoxStream;
use mappings::model::{Digest, RunId, TemplateName};
use std::ops::Range;
use std::sync::Arc;

pub(crate) use crate::sharing::Query;

/// Somebody who showed a good token, and the log as it was then.
#[derive(Debug)]
pub(crate) struct Guest {
    of: Bearer,
    state: Arc<State>,
    now_ms: i64,
    /// Until when its token is good.
    until_ms: i64,
}

/// Lines of an answer.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) lines: String,
    /// The format that they are in.
    pub(crate) wants: Wants,
}

/// A file that was found good, and what is read of it.
pub(crate) struct OpenFile {
    pub(crate) line: FileLine,
    pub(crate) range: Option<Range<u64>>,
    pub(crate) parts: Option<BoxStream<'static, Result<bytes::Bytes, results::ResultsError>>>,
    /// Kept until it is sent.
    pub(crate) leave: Share,
}

/// A table that is open.
struct Open {
    run: RunId,
    place: Place,
    manifest: Manifest,
    digest: Digest,
    until_ms: i64,
    presigned: bool,
}

fn closed() -> Error {
    Error::refused("share-closed", "nothing is open to this recipient any more")
        .help("a new profile of the member who shared it")
}

impl Guest {
    /// In whose name the result was received.
    pub(crate) const fn bearer(&self) -> &Bearer {
        &self.of
    }

    fn share(&self, app: &App, run: &RunId) -> Option<&log::Share> {
        let (by, recipient) = (&self.of.by, &self.of.recipient);
        let open = self.state.share((by, recipient), run, self.now_ms)?;
        (!app.sharing.is_ending(&self.of, Some(run))).then_some(open)
    }

    /// Until when a URL lives that is made now, of what is open until then.
    fn url_until_ms(&self, open_until_ms: i64) -> i64 {
        open_until_ms.min(self.now_ms.saturating_add(URL_S_MAX * 1_000))
    }

    /// What is open to it: schemas are templates, tables are runs. In order.
    pub(crate) fn tables(&self, app: &App) -> Vec<(TemplateName, RunId)> {
        let whose = (self.of.by.clone(), self.of.recipient.clone());
        let known = self.state.recipients().get(&whose);
        let runs = known.into_iter().flat_map(|known| known.shares.keys());
        let open = runs.filter(|run| self.share(app, run).is_some());
        let named = open
            .filter_map(|run| Some((self.state.runs().get(run)?.template.clone(), run.clone())));
        let mut all: Vec<_> = named.collect();
        all.sort();
        all
    }

    /// The name of the one share that it sees: the collaboration's.
    pub(crate) fn share_name(&self) -> &str {
        self.of.collaboration.as_str()
    }

    /// Whether this is that name. Names are the same in capitals.
    pub(crate) fn is_share(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(self.share_name())
    }

    fn named(&self, app: &App, (share, schema, table): (&str, &str, &str)) -> Result<RunId> {
        let is = |(template, run): &(TemplateName, RunId)| {
            schema.eq_ignore_ascii_case(template.as_str())
                && table.eq_ignore_ascii_case(run.as_str())
        };
        let mut all = self.tables(app).into_iter().filter(|_| self.is_share(share));
        all.find(is).map(|(_, run)| run).ok_or_else(absent)
    }
}

impl App {
    /// Who shows this token, if it is good now.
    pub(crate) async fn guest(&self, token: &str) -> Result<Guest> {
        let of = self.sharing.words.bearer(token).ok_or_else(unknown)?;
        self.guest_of(of).await
    }

    async fn guest_of(&self, of: Bearer) -> Result<Guest> {
        let state = match self.load(&of.collaboration).await {
            Ok(loaded) => loaded.state,
            Err(error) if error.kind == Kind::Invalid => return Err(unknown()),
            // A log in doubt gives nothing, and says nothing of why.
            Err(error) if error.kind == Kind::Refused => return Err(closed()),
            Err(error) => return Err(error),
        };
        let now_ms = state.log_time(self.clock.now_ms());
        let known = state.recipients().get(&(of.by.clone(), of.recipient.clone()));
        let token = known.and_then(|known| known.tokens.iter().find(|t| t.digest == of.digest));
        let left = Revocable::Member { member: of.by.clone() };
        let is_over = state.revoked(&Revocable::Room).is_some() || state.revoked(&left).is_some();
        let Some(until_ms) = token.map(|token| token.until_ms).filter(|_| !is_over) else {
            return Err(closed());
        };
        if self.sharing.is_ending(&of, None) {
            return Err(closed());
        }
        if now_ms >= until_ms {
            return Err(Error::refused("share-token-expired", "this token has expired")
                .help("a new profile of the member who shared it"));
        }
        Ok(Guest { of, state, now_ms, until_ms })
    }

    /// A table that is open, and its manifest as it lies at the member's destination.
    async fn opened(&self, house: &House, guest: &Guest, run: RunId) -> Result<Open> {
        let share = guest.share(self, &run).ok_or_else(absent)?;
        let of = &guest.of.collaboration;
        let known = guest.state.runs().get(&run).ok_or_else(absent)?;
        let found = self.received(of, (&*guest.state, known), &guest.of.by).await?;
        house.receives(&guest.of.by, &found.destination).map_err(|_| absent())?;
        let place = Place::look(&found.destination)?;
        let (manifest, _) =
            in_time(results::manifest_of(&place, (of, &run), found.manifest)).await?;
        let until_ms = share.until_ms.min(guest.until_ms);
        let presigned = share.presigned;
        Ok(Open { run, place, manifest, digest: found.manifest, until_ms, presigned })
    }

    /// Whether there is a table of this name.
    pub(crate) fn shared_table(&self, guest: &Guest, name: (&str, &str, &str)) -> Result<RunId> {
        guest.named(self, name)
    }

    /// What a table is.
    pub(crate) async fn shared_metadata(
        &self,
        (house, guest): (&House, &Guest),
        name: (&str, &str, &str),
        wants: Wants,
    ) -> Result<Told> {
        let run = guest.named(self, name)?;
        let open = self.opened(house, guest, run).await?;
        let table = Table { manifest: &open.manifest, digest: open.digest };
        Ok(Told { lines: lines(&table, None, None, wants), wants })
    }

    /// Its files, each with a URL that lives for a while. That it was asked for is on record before.
    pub(crate) async fn shared_files(
        &self,
        (house, guest): (&House, &Guest),
        name: (&str, &str, &str),
        (query, wants): (&Query, Wants),
        base: &str,
    ) -> Result<Told> {
        let run = guest.named(self, name)?;
        let _leave = house.fetching.take_for_guest(&guest.of.by)?;
        let open = self.opened(house, guest, run).await?;
        let list = format!("files {}", bare(open.digest));
        let from = match &query.page_token {
            None => 0,
            Some(text) => self.read_page(guest, &list, text)?.parse().map_err(|_| unpaged())?,
        };
        self.on_record(guest, &open.run, open.digest).await?;
        let rows: Vec<u64> = open.manifest.files.iter().map(|line| line.rows).collect();
        let page = query.page(from, &rows);
        let mut files = Vec::new();
        for line in open.manifest.files.get(page.clone()).unwrap_or_default() {
            let (url, until_ms) = self.url(guest, &open, (line, base)).await?;
            files.push(File { line, url, until_ms });
        }
        let rest = query.page(page.end, &rows);
        let next = (!rest.is_empty())
            .then(|| self.sharing.words.page(&guest.of, &list, &page.end.to_string()));
        let table = Table { manifest: &open.manifest, digest: open.digest };
        Ok(Told { lines: lines(&table, Some(&files), next.as_deref(), wants), wants })
    }

    /// A URL of a file: of this gateway, where it is asked for anew whether it is open; or of the storage, where the member said so.
    async fn url(
        &self,
        guest: &Guest,
        open: &Open,
        (line, base): (&FileLine, &str),
    ) -> Result<(String, i64)> {
        if open.presigned
            && signs(open.manifest.files.len())
            && let Some(signed) = self.signed(guest, open, line).await?
        {
            return Ok(signed);
        }
        let until_ms = guest.url_until_ms(open.until_ms);
        let Bearer { collaboration, by, recipient, digest } = guest.of.clone();
        let (run, sha256) = (open.run.clone(), line.sha256);
        let ticket = Ticket { collaboration, by, recipient, token: digest, run, sha256, until_ms };
        let ticket = self.sharing.words.ticket(&ticket);
        // Named as the storage services name theirs: the official client takes no other URL for a signed one.
        Ok((
            format!("{base}/delta-sharing/files/{}.parquet?sp=r&sig={ticket}", bare(sha256)),
            until_ms,
        ))
    }

    /// A URL of the storage itself; `None` where it signs none, or the member no longer says so.
    async fn signed(
        &self,
        guest: &Guest,
        open: &Open,
        line: &FileLine,
    ) -> Result<Option<(String, i64)>> {
        let of = (&guest.of.collaboration, &open.run);
        let file = results::Opened::new(&open.place, of, line, &self.sharing.verified);
        let file = in_time(file).await?;
        // Looked at again: finding it good may have taken a while, and what was signed nobody takes back.
        let guest = self.guest_of(guest.of.clone()).await?;
        let share = guest.share(self, &open.run).ok_or_else(absent)?;
        if !share.presigned {
            return Ok(None);
        }
        let until_ms = guest.url_until_ms(share.until_ms.min(guest.until_ms));
        let for_s = u64::try_from((until_ms - guest.now_ms) / 1_000).unwrap_or_default();
        let Some(url) = in_time(file.signed(for_s.max(1))).await? else { return Ok(None) };
        self.on_record(&guest, &open.run, line.sha256).await?;
        Ok(Some((url, until_ms)))
    }

    /// Whose leave to read a file this is, if it still holds.
    async fn ticket(&self, text: &str, name: &str) -> Result<(Guest, Ticket)> {
        let ticket = self.sharing.words.read_ticket(text);
        let own = |ticket: &Ticket| name == format!("{}.parquet", bare(ticket.sha256));
        let ticket = ticket.filter(own).ok_or_else(|| {
            Error::refused("share-url-invalid", "this URL was not made here, or was changed")
                .help("the query again, which gives another")
        })?;
        let of = Bearer {
            collaboration: ticket.collaboration.clone(),
            by: ticket.by.clone(),
            recipient: ticket.recipient.clone(),
            digest: ticket.token,
        };
        let guest = self.guest_of(of).await?;
        if guest.now_ms >= ticket.until_ms {
            return Err(Error::refused("share-url-expired", "this URL has expired")
                .help("the query again, which gives another"));
        }
        if guest.share(self, &ticket.run).is_none() {
            return Err(absent());
        }
        Ok((guest, ticket))
    }

    /// Whether a URL that was read from still holds: by the time of its making alone it may end while it is read.
    pub(crate) async fn still_open(&self, text: &str) -> bool {
        let Some(ticket) = self.sharing.words.read_ticket(text) else { return false };
        let of = Bearer {
            collaboration: ticket.collaboration,
            by: ticket.by,
            recipient: ticket.recipient,
            digest: ticket.token,
        };
        let guest = self.guest_of(of).await;
        guest.is_ok_and(|guest| guest.share(self, &ticket.run).is_some())
    }

    /// A file by its URL: whole, or a range of it; or what it is alone. On record before a byte of it is given.
    pub(crate) async fn shared_file(
        &self,
        house: &House,
        (name, ticket): (&str, &str),
        wanted: impl Fn(u64, &str) -> Result<Option<Range<u64>>> + Send + Sync,
        is_head: bool,
    ) -> Result<OpenFile> {
        let (guest, found) = self.ticket(ticket, name).await?;
        let leave = house.fetching.take_for_guest(&guest.of.by)?;
        let open = self.opened(house, &guest, found.run).await?;
        let mut lines = open.manifest.files.iter();
        let line = lines.find(|line| line.sha256 == found.sha256).ok_or_else(absent)?.clone();
        let range = wanted(line.bytes, &bare(line.sha256))?;
        if is_head {
            return Ok(OpenFile { line, range, parts: None, leave });
        }
        let of = (&guest.of.collaboration, &open.run);
        let file = results::Opened::new(&open.place, of, &line, &self.sharing.verified);
        let file = in_time(file).await?;
        // Looked at again: finding it good may have taken a while.
        let (guest, _) = self.ticket(ticket, name).await?;
        self.on_record(&guest, &open.run, line.sha256).await?;
        let parts = in_time(file.read(range.clone().unwrap_or(0..line.bytes))).await?;
        Ok(OpenFile { line, range, parts: Some(parts), leave })
    }

    /// Puts on record that this is read now, unless a line of the last minutes says so already.
    async fn on_record(&self, guest: &Guest, run: &RunId, sha256: Digest) -> Result<()> {
        let Bearer { collaboration, by, recipient, .. } = guest.of.clone();
        let (of, what) = ((&by, &recipient), (run.clone(), sha256));
        if !guest.state.read_is_due(of, &what, self.clock.now_ms()) {
            return Ok(());
        }
        let body = Body::ShareRead { by, recipient, run: run.clone(), sha256 };
        match self.record(&collaboration, body).await {
            Ok(_) => Ok(()),
            // Another was faster.
            Err(error) if error.code == "share-read-repeated" => Ok(()),
            Err(error) if matches!(error.code.as_str(), "share-unknown" | "recipient-unknown") => {
                Err(absent())
            }
            Err(error) => Err(error),
        }
    }

    /// Where a list goes on after a name.
    pub(crate) fn page_of(&self, guest: &Guest, list: &str, after: &str) -> String {
        self.sharing.words.page(&guest.of, list, after)
    }

    /// After which name a list goes on.
    pub(crate) fn read_page(&self, guest: &Guest, list: &str, text: &str) -> Result<String> {
        self.sharing.words.read_page(&guest.of, list, text).ok_or_else(unpaged)
    }
}

/// The name of a table over the years.
pub(crate) fn table_id(guest: &Guest, run: &RunId) -> String {
    let of = guest.bearer();
    id(Digest::of(format!("{}\n{}\n{run}", of.collaboration, of.by).as_bytes()))
}

/// Whether every file of a result can be handed out at once as a URL of the storage: each is a line, beside the one of the question, and a recipient
/// has so many. What has more files goes through this gateway, where a file is a line when it is read.
const fn signs(files: usize) -> bool {
    files < READS_MAX
}

fn unknown() -> Error {
    Error::invalid("share-token-invalid", "no token, or none that this gateway gave")
        .help("Authorization: Bearer TOKEN, with the bearerToken of the profile")
}

fn unpaged() -> Error {
    Error::invalid("share-page-invalid", "this is no page of this list")
        .help("nextPageToken of the page before, or none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_more_files_than_lines_is_not_handed_out_by_the_storage() {
        assert!(signs(1) && signs(255), "with the line of the question they are 256");
        assert!(!signs(256) && !signs(10_000));
    }
}
