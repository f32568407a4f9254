//! The sequences that no opening and closing sends, cut after each of their statements: another process ends where it should, and in
//! between nothing is open that was not agreed, as both accounts see it and as the runner tries it.

use super::member;
use super::twin::{Stage, case, kinds, named, wanted};
use crate::collaboration::room::SnowflakeCollaborations;
use crate::twin::{CONSUMER, PROVIDER, clock};
use adapter_spi::{Adapter as _, Cx, Desired, Observation, ResourceKind, Scope, Step};
use mappings::model::MemberId;
use serde_json::json;
use std::collections::BTreeSet;

const PASSES: usize = 30;
/// More statements than any of these sequences has.
const STATEMENTS_MAX: usize = 24;

/// What a sequence is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// Somebody whom nobody here operates left: the owner asks for the whole without it.
    Edit,
    /// A dataset is withdrawn while a text over it waits for its owner's word.
    Reject,
    /// Registries that grew are made smaller.
    Unregister,
}

impl Sort {
    /// What its sequence must have.
    const fn sends(self) -> &'static [&'static str] {
        match self {
            Self::Edit => &["Edit"],
            Self::Reject => &["Reject", "Unlink", "DropView"],
            Self::Unregister => &["UnregisterOffering", "UnregisterTemplate"],
        }
    }
}

/// A collaboration in front of a sequence.
struct Scene {
    sort: Sort,
    stage: Stage,
    scope: Scope,
    desired: Desired,
    before: Observation,
    /// How many rows the runner gets by hand; none where it is refused.
    rows: Option<usize>,
}

impl Scene {
    async fn set(sort: Sort) -> Option<Self> {
        let stage = Stage::set().await?;
        let (_, scope, whole) = case("suite-cuts");
        let mut desired = whole.clone();
        match sort {
            Sort::Edit => {
                stage.converge(&scope, &whole).await;
                desired.members.remove(&member("provider"));
            }
            Sort::Reject => {
                until_asked(&stage, &scope, &whole).await;
                desired.datasets.remove(&"orders".parse().unwrap());
            }
            Sort::Unregister => {
                stage.converge(&scope, &whole).await;
                grow(&stage, &whole).await;
            }
        }
        let before = stage.look(&scope).await;
        let mut scene = Self { sort, stage, scope, desired, before, rows: None };
        scene.rows = scene.by_hand().await;
        assert_eq!(scene.rows, (sort != Sort::Reject).then_some(3), "{sort:?}");
        Some(scene)
    }

    /// Another process, which knows nothing of the calls before.
    fn process(&self) -> SnowflakeCollaborations {
        let mut connections = self.stage.twin.connections();
        if self.sort == Sort::Edit {
            connections.members.remove(&member("provider"));
        }
        SnowflakeCollaborations::new(connections, clock())
    }

    async fn by_hand(&self) -> Option<usize> {
        let (room, template) = named(&self.scope.agreement);
        self.stage.by_hand(&room, &template).await.ok()
    }

    async fn planned(&self, room: &SnowflakeCollaborations) -> (Vec<Step>, bool) {
        let seen = room.observe(&self.scope, &Cx::default()).await.unwrap();
        let made = room.plan(&self.desired, &seen).unwrap();
        assert_eq!(made.refused, None);
        (made.steps, made.pending)
    }

    /// The pass, which dies with its first statement that fails; whether one did.
    async fn dies(&self, kind: &str, skip: usize) -> bool {
        let room = self.process();
        let (steps, _) = self.planned(&room).await;
        let sent: BTreeSet<&str> =
            steps.iter().map(|step| step.call["operation"].as_str().unwrap()).collect();
        let lacks = self.sort.sends().iter().find(|one| !sent.contains(**one));
        assert_eq!(lacks, None, "{:?}: {sent:?}", self.sort);
        let fault =
            json!({ "kind": kind, "match": ".", "route": "submit", "skip": skip, "times": 9999 });
        self.stage.twin.fault(&fault).await;
        let mut died = false;
        for step in &steps {
            died = room.apply(step, &Cx::default()).await.is_err();
            if died {
                break;
            }
        }
        self.stage.twin.calm().await;
        died
    }

    /// Nothing is open that was not before, in either account, and the runner gets no other rows.
    async fn is_no_wider(&self, at: &str) {
        let all = SnowflakeCollaborations::new(self.stage.twin.connections(), clock());
        let now = all.observe(&self.scope, &Cx::default()).await.unwrap();
        assert_eq!(now.unseen.len(), 0, "{at}");
        let opened = kinds(&now).is_subset(&kinds(&self.before));
        assert!(opened && now.members.is_subset(&self.before.members), "{at}: {:?}", now.resources);
        let rows = self.by_hand().await;
        assert!(rows.is_none() || rows == self.rows, "{at}: {rows:?}");
    }

    /// Passes of new processes until nothing is left that one of them can do.
    async fn goes_on(&self, at: &str) {
        for _ in 0..PASSES {
            let room = self.process();
            let (steps, pending) = self.planned(&room).await;
            if steps.is_empty() && !pending {
                return;
            }
            for step in &steps {
                let _failed_or_done = room.apply(step, &Cx::default()).await;
            }
            self.is_no_wider(at).await;
        }
        panic!("{at}: no fixed point: {:#?}", self.planned(&self.process()).await);
    }

    async fn ends_as_wanted(&self, at: &str) {
        if self.sort == Sort::Edit {
            self.leaves().await;
            self.goes_on(at).await;
        }
        let seen = self.stage.look(&self.scope).await;
        let orders = ResourceKind::Dataset("orders".parse().unwrap());
        let template = ResourceKind::Template("overlap".parse().unwrap());
        match self.sort {
            Sort::Edit => {
                let provider: MemberId = member("provider");
                assert!(!seen.members.contains(&provider), "{at}: {:?}", seen.members);
                let held = kinds(&seen);
                assert!(!held.contains(&orders) && !held.contains(&template), "{at}: {held:?}");
                assert_eq!(self.by_hand().await, None, "{at}");
            }
            Sort::Reject => {
                let people = ResourceKind::Dataset("people".parse().unwrap());
                assert_eq!(kinds(&seen), BTreeSet::from([people]), "{at}");
                let asked = self.asked().await;
                assert!(asked.iter().all(|status| status == "REJECTED"), "{at}: {asked:?}");
                assert_eq!(self.by_hand().await, None, "{at}");
            }
            Sort::Unregister => {
                assert_eq!(kinds(&seen), wanted(&self.desired), "{at}");
                assert_eq!(registered(&self.stage).await, [17, 17], "{at}");
                assert_eq!(self.by_hand().await, Some(3), "{at}");
            }
        }
    }

    /// What became of every request, as the runner's account sees it.
    async fn asked(&self) -> Vec<String> {
        let (room, _) = named(&self.scope.agreement);
        let text = format!(
            "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.VIEW_UPDATE_REQUESTS('{room}')"
        );
        let rows = self.stage.twin.sql(CONSUMER, &[&text]).await;
        rows.iter().map(|row| row[3].as_str().unwrap().to_owned()).collect()
    }

    /// Who left says so to what it was asked, by its own hand.
    async fn leaves(&self) {
        let (room, _) = named(&self.scope.agreement);
        let call = "CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.COLLABORATION.";
        let view = format!("{call}VIEW_UPDATE_REQUESTS('{room}')");
        for request in self.stage.twin.sql(PROVIDER, &[&view]).await {
            if request[1] == "EDIT" && request[3] == "PENDING_MY_APPROVAL" {
                let id = request[0].as_str().unwrap();
                let approve = format!("{call}APPROVE_UPDATE_REQUEST('{room}', '{id}')");
                self.stage.twin.sql(PROVIDER, &[&approve]).await;
            }
        }
    }
}

/// Passes until a text waits for somebody's word, and not one step further.
async fn until_asked(stage: &Stage, scope: &Scope, whole: &Desired) {
    for _ in 0..PASSES {
        let made = stage.plan(scope, whole).await;
        let approves = |step: &&Step| step.call["operation"] == "Approve";
        if made.steps.iter().any(|step| approves(&step)) {
            return;
        }
        for step in &made.steps {
            let _again = stage.adapter().apply(step, &Cx::default()).await;
        }
    }
    panic!("nothing is asked");
}

/// More old specs of each kind than may stay, made by hand in the provider's registry.
async fn grow(stage: &Stage, whole: &Desired) {
    let all = crate::collaboration::wanted::wanted(whole);
    let said = all.rooms.values().next().unwrap().templates.values().next().unwrap();
    let offering = &all.offerings[&"orders".parse().unwrap()];
    let seen = stage.look(&Scope::of(&whole.agreement)).await;
    let database = seen.native["accounts"]["provider"]["database"].as_str().unwrap().to_owned();
    let schema = crate::collaboration::names::schema(&whole.agreement.collaboration);
    let spec = offering.spec(&database, &schema).unwrap();
    let texts = [("TEMPLATE", &said.id, &said.spec), ("DATA_OFFERING", &offering.id, &spec)];
    for (kind, id, spec) in texts {
        let version = id.rsplit_once('_').unwrap().1;
        for n in 0..18 {
            let spec = spec.replace(&format!("\"{version}\""), &format!("\"h{n:016x}\""));
            let spec = spec.replace('\\', "\\\\").replace('\'', "''");
            let text =
                format!("CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.REGISTER_{kind}('{spec}')");
            stage.twin.sql(PROVIDER, &[&text]).await;
        }
    }
    assert_eq!(registered(stage).await, [19, 19]);
}

/// How many offerings and templates the provider's registry has.
async fn registered(stage: &Stage) -> [usize; 2] {
    let mut counts = [0; 2];
    for (at, kind) in ["DATA_OFFERINGS", "TEMPLATES"].into_iter().enumerate() {
        let text = format!("CALL SAMOOHA_BY_SNOWFLAKE_LOCAL_DB.REGISTRY.VIEW_REGISTERED_{kind}()");
        counts[at] = stage.twin.sql(PROVIDER, &[&text]).await.len();
    }
    counts
}

/// Cut before and after each of its statements in turn, until one cut comes too late for it.
async fn is_cut_everywhere(sort: Sort) {
    for kind in ["cut_before", "cut_after"] {
        let mut cuts = 0;
        for skip in 0..=STATEMENTS_MAX {
            let Some(scene) = Scene::set(sort).await else { return };
            let at = format!("{sort:?} {kind} {skip}");
            let died = scene.dies(kind, skip).await;
            scene.is_no_wider(&at).await;
            scene.goes_on(&at).await;
            scene.ends_as_wanted(&at).await;
            if !died {
                break;
            }
            cuts += 1;
        }
        assert!((sort.sends().len()..STATEMENTS_MAX).contains(&cuts), "{sort:?} {kind}: {cuts}");
    }
}

#[tokio::test]
async fn an_edit_that_is_cut_anywhere_is_gone_on_from() {
    is_cut_everywhere(Sort::Edit).await;
}

#[tokio::test]
async fn a_refusal_that_is_cut_anywhere_is_gone_on_from() {
    is_cut_everywhere(Sort::Reject).await;
}

#[tokio::test]
async fn a_registry_that_is_cut_anywhere_is_gone_on_from() {
    is_cut_everywhere(Sort::Unregister).await;
}
