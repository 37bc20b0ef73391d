//! `POST /api/skill/v1/jobs`. Logs an attempt on a sealed suite and queues the candidate for a verifier. Needs what
//! [`super::eval`] needs for an attempt. The body is `multipart/form-data` with the parts `statement` (an `eval/v1` of kind `attempt`, whose
//! score key is zero and whose model is [`MODEL`]: the verifier's conditions are not known yet), `meta` ([`Meta`] as JSON) and `archive` (the
//! candidate's .tar.gz, which nobody but the verifier gets until it is published). 201 with [`super::eval::Attempt`]; repeated, the same
//! answer. 422 `E_SEALED` where the suite is not sealed.
//!
//! `GET /api/skill/v1/jobs/{attempt}` says how far it is: [`Job`]. Public unless the registry's `auth` is `required`.

use serde::{Deserialize, Serialize};

use crate::Digest;

/// The route of new jobs.
pub const ROUTE: &str = "/api/skill/v1/jobs";
/// The route of one job.
pub const STATE_ROUTE: &str = "/api/skill/v1/jobs/{attempt}";
/// What stands for the model, its name and its weights, in an attempt on a sealed suite. Failed attempts count whatever model the verifier
/// uses, so nobody starts over by waiting for another one.
pub const MODEL: &str = "sealed";

/// The path of a job.
pub fn path(attempt: &Digest) -> String {
    format!("{ROUTE}/{attempt}")
}

/// What a verdict depends on beside the runs, by the publisher's word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Meta {
    /// It claims no better score, and must be no worse.
    pub maintenance: bool,
    /// The stricter test is asked for.
    pub strict: bool,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for a verifier.
    Queued,
    /// A verifier is at work.
    Leased,
    /// It has its result.
    Done,
    /// No verifier could end it, or its suite is not sealed any more.
    Failed,
}

impl State {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A job as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// SHA-256 of the attempt's envelope.
    pub attempt: Digest,
    /// How far it is.
    pub state: State,
    /// How often a verifier began.
    pub tries: u32,
    /// `accept`, `maintenance`, `reject` or `invalid`; none without a result.
    pub verdict: Option<String>,
    /// SHA-256 of the record, a blob.
    pub record: Option<Digest>,
    /// What verifiers said of it, oldest first.
    pub results: Vec<Verified>,
}

/// What a verifier said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// SHA-256 of the statement's envelope, a blob.
    pub stmt: Digest,
    /// Log index of the statement.
    pub log: u64,
    /// `result` or `refute`.
    pub kind: String,
    /// The key that signed it: `ed25519:` and base64.
    pub key: String,
    /// The user whose token sent it.
    pub user: String,
    /// SHA-256 of the record, a blob.
    pub record: Digest,
}
