//! The main story once more, with the registry's state in PostgreSQL.

use skill_tests::World;

#[test]
fn publishing_installing_and_yanking_work_on_postgresql() {
    let world = World::on_postgres();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("base", "1.0.0");
    ada.publish(ada.writes("notes", "1.0.0").needs_too("ada/base", "^1")).ok();
    ada.publish(ada.writes("notes", "1.1.0").needs_too("ada/base", "^1")).ok();
    assert!(!world.registry.data().join("registry.db").exists(), "nothing is in SQLite");
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).ok();
    assert!(project.read("skills.lock").contains("1.1.0") && project.has(".agents/skills/base/SKILL.md"));
    project.skill(&["verify"]).ok();
    ada.skill(&["yank", "ada/notes@1.1.0", "--reason", "broken"]).ok();
    let fresh = rob.project("fresh");
    fresh.skill(&["install", "ada/notes"]).ok();
    assert!(
        fresh.read("skills.lock").contains("name = \"ada/notes\"\nversion = \"1.0.0\""),
        "{}",
        fresh.read("skills.lock")
    );
    let found = rob.skill(&["search", "notes", "--json"]).ok().json();
    assert_eq!(found["items"][0]["id"], "ada/notes");
    ada.skill(&["owner", "ls", "ada"]).ok().says("ada");
}
