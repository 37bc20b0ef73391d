//! Yanking a version and restoring it.

use skill_tests::World;

#[test]
fn a_yanked_version_is_not_chosen_but_a_lock_file_that_names_it_still_installs_it() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let _ = ada.publishes("notes", "1.1.0");
    let locked = rob.project("locked");
    locked.skill(&["install", "ada/notes"]).ok();
    let yanked = ada.skill(&["yank", "ada/notes@1.1.0", "--reason", "broken", "--note", "forgets everything"]).ok();
    insta::assert_snapshot!(yanked.redacted(&world.redactions()));
    let fresh = rob.project("fresh");
    fresh.skill(&["install", "ada/notes"]).ok();
    assert!(fresh.read("skills.lock").contains("version = \"1.0.0\""));
    rob.project("exact").skill(&["install", "ada/notes@1.1.0"]).refused(9, "E_YANKED").says("skill info");
    rob.skill(&["info", "ada/notes", "--versions"]).ok().says("forgets everything");
    let other = rob.project("other");
    other.write("skills.lock", &locked.read("skills.lock"));
    other.skill(&["install", "--locked"]).ok();
    assert!(other.has(".agents/skills/notes/SKILL.md"));
}

#[test]
fn a_yank_can_be_taken_back() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    ada.skill(&["yank", "ada/notes@1.0.0", "--reason", "mistake"]).ok();
    ada.skill(&["yank", "ada/notes@1.0.0", "--reason", "mistake"]).refused(5, "E_STATUS_UNCHANGED");
    ada.skill(&["yank", "ada/notes@1.0.0", "--undo"]).ok();
    rob.project("site").skill(&["install", "ada/notes"]).ok();
}

#[test]
fn a_stranger_cannot_yank() {
    let world = World::start();
    let (ada, eve) = (world.owner("ada"), world.owner("eve"));
    let _ = ada.publishes("notes", "1.0.0");
    let outcome = eve.skill(&["yank", "ada/notes@1.0.0", "--reason", "other"]);
    assert_ne!(outcome.status, 0, "{outcome}");
    assert!(world.registry.get("/index/ada/notes").text().contains("\"st\":\"ok\""));
}
