//! Drift between folders and lock file.

use skill_tests::World;

#[test]
fn a_missing_and_an_edited_skill_are_told_apart() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    for name in ["kept", "edited", "missing"] {
        let _ = ada.publishes(name, "1.0.0");
    }
    let project = rob.project("site");
    project.skill(&["install", "ada/kept", "ada/edited", "ada/missing", "--copy", "--agent", "codex"]).ok();
    project.write(".agents/skills/edited/SKILL.md", "edited");
    std::fs::remove_dir_all(project.path(".agents/skills/missing")).expect("a folder");
    let status = project.skill(&["status"]).ok();
    insta::assert_snapshot!(status.redacted(&world.redactions()));
}
