//! The registry as a program: starting, stopping, refusing.

use skill_tests::World;

#[test]
fn a_stopped_registry_ends_well_and_comes_back_with_everything() {
    let mut world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let before = world.registry.get("/index/ada/notes");
    assert_eq!(world.registry.stop(), 0, "{}", world.registry.log_text());
    world.registry.start();
    assert_eq!(world.registry.get("/index/ada/notes").body, before.body);
    rob.project("site").skill(&["install", "ada/notes"]).ok();
    let _ = ada.publishes("notes", "1.1.0");
}

#[test]
fn a_private_registry_asks_everybody_for_a_token() {
    let world = World::with(&["--auth-required", "yes"]);
    let (ada, eve, rob) = (world.owner("ada"), world.stranger("eve"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    assert_eq!(world.registry.get("/index/ada/notes").status, 401);
    rob.project("site").skill(&["install", "ada/notes"]).refused(4, "E_UNAUTHENTICATED");
    eve.project("site").skill(&["install", "ada/notes"]).ok();
}

#[test]
fn too_many_requests_are_told_when_to_come_back() {
    let world = World::with(&["--read-rate", "1", "--write-rate", "0"]);
    let refused = (0..200).map(|_| world.registry.get("/index/ada/notes")).find(|answer| answer.status == 429);
    let refused = refused.expect("a limit of one a second");
    assert_eq!(refused.json()["code"], "E_RATE_LIMITED");
    assert!(refused.header("retry-after").is_some());
}

#[test]
fn what_is_not_there_is_a_problem_with_a_code() {
    let world = World::start();
    for (method, path) in [("GET", "/index/ada/none"), ("GET", "/nowhere"), ("DELETE", "/index/ada/none")] {
        let answer = world.registry.send(method, path, &[], b"");
        assert!(matches!(answer.status, 404 | 405), "{method} {path}: {}", answer.status);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{method} {path}");
        assert!(answer.json()["code"].as_str().expect("a code").starts_with("E_"));
    }
}

#[test]
fn tokens_and_bodies_do_not_reach_the_log() {
    let world = World::with(&["--log", "trace"]);
    let ada = world.owner("ada");
    let _ = ada.publishes("notes", "1.0.0");
    let log = world.registry.log_text();
    assert!(log.contains("/api/skill/v1/"), "requests are logged");
    assert!(!log.contains("skl_") && !log.contains("Do the thing well."), "a secret is in the log");
}
