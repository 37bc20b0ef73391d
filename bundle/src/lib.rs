//! The sealed archive and the statements about it: pack, unpack, digest, sign, verify.
//!
//! * [`archive`], [`package`], [`pack`], [`extract`]: the archive profile `skill-archive/v1` in both directions.
//! * [`tree`]: the identity of a version's files, `skill-tree/v1`.
//! * [`content`], [`check`]: what may stand in the files, and the one check that the client and the registry share.
//! * [`jcs`], [`keys`], [`envelope`], [`statement`]: canonical JSON, Ed25519 keys, DSSE envelopes and what they say.
//! * [`chain`]: who may sign for a scope, and what the scope has published.
//! * [`index_check`]: whether a skill's index says what is signed; client and registry share it.
//! * [`note`]: signed notes and the keys that sign them (C2SP signed-note).
//! * [`log`]: the append-only Merkle log: tiles, checkpoints, proofs, evidence.
//!
//! Nothing here prints, reads the environment or asks for the time. Whatever comes from an archive or a peer is bounded by
//! [`skill_schema::Limits`]. Every error is a [`skill_schema::Fault`]: one code of the catalogue, where, and what was found.

pub mod archive;
pub mod chain;
pub mod check;
pub mod content;
pub mod envelope;
pub mod extract;
pub mod hash;
pub mod index_check;
pub mod jcs;
pub mod keys;
pub mod log;
pub mod note;
pub mod pack;
pub mod package;
pub mod statement;
pub mod tree;

pub use archive::File;
pub use package::{Kind, Package};
