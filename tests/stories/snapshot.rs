//! What the registry offered at a size of its log.

use skill_tests::World;

#[test]
fn a_size_without_a_snapshot_is_not_found() {
    let world = World::start();
    let ada = world.owner("ada");
    let _ = ada.publishes("notes", "1.0.0");
    for path in ["/snapshot/1", "/snapshot/0", "/snapshot/x", "/snapshot/18446744073709551616"] {
        let answer = world.registry.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("E_NOT_FOUND"), "{path}");
    }
}
