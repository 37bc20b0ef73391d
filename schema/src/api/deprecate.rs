//! `PUT /api/skill/v1/skills/{scope}/{name}/deprecation`. Advises against a skill, or takes that back. Needs the `yank`
//! permission and ownership of the scope. Its versions stay installable.

use serde::{Deserialize, Serialize};

use crate::SkillId;

/// The route.
pub const ROUTE: &str = "/api/skill/v1/skills/{scope}/{name}/deprecation";
/// Bytes of a message.
pub const MAX_MESSAGE: usize = 500;

/// The path.
pub fn path(id: &SkillId) -> String {
    format!("{}/skills/{id}/deprecation", super::BASE)
}

/// What to say from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Request {
    /// Whether the skill is deprecated.
    pub deprecated: bool,
    /// Why, for people.
    #[serde(default)]
    pub message: String,
    /// The skill to use instead.
    #[serde(default)]
    pub replaced_by: Option<SkillId>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// SHA-256 of the skill's new index file.
    pub index: crate::Digest,
}
