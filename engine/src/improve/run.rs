//! The loop itself.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use skill_schema::{Fault, time::Timestamp};

use super::{
    Measure, Propose,
    compare::Difference,
    journal::{Entry, Journal, Status, Used},
    operator::Operator,
    results,
    shop::{RESULTS, Shop},
    state::State,
    stop::{Stop, due},
};
use crate::{
    Event, Reporter,
    eval::{Caps, Spent},
    executor::leak::Shingles,
};

/// What a person is shown before a decision.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    /// The experiment.
    pub exp: u32,
    /// Its kind.
    pub operator: Operator,
    /// The idea.
    pub idea: &'a str,
    /// The edit.
    pub patch: &'a str,
    /// What was measured.
    pub found: Difference,
    /// What the rules say: why it would be discarded, none if it would be kept.
    pub against: Option<&'a str>,
}

/// What a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Keep it.
    Keep,
    /// Do not.
    Discard,
    /// Do not, and end the loop.
    Stop,
}

/// Asks a person.
pub trait Ask {
    /// Asks.
    ///
    /// # Errors
    /// If nobody can answer.
    fn ask(&self, shown: &Shown<'_>) -> Result<Answer, Fault>;
}

/// A loop with all that it needs.
pub struct Loop<'a, M, P> {
    /// Measures.
    pub measure: &'a M,
    /// Proposes.
    pub propose: &'a P,
    /// The run's folder.
    pub shop: &'a Shop,
    /// The journal.
    pub journal: Journal,
    /// Its state.
    pub state: State,
    /// What recognises text of the holdout.
    pub holdout: &'a Shingles,
    /// What recognises text of the train cases.
    pub train: &'a Shingles,
    /// Experiments that are asked for, all in all.
    pub goal: u32,
    /// Time of one experiment.
    pub budget: Option<Duration>,
    /// Caps of the whole loop.
    pub caps: Caps,
    /// Whether skills can run scripts with this executor.
    pub scripts: bool,
    /// The person who decides, if one does.
    pub ask: Option<&'a dyn Ask>,
    /// Hears what happens.
    pub reporter: &'a dyn Reporter,
    /// The time, for commits.
    pub now: &'a dyn Fn() -> Timestamp,
    /// When what is being done was begun, and what it used so far; for budgets.
    pub step: Step,
}

/// What is being done now: an experiment, or what comes before the first.
#[derive(Debug)]
pub struct Step {
    begun: Instant,
    spent: Cell<Spent>,
}

impl Default for Step {
    fn default() -> Self {
        Self { begun: Instant::now(), spent: Cell::default() }
    }
}

impl<M: Measure, P: Propose> Loop<'_, M, P> {
    /// Runs until something ends it, and says what. A loop whose journal says that it ended goes on only if more experiments are asked
    /// for, or if a cap or a person ended it.
    ///
    /// # Errors
    /// What says nothing about a candidate: the model does not answer, the disk is full. The same command goes on from there.
    pub async fn run(&mut self) -> Result<Stop, Fault> {
        if let Some((why, goal)) = self.state.stopped.clone().filter(|(why, goal)| !why.goes_on() && *goal >= self.goal)
        {
            self.goal = goal;
            return Ok(why);
        }
        self.state.go_on();
        let title = format!("improve/{}", self.state.begin.tag);
        self.reporter.report(Event::Started { title, steps: u64::from(self.goal) });
        let why = loop {
            if let Some(why) = due(&self.state, self.goal) {
                break why;
            }
            self.step = Step::default();
            if self.recheck_is_due() {
                self.recheck().await?;
                continue;
            }
            let (experiment, stop) = self.experiment().await?;
            self.take(&Entry::Experiment(Box::new(experiment)))?;
            self.after()?;
            if stop {
                break Stop::Person;
            }
        };
        self.take(&Entry::Stopped { why: why.clone(), goal: self.goal })?;
        let kept = u64::from(self.state.keeps());
        self.reporter.report(Event::Finished { passed: kept, failed: u64::from(self.state.done()) - kept });
        Ok(why)
    }

    /// Writes a line and takes it.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn take(&mut self, entry: &Entry) -> Result<(), Fault> {
        self.journal.append(entry)?;
        self.state.apply(entry);
        Ok(())
    }

    /// What follows from the last experiment, again after a kill: the log, the folders, the branch.
    fn after(&mut self) -> Result<(), Fault> {
        let Some(last) = self.state.experiments.last() else { return Ok(()) };
        let name = format!("{} {} {}: {}", last.exp, last.operator.word(), last.status.word(), last.idea);
        let elapsed = Duration::from_millis(last.used.ms);
        self.reporter.report(Event::Step { name, passed: last.status == Status::Keep, elapsed });
        self.settle()
    }

    /// Brings the folder of the run to what the journal says.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn settle(&self) -> Result<(), Fault> {
        self.shop.put(&self.shop.root().join(RESULTS), results::text(&self.state).as_bytes())?;
        if let Some(last) = self.state.experiments.last().filter(|last| last.status != Status::Keep) {
            self.shop.clear(last.exp)?;
        }
        let reference = format!("refs/heads/improve/{}", self.state.begin.tag);
        self.shop.repository().point(&reference, &self.state.best().commit)
    }

    /// What is left of the caps, for what is being done now.
    pub(super) fn left(&self) -> Caps {
        let (used, now) = (self.state.used, self.step.spent.get());
        let less = |cap: Option<u64>, used: u64, now: u64| cap.map(|cap| cap.saturating_sub(used.saturating_add(now)));
        Caps {
            runs: less(self.caps.runs, used.runs, now.runs),
            tokens: less(self.caps.tokens, used.tokens, now.tokens),
            cost_micros: less(self.caps.cost_micros, used.cost_micros, now.cost_micros),
            seconds: self.seconds(),
        }
    }

    /// Counts what was used since the step began, so that caps hold inside of it as well.
    pub(super) fn spend(&self, more: Spent) {
        let now = self.step.spent.get();
        self.step.spent.set(Spent {
            runs: now.runs + more.runs,
            tokens: now.tokens + more.tokens,
            cost_micros: now.cost_micros + more.cost_micros,
        });
    }

    /// Seconds that are left: of the loop, or of this experiment.
    pub(super) fn seconds(&self) -> Option<u64> {
        let now = self.step.begun.elapsed().as_secs();
        let whole = self.caps.seconds.map(|cap| cap.saturating_sub(self.state.used.ms / 1000 + now));
        let one = self.budget.map(|budget| budget.as_secs().saturating_sub(now));
        match (whole, one) {
            (Some(whole), Some(one)) => Some(whole.min(one)),
            (whole, one) => whole.or(one),
        }
    }

    /// Whether the whole loop has no time left, rather than one experiment.
    pub(super) fn is_over(&self) -> bool {
        let now = self.step.begun.elapsed().as_secs();
        self.caps.seconds.is_some_and(|cap| cap <= self.state.used.ms / 1000 + now)
    }

    /// What something took, with the time until now.
    pub(super) fn took(&self, spent: Spent) -> Used {
        let ms = u64::try_from(self.step.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Used { runs: spent.runs, tokens: spent.tokens, cost_micros: spent.cost_micros, ms }
    }
}
