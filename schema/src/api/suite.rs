//! `PUT /api/skill/v1/suites/{scope}/{name}/{version}`. Publishes a suite, or changes what becomes of its holdout. Needs the `publish:new` or `publish:update` permission,
//! ownership of the scope, and a `suite/v1` statement signed by one of the scope's `publish` keys.
//!
//! The body is `multipart/form-data` with the parts `statement` (the DSSE envelope, byte for byte) and `archive` (`skill-suite/v1`). 201
//! with [`Response`]; 200 when the same suite was published before; 409 `E_VERSION_EXISTS` for other cases under the same version.
//!
//! With the state `commit` the holdout is sealed: `archive` has the cases for training only, and a part `sealed` after it the whole suite,
//! which the registry keeps for verifiers and serves nobody else; without that part a verifier was given it by hand. With `reveal` the whole
//! suite becomes public: `archive` is the suite, and is left out where the registry keeps it. `retire` has no archive. What is sent is compared
//! with the digests of the statement: 422 `E_SUITE_DIGEST`.
//!
//! `GET /api/skill/v1/suites/{digest}` says what is known of the suite with these cases: [`Info`]. Public unless the registry's `auth` is
//! `required`.

use serde::{Deserialize, Serialize};

use crate::{
    Digest, SkillId, Version,
    statement::{SuiteCases, SuiteState},
};

/// The route of a suite by its name.
pub const ROUTE: &str = "/api/skill/v1/suites/{scope}/{name}/{version}";
/// The route of a suite by its digest.
pub const INFO_ROUTE: &str = "/api/skill/v1/suites/{digest}";

/// The path of a suite by its name.
pub fn path(id: &SkillId, version: &Version) -> String {
    format!("{}/suites/{id}/{version}", super::BASE)
}

/// The path of a suite by its digest.
pub fn info_path(digest: &Digest) -> String {
    format!("{}/suites/{digest}", super::BASE)
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Log index of the statement.
    pub log: u64,
    /// A C2SP tlog-proof of it.
    pub proof: Option<String>,
    /// SHA-256 of the stored envelope.
    pub stmt: Digest,
}

/// What is known of a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Split hash of all its cases.
    pub suite: Digest,
    /// Its name.
    pub id: SkillId,
    /// Its version.
    pub version: Version,
    /// Split hash of the cases for training.
    pub train: Digest,
    /// Split hash of the cases that are held out.
    pub holdout: Digest,
    /// How many cases there are.
    pub cases: SuiteCases,
    /// What becomes of its holdout.
    pub state: SuiteState,
    /// SHA-256 of its archive, a blob: all cases, or those for training while the holdout is sealed.
    pub archive: Digest,
}
