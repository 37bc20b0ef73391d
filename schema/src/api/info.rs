//! `GET /api/skill/v1/skills/{scope}/{name}`. What people want to read about a skill; installers use the index instead. Public
//! unless the registry's `auth` is `required`.

use serde::{Deserialize, Serialize};

use crate::{
    Digest, SkillId, Version, VersionReq, api::deprecate, api::leaderboard::Lift, index::LineStatus,
    index::PackageStatus, index::Score, time::Timestamp,
};

/// The route.
pub const ROUTE: &str = "/api/skill/v1/skills/{scope}/{name}";

/// The path.
pub fn path(id: &SkillId) -> String {
    format!("{}/skills/{id}", super::BASE)
}

/// A skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The skill.
    pub id: SkillId,
    /// Its state as a whole.
    pub status: PackageStatus,
    /// Why it is deprecated and what to use instead, if it is.
    pub deprecation: Option<deprecate::Request>,
    /// Of the latest version: the frontmatter's description.
    pub description: String,
    /// Of the latest version: `skill.toml`'s keywords.
    pub keywords: Vec<String>,
    /// Of the latest version: `skill.toml`'s repository.
    pub repository: Option<String>,
    /// Of the latest version: `skill.toml`'s licence.
    pub license: Option<String>,
    /// The latest installable version.
    pub latest: Option<Version>,
    /// The best-scored version, once there are scores.
    pub best: Option<Version>,
    /// Names of the scope's owners.
    pub owners: Vec<String>,
    /// How often an archive of it was downloaded.
    pub downloads: u64,
    /// All versions, newest first.
    pub versions: Vec<VersionInfo>,
    /// Of the latest version: SKILL.md without its frontmatter.
    pub readme: String,
}

/// One version of a skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionInfo {
    /// The version.
    pub version: Version,
    /// Its state.
    pub status: LineStatus,
    /// Why it has that state, if somebody said so.
    pub note: Option<String>,
    /// When it was published.
    pub published: Timestamp,
    /// The user whose token published it.
    pub publisher: String,
    /// Tree digest.
    pub tree: Digest,
    /// SHA-256 of the .tar.gz.
    pub archive: Digest,
    /// Bytes of the .tar.gz.
    pub size: u64,
    /// Bytes of the tar.
    pub unpacked_size: u64,
    /// Number of files.
    pub files: u64,
    /// Dependencies: name and requirement.
    pub dependencies: Vec<(SkillId, VersionReq)>,
    /// The version that it improves or was forked from.
    pub parent: Option<String>,
    /// Id of the key that signed it.
    pub keyid: Digest,
    /// How often it was downloaded.
    pub downloads: u64,
    /// The suite that measured it.
    #[serde(default)]
    pub suite: Option<Digest>,
    /// Its score.
    #[serde(default)]
    pub score: Option<Score>,
    /// Its gain over no skill, with an interval.
    #[serde(default)]
    pub lift: Option<Lift>,
    /// The name of the model that it was measured with.
    #[serde(default)]
    pub model: Option<String>,
    /// Tokens of a run, on average.
    #[serde(default)]
    pub tokens: Option<u64>,
    /// SHA-256 of its record, a blob.
    #[serde(default)]
    pub record: Option<Digest>,
    /// SHA-256 of what its runs asked and answered, a blob.
    #[serde(default)]
    pub transcripts: Option<Digest>,
    /// SHA-256 of the log of what was tried on the way to it, a blob. Its publisher sent it, and nothing signs it.
    #[serde(default)]
    pub tried: Option<Digest>,
}
