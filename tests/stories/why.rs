//! Why a skill is installed.

use skill_tests::World;

#[test]
fn the_way_from_the_project_to_the_skill_is_told() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("base", "1.0.0");
    ada.publish(ada.writes("notes", "1.0.0").needs_too("ada/base", "^1")).ok();
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).ok();
    project.skill(&["why", "ada/base"]).ok().says("ada/notes needs ada/base");
    project.skill(&["why", "ada/absent"]).refused(3, "E_NOT_INSTALLED");
}
