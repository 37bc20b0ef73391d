//! Reading a skill without installing it.

use skill_tests::World;

#[test]
fn a_skill_is_printed_and_nothing_is_installed() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.skill(&["use", "ada/notes", "--print"]).ok().says("Do the thing well.");
    assert!(project.contents().is_empty());
}
