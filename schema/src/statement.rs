//! Signed statements: in-toto Statement v1 with predicates of our own (`urn:skill:<kind>:v1`).
//!
//! Members are exactly those listed here: unknown ones are refused, absent values are `null`. `bundle` turns a statement into
//! canonical bytes (RFC 8785), wraps it in a DSSE envelope and signs it.

mod measured;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use measured::{Eval, EvalKind, EvalModel, EvalSummary, NONCE_DIGITS, SUITE_V1, Suite, SuiteCases, SuiteState};

use crate::{Digest, time::Timestamp};

/// `_type` of every statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// `payloadType` of every envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// Name of the digest of a version's files in `subject.digest`.
pub const SKILL_TREE_V1: &str = "skillTreeV1";
/// Hours of the shortest delay of a recovery key: a day, so that owners can notice a recovery and object.
pub const MIN_RECOVERY_DELAY: u64 = 24;
/// Hours of the longest delay of a recovery key: 90 days. Whoever waits longer has lost the scope in all but name.
pub const MAX_RECOVERY_DELAY: u64 = 90 * 24;
/// Bytes of a status statement's note.
pub const MAX_NOTE: usize = 256;

/// The kinds of statement that this build reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A version was published: [`Release`].
    Release,
    /// Who may sign for a scope: [`ScopeKeys`].
    Scope,
    /// A version was yanked, quarantined, removed or restored: [`Status`].
    Status,
    /// A suite was published, or its holdout sealed or revealed: [`Suite`].
    Suite,
    /// An attempt to beat a head, or its result: [`Eval`].
    Eval,
    /// What the registry offered at one size of its log: [`Snapshot`].
    Snapshot,
    /// Who operates the registry, and with which keys: [`Root`].
    Root,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] =
        [Self::Release, Self::Scope, Self::Status, Self::Suite, Self::Eval, Self::Snapshot, Self::Root];

    /// The word in the `predicateType`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Scope => "scope",
            Self::Status => "status",
            Self::Suite => "suite",
            Self::Eval => "eval",
            Self::Snapshot => "snapshot",
            Self::Root => "root",
        }
    }

    /// The `predicateType`.
    pub fn predicate_type(self) -> &'static str {
        match self {
            Self::Release => "urn:skill:release:v1",
            Self::Scope => "urn:skill:scope:v1",
            Self::Status => "urn:skill:status:v1",
            Self::Suite => "urn:skill:suite:v1",
            Self::Eval => "urn:skill:eval:v1",
            Self::Snapshot => "urn:skill:snapshot:v1",
            Self::Root => "urn:skill:root:v1",
        }
    }
}

/// An in-toto Statement v1 about exactly one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement<P> {
    /// [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// What the statement says.
    pub predicate: P,
    /// Which of the predicates it is: [`Kind::predicate_type`].
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What it is about; exactly one entry.
    pub subject: Vec<Subject>,
}

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Digest name → digest.
    pub digest: BTreeMap<String, Digest>,
    /// `scope/name@version`, or the scope.
    pub name: String,
}

/// A predicate of ours: ties a Rust type to its [`Kind`].
pub trait Predicate: Serialize + for<'de> Deserialize<'de> {
    /// Which kind this type is.
    const KIND: Kind;
    /// The registry's log that the statement is meant for, `skills.example/log`.
    fn origin(&self) -> &str;
    /// Where the statement stands in its scope's chain; none if it stands in none.
    fn link(&self) -> Option<Link<'_>>;
}

/// The members that chain a scope's statements: 1, 2, 3…, each naming the SHA-256 of the envelope before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link<'a> {
    /// Whose chain it is.
    pub scope: &'a str,
    /// Position, from 1.
    pub seq: u64,
    /// Digest of the previous envelope; zero for `seq` 1.
    pub prev: Digest,
}

macro_rules! predicate {
    ($type:ident, $kind:ident) => {
        impl Predicate for $type {
            const KIND: Kind = Kind::$kind;
            fn origin(&self) -> &str {
                &self.origin
            }
            fn link(&self) -> Option<Link<'_>> {
                Some(Link { scope: &self.scope, seq: self.seq, prev: self.prev })
            }
        }
    };
}

/// `release/v1`: a version was published. Subject: `scope/name@version` with `sha256` (of the .tar.gz) and `skillTreeV1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Release {
    /// When it was signed.
    pub created: Timestamp,
    /// Digests of score records that come with the release.
    pub evals: Vec<Digest>,
    /// Number of files.
    pub files: u64,
    /// SPDX expression, or `null`.
    #[serde(deserialize_with = "Option::deserialize")]
    pub license: Option<String>,
    /// The skill's name without its scope.
    pub name: String,
    /// The log that it is meant for.
    pub origin: String,
    /// The version that this one improves or was forked from, or `null`.
    #[serde(deserialize_with = "Option::deserialize")]
    pub parent: Option<Parent>,
    /// SHA-256 of the previous envelope of the scope's chain.
    pub prev: Digest,
    /// Whose chain it belongs to.
    pub scope: String,
    /// Position in the scope's chain.
    pub seq: u64,
    /// Bytes of the .tar.gz.
    pub size: u64,
    /// Digest of the suite that measured it, or `null`.
    #[serde(deserialize_with = "Option::deserialize")]
    pub suite: Option<Digest>,
    /// Bytes of the tar.
    pub unpacked_size: u64,
    /// The version.
    pub version: String,
}
predicate!(Release, Release);

/// The version that a release improves or was forked from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// `scope/name@version`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Its tree digest.
    pub tree: Digest,
}

/// `scope/v1`: who may sign for a scope. Subject: the scope, with the SHA-256 of its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeKeys {
    /// When it was signed.
    pub created: Timestamp,
    /// The keys from now on.
    pub keys: Vec<ScopeKey>,
    /// The log that it is meant for.
    pub origin: String,
    /// Rules that the scope sets itself.
    pub policy: Policy,
    /// SHA-256 of the previous envelope of the scope's chain.
    pub prev: Digest,
    /// Keys that can take the scope over after a delay.
    pub recovery: Vec<RecoveryKey>,
    /// Keys that count for nothing from a sequence number on.
    pub revoked: Vec<Revoked>,
    /// Whose chain it belongs to.
    pub scope: String,
    /// Position in the scope's chain.
    pub seq: u64,
}
predicate!(ScopeKeys, Scope);

/// A key that may sign for a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScopeKey {
    /// `ed25519:` and the base64 of the 32 raw bytes.
    pub key: String,
    /// What it may sign; sorted, without repetition.
    pub roles: Vec<Role>,
    /// From when.
    pub valid_from: Timestamp,
}

/// What a scope's key may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Changes of the scope itself.
    Owner,
    /// Releases.
    Publish,
    /// Yanks and their reversal.
    Yank,
}

/// Rules that a scope sets for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Policy {
    /// Hours between a release and its first installation by default.
    pub cooldown_hours: u64,
    /// Which gate improved versions must pass.
    pub gate: Gate,
    /// How many owner keys must sign a change of the scope.
    pub threshold: u64,
    /// Key ids of the verifiers that the scope accepts.
    pub verifiers: Vec<Digest>,
}

/// Which gate improved versions of a scope must pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// The exact paired test over runs.
    Standard,
    /// The exact test over cases.
    Strict,
}

/// A key that can take a scope over after a delay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RecoveryKey {
    /// `ed25519:` and the base64 of the 32 raw bytes.
    pub key: String,
    /// Hours that must pass, during which the present keys can object: from [`MIN_RECOVERY_DELAY`] to [`MAX_RECOVERY_DELAY`].
    pub delay_hours: u64,
}

/// A key that counts for nothing from a sequence number on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Revoked {
    /// The first sequence number at which it no longer counts.
    pub from_seq: u64,
    /// The key's id.
    pub keyid: Digest,
}

/// `status/v1`: a version changed its state. Subject: as of the release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// When it was signed.
    pub created: Timestamp,
    /// For people, at most 256 bytes.
    pub note: String,
    /// The log that it is meant for.
    pub origin: String,
    /// SHA-256 of the previous envelope of the chain.
    pub prev: Digest,
    /// A reason code: [`REASONS`].
    pub reason: String,
    /// Whose chain it belongs to: the version's scope, or the operator's.
    pub scope: String,
    /// Position in the chain.
    pub seq: u64,
    /// The state from now on.
    pub state: State,
}
predicate!(Status, Status);

/// `snapshot/v1`: what the registry offered at one size of its log. Subject: `origin@size`, with the SHA-256 of `/snapshot/{size}`.
/// Signed by the operator at least once a day, it also shows that the log is alive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// When it was signed.
    pub created: Timestamp,
    /// SHA-256 of the file: a line of JSON per skill, sorted by name.
    pub digest: Digest,
    /// The log that it is meant for.
    pub origin: String,
    /// SHA-256 of the previous envelope of the operator's chain.
    pub prev: Digest,
    /// `_operator`.
    pub scope: String,
    /// Position in the operator's chain.
    pub seq: u64,
    /// Leaves of the log that the file takes account of.
    pub size: u64,
}
predicate!(Snapshot, Snapshot);

/// `root/v1`: who operates the registry, and with which keys. Subject: the log's origin, with the SHA-256 of the first of `logs`. Signed
/// by `threshold` of the keys of the statement before it and by as many of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// When it was signed.
    pub created: Timestamp,
    /// How old the log may be.
    pub freshness: Freshness,
    /// The root keys: `ed25519:` and the base64 of the 32 raw bytes.
    pub keys: Vec<String>,
    /// The log's verifier keys (C2SP signed-note), current first.
    pub logs: Vec<String>,
    /// The operator's keys, which sign snapshots, quarantines and the first statement of each scope.
    pub operators: Vec<String>,
    /// The log that it is meant for.
    pub origin: String,
    /// SHA-256 of the previous envelope of the operator's chain.
    pub prev: Digest,
    /// `_operator`.
    pub scope: String,
    /// Position in the operator's chain.
    pub seq: u64,
    /// How many root keys must sign the next root statement.
    pub threshold: u64,
    /// Keys of verifiers of scores.
    pub verifiers: Vec<String>,
}
predicate!(Root, Root);

/// How old the log may be before a client refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freshness {
    /// Hours since the last statement of the operator or cosignature of a known witness.
    pub hours: u64,
}

/// The reasons that a status statement may give.
pub const REASONS: &[&str] =
    &["broken", "deprecated", "legal", "malicious", "mistake", "other", "restored", "security"];

/// The state of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Installable.
    Active,
    /// Withdrawn by its publisher: not chosen any more, but still there for those whose lock names it.
    Yanked,
    /// Withheld by the operator.
    Quarantined,
    /// Its content is gone.
    Removed,
}
