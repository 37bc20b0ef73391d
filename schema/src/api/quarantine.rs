//! `PUT /api/skill/v1/skills/{scope}/{name}/{version}/quarantine`. The operator withholds a version, removes its content for good, or
//! gives a withheld one back. Needs the `admin` permission. The registry signs the status statement with the operator's key and adds it
//! to the operator's chain and the log. 409 `E_STATUS_UNCHANGED` if the operator has said so already.

use serde::{Deserialize, Serialize};

use crate::{SkillId, Version};

/// The route.
pub const ROUTE: &str = "/api/skill/v1/skills/{scope}/{name}/{version}/quarantine";

/// The path of a version's quarantine.
pub fn path(id: &SkillId, version: &Version) -> String {
    format!("{}/skills/{id}/{version}/quarantine", super::BASE)
}

/// What becomes of the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Nobody installs it any more; it can come back.
    Quarantine,
    /// Its content is deleted; it never comes back.
    Remove,
    /// The quarantine ends.
    Lift,
}

/// What the operator says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What becomes of it.
    pub action: Action,
    /// A reason code: [`crate::statement::REASONS`].
    pub reason: String,
    /// For people, at most 256 bytes.
    #[serde(default)]
    pub note: String,
}

/// What was written: as for a yank.
pub type Response = super::yank::Response;
