//! The configuration.

use skill_tests::World;

#[test]
fn a_value_is_set_read_and_shown_with_its_origin() {
    let world = World::start();
    let rob = world.reader("rob");
    rob.skill(&["config", "set", "jobs", "3"]).ok();
    let got = rob.skill(&["config", "get", "jobs"]).ok();
    assert_eq!(got.stdout.trim(), "3");
    rob.skill(&["config", "list"]).ok().says("jobs").says("config.toml");
    rob.skill(&["config", "path"]).ok().says(".config/skill/config.toml");
    rob.skill(&["config", "set", "jbos", "3"]).refused(2, "E_CONFIG").says("jobs");
}
