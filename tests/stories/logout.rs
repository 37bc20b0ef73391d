//! Signing out.

use skill_tests::World;

#[test]
fn after_signing_out_nobody_is_signed_in() {
    let world = World::start();
    let ada = world.stranger("ada");
    ada.skill(&["logout"]).ok();
    ada.skill(&["whoami"]).refused(4, "E_UNAUTHENTICATED");
    let credentials = std::fs::read_to_string(ada.home.join(".config/skill/credentials.toml")).unwrap_or_default();
    assert!(!credentials.contains("skl_"), "{credentials}");
}
