//! Publishing a version.

use skill_tests::World;

#[test]
fn a_new_skill_is_published_and_found_by_others() {
    let world = World::start();
    let (ada, reader) = (world.owner("ada"), world.reader("rob"));
    let skill = ada.writes("notes", "1.0.0");
    let published = ada.publish(&skill).ok();
    insta::assert_snapshot!(published.redacted(&world.redactions()));
    let _ = reader.skill(&["info", "ada/notes"]).ok().says("1.0.0");
}

#[test]
fn a_dry_run_publishes_nothing() {
    let world = World::start();
    let ada = world.owner("ada");
    let skill = ada.writes("notes", "1.0.0");
    ada.skill(&["publish", "--dry-run", &skill.path()]).ok();
    ada.skill(&["info", "ada/notes"]).refused(3, "E_NOT_FOUND");
}

#[test]
fn publishing_the_same_again_succeeds_and_changes_nothing() {
    let world = World::start();
    let ada = world.owner("ada");
    let skill = ada.publishes("notes", "1.0.0");
    let before = world.registry.get("/index/ada/notes");
    ada.publish(&skill).ok();
    assert_eq!(world.registry.get("/index/ada/notes").body, before.body);
}

#[test]
fn a_published_version_never_changes() {
    let world = World::start();
    let ada = world.owner("ada");
    let skill = ada.publishes("notes", "1.0.0");
    let before = world.registry.get("/index/ada/notes");
    skill.body("Other words under the same number.");
    let refused = ada.publish(&skill).refused(5, "E_VERSION_EXISTS");
    insta::assert_snapshot!(refused.redacted(&world.redactions()));
    assert_eq!(world.registry.get("/index/ada/notes").body, before.body);
}

#[test]
fn a_stranger_cannot_publish_to_somebody_elses_scope() {
    let world = World::start();
    let (ada, eve) = (world.owner("ada"), world.owner("eve"));
    let skill = skill_tests::Skill::write(&eve.home.join("skills"), "ada/notes", "1.0.0");
    let _ = ada.publishes("other", "1.0.0");
    eve.skill(&["publish", "--sign-key", "eve", &skill.path()]).refused(4, "E_NOT_OWNER");
    assert_eq!(world.registry.get("/index/ada/notes").status, 404);
}

#[test]
fn a_reader_is_asked_to_sign_in() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let skill = ada.writes("notes", "1.0.0");
    rob.skill(&["key", "new", "rob", "--no-passphrase"]).ok();
    rob.skill(&["publish", &skill.path()]).refused(4, "E_UNAUTHENTICATED").says("skill login");
}

#[test]
fn a_token_without_a_key_cannot_publish() {
    let world = World::start();
    let ada = world.owner("ada");
    let skill = ada.writes("notes", "1.0.0");
    ada.skill(&["key", "new", "unknown", "--no-passphrase"]).ok();
    let outcome = ada.skill(&["publish", "--sign-key", "unknown", &skill.path()]);
    assert_ne!(outcome.status, 0, "{outcome}");
    outcome.refused(6, "E_KEY_UNKNOWN");
    assert_eq!(world.registry.get("/index/ada/notes").status, 404);
}

#[test]
fn a_skill_that_breaks_the_specification_is_refused_before_it_is_sent() {
    let world = World::start();
    let ada = world.owner("ada");
    let skill = ada.writes("notes", "1.0.0");
    let long = "x".repeat(1025);
    skill.file("SKILL.md", &format!("---\nname: notes\ndescription: {long}\n---\n\n# Notes\n"));
    let refused = ada.publish(&skill).refused(1, "E_LINT").says("1024");
    insta::assert_snapshot!(refused.redacted(&world.redactions()));
    assert_eq!(world.registry.get("/index/ada/notes").status, 404);
}

#[test]
fn a_folder_without_a_manifest_is_told_to_write_one() {
    let world = World::start();
    let ada = world.owner("ada");
    let skill = ada.writes("notes", "1.0.0");
    std::fs::remove_file(skill.folder.join("skill.toml")).expect("there is one");
    ada.publish(&skill).refused(1, "E_NO_MANIFEST").says("skill init");
}

#[test]
fn a_name_that_looks_like_another_is_refused() {
    let world = World::start();
    let ada = world.owner("ada");
    let _ = ada.publishes("code-tool", "1.0.0");
    let lookalike = ada.writes("c0de-tooi", "1.0.0");
    ada.publish(&lookalike).refused(5, "E_NAME_TAKEN");
}

#[test]
fn warnings_do_not_stop_a_publish_unless_asked_to() {
    let world = World::start();
    let ada = world.owner("ada");
    let skill = ada.writes("notes", "1.0.0");
    skill.file(
        "SKILL.md",
        "---\nname: notes\ndescription: Takes notes. Use it to take notes.\nflavour: mild\n---\n\n# Notes\n",
    );
    ada.publish(&skill).ok().says("flavour");
}
