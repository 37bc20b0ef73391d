//! Skills with their statements and proofs in one file (`skill-export/v1`), for machines without a network.
//!
//! The file is JSON: a checkpoint, whole chains with the log number of each statement, index files, archives, and for the end of each
//! chain and for each release the proof that leads to that checkpoint. It is believed exactly as far as a registry would be: every rule
//! that holds for what is fetched holds for what is read from it. What it cannot show is what came after it was made.

mod check;

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use skill_bundle::{envelope::Envelope, log::merkle::leaf_hash};
use skill_schema::{Digest, Fault, SkillId, Version, codes, index::ChainLine};

pub use check::{Checked, check};

/// Says what the file is.
const FORMAT: &str = "skill-export/v1";
/// Bytes of a file: some hundred skills of usual size.
pub const MAX_BYTES: usize = 512 * 1024 * 1024;
/// Skills in a file.
const MAX_SKILLS: usize = 1_000;

/// The contents of a file. Its form is checked; what it says only by [`check`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    format: String,
    /// The log's name.
    pub origin: String,
    /// The log's checkpoint (C2SP tlog-checkpoint).
    pub checkpoint: String,
    /// The skills, sorted.
    pub skills: Vec<Skill>,
    /// The chain of each scope that has one of the skills, and the operator's.
    pub chains: BTreeMap<String, Vec<Link>>,
    /// The index file of each skill.
    pub indexes: BTreeMap<SkillId, String>,
    /// C2SP tlog-proofs, by leaf hash.
    pub proofs: BTreeMap<String, String>,
    /// The .tar.gz files in base64, by SHA-256.
    pub archives: BTreeMap<String, String>,
}

/// A skill in the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skill {
    /// Its name.
    pub name: SkillId,
    /// Its version.
    pub version: Version,
}

/// A statement of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Its number in the log.
    pub log: u64,
    /// Its envelope.
    pub envelope: String,
}

impl Export {
    /// An empty file about a log.
    pub fn new(origin: &str, checkpoint: String) -> Self {
        Self {
            format: FORMAT.to_owned(),
            origin: origin.to_owned(),
            checkpoint,
            skills: Vec::new(),
            chains: BTreeMap::new(),
            indexes: BTreeMap::new(),
            proofs: BTreeMap::new(),
            archives: BTreeMap::new(),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`codes::EXPORT`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let export: Self = serde_json::from_slice(bytes).map_err(|e| fault(e.to_string()))?;
        if export.format != FORMAT {
            return Err(fault(format!("the file is not a {FORMAT}")));
        }
        if export.skills.is_empty() || export.skills.len() > MAX_SKILLS || !export.skills.is_sorted_by(|a, b| a < b) {
            return Err(fault("skills: none, too many, or not sorted"));
        }
        Ok(export)
    }

    /// The file.
    ///
    /// # Errors
    /// [`codes::EXPORT`] if it would be larger than what can be read again.
    pub fn to_json(&self) -> Result<Vec<u8>, Fault> {
        let bytes = serde_json::to_vec(self).map_err(|e| fault(e.to_string()))?;
        if bytes.len() > MAX_BYTES || self.skills.len() > MAX_SKILLS {
            return Err(fault("it is too large; export fewer skills at a time"));
        }
        Ok(bytes)
    }

    /// Adds an archive.
    pub fn put_archive(&mut self, digest: &Digest, bytes: &[u8]) {
        self.archives.insert(digest.to_string(), BASE64_STANDARD.encode(bytes));
    }

    /// An archive's bytes.
    ///
    /// # Errors
    /// [`codes::EXPORT`] if it is missing or malformed. The digest is not compared.
    pub fn archive(&self, digest: &Digest) -> Result<Vec<u8>, Fault> {
        let text =
            self.archives.get(&digest.to_string()).ok_or_else(|| fault(format!("archive {digest} is missing")))?;
        BASE64_STANDARD.decode(text).map_err(|_| fault(format!("archive {digest} is malformed")))
    }

    /// A chain's lines and envelopes.
    ///
    /// # Errors
    /// [`codes::EXPORT`] if it is missing; [`codes::ENVELOPE`].
    pub fn chain(&self, name: &str) -> Result<Vec<(ChainLine, Envelope)>, Fault> {
        let links = self.chains.get(name).ok_or_else(|| fault(format!("the chain of {name} is missing")))?;
        let line = |(link, seq): (&Link, u64)| {
            let envelope = Envelope::parse(link.envelope.as_bytes())?;
            Ok((ChainLine { seq, stmt: envelope.digest(), log: link.log }, envelope))
        };
        links.iter().zip(1..).map(line).collect()
    }

    /// The text of the proof of a statement.
    ///
    /// # Errors
    /// [`codes::EXPORT`] if it is missing.
    pub fn proof(&self, envelope: &[u8]) -> Result<&str, Fault> {
        let leaf = leaf_hash(envelope);
        self.proofs
            .get(&leaf.to_string())
            .map(String::as_str)
            .ok_or_else(|| fault(format!("the proof of {leaf} is missing")))
    }
}

/// The file is not what it must be.
fn fault(detail: impl Into<String>) -> Fault {
    Fault::new(codes::EXPORT).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_it_is_written_and_nothing_else_is() {
        let mut export = Export::new("a/log", "note".to_owned());
        assert_eq!(
            Export::parse(&export.to_json().expect("small")).map_err(|f| f.code),
            Err(codes::EXPORT),
            "no skill"
        );
        let skill = |name: &str| Skill { name: name.parse().expect("a name"), version: Version::new(1, 0, 0) };
        export.skills = vec![skill("acme/b"), skill("acme/c")];
        export.put_archive(&Digest::ZERO, b"bytes");
        let json = export.to_json().expect("small");
        let read = Export::parse(&json).expect("a file");
        assert_eq!((read.archive(&Digest::ZERO).as_deref(), &read), (Ok(&b"bytes"[..]), &export));
        assert!(read.archive(&Digest([1; 32])).is_err() && read.chain("acme").is_err() && read.proof(b"x").is_err());
        let text = String::from_utf8(json).expect("JSON");
        for bad in
            ["", "{}", &text.replace("/v1", "/v2"), &text.replace("\"origin\"", "\"org\""), &text[..text.len() - 1]]
        {
            assert_eq!(Export::parse(bad.as_bytes()).map_err(|f| f.code), Err(codes::EXPORT), "{bad:.30}");
        }
        export.skills.reverse();
        assert!(Export::parse(&export.to_json().expect("small")).is_err());
    }
}
