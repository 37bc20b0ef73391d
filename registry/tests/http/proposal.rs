//! Proposals: what is refused, and in which order.

use serde_json::{Value, json};

use crate::{
    client::{self, Reply, form},
    world::{Publisher, World, pack},
};
use skill_schema::api::{proposal, token::Permission};

/// A proposal of `acme/notes` 1.0.1 on top of 1.0.0, with some members of `meta` replaced.
fn propose(publisher: &Publisher<'_>, token: &str, version: &str, change: &Value) -> Reply {
    let info = publisher.world.get("/api/skill/v1/skills/acme/notes").json();
    let tree = info["versions"].as_array().and_then(|all| all.iter().find(|v| v["version"] == "1.0.0"));
    let mut meta = json!({"title": "Shorter", "message": "", "source": "beta/notes", "base": "1.0.0",
        "baseTree": tree.expect("published")["tree"], "version": "1.0.1"});
    for (name, value) in change.as_object().expect("an object") {
        meta[name] = value.clone();
    }
    let packed = pack("acme/notes", version, "Shorter.");
    send(publisher.world, token, &[("meta", meta.to_string().as_bytes()), ("archive", &packed.archive)])
}

fn send(world: &World, token: &str, parts: &[(&str, &[u8])]) -> Reply {
    let (kind, body) = form(parts);
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", kind.as_str())];
    client::send(world.at, "POST", "/api/skill/v1/skills/acme/notes/proposals", &headers, &body)
}

fn code(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn what_is_proposed_is_a_package_of_the_skill_on_top_of_its_latest_version() {
    let world = World::new();
    let acme = world.publisher("acme");
    assert_eq!(acme.publish("acme/notes", "1.0.0", "Read me.").status, 201);
    let beta = world.user("beta");
    let hex = "0".repeat(64);
    let title = |n: usize| "x".repeat(n);
    for (version, change, expected) in [
        ("1.0.1", json!({"title": ""}), (400, "E_BAD_REQUEST")),
        ("1.0.1", json!({"title": title(proposal::MAX_TITLE + 1)}), (400, "E_BAD_REQUEST")),
        ("1.0.1", json!({"title": "a\u{1b}[2J"}), (400, "E_BAD_REQUEST")),
        ("1.0.1", json!({"message": "x".repeat(proposal::MAX_MESSAGE + 1)}), (400, "E_BAD_REQUEST")),
        ("1.0.1", json!({"unknown": 1}), (400, "E_BAD_REQUEST")),
        ("1.0.1", json!({"base": "0.9.0"}), (412, "E_HEAD_MOVED")),
        ("1.0.1", json!({"baseTree": hex}), (412, "E_HEAD_MOVED")),
        ("1.0.0", json!({"version": "1.0.0"}), (409, "E_VERSION_EXISTS")),
        ("0.9.0", json!({"version": "0.9.0"}), (409, "E_VERSION_EXISTS")),
        ("1.0.2", json!({}), (422, "E_MISMATCH")),
        ("1.0.1", json!({"source": "Not a name"}), (400, "E_BAD_REQUEST")),
    ] {
        let reply = propose(&acme, &beta, version, &change);
        assert_eq!(code(&reply), (expected.0, expected.1.to_owned()), "{change}");
    }
    let longest = json!({"title": title(proposal::MAX_TITLE), "message": "\n".repeat(proposal::MAX_MESSAGE)});
    assert_eq!(propose(&acme, &beta, "1.0.1", &longest).status, 201);
    assert_eq!(propose(&acme, &beta, "1.0.1", &longest).status, 200, "the same again");
    let packed = pack("acme/other", "1.0.1", "Another.");
    for parts in [
        &[("archive", packed.archive.as_slice())][..],
        &[("meta", b"{}".as_slice()), ("archive", &packed.archive)],
        &[("archive", packed.archive.as_slice()), ("meta", b"{}")],
    ] {
        assert_eq!(code(&send(&world, &beta, parts)).1, "E_BAD_REQUEST");
    }
}

#[test]
fn a_proposal_needs_a_token_for_the_fork_and_none_for_the_skill() {
    let world = World::new();
    let acme = world.publisher("acme");
    assert_eq!(acme.publish("acme/notes", "1.0.0", "Read me.").status, 201);
    let _ = world.user("beta");
    let token = |permission, pattern| world.token("beta", &[permission], pattern, 9);
    let tried = |token: &str| propose(&acme, token, "1.0.1", &json!({}));
    assert_eq!(code(&tried(&token(Permission::Yank, "*"))), (403, "E_TOKEN_SCOPE".to_owned()));
    assert_eq!(code(&tried(&token(Permission::PublishNew, "gamma/*"))), (403, "E_TOKEN_SCOPE".to_owned()));
    assert_eq!(code(&tried("skl_nonsense")).0, 401);
    assert_eq!(tried(&token(Permission::PublishUpdate, "beta/*")).status, 201);
    let state = |token: &str, body: &[u8]| world.call(token, "PUT", "/api/skill/v1/proposals/1/state", body);
    let narrow = world.token("acme", &[Permission::Yank], "*", 9);
    assert_eq!(code(&state(&narrow, b"{\"state\":\"rejected\"}")).1, "E_TOKEN_SCOPE");
    let note = format!("{{\"state\":\"rejected\",\"note\":\"{}\"}}", "x".repeat(proposal::MAX_NOTE + 1));
    assert_eq!(code(&state(&acme.token, note.as_bytes())).1, "E_BAD_REQUEST");
    assert_eq!(state(&acme.token, b"{\"state\":\"rejected\",\"note\":\"no\"}").status, 200);
    assert_eq!(code(&world.get("/api/skill/v1/proposals/1/archive")), (409, "E_PROPOSAL_CLOSED".to_owned()));
    assert_eq!(world.get("/api/skill/v1/proposals?state=rejected").json()["items"][0]["note"], "no");
    assert_eq!(code(&world.get("/api/skill/v1/proposals?state=lost")).0, 400);
    for number in ["0", "2", "-1", "x", "99999999999999999999"] {
        assert_eq!(world.get(&format!("/api/skill/v1/proposals/{number}")).status, 404, "{number}");
    }
}
