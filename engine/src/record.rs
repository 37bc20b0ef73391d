//! The score record: everything that reproducing a score needs, as one canonical JSON document.
//!
//! Whoever has a record recomputes its result, its score key and the scores of its runs ([`Record::check`]). Scores of runs are
//! per-mille; everything that is computed from them is in millionths (`_ppm`), probabilities too. Decimals are text.

mod check;
pub mod compare;
mod compute;
mod early;
mod interval;
mod judge;
mod key;
mod limits;
mod passes;
mod regrade;
pub mod reproduce;
mod result;
#[cfg(test)]
pub(crate) mod sample;
pub mod sealed;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skill_bundle::{hash::sha256, jcs};
use skill_schema::{Digest, Fault, codes, time::Timestamp};

pub(crate) use check::judged_weight;
pub use check::{Difference, Follows, score_of_run, split_hash};
pub use compute::compute;
pub use early::{Certain, Early};
pub use interval::estimate;
pub use judge::{Terms, summary};
pub use key::{Decimal, KeyLimits, KeySampling, ScoreKey};
pub use limits::Limits;
pub use passes::Passes;
pub use regrade::{Regraded, regrade};
pub use result::{ArmSummary, CaseArm, CaseResult, CategoryResult, Delta, Interval, ResultSummary, Statuses};

use crate::{
    model::{Mode, Sharing},
    run::{Arm, Run},
    suite::Split,
};

/// The member `format` of a record.
pub const FORMAT: &str = "skill-score/v1";

/// Millionths in one.
pub const MILLION: i64 = 1_000_000;

/// A score and everything that reproducing it needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Always [`FORMAT`].
    pub format: String,
    /// What was measured.
    pub skill: Skill,
    /// What it was measured with.
    pub suite: SuiteFacts,
    /// The measured cases, in the order of the suite.
    pub cases: Vec<CaseFacts>,
    /// The parts of the score key.
    pub key: ScoreKey,
    /// The score key: [`ScoreKey::digest`] of `key`. Scores are comparable if and only if it is equal.
    pub score_key: Digest,
    /// The model that answered.
    pub model: Model,
    /// What evaluated the model.
    pub engine: EngineFacts,
    /// How tokens were chosen.
    pub sampling: SamplingFacts,
    /// What graded the answers.
    pub grader: Grader,
    /// The program that ran the suite.
    pub harness: Harness,
    /// What was compared with what, and in which order.
    pub arms: Arms,
    /// Every run of every measured case.
    pub runs: Vec<Run>,
    /// What follows from the runs: [`compute`].
    pub result: ResultSummary,
    /// The gate's verdict; null if no gate was asked for.
    pub verdict: Value,
    /// Who says so.
    pub provenance: Provenance,
}

/// The measured version of a skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skill {
    /// `scope/name`, or a bare name for a folder that was never published.
    pub name: String,
    /// Its version; none for a folder that has none.
    pub version: Option<String>,
    /// Digest of its tree, `skill-tree/v1`.
    pub tree: Digest,
    /// The version that it was made from.
    pub parent: Option<String>,
    /// `scope/name@version` of the skill that it was forked from.
    pub forked_from: Option<String>,
}

impl Skill {
    /// `scope/name version`, or the name alone.
    pub fn title(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.name),
            None => self.name.clone(),
        }
    }
}

/// The suite and the part of it that was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteFacts {
    /// `scope/name` of the suite, if it has one.
    pub id: Option<String>,
    /// Its version, if it has one.
    pub version: Option<String>,
    /// The part that was run; none for all cases.
    pub part: Option<Split>,
    /// Whether nobody but a verifier reads the holdout.
    pub sealed: bool,
    /// [`split_hash`] of the measured cases: the first part of the score key.
    pub split_hash: Digest,
    /// [`split_hash`] of all cases of the suite, if the one who ran it had them.
    pub suite_hash: Option<Digest>,
    /// Cases of the suite.
    pub cases: u32,
    /// Cases of its holdout.
    pub holdout: u32,
}

/// One measured case, without what it asks: a sealed holdout stays sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFacts {
    /// Its id.
    pub id: String,
    /// Its category.
    pub category: String,
    /// Its group: cases of a group are not independent of each other.
    pub group: String,
    /// Whether it must pass in every run.
    pub critical: bool,
    /// Hash of the case as written.
    pub hash: Digest,
}

/// The model that answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its name, for people.
    pub name: String,
    /// SHA-256 of the weights in hex; for a provider's model its id and date. As in the score key.
    pub weights: String,
    /// Quantisation of the weights. As in the score key.
    pub quantisation: String,
}

/// What evaluated the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineFacts {
    /// Its name. As in the score key.
    pub name: String,
    /// Its build. As in the score key.
    pub build: String,
    /// The device, in words; no part of the score key.
    pub device: String,
    /// How the state of the shared beginning was used again.
    pub kv_reuse: Sharing,
    /// Whether answers could depend on what ran beside them.
    pub mode: Mode,
}

/// How tokens were chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplingFacts {
    /// As in the score key.
    pub temperature: Decimal,
    /// As in the score key.
    pub top_p: Decimal,
    /// As in the score key.
    pub max_tokens: u32,
    /// The seeds of all runs, ascending, each once.
    pub seeds: Vec<u64>,
}

/// What graded the answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grader {
    /// `builtin:grader@1`, or a path in the suite.
    pub prompt: String,
    /// Name of the grader's model; none if no check was judged by a model.
    pub model: Option<String>,
    /// Votes a judgement.
    pub votes: u32,
    /// How often the grader says the same again, in millionths; none if it was not asked again.
    pub self_agreement_ppm: Option<u32>,
    /// Share of the weight of all checks that a model judged, in millionths.
    pub judged_weight_ppm: u32,
    /// What makes its judgements doubtful, one sentence each; empty if nothing does.
    pub flagged: Vec<String>,
}

/// The program that ran the suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Harness {
    /// Its name.
    pub name: String,
    /// Its version; the first number of it is in the score key.
    pub version: String,
    /// The executor: `prompt`, `agent`, `cli`, `replay`, with what it ran after a colon.
    pub executor: String,
}

/// What was compared with what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arms {
    /// The baseline; none if only the skill was run.
    pub baseline: Option<Baseline>,
    /// The order of the runs.
    pub order: Order,
}

/// What the skill was compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Baseline {
    /// The same prompts without any skill.
    NoSkill {},
    /// Another version.
    Version {
        /// `scope/name@version`, for people.
        name: String,
        /// Digest of its tree.
        tree: Digest,
    },
}

/// The order of the runs of two arms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The arms took turns, so that whatever changes with time touches both.
    Interleaved,
    /// One arm after the other, or one arm alone.
    Sequential,
}

/// Who says so, and how far it can be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Who ran it, for people.
    pub who: String,
    /// When the last run ended.
    pub when: Timestamp,
    /// The one word beside every number.
    pub trust: Trust,
}

/// How far a number can be believed, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Trust {
    /// The publisher ran it.
    #[serde(rename = "claimed")]
    Claimed,
    /// Claimed, with a sealed suite and logged attempts.
    #[serde(rename = "committed")]
    Committed,
    /// A verifier that is not the publisher ran it again on the sealed holdout.
    #[serde(rename = "verified")]
    Verified,
    /// Two verifiers did.
    #[serde(rename = "verified ×2")]
    VerifiedTwice,
    /// Somebody ran it again and did not find it.
    #[serde(rename = "refuted")]
    Refuted,
    /// Suite or model are not the current ones.
    #[serde(rename = "stale")]
    Stale,
}

impl Trust {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Committed => "committed",
            Self::Verified => "verified",
            Self::VerifiedTwice => "verified ×2",
            Self::Refuted => "refuted",
            Self::Stale => "stale",
        }
    }

    /// Whether somebody other than the publisher found the same.
    pub fn is_checked(self) -> bool {
        matches!(self, Self::Verified | Self::VerifiedTwice)
    }
}

impl Record {
    /// Reads a record: canonical JSON, every member known, everything within [`Limits`]. Whether it is true of its runs says
    /// [`Record::check`].
    ///
    /// # Errors
    /// [`codes::RECORD`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let limits = Limits::default();
        if bytes.len() > limits.bytes {
            return Err(fault(format!("{} bytes, at most {} are read", bytes.len(), limits.bytes)));
        }
        let value = jcs::parse(bytes).map_err(recast)?;
        let record: Self = serde_json::from_value(value).map_err(|e| fault(e.to_string()))?;
        if record.format != FORMAT {
            return Err(fault(format!("format {}, and {FORMAT} is read", record.format)));
        }
        // Members that a type does not know vanish when it is written again.
        if record.to_bytes()? != bytes {
            return Err(fault("it has members that the format does not know".to_owned()));
        }
        limits.check(&record).map_err(fault)?;
        Ok(record)
    }

    /// The canonical bytes.
    ///
    /// # Errors
    /// [`codes::RECORD`] if a number is past 2⁵³-1.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Fault> {
        jcs::to_vec(self).map_err(recast)
    }

    /// SHA-256 of the canonical bytes.
    ///
    /// # Errors
    /// As [`Record::to_bytes`].
    pub fn digest(&self) -> Result<Digest, Fault> {
        Ok(sha256(&self.to_bytes()?))
    }

    /// The difference to no skill; none if the baseline is another version or there is none.
    pub fn lift(&self) -> Option<&Delta> {
        matches!(self.arms.baseline, Some(Baseline::NoSkill {})).then_some(self.result.delta.as_ref()).flatten()
    }

    /// (with - without) / (1 - without) in millionths; none without a lift, or where nothing was left to gain.
    pub fn normalised_gain(&self) -> Option<i64> {
        self.lift().and_then(|delta| delta.gain_ppm)
    }

    /// The run of this arm, case and repeat.
    pub fn run(&self, arm: Arm, case: &str, repeat: u32) -> Option<&Run> {
        self.runs.iter().find(|run| run.arm == arm && run.case == case && run.repeat == repeat)
    }
}

fn fault(detail: String) -> Fault {
    Fault::new(codes::RECORD).detail(detail)
}

/// A fault of canonical JSON as one of records.
fn recast(inner: Fault) -> Fault {
    fault(inner.detail.unwrap_or_else(|| inner.code.title.to_owned()))
}
