//! Starting a project, or making a skill folder publishable.

use skill_tests::{Person, World};

#[test]
fn a_folder_with_a_skill_gets_a_manifest() {
    let world = World::start();
    let ada = world.owner("ada");
    let skill = ada.writes("notes", "1.0.0");
    std::fs::remove_file(skill.folder.join("skill.toml")).expect("there is one");
    ada.skill_in(&skill.folder, &["init", "--name", "ada/notes"]).ok();
    ada.publish(&skill).ok();
}

#[test]
fn a_folder_without_one_becomes_a_project() {
    let nina = Person::alone("nina");
    let project = nina.project("site");
    project.skill(&["init"]).ok();
    assert!(project.read("skills.toml").contains("[skills]"));
    project.skill(&["init"]).refused(5, "E_EXISTS");
}
