//! Blobs: archives and envelopes by digest, for ever, in parts if asked.

use skill_tests::World;

fn archive_path(world: &World) -> String {
    let index = world.registry.get("/index/ada/notes").text();
    let line: serde_json::Value = serde_json::from_str(index.lines().nth(1).expect("a version")).expect("JSON");
    format!("/blob/sha256/{}", line["sha256"].as_str().expect("a digest"))
}

#[test]
fn a_blob_is_served_whole_and_in_parts() {
    let world = World::start();
    let _ = world.owner("ada").publishes("notes", "1.0.0");
    let path = archive_path(&world);
    let whole = world.registry.get(&path);
    assert_eq!(whole.status, 200);
    assert!(whole.header("cache-control").expect("it says").contains("immutable"));
    let part = world.registry.send("GET", &path, &[("range", "bytes=10-19")], b"");
    assert_eq!((part.status, part.body.as_slice()), (206, &whole.body[10..20]));
    let etag = whole.header("etag").expect("an ETag").to_owned();
    let same = world.registry.send("GET", &path, &[("range", "bytes=10-"), ("if-range", &etag)], b"");
    assert_eq!((same.status, same.body.as_slice()), (206, &whole.body[10..]));
    let other = world.registry.send("GET", &path, &[("range", "bytes=10-"), ("if-range", "\"other\"")], b"");
    assert_eq!((other.status, other.body.len()), (200, whole.body.len()));
    assert_eq!(world.registry.send("GET", &path, &[("range", "bytes=999999-")], b"").status, 416);
}

#[test]
fn an_unknown_or_malformed_digest_is_not_found() {
    let world = World::start();
    for hex in ["00".repeat(32).as_str(), "zz", "../../etc/passwd", "%2e%2e%2f"] {
        let answer = world.registry.get(&format!("/blob/sha256/{hex}"));
        assert!(matches!(answer.status, 400 | 404), "{hex}: {}", answer.status);
    }
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let (world, proxy) = World::behind_proxy();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let skill = ada.writes("notes", "1.0.0");
    // Text that does not compress well, so that there is something to cut.
    let noise: String =
        (0..40_000u64).map(|n| format!("{:x} ", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect::<Vec<_>>().join("\n");
    skill.file("references/noise.md", &noise);
    ada.publish(&skill).ok();
    let path = archive_path(&world);
    let cut = path.clone();
    let first = std::sync::atomic::AtomicBool::new(true);
    proxy.edit(move |asked, answer| {
        if asked == cut && first.swap(false, std::sync::atomic::Ordering::Relaxed) {
            answer.headers.push(("x-lying-length".to_owned(), answer.body.len().to_string()));
            answer.body.truncate(answer.body.len() / 2);
        }
    });
    let project = rob.project("site");
    let _ = proxy.seen();
    project.skill(&["install", "ada/notes"]).ok();
    let asked = proxy.seen().into_iter().filter(|line| line.ends_with(&path)).count();
    assert_eq!(asked, 2, "once until it broke, once for the rest");
    assert_eq!(project.installed(".agents/skills", "notes"), skill_tests::run::contents(&skill.folder));
}
