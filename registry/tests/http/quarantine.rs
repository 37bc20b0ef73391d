//! The operator's word on a version.

use skill_bundle::{chain::Operator, envelope::Envelope};
use skill_schema::{
    api::token::Permission,
    index::{Index, LineStatus, parse_chain},
    statement::State,
};

use crate::world::{Publisher, World};

fn index(world: &World) -> Index {
    Index::parse(&world.get("/index/acme/notes").body).expect("an index")
}

fn order(world: &World, token: &str, action: &str) -> crate::client::Reply {
    let body = format!("{{\"action\":\"{action}\",\"reason\":\"malicious\",\"note\":\"reads keys\"}}");
    world.call(token, "PUT", "/api/skill/v1/skills/acme/notes/1.0.0/quarantine", body.as_bytes())
}

#[test]
fn a_quarantine_goes_before_the_publishers_word_and_can_be_lifted() {
    let world = World::new();
    let acme = world.publisher("acme");
    assert_eq!(acme.publish("acme/notes", "1.0.0", "text").status, 201);
    let operator = world.user("operator");
    let reply = order(&world, &operator, "quarantine");
    assert_eq!((reply.status, reply.json()["log"].as_u64()), (200, Some(3)), "{}", reply.text());
    let now = index(&world);
    assert_eq!((now.lines[0].st, now.lines[0].log, now.header.tags.latest), (LineStatus::Quarantined, 3, None));
    assert_eq!(order(&world, &operator, "quarantine").code(), "E_STATUS_UNCHANGED");
    assert_eq!(acme.set_status("acme/notes", "1.0.0", State::Yanked).status, 200);
    assert_eq!(index(&world).lines[0].st, LineStatus::Quarantined, "a yank does not end it");
    assert_eq!(order(&world, &operator, "lift").status, 200);
    assert_eq!(index(&world).lines[0].st, LineStatus::Yanked, "the publisher's word stands again");
    let mut chain = Operator::new("registry.test/log");
    for line in parse_chain(&world.get("/index/_operator").body).expect("a chain") {
        let bytes = world.get(&format!("/blob/sha256/{}", line.stmt)).body;
        chain.push(&Envelope::parse(&bytes).expect("an envelope")).expect("it continues");
    }
    assert_eq!(chain.status("acme/notes@1.0.0").expect("one").predicate.state, State::Active);
}

#[test]
fn what_is_removed_is_gone_for_good() {
    let mut world = World::new();
    let acme = world.publisher("acme");
    assert_eq!(acme.publish("acme/notes", "1.0.0", "text").status, 201);
    let archive = index(&world).lines[0].sha256;
    let operator = world.user("operator");
    assert_eq!(order(&world, &operator, "remove").status, 200);
    assert_eq!(index(&world).lines[0].st, LineStatus::Gone);
    assert_eq!(world.get(&format!("/blob/sha256/{archive}")).status, 404);
    for action in ["lift", "quarantine"] {
        assert_ne!(order(&world, &operator, action).status, 200, "{action}");
    }
    world.stop().expect("stopped");
    world.start();
    assert_eq!(index(&world).lines[0].st, LineStatus::Gone);
}

#[test]
fn only_an_operator_may_and_the_request_must_make_sense() {
    let world = World::new();
    let acme = world.publisher("acme");
    assert_eq!(acme.publish("acme/notes", "1.0.0", "text").status, 201);
    let limited = world.token("acme", &[Permission::Yank, Permission::Owners], "*", 1);
    assert_eq!(order(&world, &limited, "quarantine").code(), "E_TOKEN_SCOPE");
    let operator = world.user("operator");
    assert_eq!(order(&world, &operator, "hide").code(), "E_BAD_REQUEST");
    let path = "/api/skill/v1/skills/acme/notes/1.0.0/quarantine";
    let unknown = world.call(&operator, "PUT", path, b"{\"action\":\"quarantine\",\"reason\":\"because\"}");
    assert_eq!(unknown.code(), "E_STATEMENT", "{}", unknown.text());
    let other = path.replace("1.0.0", "2.0.0");
    assert_eq!(
        world.call(&operator, "PUT", &other, b"{\"action\":\"lift\",\"reason\":\"mistake\"}").code(),
        "E_NOT_FOUND"
    );
    assert_eq!(index(&world).lines[0].st, LineStatus::Ok);
    // A publisher cannot speak for the operator either.
    let forged = Publisher::new(&world, "acme", &acme.token).status("acme/notes", "1.0.0", State::Quarantined);
    let reply = world.call(&acme.token, "PUT", "/api/skill/v1/skills/acme/notes/1.0.0/status", &forged);
    assert_eq!(reply.code(), "E_KEY_ROLE");
}
