//! Moving the lock file within its ranges.

use skill_tests::World;

#[test]
fn an_update_stays_within_the_range() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.write("skills.toml", "[skills]\n\"ada/notes\" = \"^1\"\n");
    project.skill(&["install"]).ok();
    let _ = ada.publishes("notes", "1.1.0");
    let _ = ada.publishes("notes", "2.0.0");
    project.skill(&["install"]).ok();
    assert!(project.read("skills.lock").contains("version = \"1.0.0\""), "an install keeps what is locked");
    project.skill(&["update", "--dry-run"]).ok().says("1.1.0");
    assert!(project.read("skills.lock").contains("version = \"1.0.0\""));
    let updated = project.skill(&["update"]).ok();
    insta::assert_snapshot!(updated.redacted(&world.redactions()));
    assert!(project.read("skills.lock").contains("version = \"1.1.0\""));
    project.skill(&["verify"]).ok();
}
