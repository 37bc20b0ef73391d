//! What an operator sees of `skill-registry fsck`.

use std::{fs, thread};

use skill_tests::World;

/// What was printed with `--json`.
fn report(world: &World) -> serde_json::Value {
    serde_json::from_str(&world.registry.fsck(&["--json"]).stdout).expect("JSON")
}

#[test]
fn a_registry_is_sound_while_people_publish() {
    let world = World::start();
    let ada = world.owner("ada");
    thread::scope(|scope| {
        let publishing = scope.spawn(|| {
            for n in 0..12 {
                let _ = ada.publishes("notes", &format!("1.0.{n}"));
            }
        });
        let mut sizes = Vec::new();
        while !publishing.is_finished() {
            world.registry.fsck(&[]).ok();
            sizes.push(report(&world)["size"].as_u64().expect("a size"));
        }
        assert!(sizes.is_sorted() && sizes.len() > 1, "{sizes:?}");
    });
    let outcome = world.registry.fsck(&[]).ok();
    assert!(outcome.stdout.contains("14 statements") && outcome.stdout.contains("ok  versions"), "{outcome}");
}

#[test]
fn a_registry_that_was_killed_is_sound() {
    let mut world = World::start();
    let _ = world.owner("ada").publishes("notes", "1.0.0");
    world.registry.kill();
    world.registry.fsck(&[]).ok();
    world.registry.start();
    world.registry.fsck(&[]).ok();
}

#[test]
fn a_registry_on_postgresql_is_sound() {
    let world = World::on_postgres();
    let _ = world.owner("ada").publishes("notes", "1.0.0");
    world.registry.fsck(&[]).ok();
}

#[test]
fn damage_is_named_and_has_an_exit_status_of_its_own() {
    let mut world = World::start();
    let _ = world.owner("ada").publishes("notes", "1.0.0");
    assert_eq!(world.registry.stop(), 0);
    let tile = world.registry.data().join("log/tile/0/000.p/3");
    let whole = fs::read(&tile).expect("a tile");
    fs::write(&tile, &whole[1..]).expect("written");
    let outcome = world.registry.fsck(&[]).refused(6, "E_DAMAGED");
    assert!(outcome.stderr.contains("log/tile/0/000.p/3") && outcome.stderr.contains("help: "), "{outcome}");
    assert!(outcome.stdout.contains("ok  checkpoint"), "what holds is said too: {outcome}");
    let wrong = &report(&world)["wrong"];
    assert_eq!((wrong["code"].as_str(), wrong["at"].as_str()), (Some("E_DAMAGED"), Some("log/tile/0/000.p/3")));
    // The next start makes the file again.
    world.registry.start();
    world.registry.fsck(&[]).ok();
    assert_eq!(fs::read(&tile).expect("a tile"), whole);
}

#[test]
fn what_cannot_be_read_is_no_damage_and_is_not_made() {
    let mut world = World::start();
    assert_eq!(world.registry.stop(), 0);
    let moved = world.folder().join("moved");
    fs::rename(world.registry.data(), &moved).expect("moved");
    world.registry.fsck(&[]).refused(2, "E_SERVER_CONFIG");
    assert!(!world.registry.data().exists());
}
