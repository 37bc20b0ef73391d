//! Installing skills.

use skill_tests::World;

#[test]
fn a_skill_is_installed_for_two_agents_and_verified() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let skill = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    let installed = project.skill(&["install", "ada/notes", "--agent", "claude-code", "--agent", "codex"]).ok();
    insta::assert_snapshot!(installed.redacted(&world.redactions()));
    let published = skill_tests::run::contents(&skill.folder);
    assert_eq!(project.installed(".claude/skills", "notes"), published);
    assert_eq!(project.installed(".agents/skills", "notes"), published);
    project.skill(&["verify"]).ok();
}

#[test]
fn a_one_off_install_is_recorded_in_the_lock_file_and_not_in_the_manifest() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).ok();
    assert!(!project.has("skills.toml"));
    let lock = project.read("skills.lock");
    assert!(lock.contains("name = \"ada/notes\"") && lock.contains("version = \"1.0.0\""), "{lock}");
}

#[test]
fn a_bare_install_takes_the_highest_release_and_no_pre_release() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    for version in ["1.0.0", "1.10.0", "1.9.0", "2.0.0-rc.1"] {
        let _ = ada.publishes("notes", version);
    }
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).ok();
    assert!(project.read("skills.lock").contains("version = \"1.10.0\""));
}

#[test]
fn a_range_is_kept() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    for version in ["1.0.0", "1.2.0", "2.0.0"] {
        let _ = ada.publishes("notes", version);
    }
    let project = rob.project("site");
    project.skill(&["install", "ada/notes@^1"]).ok();
    assert!(project.read("skills.lock").contains("version = \"1.2.0\""));
    project.skill(&["install", "ada/notes@^3"]).refused(3, "E_NO_VERSION");
}

#[test]
fn dependencies_come_along() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("base", "1.1.0");
    ada.publish(ada.writes("notes", "1.0.0").needs_too("ada/base", "^1")).ok();
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).ok();
    assert!(project.has(".agents/skills/base/SKILL.md") && project.has(".agents/skills/notes/SKILL.md"));
}

#[test]
fn a_conflict_between_requirements_is_explained_in_sentences() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("base", "1.0.0");
    let _ = ada.publishes("base", "2.0.0");
    ada.publish(ada.writes("old", "1.0.0").needs_too("ada/base", "^1")).ok();
    ada.publish(ada.writes("fresh", "1.0.0").needs_too("ada/base", "^2")).ok();
    let project = rob.project("site");
    let before = project.contents();
    let refused = project.skill(&["install", "ada/old", "ada/fresh"]).refused(5, "E_NO_SOLUTION");
    insta::assert_snapshot!(refused.redacted(&world.redactions()));
    assert_eq!(project.contents(), before);
}

#[test]
fn a_foreign_folder_is_never_overwritten() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.write(".agents/skills/notes/SKILL.md", "mine, and nobody else's");
    let before = project.contents();
    project.skill(&["install", "ada/notes"]).refused(5, "E_FOREIGN_FOLDER");
    assert_eq!(project.contents(), before, "a refused install changes nothing");
    project.skill(&["install", "ada/notes", "--force"]).ok();
    assert!(project.read(".agents/skills/notes/SKILL.md").contains("name: notes"));
    let kept = project.contents().into_values().any(|text| text == b"mine, and nobody else's")
        || skill_tests::run::contents(&rob.home).into_values().any(|text| text == b"mine, and nobody else's");
    assert!(kept, "--force keeps a copy of what it replaces");
}

#[test]
fn an_edited_copy_is_never_overwritten() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.skill(&["install", "ada/notes", "--copy"]).ok();
    assert!(!project.path(".agents/skills/notes").is_symlink());
    project.write(".agents/skills/notes/SKILL.md", "edited");
    let _ = ada.publishes("notes", "1.1.0");
    project.skill(&["install", "ada/notes@1.1.0", "--copy"]).refused(5, "E_MODIFIED");
    assert_eq!(project.read(".agents/skills/notes/SKILL.md"), "edited");
}

#[test]
fn two_skills_of_one_name_are_a_conflict_until_one_replaces_the_other() {
    let world = World::start();
    let (ada, bob, rob) = (world.owner("ada"), world.owner("bob"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let _ = bob.publishes("notes", "7.0.0");
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).ok();
    let before = project.contents();
    project.skill(&["install", "bob/notes"]).refused(5, "E_NAME_CLASH").says("--replace");
    assert_eq!(project.contents(), before);
    project.skill(&["install", "bob/notes", "--replace"]).ok();
    let lock = project.read("skills.lock");
    assert!(lock.contains("bob/notes") && !lock.contains("ada/notes"), "{lock}");
}

#[test]
fn an_unknown_skill_and_an_unmapped_scope_are_told_apart() {
    let world = World::start();
    let (rob, nina) = (world.reader("rob"), world.newcomer("nina"));
    rob.project("site").skill(&["install", "ada/notes"]).refused(3, "E_NOT_FOUND");
    nina.project("site").skill(&["install", "ada/notes"]).refused(3, "E_SCOPE_UNMAPPED").says("nothing was searched");
}

#[test]
fn a_dry_run_changes_nothing() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.skill(&["install", "ada/notes", "--dry-run"]).ok().says("ada/notes");
    assert!(project.contents().is_empty());
}

#[test]
fn a_global_install_goes_to_the_home_folder() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.skill(&["install", "-g", "ada/notes", "--agent", "claude-code"]).ok();
    assert!(rob.home.join(".claude/skills/notes/SKILL.md").exists());
    assert!(project.contents().is_empty());
}

#[test]
fn what_is_in_the_store_installs_without_a_network() {
    let mut world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let first = rob.project("first");
    first.skill(&["install", "ada/notes"]).ok();
    world.registry.stop();
    let second = rob.project("second");
    second.write("skills.lock", &first.read("skills.lock"));
    second.skill(&["install", "--frozen", "--offline"]).ok();
    assert_eq!(second.installed(".agents/skills", "notes"), first.installed(".agents/skills", "notes"));
    // Without the network nothing new can be had, and the message says why.
    let third = world_free_install(&rob);
    assert_eq!(third.status, 7, "{third}");
}

fn world_free_install(rob: &skill_tests::Reader) -> skill_tests::Outcome {
    rob.project("third").skill(&["install", "ada/unheard-of", "--offline"])
}

#[test]
fn a_registry_that_does_not_answer_is_exit_seven() {
    let mut world = World::start();
    let rob = world.reader("rob");
    world.registry.stop();
    rob.project("site").skill(&["install", "ada/notes"]).refused(7, "E_NETWORK");
}

#[test]
fn locked_fails_closed() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.write("skills.toml", "[skills]\n\"ada/notes\" = \"^1\"\n");
    project.skill(&["install", "--locked"]).refused(5, "E_LOCK_MISSING");
    project.skill(&["install"]).ok();
    project.skill(&["install", "--locked"]).ok();
    let before = project.contents();
    project.write("skills.toml", "[skills]\n\"ada/notes\" = \"^2\"\n");
    project.skill(&["install", "--locked"]).refused(5, "E_LOCK_OUTDATED");
    project.write("skills.toml", "[skills]\n\"ada/notes\" = \"^1\"\n");
    assert_eq!(project.contents(), before);
    let conflicted = format!("<<<<<<< ours\n{}=======\n>>>>>>> theirs\n", project.read("skills.lock"));
    project.write("skills.lock", &conflicted);
    project.skill(&["install"]).refused(5, "E_LOCK_FILE");
    assert_eq!(project.read("skills.lock"), conflicted, "a lock file that cannot be read is not rewritten");
}
