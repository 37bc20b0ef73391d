//! Who owns a scope.

use skill_tests::World;

#[test]
fn an_owner_adds_another_and_the_last_one_stays() {
    let world = World::start();
    let (ada, bob) = (world.owner("ada"), world.stranger("bob"));
    ada.skill(&["owner", "add", "ada", "bob"]).ok();
    let listed = ada.skill(&["owner", "ls", "ada"]).ok();
    assert!(listed.stdout.contains("ada") && listed.stdout.contains("bob"), "{listed}");
    bob.skill(&["owner", "rm", "ada", "ada"]).refused(2, "E_NEEDS_INPUT").says("--yes");
    bob.skill(&["owner", "rm", "ada", "ada", "--yes"]).ok();
    bob.skill(&["owner", "rm", "ada", "bob", "--yes"]).refused(5, "E_LAST_OWNER");
}

#[test]
fn a_stranger_cannot_make_themselves_an_owner() {
    let world = World::start();
    let (_ada, eve) = (world.owner("ada"), world.stranger("eve"));
    eve.skill(&["owner", "add", "ada", "eve"]).refused(4, "E_NOT_OWNER");
}

#[test]
fn an_unknown_user_is_not_added() {
    let world = World::start();
    world.owner("ada").skill(&["owner", "add", "ada", "nobody"]).refused(3, "E_USER_UNKNOWN");
}
