//! Advising against a skill.

use skill_tests::World;

#[test]
fn a_deprecated_skill_says_so_and_still_installs() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let _ = ada.publishes("better-notes", "1.0.0");
    ada.skill(&["deprecate", "ada/notes", "--reason", "no longer kept up", "--replaced-by", "ada/better-notes"]).ok();
    rob.skill(&["info", "ada/notes"]).ok().says("no longer kept up").says("ada/better-notes");
    rob.project("site").skill(&["install", "ada/notes"]).ok().says("deprecated");
    ada.skill(&["deprecate", "ada/notes", "--undo"]).ok();
    rob.skill(&["info", "ada/notes"]).ok().does_not_say("no longer kept up");
}

#[test]
fn a_stranger_cannot_deprecate() {
    let world = World::start();
    let (ada, eve) = (world.owner("ada"), world.stranger("eve"));
    let _ = ada.publishes("notes", "1.0.0");
    eve.skill(&["deprecate", "ada/notes", "--reason", "envy"]).refused(4, "E_NOT_OWNER");
}
