//! Starting a skill.

use skill_tests::Person;

#[test]
fn a_new_skill_passes_its_own_check() {
    let nina = Person::alone("nina");
    let project = nina.project("skills");
    project.skill(&["new", "nina/notes"]).ok();
    project.skill(&["check", "notes"]).ok();
    let before = project.contents();
    project.skill(&["new", "nina/notes"]).refused(5, "E_EXISTS");
    assert_eq!(project.contents(), before);
}
