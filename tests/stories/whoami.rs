//! Whose token it is.

use skill_tests::World;

#[test]
fn it_names_the_user_and_their_scopes() {
    let world = World::start();
    let ada = world.owner("ada");
    let answer = ada.skill(&["whoami", "--json"]).ok().json();
    assert_eq!(answer["user"], "ada");
    assert_eq!(answer["scopes"][0], "ada");
    ada.skill(&["whoami"]).ok().does_not_say("skl_");
}

#[test]
fn without_a_token_one_is_told_to_sign_in() {
    let world = World::start();
    world.reader("rob").skill(&["whoami"]).refused(4, "E_UNAUTHENTICATED").says("skill login");
}
