//! Measuring a candidate: on a few cases first, then on all.

use std::ops::Range;

use skill_schema::Fault;

use super::{
    Asked, Measure, Measured, Propose,
    compare::{Difference, compare},
    journal::Status,
    keep::Loaded,
    run::Loop,
    scores::{Scores, collect},
    state::Version,
    used,
};
use crate::{
    eval::{Cap, Spent},
    run::Run,
    suite::split::h64,
};

/// Failing cases of the minibatch.
const FAILING: usize = 4;
/// Passing cases of the minibatch.
const PASSING: usize = 2;

/// What came of a trial.
#[derive(Debug, Default)]
pub(super) struct Trial {
    /// How far it came.
    pub stage: u8,
    /// The difference on all cases, or on the few.
    pub found: Option<Difference>,
    /// The scores on all cases.
    pub scores: Option<Scores>,
    /// What it took.
    pub spent: Spent,
    /// Why it went no further.
    pub ended: Option<(Status, String)>,
    /// The cap that ended it.
    pub cap: Option<Cap>,
}

/// The cases of an experiment's minibatch, in the order of the suite: four that the parent fails and two that it passes.
pub(super) fn minibatch(cases: &[String], parent: &Version, salt: &str, exp: u32) -> Vec<String> {
    let exp = exp.to_string();
    let mut shuffled: Vec<&String> = cases.iter().collect();
    shuffled.sort_by_key(|id| h64(&[salt, "minibatch", &exp, id]));
    let passes =
        |id: &&&String| parent.scores.get(**id).is_some_and(|case| case.is_perfect() && case.numbers.is_empty());
    let (passing, failing): (Vec<&String>, Vec<&String>) = shuffled.iter().partition(|id| passes(id));
    let chosen: Vec<&String> = failing.into_iter().take(FAILING).chain(passing.into_iter().take(PASSING)).collect();
    cases.iter().filter(|id| chosen.contains(id)).cloned().collect()
}

impl<M: Measure, P: Propose> Loop<'_, M, P> {
    /// Asks for runs of a version, within what is left for this experiment.
    pub(super) async fn runs(
        &self,
        folder: Option<&std::path::Path>,
        cases: &[String],
        repeats: Range<u32>,
    ) -> Result<Measured, Fault> {
        let measured = self.look(folder, cases, repeats).await?;
        self.spend(used(&measured.runs));
        Ok(measured)
    }

    /// Runs that were made before and are looked at again: they cost nothing.
    pub(super) async fn look(
        &self,
        folder: Option<&std::path::Path>,
        cases: &[String],
        repeats: Range<u32>,
    ) -> Result<Measured, Fault> {
        let caps = self.left();
        self.measure.measure(Asked { folder, cases: cases.to_vec(), repeats, caps }).await
    }

    /// The two stages.
    pub(super) async fn trial(
        &self,
        exp: u32,
        parent: &Version,
        batch: &[Run],
        loaded: Loaded,
    ) -> Result<Trial, Fault> {
        let folder = self.shop.folder(exp);
        let mut trial = Trial { stage: 1, ..Trial::default() };
        let ids: Vec<String> = batch.iter().map(|run| run.case.clone()).collect();
        let few = self.runs(Some(&folder), &ids, 0..1).await?;
        trial.take(&few);
        if trial.ended.is_some() {
            return Ok(trial);
        }
        let (before, after) = (collect(batch, &self.state.facts, 1), collect(&few.runs, &self.state.facts, 1));
        trial.found = compare(&before, &after, &self.state.facts)?;
        let delta = trial.found.map_or(0.0, |found| found.delta);
        if after.is_empty() || few.runs.iter().all(|run| run.status != crate::run::Status::Ok) {
            trial.ended = Some((Status::Crash, "no run of the minibatch came to its end".to_owned()));
            return Ok(trial);
        }
        // A shorter version need not be better to be kept: see `keep`.
        if !(delta > 0.0 || (delta >= 0.0 && loaded.is_shorter())) {
            trial.ended = Some((Status::Discard, "no better on the minibatch".to_owned()));
            return Ok(trial);
        }
        self.whole(&folder, parent, trial).await
    }

    /// The second stage; the runs of the first are kept and not made again.
    async fn whole(&self, folder: &std::path::Path, parent: &Version, mut trial: Trial) -> Result<Trial, Fault> {
        let begin = &self.state.begin;
        trial.stage = 2;
        let all = self.runs(Some(folder), &begin.cases, 0..begin.repeats).await?;
        trial.spent = Spent::default();
        trial.take(&all);
        if trial.ended.is_some() {
            return Ok(trial);
        }
        let scores = collect(&all.runs, &self.state.facts, begin.repeats as usize);
        trial.found = compare(&parent.scores, &scores, &self.state.facts)?;
        match trial.found {
            None => trial.ended = Some((Status::Crash, "no case is complete".to_owned())),
            Some(_) => trial.scores = Some(scores),
        }
        Ok(trial)
    }
}

impl Trial {
    fn take(&mut self, measured: &Measured) {
        let spent = used(&measured.runs);
        self.spent.runs += spent.runs;
        self.spent.tokens += spent.tokens;
        self.spent.cost_micros += spent.cost_micros;
        if let Some(cap) = measured.stopped {
            self.cap = Some(cap);
            self.ended = Some((Status::Budget, format!("the cap on {} was reached", word(cap))));
        }
    }
}

/// The word of a cap.
pub(super) fn word(cap: Cap) -> &'static str {
    match cap {
        Cap::Runs => "runs",
        Cap::Tokens => "tokens",
        Cap::Seconds => "seconds",
        Cap::Cost => "cost",
    }
}
