//! What a client learns first about a registry.

use skill_tests::World;

#[test]
fn a_registry_says_who_it_is() {
    let world = World::start();
    let answer = world.registry.get("/.well-known/skill-registry");
    let document = answer.json();
    assert_eq!(answer.status, 200);
    assert_eq!(document["v"], 1);
    assert_eq!(document["auth"], "public");
    assert_eq!(document["api"], format!("{}/api/skill/v1", world.registry.url()));
    assert!(document["log"][0].as_str().expect("a key").starts_with(document["origin"].as_str().expect("an origin")));
}

#[test]
fn a_registry_with_another_key_than_before_is_not_trusted() {
    let (world, proxy) = World::behind_proxy();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let other = World::start();
    proxy.pass_to(other.registry.address());
    let project = rob.project("site");
    let outcome = project.skill(&["install", "ada/notes"]);
    outcome.refused(6, "E_REGISTRY_KEY");
    assert!(project.contents().is_empty());
}

#[test]
fn metrics_and_health_have_an_address_of_their_own() {
    let world = World::start();
    assert_eq!(world.registry.get("/metrics").status, 404);
}
