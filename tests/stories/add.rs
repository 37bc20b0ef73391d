//! Putting a skill into skills.toml.

use skill_tests::World;

#[test]
fn adding_writes_manifest_and_lock_and_installs() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.4.2");
    let project = rob.project("site");
    project.write("skills.toml", "# what this project needs\n[skills]\n\n[project]\nagents = [\"claude-code\"]\n");
    let added = project.skill(&["add", "ada/notes"]).ok();
    insta::assert_snapshot!(added.redacted(&world.redactions()));
    let manifest = project.read("skills.toml");
    assert!(
        manifest.contains("\"ada/notes\" = \"^1.4.2\"") && manifest.contains("# what this project needs"),
        "{manifest}"
    );
    assert!(project.has(".claude/skills/notes/SKILL.md") && !project.has(".agents/skills/notes/SKILL.md"));
}

#[test]
fn an_add_that_fails_leaves_the_manifest_alone() {
    let world = World::start();
    let rob = world.reader("rob");
    let project = rob.project("site");
    project.write("skills.toml", "[skills]\n");
    let before = project.contents();
    project.skill(&["add", "ada/notes"]).refused(3, "E_NOT_FOUND");
    assert_eq!(project.contents(), before);
}

#[test]
fn an_unknown_key_of_the_manifest_is_refused_with_a_suggestion() {
    let world = World::start();
    let rob = world.reader("rob");
    let project = rob.project("site");
    project.write("skills.toml", "[skils]\n\"ada/notes\" = \"^1\"\n");
    project.skill(&["install"]).refused(1, "E_PROJECT").says("skills");
}
