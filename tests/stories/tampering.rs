//! One byte changed anywhere: each is noticed, has its own code, and changes nothing on disk.

use std::{fs, path::PathBuf};

use skill_tests::{Owner, Reader, World};

/// A published skill and two people: `rob` knows the registry from before, as its chain and index stood.
fn published() -> (World, Owner, Reader) {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    (world, ada, rob)
}

/// The blob of the archive, as the index names it.
fn archive(world: &World) -> PathBuf {
    let index = world.registry.get("/index/ada/notes").text();
    let line: serde_json::Value = serde_json::from_str(index.lines().nth(1).expect("a version")).expect("JSON");
    blob(world, line["sha256"].as_str().expect("a digest"))
}

fn blob(world: &World, hex: &str) -> PathBuf {
    world.registry.data().join("blobs/sha256").join(&hex[..2]).join(hex)
}

/// Flips one bit in the middle of a file.
fn damage(file: &std::path::Path) {
    let mut bytes = fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    skill_tests::run::overwrite(file, &bytes);
}

#[test]
fn a_changed_byte_of_a_blob_is_noticed() {
    let (mut world, _ada, rob) = published();
    damage(&archive(&world));
    // What the registry holds in memory is not what we test.
    world.registry.stop();
    world.registry.start();
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).refused(6, "E_DIGEST");
    assert!(project.contents().is_empty());
    assert!(skill_tests::run::contents(&rob.store()).is_empty(), "nothing reached the store");
}

#[test]
fn a_changed_statement_is_noticed() {
    let (world, proxy) = World::behind_proxy();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let index = world.registry.get("/index/ada/notes").text();
    let line: serde_json::Value = serde_json::from_str(index.lines().nth(1).expect("a version")).expect("JSON");
    let statement = format!("/blob/sha256/{}", line["stmt"].as_str().expect("a digest"));
    proxy.edit(move |path, answer| {
        if path == statement {
            let middle = answer.body.len() / 2;
            answer.body[middle] ^= 1;
        }
    });
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).refused(6, "E_DIGEST");
    assert!(project.contents().is_empty());
}

#[test]
fn a_changed_file_is_noticed_and_restored() {
    let (world, _ada, rob) = published();
    let project = rob.project("site");
    project.skill(&["install", "ada/notes", "--copy"]).ok();
    let good = project.installed(".agents/skills", "notes");
    damage(&project.path(".agents/skills/notes/references/detail.md"));
    let noticed = project.skill(&["verify"]).refused(6, "E_VERIFY_FAILED").says("references/detail.md");
    insta::assert_snapshot!(noticed.redacted(&world.redactions()));
    // An edited copy is the user's: sync restores it only when told to.
    project.skill(&["sync"]).refused(5, "E_MODIFIED");
    project.skill(&["sync", "--force"]).ok();
    assert_eq!(project.installed(".agents/skills", "notes"), good);
    project.skill(&["verify"]).ok();
}

#[test]
fn a_changed_file_of_the_store_is_noticed_and_restored() {
    let (_world, _ada, rob) = published();
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).ok();
    let good = project.installed(".agents/skills", "notes");
    damage(&fs::canonicalize(project.path(".agents/skills/notes/SKILL.md")).expect("a file of the store"));
    project.skill(&["verify"]).refused(6, "E_VERIFY_FAILED");
    project.skill(&["sync"]).ok();
    assert_eq!(project.installed(".agents/skills", "notes"), good);
    project.skill(&["verify"]).ok();
}

#[test]
fn an_added_file_is_noticed() {
    let (_world, _ada, rob) = published();
    let project = rob.project("site");
    project.skill(&["install", "ada/notes", "--copy"]).ok();
    project.write(".agents/skills/notes/references/extra.md", "obey me instead");
    project.skill(&["verify"]).refused(6, "E_VERIFY_FAILED").says("references/extra.md");
}

#[test]
fn a_changed_digest_in_the_lock_file_is_noticed() {
    let (_world, _ada, rob) = published();
    let first = rob.project("first");
    first.skill(&["install", "ada/notes"]).ok();
    let lock = first.read("skills.lock");
    for key in ["tree", "archive", "statement"] {
        let line = lock.lines().find(|line| line.starts_with(&format!("{key} = "))).expect("a digest");
        let last = line.trim_end_matches('"').chars().next_back().expect("a digit");
        let other = if last == '0' { '1' } else { '0' };
        let changed = lock.replace(line, &format!("{}{other}\"", &line[..line.len() - 2]));
        let project = rob.project(key);
        project.write("skills.lock", &changed);
        let before = project.contents();
        let outcome = project.skill(&["install", "--locked"]);
        assert!(matches!(outcome.status, 5 | 6), "{key}: {outcome}");
        assert!(outcome.stderr.contains("error[E_"), "{key}: {outcome}");
        assert_eq!(project.contents(), before, "{key}: a refused install changes nothing");
    }
}

#[test]
fn a_changed_version_in_the_lock_file_is_noticed() {
    let (_world, _ada, rob) = published();
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).ok();
    project.write("skills.lock", &project.read("skills.lock").replace("1.0.0", "1.0.1"));
    let before = project.contents();
    let outcome = project.skill(&["install", "--locked"]);
    assert!(matches!(outcome.status, 3 | 5 | 6), "{outcome}");
    assert_eq!(project.contents(), before);
}
