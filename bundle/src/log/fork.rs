//! Evidence that a log has shown two histories: two checkpoints that its key signed and that cannot both be true.
//!
//! Of two checkpoints of one size with different roots nothing more is needed. Of two sizes, the evidence carries the hashes that
//! lead from what the larger log says of the first leaves to its signed root: they show that the larger log does not begin with the
//! smaller one. Anybody can check it with the log's key and nothing else.

use serde::{Deserialize, Serialize};
use skill_schema::{Digest, Fault, codes};

use super::{
    MAX_PROOF,
    checkpoint::Signed,
    hash_text,
    merkle::{Nodes, consistency_roots, prove_consistency},
    parse_hash,
};
use crate::note::{MAX_NOTE, VerifierKey};

/// Says what the file is.
const FORMAT: &str = "skill-fork-evidence/v1";
/// Bytes of the file: two checkpoints and some hashes. JSON writes a quote, a backslash or a line feed as two bytes, and the log chooses
/// what stands in its checkpoints: evidence against it must be readable all the same.
pub const MAX_BYTES: usize = 5 * MAX_NOTE;
/// Hashes of the file: a consistency proof and the hash that it begins with.
const MAX_HASHES: usize = MAX_PROOF + 1;

/// Two checkpoints of one log that cannot both be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The log's key.
    pub log: VerifierKey,
    /// The checkpoint of the smaller size.
    pub first: Signed,
    /// The checkpoint of the larger size, or of the same.
    pub second: Signed,
    /// The hashes that lead from the first leaves of the larger log to its root ([`proof`]).
    pub hashes: Vec<Digest>,
}

/// The file: JSON, so that people can look at it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: String,
    log: String,
    first: String,
    second: String,
    hashes: Vec<String>,
}

/// The hashes that show what the first `old` leaves of the log of `size` leaves are: a consistency proof that always begins with a
/// hash of the tree itself, where RFC 6962 leaves out what the verifier would know.
pub fn proof<N: Nodes + ?Sized>(nodes: &N, old: u64, size: u64) -> Result<Vec<Digest>, N::Error> {
    let mut hashes = prove_consistency(nodes, old, size)?;
    if old < size && old.is_power_of_two() {
        hashes.insert(0, nodes.node(old.ilog2(), 0)?);
    }
    Ok(hashes)
}

/// What hashes of [`proof`] say: the root of the first `old` leaves of the log of `size` leaves, and the root that they lead to. The first is
/// worth something if the second is the one that the log signed. [`codes::PROOF`] for hashes of the wrong number.
pub fn roots(old: u64, size: u64, hashes: &[Digest]) -> Result<(Digest, Digest), Fault> {
    match hashes.split_first() {
        Some((start, rest)) if old.is_power_of_two() => consistency_roots(old, start, size, rest),
        _ => consistency_roots(old, &Digest::ZERO, size, hashes),
    }
}

impl Fork {
    /// Two checkpoints as evidence, in the order of their sizes; [`codes::EVIDENCE`] if they prove nothing.
    pub fn new(log: VerifierKey, one: Signed, other: Signed, hashes: Vec<Digest>) -> Result<Self, Fault> {
        let (first, second) = if one.checkpoint.size <= other.checkpoint.size { (one, other) } else { (other, one) };
        let fork = Self { log, first, second, hashes };
        fork.verify()?;
        Ok(fork)
    }

    /// Reads a file and verifies what it says.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() > MAX_BYTES {
            return Err(fault("the file is too long"));
        }
        let wire: Wire = serde_json::from_slice(bytes).map_err(|e| fault(&e.to_string()))?;
        if wire.format != FORMAT {
            return Err(fault(&format!("the file is not a {FORMAT}")));
        }
        let hashes: Option<Vec<Digest>> = wire.hashes.iter().map(|text| parse_hash(text)).collect();
        let fork = Self {
            log: wire.log.parse()?,
            first: Signed::parse(wire.first.as_bytes())?,
            second: Signed::parse(wire.second.as_bytes())?,
            hashes: hashes
                .filter(|hashes| hashes.len() <= MAX_HASHES)
                .ok_or_else(|| fault("its hashes are malformed"))?,
        };
        fork.verify()?;
        Ok(fork)
    }

    /// The file.
    pub fn to_json(&self) -> String {
        let wire = Wire {
            format: FORMAT.to_owned(),
            log: self.log.to_string(),
            first: self.first.to_string(),
            second: self.second.to_string(),
            hashes: self.hashes.iter().map(hash_text).collect(),
        };
        // Texts and lists of texts always serialise.
        serde_json::to_string_pretty(&wire).unwrap_or_default() + "\n"
    }

    /// Both are signed, and the second does not continue the first.
    fn verify(&self) -> Result<(), Fault> {
        self.first.verify_log(&self.log)?;
        self.second.verify_log(&self.log)?;
        let (first, second) = (&self.first.checkpoint, &self.second.checkpoint);
        let contradict = if first.size == second.size {
            self.hashes.is_empty() && first.root != second.root
        } else {
            // Hashes that lead nowhere prove nothing: it is the evidence that is bad, not a proof of the log's.
            let lead = roots(first.size, second.size, &self.hashes);
            let (begins, whole) = lead.map_err(|_| fault("the hashes do not fit the two sizes"))?;
            whole == second.root && begins != first.root
        };
        if contradict { Ok(()) } else { Err(fault("the two checkpoints do not contradict each other")) }
    }
}

fn fault(detail: &str) -> Fault {
    Fault::new(codes::EVIDENCE).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::super::{checkpoint::Checkpoint, merkle};
    use super::*;
    use crate::{keys::SecretKey, note::Algorithm};

    fn log() -> (VerifierKey, SecretKey) {
        let secret = SecretKey::from_seed(&[2; 32]);
        (VerifierKey::new("a.test/log", Algorithm::Ed25519, secret.public()).unwrap(), secret)
    }

    fn leaves(n: usize, changed: Option<usize>) -> Vec<Digest> {
        let mut leaves: Vec<Digest> = (0..n).map(|n| merkle::leaf_hash(&n.to_be_bytes())).collect();
        if let Some(changed) = changed {
            leaves[changed] = merkle::leaf_hash(b"something else");
        }
        leaves
    }

    fn checkpoint(leaves: &[Digest]) -> Signed {
        let (key, secret) = log();
        let size = leaves.len() as u64;
        Signed::sign(Checkpoint::new("a.test/log", size, merkle::root(leaves)), &key, &secret).unwrap()
    }

    #[test]
    fn every_fork_of_up_to_20_leaves_is_proved_and_no_honest_log_is_accused() {
        for size in 1..=20_usize {
            for old in 1..=size {
                let honest = leaves(size, None);
                for changed in 0..old {
                    let other = leaves(size, Some(changed));
                    let hashes = proof(other.as_slice(), old as u64, size as u64).unwrap();
                    let (seen, shown) = (checkpoint(&honest[..old]), checkpoint(&other));
                    let fork = Fork::new(log().0, shown, seen, hashes).unwrap();
                    assert_eq!(Fork::parse(fork.to_json().as_bytes()), Ok(fork));
                }
                let hashes = proof(honest.as_slice(), old as u64, size as u64).unwrap();
                let accused = Fork::new(log().0, checkpoint(&honest[..old]), checkpoint(&honest), hashes);
                assert_eq!(accused.map_err(|f| f.code), Err(codes::EVIDENCE), "{old} of {size}");
            }
        }
    }

    #[test]
    fn evidence_against_a_log_with_long_checkpoints_is_read() {
        let (key, secret) = log();
        let extensions = vec!["\"\\".repeat(32_000)];
        let signed = [Digest::ZERO, Digest([1; 32])].map(|root| {
            let checkpoint = Checkpoint { extensions: extensions.clone(), ..Checkpoint::new("a.test/log", 1, root) };
            Signed::sign(checkpoint, &key, &secret).unwrap()
        });
        let [first, second] = signed;
        assert!(Signed::parse(first.to_string().as_bytes()).is_ok(), "the log can serve it");
        let fork = Fork::new(key, first, second, vec![]).unwrap();
        assert_eq!(Fork::parse(fork.to_json().as_bytes()), Ok(fork));
    }

    #[test]
    fn evidence_that_was_made_up_is_refused() {
        let (honest, other) = (leaves(9, None), leaves(9, Some(3)));
        let hashes = proof(other.as_slice(), 6, 9).unwrap();
        let fork = Fork::new(log().0, checkpoint(&honest[..6]), checkpoint(&other), hashes).unwrap();
        let mut made_up = fork.clone();
        made_up.hashes[0] = Digest::ZERO;
        assert!(Fork::parse(made_up.to_json().as_bytes()).is_err(), "hashes that do not lead to the signed root");
        made_up.hashes.pop();
        let refused = Fork::parse(made_up.to_json().as_bytes()).map_err(|f| f.code);
        assert_eq!(refused, Err(codes::EVIDENCE), "a hash is missing");
        made_up = fork.clone();
        made_up.log =
            VerifierKey::new("a.test/log", Algorithm::Ed25519, SecretKey::from_seed(&[3; 32]).public()).unwrap();
        assert_eq!(Fork::parse(made_up.to_json().as_bytes()).map_err(|f| f.code), Err(codes::CHECKPOINT));
        for bad in ["", "{}", "[]", &fork.to_json().replace("v1", "v2"), &fork.to_json().replace("\"log\"", "\"gol\"")]
        {
            assert!(Fork::parse(bad.as_bytes()).is_err(), "{bad:.40}");
        }
    }
}
