//! Executors: what turns a skill and a case into a transcript, outputs and usage.
//!
//! An executor sees a [`Job`]: the prompt, the input files and, on one arm, the skill without its `evals/`. It never sees the
//! suite, the checks, or the other arm. What it hands back is scanned for marks of what it must not have seen.

pub mod agent;
mod canary;
pub mod cli;
mod input;
pub mod leak;
pub mod metric;
pub mod prompt;
pub mod replay;
pub mod sandbox;
pub mod scripts;
pub mod skill;
pub mod taint;
pub mod trigger;
pub mod workplace;

#[cfg(test)]
pub(crate) mod testing;

use std::{fmt, path::PathBuf, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use skill_schema::Fault;

use crate::{
    model::{Counters, EngineError, Sampling},
    run::{Arm, Finished, Status, Transcript, TranscriptEvent, Usage},
    suite::{Case, Limits},
};

pub use canary::Canary;
pub use skill::Skill;
pub use taint::{Marks, Taint};
pub use workplace::Workplace;

/// One run to be made.
#[derive(Debug, Clone)]
pub struct Job {
    /// The skill of this arm; `None` is an arm without a skill.
    pub skill: Option<Arc<Skill>>,
    /// The case. Executors look at its task's prompt, files, query or command and at nothing else.
    pub case: Arc<Case>,
    /// The folder that holds `evals/`: input files are copied from it, and nothing else is read.
    pub suite: PathBuf,
    /// Which arm this is; for recorded runs.
    pub arm: Arm,
    /// Which repeat, from 0.
    pub repeat: u32,
    /// What the run may use.
    pub limits: Limits,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Seed of the choice.
    pub seed: u64,
    /// Whether commands may use the network.
    pub network: bool,
    /// What must not turn up in the transcript or the outputs.
    pub marks: Arc<Marks>,
}

/// What came of a run.
#[derive(Debug)]
pub struct Execution {
    /// What happened.
    pub transcript: Transcript,
    /// Inputs and outputs, deleted with this value; `None` if the run had no files at all.
    pub place: Option<Workplace>,
    /// Exit status of the command or agent; 0 if there is none.
    pub exit: i32,
    /// What was used.
    pub usage: Usage,
    /// How it ended; [`Status::Tainted`] if it is.
    pub status: Status,
    /// Whether it saw what it must not see.
    pub taint: Taint,
    /// The number that a metric case's command printed, as printed.
    pub metric: Option<String>,
}

/// Something that makes runs.
pub trait Executor: Send + Sync + fmt::Debug {
    /// Its kind: `prompt`, `agent`, `replay`, `cli`.
    fn kind(&self) -> &str;

    /// Makes one run. A fault of the machine is an execution with [`Status::Infra`].
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Execution>;

    /// What its model took so far; `None` where there is none, or it does not count.
    fn counters(&self) -> BoxFuture<'_, Option<Counters>> {
        async { None }.boxed()
    }
}

impl Execution {
    /// A run that has come to its end: its files are sealed, and everything is scanned for the job's marks.
    pub fn close(job: &Job, mut transcript: Transcript, place: Option<Workplace>, end: Ended) -> Self {
        let Ended { status, exit, usage, metric } = end;
        let mut sealed = true;
        if let Some(place) = &place {
            match place.seal() {
                Ok(notes) => transcript.events.extend(notes.into_iter().map(|text| TranscriptEvent::Note { text })),
                Err(_) => sealed = false,
            }
        }
        let found = taint::scan(&transcript, place.as_ref().map(Workplace::work), &job.marks);
        let mut taint = found.taint();
        if let Some(what) = found.what().filter(|_| taint == Taint::Tainted) {
            // Never the mark itself: transcripts are shown to people and models.
            transcript.events.push(TranscriptEvent::Note { text: format!("void: the run shows {what}") });
        }
        if !sealed && taint == Taint::Clean {
            taint = Taint::Inconclusive;
        }
        let status = if taint == Taint::Tainted && status.is_scored() { Status::Tainted } else { status };
        Self { transcript, place, exit, usage, status, taint, metric }
    }

    /// A run that the machine could not make.
    pub fn infra(why: &str) -> Self {
        let events = vec![TranscriptEvent::Note { text: why.to_owned() }];
        Self {
            transcript: Transcript { events },
            place: None,
            exit: 0,
            usage: Usage::default(),
            status: Status::Infra,
            taint: Taint::Clean,
            metric: None,
        }
    }

    /// What the checks may look at. `empty` is any empty folder, for runs that had no files.
    pub fn finished<'a>(&'a self, suite: &'a std::path::Path, empty: &'a std::path::Path) -> Finished<'a> {
        Finished {
            transcript: &self.transcript,
            outputs: self.place.as_ref().map_or(empty, Workplace::work),
            inputs: self.place.as_ref().map_or(empty, Workplace::inputs),
            suite,
            exit: self.exit,
            usage: &self.usage,
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its status.
    pub status: Status,
    /// Exit status.
    pub exit: i32,
    /// What was used.
    pub usage: Usage,
    /// The number of a metric case.
    pub metric: Option<String>,
}

impl Ended {
    /// An end without exit status and number.
    pub fn new(status: Status, usage: Usage) -> Self {
        Self { status, exit: 0, usage, metric: None }
    }
}

/// What a model's silence means for the run: what does not fit is the candidate's fault, everything else the machine's.
pub(crate) fn status_of(error: &EngineError) -> Status {
    match error {
        // The prefix holds the skill: one that does not fit the context is a skill that is too long.
        EngineError::Refused(message) if message.contains("context") => Status::Limit,
        EngineError::Infra { .. } | EngineError::Refused(_) => Status::Infra,
    }
}

/// Adds what one model call used.
pub(crate) fn add(usage: &mut Usage, output: &crate::model::CaseOutput) {
    usage.prompt_tokens += output.prompt_tokens;
    usage.cached_tokens += output.cached_tokens;
    usage.output_tokens += output.output_tokens;
    usage.ms += output.ms;
    usage.cost_micros += output.cost_micros;
    usage.turns += 1;
}

/// Does blocking work (files, commands) beside the asynchronous.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(fault)) => Err(fault.sentence()),
        Err(_) => Err("the work was broken off".to_owned()),
    }
}
