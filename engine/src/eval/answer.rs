//! Answers one item: the executor makes the run, checks and grader judge it, and what is worth keeping is kept.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use skill_bundle::{hash::sha256, jcs};
use skill_schema::Digest;

use super::{
    cache::{Kept, OutputFile},
    schedule::{Item, Runner, Spent},
};
use crate::{
    check::{self, ScriptRunner},
    executor::{Execution, Executor, Job, Marks, Skill, Taint},
    model::Sampling,
    run::{Arm, CheckResult, Finished, Run, Status, Transcript, TranscriptEvent},
    score,
    suite::{Case, Limits, Task},
};

/// Files of a run that are kept.
pub const MAX_FILES: usize = 64;
/// Characters of a file that are kept.
const MAX_TEXT: usize = 64 * 1024;

/// Judges what needs a model: a case's expectations, and checks of the kinds `expectation` and `rubric`.
pub trait Judge: Send + Sync {
    /// A result for each expectation (`e1`, `e2`…) and for each judged check, in that order. What it cannot say has no value.
    fn judge<'a>(&'a self, case: &'a Case, run: Finished<'a>, seed: u64) -> BoxFuture<'a, Vec<CheckResult>>;
}

/// Everything that runs of one eval share.
pub struct Answering {
    /// The cases, by the index of items.
    pub cases: Vec<Arc<Case>>,
    /// The folder that holds `evals/`.
    pub suite: std::path::PathBuf,
    /// The skill of the baseline; none is no skill.
    pub base: Option<Arc<Skill>>,
    /// The skill that is measured.
    pub cand: Option<Arc<Skill>>,
    /// Makes the runs.
    pub executor: Arc<dyn Executor>,
    /// Runs the programs of checks.
    pub scripts: Arc<dyn ScriptRunner>,
    /// Judges what needs a model; without one, such checks have no value and are not counted.
    pub judge: Option<Arc<dyn Judge>>,
    /// What one run may use.
    pub limits: Limits,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Whether commands may use the network.
    pub network: bool,
    /// What must not turn up in transcripts and outputs.
    pub marks: Arc<Marks>,
    /// Repeats of each case, for names.
    pub repeats: u32,
    /// Millionths of a dollar that a run may cost at most.
    pub worst_cost: u64,
}

impl Runner for Answering {
    fn worst(&self, _item: &Item) -> Spent {
        Spent { runs: 1, tokens: self.limits.tokens, cost_micros: self.worst_cost }
    }

    async fn run(&self, item: &Item) -> (Kept, Option<Duration>) {
        let case = Arc::clone(&self.cases[item.case]);
        let skill = match item.arm {
            Arm::Base => self.base.clone(),
            Arm::Cand => self.cand.clone(),
        };
        let job = Job {
            skill,
            case: Arc::clone(&case),
            suite: self.suite.clone(),
            arm: item.arm,
            repeat: item.repeat,
            limits: self.limits,
            sampling: self.sampling,
            seed: item.seed,
            network: self.network,
            marks: Arc::clone(&self.marks),
        };
        let execution = self.executor.run(&job).await;
        (self.grade(item, &case, execution).await, None)
    }

    fn name(&self, item: &Item) -> String {
        let arm = match item.arm {
            Arm::Base => "base",
            Arm::Cand => "skill",
        };
        format!("{} {arm} {}/{}", self.cases[item.case].name, item.repeat + 1, self.repeats)
    }
}

impl Answering {
    async fn grade(&self, item: &Item, case: &Arc<Case>, execution: Execution) -> Kept {
        let (execution, mut checks) = self.check(Arc::clone(case), execution).await;
        let empty = Path::new("");
        if let (Status::Ok, Some(judge)) = (execution.status, &self.judge)
            && needs_judge(case)
        {
            let judged = judge.judge(case, execution.finished(&self.suite, empty), item.seed).await;
            let names: BTreeSet<&str> = judged.iter().map(|result| result.id.as_str()).collect();
            checks.retain(|check| !names.contains(check.id.as_str()));
            checks.extend(judged);
        }
        // Checks that cannot be read were refused when the suite was: a score that cannot be computed is the grader's failure.
        let (status, score) = score::grade(execution.status, &checks).unwrap_or((Status::GraderError, None));
        let mut transcript = execution.transcript.clone();
        if execution.taint == Taint::Inconclusive {
            // An id of a case may stand in an answer by chance: readers are told, and the run counts.
            let text = "whether it saw the suite cannot be told".to_owned();
            transcript.events.push(TranscriptEvent::Note { text });
        }
        let digest = if transcript.events.is_empty() { Digest::ZERO } else { digest(&transcript) };
        let run = Run {
            arm: item.arm,
            case: case.id.clone(),
            repeat: item.repeat,
            seed: item.seed,
            status,
            score,
            checks,
            usage: execution.usage,
            transcript: digest,
        };
        let outputs = execution.place.as_ref().map(|place| outputs(place.work())).unwrap_or_default();
        Kept { run, transcript, outputs }
    }

    /// The checks that need no model. They read files and run programs, so they are made beside the asynchronous work.
    async fn check(&self, case: Arc<Case>, execution: Execution) -> (Execution, Vec<CheckResult>) {
        if execution.status != Status::Ok {
            return (execution, Vec::new());
        }
        let (suite, scripts) = (self.suite.clone(), Arc::clone(&self.scripts));
        let subject = self.cand.as_ref().map(|skill| skill.name.clone()).unwrap_or_default();
        let with_judge = self.judge.is_some();
        let work = move || {
            let checks = {
                let run = execution.finished(&suite, Path::new(""));
                match &case.task {
                    Task::Prompt { checks, .. } => {
                        let wanted = checks.iter().filter(|check| with_judge || !is_judged(check));
                        wanted.map(|check| check::evaluate(check, &run, scripts.as_ref())).collect()
                    }
                    Task::Trigger { should_trigger, .. } => vec![check::trigger(&subject, *should_trigger, &run)],
                    Task::Metric { .. } => vec![metric(execution.metric.as_deref())],
                }
            };
            (execution, checks)
        };
        // A panic of a check is a fault of ours, and is not hidden.
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// Whether a case has anything that a model has to judge.
fn needs_judge(case: &Case) -> bool {
    match &case.task {
        Task::Prompt { expectations, checks, .. } => !expectations.is_empty() || checks.iter().any(is_judged),
        Task::Trigger { .. } | Task::Metric { .. } => false,
    }
}

/// Whether a check is a model's to judge.
fn is_judged(check: &crate::suite::Check) -> bool {
    matches!(check.kind.as_str(), "expectation" | "rubric")
}

/// The number of a metric case stands in the evidence until both arms are there to be compared.
fn metric(number: Option<&str>) -> CheckResult {
    CheckResult {
        id: super::metric::CHECK.to_owned(),
        kind: super::metric::CHECK.to_owned(),
        weight: 1,
        required: false,
        value: Some([u64::from(number.is_some()), 1]),
        judged: false,
        evidence: number.unwrap_or("no number").to_owned(),
    }
}

/// The digest of a transcript's canonical JSON.
pub fn digest(transcript: &Transcript) -> Digest {
    jcs::to_vec(transcript).map_or(Digest::ZERO, |bytes| sha256(&bytes))
}

/// What a run left, within limits: the first files by path, each with its beginning.
fn outputs(folder: &Path) -> Vec<OutputFile> {
    let mut found = Vec::new();
    collect(folder, "", &mut found);
    found.sort();
    found.truncate(MAX_FILES);
    let file = |path: String| {
        let bytes = fs::read(folder.join(&path)).ok()?;
        let text = if bytes.contains(&0) { String::new() } else { cut(&String::from_utf8_lossy(&bytes)) };
        Some(OutputFile { path, size: bytes.len() as u64, sha256: sha256(&bytes), text })
    };
    found.into_iter().filter_map(file).collect()
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (name, kind) = (entry.file_name(), entry.file_type());
        let (Some(name), Ok(kind)) = (name.to_str(), kind) else { continue };
        let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        if kind.is_dir() && path.len() < 1024 {
            collect(&entry.path(), &path, found);
        } else if kind.is_file() && found.len() < MAX_FILES * 64 {
            found.push(path);
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
