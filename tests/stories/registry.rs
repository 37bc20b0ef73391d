//! Which registries the client knows.

use skill_tests::World;

#[test]
fn the_first_contact_needs_a_decision() {
    let world = World::start();
    let nina = world.newcomer("nina");
    nina.skill(&["registry", "add", "main", &world.url()])
        .refused(4, "E_REGISTRY_UNTRUSTED")
        .says("--trust-on-first-use");
    let key = world.registry.get("/.well-known/skill-registry").json()["log"][0].as_str().expect("a key").to_owned();
    nina.skill(&["registry", "add", "main", &world.url(), "--key", &key, "--default"]).ok();
    nina.skill(&["registry", "ls"]).ok().says("main");
    nina.skill(&["registry", "ping"]).ok();
}

#[test]
fn a_wrong_key_is_refused() {
    let world = World::start();
    let other = World::start();
    let nina = world.newcomer("nina");
    let key = other.registry.get("/.well-known/skill-registry").json()["log"][0].as_str().expect("a key").to_owned();
    nina.skill(&["registry", "add", "main", &world.url(), "--key", &key]).refused(6, "E_REGISTRY_KEY");
    assert!(!nina.skill(&["registry", "ls"]).ok().stdout.contains("main"));
}
