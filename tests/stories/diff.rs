//! What changed between two versions.

use skill_tests::World;

#[test]
fn changed_lines_are_shown() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let mut skill = ada.writes("notes", "1.0.0");
    ada.publish(&skill).ok();
    skill.version("1.1.0").body("Do it even better.");
    ada.publish(&skill).ok();
    let shown = rob.skill(&["diff", "ada/notes@1.0.0", "ada/notes@1.1.0"]).ok();
    shown
        .clone()
        .says("-Do the thing well.")
        .says("+Do it even better.")
        .does_not_say("+++ ada/notes@1.1.0/references");
    let same = rob.skill(&["diff", "ada/notes@1.0.0", "ada/notes@1.0.0"]).ok();
    assert!(same.stdout.is_empty(), "{same}");
}

#[test]
fn a_changed_line_cannot_carry_terminal_escapes() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let mut skill = ada.writes("notes", "1.0.0");
    ada.publish(&skill).ok();
    skill.version("1.1.0").body("A tab\tis shown as it is.");
    ada.publish(&skill).ok();
    rob.skill(&["diff", "ada/notes@1.0.0", "ada/notes@1.1.0"]).ok().does_not_say("\u{1b}");
}
