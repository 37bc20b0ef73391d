//! Merging what upstream published into a fork.

use std::{path::Path, process::Command};

use skill_tests::{Owner, World};

const TEN: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten";

/// Upstream with its first version, and a fork of it in `jots`.
fn forked(world: &World) -> (Owner, Owner, skill_tests::Skill) {
    let (ada, bob) = (world.owner("ada"), world.owner("bob"));
    let skill = ada.writes("notes", "1.0.0");
    skill.body(TEN).file("references/old.md", "Old.\n").file("references/kept.md", "Kept.\n");
    ada.publish(&skill).ok();
    bob.skill(&["fork", "ada/notes", "jots", "--as", "bob/jots", "--version", "3.0.0"]).ok();
    (ada, bob, skill)
}

fn read(folder: &Path, path: &str) -> String {
    std::fs::read_to_string(folder.join(path)).expect("a file")
}

#[test]
fn what_upstream_changed_comes_in_and_what_is_mine_stays() {
    let world = World::start();
    let (ada, bob, mut skill) = forked(&world);
    let fork = bob.home.join("jots");
    bob.skill(&["pull-upstream", "jots"]).ok().says("Up to date");

    let mine = read(&fork, "SKILL.md").replace("two\n", "TWO of mine\n");
    std::fs::write(fork.join("SKILL.md"), mine).expect("written");
    std::fs::write(fork.join("mine.md"), "Mine.\n").expect("written");
    std::fs::remove_file(skill.folder.join("references/old.md")).expect("removed");
    skill.version("1.1.0").needs("ada/base", "^1");
    skill.body(&TEN.replace("nine", "NINE of theirs")).file("scripts/new.sh", "#!/bin/sh\n");
    let _ = ada.publishes("base", "1.0.0");
    ada.publish(&skill).ok();

    let before = skill_tests::run::contents(&fork);
    bob.skill(&["pull-upstream", "jots", "--dry-run"]).ok().says("Would merge");
    assert_eq!(skill_tests::run::contents(&fork), before);
    let merged = bob.skill(&["pull-upstream", "jots"]).ok();
    insta::assert_snapshot!(merged.redacted(&bob.redactions()));
    let text = read(&fork, "SKILL.md");
    assert!(text.contains("TWO of mine") && text.contains("NINE of theirs") && text.contains("name: jots\n"), "{text}");
    assert!(
        !fork.join("references/old.md").exists()
            && fork.join("scripts/new.sh").exists()
            && fork.join("mine.md").exists()
    );
    let manifest = read(&fork, "skill.toml");
    for line in ["name = \"bob/jots\"", "version = \"3.0.0\"", "of = \"ada/notes@1.1.0\"", "\"ada/base\" = \"^1\""] {
        assert!(manifest.contains(line), "{manifest}");
    }
    assert_eq!(read(&bob.home.join("jots.backup-1"), "references/old.md"), "Old.\n");
    bob.skill(&["pull-upstream", "jots"]).ok().says("Up to date");
    bob.skill(&["publish", "jots"]).ok();
    let index = world.registry.get("/index/bob/jots").text();
    assert!(index.contains("\"parent\":\"ada/notes@1.1.0\""), "{index}");
}

#[test]
fn a_conflict_is_marked_as_git_marks_it_and_nothing_is_lost() {
    let world = World::start();
    let (ada, bob, mut skill) = forked(&world);
    let fork = bob.home.join("jots");
    let mine = read(&fork, "SKILL.md").replace("five\n", "five of mine\n");
    std::fs::write(fork.join("SKILL.md"), mine).expect("written");
    std::fs::write(fork.join("references/old.md"), "Mine.\n").expect("written");
    std::fs::remove_file(fork.join("references/kept.md")).expect("removed");
    std::fs::remove_file(skill.folder.join("references/old.md")).expect("removed");
    skill.version("1.1.0").body(&TEN.replace("five", "five of theirs")).file("references/kept.md", "Changed.\n");
    ada.publish(&skill).ok();

    let conflicts = bob.skill(&["pull-upstream", "jots"]).refused(5, "E_CONFLICTS");
    insta::assert_snapshot!(conflicts.redacted(&bob.redactions()));
    let text = read(&fork, "SKILL.md");
    let marked = "four\n<<<<<<< ours\nfive of mine\n=======\nfive of theirs\n>>>>>>> ada/notes@1.1.0\nsix\n";
    assert!(text.contains(marked), "{text}");
    assert_eq!(read(&fork, "references/old.md"), "Mine.\n");
    assert_eq!(read(&fork, "references/kept.md"), "Changed.\n");
    bob.skill(&["pull-upstream", "jots"]).refused(5, "E_UNMERGED").says("SKILL.md");
    bob.skill(&["propose", "jots", "--title", "x"]).refused(5, "E_UNMERGED");
    std::fs::write(fork.join("SKILL.md"), text.replace(marked, "four\nfive of both\nsix\n")).expect("written");
    bob.skill(&["pull-upstream", "jots"]).ok().says("Up to date");
    let json = bob.skill(&["pull-upstream", "jots", "--to", "1.0.0", "--dry-run", "--json"]);
    assert_eq!(json.json()["schema"], "skill.pull-upstream/1");
}

#[test]
fn in_a_git_repository_the_folder_must_be_committed() {
    let world = World::start();
    let (ada, bob, mut skill) = forked(&world);
    let fork = bob.home.join("jots");
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(&fork).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(args);
        assert!(git.output().expect("git").status.success(), "git {args:?}");
    };
    git(&["init", "-q"]);
    skill.version("1.1.0").body("Other.");
    ada.publish(&skill).ok();
    bob.skill(&["pull-upstream", "jots"]).refused(5, "E_DIRTY");
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "fork"]);
    bob.skill(&["pull-upstream", "jots"]).ok().says("Updated");
    assert!(!bob.home.join("jots.backup-1").exists(), "git has what was replaced");
}

#[test]
fn a_skill_that_is_no_fork_and_a_version_that_is_none_are_refused() {
    let world = World::start();
    let (ada, bob, skill) = forked(&world);
    ada.skill(&["pull-upstream", &skill.path()]).refused(2, "E_NOT_FORK");
    bob.skill(&["pull-upstream", "jots", "--to", "9.0.0"]).refused(3, "E_NO_VERSION");
    bob.skill(&["pull-upstream", "."]).refused(1, "E_NO_MANIFEST");
}
