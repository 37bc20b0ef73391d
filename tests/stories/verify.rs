//! Verifying what is installed. What goes wrong is in `tampering`.

use skill_tests::World;

#[test]
fn what_was_installed_verifies_also_without_a_network() {
    let mut world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).ok();
    let verified = project.skill(&["verify"]).ok();
    insta::assert_snapshot!(verified.redacted(&world.redactions()));
    world.registry.stop();
    project.skill(&["verify", "--offline"]).ok();
    assert_eq!(project.skill(&["verify", "--json", "--offline"]).ok().json()["schema"], "skill.verify/1");
}
