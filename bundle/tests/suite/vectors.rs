//! The worked example of the formats: every value but the gzip bytes must come out equal.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use skill_bundle::{
    File, Package, archive,
    envelope::{Envelope, pae},
    hash::sha256,
    keys::SecretKey,
    log::{
        checkpoint::{Checkpoint, Policy, Signed},
        hash_text, merkle,
        proof::Proof,
    },
    note::{Algorithm, Signature, Verified, VerifierKey},
    tree,
};
use skill_schema::{Digest, Limits, codes};

struct Vector(Value);

impl Vector {
    fn load() -> Self {
        Self(serde_json::from_str(include_str!("../vectors/trust.json")).unwrap())
    }

    fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap()
    }

    fn bytes(&self, key: &str) -> Vec<u8> {
        BASE64_STANDARD.decode(self.text(key)).unwrap()
    }
}

fn publisher() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

#[test]
fn the_package_is_accepted_and_packs_to_the_same_tar() {
    let vector = Vector::load();
    let gz = vector.bytes("gz_b64");
    assert_eq!(sha256(&gz).to_string(), vector.text("gz_sha256"));
    let package = Package::open(&gz, &Limits::V1).unwrap();
    assert_eq!(package.unpacked_size(), vector.0["tar_len"].as_u64().unwrap());
    assert_eq!(package.tree().to_string(), vector.text("tree"));
    assert_eq!(tree::manifest(package.files().map(tree::Entry::of)), vector.text("manifest"));

    let tar = archive::encode(package.files()).unwrap();
    assert_eq!(sha256(&tar).to_string(), vector.text("tar_sha256"));
    assert_eq!(archive::gunzip(&gz, &Limits::V1).unwrap(), tar);
    let ours = Package::open(archive::gzip(&tar).unwrap(), &Limits::V1).unwrap();
    assert_eq!(ours.tree(), package.tree());
    let hi = package.file("scripts/hi.sh").unwrap();
    assert_eq!(hi, File { path: "scripts/hi.sh", content: hi.content, executable: true });
}

#[test]
fn key_signature_and_envelope_are_the_same_bytes() {
    let vector = Vector::load();
    let key = publisher();
    assert_eq!(hex::encode(key.public().as_bytes()), vector.text("publisher_raw"));
    assert_eq!(key.keyid().to_string(), vector.text("publisher_keyid"));

    let payload = vector.text("payload").as_bytes();
    assert_eq!(sha256(&pae(payload)).to_string(), vector.text("pae_sha256"));
    assert_eq!(hex::encode(key.sign(&pae(payload))), vector.text("sig_hex"));

    let envelope = Envelope::seal(payload, &[&key]).unwrap();
    assert_eq!(envelope.bytes(), vector.text("envelope").as_bytes());
    assert_eq!(envelope.bytes().len() as u64, vector.0["envelope_len"].as_u64().unwrap());
    assert_eq!(envelope.digest().to_string(), vector.text("envelope_sha256"));

    let parsed = Envelope::parse(vector.text("envelope").as_bytes()).unwrap();
    assert_eq!(parsed, envelope);
    parsed.verify(&key.public()).unwrap();
    assert!(parsed.verify(&SecretKey::from_seed(&[2; 32]).public()).is_err());
}

#[test]
fn log_and_witness_keys_have_the_same_text() {
    let vector = Vector::load();
    for (seed, key, algorithm) in [(2, "log_vkey", Algorithm::Ed25519), (3, "witness_vkey", Algorithm::Cosignature)] {
        let text = vector.text(key);
        let name = text.split('+').next().unwrap();
        let public = SecretKey::from_seed(&[seed; 32]).public();
        let vkey = VerifierKey::new(name, algorithm, public).unwrap();
        assert_eq!(vkey.to_string(), text);
        assert_eq!(text.parse::<VerifierKey>().unwrap(), vkey);
    }
}

/// When the witness of the example saw the checkpoint: it stands in the cosignature and nowhere else.
const SEEN: u64 = 1_795_392_000;

/// The leaves of the example: its envelope between two others.
fn leaves(vector: &Vector) -> Vec<Digest> {
    let others: Vec<&str> = vector.0["other_leaves"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    [others[0], vector.text("envelope"), others[1]].map(|leaf| merkle::leaf_hash(leaf.as_bytes())).into()
}

fn policy(vector: &Vector, quorum: usize) -> Policy {
    let witnesses = vec![vector.text("witness_vkey").parse().unwrap()];
    Policy { log: vector.text("log_vkey").parse().unwrap(), witnesses, quorum }
}

#[test]
fn leaf_hash_and_root_are_the_same() {
    let vector = Vector::load();
    let leaves = leaves(&vector);
    assert_eq!(leaves[1].to_string(), vector.text("leaf_hash"));
    assert_eq!(hash_text(&merkle::root(&leaves)), vector.text("root_b64"));
}

#[test]
fn the_proof_verifies_with_the_log_s_key_and_a_quorum_of_one() {
    let vector = Vector::load();
    let text = vector.text("tlog_proof");
    let proof = Proof::parse(text.as_bytes()).unwrap();
    assert_eq!(proof.to_string(), text, "what was read is written again");
    let leaf = merkle::leaf_hash(vector.text("envelope").as_bytes());
    assert_eq!(proof.verify(&leaf, &policy(&vector, 1)), Ok(Some(SEEN)));
    assert_eq!(proof.verify(&leaf, &policy(&vector, 2)).map_err(|f| f.code), Err(codes::WITNESS));
    assert_eq!(proof.verify(&Digest::ZERO, &policy(&vector, 1)).map_err(|f| f.code), Err(codes::PROOF));

    let checkpoint = &proof.checkpoint.checkpoint;
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("skills.example/log", 3));
    assert_eq!(hash_text(&checkpoint.root), vector.text("root_b64"));
    let signatures: Vec<&Signature> = proof.checkpoint.note().signatures().iter().collect();
    let policy = policy(&vector, 1);
    assert!(signatures.len() == 2 && signatures[0].is_by(&policy.log) && signatures[1].is_by(&policy.witnesses[0]));
    assert_eq!(proof.checkpoint.note().verify(&policy.log), Ok(Some(Verified::Signed)));
    assert_eq!(proof.checkpoint.note().verify(&policy.witnesses[0]), Ok(Some(Verified::Seen(SEEN))));
}

#[test]
fn our_own_checkpoint_cosignature_and_proof_are_the_same_bytes() {
    let vector = Vector::load();
    let (leaves, policy) = (leaves(&vector), policy(&vector, 1));
    let [log, witness] = [2, 3].map(|seed| SecretKey::from_seed(&[seed; 32]));
    let checkpoint = Checkpoint::new(policy.log.name(), 3, merkle::root(&leaves));
    let mut checkpoint = Signed::sign(checkpoint, &policy.log, &log).unwrap();
    checkpoint.note_mut().sign(&policy.witnesses[0], &witness, SEEN).unwrap();
    let hashes = merkle::prove_inclusion(leaves.as_slice(), 1, 3).unwrap();
    let ours = Proof { extra: None, index: 1, hashes, checkpoint };
    assert_eq!(ours.to_string(), vector.text("tlog_proof"));
}
