//! `PUT /api/skill/v1/skills/{scope}/{name}/{version}/status`. Yanks a version or restores it. Needs the `yank` permission,
//! ownership of the scope, and a status statement signed by one of the scope's `yank` keys: the body is its envelope, byte for
//! byte, as `application/json`. 409 `E_STATUS_UNCHANGED` if the version is in that state already.

use serde::{Deserialize, Serialize};

use crate::{Digest, SkillId, Version};

/// The route.
pub const ROUTE: &str = "/api/skill/v1/skills/{scope}/{name}/{version}/status";

/// The path of a version's status.
pub fn path(id: &SkillId, version: &Version) -> String {
    format!("{}/skills/{id}/{version}/status", super::BASE)
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Log index of the statement.
    pub log: u64,
    /// A C2SP tlog-proof of it.
    pub proof: Option<String>,
    /// SHA-256 of the skill's new index file.
    pub index: Digest,
}
