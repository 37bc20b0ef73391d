//! Signing in.

use std::os::unix::fs::PermissionsExt as _;

use skill_tests::World;

#[test]
fn credentials_are_kept_for_the_user_alone() {
    let world = World::start();
    let ada = world.stranger("ada");
    let file = ada.home.join(".config/skill/credentials.toml");
    let mode = std::fs::metadata(&file).expect("credentials").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    ada.skill(&["whoami"]).ok().says("ada");
}

#[test]
fn a_mistyped_token_is_noticed_without_asking_the_registry() {
    let world = World::start();
    let rob = world.reader("rob");
    rob.skill_reading(&["login", "--with-token"], "skl_nonsense\n").refused(4, "E_TOKEN_INVALID");
    assert!(!rob.home.join(".config/skill/credentials.toml").exists());
}
