//! The append-only Merkle log: what is in it, and the proofs that it only ever grew.
//!
//! * [`merkle`]: hashing (RFC 6962 §2.1), inclusion and consistency proofs in both directions.
//! * [`frontier`]: a tree that only grows, with its root after each leaf.
//! * [`tile`]: the static files of a log (C2SP tlog-tiles), and a tree that is read from them.
//! * [`checkpoint`]: a log's signed size and root (C2SP tlog-checkpoint, tlog-cosignature).
//! * [`proof`]: the proof that a statement is in a log, in one text (C2SP tlog-proof).
//! * [`fork`]: two checkpoints that cannot both be true, kept as evidence.

pub mod checkpoint;
pub mod fork;
pub mod frontier;
pub mod merkle;
pub mod proof;
pub mod tile;

use base64::{Engine, prelude::BASE64_STANDARD};
use skill_schema::Digest;

/// Hash lines of a proof: the height of the largest tree that a size of 64 bits can have.
pub const MAX_PROOF: usize = 64;

/// A hash as notes and proofs write it: standard base64 of its 32 bytes.
pub fn hash_text(hash: &Digest) -> String {
    BASE64_STANDARD.encode(hash.0)
}

/// The reverse of [`hash_text`]; `None` for any other text.
pub fn parse_hash(text: &str) -> Option<Digest> {
    Some(Digest(BASE64_STANDARD.decode(text).ok()?.try_into().ok()?))
}

/// A decimal number without leading zeros or a sign; `None` for any other text.
pub fn parse_number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
