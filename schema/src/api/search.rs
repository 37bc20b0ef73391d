//! `GET /api/skill/v1/search?q=…&sort=…&limit=…&offset=…`. Full-text search over names, descriptions, keywords and readmes.
//! Public unless the registry's `auth` is `required`.

use serde::{Deserialize, Serialize};

use crate::{SkillId, Version, index::Score, time::Timestamp};

/// The route, and the path.
pub const ROUTE: &str = "/api/skill/v1/search";
/// Results a page, unless asked otherwise.
pub const DEFAULT_LIMIT: u64 = 20;
/// Results a page at the most.
pub const MAX_LIMIT: u64 = 100;
/// How far a search can be paged.
pub const MAX_OFFSET: u64 = 1_000;
/// Characters of a query.
pub const MAX_QUERY: usize = 200;

/// The query string.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// Words; empty lists everything.
    pub q: String,
    /// The order.
    pub sort: Sort,
    /// How many results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How many results to skip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

/// The order of results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// Best match first.
    #[default]
    Relevance,
    /// Last published first.
    #[serde(alias = "updated")]
    Recent,
    /// Most downloaded first.
    #[serde(alias = "downloads")]
    Installs,
    /// The highest gain over no skill first, verified before claimed.
    Uplift,
    /// The highest mean first, in groups of one score key each; verified before claimed.
    Score,
}

/// A page of results.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// How many skills match in all.
    pub total: u64,
    /// This page.
    pub items: Vec<Hit>,
}

/// One result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The skill.
    pub id: SkillId,
    /// Its latest version.
    pub version: Option<Version>,
    /// Its description.
    pub description: String,
    /// Its licence.
    pub license: Option<String>,
    /// Its keywords.
    pub keywords: Vec<String>,
    /// How often it was downloaded.
    pub downloads: u64,
    /// When its latest version was published.
    pub updated: Timestamp,
    /// Its best version, if its score can rank.
    #[serde(default)]
    pub best: Option<Best>,
}

/// The version that stands for a skill where skills are ranked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Best {
    /// The version.
    pub version: Version,
    /// Its score.
    pub score: Score,
}
