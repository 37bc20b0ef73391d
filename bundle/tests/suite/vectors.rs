//! The worked example of the formats: every value but the gzip bytes must come out equal.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use skill_bundle::{
    File, Package, archive,
    envelope::{Envelope, pae},
    hash::sha256,
    keys::SecretKey,
    note::{Algorithm, VerifierKey},
    tree,
};
use skill_schema::Limits;

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
