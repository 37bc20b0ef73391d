//! Help.

use skill_tests::Person;

#[test]
fn no_command_appears_before_it_works() {
    let nina = Person::alone("nina");
    let tree = nina.skill(&["help", "--json"]).ok().json();
    let commands = tree["commands"].as_array().expect("commands");
    assert!(commands.len() > 20, "{tree}");
    for command in commands {
        let name = command["name"].as_str().expect("a name");
        nina.skill(&[name, "--help"]).ok().says("Usage:");
    }
}

#[test]
fn a_mistyped_command_is_corrected() {
    let nina = Person::alone("nina");
    let outcome = nina.skill(&["instal"]);
    assert_eq!(outcome.status, 2, "{outcome}");
    outcome.says("install");
}
