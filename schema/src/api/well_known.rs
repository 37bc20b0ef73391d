//! `GET /.well-known/skill-registry`. What a client must know before it talks to a registry. Public, cached for five minutes.

use serde::{Deserialize, Serialize};

/// The route, and the path.
pub const ROUTE: &str = "/.well-known/skill-registry";

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Format version, 1.
    pub v: u64,
    /// Absolute address of the versioned API, `https://host/api/skill/v1`.
    pub api: String,
    /// Name of the registry's log, `host/log`: part of every statement.
    pub origin: String,
    /// The log's verifier keys (C2SP signed-note vkeys), current first.
    pub log: Vec<String>,
    /// Verifier keys of witnesses.
    pub witnesses: Vec<String>,
    /// How many witnesses must have cosigned a checkpoint.
    pub quorum: u64,
    /// Whether reading needs a token.
    pub auth: Auth,
    /// What a package may be.
    pub limits: Limits,
    /// The oldest client that understands this registry.
    pub min_client: semver::Version,
}

/// Whether reading needs a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// Anybody may read.
    Public,
    /// Every request needs a token.
    Required,
}

/// What a package may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Compressed bytes.
    pub archive: u64,
    /// Bytes of the tar.
    pub unpacked: u64,
    /// Number of files.
    pub files: u64,
}

impl From<crate::Limits> for Limits {
    fn from(limits: crate::Limits) -> Self {
        Self { archive: limits.archive as u64, unpacked: limits.unpacked as u64, files: limits.files as u64 }
    }
}
