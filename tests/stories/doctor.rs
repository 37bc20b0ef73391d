//! What the client finds out about its surroundings.

use skill_tests::World;

#[test]
fn a_healthy_setup_is_said_to_be_healthy() {
    let world = World::start();
    let rob = world.reader("rob");
    rob.skill(&["doctor"]).ok().says("main");
    assert_eq!(rob.skill(&["doctor", "--json"]).ok().json()["schema"], "skill.doctor/1");
}
