//! Running a command with exactly these skills.

use skill_tests::World;

#[test]
fn the_command_sees_the_skill_and_its_exit_status_comes_back() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    let outcome = project.skill(&["run", "ada/notes", "--", "sh", "-c", "find . -name SKILL.md | head -1; exit 7"]);
    assert_eq!(outcome.status, 7, "{outcome}");
    assert!(project.contents().is_empty(), "nothing stays");
}
