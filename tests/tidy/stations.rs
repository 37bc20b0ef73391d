//! One operation, one name, five stations: the same file name in the contracts, the client's commands, the registry's routes and
//! the stories.

use std::path::Path;

use crate::sources;

/// Contracts that lack a station of their own, each with the reason: (contract, folder, reason).
const WITHOUT: &[(&str, &str, &str)] = &[
    ("blob", "client/src/commands", "read by every command that installs; skill cache looks after what was read"),
    ("index", "client/src/commands", "read by every command that resolves"),
    ("well_known", "client/src/commands", "read on first contact: skill registry add, skill registry ping"),
    ("scope", "client/src/commands", "skill key enroll and its siblings send it"),
    ("job", "client/src/commands", "skill publish queues one and waits for it"),
    ("log", "client/src/commands", "read by every command that asks a registry"),
    ("snapshot", "client/src/commands", "for auditors and mirrors"),
];

const STATIONS: &[&str] = &["client/src/commands", "registry/src/routes", "tests/stories"];

fn contracts() -> Vec<String> {
    let folder = sources::root().join("schema/src/api");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("the contracts")
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    assert!(names.len() >= 10, "{names:?}");
    names
}

fn stands(folder: &str, name: &str) -> bool {
    Path::new(&sources::root()).join(folder).join(format!("{name}.rs")).is_file()
}

#[test]
fn every_contract_has_its_stations() {
    let missing: Vec<String> = contracts()
        .iter()
        .flat_map(|name| STATIONS.iter().map(move |folder| (name, *folder)))
        .filter(|(name, folder)| !WITHOUT.iter().any(|(n, f, _)| n == name && f == folder))
        .filter(|(name, folder)| !stands(folder, name))
        .map(|(name, folder)| format!("{folder}/{name}.rs"))
        .collect();
    sources::none(&missing, "files that a contract in schema/src/api asks for");
}

#[test]
fn every_command_has_a_story() {
    let folder = sources::root().join("client/src/commands");
    let mut missing = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the commands") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if path.extension().is_some_and(|e| e == "rs") && !stands("tests/stories", &name) {
            missing.push(format!("tests/stories/{name}.rs"));
        }
    }
    sources::none(&missing, "stories that a command asks for");
}

#[test]
fn no_exception_outlives_its_reason() {
    for (name, folder, _) in WITHOUT {
        assert!(!stands(folder, name), "{folder}/{name}.rs stands by now: drop it from WITHOUT");
    }
}

#[test]
fn every_contract_is_the_reference_of_its_routes() {
    for name in contracts() {
        let text = sources::read(&format!("schema/src/api/{name}.rs"));
        assert!(
            text.starts_with("//! `") && text.contains("ROUTE"),
            "{name}: the comment begins with method and route"
        );
    }
}
