//! Suites: the cases that a skill is measured on, and how they are read, checked, split and written again.
//!
//! Every valid `evals.json` of skill-creator and agentskills.io is a suite as it is. What we do not know is kept: the suite holds
//! the document as it was read, and the types here are a view of it.

pub mod bounds;
pub mod folder;
pub mod hash;
pub mod import;
pub mod lint;
pub mod pack;
mod read;
pub mod skeleton;
pub mod source;
pub mod split;
mod write;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use skill_schema::{Fault, codes};

pub use folder::{Folder, Opened};
pub use split::Lock;

use crate::model::Sampling;

/// The member of a case that nobody has reviewed yet.
pub const DRAFT: &str = "draft";

/// A suite as read from `evals.json`, a list of trigger queries, or a list of cases.
#[derive(Debug, Clone, PartialEq)]
pub struct Suite {
    /// The skill's name; empty if the file names none.
    pub skill_name: String,
    /// The `suite` member with its defaults filled in.
    pub settings: Settings,
    /// The cases in the order of the file.
    pub cases: Vec<Case>,
    /// The whole document as it was read, for writing it again without loss.
    pub document: Value,
}

/// The `suite` member: identity, split, repeats, limits. Every member has a default, so that a foreign file is a suite.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `scope/name` of the suite, if it has one.
    pub id: Option<String>,
    /// Its version, if it has one.
    pub version: Option<String>,
    /// Salt of the split; the skill's name if the file has none.
    pub salt: String,
    /// A random text that stands in the suite and nowhere else: a run that shows it has read the suite.
    pub canary: Option<String>,
    /// Share of the holdout as `[numerator, denominator]`; only `[2, 5]` is defined.
    pub holdout: [u32; 2],
    /// Runs a case in training.
    pub runs_train: u32,
    /// Runs a case and arm at the gate.
    pub runs_gate: u32,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// What one run may use.
    pub limits: Limits,
    /// Profile of the sandbox: `no-network` or `network`.
    pub sandbox: String,
    /// The grader: `builtin:grader@1` or a path in the suite, and how many votes.
    pub grader: GraderSettings,
}

/// What one run may use; beyond it the run ends with status `limit` or `timeout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Turns of the agent at most.
    pub turns: u32,
    /// Tokens of prompts and answers together at most.
    pub tokens: u64,
    /// Seconds of wall time at most.
    pub seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { turns: 30, tokens: 60_000, seconds: 300 }
    }
}

/// How expectations are graded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraderSettings {
    /// `builtin:grader@1`, or a path in the suite.
    pub prompt: String,
    /// Votes; more than one are asked for only on disagreement.
    pub votes: u32,
}

/// One case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Its id, unique in the suite; integers become strings.
    pub id: String,
    /// A name for people; the id if the file has none.
    pub name: String,
    /// Category: scores are shown by it, and the split is stratified by it; `default` if the file has none.
    pub category: String,
    /// Unit of the split; the id if the file has none.
    pub group: String,
    /// A critical case must pass in every run of a candidate.
    pub critical: bool,
    /// What is asked and checked.
    pub task: Task,
    /// The case as written, for hashing and for writing it again.
    pub raw: Map<String, Value>,
}

impl Case {
    /// Whether a model wrote it and nobody has reviewed it yet: the member `draft` is true. Nothing is measured with such a case.
    pub fn is_draft(&self) -> bool {
        self.raw.get(DRAFT) == Some(&Value::Bool(true))
    }
}

impl Suite {
    /// Refuses a suite with drafts.
    ///
    /// # Errors
    /// [`codes::SUITE_LINT`] with the first of them.
    pub fn require_reviewed(&self) -> Result<(), Fault> {
        let drafts: Vec<&Case> = self.cases.iter().filter(|case| case.is_draft()).collect();
        let Some(first) = drafts.first() else { return Ok(()) };
        let detail = match drafts.len() {
            1 => "a model drafted it and nobody has reviewed it: skill suite review".to_owned(),
            n => format!("a model drafted it and {} others, and nobody has reviewed them: skill suite review", n - 1),
        };
        Err(Fault::new(codes::SUITE_LINT).at(first.id.clone()).detail(detail))
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// A prompt, answered with text and files.
    Prompt {
        /// The prompt.
        prompt: String,
        /// Input files, as paths from the folder that holds `evals/`.
        files: Vec<String>,
        /// What is expected, in words; never shown to the executor.
        expected_output: String,
        /// Statements for a grader model: `expectations` or `assertions` of the file.
        expectations: Vec<String>,
        /// Structured checks.
        checks: Vec<Check>,
    },
    /// Whether the skill's description makes an agent take it up.
    Trigger {
        /// What a user says.
        query: String,
        /// Whether the skill should be taken up.
        should_trigger: bool,
    },
    /// A command whose own number is the score.
    Metric {
        /// The command line.
        run: String,
        /// A regular expression whose first group is the number.
        pattern: String,
        /// Whether less is better.
        minimize: bool,
        /// Seconds that the command may take.
        budget_s: u64,
    },
}

/// One structured check: its kind and parameters as written, with what every kind shares.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Unique in the case; `c1`, `c2`… by place if the file has none.
    pub id: String,
    /// The kind, one of the design's list.
    pub kind: String,
    /// Weight in the run's score.
    pub weight: u32,
    /// A required check that fails makes the run's score 0.
    pub required: bool,
    /// What is looked at: `final`, `transcript`, `outputs/…`, `exit` or `usage`.
    pub target: String,
    /// All members as written, the kind's own parameters among them.
    pub params: Map<String, Value>,
}

/// Which part of a suite a case belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// For improving.
    Train,
    /// For the gate alone.
    Holdout,
}
