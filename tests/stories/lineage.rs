//! The family of a skill.

use skill_tests::World;

#[test]
fn ancestors_and_forks_are_one_tree_from_wherever_one_looks() {
    let world = World::start();
    let (ada, bob, eve) = (world.owner("ada"), world.owner("bob"), world.owner("eve"));
    let _ = ada.publishes("notes", "1.0.0");
    for (person, of, folder, name) in [
        (&bob, "ada/notes", "notes", "bob"),
        (&eve, "bob/notes", "jots", "eve/jots"),
        (&eve, "ada/notes", "more", "eve/more"),
    ] {
        person.skill(&["fork", of, folder, "--as", name]).ok();
        person.skill(&["publish", folder]).ok();
    }
    let _ = ada.publishes("notes", "1.1.0");
    let reader = world.reader("rob");
    let shown = reader.skill(&["lineage", "bob/notes"]).ok();
    insta::assert_snapshot!(shown.redacted(&world.redactions()));
    for id in ["ada/notes", "eve/jots", "eve/more"] {
        assert_eq!(reader.skill(&["lineage", id]).ok().stdout, shown.stdout, "{id}");
    }
    let json = reader.skill(&["lineage", "ada/notes", "--json"]).ok().json();
    assert_eq!(json["root"]["forks"][0]["forks"][0]["forkOf"], "bob/notes@1.0.0");
    let short = reader.skill(&["lineage", "ada/notes", "--depth", "1"]).ok();
    assert_eq!(short.stdout.lines().count(), 1, "{short}");
    reader.skill(&["lineage", "ada/none"]).refused(3, "E_NOT_FOUND");
}
