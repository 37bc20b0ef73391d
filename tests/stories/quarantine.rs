//! The operator withholds a version.

use skill_tests::{Person, World};

/// Somebody who operates the registry: with a token for it.
fn operator(world: &World) -> Person {
    let person = world.reader("olga").into_person();
    world.registry.admin(&["user", "add", "olga"]).ok();
    let token = world.registry.admin(&["token", "new", "--user", "olga", "--permission", "admin"]).ok().stdout;
    person.skill_reading(&["login", "--with-token"], &token).ok();
    person
}

#[test]
fn a_quarantined_version_is_installed_by_nobody_until_it_is_given_back() {
    let world = World::start();
    let (ada, rob, olga) = (world.owner("ada"), world.reader("rob"), operator(&world));
    let _ = ada.publishes("notes", "1.0.0");
    let _ = ada.publishes("notes", "1.1.0");
    let locked = rob.project("locked");
    locked.skill(&["install", "ada/notes"]).ok();
    olga.skill(&["quarantine", "ada/notes", "--reason", "malicious"]).refused(2, "E_USAGE");
    ada.skill(&["quarantine", "ada/notes@1.1.0", "--reason", "malicious"]).refused(4, "E_TOKEN_SCOPE");
    let hold = ["quarantine", "ada/notes@1.1.0", "--reason", "malicious", "--note", "sends keys away"];
    olga.skill(&[&hold[..], &["--dry-run"]].concat()).ok().says("Would hold");
    olga.skill(&hold).ok().says("Quarantined ada/notes 1.1.0");
    let fresh = rob.project("fresh");
    fresh.skill(&["install", "ada/notes"]).ok();
    assert!(fresh.read("skills.lock").contains("version = \"1.0.0\""));
    // Even where a lock file names it.
    let kim = world.reader("kim");
    let other = kim.project("other");
    other.write("skills.lock", &locked.read("skills.lock"));
    other.skill(&["install", "--locked"]).refused(9, "E_QUARANTINED");
    rob.skill(&["info", "ada/notes", "--versions"]).ok().says("sends keys away");
    olga.skill(&["quarantine", "ada/notes@1.1.0", "--lift"]).ok().says("Restored");
    other.skill(&["install", "--locked"]).ok();
}

#[test]
fn a_removed_version_has_no_content_any_more() {
    let world = World::start();
    let (ada, olga) = (world.owner("ada"), operator(&world));
    let _ = ada.publishes("notes", "1.0.0");
    let remove = ["quarantine", "ada/notes@1.0.0", "--reason", "legal", "--remove"];
    olga.skill(&remove).refused(2, "E_NEEDS_INPUT");
    olga.skill(&[&remove[..], &["--yes"]].concat()).ok().says("Removed");
    let kim = world.reader("kim");
    let project = kim.project("site");
    let outcome = project.skill(&["install", "ada/notes@1.0.0"]);
    assert!(matches!(outcome.status, 5 | 9), "{outcome}");
    assert!(project.contents().is_empty());
    olga.skill(&["quarantine", "ada/notes@1.0.0", "--lift"]).refused(5, "E_STATUS_UNCHANGED");
    // The number stays taken for ever.
    let mut other = ada.writes("notes", "1.0.0");
    other.version("1.0.0").body("Something else.");
    ada.publish(&other).refused(5, "E_VERSION_EXISTS");
}
