//! Offering a fork's changes to upstream.

use skill_tests::World;

#[test]
fn only_a_changed_fork_that_is_level_with_upstream_can_be_proposed() {
    let world = World::start();
    let (ada, bob) = (world.owner("ada"), world.owner("bob"));
    let mut skill = ada.publishes("notes", "1.0.0");
    ada.skill(&["propose", &skill.path(), "--title", "x"]).refused(2, "E_NOT_FORK");
    bob.skill(&["fork", "ada/notes", "--as", "bob/jots"]).ok();
    bob.skill(&["propose", "jots", "--title", "x"]).refused(5, "E_NOTHING_CHANGED");
    bob.skill(&["propose", "jots", "--title", " "]).refused(2, "E_USAGE");
    let text = bob.home.join("jots/references/detail.md");
    std::fs::write(&text, "# Detail\n\nShorter.\n").expect("written");
    bob.skill(&["propose", "jots", "--title", "Shorter", "--dry-run"]).ok().says("+Shorter.").says("Would propose");
    ada.skill(&["proposal", "list", "ada/notes"]).ok().does_not_say("Shorter");
    let proposed = bob.skill(&["propose", "jots", "--title", "Shorter"]).ok();
    insta::assert_snapshot!(proposed.redacted(&world.redactions()));
    bob.skill(&["propose", "jots", "--title", "Again"]).ok().says("waits already");
    bob.skill(&["propose", "jots", "--title", "x", "--version", "1.0.0"]).refused(5, "E_VERSION_EXISTS");
    skill.version("1.0.1").body("Moved on.");
    ada.publish(&skill).ok();
    bob.skill(&["propose", "jots", "--title", "x"]).refused(5, "E_HEAD_MOVED").says("skill pull-upstream");
    let reader = world.reader("rob");
    reader.skill(&["fork", "ada/notes", "--as", "rob"]).ok();
    reader.skill(&["propose", "notes", "--title", "x"]).refused(4, "E_UNAUTHENTICATED");
}
