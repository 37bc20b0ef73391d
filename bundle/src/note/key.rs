//! The text form of a log's or witness's key (C2SP signed-note, "verifier key"): `name+hash+base64`.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use skill_schema::{Fault, codes};

use crate::{hash::sha256, keys::PublicKey};

/// What kind of signature a key makes, as the byte before the key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519 over the note (signed-note, 0x01): logs.
    Ed25519,
    /// Timestamped Ed25519 over a checkpoint (tlog-cosignature v1, 0x04): witnesses.
    Cosignature,
}

impl Algorithm {
    fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
        }
    }
}

/// A named key, as registries announce it and clients pin it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    algorithm: Algorithm,
    key: PublicKey,
}

impl VerifierKey {
    /// Ties a key to a name. The name is not empty and has neither white space nor `+` (signed-note).
    pub fn new(name: &str, algorithm: Algorithm, key: PublicKey) -> Result<Self, Fault> {
        if !is_name(name) {
            return Err(fault(name, "the name is empty or has white space or +"));
        }
        Ok(Self { name: name.to_owned(), algorithm, key })
    }

    /// The log's origin or witness's name: `skills.example/log`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What kind of signature the key makes.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The first four bytes of SHA-256 over name, line feed, algorithm and key: what signature lines carry.
    pub fn hash(&self) -> [u8; 4] {
        let bytes = [self.name.as_bytes(), b"\n", &self.tagged()].concat();
        let digest = sha256(&bytes).0;
        [digest[0], digest[1], digest[2], digest[3]]
    }

    fn tagged(&self) -> Vec<u8> {
        [&[self.algorithm.byte()], self.key.as_bytes().as_slice()].concat()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, hex::encode(self.hash()), BASE64_STANDARD.encode(self.tagged()))
    }
}

impl FromStr for VerifierKey {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let malformed = || fault(text, "expected name+hash+base64");
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(base64)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed());
        };
        let tagged = BASE64_STANDARD.decode(base64).map_err(|_| malformed())?;
        let (algorithm, key) = match tagged.split_first() {
            Some((1, key)) => (Algorithm::Ed25519, key),
            Some((4, key)) => (Algorithm::Cosignature, key),
            _ => return Err(fault(text, "unknown algorithm")),
        };
        let key = PublicKey::from_bytes(key.try_into().map_err(|_| malformed())?)?;
        let parsed = Self::new(name, algorithm, key)?;
        // One comparison checks the hash and its spelling.
        if parsed.to_string() == text { Ok(parsed) } else { Err(fault(text, "the hash does not belong to the key")) }
    }
}

/// Whether a text can name a key: not empty, without white space, control characters and `+` (signed-note).
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

fn fault(text: &str, detail: &str) -> Fault {
    Fault::new(codes::VKEY).at(text).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SecretKey;

    #[test]
    fn a_verifier_key_s_text_names_and_checks_itself() {
        let key = SecretKey::from_seed(&[2; 32]).public();
        let text = VerifierKey::new("skills.example/log", Algorithm::Ed25519, key).unwrap().to_string();
        assert_eq!(text, "skills.example/log+240433c1+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU");
        let parsed: VerifierKey = text.parse().unwrap();
        assert_eq!((parsed.name(), parsed.algorithm(), parsed.key()), ("skills.example/log", Algorithm::Ed25519, &key));
        for bad in [
            "",
            "name",
            "name+240433c1",
            &text.replace("240433c1", "240433c2"),
            &text.replace("240433c1", "240433C1"),
            &text.replace("skills", "s ills"),
            &text.replace("skills.example/log", ""),
            &text.replace("+AYE5", "+AoE5"),
            &format!("{text}="),
            &format!("{text}\n"),
            &text[..text.len() - 4],
        ] {
            assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
        }
    }
}
