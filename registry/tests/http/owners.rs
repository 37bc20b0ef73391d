//! Owners of scopes.

use skill_schema::api::token::Permission;

use crate::world::{Publisher, World};

#[test]
fn an_owner_shares_a_scope_and_the_last_one_stays() {
    let world = World::new();
    let acme = world.publisher("acme");
    let bob = world.user("bob");
    let path = |user: &str| format!("/api/skill/v1/scopes/acme/owners/{user}");
    let reply = world.call(&acme.token, "DELETE", &path("acme"), b"");
    assert_eq!((reply.status, reply.code().as_str()), (409, "E_LAST_OWNER"));
    let reply = world.call(&acme.token, "PUT", &path("bob"), b"");
    assert_eq!((reply.status, reply.json()["owners"].clone()), (200, serde_json::json!(["acme", "bob"])));
    let shared = Publisher::new(&world, "acme", &bob);
    assert_eq!(shared.publish("acme/notes", "1.0.0", "text").status, 201);
    assert_eq!(world.call(&bob, "DELETE", &path("acme"), b"").status, 200);
    assert_eq!(acme.publish("acme/notes", "1.1.0", "text").code(), "E_NOT_OWNER");
    let whoami = world.call(&bob, "GET", "/api/skill/v1/whoami", b"").json();
    assert_eq!(whoami["scopes"], serde_json::json!(["acme"]));
}

#[test]
fn changing_owners_needs_the_permission_ownership_and_a_user() {
    let world = World::new();
    let acme = world.publisher("acme");
    let bob = world.user("bob");
    let path = "/api/skill/v1/scopes/acme/owners/bob";
    assert_eq!(world.call(&bob, "PUT", path, b"").code(), "E_NOT_OWNER");
    let limited = world.token("acme", &[Permission::Yank], "*", 1);
    assert_eq!(world.call(&limited, "PUT", path, b"").code(), "E_TOKEN_SCOPE");
    for unknown in ["ghost", "..", "Bob"] {
        let path = format!("/api/skill/v1/scopes/acme/owners/{unknown}");
        let reply = world.call(&acme.token, "PUT", &path, b"");
        assert_eq!((reply.status, reply.code().as_str()), (404, "E_USER_UNKNOWN"), "{unknown}");
    }
    assert_eq!(world.call(&acme.token, "DELETE", path, b"").code(), "E_USER_UNKNOWN");
}
