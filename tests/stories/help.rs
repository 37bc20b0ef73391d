//! Help.

use skill_tests::{Person, programs};

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

#[test]
fn the_reference_of_all_commands_is_current() {
    let text = Person::alone("nina").skill(&["help", "--markdown"]).ok().stdout;
    let file = programs::root().join("docs/cli.md");
    #[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the product")]
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &text).expect("a writable document");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == text, "docs/cli.md is stale: run `just docs`");
}

#[test]
fn topics_and_commands_are_found() {
    let nina = Person::alone("nina");
    nina.skill(&["help", "exit-codes"]).ok().says("130  interrupted");
    nina.skill(&["help", "key", "new"]).ok().says("Usage: skill key new");
    nina.skill(&["help", "instal"]).refused(2, "E_TOPIC_UNKNOWN").says("did you mean install?");
}
