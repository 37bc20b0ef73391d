//! Every so often the best version and its parent are measured again with fresh seeds: the best of many is measured too good.

use skill_schema::Fault;

use super::{
    Measure, Propose,
    journal::{Entry, Recheck},
    run::Loop,
    scores::collect,
    used,
};
use crate::eval::Spent;

/// Keeps after which it is time.
pub(super) const EVERY: u32 = 10;

impl<M: Measure, P: Propose> Loop<'_, M, P> {
    /// Whether ten more versions were kept since the last time.
    pub(super) fn recheck_is_due(&self) -> bool {
        let last = self.state.rechecks.last().map_or(0, |recheck| recheck.keeps);
        self.state.keeps() / EVERY > last / EVERY
    }

    /// Measures both again. A cap that ends it leaves nothing behind but what was used.
    pub(super) async fn recheck(&mut self) -> Result<(), Fault> {
        let begin = &self.state.begin;
        let round = u32::try_from(self.state.rechecks.len()).unwrap_or(u32::MAX);
        // The first two rounds of seeds belong to the start.
        let from = begin.repeats.saturating_mul(round.saturating_add(2));
        let best = self.state.best();
        let mut versions = vec![best.exp];
        versions.extend(best.parent);
        let (mut scores, mut spent) = (Vec::new(), Spent::default());
        for exp in versions {
            let measured = self.runs(Some(&self.shop.folder(exp)), &begin.cases, from..from + begin.repeats).await?;
            let more = used(&measured.runs);
            spent.runs += more.runs;
            spent.tokens += more.tokens;
            spent.cost_micros += more.cost_micros;
            if measured.stopped.is_none() {
                scores.push((exp, collect(&measured.runs, &self.state.facts, begin.repeats as usize)));
            }
        }
        let recheck = Recheck { keeps: self.state.keeps(), scores, used: self.took(spent) };
        self.take(&Entry::Recheck(recheck))?;
        self.settle()
    }
}
