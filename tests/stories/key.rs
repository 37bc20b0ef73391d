//! Signing keys.

use std::os::unix::fs::PermissionsExt as _;

use skill_tests::{Owner, Person, Stranger, World};

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

/// The id of a key of somebody's.
fn keyid(person: &Person, name: &str) -> String {
    let exported = person.skill(&["key", "export", name, "--json"]).ok().json();
    exported["keyid"].as_str().expect("an id").to_owned()
}

/// Ada, whose scope has the owner keys of ada and bob.
fn ada_and_bob(world: &World) -> (Owner, Stranger) {
    let (ada, bob) = (world.owner("ada"), world.stranger("bob"));
    ada.skill(&["owner", "add", "ada", "bob"]).ok();
    bob.skill(&["key", "new", "bob", "--no-passphrase"]).ok();
    let file = world.place("files").join("bob.json").to_string_lossy().into_owned();
    bob.skill(&["key", "enroll", "ada", "--request", &file]).ok();
    ada.skill(&["key", "enroll", "ada", "--cosign", &file, "--yes"]).ok();
    (ada, bob)
}

#[test]
fn a_rotated_key_hands_its_roles_to_the_new_one() {
    let world = World::start();
    let ada = world.owner("ada");
    let _ = ada.publishes("notes", "1.0.0");
    ada.skill(&["key", "new", "laptop", "--no-passphrase"]).ok();
    ada.skill(&["key", "rotate", "ada", "--to", "laptop", "--dry-run"]).ok().says("drops key").says("adds key");
    ada.skill(&["key", "rotate", "ada", "--to", "ada"]).refused(2, "E_USAGE").says("enrolled");
    ada.skill(&["key", "rotate", "ada", "--to", "laptop"]).ok().says("Rotated");
    let listed = ada.skill(&["key", "ls", "ada", "--json"]).ok().json();
    assert_eq!(listed["keys"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!((&listed["keys"][0]["name"], &listed["keys"][0]["roles"][0]), (&"laptop".into(), &"owner".into()));
    let mut skill = ada.writes("notes", "1.0.0");
    skill.version("1.1.0");
    ada.skill(&["publish", &skill.path(), "--key", "ada"]).refused(6, "E_KEY_UNKNOWN");
    ada.publish(&skill).ok();
    let site = ada.project("site");
    site.skill(&["install", "ada/notes@1.0.0"]).ok();
}

#[test]
fn two_owners_sign_a_change_through_a_file() {
    let world = World::start();
    let (ada, bob) = ada_and_bob(&world);
    let rob = world.reader("rob");
    ada.skill(&["key", "threshold", "ada", "3"]).refused(2, "E_USAGE").says("from 1 to 2");
    ada.skill(&["key", "threshold", "ada", "2"]).ok().says("skill key recovery add ada KEY");
    ada.skill(&["key", "threshold", "ada", "1"]).refused(6, "E_THRESHOLD").says("1 of 2").says("--out FILE");
    let file = world.place("files").join("change.json").to_string_lossy().into_owned();
    let bobs = keyid(&bob, "bob");
    ada.skill(&["key", "threshold", "ada", "1", "--out", &file]).ok().says(&bobs).says("skill key cosign");
    ada.skill(&["key", "submit", &file]).refused(6, "E_THRESHOLD").says(&bobs);
    ada.skill(&["key", "cosign", &file, "--yes"]).ok().says("already").says(&bobs);
    rob.skill(&["key", "cosign", &file, "--yes"]).refused(4, "E_NOT_ENROLLED");
    rob.skill(&["key", "new", "rob", "--no-passphrase"]).ok();
    rob.skill(&["key", "cosign", &file, "--key", "rob", "--yes"]).refused(6, "E_KEY_ROLE");
    bob.skill(&["key", "cosign", &file])
        .refused(2, "E_NEEDS_INPUT")
        .says("1 owner key must sign a change instead of 2");
    bob.skill(&["key", "cosign", &file, "--yes"]).ok().says("skill key submit");
    bob.skill(&["key", "submit", &file, "--dry-run"]).ok().says("Would send");
    ada.skill(&["key", "submit", &file]).ok().says("instead of 2");
    ada.skill(&["key", "submit", &file]).refused(5, "E_SEQ");
    assert_eq!(ada.skill(&["key", "ls", "ada", "--json"]).ok().json()["threshold"], 1);
}

#[test]
fn with_two_owner_keys_at_hand_one_command_signs_with_both() {
    let world = World::start();
    let ada = world.owner("ada");
    ada.skill(&["key", "new", "spare", "--no-passphrase"]).ok();
    ada.skill(&["key", "enroll", "ada", "--key", "spare"]).ok();
    ada.skill(&["key", "threshold", "ada", "2"]).ok();
    ada.skill(&["key", "new", "ci", "--no-passphrase"]).ok();
    ada.skill(&["key", "enroll", "ada", "--key", "ci", "--role", "publish"]).ok();
    let spare = keyid(&ada, "spare");
    ada.skill(&["key", "revoke", "ada", &spare, "--yes"])
        .refused(5, "E_LAST_OWNER")
        .says("1 owner key would be left of 2");
    ada.skill(&["key", "threshold", "ada", "1"]).ok();
    ada.skill(&["key", "revoke", "ada", &spare, "--yes"]).ok();
}

#[test]
fn a_recovered_key_waits_and_the_owners_can_object() {
    let world = World::start();
    let ada = world.owner("ada");
    let _ = ada.publishes("notes", "1.0.0");
    for name in ["rescue", "fresh"] {
        ada.skill(&["key", "new", name, "--no-passphrase"]).ok();
    }
    let recover = ["key", "recover", "ada", "--recovery-key", "rescue", "--to", "fresh"];
    ada.skill(&recover).refused(6, "E_KEY_ROLE").says("skill key recovery ls ada");
    ada.skill(&["key", "recovery", "add", "ada", "rescue", "--delay", "23h"]).refused(2, "E_USAGE");
    ada.skill(&["key", "recovery", "add", "ada", "ada"]).refused(2, "E_USAGE").says("not enrolled");
    let public = ada.home.join(".config/skill/keys/rescue.pub").to_string_lossy().into_owned();
    ada.skill(&["key", "recovery", "add", "ada", &public]).ok().says("72 hours");
    ada.skill(&["key", "recovery", "add", "ada", "rescue", "--delay", "3d"]).refused(2, "E_USAGE");
    ada.skill(&["key", "recovery", "ls", "ada"]).ok().says("72 hours");

    ada.skill(&recover).ok().says("can object");
    let listed = ada.skill(&["key", "ls", "ada"]).ok();
    listed
        .says("valid from")
        .says("delay of 72 hours")
        .says("1 of 1 owner keys")
        .says("a recovery of ada is under way");
    let mut skill = ada.writes("notes", "1.0.0");
    skill.version("1.1.0");
    ada.skill(&["publish", &skill.path(), "--key", "fresh"]).refused(6, "E_KEY_ROLE").says("valid only from");
    let fresh = keyid(&ada, "fresh");
    ada.publish(&skill).ok().says("a recovery of ada is under way").says(&format!("skill key revoke ada {fresh}"));

    ada.skill(&["key", "revoke", "ada", &fresh, "--yes"]).ok().does_not_say("under way");
    let rescue = keyid(&ada, "rescue");
    ada.skill(&["key", "recovery", "rm", "ada", &rescue]).ok();
    ada.skill(&["key", "recovery", "ls", "ada"]).ok().says("Nothing");
    ada.skill(&recover).refused(6, "E_KEY_ROLE");
    ada.skill(&["key", "ls", "ada"]).ok().does_not_say("under way");
}

#[test]
fn a_recovery_with_a_key_of_another_machine_goes_through_a_file() {
    let world = World::start();
    let (ada, bob) = ada_and_bob(&world);
    for name in ["rescue", "fresh"] {
        ada.skill(&["key", "new", name, "--no-passphrase"]).ok();
    }
    bob.skill(&["key", "new", "fresh", "--no-passphrase"]).ok();
    ada.skill(&["key", "recovery", "add", "ada", "rescue"]).ok();
    let other = bob.skill(&["key", "export", "fresh"]).ok().stdout;
    let recover = ["key", "recover", "ada", "--recovery-key", "rescue", "--to", "fresh", "--to", other.trim()];
    ada.skill(&recover).refused(6, "E_THRESHOLD").says("must sign for themselves");
    let file = world.place("files").join("recovery.json").to_string_lossy().into_owned();
    ada.skill(&[&recover[..], &["--out", &file]].concat()).ok().says(&keyid(&bob, "fresh"));
    bob.skill(&["key", "cosign", &file, "--key", "bob", "--yes"]).refused(6, "E_KEY_ROLE");
    bob.skill(&["key", "cosign", &file, "--yes"]).ok().says("with key fresh").says("skill key submit");
    bob.skill(&["key", "submit", &file]).ok();
    assert_eq!(ada.skill(&["key", "ls", "ada", "--json"]).ok().json()["keys"].as_array().map(Vec::len), Some(4));
}
