//! Scopes and the keys that may sign for them.

use skill_tests::World;

#[test]
fn a_scope_belongs_to_who_enrolled_it_first() {
    let world = World::start();
    let (_ada, eve) = (world.owner("ada"), world.stranger("eve"));
    eve.skill(&["key", "new", "eve", "--no-passphrase"]).ok();
    eve.skill(&["key", "enroll", "ada"]).refused(5, "E_SCOPE_TAKEN");
}

#[test]
fn a_reserved_name_is_no_scope() {
    let world = World::start();
    let eve = world.stranger("eve");
    eve.skill(&["key", "new", "eve", "--no-passphrase"]).ok();
    eve.skill(&["key", "enroll", "api"]).refused(2, "E_NAME_RESERVED");
}

#[test]
fn where_scopes_are_closed_the_operator_makes_them() {
    let world = World::with(&["--open-scopes", "no"]);
    let eve = world.stranger("eve");
    eve.skill(&["key", "new", "eve", "--no-passphrase"]).ok();
    eve.skill(&["key", "enroll", "team"]).refused(4, "E_SCOPE_CLOSED");
    world.registry.admin(&["scope", "reserve", "team", "--owner", "eve"]).ok();
    eve.skill(&["key", "enroll", "team"]).ok();
}
