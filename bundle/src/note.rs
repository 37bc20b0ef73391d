//! Signed notes (C2SP signed-note): a text, an empty line, and lines with signatures by named keys.
//!
//! ```text
//! skills.example/log
//! 3
//! RmyIxqlNCDdbbHozRzTsjTAB4e1R7//bPFKubA1yI/Y=
//!
//! — skills.example/log JAQzwfF2pAbrgw/e…
//! — witness.example/w1 2e1ixQAAAABrA4IA…
//! ```

mod key;

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use skill_schema::{Fault, codes};

use crate::keys::{SIGNATURE_LEN, SecretKey};
pub use key::{Algorithm, VerifierKey};

/// Bytes of a note: a checkpoint with all its signatures needs some thousand.
pub const MAX_NOTE: usize = 64 * 1024;
/// Signatures of a note: far more than a log has witnesses.
pub const MAX_SIGNATURES: usize = 100;
/// Bytes before the signature itself: the key's hash.
const HASH_LEN: usize = 4;
/// What a signature line starts with.
const DASH: &str = "\u{2014} ";

/// A note. Its form is checked; its signatures only by [`Note::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// A signature line: whose it says it is, and what it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The key's name.
    pub name: String,
    /// The key's hash ([`VerifierKey::hash`]).
    pub hash: [u8; HASH_LEN],
    /// What the algorithm makes of it; for a cosignature eight bytes of time come first.
    pub bytes: Vec<u8>,
}

/// What a valid signature of a key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// The key signed the text.
    Signed,
    /// The witness saw the text at this time, in seconds since 1970.
    Seen(u64),
}

impl Note {
    /// A note without signatures. Its text has at least one line, ends in a line feed, and has no other control characters.
    pub fn new(text: String) -> Result<Self, Fault> {
        if !text.ends_with('\n') || text.len() > MAX_NOTE || text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(fault("the text must end in a line feed and have no other control characters"));
        }
        if text.starts_with(DASH) || text.contains("\n\n\u{2014} ") {
            return Err(fault("the text contains what looks like signatures"));
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note, strictly: what [`fmt::Display`] writes and nothing else.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() > MAX_NOTE {
            return Err(fault(&format!("{} bytes of at most {MAX_NOTE}", bytes.len())));
        }
        let all = std::str::from_utf8(bytes).map_err(|_| fault("it is not UTF-8"))?;
        let end = all.rfind("\n\n").ok_or_else(|| fault("there is no empty line before the signatures"))?;
        let (text, lines) = (&all[..=end], &all[end + 2..]);
        let mut note = Self::new(text.to_owned())?;
        let lines =
            lines.strip_suffix('\n').ok_or_else(|| fault("the last line is cut off, or there is no signature"))?;
        for line in lines.split('\n') {
            note.push(Signature::parse(line)?)?;
        }
        Ok(note)
    }

    /// The signed text, with its last line feed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, in the order of their lines.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Signs the text. `time`, in seconds since 1970, is part of a cosignature and of no other signature.
    pub fn sign(&mut self, key: &VerifierKey, secret: &SecretKey, time: u64) -> Result<(), Fault> {
        let signature = match key.algorithm() {
            Algorithm::Ed25519 => secret.sign(self.text.as_bytes()).to_vec(),
            Algorithm::Cosignature => {
                let signature = secret.sign(cosigned(time, &self.text).as_bytes());
                [time.to_be_bytes().as_slice(), signature.as_slice()].concat()
            }
        };
        let signature = Signature { name: key.name().to_owned(), hash: key.hash(), bytes: signature };
        self.signatures.retain(|old| !old.is_by(key));
        self.push(signature)
    }

    /// Adds a signature that somebody else made; one that is there already stays once.
    pub fn push(&mut self, signature: Signature) -> Result<(), Fault> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        if self.signatures.len() == MAX_SIGNATURES {
            return Err(fault(&format!("more than {MAX_SIGNATURES} signatures")));
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Whether the key signed the text: `None` if no line is its own, [`codes::SIGNATURE`] if a line says so and does not verify. Of
    /// several cosignatures the latest counts.
    pub fn verify(&self, key: &VerifierKey) -> Result<Option<Verified>, Fault> {
        let mut found = None;
        for signature in self.signatures.iter().filter(|signature| signature.is_by(key)) {
            let now = signature.verify(key, &self.text)?;
            found = match (found, now) {
                (Some(Verified::Seen(before)), Verified::Seen(time)) => Some(Verified::Seen(before.max(time))),
                _ => Some(now),
            };
        }
        Ok(found)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl Signature {
    /// Reads a signature line, without its line feed.
    pub fn parse(line: &str) -> Result<Self, Fault> {
        let malformed = || fault("a signature line is not `\u{2014} name base64`");
        let (name, base64) = line.strip_prefix(DASH).and_then(|rest| rest.split_once(' ')).ok_or_else(malformed)?;
        let bytes = BASE64_STANDARD.decode(base64).map_err(|_| malformed())?;
        if !key::is_name(name) || bytes.len() <= HASH_LEN {
            return Err(malformed());
        }
        let (hash, bytes) = bytes.split_at(HASH_LEN);
        Ok(Self { name: name.to_owned(), hash: hash.try_into().map_err(|_| malformed())?, bytes: bytes.to_vec() })
    }

    /// Whether the line says that it is by this key.
    pub fn is_by(&self, key: &VerifierKey) -> bool {
        self.name == key.name() && self.hash == key.hash()
    }

    fn verify(&self, key: &VerifierKey, text: &str) -> Result<Verified, Fault> {
        let wrong = || Fault::new(codes::SIGNATURE).at(&self.name);
        let checked = |message: &[u8], signature: &[u8]| {
            let signature: &[u8; SIGNATURE_LEN] = signature.try_into().map_err(|_| wrong())?;
            key.key().verify(message, signature).map_err(|_| wrong())
        };
        match key.algorithm() {
            Algorithm::Ed25519 => checked(text.as_bytes(), &self.bytes).map(|()| Verified::Signed),
            Algorithm::Cosignature => {
                let (time, signature) = self.bytes.split_first_chunk().ok_or_else(wrong)?;
                let time = u64::from_be_bytes(*time);
                if i64::try_from(time).is_err() {
                    return Err(wrong());
                }
                checked(cosigned(time, text).as_bytes(), signature).map(|()| Verified::Seen(time))
            }
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{DASH}{} {}", self.name, BASE64_STANDARD.encode([self.hash.as_slice(), &self.bytes].concat()))
    }
}

/// The bytes under a cosignature (C2SP tlog-cosignature, "Ed25519 signed message").
fn cosigned(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn fault(detail: &str) -> Fault {
    Fault::new(codes::NOTE).detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, seed: u8, algorithm: Algorithm) -> (VerifierKey, SecretKey) {
        let secret = SecretKey::from_seed(&[seed; 32]);
        (VerifierKey::new(name, algorithm, secret.public()).unwrap(), secret)
    }

    fn signed() -> Note {
        let mut note = Note::new("a\nb\n".to_owned()).unwrap();
        let (log, log_secret) = key("log", 2, Algorithm::Ed25519);
        let (witness, witness_secret) = key("w", 3, Algorithm::Cosignature);
        note.sign(&log, &log_secret, 0).unwrap();
        note.sign(&witness, &witness_secret, 77).unwrap();
        note
    }

    #[test]
    fn a_note_is_read_as_it_is_written_and_its_signatures_verify() {
        let note = signed();
        let read = Note::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(read, note);
        assert_eq!(read.verify(&key("log", 2, Algorithm::Ed25519).0), Ok(Some(Verified::Signed)));
        assert_eq!(read.verify(&key("w", 3, Algorithm::Cosignature).0), Ok(Some(Verified::Seen(77))));
        for (other, seed, algorithm) in
            [("log", 9, Algorithm::Ed25519), ("gol", 2, Algorithm::Ed25519), ("log", 2, Algorithm::Cosignature)]
        {
            assert_eq!(read.verify(&key(other, seed, algorithm).0), Ok(None), "{other}");
        }
    }

    #[test]
    fn a_changed_byte_of_text_or_signature_is_noticed() {
        let note = signed();
        let keys = [key("log", 2, Algorithm::Ed25519).0, key("w", 3, Algorithm::Cosignature).0];
        let changed = Note { text: "a\nc\n".to_owned(), ..note.clone() };
        for key in &keys {
            assert_eq!(changed.verify(key).map_err(|f| f.code), Err(codes::SIGNATURE));
        }
        for (n, key) in keys.iter().enumerate() {
            for byte in 0..note.signatures[n].bytes.len() {
                let mut changed = note.clone();
                changed.signatures[n].bytes[byte] ^= 1;
                assert_eq!(changed.verify(key).map_err(|f| f.code), Err(codes::SIGNATURE), "{n} {byte}");
            }
            let mut short = note.clone();
            short.signatures[n].bytes.pop();
            assert_eq!(short.verify(key).map_err(|f| f.code), Err(codes::SIGNATURE));
        }
    }

    #[test]
    fn a_second_signature_of_a_key_replaces_the_first_and_of_several_cosignatures_the_latest_counts() {
        let mut note = signed();
        let (witness, secret) = key("w", 3, Algorithm::Cosignature);
        let early = note.signatures[1].clone();
        note.sign(&witness, &secret, 78).unwrap();
        assert_eq!(note.signatures.len(), 2);
        note.push(early).unwrap();
        assert_eq!((note.signatures.len(), note.verify(&witness)), (3, Ok(Some(Verified::Seen(78)))));
    }

    #[test]
    fn notes_that_are_malformed_in_one_place_are_refused() {
        let good = signed().to_string();
        let line = good.lines().last().unwrap().to_owned();
        let many: Vec<String> = (0..=MAX_SIGNATURES).map(|n| format!("\u{2014} w{n} AAAAAAA=\n")).collect();
        let many = many.concat();
        for bad in [
            String::new(),
            "a\n".to_owned(),
            "a\n\n".to_owned(),
            good.trim_end().to_owned(),
            format!("{good}\n"),
            format!("{good}x\n"),
            format!("\n{good}").replace("a\n", "").replace("b\n\n", ""),
            good.replace("a\n", "a\r\n"),
            good.replace('\u{2014}', "-"),
            good.replace("\u{2014} log", "\u{2014}  log"),
            good.replace("\u{2014} log ", "\u{2014} l+g "),
            good.replace(&line, "\u{2014} w AAAA"),
            good.replace(&line, &format!("{line}=")),
            good.replace(&line, &format!("{line} x")),
            good.replace("\n\n", "\n"),
            "x".repeat(MAX_NOTE + 1),
            format!("a\n\n{many}"),
        ] {
            assert_eq!(Note::parse(bad.as_bytes()).map_err(|f| f.code), Err(codes::NOTE), "{bad:.200}");
        }
        let mut not_utf8 = good.into_bytes();
        not_utf8[0] = 0xff;
        assert!(Note::parse(&not_utf8).is_err());
    }

    #[test]
    fn a_text_cannot_end_in_what_looks_like_signatures() {
        assert!(Note::new("a\n\n\u{2014} w AAAAAAA=\n".to_owned()).is_err());
        assert!(Note::new("a\n\nb\n".to_owned()).is_ok());
        for bad in ["", "a", "a\tb\n"] {
            assert!(Note::new(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}
