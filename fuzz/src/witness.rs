//! What a witness signs: any body, and any sequence of requests by a log that has two histories. A witness signs what continues the tree that
//! it signed last and nothing else, and can always be opened again.

use std::sync::{Arc, LazyLock};

use skill_bundle::{
    keys::SecretKey,
    log::{
        checkpoint::{Checkpoint, Signed},
        hash_text, merkle,
    },
    note::{Algorithm, Signature, Verified, VerifierKey},
};
use skill_registry::{
    clock::FixedClock,
    witness::{
        cosigner::{Answer, Cosigner},
        request::Request,
    },
};
use skill_schema::{Digest, time::Timestamp};

const ORIGIN: &str = "a.test/log";
const NOW: u64 = 1_800_000_000;
/// Requests of one sequence, and bytes that each takes.
const MOST: usize = 8;
const STEP: usize = 4;
/// Sizes of the log.
const LEAVES: usize = 20;

static LOG: LazyLock<(VerifierKey, SecretKey)> = LazyLock::new(|| {
    let secret = SecretKey::from_seed(&[2; 32]);
    (VerifierKey::new(ORIGIN, Algorithm::Ed25519, secret.public()).expect("a name"), secret)
});

/// Two histories that are the same up to a leaf.
static HISTORIES: LazyLock<[Vec<Digest>; 2]> = LazyLock::new(|| {
    let leaf = |n: usize, letter: &str| merkle::leaf_hash(format!("{n}{}", if n < 5 { "" } else { letter }).as_bytes());
    ["a", "b"].map(|letter| (0..LEAVES).map(|n| leaf(n, letter)).collect())
});

fn open(folder: &std::path::Path) -> Cosigner {
    let clock = Arc::new(FixedClock::at(Timestamp::from_unix(NOW)));
    Cosigner::open(folder, "w.test/w1", std::slice::from_ref(&LOG.0), clock).expect("a witness that can be opened")
}

fn body(old: u64, proof: &[Digest], signed: &Signed) -> Vec<u8> {
    let lines: Vec<String> = proof.iter().map(|hash| hash_text(hash) + "\n").collect();
    format!("old {old}\n{}\n{signed}", lines.concat()).into_bytes()
}

/// A request of the log: from a size to another one in one of its histories, with the proof or a spoiled one.
fn request(step: &[u8]) -> (u64, Signed, Vec<Digest>, bool) {
    let (old, size) = (usize::from(step[0]) % LEAVES, usize::from(step[1]) % LEAVES);
    let (leaves, is_spoiled) = (&HISTORIES[usize::from(step[2] % 2)], step[3] % 8 == 7);
    let mut proof = match (old, size) {
        (1.., _) if old <= size => {
            merkle::prove_consistency(&leaves[..size], old as u64, size as u64).expect("a proof")
        }
        _ => vec![],
    };
    if is_spoiled && proof.pop().is_none() {
        proof.push(Digest::ZERO);
    }
    let checkpoint = Checkpoint::new(ORIGIN, size as u64, merkle::root(&leaves[..size]));
    (old as u64, Signed::sign(checkpoint, &LOG.0, &LOG.1).expect("signed"), proof, is_spoiled)
}

/// What the witness must answer, said in other words: which of the histories it has signed so far is all that counts.
fn expected(last: (u64, Digest), old: u64, signed: &Signed, is_spoiled: bool) -> u16 {
    let Checkpoint { size, root, .. } = signed.checkpoint;
    let holds = |leaves: &Vec<Digest>| {
        let root_of = |size: u64| merkle::root(&leaves[..usize::try_from(size).expect("small")]);
        root_of(size) == root && (old == 0 || root_of(old) == last.1)
    };
    match () {
        () if old > size => 400,
        () if old != last.0 || (old == size && root != last.1) => 409,
        () if is_spoiled || !HISTORIES.iter().any(holds) => 422,
        () => 200,
    }
}

/// A cosignature counts for the checkpoint that it answers.
fn check(witness: &Cosigner, signed: &Signed, answer: &Answer) {
    let signature = Signature::parse(answer.text.trim_end_matches('\n')).expect("a signature line");
    let mut note = signed.note().clone();
    note.replace(signature).expect("room for a signature");
    assert_eq!(note.verify(witness.key()), Ok(Some(Verified::Seen(NOW))));
}

/// Any body, as it is and with the log's signature set right; then the bytes as a sequence of requests.
pub fn witness(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let witness = open(folder.path());
    let before = witness.about().expect("readable");
    let answer = witness.add(data).expect("an answer");
    assert!([200, 400, 403, 404, 409, 422].contains(&answer.status), "{answer:?}");
    if let Some(Request { old, proof, signed }) = Request::parse(data) {
        if answer.status == 200 {
            check(&witness, &signed, &answer);
        }
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), ..signed.checkpoint };
        if let Ok(signed) = Signed::sign(checkpoint, &LOG.0, &LOG.1) {
            let answer = witness.add(&body(old, &proof, &signed)).expect("an answer");
            if answer.status == 200 {
                check(&witness, &signed, &answer);
            }
            open(folder.path());
        }
        return;
    }
    assert_eq!((answer.status, witness.about().expect("readable")), (400, before));
    let mut last = (0, merkle::root(&[]));
    for step in data.chunks_exact(STEP).take(MOST) {
        let (old, signed, proof, is_spoiled) = request(step);
        let answer = witness.add(&body(old, &proof, &signed)).expect("an answer");
        assert_eq!(answer.status, expected(last, old, &signed, is_spoiled), "{last:?} {old} {signed} {answer:?}");
        if answer.status == 200 {
            check(&witness, &signed, &answer);
            last = (signed.checkpoint.size, signed.checkpoint.root);
        }
        assert!(witness.about().expect("readable").contains(&format!("log {ORIGIN} {}\n", last.0)));
    }
    assert_eq!(open(folder.path()).about().expect("readable"), witness.about().expect("readable"));
}

/// Bodies, and sequences of size before, size, history, and whether the proof is spoiled.
pub fn inputs() -> Vec<Vec<u8>> {
    let mut inputs: Vec<Vec<u8>> = [[0, 3, 0, 0], [3, 8, 0, 0], [0, 0, 0, 0]]
        .iter()
        .map(|step| {
            let (old, signed, proof, _) = request(step);
            body(old, &proof, &signed)
        })
        .collect();
    inputs.extend([
        // On and on; the same once more; back.
        vec![0, 3, 0, 0, 3, 8, 0, 0, 8, 8, 0, 0, 8, 19, 0, 0, 19, 8, 0, 0],
        // The histories part after leaf 5.
        vec![0, 5, 0, 0, 5, 9, 1, 0, 9, 9, 0, 0, 9, 12, 0, 0, 9, 12, 1, 0],
        vec![0, 4, 0, 7, 0, 4, 1, 0, 4, 8, 1, 7, 4, 8, 0, 0],
    ]);
    inputs
}
