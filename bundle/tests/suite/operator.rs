//! A worked example of the operator's statements: `root` and `snapshot`.

use serde_json::Value;
use skill_bundle::{
    chain::Operator,
    envelope::{self, Envelope, pae},
    hash::sha256,
    keys::SecretKey,
    note::{Algorithm, VerifierKey},
    statement,
};
use skill_schema::{
    Digest,
    name::OPERATOR,
    statement::{Freshness, Root, Snapshot},
    time::Timestamp,
};

const ORIGIN: &str = "skills.example/log";
/// The file whose digest the snapshot is about: one skill, as the log of three leaves knows it.
pub const FILE: &str = "{\"log\":2,\"pkg\":\"acme/demo\",\"sha256\":\"abababababababababababababababababababababababababababababababab\"}\n";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn root(seq: u64, prev: Digest, keys: &[u8], operators: &[u8]) -> Root {
    let texts = |seeds: &[u8]| seeds.iter().map(|seed| key(*seed).public().to_text()).collect::<Vec<_>>();
    Root {
        created: time("2026-11-23T00:00:00Z"),
        freshness: Freshness { hours: 72 },
        keys: texts(keys),
        logs: vec![VerifierKey::new(ORIGIN, Algorithm::Ed25519, key(2).public()).unwrap().to_string()],
        operators: texts(operators),
        origin: ORIGIN.into(),
        prev,
        scope: OPERATOR.into(),
        seq,
        threshold: 2,
        verifiers: texts(&[7]),
    }
}

/// Three statements: two of three root keys, a snapshot by the operator, and a root statement that replaces a root key and the operator.
pub fn worked_chain() -> Vec<Vec<u8>> {
    let first = statement::root(root(1, Digest::ZERO, &[10, 11, 12], &[4]));
    let first = envelope::sign(&first, &[&key(10), &key(11)]).unwrap();
    let snapshot = Snapshot {
        created: time("2026-11-23T01:00:00Z"),
        digest: sha256(FILE.as_bytes()),
        origin: ORIGIN.into(),
        prev: sha256(&first),
        scope: OPERATOR.into(),
        seq: 2,
        size: 3,
    };
    let second = envelope::sign(&statement::snapshot(snapshot), &[&key(4)]).unwrap();
    let third = statement::root(root(3, sha256(&second), &[10, 11, 13], &[5]));
    let third = envelope::sign(&third, &[&key(10), &key(11)]).unwrap();
    vec![first, second, third]
}

#[test]
fn the_operator_s_worked_chain_is_byte_for_byte_the_recorded_one() {
    let recorded: Value = serde_json::from_str(include_str!("../vectors/statements.json")).unwrap();
    let records = recorded["operator"].as_array().unwrap();
    let mut chain = Operator::new(ORIGIN);
    assert_eq!(records.len(), 3);
    for (bytes, record) in worked_chain().iter().zip(records) {
        let envelope = Envelope::parse(bytes).unwrap();
        assert_eq!(std::str::from_utf8(envelope.payload()).unwrap(), record["payload"]);
        assert_eq!(std::str::from_utf8(bytes).unwrap(), record["envelope"]);
        assert_eq!(envelope.digest().to_string(), record["sha256"].as_str().unwrap());
        assert_eq!(sha256(&pae(envelope.payload())).to_string(), record["pae_sha256"].as_str().unwrap());
        chain.push(&envelope).unwrap();
    }
    assert_eq!(recorded["snapshot"].as_str().unwrap(), FILE);
    let snapshot = &chain.snapshot().unwrap().predicate;
    assert_eq!((snapshot.size, snapshot.digest), (3, sha256(FILE.as_bytes())));
    assert_eq!(chain.operators(), [key(4).public(), key(5).public()]);
}
