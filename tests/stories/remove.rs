//! Removing a skill.

use skill_tests::World;

#[test]
fn a_removed_skill_is_gone_and_what_it_alone_needed_too() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("base", "1.0.0");
    ada.publish(ada.writes("notes", "1.0.0").needs_too("ada/base", "^1")).ok();
    let _ = ada.publishes("other", "1.0.0");
    let project = rob.project("site");
    project.skill(&["install", "ada/notes", "ada/other"]).ok();
    project.write(".agents/skills/mine/SKILL.md", "not installed by skill");
    project.skill(&["remove", "ada/notes"]).ok();
    assert!(!project.has(".agents/skills/notes") && !project.has(".agents/skills/base"));
    assert!(project.has(".agents/skills/other/SKILL.md") && project.has(".agents/skills/mine/SKILL.md"));
    project.skill(&["remove", "ada/notes"]).refused(3, "E_NOT_INSTALLED");
}

#[test]
fn an_edited_copy_is_kept() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.skill(&["install", "ada/notes", "--copy"]).ok();
    project.write(".agents/skills/notes/SKILL.md", "edited");
    project.skill(&["remove", "ada/notes"]).ok().says("was changed and is kept");
    assert_eq!(project.read(".agents/skills/notes/SKILL.md"), "edited");
}
