//! Which version this is, and raising a skill's.

use skill_tests::World;

#[test]
fn the_program_knows_its_version() {
    let world = World::start();
    let nina = world.newcomer("nina");
    nina.skill(&["--version"]).ok().says(env!("CARGO_PKG_VERSION"));
    nina.skill(&["version"]).ok().says(env!("CARGO_PKG_VERSION"));
}
