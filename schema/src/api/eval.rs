//! `POST /api/skill/v1/evals`. Logs an attempt to beat a skill's head, before anything is measured. Needs the `publish:new` or
//! `publish:update` permission for the skill, ownership of its scope, and an `eval/v1` statement of kind `attempt`, signed by one of the
//! scope's `publish` keys: the body is its envelope, byte for byte, as `application/json`. 201 with [`Attempt`]: what the verdict will
//! depend on. Repeated, the same answer. 412 `E_HEAD_MOVED` if the head is another one.
//!
//! `POST /api/skill/v1/evals/{attempt}`. Ends an attempt with a result that is no accept, so that the log says how it came out. The body is
//! `multipart/form-data` with the parts `statement` (an `eval/v1` of kind `result`, signed by the same key), `record`, `transcripts`. An
//! accept is published with the version instead.
//!
//! `GET /api/skill/v1/skills/{scope}/{name}/evals`. All attempts of a skill, newest first: [`List`]. Public unless the registry's `auth` is
//! `required`. `GET /api/skill/v1/suites/{digest}/evals` lists those that were made with a suite.

use serde::{Deserialize, Serialize};

use crate::{Digest, SkillId, Version, time::Timestamp};

/// The route of new attempts.
pub const ROUTE: &str = "/api/skill/v1/evals";
/// The route of an attempt's result.
pub const RESULT_ROUTE: &str = "/api/skill/v1/evals/{attempt}";
/// The route of a skill's attempts.
pub const LIST_ROUTE: &str = "/api/skill/v1/skills/{scope}/{name}/evals";
/// The route of a suite's attempts.
pub const SUITE_ROUTE: &str = "/api/skill/v1/suites/{digest}/evals";
/// Bytes of a record that the registry takes: 200 cases with 10 runs a case and arm.
pub const MAX_RECORD: usize = 8 << 20;
/// Bytes of the transcripts of one record that the registry takes.
pub const MAX_TRANSCRIPTS: usize = 32 << 20;

/// The path of an attempt's result.
pub fn result_path(attempt: &Digest) -> String {
    format!("{ROUTE}/{attempt}")
}

/// The path of a skill's attempts.
pub fn list_path(id: &SkillId) -> String {
    format!("{}/skills/{id}/evals", super::BASE)
}

/// The path of a suite's attempts.
pub fn suite_path(suite: &Digest) -> String {
    format!("{}/suites/{suite}/evals", super::BASE)
}

/// An attempt that is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// SHA-256 of its envelope: what the result names.
    pub attempt: Digest,
    /// Log index of the statement.
    pub log: u64,
    /// A C2SP tlog-proof of it.
    pub proof: Option<String>,
    /// Attempts before it on this holdout, lineage and model that were not accepted, since the last that was.
    pub failed: u32,
    /// The recorded scores of the head under the attempt's score key; none if there are none.
    pub recorded: Option<Pooled>,
    /// Which test the scope asks for at least: `standard` or `strict`.
    pub policy: String,
}

/// Scores put together: their sum, per mille, and how many runs they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pooled {
    /// Sum of the scores of all runs, per mille.
    pub sum: u64,
    /// How many runs.
    pub runs: u64,
}

/// What was written for a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Log index of the statement.
    pub log: u64,
    /// A C2SP tlog-proof of it.
    pub proof: Option<String>,
    /// `reject` or `invalid`.
    pub verdict: String,
}

/// All attempts of a skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// Newest first.
    pub attempts: Vec<Entry>,
}

/// One attempt as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// SHA-256 of its envelope.
    pub attempt: Digest,
    /// Log index of its statement.
    pub log: u64,
    /// The version that was to be published.
    pub version: Version,
    /// Tree digest of its files.
    pub tree: Digest,
    /// Tree digest of the head that was to be beaten; none for no skill.
    pub parent: Option<Digest>,
    /// The suite.
    pub suite: Digest,
    /// The score key.
    pub score_key: Digest,
    /// The model's name.
    pub model: String,
    /// When it was logged.
    pub created: Timestamp,
    /// Failed attempts before it.
    pub failed: u32,
    /// `accept`, `reject` or `invalid`; none while it has no result, or if it was given up.
    pub verdict: Option<String>,
    /// SHA-256 of the record, a blob.
    pub record: Option<Digest>,
    /// The gain, per mille.
    pub delta: Option<i64>,
}
