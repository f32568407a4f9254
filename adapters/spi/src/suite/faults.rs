//! The three patterns by which loops go wrong that look, plan and act: a stale look, a state that no look saw, a state in
//! between. Must not know any platform.

use super::{Broken, Case, PASSES_MAX, STEPS_MAX, Subject, hold, kinds, wanted};

impl Subject<'_> {
    /// Steps planned on a look that is long past change nothing that was reached since.
    pub(super) async fn a_stale_look_does_no_harm(&self) -> Result<(), Broken> {
        const CHECK: &str = "stale";
        let case = Case::named(self.adapter, "suite-stale", 7)?;
        let before = self.seen(CHECK, &case).await?;
        let opening = self.plan(CHECK, &case.whole, &before)?;
        self.converge(CHECK, &case, &case.whole, usize::MAX).await?;
        for step in &opening.steps {
            let _refused_or_done = self.adapter.apply(step, &self.cx).await;
        }
        let open = self.seen(CHECK, &case).await?;
        hold(CHECK, kinds(&open) == wanted(&case.whole), "what was made is not made twice")?;
        let settled = self.plan(CHECK, &case.whole, &open)?;
        hold(CHECK, settled.steps.is_empty(), "nothing is left over of it")?;
        let closing = self.plan(CHECK, &case.closed, &open)?;
        self.converge(CHECK, &case, &case.closed, usize::MAX).await?;
        for step in &closing.steps {
            let _refused_or_done = self.adapter.apply(step, &self.cx).await;
        }
        let blind = self.plan(CHECK, &case.whole, &open)?;
        hold(CHECK, blind.steps.is_empty(), "who still sees it open gives nothing anew")?;
        let seen = self.seen(CHECK, &case).await?;
        hold(CHECK, seen.resources.is_empty(), "what was closed stays closed")
    }

    /// What was closed and made again between two looks is closed by a new look at the latest.
    pub(super) async fn what_no_look_saw_is_closed_all_the_same(&self) -> Result<(), Broken> {
        const CHECK: &str = "unobserved";
        let case = Case::named(self.adapter, "suite-unobserved", 8)?;
        self.converge(CHECK, &case, &case.whole, usize::MAX).await?;
        let first = self.seen(CHECK, &case).await?;
        let closing = self.plan(CHECK, &case.closed, &first)?;
        self.converge(CHECK, &case, &case.closed, usize::MAX).await?;
        self.converge(CHECK, &case, &case.whole, usize::MAX).await?;
        for step in &closing.steps {
            let _refused_or_done = self.adapter.apply(step, &self.cx).await;
        }
        self.converge(CHECK, &case, &case.closed, usize::MAX).await?;
        let seen = self.seen(CHECK, &case).await?;
        hold(CHECK, seen.resources.is_empty(), "nothing of the second making is left")
    }

    /// Whatever was half made when everything is withdrawn is closed, and can be made whole again.
    pub(super) async fn what_is_half_made_closes(&self) -> Result<(), Broken> {
        const CHECK: &str = "intermediate";
        let case = Case::named(self.adapter, "suite-intermediate", 9)?;
        for made in 1..STEPS_MAX {
            let whole = self.make(&case, made).await?;
            self.converge(CHECK, &case, &case.closed, usize::MAX).await?;
            let seen = self.seen(CHECK, &case).await?;
            hold(CHECK, seen.resources.is_empty(), "a half-made room closes")?;
            if whole {
                return Ok(());
            }
        }
        hold(CHECK, false, "the room is whole after so many steps")
    }

    /// So many steps towards the whole; whether that is all of them.
    async fn make(&self, case: &Case, steps_max: usize) -> Result<bool, Broken> {
        const CHECK: &str = "intermediate";
        let mut left = steps_max;
        for _ in 0..PASSES_MAX {
            let seen = self.seen(CHECK, case).await?;
            let plan = self.plan(CHECK, &case.whole, &seen)?;
            if plan.is_settled() {
                return Ok(true);
            }
            for step in &plan.steps {
                if left == 0 {
                    return Ok(false);
                }
                if self.adapter.apply(step, &self.cx).await.is_err() {
                    break;
                }
                left -= 1;
            }
        }
        Ok(false)
    }
}
