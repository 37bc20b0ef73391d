//! The improve loop: proposes edits of a skill, measures each on the train cases, keeps what is better by more than noise, and
//! writes down everything that was tried.
//!
//! The loop is generic over what measures a folder ([`Measure`]) and what proposes an edit of one ([`Propose`]). Everything that it
//! decides follows from its [`journal`] and from these two, never from the clock or from chance: a loop that was killed and goes on
//! ends where one that ran through ends. It knows the train cases alone; of the holdout it has [`Shingles`](crate::executor::leak::Shingles),
//! which recognise a text and cannot be read.

mod brief;
mod compare;
mod edit;
mod experiment;
pub mod git;
pub mod journal;
mod keep;
mod operator;
mod pareto;
mod preflight;
pub mod propose;
mod recheck;
pub mod report;
pub mod results;
mod run;
mod scores;
pub mod shop;
mod state;
mod stop;
#[cfg(test)]
mod tests;
mod trial;

use std::{future::Future, ops::Range, path::Path, time::Duration};

use skill_schema::Fault;

pub use brief::{Brief, CheckSeen, Evidence, Idea, Task};
pub use compare::{Difference, compare};
pub use edit::{Refused, patch, tokens};
pub use journal::{Begin, Entry, Experiment, Gated, Identity, Journal, Preflight, Status};
pub use keep::{Loaded, MAX_P, judge};
pub use operator::Operator;
pub use run::{Answer, Ask, Loop, Shown, Step};
pub use scores::{CaseScores, Facts, Scores};
pub use state::{State, Version};
pub use stop::Stop;

use crate::{
    eval::{Cap, Caps, Spent},
    report::Details,
    run::Run,
};

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The skill's folder; none is no skill at all.
    pub folder: Option<&'a Path>,
    /// Ids of the train cases, in the order of the suite.
    pub cases: Vec<String>,
    /// Which repeats: each has a seed of its own, the same for every version.
    pub repeats: Range<u32>,
    /// What new runs may use.
    pub caps: Caps,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// The runs, kept ones among them.
    pub runs: Vec<Run>,
    /// What was asked and answered.
    pub details: Details,
    /// The cap that ended it early, if one did.
    pub stopped: Option<Cap>,
}

/// Measures a folder on train cases that are named, with given repeats.
pub trait Measure {
    /// Makes the runs, or takes those that were kept: the same question has the same answer.
    ///
    /// # Errors
    /// What says nothing about the skill: a model that does not answer, files that cannot be read.
    fn measure(&self, asked: Asked<'_>) -> impl Future<Output = Result<Measured, Fault>>;
}

/// An edit that was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Proposed {
    /// The idea, in one line.
    pub idea: String,
    /// Tokens that it took.
    pub tokens: u64,
    /// Millionths of a dollar that it took.
    pub cost_micros: u64,
}

/// Why there is no edit.
#[derive(Debug)]
pub enum NoProposal {
    /// The proposer failed at this one: the experiment counts as a crash.
    Failed(String),
    /// The machine or the provider failed: nothing is counted, and the loop ends.
    Unavailable(Fault),
}

/// Proposes an edit.
pub trait Propose {
    /// Edits the folder, which is a copy of the parent, as the brief asks.
    ///
    /// # Errors
    /// See [`NoProposal`].
    fn propose(
        &self,
        brief: &Brief,
        folder: &Path,
        within: Duration,
    ) -> impl Future<Output = Result<Proposed, NoProposal>>;
}

/// What these runs used, wherever they came from: a loop that goes on counts what one that ran through counts.
pub(crate) fn used(runs: &[Run]) -> Spent {
    let mut spent = Spent::default();
    for run in runs {
        spent.runs += 1;
        spent.tokens += run.usage.prompt_tokens + run.usage.output_tokens;
        spent.cost_micros += run.usage.cost_micros;
    }
    spent
}

/// Runs that a loop makes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Before the first experiment: the start twice, no skill, an empty one, and the oracle.
    pub before: u64,
    /// In one experiment.
    pub one: u64,
}

impl Most {
    /// Runs that measure versions again with fresh seeds, if every experiment is kept.
    pub fn rechecks(&self, experiments: u32) -> u64 {
        2 * self.one * u64::from(experiments / recheck::EVERY)
    }
}

/// The most that a loop on so many cases and runs a case makes.
pub fn most(cases: usize, repeats: u32, oracle: bool) -> Most {
    // The runs of the first stage are among those of the second.
    let one = cases as u64 * u64::from(repeats);
    Most { before: one * if oracle { 5 } else { 4 }, one }
}
