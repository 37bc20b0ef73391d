//! Installing from a folder or an archive of this machine: what no registry has.

use skill_tests::{Person, Project, World, run};

/// Writes a skill without `skill.toml` whose description is longer than publishing allows.
fn wordy(project: &Project<'_>, body: &str) {
    let sentence = "Takes notes. Use it to take notes. ";
    let description = &sentence.repeat(40)[..1068];
    let text = format!("---\nname: wordy\ndescription: {}.\n---\n\n# Wordy\n\n{body}\n", &description[..1067]);
    project.write("wordy/SKILL.md", &text);
    project.write("wordy/references/more.md", "More.\n");
}

#[test]
fn what_cannot_be_published_can_be_installed_from_its_folder() {
    let world = World::start();
    let ada = world.owner("ada");
    let (skills, site) = (ada.project("skills"), ada.project("site"));
    wordy(&skills, "As it is.");
    let installed = site.skill(&["install", "../skills/wordy", "--agent", "claude-code"]).ok();
    let installed = installed.says("`description` has 1068 characters").says("not signed");
    assert!(!installed.stderr.contains("Resolving"), "{installed}");
    let lock = site.read("skills.lock");
    assert!(lock.contains("origin = \"path:../skills/wordy\"") && !lock.contains("statement"), "{lock}");
    assert!(lock.contains("name = \"local/wordy\"") && lock.contains("requirement = \"=0.0.0\""), "{lock}");
    assert!(!site.has("skills.toml"));
    assert_eq!(site.installed(".claude/skills", "wordy"), run::contents(&skills.path("wordy")));
    for command in ["list", "tree"] {
        site.skill(&[command]).ok().says("local/wordy").says("path:../skills/wordy");
    }
    site.skill(&["why", "local/wordy"]).ok().says("path:../skills/wordy");
    site.skill(&["status"]).ok().says("match");
    site.skill(&["outdated"]).ok().does_not_say("local/wordy");
    skills.write("wordy/skill.toml", "[skill]\nname = \"ada/wordy\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n");
    skills.skill(&["publish", "wordy"]).refused(1, "E_LINT");
}

#[test]
fn a_local_skill_is_verified_without_a_signature_and_restored() {
    let nina = Person::alone("nina");
    let (skills, site) = (nina.project("skills"), nina.project("site"));
    wordy(&skills, "As it is.");
    site.skill(&["install", "path:../skills/wordy"]).ok();
    site.skill(&["verify"]).ok().says("local, not signed");
    site.skill(&["verify", "--strict"]).refused(6, "E_VERIFY_FAILED");
    run::overwrite(&site.path(".agents/skills/wordy/references/more.md"), b"less");
    site.skill(&["verify"]).refused(6, "E_VERIFY_FAILED").says("references/more.md: it was changed");
    site.skill(&["sync", "--offline"]).ok();
    site.skill(&["verify"]).ok();
    site.skill(&["remove", "wordy"]).ok();
    assert!(!site.has(".agents/skills/wordy"));
    site.skill(&["list"]).ok().does_not_say("wordy");
}

#[test]
fn the_store_serves_what_the_path_has_lost_and_the_path_what_the_store_has() {
    let nina = Person::alone("nina");
    let (skills, site) = (nina.project("skills"), nina.project("site"));
    wordy(&skills, "As it is.");
    site.skill(&["install", "../skills/wordy"]).ok();
    let before = site.installed(".agents/skills", "wordy");
    std::fs::rename(skills.path("wordy"), skills.path("away")).expect("moved");
    std::fs::remove_dir_all(site.path(".agents")).expect("removed");
    site.skill(&["install", "--frozen", "--offline"]).ok();
    assert_eq!(site.installed(".agents/skills", "wordy"), before);
    // Another machine has the lock and not the store: the path must hold the very same files.
    let kim = Person::alone("kim");
    let (hers, there) = (kim.project("skills"), kim.project("site"));
    there.write("skills.lock", &site.read("skills.lock"));
    there.skill(&["sync"]).refused(5, "E_LOCK_OUTDATED").says("is not there any more");
    wordy(&hers, "Another text.");
    there.skill(&["install", "--locked"]).refused(5, "E_LOCK_OUTDATED").says("has other files now");
    assert!(!there.has(".agents"));
    wordy(&hers, "As it is.");
    there.skill(&["install", "--locked"]).ok();
    assert_eq!(there.installed(".agents/skills", "wordy"), before);
}

#[test]
fn an_update_takes_what_the_folder_holds_now() {
    let nina = Person::alone("nina");
    let (skills, site) = (nina.project("skills"), nina.project("site"));
    wordy(&skills, "As it was.");
    site.skill(&["install", "../skills/wordy", "--copy", "--agent", "codex"]).ok();
    wordy(&skills, "As it is now.");
    let before = site.contents();
    site.skill(&["install"]).ok();
    site.skill(&["update", "--dry-run"]).ok().says("its files changed");
    assert_eq!(site.contents(), before, "neither installs it");
    site.skill(&["update", "local/wordy"]).ok().says("its files changed");
    assert!(site.read(".agents/skills/wordy/SKILL.md").contains("As it is now."));
    assert!(site.read("skills.lock").contains("copy = true"));
    site.skill(&["update"]).ok().says("Up to date");
    std::fs::remove_dir_all(skills.path("wordy")).expect("removed");
    site.skill(&["update"]).ok().says("is not there any more");
    site.skill(&["update", "local/wordy"]).refused(3, "E_NO_PATH");
}

#[test]
fn a_packed_skill_is_installed_for_all_projects_and_a_hostile_one_not_at_all() {
    let nina = Person::alone("nina");
    let (skills, site) = (nina.project("skills"), nina.project("site"));
    wordy(&skills, "As it is.");
    skills.write("wordy/skill.toml", "[skill]\nname = \"ada/wordy\"\nversion = \"1.2.0\"\nlicense = \"MIT\"\n");
    let hostile = b"\x1f\x8b\x08\x00no archive at all";
    std::fs::write(site.path("bad.tar.gz"), hostile).expect("written");
    let before = site.contents();
    let refused = site.skill(&["install", "./bad.tar.gz"]);
    assert_eq!(refused.status, 6, "{refused}");
    assert!(refused.stderr.contains("error[E_") && refused.stderr.contains("bad.tar.gz"), "{refused}");
    assert_eq!(site.contents(), before);
    assert!(run::contents(&nina.store()).is_empty());
    let packed = skill_bundle::pack::pack_dir(&skills.path("wordy"), &skill_schema::Limits::V1).expect("packed");
    std::fs::write(site.path("wordy.tar.gz"), &packed.archive).expect("written");
    site.skill(&["install", "./wordy.tar.gz", "--dry-run"]).ok().says("ada/wordy 1.2.0");
    assert!(!site.has("skills.lock"));
    let installed = site.skill(&["install", "-g", "./wordy.tar.gz", "--agent", "claude-code", "--json"]).ok().json();
    assert_eq!(installed["changes"][0]["id"], "ada/wordy");
    assert!(nina.home.join(".claude/skills/wordy/SKILL.md").exists() && !site.has("skills.lock"));
    nina.skill(&["verify", "-g"]).ok().says("local, not signed");
}

#[test]
fn local_and_published_skills_live_side_by_side_and_are_not_mistaken_for_each_other() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let notes = ada.publishes("notes", "1.0.0");
    let _ = ada.publishes("base", "1.0.0");
    let (skills, site) = (rob.project("skills"), rob.project("site"));
    wordy(&skills, "As it is.");
    site.skill(&["install", "../skills/wordy", "ada/notes"]).ok();
    let _ = ada.publishes("notes", "1.1.0");
    wordy(&skills, "As it is now.");
    site.skill(&["update"]).ok().says("1.0.0 -> 1.1.0").says("its files changed");
    site.skill(&["verify"]).ok();
    // The same skill from a path: not beside or instead of the published one.
    site.skill(&["install", &notes.path()]).refused(2, "E_USAGE").says("skill remove");
    let mut mine = ada.writes("mine", "1.0.0");
    mine.needs("ada/base", "^1");
    site.skill(&["install", &mine.path()]).refused(5, "E_NO_SOLUTION").says("skill install 'ada/base@^1'");
    site.skill(&["install", "ada/base"]).ok();
    site.skill(&["install", &mine.path()]).ok();
    site.skill(&["install", "ada/mine"]).refused(2, "E_USAGE").says("skill remove");
    site.skill(&["add", "../skills/wordy"]).refused(2, "E_USAGE").says("published skills only");
    site.write("skills.toml", "[skills]\n\"ada/mine\" = \"*\"\n");
    site.skill(&["install", "--locked"]).refused(5, "E_LOCK_OUTDATED").says("wants it from a registry");
}

#[test]
fn a_name_clash_follows_the_same_rules() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("wordy", "1.0.0");
    let (skills, site) = (rob.project("skills"), rob.project("site"));
    wordy(&skills, "As it is.");
    site.skill(&["install", "ada/wordy"]).ok();
    site.skill(&["install", "../skills/wordy"]).refused(5, "E_NAME_CLASH");
    site.skill(&["install", "../skills/wordy", "--replace"]).ok();
    let lock = site.read("skills.lock");
    assert!(lock.contains("local/wordy") && !lock.contains("ada/wordy"), "{lock}");
    site.skill(&["install", "--locked", "--offline"]).ok();
}

#[test]
fn a_skill_does_not_hold_the_project_that_it_is_installed_into() {
    let nina = Person::alone("nina");
    let skills = nina.project("skills");
    wordy(&skills, "As it is.");
    let inside = skills.path("wordy");
    nina.skill_in(&inside, &["install", "."]).refused(2, "E_USAGE").says("-g");
    nina.skill_in(&inside, &["install", "-g", "."]).ok();
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn a_real_skill_that_is_refused_at_publish_installs() {
    let folder = skill_tests::programs::root().join("../shared/corpus/anthropic/claude-api");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let nina = Person::alone("nina");
    let site = nina.project("site");
    let path = folder.canonicalize().expect("a folder").to_string_lossy().into_owned();
    site.skill(&["install", &path, "--agent", "claude-code"]).ok().says("`description` has 1068 characters");
    site.skill(&["verify"]).ok().says("local/claude-api 0.0.0");
    assert!(site.has(".claude/skills/claude-api/python"));
}
