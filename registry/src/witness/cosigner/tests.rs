//! A witness, and a log that is honest at first.

use std::{os::unix::fs::PermissionsExt, sync::Arc};

use skill_bundle::log::{hash_text, merkle::leaf_hash};
use skill_schema::{Digest, codes};

use super::*;
use crate::{clock::FixedClock, data};

const ORIGIN: &str = "a.test/log";

fn secret() -> SecretKey {
    SecretKey::from_seed(&[2; 32])
}

fn log_key(name: &str, secret: &SecretKey) -> VerifierKey {
    VerifierKey::new(name, Algorithm::Ed25519, secret.public()).unwrap()
}

fn open(folder: &Path) -> Result<Cosigner, Error> {
    let clock = Arc::new(FixedClock::at(skill_schema::time::Timestamp::from_unix(1_000)));
    Cosigner::open(folder, "w.test/w1", &[log_key(ORIGIN, &secret())], clock)
}

/// The leaves of the log; the history of another letter is another one from leaf 3.
fn leaves(n: u64, history: char) -> Vec<Digest> {
    (0..n).map(|n| leaf_hash(format!("{n}{}", if n < 3 { '-' } else { history }).as_bytes())).collect()
}

fn checkpoint(size: u64, history: char) -> Signed {
    let root = merkle::root(&leaves(size, history));
    Signed::sign(Checkpoint::new(ORIGIN, size, root), &log_key(ORIGIN, &secret()), &secret()).unwrap()
}

/// Nodes of a tree that is in memory.
struct Leaves(Vec<Digest>);

impl merkle::Nodes for Leaves {
    type Error = std::convert::Infallible;

    fn node(&self, level: u32, index: u64) -> Result<Digest, Self::Error> {
        let (from, width) = (usize::try_from(index << level).unwrap(), 1_usize << level);
        Ok(merkle::root(&self.0[from..from + width]))
    }
}

fn body(old: u64, size: u64, history: char) -> String {
    let proof = merkle::prove_consistency(&Leaves(leaves(size, history)), old, size).unwrap();
    let proof: String = proof.iter().map(|hash| hash_text(hash) + "\n").collect();
    format!("old {old}\n{proof}\n{}", checkpoint(size, history))
}

fn ask(witness: &Cosigner, old: u64, size: u64, history: char) -> Answer {
    witness.add(body(old, size, history).as_bytes()).unwrap()
}

#[test]
fn a_checkpoint_that_continues_the_last_one_is_signed() {
    let dir = tempfile::tempdir().unwrap();
    let witness = open(dir.path()).unwrap();
    for (old, size) in [(0, 3), (3, 3), (3, 8), (8, 13)] {
        let answer = ask(&witness, old, size, 'a');
        assert_eq!((answer.status, answer.text.lines().count()), (200, 1), "{old} {size}: {}", answer.text);
        let mut signed = checkpoint(size, 'a');
        let line = skill_bundle::note::Signature::parse(answer.text.trim_end()).unwrap();
        signed.note_mut().push(line).unwrap();
        let seen = signed.note().verify(witness.key());
        assert_eq!(seen, Ok(Some(skill_bundle::note::Verified::Seen(1_000))));
    }
    assert!(witness.key().to_string().starts_with("w.test/w1+"));
    assert!(witness.about().unwrap().contains("log a.test/log 13\n"));
}

#[test]
fn a_smaller_or_forked_tree_is_never_signed_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let witness = open(dir.path()).unwrap();
    assert_eq!(ask(&witness, 0, 8, 'a').status, 200);
    drop(witness);
    let witness = open(dir.path()).unwrap();
    for (old, size) in [(0, 5), (5, 7), (5, 9), (0, 8)] {
        let answer = ask(&witness, old, size, 'a');
        let expected = Answer { status: 409, media_type: "text/x.tlog.size", text: "8\n".to_owned() };
        assert_eq!(answer, expected, "{old} {size}");
    }
    let fork = ask(&witness, 8, 8, 'b');
    assert_eq!((fork.status, fork.media_type), (409, TEXT), "two trees of one size");
    assert_eq!(ask(&witness, 8, 12, 'b').status, 422, "it does not continue what was signed");
    let backwards = body(8, 8, 'a').replace("old 8", "old 9");
    assert_eq!(witness.add(backwards.as_bytes()).unwrap().status, 400);
    assert_eq!(ask(&witness, 8, 12, 'a').status, 200);
}

#[test]
fn every_other_request_is_refused_by_its_own_status() {
    let dir = tempfile::tempdir().unwrap();
    let witness = open(dir.path()).unwrap();
    let status = |body: &str| witness.add(body.as_bytes()).unwrap().status;
    assert_eq!(status("old 0"), 400);
    let stranger = SecretKey::from_seed(&[3; 32]);
    let root = merkle::root(&leaves(3, 'a'));
    let sign =
        |name: &str, key: &SecretKey| Signed::sign(Checkpoint::new(name, 3, root), &log_key(name, key), key).unwrap();
    assert_eq!(status(&format!("old 0\n\n{}", sign("b.test/log", &secret()))), 404);
    assert_eq!(status(&format!("old 0\n\n{}", sign(ORIGIN, &stranger))), 403);
    let hash = hash_text(&Digest([1; 32]));
    assert_eq!(status(&format!("old 0\n{hash}\n\n{}", checkpoint(3, 'a'))), 422, "a proof where none is needed");
    assert_eq!(status(&body(0, 3, 'a')), 200);
    assert_eq!(status(&format!("old 3\n{hash}\n\n{}", checkpoint(3, 'a'))), 422);
    assert_eq!(status(&format!("old 3\n{hash}\n\n{}", checkpoint(8, 'a'))), 422);
}

#[test]
fn a_damaged_record_is_not_taken_for_none() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(ask(&open(dir.path()).unwrap(), 0, 8, 'a').status, 200);
    let record = dir.path().join("logs").join(sha256(ORIGIN.as_bytes()).to_string());
    let whole = fs::read_to_string(&record).unwrap();
    assert_eq!(Signed::parse(whole.as_bytes()).unwrap().verify_log(&log_key(ORIGIN, &secret())), Ok(()));
    for bad in [&whole[..10], "", &whole.replace("a.test", "b.test"), &whole.replacen("\n8\n", "\n5\n", 1)] {
        fs::write(&record, bad).unwrap();
        assert!(open(dir.path()).is_err(), "{bad:?}");
    }
    fs::write(&record, whole).unwrap();
    assert_eq!(ask(&open(dir.path()).unwrap(), 0, 5, 'a').status, 409);
}

#[test]
fn a_checkpoint_that_leaves_no_room_for_a_signature_is_not_signed() {
    let dir = tempfile::tempdir().unwrap();
    let witness = open(dir.path()).unwrap();
    let long = |letters: usize| {
        let checkpoint =
            Checkpoint { extensions: vec!["x".repeat(letters)], ..Checkpoint::new(ORIGIN, 0, merkle::root(&[])) };
        Signed::sign(checkpoint, &log_key(ORIGIN, &secret()), &secret()).unwrap().to_string()
    };
    let most = skill_bundle::note::MAX_NOTE - (long(1).len() - 1);
    let add = |letters: usize| witness.add(format!("old 0\n\n{}", long(letters)).as_bytes()).unwrap();
    let own = add(1).text.len();
    for (letters, status) in [(most + 1, 400), (most, 400), (most - own + 1, 400), (most - own, 200)] {
        assert_eq!(add(letters).status, status, "{letters}");
        assert!(open(dir.path()).is_ok(), "{letters}: the record cannot be read");
    }
}

#[test]
fn nothing_is_signed_that_cannot_be_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let witness = open(dir.path()).unwrap();
    assert_eq!(ask(&witness, 0, 3, 'a').status, 200);
    let record = dir.path().join("logs").join(sha256(ORIGIN.as_bytes()).to_string());
    fs::remove_file(&record).unwrap();
    fs::remove_dir(dir.path().join("logs")).unwrap();
    assert!(witness.add(body(0, 8, 'a').as_bytes()).is_err());
}

#[test]
fn the_key_is_private_and_stays_and_a_folder_has_one_witness() {
    let dir = tempfile::tempdir().unwrap();
    let key = open(dir.path()).unwrap().key().clone();
    let mode = fs::metadata(dir.path().join("witness.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(*open(dir.path()).unwrap().key(), key);
    let taken = data::take(dir.path()).unwrap();
    assert_eq!(data::take(dir.path()).unwrap_err().code(), codes::DATA_BUSY);
    drop(taken);
}
