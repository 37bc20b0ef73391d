//! Forking a published skill.

use skill_tests::World;

#[test]
fn a_fork_is_a_copy_under_a_new_name_whose_first_version_has_its_origin_as_signed_parent() {
    let world = World::start();
    let (ada, bob) = (world.owner("ada"), world.owner("bob"));
    let _ = ada.publishes("notes", "1.0.0");
    let _ = ada.publishes("notes", "1.1.0");
    let forked = bob.skill(&["fork", "ada/notes@1.0.0", "jots", "--as", "bob/jots"]).ok();
    let mut redactions = bob.redactions();
    redactions.add(world.registry.address().to_string(), "[registry]");
    insta::assert_snapshot!(forked.redacted(&redactions));
    let read = |path: &str| std::fs::read_to_string(bob.home.join("jots").join(path)).expect("a file");
    assert!(read("SKILL.md").starts_with("---\nname: jots\n"));
    assert!(read("skill.toml").contains("[fork]\nof = \"ada/notes@1.0.0\"\ntree = \"sha256:"));
    assert!(read("references/detail.md").contains("# Detail"));

    bob.skill(&["publish", "jots"]).ok();
    let index = world.registry.get("/index/bob/jots").text();
    assert!(index.contains("\"forkOf\":\"ada/notes@1.0.0\"") && index.contains("\"parent\":\"ada/notes@1.0.0\""));
    bob.skill(&["-C", "jots", "version", "minor"]).ok();
    bob.skill(&["publish", "jots"]).ok();
    let index = world.registry.get("/index/bob/jots").text();
    assert!(index.contains("\"parent\":\"bob/jots@1.0.0\""), "{index}");
    world.reader("rob").project("site").skill(&["install", "bob/jots@1.0.0"]).ok();
}

#[test]
fn a_folder_that_is_there_is_left_as_it_is() {
    let world = World::start();
    let ada = world.owner("ada");
    let _ = ada.publishes("notes", "1.0.0");
    std::fs::create_dir(ada.home.join("notes")).expect("made");
    ada.skill(&["fork", "ada/notes", "--as", "ada/other", "notes"]).refused(5, "E_EXISTS");
    ada.skill(&["fork", "ada/notes", "--as", "ada"]).refused(2, "E_USAGE");
    ada.skill(&["fork", "ada/notes"]).refused(2, "E_NEEDS_INPUT").says("--as");
    ada.skill(&["fork", "ada/none", "--as", "ada/x"]).refused(3, "E_NOT_FOUND");
    assert_eq!(std::fs::read_dir(ada.home.join("notes")).expect("read").count(), 0);
    ada.skill(&["fork", "ada/notes", "--as", "ada/more", "--dry-run"]).ok().says("Would fork");
    assert!(!ada.home.join("more").exists());
}

#[test]
fn a_fork_cannot_be_published_as_that_of_other_files_or_of_something_else() {
    let world = World::start();
    let (ada, bob) = (world.owner("ada"), world.owner("bob"));
    let _ = ada.publishes("notes", "1.0.0");
    bob.skill(&["fork", "ada/notes", "--as", "bob"]).ok();
    let manifest = bob.home.join("notes/skill.toml");
    let text = std::fs::read_to_string(&manifest).expect("read");
    let at = text.find("sha256:").expect("a digest") + 7;
    let other = format!("{}{}{}", &text[..at], "0".repeat(64), &text[at + 64..]);
    std::fs::write(&manifest, other).expect("written");
    bob.skill(&["publish", "notes"]).refused(6, "E_TREE");
    bob.skill(&["pull-upstream", "notes"]).refused(6, "E_TREE");
    assert_eq!(world.registry.get("/index/bob/notes").status, 404);
}
