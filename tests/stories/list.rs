//! What is installed.

use skill_tests::World;

#[test]
fn a_listing_is_one_line_each_and_json_on_request() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let _ = ada.publishes("base", "2.0.0");
    let project = rob.project("site");
    project.skill(&["install", "ada/notes", "ada/base", "--agent", "claude-code"]).ok();
    let listed = project.skill(&["list"]).ok();
    insta::assert_snapshot!(listed.redacted(&world.redactions()));
    let json = project.skill(&["list", "--json"]).ok().json();
    assert_eq!(json["schema"], "skill.list/1");
    assert_eq!(json["items"].as_array().expect("items").len(), 2);
}

#[test]
fn nothing_installed_is_an_empty_listing() {
    let world = World::start();
    let listed = world.reader("rob").project("site").skill(&["list", "--json"]).ok();
    assert_eq!(listed.json()["items"].as_array().expect("items").len(), 0);
}
