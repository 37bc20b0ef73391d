//! The statements about measuring: suites, and the attempts and results of evals.

use serde::{Deserialize, Serialize};

use super::{Kind, Link, Predicate};
use crate::{Digest, time::Timestamp};

/// Name of a suite's digest in `subject.digest`.
pub const SUITE_V1: &str = "suiteV1";
/// Hex digits of an attempt's nonce: 16 random bytes, so that no two attempts are one.
pub const NONCE_DIGITS: usize = 32;

/// `suite/v1`: a suite was published, or its sealed holdout committed, revealed or retired. Subject: `scope/suite@version`, with
/// `suiteV1`, the split hash of all cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// How many cases there are.
    pub cases: SuiteCases,
    /// When it was signed.
    pub created: Timestamp,
    /// Split hash of the cases that are held out.
    pub holdout: Digest,
    /// The log that it is meant for.
    pub origin: String,
    /// SHA-256 of the previous envelope of the scope's chain.
    pub prev: Digest,
    /// Whose chain it belongs to.
    pub scope: String,
    /// Position in the scope's chain.
    pub seq: u64,
    /// What becomes of the holdout.
    pub state: SuiteState,
    /// The suite's name without its scope.
    pub suite: String,
    /// Split hash of the cases for training.
    pub train: Digest,
    /// The suite's version.
    pub version: String,
}

/// Cases of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteCases {
    /// Held out.
    pub holdout: u64,
    /// For training.
    pub train: u64,
}

/// What becomes of a suite's holdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SuiteState {
    /// It travels with the suite.
    Open,
    /// It is sealed: only its digest is public.
    Commit,
    /// It was sealed, and is public from now on.
    Reveal,
    /// Nothing is measured with it any more.
    Retire,
}

impl Predicate for Suite {
    const KIND: Kind = Kind::Suite;

    fn origin(&self) -> &str {
        &self.origin
    }

    fn link(&self) -> Option<Link<'_>> {
        Some(Link { scope: &self.scope, seq: self.seq, prev: self.prev })
    }
}

/// `eval/v1`: an attempt to beat a head, its result, or a refutation. Subject: `scope/name@version`, with `skillTreeV1`. It stands in no
/// scope's chain, since others than the scope's owners say such things too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Eval {
    /// SHA-256 of the envelope of the attempt that this ends or refutes; `null` for an attempt.
    #[serde(deserialize_with = "Option::deserialize")]
    pub attempt: Option<Digest>,
    /// When it was signed.
    pub created: Timestamp,
    /// What it is.
    pub kind: EvalKind,
    /// The model that answers.
    pub model: EvalModel,
    /// [`NONCE_DIGITS`] random hex digits.
    pub nonce: String,
    /// The log that it is meant for.
    pub origin: String,
    /// Tree digest of the head that is to be beaten; `null` if the baseline is no skill.
    #[serde(deserialize_with = "Option::deserialize")]
    pub parent: Option<Digest>,
    /// SHA-256 of the full record; `null` for an attempt.
    #[serde(deserialize_with = "Option::deserialize")]
    pub record: Option<Digest>,
    /// Id of the key of whoever runs it.
    pub runner: Digest,
    /// The score key under which it is run.
    pub score_key: Digest,
    /// `suiteV1` of the suite.
    pub suite: Digest,
    /// What came out; `null` for an attempt.
    #[serde(deserialize_with = "Option::deserialize")]
    pub summary: Option<EvalSummary>,
}

/// What a statement about an eval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvalKind {
    /// It is about to be measured; from now on it counts.
    Attempt,
    /// It was measured.
    Result,
    /// It was measured again, and the result did not come out.
    Refute,
}

/// The model of an eval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvalModel {
    /// Its name, for people.
    pub id: String,
    /// SHA-256 of its weights in hex; for a provider's model its id and date.
    pub weights: String,
}

/// What came out of an eval: scores per mille, p values in parts per million, rounded up. All zero where nothing was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EvalSummary {
    /// Mean of the head.
    pub base: i64,
    /// Mean of the candidate.
    pub cand: i64,
    /// The gain.
    pub delta: i64,
    /// Upper end of its interval.
    pub hi: i64,
    /// Runs a case and arm.
    pub k: u64,
    /// Lower end of its interval.
    pub lo: i64,
    /// Complete cases.
    pub n: u64,
    /// Exact test of cases of this kind.
    pub p_case: u64,
    /// Exact test of these cases.
    pub p_run: u64,
    /// `accept`, `reject` or `invalid`.
    pub verdict: String,
}

impl Predicate for Eval {
    const KIND: Kind = Kind::Eval;

    fn origin(&self) -> &str {
        &self.origin
    }

    fn link(&self) -> Option<Link<'_>> {
        None
    }
}
