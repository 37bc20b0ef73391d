//! Reading: entity tags, ranges, compression, caching, search.

use std::io::Read;

use skill_schema::{Digest, statement::State};

use crate::{
    client::send,
    world::{World, eventually},
};

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).expect("gzip");
    out
}

#[test]
fn an_index_has_a_strong_tag_and_is_not_sent_twice() {
    let world = World::new();
    let acme = world.publisher("acme");
    acme.publish("acme/notes", "1.0.0", "text");
    let first = world.get("/index/acme/notes");
    let tag = first.header("etag").to_owned();
    assert_eq!(tag, format!("\"{}\"", skill_bundle::hash::sha256(&first.body)));
    assert_eq!(first.header("cache-control"), "public, max-age=60, stale-while-revalidate=600");
    assert_eq!(first.header("vary"), "accept-encoding");
    assert_eq!(first.header("content-type"), "application/x-ndjson");
    for list in [tag.as_str(), &format!("\"x\", {tag}"), "*", &format!("W/{tag}")] {
        let again = world.get_with("/index/acme/notes", &[("if-none-match", list)]);
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag.as_str()), "{list}");
    }
    assert_eq!(world.get_with("/index/acme/notes", &[("if-none-match", "\"x\"")]).status, 200);
    acme.publish("acme/notes", "1.1.0", "text");
    let changed = world.get_with("/index/acme/notes", &[("if-none-match", &tag)]);
    assert_eq!(changed.status, 200);
    assert_eq!(changed.text().lines().count(), 3);
}

#[test]
fn an_index_is_compressed_for_those_who_take_it_under_a_tag_of_its_own() {
    let world = World::new();
    let acme = world.publisher("acme");
    for n in 0..3 {
        acme.publish("acme/notes", &format!("1.{n}.0"), "text");
    }
    let plain = world.get("/index/acme/notes");
    let gzip = world.get_with("/index/acme/notes", &[("accept-encoding", "br, gzip")]);
    assert_eq!(gzip.header("content-encoding"), "gzip");
    assert_eq!(gunzip(&gzip.body), plain.body);
    assert_ne!(gzip.header("etag"), plain.header("etag"));
    let tag = gzip.header("etag").to_owned();
    let again = world.get_with("/index/acme/notes", &[("accept-encoding", "gzip"), ("if-none-match", &tag)]);
    assert_eq!((again.status, again.header("etag")), (304, tag.as_str()));
    assert_eq!(world.get_with("/index/acme/notes", &[("accept-encoding", "gzip;q=0")]).body, plain.body);
}

#[test]
fn head_says_what_get_would_without_the_body() {
    let world = World::new();
    let acme = world.publisher("acme");
    acme.publish("acme/notes", "1.0.0", "text");
    let index = world.get("/index/acme/notes");
    let head = send(world.at, "HEAD", "/index/acme/notes", &[], b"");
    assert_eq!((head.status, head.header("etag")), (200, index.header("etag")));
    assert_eq!(head.header("content-length"), index.body.len().to_string());
    let stmt = acme.chain()[0].stmt;
    let blob = world.get(&format!("/blob/sha256/{stmt}"));
    let head = send(world.at, "HEAD", &format!("/blob/sha256/{stmt}"), &[], b"");
    assert_eq!(head.header("content-length"), blob.body.len().to_string());
}

/// A large archive that compresses badly, so that it is not kept in memory.
fn large(world: &World) -> (Digest, Vec<u8>) {
    let acme = world.publisher("acme");
    let mut noise = String::new();
    let mut state = 1_u64;
    while noise.len() < 300_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        noise.extend([&state.to_string(), "\n"]);
    }
    let text = b"---\nname: notes\ndescription: Takes notes.\n---\ntext\n".as_slice();
    let manifest = b"[skill]\nname = \"acme/notes\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n".as_slice();
    let packed =
        crate::world::pack_files(&[("SKILL.md", text), ("data.txt", noise.as_bytes()), ("skill.toml", manifest)]);
    let envelope = acme.sign(acme.release("acme/notes", "1.0.0", &packed), &packed);
    let reply = acme.send("acme/notes", "1.0.0", &envelope, &packed);
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert!(packed.archive.len() > 100_000);
    (packed.package.digest(), packed.archive)
}

#[test]
fn a_broken_download_can_go_on() {
    let world = World::new();
    let (digest, archive) = large(&world);
    let path = format!("/blob/sha256/{digest}");
    let whole = world.get(&path);
    assert_eq!((whole.status, &whole.body), (200, &archive));
    assert_eq!(whole.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(whole.header("content-type"), "application/vnd.skill.archive.v1+gzip");
    assert_eq!((whole.header("accept-ranges"), whole.header("etag")), ("bytes", format!("\"{digest}\"").as_str()));

    let rest = world.get_with(&path, &[("range", "bytes=5000-"), ("if-range", &format!("\"{digest}\""))]);
    assert_eq!((rest.status, &rest.body[..]), (206, &archive[5000..]));
    assert_eq!(rest.header("content-range"), format!("bytes 5000-{}/{}", archive.len() - 1, archive.len()));
    let other = world.get_with(&path, &[("range", "bytes=5000-"), ("if-range", "\"other\"")]);
    assert_eq!((other.status, other.body.len()), (200, archive.len()));
    let last = world.get_with(&path, &[("range", "bytes=-7")]);
    assert_eq!((last.status, &last.body[..]), (206, &archive[archive.len() - 7..]));
    let outside = world.get_with(&path, &[("range", &format!("bytes={}-", archive.len()))]);
    assert_eq!((outside.status, outside.code().as_str()), (416, "E_RANGE"));
    assert_eq!(outside.header("content-range"), format!("bytes */{}", archive.len()));
    let same = world.get_with(&path, &[("if-none-match", &format!("\"{digest}\""))]);
    assert_eq!((same.status, same.body.len()), (304, 0));
}

#[test]
fn small_blobs_take_ranges_too() {
    let world = World::new();
    let stmt = world.publisher("acme").chain()[0].stmt;
    let path = format!("/blob/sha256/{stmt}");
    let whole = world.get(&path);
    assert_eq!(whole.header("content-type"), "application/json");
    let part = world.get_with(&path, &[("range", "bytes=3-9")]);
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[3..10]));
}

#[test]
fn what_does_not_exist_is_not_found() {
    let world = World::new();
    for (path, status, code) in [
        ("/index/acme/notes", 404, "E_NOT_FOUND"),
        ("/index/acme", 404, "E_SCOPE_UNKNOWN"),
        ("/api/skill/v1/skills/acme/notes", 404, "E_NOT_FOUND"),
        ("/api/skill/v1/scopes/acme/owners", 404, "E_SCOPE_UNKNOWN"),
        ("/api/skill/v1/nothing", 404, "E_NOT_FOUND"),
        ("/", 404, "E_NOT_FOUND"),
        ("/metrics", 404, "E_NOT_FOUND"),
        ("/blob/sha256/00", 404, "E_NOT_FOUND"),
        (&format!("/blob/sha256/{}", Digest::ZERO), 404, "E_NOT_FOUND"),
        (&format!("/blob/sha256/{}", "AB".repeat(32)), 404, "E_NOT_FOUND"),
        ("/blob/sha256/..%2f..%2foperator.pem", 404, "E_NOT_FOUND"),
        ("/index/../operator.pem", 400, "E_NAME"),
        ("/index/acme%2fnotes", 400, "E_NAME"),
        ("/index/acme/..", 400, "E_NAME"),
        ("/index/Acme/notes", 400, "E_NAME"),
        ("/index/acme/n%6ftes", 400, "E_NAME"),
        ("/index/api/notes", 422, "E_NAME_RESERVED"),
        ("/api/skill/v1/skills/acme/%2e%2e", 400, "E_NAME"),
        ("/api/skill/v1/skills/acme/a%2fb", 400, "E_NAME"),
        ("/api/skill/v1/skills/acme/%ff", 400, "E_BAD_REQUEST"),
    ] {
        let reply = world.get(path);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{path}");
    }
    assert_eq!(world.get("/index/_operator").text().lines().count(), 1);
}

#[test]
fn a_method_that_an_address_does_not_take_is_refused() {
    let world = World::new();
    let reply = send(world.at, "DELETE", "/index/acme/notes", &[], b"");
    assert_eq!((reply.status, reply.code().as_str()), (405, "E_METHOD"));
    assert!(reply.header("allow").contains("GET"));
}

#[test]
fn search_finds_what_was_published_and_not_what_was_yanked() {
    let world = World::new();
    let acme = world.publisher("acme");
    acme.publish("acme/codeguard", "1.0.0", "Rules for secure code.");
    acme.publish("acme/notes", "1.0.0", "Takes notes.");
    let names = |query: &str| {
        let page = world.get(&format!("/api/skill/v1/search?{query}")).json();
        page["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|hit| hit["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("q=codeg"), ["acme/codeguard"]);
    assert_eq!(names("q=secure"), ["acme/codeguard"]);
    assert_eq!(names("q=").len(), 2);
    assert_eq!(names("q=acme&limit=1").len(), 1);
    acme.set_status("acme/codeguard", "1.0.0", State::Yanked);
    assert_eq!(names("q=codeg").len(), 0);
    for bad in ["limit=x", "sort=up", "offset=1001", &format!("q={}", "a".repeat(201))] {
        let reply = world.get(&format!("/api/skill/v1/search?{bad}"));
        assert_eq!((reply.status, reply.code().as_str()), (400, "E_BAD_REQUEST"), "{bad}");
    }
}

#[test]
fn downloads_are_counted_in_the_background_and_kept_over_a_restart() {
    let mut world = World::new();
    let digest = {
        let acme = world.publisher("acme");
        acme.publish("acme/notes", "1.0.0", "text");
        world.get("/api/skill/v1/skills/acme/notes").json()["versions"][0]["archive"].as_str().unwrap().to_owned()
    };
    let path = format!("/blob/sha256/{digest}");
    for _ in 0..3 {
        assert_eq!(world.get(&path).status, 200);
    }
    world.get_with(&path, &[("range", "bytes=5-")]);
    world.get_with(&path, &[("if-none-match", &format!("\"{digest}\""))]);
    send(world.at, "HEAD", &path, &[], b"");
    world.stop().expect("stopped");
    world.start();
    eventually("the count", || world.get("/api/skill/v1/skills/acme/notes").json()["downloads"] == 3);
}

#[test]
fn the_well_known_document_says_what_a_client_needs() {
    let world = World::with(|config| config.packages.archive = 1_000_000);
    let reply = world.get("/.well-known/skill-registry");
    let document: skill_schema::api::well_known::Response = serde_json::from_slice(&reply.body).expect("the contract");
    assert_eq!(document.api, format!("http://{}/api/skill/v1", world.at));
    assert_eq!(document.origin, "registry.test/log");
    assert!(document.log[0].starts_with("registry.test/log+"));
    assert_eq!(document.limits.archive, 1_000_000);
    assert_eq!(reply.header("cache-control"), "public, max-age=300");
}
