//! The documents of skill-creator as types. Members that are not named here are kept in `other`.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Map, Number, Value};
use skill_schema::{Fault, codes};

/// Bytes of one document at most: a benchmark of thousands of runs has a few million.
const BYTES: usize = 32 << 20;

/// Reads one document.
///
/// # Errors
/// [`codes::WORKSPACE`] if it is too large, no JSON, or of another shape.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let fault = |detail: String| Fault::new(codes::WORKSPACE).detail(detail);
    if bytes.len() > BYTES {
        return Err(fault(format!("{} bytes, at most {BYTES} are read", bytes.len())));
    }
    serde_json::from_slice(bytes).map_err(|e| fault(e.to_string()))
}

/// Writes one document, indented, with a line feed at its end.
pub fn write(document: &impl Serialize) -> Vec<u8> {
    // Plain data with text as keys: nothing can fail.
    let mut bytes = serde_json::to_vec_pretty(document).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Id of an eval: a number, or a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

impl Id {
    /// A number if the text is one in its one spelling, else the text.
    pub fn new(text: &str) -> Self {
        match text.parse::<i64>() {
            Ok(n) if n.to_string() == text => Self::Number(n),
            _ => Self::Text(text.to_owned()),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => n.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// A member that is null like one that is missing.
fn nullable<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// `eval_metadata.json`: what an eval asks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EvalMetadata {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval_id: Option<Id>,
    /// Its name.
    #[serde(default, deserialize_with = "nullable")]
    pub eval_name: String,
    /// The prompt.
    #[serde(default, deserialize_with = "nullable")]
    pub prompt: String,
    /// What is expected; texts, or objects of the writer's own.
    #[serde(default, deserialize_with = "nullable")]
    pub assertions: Vec<Value>,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `grading.json`: what a grader says about a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Grading {
    /// Each expectation with its grade.
    #[serde(default, deserialize_with = "nullable")]
    pub expectations: Vec<Expectation>,
    /// Counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// As in `metrics.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_metrics: Option<Metrics>,
    /// As in `timing.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// Members that are not named here: `claims`, `user_notes_summary`, `eval_feedback`.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One expectation with its grade. The viewer reads exactly these names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// What is expected.
    #[serde(default, deserialize_with = "nullable")]
    pub text: String,
    /// Whether it holds; what is not said does not.
    #[serde(default, deserialize_with = "nullable")]
    pub passed: bool,
    /// What was found.
    #[serde(default, deserialize_with = "nullable")]
    pub evidence: String,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Counts of expectations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Those that hold.
    #[serde(default, deserialize_with = "nullable")]
    pub passed: u64,
    /// Those that do not.
    #[serde(default, deserialize_with = "nullable")]
    pub failed: u64,
    /// All.
    #[serde(default, deserialize_with = "nullable")]
    pub total: u64,
    /// passed / total, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_rate: Option<Number>,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `metrics.json`: what the executor did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Calls by tool.
    #[serde(default, deserialize_with = "nullable")]
    pub tool_calls: BTreeMap<String, u64>,
    /// Calls of all tools.
    #[serde(default, deserialize_with = "nullable")]
    pub total_tool_calls: u64,
    /// Steps.
    #[serde(default, deserialize_with = "nullable")]
    pub total_steps: u64,
    /// Names of the files of outputs.
    #[serde(default, deserialize_with = "nullable")]
    pub files_created: Vec<String>,
    /// Errors on the way.
    #[serde(default, deserialize_with = "nullable")]
    pub errors_encountered: u64,
    /// Characters of the outputs; no number of tokens.
    #[serde(default, deserialize_with = "nullable")]
    pub output_chars: u64,
    /// Characters of the transcript.
    #[serde(default, deserialize_with = "nullable")]
    pub transcript_chars: u64,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `timing.json`: what a run took.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<Number>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<Number>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_duration_seconds: Option<Number>,
    /// Members that are not named here: those of executor and grader alone.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `history.json`: the versions of an improvement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// When it began, RFC 3339.
    #[serde(default, deserialize_with = "nullable")]
    pub started_at: String,
    /// The skill.
    #[serde(default, deserialize_with = "nullable")]
    pub skill_name: String,
    /// The best version.
    #[serde(default, deserialize_with = "nullable")]
    pub current_best: String,
    /// In their order.
    #[serde(default, deserialize_with = "nullable")]
    pub iterations: Vec<Iteration>,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One version of an improvement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Iteration {
    /// `v0`, `v1`…
    pub version: String,
    /// The version that it was made from.
    #[serde(default)]
    pub parent: Option<String>,
    /// Share of expectations that hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expectation_pass_rate: Option<Number>,
    /// `baseline`, `won`, `lost`, `tie`.
    #[serde(default, deserialize_with = "nullable")]
    pub grading_result: String,
    /// Whether it is the best so far.
    #[serde(default, deserialize_with = "nullable")]
    pub is_current_best: bool,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `comparison.json`: what a blind comparison says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// `A`, `B` or `TIE`.
    pub winner: String,
    /// Why.
    #[serde(default, deserialize_with = "nullable")]
    pub reasoning: String,
    /// Members that are not named here: `rubric`, `output_quality`, `expectation_results`.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `analysis.json`: why the winner won.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// The comparison that it is about.
    pub comparison_summary: ComparisonSummary,
    /// Strengths of the winner.
    #[serde(default, deserialize_with = "nullable")]
    pub winner_strengths: Vec<String>,
    /// Weaknesses of the loser.
    #[serde(default, deserialize_with = "nullable")]
    pub loser_weaknesses: Vec<String>,
    /// Members that are not named here: `instruction_following`, `improvement_suggestions`, `transcript_insights`.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The comparison that an analysis is about.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ComparisonSummary {
    /// `A` or `B`.
    pub winner: String,
    /// Path of the winner.
    #[serde(default, deserialize_with = "nullable")]
    pub winner_skill: String,
    /// Path of the loser.
    #[serde(default, deserialize_with = "nullable")]
    pub loser_skill: String,
    /// Why the comparator chose the winner.
    #[serde(default, deserialize_with = "nullable")]
    pub comparator_reasoning: String,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// `feedback.json`: what a person says about outputs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// One a run that was looked at.
    #[serde(default, deserialize_with = "nullable")]
    pub reviews: Vec<Review>,
    /// `complete` when the person is done.
    #[serde(default, deserialize_with = "nullable")]
    pub status: String,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a person says about one run. Empty means that it is fine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// The run's folder from the workspace, `/` as `-`: `eval-0-with_skill`.
    pub run_id: String,
    /// What is said.
    #[serde(default, deserialize_with = "nullable")]
    pub feedback: String,
    /// When, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}
