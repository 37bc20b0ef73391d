//! The log as anybody can read it, and what a registry refuses to start with.

use std::fs;

use skill_bundle::{
    envelope::Envelope,
    log::{
        checkpoint::{Policy, Signed},
        merkle,
        proof::Proof,
        tile::{Tile, TileTree, read_bundle, read_hashes},
    },
    note::VerifierKey,
};
use skill_registry::data;
use skill_schema::{Digest, codes, statement::Kind};

use crate::world::World;

/// The pinned key.
fn policy(world: &World) -> Policy {
    let shown = world.get("/.well-known/skill-registry").json();
    let key: VerifierKey = shown["log"][0].as_str().expect("a key").parse().expect("a key");
    Policy::of_log(key)
}

fn checkpoint(world: &World) -> Signed {
    let reply = world.get("/log/checkpoint");
    assert_eq!((reply.status, reply.header("content-type")), (200, "text/plain; charset=utf-8"));
    let signed = Signed::parse(&reply.body).expect("a checkpoint");
    signed.verify(&policy(world)).expect("signed by the log");
    signed
}

/// Reads the whole log as an auditor does, and answers its entries.
fn audit(world: &World) -> Vec<Vec<u8>> {
    let at = checkpoint(world).checkpoint;
    let fetch = |tile: Tile| {
        let reply = world.get(&format!("/log/{tile}"));
        assert_eq!((reply.status, reply.header("content-type")), (200, "application/octet-stream"), "{tile}");
        reply.body
    };
    let tree = TileTree::new(at.size, |tile| read_hashes(&fetch(tile), tile.width));
    assert_eq!(merkle::root_of(&tree, at.size).expect("a root"), at.root);
    let mut entries = Vec::new();
    for index in 0..at.size.div_ceil(256) {
        let tile = Tile::at(0, index, at.size).expect("in the log");
        let bundle = fetch(tile.entries());
        entries.extend(read_bundle(&bundle, tile.width).expect("a bundle").into_iter().map(<[u8]>::to_vec));
    }
    let leaves: Vec<Digest> = entries.iter().map(|entry| merkle::leaf_hash(entry)).collect();
    assert_eq!(merkle::root(&leaves), at.root);
    entries
}

#[test]
fn every_statement_is_a_leaf_and_every_answer_proves_it() {
    let world = World::new();
    let acme = world.publisher("acme");
    let reply = acme.publish("acme/notes", "1.0.0", "text");
    let proof = Proof::parse(reply.json()["proof"].as_str().expect("a proof").as_bytes()).expect("a proof");
    let entries = audit(&world);
    let kinds: Vec<Kind> =
        entries.iter().map(|e| Envelope::parse(e).expect("an envelope").kind().expect("a kind")).collect();
    assert_eq!(kinds, [Kind::Root, Kind::Scope, Kind::Release]);
    let leaf = merkle::leaf_hash(&entries[2]);
    assert_eq!((proof.index, proof.verify(&leaf, &policy(&world))), (2, Ok(None)));
    let ready = world.get(&format!("/log/proof/{leaf}"));
    assert_eq!(Proof::parse(&ready.body).expect("a proof").verify(&leaf, &policy(&world)), Ok(None));
    let again = acme.publish("acme/notes", "1.0.0", "text");
    let again = Proof::parse(again.json()["proof"].as_str().expect("a proof").as_bytes()).expect("a proof");
    assert_eq!(again.index, 2);
}

#[test]
fn a_log_that_grows_over_a_tile_stays_consistent_and_takes_snapshots() {
    let world = World::new();
    let acme = world.publisher("acme");
    let mut seen: Vec<Signed> = vec![checkpoint(&world)];
    for n in 0..262 {
        let reply = acme.publish("acme/notes", &format!("1.0.{n}"), "text");
        assert_eq!(reply.status, 201, "{}", reply.text());
        seen.push(checkpoint(&world));
    }
    let entries = audit(&world);
    let now = checkpoint(&world).checkpoint;
    assert_eq!(now.size, 1 + 1 + 262 + 1, "root, scope, releases, one snapshot");
    let leaves: Vec<Digest> = entries.iter().map(|entry| merkle::leaf_hash(entry)).collect();
    for old in seen {
        let old = old.checkpoint;
        let proof = merkle::prove_consistency(leaves.as_slice(), old.size, now.size).expect("a proof");
        merkle::verify_consistency(old.size, &old.root, now.size, &now.root, &proof).expect("consistent");
    }
    // The partial forms of the full tile are served as its beginning.
    for path in ["tile/0/000.p/7", "tile/entries/000.p/255", "tile/0/001.p/1", "tile/1/000.p/1"] {
        assert_eq!(world.get(&format!("/log/{path}")).status, 200, "{path}");
    }
    let snapshot = world.get("/snapshot/256");
    let index = world.get("/index/acme/notes");
    let line: serde_json::Value = serde_json::from_slice(&snapshot.body).expect("one line");
    assert_eq!((line["pkg"].as_str(), line["log"].as_u64()), (Some("acme/notes"), Some(255)));
    assert_ne!(line["sha256"].as_str(), Some(index.header("etag").trim_matches('"')), "it has changed since");
    assert_eq!(world.get("/snapshot/255").status, 404);
    assert_eq!(world.get("/snapshot/0256").status, 404);
}

#[test]
fn what_the_log_does_not_have_is_not_found() {
    let world = World::new();
    for path in [
        "/log/tile/0/001",
        "/log/tile/0/000",
        "/log/tile/0/000.p/2",
        "/log/tile/0/000.p/0",
        "/log/tile/00/000",
        "/log/tile/1/000.p/1",
        "/log/tile/entries/x000/000",
        "/log/tile/0/..%2f..%2foperator.pem",
        "/log/tile/../../operator.pem",
        "/log/tile/%30/000.p/1",
        "/log/proof/00",
        &format!("/log/proof/{}", Digest::ZERO),
        "/log",
        "/snapshot/x",
    ] {
        let reply = world.get(path);
        assert_eq!((reply.status, reply.code().as_str()), (404, "E_NOT_FOUND"), "{path}");
    }
    assert_eq!(world.get("/log/tile/0/000.p/1").status, 200);
}

#[test]
fn files_that_were_lost_or_damaged_are_made_again() {
    let mut world = World::new();
    let acme = world.publisher("acme");
    for n in 0..5 {
        assert_eq!(acme.publish("acme/notes", &format!("1.0.{n}"), "text").status, 201);
    }
    let (before, entries) = (checkpoint(&world), audit(&world));
    world.stop().expect("stopped");
    let log = world.config.data.join("log");
    fs::remove_dir_all(log.join("tile/entries")).expect("removed");
    fs::write(log.join("tile/0/000.p/7"), b"short").expect("written");
    world.start();
    assert_eq!((checkpoint(&world), audit(&world)), (before.clone(), entries.clone()));
    world.stop().expect("stopped");
    fs::remove_file(log.join("checkpoint")).expect("removed");
    world.start();
    assert_eq!((checkpoint(&world), audit(&world)), (before.clone(), entries.clone()));
    world.stop().expect("stopped");
    fs::write(log.join("checkpoint"), b"nonsense").expect("written");
    world.start();
    assert_eq!((checkpoint(&world), audit(&world)), (before, entries));
}

#[test]
fn a_database_of_yesterday_is_refused() {
    let mut world = World::new();
    let acme = world.publisher("acme");
    assert_eq!(acme.publish("acme/notes", "1.0.0", "text").status, 201);
    world.stop().expect("stopped");
    let database = world.config.data.join("registry.db");
    let yesterday = fs::read(&database).expect("read");
    world.start();
    let acme = crate::world::Publisher::new(
        &world,
        "acme",
        &world.token("acme", &skill_schema::api::token::Permission::ALL, "*", 1),
    );
    assert_eq!(acme.publish("acme/notes", "1.1.0", "text").status, 201);
    world.stop().expect("stopped");
    fs::write(&database, yesterday).expect("restored");
    for end in ["-wal", "-shm"] {
        let _ = fs::remove_file(world.config.data.join(format!("registry.db{end}")));
    }
    world.start();
    let refused = world.stop().expect_err("refused");
    assert_eq!(refused.code(), codes::LOG_ROLLBACK, "{refused}");
}

#[test]
fn the_operators_chain_begins_with_the_root_and_shows_that_the_log_is_alive() {
    let mut world = World::new();
    let chain = || skill_schema::index::parse_chain(&world.get("/index/_operator").body).expect("a chain");
    assert_eq!(chain().len(), 1);
    world.clock.advance(21 * skill_registry::clock::HOUR);
    world.stop().expect("stopped");
    world.start();
    let chain = skill_schema::index::parse_chain(&world.get("/index/_operator").body).expect("a chain");
    assert_eq!(chain.len(), 2, "a snapshot because a day is over");
    let mut operator = skill_bundle::chain::Operator::new("registry.test/log");
    for line in &chain {
        let envelope = Envelope::parse(&world.get(&format!("/blob/sha256/{}", line.stmt)).body).expect("an envelope");
        operator.push(&envelope).expect("it continues");
    }
    assert_eq!(operator.snapshot().expect("one").predicate.size, 1);
    assert_eq!(operator.latest(), Some(skill_registry::clock::Clock::timestamp(&*world.clock)));
}

#[test]
fn the_root_key_is_not_needed_after_the_first_start() {
    let mut world = World::new();
    world.stop().expect("stopped");
    fs::remove_file(world.config.data.join("root.pem")).expect("removed");
    world.start();
    let acme = world.publisher("acme");
    assert_eq!(acme.publish("acme/notes", "1.0.0", "text").status, 201);
    let (store, identity) = world.block_on(data::open(&world.config)).expect("opened");
    world.block_on(store.close());
    assert!(identity.root.is_none());
}

#[test]
fn a_log_that_cannot_be_written_answers_503_until_it_is_sound_again() {
    let world = World::new();
    let acme = world.publisher("acme");
    assert_eq!(acme.publish("acme/notes", "1.0.0", "text").status, 201);
    // What a signed size covers stands on the disk with other bytes: the next tile cannot be told from a forgery.
    let tile = world.config.data.join("log/tile/0/000.p");
    fs::rename(&tile, tile.with_extension("q")).expect("moved away");
    fs::write(&tile, b"a file in the place of a folder").expect("written");
    let reply = acme.publish("acme/notes", "1.1.0", "text");
    assert_eq!((reply.status, reply.code().as_str()), (503, "E_UNAVAILABLE"), "{}", reply.text());
    assert!(!reply.header("retry-after").is_empty());
    assert!(!world.get("/index/acme/notes").text().contains("1.1.0"));
    assert_eq!(acme.publish("acme/notes", "1.1.0", "text").status, 503);
    fs::remove_file(&tile).expect("removed");
    let reply = acme.publish("acme/notes", "1.1.0", "text");
    assert_eq!(reply.status, 201, "{}", reply.text());
    audit(&world);
}

#[test]
fn a_publish_whose_checkpoint_could_not_be_published_shows_once_it_can() {
    let world = World::new();
    let acme = world.publisher("acme");
    assert_eq!(acme.publish("acme/notes", "1.0.0", "text").status, 201);
    let _ = world.get("/index/acme/notes"); // in memory now
    let checkpoint = world.config.data.join("log/checkpoint");
    let kept = fs::read(&checkpoint).expect("read");
    fs::remove_file(&checkpoint).expect("removed");
    fs::create_dir(&checkpoint).expect("a folder in its place");
    fs::write(checkpoint.join("x"), b"so that it cannot be replaced").expect("written");
    // The statement is committed by now, but under no published checkpoint.
    assert_eq!(acme.publish("acme/notes", "1.1.0", "text").code(), "E_UNAVAILABLE");
    assert!(!world.get("/index/acme/notes").text().contains("1.1.0"));
    fs::remove_dir_all(&checkpoint).expect("removed");
    fs::write(&checkpoint, kept).expect("restored");
    // Reading is enough: whoever asks for what is committed has it published first.
    assert!(world.get("/index/acme/notes").text().contains("1.1.0"));
    let again = acme.publish("acme/notes", "1.1.0", "text");
    assert_eq!(again.status, 200, "{}", again.text());
    audit(&world);
}
