//! Resolving without installing.

use skill_tests::World;

#[test]
fn locking_writes_the_lock_file_and_no_folder() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.write("skills.toml", "[skills]\n\"ada/notes\" = \"^1\"\n");
    project.skill(&["lock"]).ok();
    let locked = project.read("skills.lock");
    assert!(!project.has(".agents"));
    project.skill(&["lock"]).ok();
    assert_eq!(project.read("skills.lock"), locked, "the same again");
    insta::assert_snapshot!(redact(&locked, &world));
}

fn redact(text: &str, world: &World) -> String {
    let log =
        world.registry.get("/.well-known/skill-registry").json()["origin"].as_str().expect("an origin").to_owned();
    skill_tests::run::general(&text.replace(&log, "[origin]"))
}
