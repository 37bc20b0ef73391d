//! Packing.

use std::process::Command;

use skill_tests::{Person, World, programs, skills};

#[test]
fn a_package_depends_on_nothing_but_its_files() {
    let nina = Person::alone("nina");
    let source = programs::root().join("examples/changelog-writer");
    let copy = nina.place("elsewhere").join("changelog-writer");
    skills::copy(&source, &copy);
    let file = |name: &str| nina.place("out").join(name).to_string_lossy().into_owned();
    nina.skill(&["pack", &source.to_string_lossy(), "-o", &file("a.tar.gz")]).ok();
    let line = format!(
        "umask 077; exec '{}' pack '{}' -o '{}'",
        programs::skill().display(),
        copy.display(),
        file("b.tar.gz")
    );
    let status = Command::new("sh")
        .args(["-c", &line])
        .env_clear()
        .envs(nina.environment().iter().cloned())
        .env("TZ", "Asia/Tokyo")
        .status();
    assert!(status.expect("sh runs").success());
    let [a, b] = ["a.tar.gz", "b.tar.gz"].map(|name| std::fs::read(file(name)).expect("a package"));
    assert!(a == b, "the same files give the same bytes");
    nina.skill(&["check", &file("a.tar.gz")]).ok();
}

#[test]
fn what_is_left_out_is_named() {
    let world = World::start();
    let ada = world.owner("ada");
    let skill = ada.writes("notes", "1.0.0");
    skill.file(".secret", "x").file("evals/case.json", "{}").file("draft.tmp", "x").file(".skillignore", "*.tmp\n");
    let out = world.place("out").join("n.tar.gz").to_string_lossy().into_owned();
    let packed = ada.skill(&["pack", &skill.path(), "-o", &out]).ok();
    packed.says(".secret").says("evals").says("draft.tmp");
}

#[test]
fn a_link_is_an_error() {
    let world = World::start();
    let ada = world.owner("ada");
    let skill = ada.writes("notes", "1.0.0");
    std::os::unix::fs::symlink("/etc/passwd", skill.folder.join("passwd")).expect("a link");
    ada.skill(&["pack", &skill.path()]).refused(1, "E_SYMLINK");
}
