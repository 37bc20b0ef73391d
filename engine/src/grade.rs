//! Grading by a model: expectations with evidence, rubrics, blind comparison, and remarks on a suite.
//!
//! What is judged is data: it is quoted line by line ([`quote`]), and a verdict in its favour counts only with a passage that really
//! stands in it. What a grader cannot answer is missing data and never a fail.

pub mod analyze;
pub mod blind;
pub mod compare;
mod instructions;
mod judge;
mod opinion;
pub mod quote;
pub mod report;
pub mod target;

use std::{path::Path, sync::Arc};

use serde_json::Value;
use skill_bundle::hash::{Hasher, sha256};
use skill_schema::{Digest, Fault, codes};

use crate::{
    model::{Engine, Mode},
    run::{CheckResult, Usage},
    suite::{Check, GraderSettings},
};

pub use self::{instructions::BUILTIN, report::JudgeReport, target::Target};

/// Characters of evidence that are kept in a record.
const MAX_EVIDENCE: usize = 1_000;

/// A model that grades.
#[derive(Debug, Clone)]
pub struct Grader {
    /// The model.
    pub engine: Arc<dyn Engine>,
    /// Whether answers may depend on what is asked beside them.
    pub mode: Mode,
    /// Opinions on one question at most. With more than one two are asked for, and the others only if these disagree.
    pub votes: u32,
    /// Seed of all its choices.
    pub seed: u64,
    /// The instructions for expectations.
    instructions: String,
}

/// What a grader is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Names the question: case, arm, repeat and check. Decides which questions are asked again to audit the grader.
    pub key: String,
    /// What is asked.
    pub question: Question,
    /// What is examined.
    pub target: Target,
}

/// The kind of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Whether this statement holds.
    Expectation(String),
    /// Which of five levels is reached.
    Rubric {
        /// What is judged.
        text: String,
        /// What the levels mean, as (level from 1 to 5, description).
        anchors: Vec<(u8, String)>,
    },
}

impl Question {
    /// The question of a check of the kind `expectation` or `rubric`: its `text`, and the `anchors` of a rubric as an object of levels
    /// (`"1"` to `"5"`). `None` for any other check.
    pub fn of(check: &Check) -> Option<Self> {
        let text = check.params.get("text")?.as_str()?.to_owned();
        match check.kind.as_str() {
            "expectation" => Some(Self::Expectation(text)),
            "rubric" => {
                let anchors = check.params.get("anchors").and_then(Value::as_object).into_iter().flatten();
                let anchors =
                    anchors.filter_map(|(level, what)| Some((level.parse().ok()?, what.as_str()?.to_owned())));
                Some(Self::Rubric { text, anchors: anchors.filter(|(level, _)| (1..=5).contains(level)).collect() })
            }
            _ => None,
        }
    }
}

/// What a grader makes of one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The value as numerator and denominator; `None` if there is none, which is an error of the grader and not a fail.
    pub value: Option<[u64; 2]>,
    /// The quoted passage, or what is wrong.
    pub evidence: String,
    /// Opinions that were asked for, without the audit.
    pub votes: u32,
}

/// What came of a number of questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graded {
    /// One for each question, in their order.
    pub judgements: Vec<Judgement>,
    /// How often the grader gave the same value when asked again.
    pub audit: Agreement,
    /// What all calls used.
    pub usage: Usage,
}

/// How often two gradings agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Agreement {
    /// Questions with the same value.
    pub agreed: u64,
    /// Questions that were asked twice and answered twice.
    pub total: u64,
    /// Of both values of expectations: fail-fail, fail-pass, pass-fail, pass-pass; for Cohen's kappa.
    pub table: [u64; 4],
}

impl Agreement {
    /// Adds the counts of another audit.
    pub fn add(&mut self, other: &Self) {
        self.agreed += other.agreed;
        self.total += other.total;
        self.table.iter_mut().zip(other.table).for_each(|(cell, more)| *cell += more);
    }

    /// The share of agreement in per-mille, rounded down; `None` without an audit.
    pub fn permille(&self) -> Option<u16> {
        u16::try_from((self.agreed * 1000).checked_div(self.total)?).ok()
    }
}

impl Grader {
    /// A grader with the suite's settings: `builtin:grader@1`, or a file in the suite's folder with instructions for expectations of its
    /// own. `E_CASE_INPUT` if that cannot be read.
    pub fn new(engine: Arc<dyn Engine>, settings: &GraderSettings, suite: &Path, seed: u64) -> Result<Self, Fault> {
        let instructions = instructions::load(&settings.prompt, suite)
            .map_err(|why| Fault::new(codes::CASE_INPUT).at(settings.prompt.clone()).detail(why))?;
        Ok(Self { engine, mode: Mode::Throughput, votes: settings.votes.max(1), seed, instructions })
    }

    /// SHA-256 over all that a grader is told: part of the score key.
    pub fn prompt_digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        for text in [&self.instructions, instructions::RUBRIC, quote::RULES] {
            hasher.update(&sha256(text.as_bytes()).0);
        }
        hasher.finish()
    }

    /// Answers questions, all of a kind in one group. Asks a tenth of them, chosen by their keys, once more for the audit.
    pub async fn grade(&self, asks: &[Ask]) -> Graded {
        judge::grade(self, asks).await
    }
}

impl Judgement {
    /// The result of a check. An expectation of a case has the id `e1`, `e2`… by place and the kind `expectation`.
    pub fn check_result(&self, id: &str, kind: &str, weight: u32, required: bool) -> CheckResult {
        CheckResult {
            id: id.to_owned(),
            kind: kind.to_owned(),
            weight,
            required,
            value: self.value,
            judged: true,
            evidence: self.evidence.chars().take(MAX_EVIDENCE).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
