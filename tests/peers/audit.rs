//! A foreign implementation audits the whole log of a running registry.

use std::{fs, thread};

use serde_json::json;
use skill_bundle::{
    keys::SecretKey,
    note::{Algorithm, VerifierKey},
};
use skill_tests::{World, publisher::Publisher};

use crate::sumdb::Sumdb;

/// Scopes that publish at the same time: enough that the sequencer always has a batch to log.
const SCOPES: usize = 8;

fn publishes() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the product")]
    let asked = std::env::var("SKILL_AUDIT_PUBLISHES").ok().and_then(|text| text.parse().ok());
    // More than a full tile of 256.
    asked.unwrap_or(300)
}

/// The key of the registry's log.
fn key(world: &World) -> String {
    let shown = world.registry.get("/.well-known/skill-registry").json();
    shown["log"][0].as_str().expect("a key").to_owned()
}

/// Publishes a version and answers the proof that came with the answer: a C2SP tlog-proof.
fn publish(world: &World, publisher: &Publisher, n: usize) -> String {
    let answer = publisher.publish(world.registry.address(), &format!("1.0.{n}")).expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["proof"].as_str().expect("a proof").to_owned()
}

/// The checkpoint at the end of a proof.
fn checkpoint_of(proof: &str) -> String {
    proof.split_once("\n\n").expect("a checkpoint").1.to_owned()
}

#[test]
#[expect(clippy::print_stdout, reason = "the numbers that a report of `just peers` shows")]
fn a_foreign_implementation_audits_every_leaf_tile_and_checkpoint() {
    let Some(sumdb) = Sumdb::build() else { return };
    let world = World::start();
    let vkey = key(&world);
    let mut seen = vec![world.registry.get("/log/checkpoint").text()];
    let publishers: Vec<_> = (0..SCOPES).map(|n| Publisher::enrol(&world.registry, &format!("scope{n}"))).collect();
    let each = publishes().div_ceil(SCOPES);
    thread::scope(|scope| {
        let running: Vec<_> = publishers
            .into_iter()
            .map(|publisher| {
                let world = &world;
                scope.spawn(move || (0..each).map(|n| publish(world, &publisher, n)).collect::<Vec<_>>())
            })
            .collect();
        for proofs in running {
            seen.extend(proofs.join().expect("published").iter().map(|proof| checkpoint_of(proof)));
        }
    });
    let of_publishes = seen.len() - 1;
    assert_eq!(of_publishes, SCOPES * each);
    seen.sort();
    seen.dedup();

    let input = json!({"url": world.registry.url(), "vkey": vkey, "checkpoints": seen});
    let found = sumdb.run("audit", &input).unwrap_or_else(|e| panic!("{e}"));
    let number = |name: &str| usize::try_from(found[name].as_u64().expect("a number")).expect("small");
    let size = number("size");
    // The root, a statement a scope, the releases, and the snapshots that are due: one every 256 leaves.
    let without = 1 + SCOPES + of_publishes;
    assert!((without..=without + 1 + without / 255).contains(&size), "{found}");
    assert_eq!([number("entries"), number("inclusion"), number("ready")], [size; 3], "{found}");
    assert_eq!(number("consistency"), seen.len(), "{found}");
    assert_eq!(number("tiles"), size.div_ceil(256) + usize::from(size >= 256), "{found}");
    println!("audited: {found}");
}

#[test]
fn the_foreign_auditor_notices_a_changed_entry_a_changed_hash_and_a_foreign_checkpoint() {
    let Some(sumdb) = Sumdb::build() else { return };
    let world = World::start();
    let vkey = key(&world);
    let publisher = Publisher::enrol(&world.registry, "acme");
    for n in 0..3 {
        publish(&world, &publisher, n);
    }
    let audit = |vkey: &str, checkpoints: &[String]| {
        sumdb.run("audit", &json!({"url": world.registry.url(), "vkey": vkey, "checkpoints": checkpoints}))
    };
    assert_eq!(audit(&vkey, &[]).expect("sound")["size"], 5);
    for (path, at) in [("tile/entries/000.p/5", 100), ("tile/0/000.p/5", 40)] {
        let file = world.registry.data().join("log").join(path);
        let good = fs::read(&file).expect("a tile");
        let mut bad = good.clone();
        bad[at] ^= 1;
        let put = |bytes: &[u8]| {
            // A tile is read-only: replaced, not written over.
            fs::remove_file(&file).expect("removed");
            fs::write(&file, bytes).expect("written");
        };
        put(&bad);
        assert!(audit(&vkey, &[]).is_err(), "a bit of {path}");
        put(&good);
    }
    assert!(audit(&vkey, &[]).is_ok());
    let other = World::start();
    let foreign = other.registry.get("/log/checkpoint").text();
    let refused = audit(&vkey, &[foreign]).expect_err("not of this log");
    assert!(refused.contains("no verifiable signatures"), "{refused}");
    let refused = audit(&key(&other), &[]).expect_err("another log's key");
    assert!(refused.contains("no verifiable signatures"), "{refused}");
}

#[test]
fn the_foreign_auditor_finds_the_witness_s_signature_under_every_checkpoint() {
    let Some(sumdb) = Sumdb::build() else { return };
    let (world, witness) = World::witnessed();
    let publisher = Publisher::enrol(&world.registry, "acme");
    let seen: Vec<String> = (0..3).map(|n| checkpoint_of(&publish(&world, &publisher, n))).collect();
    let audit = |witness: Option<&str>| {
        let input = json!({"url": world.url(), "vkey": key(&world), "witness": witness, "checkpoints": seen});
        sumdb.run("audit", &input).unwrap_or_else(|e| panic!("{e}"))
    };
    // The log's checkpoint, one with the ready proof of each of five leaves, and the three of the publishes.
    assert_eq!(audit(Some(&witness.key()))["cosigned"], 9);
    assert_eq!(audit(None)["cosigned"], 0);
    let other = VerifierKey::new("witness.test/w1", Algorithm::Cosignature, SecretKey::from_seed(&[7; 32]).public());
    assert_eq!(audit(Some(&other.expect("a name").to_string()))["cosigned"], 0, "another witness of this name");
}
