//! One run: a case, answered once by one arm. Its transcript, what it used, how it ended, and what the checks made of it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use skill_schema::Digest;

/// Which side of a comparison a run belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arm {
    /// The baseline: no skill, or another version.
    Base,
    /// The skill that is measured.
    Cand,
}

/// How a run ended. `Timeout`, `Limit` and `Crash` are the candidate's fault and score 0; `Infra`, `GraderError` and `Tainted`
/// are missing data and never a fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It came to its end.
    Ok,
    /// Its time was over.
    Timeout,
    /// Its turns, tokens, memory, output or processes were used up.
    Limit,
    /// The command or the agent crashed.
    Crash,
    /// The machine, the network or the provider failed.
    Infra,
    /// A grader could not say.
    GraderError,
    /// It read what it must not read.
    Tainted,
}

impl Status {
    /// Whether the run has a score.
    pub fn is_scored(self) -> bool {
        matches!(self, Self::Ok | Self::Timeout | Self::Limit | Self::Crash)
    }
}

/// What a run used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of all prompts.
    pub prompt_tokens: u64,
    /// Those of them that were not evaluated again.
    pub cached_tokens: u64,
    /// Tokens generated.
    pub output_tokens: u64,
    /// Wall time in milliseconds.
    pub ms: u64,
    /// Cost in millionths of a dollar.
    pub cost_micros: u64,
    /// Model calls.
    pub turns: u32,
}

/// What happened in a run, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Transcript {
    /// The events.
    pub events: Vec<TranscriptEvent>,
}

/// One event of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TranscriptEvent {
    /// What the user asked.
    Prompt {
        /// The text.
        text: String,
    },
    /// What the model said.
    Answer {
        /// The text.
        text: String,
    },
    /// The model took up a skill.
    SkillActivated {
        /// Its name.
        name: String,
    },
    /// The model called a tool.
    ToolCall {
        /// The tool.
        name: String,
        /// Its arguments, as JSON text.
        arguments: String,
    },
    /// What the tool gave back.
    ToolResult {
        /// The tool.
        name: String,
        /// Its output, cut at the limit.
        output: String,
        /// Whether it failed.
        failed: bool,
    },
    /// Something the harness noticed.
    Note {
        /// In one sentence.
        text: String,
    },
}

impl Transcript {
    /// The model's last answer; empty if it said nothing.
    pub fn final_text(&self) -> &str {
        let answer = |event: &'_ TranscriptEvent| matches!(event, TranscriptEvent::Answer { .. });
        match self.events.iter().rev().find(|event| answer(event)) {
            Some(TranscriptEvent::Answer { text }) => text,
            _ => "",
        }
    }
}

/// What an executor hands to the graders: all that a check may look at.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a> {
    /// What happened.
    pub transcript: &'a Transcript,
    /// The folder with the files that the run left.
    pub outputs: &'a Path,
    /// The folder with the files that the run was given, unchanged.
    pub inputs: &'a Path,
    /// The suite's folder (the one that holds `evals/`), for scripts, hidden tests and expected files.
    pub suite: &'a Path,
    /// Exit status of the agent or command; 0 if there is none.
    pub exit: i32,
    /// What was used.
    pub usage: &'a Usage,
}

/// What one check says about a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check's id; expectations are `e1`, `e2`… by place.
    pub id: String,
    /// The check's kind; `expectation` for expectations.
    pub kind: String,
    /// Weight in the score.
    pub weight: u32,
    /// Whether failing makes the score 0.
    pub required: bool,
    /// `[numerator, denominator]` of the value between 0 and 1; `None` if ungraded.
    pub value: Option<[u64; 2]>,
    /// Whether a model judged it.
    pub judged: bool,
    /// What was found, in words or as a quotation; cut at 1,000 characters.
    pub evidence: String,
}

impl CheckResult {
    /// Whether it passed wholly.
    pub fn passed(&self) -> bool {
        self.value.is_some_and(|[num, den]| num == den)
    }
}

/// One run in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its arm.
    pub arm: Arm,
    /// Id of its case.
    pub case: String,
    /// Which repeat, from 0.
    pub repeat: u32,
    /// Seed of the choice of tokens.
    pub seed: u64,
    /// How it ended.
    pub status: Status,
    /// Per-mille score; `None` if missing.
    pub score: Option<u16>,
    /// What each check said, in the order of the case.
    pub checks: Vec<CheckResult>,
    /// What it used.
    pub usage: Usage,
    /// SHA-256 of its transcript's canonical JSON; zeros if there is none.
    pub transcript: Digest,
}
