//! What could be newer.

use skill_tests::World;

#[test]
fn newer_and_yanked_versions_are_listed() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let _ = ada.publishes("base", "1.0.0");
    let project = rob.project("site");
    project.skill(&["install", "ada/notes@^1", "ada/base@^1"]).ok();
    project.skill(&["outdated", "--exit-code"]).ok();
    let _ = ada.publishes("notes", "1.1.0");
    let _ = ada.publishes("notes", "2.0.0");
    let listed = project.skill(&["outdated"]).ok().says("1.1.0").says("2.0.0").does_not_say("ada/base");
    insta::assert_snapshot!(listed.redacted(&world.redactions()));
    assert_eq!(project.skill(&["outdated", "--exit-code"]).status, 8);
}
