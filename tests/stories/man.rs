//! The manual page.

use skill_tests::World;

#[test]
fn it_is_a_manual_page() {
    let world = World::start();
    world.newcomer("nina").skill(&["man"]).ok().says(".TH skill 1");
}
