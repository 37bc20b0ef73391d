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
