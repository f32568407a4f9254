//! The crash matrix: twelve workflows, every effect of each, and at each effect the four places where a process can die. After
//! every death a new worker goes on from the log and the platforms alone.

use crate::case::{Act, Case, Deed, Kill, MINUTE, Point, What, prelude};
use crate::check::Violation;
use crate::world::World;

/// When a workflow begins, once everything before it has settled.
const BEGIN: i64 = 60 * MINUTE;
const END: i64 = 240 * MINUTE;
/// A death may cost so many effects more.
const MORE_MAX: usize = 12;
/// A seed of the pool with a versioned platform and one that takes several steps.
const SEED: u64 = 2;

/// A workflow.
#[derive(Debug, Clone)]
pub struct Workflow {
    /// Its name.
    pub name: &'static str,
    case: Case,
}

fn case(before: Vec<Act>, workflow: Vec<Deed>) -> Case {
    let later = (0..).zip(workflow).map(|(n, deed)| Act { at_ms: BEGIN + n * 40, deed });
    Case {
        seed: SEED,
        workers: 1,
        apart: None,
        horizon_ms: END,
        faults: Vec::new(),
        acts: before.into_iter().chain(later).collect(),
        kills: Vec::new(),
        kills_from_ms: BEGIN,
    }
}

fn version(version: usize) -> Vec<Deed> {
    prelude(version, 0).into_iter().map(|act| act.deed).collect()
}

/// How much is agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Three members with a dataset each and three templates.
    Whole,
    /// Two of them: each kind of call is made, and fewer of each. Two deaths in any order are a square of the calls.
    Small,
}

/// All of them.
#[must_use]
pub fn workflows(size: Size) -> Vec<Workflow> {
    let named = |name, case| Workflow { name, case };
    let agreed = match size {
        Size::Whole => 1,
        Size::Small => 6,
    };
    let whole = || prelude(agreed, 40);
    let revoke = |what| case(whole(), vec![Deed::Revoke { member: 2, what }]);
    let mut unapproved = whole();
    unapproved.retain(|act| act.deed != Deed::Approve { member: 2, template: 2 });
    let mut halves =
        vec![Deed::HalfCreate { platform: 1 }, Deed::Stranger { platform: 1, there: true }];
    halves.extend(version(agreed));
    halves.push(Deed::Stranger { platform: 1, there: false });
    vec![
        named("join-all", case(Vec::new(), version(agreed))),
        named("add-dataset", case(prelude(0, 40), version(1))),
        named("approve", case(unapproved, vec![Deed::Approve { member: 2, template: 2 }])),
        named("new-template-version", case(prelude(1, 40), version(2))),
        named("revoke-member", revoke(What::Member)),
        named("revoke-dataset", revoke(What::Dataset)),
        named("revoke-column", revoke(What::Column)),
        named("revoke-template", revoke(What::Template(2))),
        named("revoke-approval", revoke(What::Approval(2))),
        named("revoke-room", revoke(What::Room)),
        named("member-leaves", case(whole(), vec![Deed::Leave { platform: 0, member: 2 }])),
        named("adopt-half-a-create", case(Vec::new(), halves)),
    ]
}

/// What a workflow's matrix came to.
#[derive(Debug, Default)]
pub struct Matrix {
    /// Effects of the undisturbed run.
    pub effects: usize,
    /// Runs with deaths.
    pub runs: usize,
    /// Events.
    pub steps: u64,
    /// Where it failed, and how.
    pub broken: Vec<(String, Violation)>,
}

impl Workflow {
    fn run(&self, kills: Vec<Kill>) -> crate::world::Outcome {
        World::new(Case { kills, ..self.case.clone() }, false).run()
    }

    /// The undisturbed run, then one for every place to die; with `pairs`, one for every two places in that order, of which each
    /// worker meets the next. `every` thins a matrix out: one run in so many, a different one in each workflow.
    #[must_use]
    pub fn matrix(&self, pairs: bool, every: usize) -> Matrix {
        // Counting needs a death that never comes.
        let never = Kill { effect: usize::MAX, point: Point::BeforeSend };
        let whole = self.run(vec![never]);
        let mut matrix = Matrix { effects: whole.effects, ..Matrix::default() };
        matrix.take("undisturbed", whole);
        let mut number = self.name.len();
        for first in places(matrix.effects) {
            if !pairs {
                number += 1;
                if number.is_multiple_of(every) {
                    matrix.die(self, vec![first]);
                }
                continue;
            }
            // After the first death there may be more to do than before it, and is less as a rule.
            for second in places(matrix.effects + MORE_MAX) {
                number += 1;
                let is_due = number.is_multiple_of(every);
                if is_due && matrix.die(self, vec![first, second]) > 0 {
                    // It never came to so many effects, nor does it to more.
                    break;
                }
            }
        }
        matrix
    }
}

/// Every place to die at these many effects, in their order.
fn places(effects: usize) -> impl Iterator<Item = Kill> {
    (0..effects).flat_map(|effect| Point::ALL.map(|point| Kill { effect, point }))
}

impl Matrix {
    /// A run with these deaths; how many of them never came.
    fn die(&mut self, workflow: &Workflow, kills: Vec<Kill>) -> usize {
        let at = kills.iter().map(|kill| format!("{}.{:?}", kill.effect, kill.point));
        let at = at.collect::<Vec<_>>().join(" then ");
        let (most, deaths) = (self.effects, kills.len());
        let outcome = workflow.run(kills);
        let unmet = outcome.unmet;
        if outcome.broken.is_none() && outcome.effects > most + MORE_MAX * deaths {
            let why =
                format!("{} effects after the last death; {most} undisturbed", outcome.effects);
            let late = Violation { invariant: 33, at_ms: outcome.virtual_ms, why };
            self.broken.push((at.clone(), late));
        }
        self.take(&at, outcome);
        unmet
    }

    fn take(&mut self, at: &str, outcome: crate::world::Outcome) {
        self.runs += 1;
        self.steps += outcome.steps;
        if let Some(broken) = outcome.broken {
            self.broken.push((at.to_owned(), broken));
        }
    }
}
