//! The graph of dependencies.

use skill_tests::World;

#[test]
fn who_needs_whom_is_drawn() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("base", "1.0.0");
    ada.publish(ada.writes("notes", "1.0.0").needs_too("ada/base", "^1")).ok();
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).ok();
    let drawn = project.skill(&["tree"]).ok();
    insta::assert_snapshot!(drawn.redacted(&world.redactions()));
}
