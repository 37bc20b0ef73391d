//! Witnesses: a registry whose checkpoints somebody else signs too, and what that somebody notices.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use skill_bundle::{log::checkpoint::Signed, note::VerifierKey};
use skill_tests::{World, http};

/// The published checkpoint.
fn checkpoint(world: &World) -> Signed {
    Signed::parse(&world.registry.get("/log/checkpoint").body).expect("a checkpoint")
}

/// Whether the witness has cosigned it.
fn is_cosigned(signed: &Signed, witness: &str) -> bool {
    let key: VerifierKey = witness.parse().expect("a key");
    signed.note().verify(&key).expect("no false signature").is_some()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).expect("copied");
        }
    }
}

#[test]
fn a_witness_signs_what_the_registry_publishes() {
    let (world, witness) = World::witnessed();
    let key = witness.key();
    let shown = world.registry.get("/.well-known/skill-registry").json();
    assert_eq!((shown["quorum"].as_u64(), shown["witnesses"][0].as_str()), (Some(1), Some(key.as_str())));
    let before = checkpoint(&world);
    assert!(is_cosigned(&before, &key));
    let _ = world.owner("ada").publishes("notes", "1.0.0");
    let after = checkpoint(&world);
    assert!(is_cosigned(&after, &key) && after.checkpoint.size > before.checkpoint.size);
    let about = http::send(witness.address(), "GET", "/", &[], b"").text();
    assert!(about.contains(&key) && about.contains(&format!(" {}\n", after.checkpoint.size)), "{about}");
}

#[test]
fn a_witness_that_is_down_does_not_stop_publishing() {
    let (mut world, mut witness) = World::witnessed();
    let key = witness.key();
    witness.kill();
    let ada = world.owner("ada");
    let _ = ada.publishes("notes", "1.0.0");
    assert!(!is_cosigned(&checkpoint(&world), &key));
    // The next start asks again, and does without an answer too.
    assert_eq!(world.registry.stop(), 0);
    world.registry.start();
    witness.start();
    assert_eq!(world.registry.stop(), 0);
    world.registry.start();
    assert!(is_cosigned(&checkpoint(&world), &key));
}

#[test]
fn a_registry_that_was_restored_from_yesterday_does_not_start() {
    let (mut world, _witness) = World::witnessed();
    let ada = world.owner("ada");
    let _ = ada.publishes("notes", "1.0.0");
    assert_eq!(world.registry.stop(), 0);
    let data = world.registry.data().to_owned();
    let yesterday = world.place("backup").join("data");
    copy(&data, &yesterday);
    world.registry.start();
    let _ = ada.publishes("notes", "1.1.0");
    assert_eq!(world.registry.stop(), 0);
    let today = world.place("backup").join("today");
    fs::rename(&data, &today).expect("moved");
    copy(&yesterday, &data);
    let outcome = world.registry.serve_to_the_end().refused(6, "E_LOG_ROLLBACK");
    assert!(outcome.stderr.contains("witness.test/w1"), "{outcome}");
    // Nothing was lost by it: today's copy still starts.
    fs::remove_dir_all(&data).expect("removed");
    fs::rename(&today, &data).expect("moved");
    world.registry.start();
}

#[test]
fn a_history_that_was_written_anew_while_the_witness_was_away_is_noticed() {
    let (mut world, mut witness) = World::witnessed();
    let ada = world.owner("ada");
    assert_eq!(world.registry.stop(), 0);
    let data = world.registry.data().to_owned();
    let yesterday = world.place("backup").join("data");
    copy(&data, &yesterday);
    world.registry.start();
    let _ = ada.publishes("notes", "1.0.0");
    let lost = checkpoint(&world).checkpoint;
    assert_eq!(world.registry.stop(), 0);
    fs::remove_dir_all(&data).expect("removed");
    copy(&yesterday, &data);
    witness.kill();
    world.registry.start();
    // As many statements as were lost, and then more.
    let bob = world.owner("bob");
    for more in [0, 1] {
        let now = checkpoint(&world).checkpoint;
        assert_eq!((now.size, now.root != lost.root), (lost.size + more, true));
        assert_eq!(world.registry.stop(), 0);
        witness.start();
        let outcome = world.registry.serve_to_the_end().refused(6, "E_LOG_ROLLBACK");
        assert!(outcome.stderr.contains("not our first ones"), "{outcome}");
        witness.kill();
        world.registry.start();
        if more == 0 {
            let _ = bob.publishes("notes", "1.0.0");
        }
    }
}

#[test]
fn a_witness_that_was_killed_remembers_what_it_signed() {
    let (world, mut witness) = World::witnessed();
    let signed = checkpoint(&world);
    for _ in 0..3 {
        witness.kill();
        witness.start();
        let body = format!("old 0\n\n{}", world.registry.get("/log/checkpoint").text());
        let answer = http::send(witness.address(), "POST", "/add-checkpoint", &[], body.as_bytes());
        assert_eq!((answer.status, answer.header("content-type")), (409, Some("text/x.tlog.size")));
        assert_eq!(answer.text(), format!("{}\n", signed.checkpoint.size));
    }
    let begun = Instant::now();
    let large = http::send(witness.address(), "POST", "/add-checkpoint", &[], &vec![b'x'; 200_000]);
    assert_eq!(large.status, 413);
    assert!(begun.elapsed() < Duration::from_secs(20));
}
