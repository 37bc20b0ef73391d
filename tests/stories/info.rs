//! What people want to read about a skill.

use skill_tests::World;

#[test]
fn it_shows_versions_digests_and_who_signed() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let _ = ada.publishes("notes", "1.1.0");
    let info = rob.skill(&["info", "ada/notes"]).ok();
    insta::assert_snapshot!(info.redacted(&world.redactions()));
    let json = rob.skill(&["info", "ada/notes", "--json"]).ok().json();
    assert_eq!(json["schema"], "skill.info/1");
    rob.skill(&["info", "ada/note"]).refused(3, "E_NOT_FOUND");
}
