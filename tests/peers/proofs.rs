//! Notes, roots and proofs between Go's sumdb and us, in both directions.

use serde::Deserialize;
use serde_json::json;
use skill_bundle::{
    keys::SecretKey,
    log::{hash_text, merkle, parse_hash},
    note::{Algorithm, Note, Verified, VerifierKey},
};
use skill_schema::Digest;

use crate::sumdb::Sumdb;

const NAME: &str = "skills.example/log";
/// Around a power of two, around a tile's end, and the largest.
const SIZES: &[usize] = &[1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 64, 100, 255, 256, 257, 300];
const TEXTS: &[&str] = &["a\n", "a\nb\n\nc\n", "\n", "\n\n", "\u{fc}\u{20ac}\u{1f40e}\n", "a \n b\n", "+\u{2014}\n"];

#[derive(Deserialize)]
struct Made {
    vkey: String,
    notes: Vec<String>,
    records: Vec<Record>,
    trees: Vec<Tree>,
}

#[derive(Deserialize)]
struct Record {
    size: u64,
    root: String,
    index: u64,
    leaf: String,
    proof: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tree {
    size: u64,
    root: String,
    old: u64,
    old_root: String,
    proof: Option<Vec<String>>,
}

fn entries() -> Vec<String> {
    (0..*SIZES.last().expect("sizes")).map(|n| format!("{{\"entry\":{n}}}")).collect()
}

fn leaves() -> Vec<Digest> {
    entries().iter().map(|entry| merkle::leaf_hash(entry.as_bytes())).collect()
}

fn key() -> (VerifierKey, SecretKey) {
    let secret = SecretKey::from_seed(&[2; 32]);
    (VerifierKey::new(NAME, Algorithm::Ed25519, secret.public()).expect("a name"), secret)
}

/// When the witness saw what it signs.
const SEEN: u64 = 1_795_392_000;

fn witness() -> (VerifierKey, SecretKey) {
    let secret = SecretKey::from_seed(&[3; 32]);
    (VerifierKey::new("witness.example/w1", Algorithm::Cosignature, secret.public()).expect("a name"), secret)
}

/// A note with the log's signature and the witness's.
fn note(text: &str) -> Note {
    let mut note = Note::new(text.to_owned()).expect("a text");
    for (key, secret) in [key(), witness()] {
        note.sign(&key, &secret, SEEN).expect("signed");
    }
    note
}

fn hash(text: &str) -> Digest {
    parse_hash(text).expect("a hash")
}

/// Go writes an empty list as `null`.
fn hashes(texts: Option<&Vec<String>>) -> Vec<Digest> {
    texts.into_iter().flatten().map(|text| hash(text)).collect()
}

fn texts(hashes: &[Digest]) -> Vec<String> {
    hashes.iter().map(hash_text).collect()
}

#[test]
fn what_go_signs_and_proves_is_what_we_sign_and_prove() {
    let Some(sumdb) = Sumdb::build() else { return };
    let cosigner = json!({"seed": "03".repeat(32), "name": witness().0.name(), "time": SEEN});
    let texts = json!({"seed": "02".repeat(32), "name": NAME, "witness": cosigner, "texts": TEXTS});
    let mut input = json!({"entries": entries(), "sizes": SIZES});
    input.as_object_mut().expect("an object").extend(texts.as_object().expect("an object").clone());
    let made = sumdb.run("make", &input).unwrap_or_else(|e| panic!("{e}"));
    let made: Made = serde_json::from_value(made).expect("as the peer writes it");
    let ((key, _), all) = (key(), leaves());
    assert_eq!(made.vkey, key.to_string());
    assert_eq!(made.notes.len(), TEXTS.len());
    for (theirs, text) in made.notes.iter().zip(TEXTS) {
        let read = Note::parse(theirs.as_bytes()).expect("a note");
        assert_eq!(read.verify(&key), Ok(Some(Verified::Signed)));
        assert_eq!(read.verify(&witness().0), Ok(Some(Verified::Seen(SEEN))));
        assert_eq!(&note(text).to_string(), theirs);
    }
    assert_eq!((made.records.len(), made.trees.len()), (SIZES.iter().sum(), SIZES.iter().sum()));
    for record in &made.records {
        let (proof, root, leaf) = (hashes(record.proof.as_ref()), hash(&record.root), hash(&record.leaf));
        merkle::verify_inclusion(&leaf, record.index, record.size, &proof, &root).expect("it holds");
        let size = usize::try_from(record.size).expect("small");
        assert_eq!(merkle::prove_inclusion(&all[..size], record.index, record.size).expect("a proof"), proof);
    }
    for tree in &made.trees {
        let (proof, root, old) = (hashes(tree.proof.as_ref()), hash(&tree.root), hash(&tree.old_root));
        merkle::verify_consistency(tree.old, &old, tree.size, &root, &proof).expect("it holds");
        let size = usize::try_from(tree.size).expect("small");
        assert_eq!(merkle::prove_consistency(&all[..size], tree.old, tree.size).expect("a proof"), proof);
    }
}

#[test]
fn what_we_sign_and_prove_go_believes_and_what_we_spoil_it_does_not() {
    let Some(sumdb) = Sumdb::build() else { return };
    let ((key, _), all) = (key(), leaves());
    let notes: Vec<String> = TEXTS.iter().map(|text| note(text).to_string()).collect();
    let (mut records, mut trees) = (Vec::new(), Vec::new());
    for &size in SIZES {
        let (wide, root) = (size as u64, hash_text(&merkle::root(&all[..size])));
        for index in 0..size {
            let (place, leaf) = (index as u64, hash_text(&all[index]));
            let proof = texts(&merkle::prove_inclusion(&all[..size], place, wide).expect("a proof"));
            records.push(json!({"size": size, "root": root, "index": index, "leaf": leaf, "proof": proof}));
            let proof = texts(&merkle::prove_consistency(&all[..size], place + 1, wide).expect("a proof"));
            let old = hash_text(&merkle::root(&all[..=index]));
            trees.push(json!({"size": size, "root": root, "old": place + 1, "oldRoot": old, "proof": proof}));
        }
    }
    let good = json!({"vkey": key.to_string(), "witness": witness().0.to_string(), "notes": notes, "records": records, "trees": trees});
    let said = sumdb.run("check", &good).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((&said["texts"], &said["records"]), (&json!(TEXTS), &json!(records.len())));
    let spoil = |place: &str, value: serde_json::Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(place).expect("a place") = value;
        assert!(sumdb.run("check", &bad).is_err(), "{place}");
    };
    let zero = json!(hash_text(&Digest::ZERO));
    for place in ["/records/400/leaf", "/records/400/proof/2", "/trees/400/root", "/trees/400/oldRoot"] {
        spoil(place, zero.clone());
    }
    spoil("/records/400/index", json!(7));
    spoil("/notes/0", json!(notes[0].replacen('a', "b", 1)));
    let mut other_time = Note::new(TEXTS[0].to_owned()).expect("a text");
    for mut signature in note(TEXTS[0]).signatures().iter().cloned() {
        if signature.is_by(&witness().0) {
            signature.bytes[7] ^= 1;
        }
        other_time.push(signature).expect("pushed");
    }
    spoil("/notes/0", json!(other_time.to_string()));
}
