//! Checkpoints (C2SP tlog-checkpoint): a log's name, its size and its root, signed by the log and by those who watch it.

use std::{collections::BTreeMap, fmt};

use skill_schema::{Digest, Fault, codes};

use super::{hash_text, parse_hash, parse_number};
use crate::{
    keys::SecretKey,
    note::{Note, Verified, VerifierKey},
};

/// What a log says of itself at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, `skills.example/log`.
    pub origin: String,
    /// How many leaves it has.
    pub size: u64,
    /// Root hash of the tree over them.
    pub root: Digest,
    /// Further lines, whose meaning is the log's own. Ours writes none.
    pub extensions: Vec<String>,
}

/// A checkpoint with its signatures. Its form is checked; the signatures only by [`Signed::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What is signed.
    pub checkpoint: Checkpoint,
    note: Note,
}

/// Whose signatures a checkpoint needs before it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The log's key; its name is the log's origin.
    pub log: VerifierKey,
    /// Witnesses whose cosignatures count.
    pub witnesses: Vec<VerifierKey>,
    /// How many of them must have cosigned.
    pub quorum: usize,
}

impl Policy {
    /// The log's own signature is enough.
    pub fn of_log(log: VerifierKey) -> Self {
        Self { log, witnesses: Vec::new(), quorum: 0 }
    }
}

impl Checkpoint {
    /// A checkpoint without further lines.
    pub fn new(origin: impl Into<String>, size: u64, root: Digest) -> Self {
        Self { origin: origin.into(), size, root, extensions: Vec::new() }
    }

    /// Reads the text of a checkpoint's note ([`codes::CHECKPOINT`]).
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let body = text.strip_suffix('\n').ok_or_else(|| fault("the text is cut off"))?;
        let mut lines = body.split('\n');
        let mut line = |what: &str| lines.next().filter(|line| !line.is_empty()).ok_or_else(|| fault(what));
        let origin = line("there is no origin")?.to_owned();
        let size = parse_number(line("there is no size")?).ok_or_else(|| fault("the size is not a decimal number"))?;
        let root =
            parse_hash(line("there is no root")?).ok_or_else(|| fault("the root is not the base64 of 32 bytes"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(fault("an extension line is empty"));
        }
        Ok(Self { origin, size, root, extensions })
    }
}

/// The text that is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, hash_text(&self.root))?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl Signed {
    /// Signs a checkpoint with the log's key.
    pub fn sign(checkpoint: Checkpoint, key: &VerifierKey, secret: &SecretKey) -> Result<Self, Fault> {
        let mut note = Note::new(checkpoint.to_string())?;
        note.sign(key, secret, 0)?;
        Ok(Self { checkpoint, note })
    }

    /// Reads a signed checkpoint ([`codes::NOTE`], [`codes::CHECKPOINT`]).
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let note = Note::parse(bytes)?;
        Ok(Self { checkpoint: Checkpoint::parse(note.text())?, note })
    }

    /// The note.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// The note, to add signatures to.
    pub fn note_mut(&mut self) -> &mut Note {
        &mut self.note
    }

    /// Whether the log signed it, under its own name ([`codes::CHECKPOINT`]).
    pub fn verify_log(&self, log: &VerifierKey) -> Result<(), Fault> {
        let refused = |detail: String| Fault::new(codes::CHECKPOINT).at(&self.checkpoint.origin).detail(detail);
        if self.checkpoint.origin != log.name() {
            return Err(refused(format!("it is not of {}", log.name())));
        }
        match self.note.verify(log) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(refused("the log did not sign it".to_owned())),
            Err(_) => Err(refused("its signature does not verify".to_owned())),
        }
    }

    /// Whether the log and enough witnesses signed it ([`codes::CHECKPOINT`], [`codes::WITNESS`]). Answers when the last of the
    /// witnesses saw it, in seconds since 1970; `None` if no known witness did.
    pub fn verify(&self, policy: &Policy) -> Result<Option<u64>, Fault> {
        self.verify_log(&policy.log)?;
        let seen = |witness: &VerifierKey| match self.note.verify(witness) {
            Ok(Some(Verified::Seen(time))) => Some(time),
            _ => None,
        };
        // By the key itself: a witness that is listed twice, or under two names, is one.
        let times: BTreeMap<&[u8; 32], u64> =
            policy.witnesses.iter().filter_map(|witness| Some((witness.key().as_bytes(), seen(witness)?))).collect();
        if times.len() < policy.quorum {
            let detail = format!("{} of the {} that are needed", times.len(), policy.quorum);
            return Err(Fault::new(codes::WITNESS).at(&self.checkpoint.origin).detail(detail));
        }
        Ok(times.into_values().max())
    }
}

/// The note as it is stored and sent.
impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}

fn fault(detail: &str) -> Fault {
    Fault::new(codes::CHECKPOINT).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::Algorithm;

    fn key(name: &str, seed: u8, algorithm: Algorithm) -> (VerifierKey, SecretKey) {
        let secret = SecretKey::from_seed(&[seed; 32]);
        (VerifierKey::new(name, algorithm, secret.public()).unwrap(), secret)
    }

    fn signed(witnesses: u8) -> (Signed, Policy) {
        let (log, secret) = key("a.test/log", 2, Algorithm::Ed25519);
        let mut signed = Signed::sign(Checkpoint::new("a.test/log", 3, Digest([7; 32])), &log, &secret).unwrap();
        let mut policy = Policy::of_log(log);
        for n in 0..witnesses {
            let (witness, secret) = key(&format!("w{n}"), 10 + n, Algorithm::Cosignature);
            signed.note_mut().sign(&witness, &secret, 100 + u64::from(n)).unwrap();
            policy.witnesses.push(witness);
        }
        (signed, policy)
    }

    #[test]
    fn a_checkpoint_is_read_as_it_is_written() {
        let (signed, policy) = signed(2);
        let read = Signed::parse(signed.to_string().as_bytes()).unwrap();
        assert_eq!(read, signed);
        assert_eq!(read.verify(&policy), Ok(Some(101)));
        let more = Checkpoint { extensions: vec!["x".into(), "y z".into()], ..read.checkpoint };
        assert_eq!(Checkpoint::parse(&more.to_string()), Ok(more));
    }

    #[test]
    fn enough_witnesses_are_needed_and_each_counts_once() {
        let (signed, mut policy) = signed(2);
        policy.quorum = 2;
        assert!(signed.verify(&policy).is_ok());
        policy.witnesses[1] = key("w9", 99, Algorithm::Cosignature).0;
        assert_eq!(signed.verify(&policy).map_err(|f| f.code), Err(codes::WITNESS));
        policy.quorum = 1;
        assert_eq!(signed.verify(&policy), Ok(Some(100)));
        let once = policy.witnesses[0].clone();
        let (other_name, secret) = key("alias", 10, Algorithm::Cosignature);
        let mut twice = signed.clone();
        twice.note_mut().sign(&other_name, &secret, 100).unwrap();
        policy = Policy { witnesses: vec![once.clone(), once, other_name], quorum: 2, ..policy };
        assert_eq!(twice.verify(&policy).map_err(|f| f.code), Err(codes::WITNESS), "one key is one witness");
        policy.quorum = 1;
        assert_eq!(twice.verify(&policy), Ok(Some(100)));
        policy.witnesses.clear();
        assert_eq!(signed.verify(&policy).map_err(|f| f.code), Err(codes::WITNESS));
    }

    #[test]
    fn only_the_log_s_own_signature_under_its_own_name_counts() {
        let (signed, policy) = signed(1);
        for (name, seed) in [("b.test/log", 2), ("a.test/log", 3)] {
            let other = Policy { log: key(name, seed, Algorithm::Ed25519).0, ..policy.clone() };
            assert_eq!(signed.verify(&other).map_err(|f| f.code), Err(codes::CHECKPOINT), "{name}");
        }
        let (log, secret) = key("a.test/log", 2, Algorithm::Ed25519);
        let foreign = Signed::sign(Checkpoint::new("b.test/log", 3, Digest([7; 32])), &log, &secret).unwrap();
        assert_eq!(foreign.verify(&policy).map_err(|f| f.code), Err(codes::CHECKPOINT));
    }

    #[test]
    fn malformed_checkpoints_are_refused() {
        let root = hash_text(&Digest([7; 32]));
        assert!(Checkpoint::parse(&format!("o\n0\n{root}\n")).is_ok());
        for bad in [
            String::new(),
            "o\n".into(),
            "o\n1\n".into(),
            format!("\n1\n{root}\n"),
            format!("o\n01\n{root}\n"),
            format!("o\n-1\n{root}\n"),
            format!("o\n+1\n{root}\n"),
            format!("o\n1 \n{root}\n"),
            format!("o\n18446744073709551616\n{root}\n"),
            format!("o\n1\n{root}"),
            format!("o\n1\n{}\n", root.trim_end_matches('=')),
            format!("o\n1\n{}\n", root.replace("Bw", "B-")),
            format!("o\n1\n{}\n", &root[4..]),
            format!("o\n1\n{root}\n\n"),
            format!("o\n1\n{root}\nx\n\ny\n"),
        ] {
            assert_eq!(Checkpoint::parse(&bad).map_err(|f| f.code), Err(codes::CHECKPOINT), "{bad:?}");
        }
    }
}
