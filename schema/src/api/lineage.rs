//! `GET /api/skill/v1/skills/{scope}/{name}/lineage`. The family of a skill: its oldest ancestor in this registry, and every skill
//! that was forked from that one, from one of its forks, and so on. Public unless the registry's `auth` is `required`.
//!
//! Who was forked from whom stands in signed release statements (`parent` of the first version); this only says where to look.

use serde::{Deserialize, Serialize};

use crate::{SkillId, Version, time::Timestamp};

/// The route.
pub const ROUTE: &str = "/api/skill/v1/skills/{scope}/{name}/lineage";
/// Skills in an answer: more than anybody reads, and little work for a database.
pub const MAX_NODES: usize = 200;
/// Generations, up and down: a longer line is made by a program.
pub const MAX_DEPTH: usize = 64;

/// The path.
pub fn path(id: &SkillId) -> String {
    format!("{}/skills/{id}/lineage", super::BASE)
}

/// A family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// The oldest ancestor.
    pub root: SkillId,
    /// All of it, parents before their forks, the older fork first.
    pub nodes: Vec<Node>,
    /// Whether there are more, which are left out.
    pub truncated: bool,
}

/// One skill of a family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// The skill.
    pub id: SkillId,
    /// `scope/name@version` that its first version was forked from. Of the root, this names a skill that is not in this registry.
    pub fork_of: Option<String>,
    /// Its latest installable version.
    pub latest: Option<Version>,
    /// How many versions it has.
    pub versions: u64,
    /// How often it was downloaded.
    pub downloads: u64,
    /// When its first version was published.
    pub created: Timestamp,
}
