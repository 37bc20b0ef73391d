//! The proof that a statement is in a log, in one text that needs nothing else (C2SP tlog-proof).

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use skill_schema::{Digest, Fault, codes};

use super::{
    MAX_PROOF,
    checkpoint::{Policy, Signed},
    hash_text,
    merkle::verify_inclusion,
    parse_hash, parse_number,
};
use crate::note::MAX_NOTE;

/// First line of a proof.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Bytes of a proof: its lines and a checkpoint.
pub const MAX_BYTES: usize = MAX_NOTE + 16 * 1024;
/// Bytes of the extra data, which nothing of ours writes.
const MAX_EXTRA: usize = 4096;

/// A proof. Its form is checked; what it proves only by [`Proof::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Data of an application, which nothing proves.
    pub extra: Option<Vec<u8>>,
    /// The leaf's number in the log, from 0.
    pub index: u64,
    /// The inclusion proof, from the leaf's sibling up.
    pub hashes: Vec<Digest>,
    /// The checkpoint that it leads to.
    pub checkpoint: Signed,
}

impl Proof {
    /// Reads a proof, strictly ([`codes::PROOF`], [`codes::NOTE`], [`codes::CHECKPOINT`]).
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(bytes).map_err(|_| fault("it is not UTF-8"))?;
        if bytes.len() > MAX_BYTES {
            return Err(fault("it is too long"));
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or_else(|| fault("it has no checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(fault("its first line is another"));
        }
        let extra = lines.next_if(|line| line.starts_with("extra "));
        let extra = extra.map(|line| read_extra(&line["extra ".len()..])).transpose()?;
        let index = lines.next().and_then(|line| parse_number(line.strip_prefix("index ")?));
        let index = index.ok_or_else(|| fault("it has no index"))?;
        let hashes: Option<Vec<Digest>> = lines.map(parse_hash).collect();
        let hashes =
            hashes.filter(|hashes| hashes.len() <= MAX_PROOF).ok_or_else(|| fault("its hashes are malformed"))?;
        Ok(Self { extra, index, hashes, checkpoint: Signed::parse(checkpoint.as_bytes())? })
    }

    /// Whether this leaf is in the log that the checkpoint is of. Fails as [`Signed::verify`] and [`verify_inclusion`]. Answers when a
    /// witness last saw the checkpoint.
    pub fn verify(&self, leaf: &Digest, policy: &Policy) -> Result<Option<u64>, Fault> {
        let seen = self.checkpoint.verify(policy)?;
        let checkpoint = &self.checkpoint.checkpoint;
        verify_inclusion(leaf, self.index, checkpoint.size, &self.hashes, &checkpoint.root)?;
        Ok(seen)
    }
}

fn read_extra(base64: &str) -> Result<Vec<u8>, Fault> {
    let extra = BASE64_STANDARD.decode(base64).ok().filter(|extra| extra.len() <= MAX_EXTRA);
    extra.ok_or_else(|| fault("its extra data is malformed"))
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64_STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", hash_text(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

fn fault(detail: &str) -> Fault {
    Fault::new(codes::PROOF).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::super::{checkpoint::Checkpoint, merkle};
    use super::*;
    use crate::{
        keys::SecretKey,
        note::{Algorithm, VerifierKey},
    };

    fn proof() -> (Proof, Vec<Digest>, Policy) {
        let secret = SecretKey::from_seed(&[2; 32]);
        let log = VerifierKey::new("a.test/log", Algorithm::Ed25519, secret.public()).unwrap();
        let leaves: Vec<Digest> = (0..7_u8).map(|n| merkle::leaf_hash(&[n])).collect();
        let checkpoint = Checkpoint::new("a.test/log", 7, merkle::root(&leaves));
        let checkpoint = Signed::sign(checkpoint, &log, &secret).unwrap();
        let hashes = merkle::prove_inclusion(leaves.as_slice(), 4, 7).unwrap();
        (Proof { extra: None, index: 4, hashes, checkpoint }, leaves, Policy::of_log(log))
    }

    #[test]
    fn a_proof_is_read_as_it_is_written_and_holds_for_its_leaf_only() {
        let (proof, leaves, policy) = proof();
        for proof in [proof.clone(), Proof { extra: Some(b"more".to_vec()), ..proof }] {
            assert_eq!(Proof::parse(proof.to_string().as_bytes()), Ok(proof.clone()));
            assert_eq!(proof.verify(&leaves[4], &policy), Ok(None));
            assert_eq!(proof.verify(&leaves[5], &policy).map_err(|f| f.code), Err(codes::PROOF));
        }
    }

    #[test]
    fn a_proof_that_is_malformed_in_one_field_is_refused() {
        let (proof, _, _) = proof();
        let good = proof.to_string();
        let hash = hash_text(&proof.hashes[0]);
        for (from, to) in [
            ("@v1", "@v2"),
            ("index 4", "index 04"),
            ("index 4", "index -4"),
            ("index 4", "index"),
            ("index 4\n", ""),
            ("index 4", "extra !\nindex 4"),
            ("index 4", "index 4\nindex 4"),
            (hash.as_str(), &hash[4..]),
            (&hash, "x"),
            (&hash, &format!("{hash} ")),
            ("\n\n", "\n"),
            ("\na.test", "\n\na.test"),
            ("\n7\n", "\n07\n"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from:?}");
            assert!(Proof::parse(bad.as_bytes()).is_err(), "{from:?} → {to:?}");
        }
        let long = good.replacen(&hash, format!("{hash}\n").repeat(MAX_PROOF + 1).trim_end(), 1);
        assert_eq!(Proof::parse(long.as_bytes()).map_err(|f| f.code), Err(codes::PROOF));
        assert!(Proof::parse(&vec![b'a'; MAX_BYTES + 1]).is_err());
    }
}
