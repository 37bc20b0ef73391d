//! `POST /api/skill/v1/leases`. A verifier claims a job: the body is [`Claim`]. Needs `eval:verify`. 200 with [`Answer`], whose lease is none
//! if there is nothing to do. 403 `E_VERIFIER` if the key is listed nowhere.
//!
//! `POST /api/skill/v1/leases/{lease}` prolongs a lease, the body is [`Beat`], and answers [`Held`]: with conditions, also the terms of the
//! verdict. `DELETE /api/skill/v1/leases/{lease}` gives the job back. `GET /api/skill/v1/leases/{lease}/suite` and
//! `GET /api/skill/v1/leases/{lease}/candidate` are the archives. `PUT /api/skill/v1/leases/{lease}/result` ends the job: the body is
//! `multipart/form-data` with the parts `statement` (an `eval/v1` of kind `result` or `refute`, signed by the verifier's key) and `record`
//! (redacted); the answer is [`super::eval::Ended`]. All of them need `eval:verify`, a token of the user who claimed the job, and a lease that
//! is not over: 409 `E_LEASE`.

use serde::{Deserialize, Serialize};

use super::eval::Pooled;
use crate::{Digest, SkillId, Version, time::Timestamp};

/// The route of new leases.
pub const ROUTE: &str = "/api/skill/v1/leases";
/// The route of one lease.
pub const LEASE_ROUTE: &str = "/api/skill/v1/leases/{lease}";
/// The route of an archive of a lease.
pub const PART_ROUTE: &str = "/api/skill/v1/leases/{lease}/{part}";
/// The route of the result.
pub const RESULT_ROUTE: &str = "/api/skill/v1/leases/{lease}/result";
/// Seconds of a lease without a heartbeat: a worker that was killed keeps others waiting no longer.
pub const LEASE_SECONDS: u64 = 120;
/// Suites that a verifier names in a claim at most.
pub const MAX_SUITES: usize = 256;

/// The path of a lease.
pub fn path(lease: &Digest) -> String {
    format!("{ROUTE}/{lease}")
}

/// The path of an archive of a lease: `suite` or `candidate`.
pub fn part_path(lease: &Digest, part: &str) -> String {
    format!("{ROUTE}/{lease}/{part}")
}

/// The path of a result.
pub fn result_path(lease: &Digest) -> String {
    format!("{ROUTE}/{lease}/result")
}

/// Asks for a job, and shows that the key is the caller's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The verifier's key: `ed25519:` and base64.
    pub key: String,
    /// When it was signed; a claim is good for a quarter of an hour.
    pub created: Timestamp,
    /// Hex of the signature over [`Claim::text`].
    pub signature: String,
    /// Suites that the verifier was given by hand.
    #[serde(default)]
    pub suites: Vec<Digest>,
    /// Whether it wants results of others to check rather than new jobs.
    #[serde(default)]
    pub recheck: bool,
}

impl Claim {
    /// What is signed.
    pub fn text(origin: &str, key: &str, created: Timestamp) -> String {
        format!("skill lease/v1\n{origin}\n{key}\n{created}\n")
    }
}

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// A job; none if there is nothing to do.
    pub lease: Option<Lease>,
}

/// A job that a verifier holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lease {
    /// Names the lease; nobody else knows it.
    pub lease: Digest,
    /// When it ends, unless it is prolonged.
    pub until: Timestamp,
    /// The attempt.
    pub attempt: Digest,
    /// Nonce of the attempt, which its result repeats.
    pub nonce: String,
    /// The skill.
    pub skill: SkillId,
    /// The version that is to be published.
    pub version: Version,
    /// Tree digest of the candidate.
    pub tree: Digest,
    /// Tree digest of the head that is to be beaten; none for no skill.
    pub parent: Option<Digest>,
    /// The suite.
    pub suite: Digest,
    /// Split hash of its holdout.
    pub holdout: Digest,
    /// Whether the registry has the suite; else the verifier was given it by hand.
    pub has_suite: bool,
    /// The record of the result that is to be checked; none for a new job.
    pub record: Option<Digest>,
}

/// Says that a verifier is still at work, and under which conditions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    /// The conditions, once they are known. They are not changed any more.
    #[serde(default)]
    pub conditions: Option<Conditions>,
}

/// Under which conditions a verifier measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Conditions {
    /// The score key.
    pub score_key: Digest,
    /// The model's name.
    pub model: String,
    /// The model's weights.
    pub weights: String,
}

/// A lease that was prolonged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// When it ends.
    pub until: Timestamp,
    /// What the verdict depends on, once the conditions are known.
    pub terms: Option<Terms>,
}

/// What a verdict depends on beside the runs and the candidate's contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Whether the stricter test decides.
    pub strict: bool,
    /// Failed attempts before.
    pub failed: u32,
    /// The recorded scores of the head under the score key; none if there are none.
    pub recorded: Option<Pooled>,
    /// Whether it claims no better score.
    pub maintenance: bool,
}
