//! Signing keys.

use std::os::unix::fs::PermissionsExt as _;

use skill_tests::{Person, World};

#[test]
fn a_key_is_a_private_file_and_its_id_is_what_openssl_says() {
    let nina = Person::alone("nina");
    nina.skill(&["key", "new", "work", "--no-passphrase"]).ok();
    let file = nina.home.join(".config/skill/keys/work.pem");
    assert_eq!(std::fs::metadata(&file).expect("a key").permissions().mode() & 0o777, 0o600);
    let listed = nina.skill(&["key", "ls", "--json"]).ok().json();
    assert_eq!(listed["items"][0]["name"], "work");
    nina.skill(&["key", "new", "work", "--no-passphrase"]).refused(5, "E_EXISTS");
}

#[test]
fn an_exported_key_is_the_public_half() {
    let nina = Person::alone("nina");
    nina.skill(&["key", "new", "work", "--no-passphrase"]).ok();
    nina.skill(&["key", "export", "work"]).ok().says("ed25519:").does_not_say("PRIVATE");
}

#[test]
fn a_passphrase_never_comes_by_a_flag_and_is_needed_to_sign() {
    let world = World::start();
    let ada = world.stranger("ada");
    let file = world.place("secrets").join("passphrase");
    std::fs::write(&file, "correct horse\n").expect("a file");
    let path = file.to_string_lossy().into_owned();
    ada.skill(&["key", "new", "ada", "--passphrase-file", &path]).ok();
    let pem = std::fs::read_to_string(ada.home.join(".config/skill/keys/ada.pem")).expect("a key");
    assert!(pem.contains("ENCRYPTED"), "{pem}");
    ada.skill(&["key", "enroll", "ada"]).refused(2, "E_NEEDS_INPUT").says("--passphrase-file");
    std::fs::write(&file, "wrong\n").expect("a file");
    ada.skill(&["key", "enroll", "ada", "--passphrase-file", &path]).refused(4, "E_PASSPHRASE");
}

#[test]
fn two_people_enrol_a_key_together() {
    let world = World::start();
    let (ada, bob) = (world.owner("ada"), world.stranger("bob"));
    ada.skill(&["owner", "add", "ada", "bob"]).ok();
    bob.skill(&["key", "new", "bob", "--no-passphrase"]).ok();
    bob.skill(&["key", "enroll", "ada"]).refused(4, "E_NOT_ENROLLED").says("--request");
    let file = world.place("requests").join("bob.json").to_string_lossy().into_owned();
    bob.skill(&["key", "enroll", "ada", "--role", "publish", "--request", &file]).ok();
    ada.skill(&["key", "enroll", "ada", "--cosign", &file]).refused(2, "E_NEEDS_INPUT");
    ada.skill(&["key", "enroll", "ada", "--cosign", &file, "--yes"]).ok().says("publish");
    ada.skill(&["key", "enroll", "ada", "--cosign", &file, "--yes"]).refused(5, "E_SEQ");
    let skill = ada.writes("notes", "1.0.0");
    bob.skill(&["publish", &skill.path()]).ok();
    bob.skill(&["yank", "ada/notes@1.0.0", "--reason", "other"]).refused(4, "E_NOT_ENROLLED");
}

#[test]
fn a_stolen_key_is_revoked_with_what_it_signed() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    ada.skill(&["key", "new", "ci", "--no-passphrase"]).ok();
    ada.skill(&["key", "enroll", "ada", "--key", "ci", "--role", "publish"]).ok();
    let skill = ada.writes("notes", "1.0.0");
    ada.skill(&["publish", &skill.path(), "--key", "ada"]).ok();
    let mut skill = ada.writes("notes", "1.0.0");
    skill.version("1.1.0");
    let signed = ada.skill(&["publish", &skill.path(), "--key", "ci", "--json"]).ok().json();
    let (id, seq) = (&signed["key"]["keyid"], &signed["statement"]["seq"]);
    let (id, seq) = (id.as_str().expect("an id"), seq.to_string());
    ada.skill(&["key", "revoke", "ada", id, "--from-seq", &seq]).refused(2, "E_NEEDS_INPUT").says("ada/notes@1.1.0");
    ada.skill(&["key", "revoke", "ada", id, "--from-seq", &seq, "--yes"]).ok();
    skill.version("1.2.0");
    ada.skill(&["publish", &skill.path(), "--key", "ci"]).refused(6, "E_KEY_REVOKED");
    ada.skill(&["key", "enroll", "ada", "--key", "ci"]).refused(6, "E_KEY_REVOKED");
    let site = rob.project("site");
    site.skill(&["install", "ada/notes"]).ok();
    assert!(site.read("skills.lock").contains("version = \"1.0.0\""));
}

#[test]
fn the_last_owner_key_is_not_revoked() {
    let world = World::start();
    let ada = world.owner("ada");
    let keys = ada.skill(&["key", "ls", "--json"]).ok().json();
    let id = keys["items"][0]["keyid"].as_str().expect("an id");
    ada.skill(&["key", "revoke", "ada", id, "--yes"]).refused(5, "E_LAST_OWNER");
}

#[test]
fn a_scope_without_a_trusted_key_is_refused() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let site = rob.project("site");
    rob.skill(&["key", "trust", "ada", &"0".repeat(64)]).ok();
    site.skill(&["install", "ada/notes"]).refused(6, "E_KEY_PINNED");
    let key = ada.skill(&["key", "export", "ada"]).ok().stdout;
    rob.skill(&["key", "trust", "ada", key.trim()]).ok();
    site.skill(&["install", "ada/notes"]).ok();
}
