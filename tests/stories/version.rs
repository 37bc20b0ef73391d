//! Which version this is, and raising a skill's.

use skill_tests::Person;

#[test]
fn the_program_knows_its_version() {
    let nina = Person::alone("nina");
    nina.skill(&["--version"]).ok().says(env!("CARGO_PKG_VERSION"));
    nina.skill(&["version"]).ok().says(env!("CARGO_PKG_VERSION"));
}
