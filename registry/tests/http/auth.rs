//! Tokens: who may do what, and what a private registry shows.

use skill_registry::clock::DAY;
use skill_schema::{
    api::{token::Permission, well_known::Auth},
    token,
};

use crate::{client::send, world::World};

const WHOAMI: &str = "/api/skill/v1/whoami";
const TOKENS: &str = "/api/skill/v1/tokens";

#[test]
fn a_missing_malformed_unknown_expired_or_revoked_token_is_refused() {
    let world = World::new();
    let good = world.user("alice");
    let missing = world.get(WHOAMI);
    assert_eq!((missing.status, missing.code().as_str()), (401, "E_UNAUTHENTICATED"));
    assert_eq!(missing.header("www-authenticate"), "Bearer");
    let unknown = token::format(&[1; 32]);
    for bad in ["x", &good[1..], &good.to_uppercase(), &unknown] {
        let reply = world.call(bad, "GET", WHOAMI, b"");
        assert_eq!((reply.status, reply.code().as_str()), (401, "E_TOKEN_INVALID"), "{bad}");
        assert!(!reply.text().contains(bad), "the answer shows the token");
    }
    let basic = send(world.at, "GET", WHOAMI, &[("authorization", "Basic YTpi")], b"");
    assert_eq!(basic.code(), "E_TOKEN_INVALID");
    assert_eq!(world.call(&good, "GET", WHOAMI, b"").status, 200);
    world.clock.advance(91 * DAY);
    let expired = world.call(&good, "GET", WHOAMI, b"");
    assert_eq!((expired.status, expired.code().as_str()), (401, "E_TOKEN_EXPIRED"));
}

#[test]
fn a_user_makes_lists_and_revokes_tokens() {
    let world = World::new();
    let alice = world.user("alice");
    let body = br#"{"name":"ci","permissions":["publish:update"],"pattern":"acme/*","days":7}"#;
    let made = world.call(&alice, "POST", TOKENS, body);
    assert_eq!(made.status, 201, "{}", made.text());
    let text = made.json()["token"].as_str().expect("shown once").to_owned();
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(made.json()["expires"], "2026-11-30T05:00:00Z");
    let whoami = world.call(&text, "GET", WHOAMI, b"").json();
    assert_eq!((whoami["user"].as_str(), whoami["token"]["pattern"].as_str()), (Some("alice"), Some("acme/*")));
    let list = world.call(&alice, "GET", TOKENS, b"");
    assert!(!list.text().contains(&text[4..]), "the list shows a token");
    assert_eq!(list.json()["tokens"].as_array().map(Vec::len), Some(2));

    let mallory = world.user("mallory");
    let path = format!("{TOKENS}/{id}");
    assert_eq!(world.call(&mallory, "DELETE", &path, b"").code(), "E_NOT_FOUND");
    assert_eq!(world.call(&alice, "DELETE", &path, b"").status, 204);
    let revoked = world.call(&text, "GET", WHOAMI, b"");
    assert_eq!((revoked.status, revoked.code().as_str()), (401, "E_TOKEN_INVALID"));
}

#[test]
fn a_token_makes_no_stronger_one() {
    let world = World::new();
    world.user("alice");
    let weak = world.token("alice", &[Permission::PublishUpdate], "acme/no*", 1);
    let new = |permission: &str, pattern: &str| {
        let body = format!(r#"{{"name":"x","permissions":["{permission}"],"pattern":"{pattern}"}}"#);
        world.call(&weak, "POST", TOKENS, body.as_bytes())
    };
    assert_eq!(new("yank", "acme/no*").code(), "E_TOKEN_SCOPE");
    for pattern in ["*", "acme/*", "acme/n*", "acme/other"] {
        assert_eq!(new("publish:update", pattern).code(), "E_TOKEN_SCOPE", "{pattern}");
    }
    for pattern in ["acme/no*", "acme/notes", "acme/notes*"] {
        assert_eq!(new("publish:update", pattern).status, 201, "{pattern}");
    }
}

#[test]
fn a_token_that_cannot_be_is_refused() {
    let world = World::new();
    let alice = world.user("alice");
    for bad in [
        r#"{"name":"","permissions":["yank"]}"#,
        r#"{"name":"x","permissions":[]}"#,
        r#"{"name":"x","permissions":["fly"]}"#,
        r#"{"name":"x","permissions":["yank"],"days":0}"#,
        r#"{"name":"x","permissions":["yank"],"days":367}"#,
        r#"{"name":"x","permissions":["yank"],"pattern":"../*"}"#,
        r#"{"name":"x","permissions":["yank"],"extra":1}"#,
        "[]",
        "",
    ] {
        let reply = world.call(&alice, "POST", TOKENS, bad.as_bytes());
        assert_eq!((reply.status, reply.code().as_str()), (400, "E_BAD_REQUEST"), "{bad}");
    }
    let bearer = format!("Bearer {alice}");
    let reply = send(world.at, "POST", TOKENS, &[("authorization", &bearer), ("content-type", "text/plain")], b"{}");
    assert_eq!((reply.status, reply.code().as_str()), (415, "E_MEDIA_TYPE"));
}

#[test]
fn a_private_registry_shows_nothing_without_a_token_for_it() {
    let world = World::with(|config| config.policy.auth = Auth::Required);
    let owner = world.user("acme");
    let acme = crate::world::Publisher::new(&world, "acme", &owner);
    // The harness reads chains without a token, and this is the first statement.
    assert_eq!(acme.enrol().status, 201);
    let stmt = world.call(&owner, "GET", "/index/acme", b"").json()["stmt"].as_str().expect("a digest").to_owned();
    let blob = format!("/blob/sha256/{stmt}");
    let blind = world.token("acme", &[Permission::PublishNew], "*", 1);
    let narrow = world.token("acme", &[Permission::ReadPrivate], "acme/*", 1);
    for path in ["/index/acme", "/index/acme/notes", &blob, "/api/skill/v1/search", "/api/skill/v1/skills/acme/notes"] {
        let reply = world.get(path);
        assert_eq!((reply.status, reply.code().as_str()), (401, "E_UNAUTHENTICATED"), "{path}");
        let reply = world.call(&blind, "GET", path, b"");
        assert_eq!((reply.status, reply.code().as_str()), (403, "E_TOKEN_SCOPE"), "{path}");
    }
    for path in ["/index/acme", &blob] {
        let reply = world.call(&narrow, "GET", path, b"");
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.header("cache-control").starts_with("private"), "{path}");
    }
    assert_eq!(world.call(&narrow, "GET", "/index/acme/notes", b"").code(), "E_NOT_FOUND");
    assert_eq!(world.call(&narrow, "GET", "/index/beta/notes", b"").code(), "E_TOKEN_SCOPE");
    assert_eq!(world.get("/.well-known/skill-registry").json()["auth"], "required");
    assert_eq!(world.get("/healthz").status, 200);
}

#[test]
fn the_last_use_of_a_token_is_known_to_the_hour() {
    let mut world = World::new();
    let alice = world.user("alice");
    world.clock.advance(1_800_000_000);
    world.call(&alice, "GET", WHOAMI, b"");
    world.stop().expect("stopped");
    world.start();
    let whoami = world.call(&alice, "GET", WHOAMI, b"").json();
    assert_eq!(whoami["token"]["last_used"], "2026-11-23T05:00:00Z");
}
