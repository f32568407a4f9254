//! What a gateway shows of a collaboration. It is the gateway's word; what matters of it is held against the log by whoever decides on it.

use super::Client;
use super::ask::{Question, unreadable};
use crate::error::Result;
use crate::wire;
use mappings::model::{Agreement, CollaborationId, Digest, PlatformId, RunId, TemplateName};
use serde::de::DeserializeOwned;

/// So many pages of anything are read.
const PAGES_MAX: usize = 10_000;
const PAGE: &str = "200";

impl Client {
    async fn read<T: DeserializeOwned>(
        &self,
        of: &CollaborationId,
        below: &[&str],
        query: &[(&str, String)],
    ) -> Result<T> {
        let path = [&["v1", "collaborations", of.as_str()], below].concat();
        self.link.get(&path, query).await?.json()
    }

    /// A list, page by page, to its end. `cursor` is what the next page is asked for by.
    async fn pages<P: DeserializeOwned, T>(
        &self,
        path: &[&str],
        (cursor, asked): (&str, &[(&str, String)]),
        page: fn(P) -> (Vec<T>, Option<String>),
    ) -> Result<Vec<T>> {
        let (mut all, mut next) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let mut query = asked.to_vec();
            query.push(("limit", PAGE.to_owned()));
            query.extend(next.map(|next| (cursor, next)));
            let (found, more) = page(self.link.get(path, &query).await?.json()?);
            all.extend(found);
            next = more;
            if next.is_none() {
                return Ok(all);
            }
        }
        Err(unreadable("its list does not end"))
    }

    /// The same of a collaboration.
    async fn all<P: DeserializeOwned, T>(
        &self,
        (of, below): (&CollaborationId, &[&str]),
        cursor: &str,
        page: fn(P) -> (Vec<T>, Option<String>),
    ) -> Result<Vec<T>> {
        let path = [&["v1", "collaborations", of.as_str()], below].concat();
        self.pages(&path, (cursor, &[]), page).await
    }

    /// The collaborations that the caller's member is part of, invited to, or was part of.
    pub async fn collaborations(&self) -> Result<Vec<wire::Listed>> {
        let page = |page: wire::Collaborations| (page.collaborations, page.next);
        self.pages(&["v1", "collaborations"], ("after", &[]), page).await
    }

    /// A collaboration as it stands, and the mark of what is decided in it.
    pub async fn collaboration(
        &self,
        of: &CollaborationId,
    ) -> Result<(wire::Collaboration, String)> {
        let told = self.link.get(&["v1", "collaborations", of.as_str()], &[]).await?;
        let mark = told.etag.clone().ok_or_else(|| unreadable("it has no mark"))?;
        Ok((told.json()?, mark))
    }

    /// Its members.
    pub async fn members(&self, of: &CollaborationId) -> Result<Vec<wire::Member>> {
        let page = |page: wire::Members| (page.members, page.next);
        self.all((of, &["members"]), "after", page).await
    }

    /// Its templates, in order of name.
    pub async fn templates(&self, of: &CollaborationId) -> Result<Vec<wire::Template>> {
        let page = |page: wire::Templates| (page.templates, page.next);
        self.all((of, &["templates"]), "after", page).await
    }

    /// One of them, as this version of the agreement has it.
    pub async fn template(
        &self,
        of: &CollaborationId,
        template: &TemplateName,
        agreement: Digest,
    ) -> Result<wire::Template> {
        let query = [("agreement", agreement.to_string())];
        self.read(of, &["templates", template.as_str()], &query).await
    }

    /// What the guard makes of it there, and what each room runs.
    pub async fn explanation(
        &self,
        of: &CollaborationId,
        template: &TemplateName,
        agreement: Digest,
    ) -> Result<wire::Explanation> {
        let query = [("agreement", agreement.to_string())];
        self.read(of, &["templates", template.as_str(), "explanation"], &query).await
    }

    /// The versions of the agreement that have it, in the order in which they were proposed.
    pub async fn template_versions(
        &self,
        of: &CollaborationId,
        template: &TemplateName,
    ) -> Result<Vec<wire::TemplateVersion>> {
        let page = |page: wire::TemplateVersions| (page.versions, page.next);
        self.all((of, &["templates", template.as_str(), "versions"]), "after", page).await
    }

    /// How each room holds each term of its agreement.
    pub async fn fidelity(&self, of: &CollaborationId) -> Result<wire::Fidelity> {
        self.read(of, &["fidelity"], &[]).await
    }

    /// What each member could learn under it.
    pub async fn learn(&self, of: &CollaborationId) -> Result<wire::Learnable> {
        self.read(of, &["learn"], &[]).await
    }

    /// Its rooms on other platforms.
    pub async fn rooms(&self, of: &CollaborationId) -> Result<Vec<wire::Room>> {
        let page = |page: wire::Rooms| (page.rooms, page.next);
        self.all((of, &["rooms"]), "after", page).await
    }

    /// The withdrawals that platforms had to be closed for.
    pub async fn revocations(&self, of: &CollaborationId) -> Result<Vec<wire::Revocation>> {
        let page = |page: wire::Revocations| (page.revocations, page.next.map(|at| at.to_string()));
        self.all((of, &["revocations"]), "after", page).await
    }

    /// One of them, by the position of its leaf.
    pub async fn revocation(&self, of: &CollaborationId, index: u64) -> Result<wire::Revocation> {
        self.read(of, &["revocations", &index.to_string()], &[]).await
    }

    /// A version of an agreement: the document that has this digest, and no other.
    pub async fn agreement(&self, of: &CollaborationId, digest: &Digest) -> Result<Agreement> {
        let path = ["agreements", &digest.to_string()];
        let version: wire::AgreementVersion = self.read(of, &path, &[]).await?;
        let document = serde_json::from_value::<Agreement>(version.document);
        let document = document.map_err(|_| unreadable("its agreement is none"))?;
        if document.digest() == *digest {
            return Ok(document);
        }
        Err(unreadable("its agreement is not the one of that digest"))
    }

    /// The runs, the newest first.
    pub async fn runs(&self, of: &CollaborationId) -> Result<Vec<wire::Run>> {
        let page = |page: wire::Runs| (page.runs, page.next.map(|at| at.to_string()));
        self.all((of, &["runs"]), "before", page).await
    }

    /// A run.
    pub async fn run(&self, of: &CollaborationId, run: &RunId) -> Result<wire::Run> {
        self.read(of, &["runs", run.as_str()], &[]).await
    }

    /// The schedules that have not ended, by name.
    pub async fn schedules(&self, of: &CollaborationId) -> Result<Vec<wire::Schedule>> {
        Ok(self.read::<wire::Schedules>(of, &["schedules"], &[]).await?.schedules)
    }

    /// Recipients outside, and what is open to each.
    pub async fn shares(&self, of: &CollaborationId) -> Result<Vec<wire::Recipient>> {
        let page = |page: wire::Shares| (page.recipients, page.next);
        self.all((of, &["shares"]), "after", page).await
    }

    /// What of the caller's member waits for a second person.
    pub async fn waiting(&self, of: &CollaborationId) -> Result<Vec<wire::Waits>> {
        Ok(self.read::<wire::AllWaits>(of, &["waiting"], &[]).await?.waiting)
    }

    /// The waivers that hold for an agreement.
    pub async fn waivers(
        &self,
        of: &CollaborationId,
        agreement: Digest,
    ) -> Result<Vec<wire::WaiverGiven>> {
        let path = ["v1", "collaborations", of.as_str(), "waivers"];
        let page = |page: wire::Waivers| (page.waivers, page.next);
        self.pages(&path, ("after", &[("agreement", agreement.to_string())]), page).await
    }

    /// What the caller's member would make in a room, as a document.
    pub async fn export(
        &self,
        of: &CollaborationId,
        room: &PlatformId,
        form: wire::ExportForm,
    ) -> Result<String> {
        let form = serde_json::json!(form).as_str().unwrap_or_default().to_owned();
        let below = ["rooms", room.as_str(), "export"];
        Ok(self.read::<wire::Export>(of, &below, &[("form", form)]).await?.document)
    }

    /// Ends the waiting of something of the caller's member, by its fingerprint.
    pub async fn take_back(&self, of: &CollaborationId, id: &str) -> Result<()> {
        let path = ["v1", "collaborations", of.as_str(), "waiting", id];
        self.link.ask(&Question::delete(&path)).await.map(drop)
    }

    /// What it would take to make a room as agreed. Its platform is asked.
    pub async fn plan(&self, of: &CollaborationId, room: &PlatformId) -> Result<wire::RoomPlan> {
        let path = ["v1", "collaborations", of.as_str(), "rooms", room.as_str(), "plans"];
        self.link.ask(&Question::post(&path)).await?.json()
    }

    /// How the caller's member is reached on platforms.
    pub async fn test_connections(
        &self,
        of: &CollaborationId,
    ) -> Result<Vec<wire::ConnectionTested>> {
        let path = ["v1", "collaborations", of.as_str(), "connections", "tests"];
        let tested: wire::ConnectionsTested =
            self.link.ask(&Question::post(&path)).await?.json()?;
        Ok(tested.connections)
    }
}
