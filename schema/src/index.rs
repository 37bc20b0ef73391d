//! The index: static lines of JSON that a client can read from a registry, a mirror, a CDN or a folder.
//!
//! `/index/{scope}/{name}` is a [`Header`] line, then one [`Line`] per version in order of publication.
//! `/index/{scope}` is the scope's chain, one [`ChainLine`] per statement. Lines whose `v` is not 1 are skipped by readers.

use serde::{Deserialize, Serialize};

use crate::{Digest, Fault, SkillId, Version, VersionReq, codes, time::Timestamp};

/// Media type of index files.
pub const MEDIA_TYPE: &str = "application/x-ndjson";

/// Line 0 of a skill's index: what can change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Format version, 1.
    pub v: u64,
    /// The skill.
    pub pkg: SkillId,
    /// State of the skill as a whole.
    pub status: PackageStatus,
    /// Names for versions.
    pub tags: Tags,
    /// `scope/name@version` that its first version was forked from.
    #[serde(rename = "forkOf")]
    pub fork_of: Option<String>,
    /// Log index of the last leaf that changed this file.
    pub log: u64,
}

/// State of a skill as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageStatus {
    /// In use.
    Active,
    /// No further versions will come.
    Archived,
    /// Its owners advise against it.
    Deprecated,
    /// Withheld by the operator.
    Quarantined,
}

/// Names for versions. Both absent if no version is installable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    /// The best-scored version, once there are scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Version>,
    /// The highest version that is neither yanked nor a pre-release (the highest pre-release if there is nothing else).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<Version>,
}

/// One version in a skill's index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Format version, 1.
    pub v: u64,
    /// The version.
    pub vers: Version,
    /// SHA-256 of the .tar.gz; its address is `/blob/sha256/{hex}`.
    pub sha256: Digest,
    /// Tree digest (`skill-tree/v1`).
    pub tree: Digest,
    /// Bytes of the .tar.gz.
    pub size: u64,
    /// When it was published: `created` of its release statement.
    #[serde(rename = "pub")]
    pub published: Timestamp,
    /// State of the version.
    pub st: LineStatus,
    /// Dependencies: name and requirement, sorted by name.
    pub deps: Vec<(SkillId, VersionReq)>,
    /// `scope/name@version` that it improves or was forked from.
    pub parent: Option<String>,
    /// Summary of its score record, once there is one.
    pub score: Option<Score>,
    /// SHA-256 of the release statement's envelope; its address is `/blob/sha256/{hex}`.
    pub stmt: Digest,
    /// Log index of the last leaf that changed this line.
    pub log: u64,
}

/// The score of a version in the index. Scores are per mille.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// The score key: scores are comparable if and only if it is equal.
    pub key: Digest,
    /// Complete holdout cases.
    pub n: u32,
    /// Runs a case.
    pub k: u32,
    /// Mean of the holdout cases.
    pub mean: i64,
    /// Lower end of its 95 % interval.
    pub lo: Option<i64>,
    /// Upper end of its 95 % interval.
    pub hi: Option<i64>,
    /// The gain over no skill, where no skill was measured under the same score key.
    pub uplift: Option<i64>,
    /// How far the number can be believed, in one word: `claimed`, `committed`, `verified`, `verified ×2`, `refuted`, `stale`.
    pub trust: String,
}

/// State of a version in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineStatus {
    /// Installable.
    Ok,
    /// Installable only where a lock file names it already.
    Yanked,
    /// Withheld by the operator.
    Quarantined,
    /// Its content is gone.
    Gone,
}

/// One statement of a scope's chain, `/index/{scope}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainLine {
    /// Position in the chain, from 1.
    pub seq: u64,
    /// SHA-256 of the envelope; its address is `/blob/sha256/{hex}`.
    pub stmt: Digest,
    /// Its log index.
    pub log: u64,
}

/// A skill's whole index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Line 0.
    pub header: Header,
    /// The versions, in order of publication.
    pub lines: Vec<Line>,
}

impl Index {
    /// Reads an index file. Lines of another format version are skipped; anything else that does not parse is a fault
    /// ([`codes::INDEX_INVALID`]), since a damaged line could hide a yank.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let mut lines = ndjson(bytes)?.into_iter();
        let invalid = |n: usize, e: &serde_json::Error| {
            Fault::new(codes::INDEX_INVALID).at(format!("line {n}")).detail(e.to_string())
        };
        let first = lines.next().ok_or_else(|| Fault::new(codes::INDEX_INVALID).detail("it is empty"))?;
        let header: Header = serde_json::from_str(first).map_err(|e| invalid(0, &e))?;
        if header.v != 1 {
            return Err(Fault::new(codes::INDEX_INVALID).detail(format!("format version {} is not known", header.v)));
        }
        let mut versions = Vec::new();
        for (n, text) in lines.enumerate() {
            #[derive(Deserialize)]
            struct Format {
                v: u64,
            }
            let format: Format = serde_json::from_str(text).map_err(|e| invalid(n + 1, &e))?;
            if format.v == 1 {
                versions.push(serde_json::from_str(text).map_err(|e| invalid(n + 1, &e))?);
            }
        }
        Ok(Self { header, lines: versions })
    }

    /// Writes the index file: what [`Index::parse`] reads, one line each.
    pub fn render(&self) -> String {
        let mut text = String::new();
        push_line(&mut text, &self.header);
        for line in &self.lines {
            push_line(&mut text, line);
        }
        text
    }

    /// The line of a version.
    pub fn line(&self, version: &Version) -> Option<&Line> {
        self.lines.iter().find(|line| line.vers == *version)
    }
}

/// The version that `best` names: among the installable ones with a score under the same score key as the newest measured one, the one with
/// the highest mean; of equals the newest.
pub fn best(lines: &[Line]) -> Option<&Version> {
    let scored =
        || lines.iter().filter(|line| line.st == LineStatus::Ok).filter_map(|line| Some((line, line.score.as_ref()?)));
    let key = scored().next_back()?.1.key;
    let comparable = scored().filter(|(_, score)| score.key == key && score.trust != "refuted");
    comparable.max_by_key(|(_, score)| score.mean).map(|(line, _)| &line.vers)
}

/// Writes a scope's chain: what [`parse_chain`] reads.
pub fn render_chain(lines: &[ChainLine]) -> String {
    let mut text = String::new();
    for line in lines {
        push_line(&mut text, line);
    }
    text
}

/// Appends one line of NDJSON. Our line types have only members that serialise, so there is no error to report.
fn push_line(text: &mut String, line: &impl Serialize) {
    if let Ok(json) = serde_json::to_string(line) {
        text.push_str(&json);
        text.push('\n');
    }
}

/// Reads a scope's chain.
pub fn parse_chain(bytes: &[u8]) -> Result<Vec<ChainLine>, Fault> {
    ndjson(bytes)?
        .into_iter()
        .enumerate()
        .map(|(n, text)| {
            serde_json::from_str(text)
                .map_err(|e| Fault::new(codes::INDEX_INVALID).at(format!("chain line {n}")).detail(e.to_string()))
        })
        .collect()
}

/// Splits NDJSON into lines; every line, the last too, ends with a line feed.
fn ndjson(bytes: &[u8]) -> Result<Vec<&str>, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|e| Fault::new(codes::INDEX_INVALID).detail(e.to_string()))?;
    match text.strip_suffix('\n') {
        Some(body) => Ok(body.split('\n').collect()),
        None if text.is_empty() => Ok(Vec::new()),
        None => Err(Fault::new(codes::INDEX_INVALID).detail("the last line is cut off")),
    }
}

/// The version that `latest` names: the highest installable release, or the highest installable pre-release if there is no release.
pub fn latest(lines: &[Line]) -> Option<&Version> {
    let installable = || lines.iter().filter(|line| line.st == LineStatus::Ok).map(|line| &line.vers);
    installable().filter(|v| v.pre.is_empty()).max().or_else(|| installable().max())
}
