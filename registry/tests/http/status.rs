//! Yanking, restoring, deprecating.

use skill_schema::{
    api::token::Permission,
    index::{Index, LineStatus, PackageStatus},
    statement::State,
};

use crate::world::World;

fn index(world: &World, id: &str) -> Index {
    Index::parse(&world.get(&format!("/index/{id}")).body).expect("an index")
}

#[test]
fn a_yanked_version_stays_downloadable_and_is_not_latest() {
    let world = World::new();
    let acme = world.publisher("acme");
    acme.publish("acme/notes", "1.0.0", "text");
    acme.publish("acme/notes", "1.1.0", "text");
    let reply = acme.set_status("acme/notes", "1.1.0", State::Yanked);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["log"], 4);
    let now = index(&world, "acme/notes");
    assert_eq!((now.lines[1].st, now.lines[1].log), (LineStatus::Yanked, 4));
    assert_eq!(now.header.tags.latest.map(|v| v.to_string()).as_deref(), Some("1.0.0"));
    assert_eq!(world.get(&format!("/blob/sha256/{}", now.lines[1].sha256)).status, 200);
    let info = world.get("/api/skill/v1/skills/acme/notes").json();
    assert_eq!(
        (info["versions"][0]["status"].as_str(), info["versions"][0]["note"].as_str()),
        (Some("yanked"), Some("a test"))
    );
    assert_eq!(acme.set_status("acme/notes", "1.1.0", State::Active).status, 200);
    assert_eq!(index(&world, "acme/notes").lines[1].st, LineStatus::Ok);
}

#[test]
fn a_repeated_yank_is_safe_and_a_second_one_is_refused() {
    let world = World::new();
    let acme = world.publisher("acme");
    acme.publish("acme/notes", "1.0.0", "text");
    let envelope = acme.status("acme/notes", "1.0.0", State::Yanked);
    let path = "/api/skill/v1/skills/acme/notes/1.0.0/status";
    let first = world.call(&acme.token, "PUT", path, &envelope);
    let again = world.call(&acme.token, "PUT", path, &envelope);
    assert_eq!((first.status, again.status, first.json()), (200, 200, again.json()));
    let second = acme.set_status("acme/notes", "1.0.0", State::Yanked);
    assert_eq!((second.status, second.code().as_str()), (409, "E_STATUS_UNCHANGED"));
    assert_eq!(acme.publish("acme/notes", "1.1.0", "text").status, 201);
}

#[test]
fn only_owners_with_the_permission_yank_and_nobody_removes() {
    let world = World::new();
    let acme = world.publisher("acme");
    acme.publish("acme/notes", "1.0.0", "text");
    let envelope = acme.status("acme/notes", "1.0.0", State::Yanked);
    let path = "/api/skill/v1/skills/acme/notes/1.0.0/status";
    let publisher = world.token("acme", &[Permission::PublishUpdate], "*", 1);
    assert_eq!(world.call(&publisher, "PUT", path, &envelope).code(), "E_TOKEN_SCOPE");
    let stranger = world.user("mallory");
    assert_eq!(world.call(&stranger, "PUT", path, &envelope).code(), "E_NOT_OWNER");
    for state in [State::Removed, State::Quarantined] {
        assert_eq!(acme.set_status("acme/notes", "1.0.0", state).code(), "E_KEY_ROLE");
    }
    assert_eq!(world.call(&acme.token, "PUT", path, b"{}").code(), "E_ENVELOPE");
    assert_eq!(
        world.call(&acme.token, "PUT", "/api/skill/v1/skills/acme/notes/2.0.0/status", &envelope).code(),
        "E_MISMATCH"
    );
}

#[test]
fn a_deprecation_is_seen_in_index_and_info_until_it_is_taken_back() {
    let world = World::new();
    let acme = world.publisher("acme");
    acme.publish("acme/notes", "1.0.0", "text");
    let path = "/api/skill/v1/skills/acme/notes/deprecation";
    let body = br#"{"deprecated":true,"message":"use the other","replacedBy":"acme/other"}"#;
    let reply = world.call(&acme.token, "PUT", path, body);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(index(&world, "acme/notes").header.status, PackageStatus::Deprecated);
    let info = world.get("/api/skill/v1/skills/acme/notes").json();
    assert_eq!(info["deprecation"]["replacedBy"], "acme/other");
    assert_eq!(world.call(&acme.token, "PUT", path, br#"{"deprecated":false}"#).status, 200);
    assert_eq!(index(&world, "acme/notes").header.status, PackageStatus::Active);
    let long = format!(r#"{{"deprecated":true,"message":"{}"}}"#, "x".repeat(501));
    for bad in ["", "{", r#"{"deprecated":1}"#, r#"{"deprecated":true,"why":1}"#, &long] {
        assert_eq!(world.call(&acme.token, "PUT", path, bad.as_bytes()).code(), "E_BAD_REQUEST", "{bad}");
    }
    let unknown = "/api/skill/v1/skills/acme/nothing/deprecation";
    assert_eq!(world.call(&acme.token, "PUT", unknown, body).code(), "E_NOT_FOUND");
}
