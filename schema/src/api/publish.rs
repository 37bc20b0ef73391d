//! `PUT /api/skill/v1/skills/{scope}/{name}/{version}`. Publishes a version. Needs the `publish:new` permission for the first
//! version of a skill and `publish:update` for the others, ownership of the scope, and a release statement signed by one of
//! the scope's `publish` keys.
//!
//! The body is `multipart/form-data` with the parts in this order: `meta` ([`Meta`] as JSON), `statement` (the DSSE envelope,
//! byte for byte), `archive` (the .tar.gz), optionally `tried` (what was tried on the way to this version: tab-separated text, which
//! nothing signs), and of a measured version `record` (canonical JSON) and `transcripts` (JSON). 201 with [`Response`] when it was
//! published; 200 with the stored response when the same version with the same tree was published before (a retry is safe); 409 `E_VERSION_EXISTS` for another tree; 409 `E_SEQ`
//! when the chain has moved on; 412 `E_HEAD_MOVED`; 422 `E_GATE_REJECTED` or `E_GATE_INVALID`, with the numbers as the only finding.

use serde::{Deserialize, Serialize};

use crate::{Digest, SkillId, Version};

/// The route.
pub const ROUTE: &str = "/api/skill/v1/skills/{scope}/{name}/{version}";
/// Bytes of the `meta` part.
pub const MAX_META: usize = 4096;
/// Bytes of the `tried` part: thousands of experiments, a line each.
pub const MAX_TRIED: usize = 1 << 20;

/// The path of a version.
pub fn path(id: &SkillId, version: &Version) -> String {
    format!("{}/skills/{id}/{version}", super::BASE)
}

/// The `meta` part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Meta {
    /// Tree digest of the version that this one improves: the request fails with 412 if the skill's `latest` is another one.
    pub expected_head: Option<Digest>,
    /// Publish only if the skill has no version yet.
    pub if_absent: bool,
    /// Digest of the logged attempt that this release ends, for measured releases.
    pub attempt: Option<Digest>,
    /// A maintenance release: it claims no better score, and must be no worse.
    pub maintenance: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Log index of the release statement.
    pub log: u64,
    /// A C2SP tlog-proof of it.
    pub proof: Option<String>,
    /// SHA-256 of the skill's new index file.
    pub index: Digest,
    /// SHA-256 of the stored envelope. In a 200 after a retry this can be another one than was sent now.
    pub stmt: Digest,
    /// What the registry noticed and did not refuse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<serde_json::Value>,
}
