//! Publishing: what becomes visible, what is refused, and that a repetition is safe.

use std::thread;

use skill_bundle::{envelope, hash::sha256, keys::SecretKey, statement};
use skill_schema::{
    Digest,
    api::token::Permission,
    index::{Index, LineStatus},
    statement::Parent,
};

use crate::{
    client::Reply,
    world::{Packed, Publisher, World, pack, pack_files},
};

/// A file of a package: path and content.
type Content<'a> = (&'static str, &'a [u8]);

fn index(world: &World, id: &str) -> Index {
    let reply = world.get(&format!("/index/{id}"));
    assert_eq!(reply.status, 200, "{}", reply.text());
    Index::parse(&reply.body).expect("an index")
}

#[test]
fn a_published_version_is_in_the_index_with_its_archive_and_statement_at_once() {
    let world = World::new();
    let acme = world.publisher("acme");
    let packed = pack("acme/notes", "1.0.0", "text");
    let envelope = acme.sign(acme.release("acme/notes", "1.0.0", &packed), &packed);
    let reply = acme.send("acme/notes", "1.0.0", &envelope, &packed);
    assert_eq!(reply.status, 201, "{}", reply.text());
    let answer = reply.json();
    assert_eq!(answer["log"], 2);
    assert!(answer["proof"].as_str().is_some_and(|proof| proof.contains("\nindex 2\n")), "{answer}");
    assert_eq!(answer["stmt"], sha256(&envelope).to_string());

    let file = world.get("/index/acme/notes");
    assert_eq!(answer["index"], sha256(&file.body).to_string());
    let index = index(&world, "acme/notes");
    assert_eq!(index.header.tags.latest.as_ref().map(ToString::to_string).as_deref(), Some("1.0.0"));
    let line = &index.lines[0];
    assert_eq!((line.tree, line.sha256), (packed.package.tree(), packed.package.digest()));
    assert_eq!((line.st, line.log, line.published), (LineStatus::Ok, 2, acme.now()));
    assert_eq!(world.get(&format!("/blob/sha256/{}", line.sha256)).body, packed.archive);
    assert_eq!(world.get(&format!("/blob/sha256/{}", line.stmt)).body, envelope);
    assert_eq!(acme.chain().len(), 2);
}

#[test]
fn a_retry_gets_the_stored_answer_even_if_signed_again_or_late() {
    let world = World::new();
    let acme = world.publisher("acme");
    let packed = pack("acme/notes", "1.0.0", "text");
    let envelope = acme.sign(acme.release("acme/notes", "1.0.0", &packed), &packed);
    let first = acme.send("acme/notes", "1.0.0", &envelope, &packed);
    assert_eq!(first.status, 201);
    assert_eq!(acme.publish("acme/other", "1.0.0", "in between").status, 201);
    world.clock.advance(3_600_000_000);
    // The proof leads to the checkpoint of today; everything else is what was stored.
    let stored = |reply: &crate::client::Reply| {
        let mut answer = reply.json();
        assert!(answer["proof"].take().is_string(), "{answer}");
        answer
    };
    let again = acme.send("acme/notes", "1.0.0", &envelope, &packed);
    assert_eq!((again.status, stored(&again)), (200, stored(&first)));
    let signed_again = acme.sign(acme.release("acme/notes", "1.0.0", &packed), &packed);
    let third = acme.send("acme/notes", "1.0.0", &signed_again, &packed);
    assert_eq!((third.status, stored(&third)), (200, stored(&first)));
    assert_eq!(acme.chain().len(), 3);
}

#[test]
fn other_content_under_a_published_version_is_refused() {
    let world = World::new();
    let acme = world.publisher("acme");
    assert_eq!(acme.publish("acme/notes", "1.0.0", "text").status, 201);
    let reply = acme.publish("acme/notes", "1.0.0", "other text");
    assert_eq!((reply.status, reply.code().as_str()), (409, "E_VERSION_EXISTS"));
    assert_eq!(acme.chain().len(), 2);
}

#[test]
fn of_two_publishes_at_once_exactly_one_wins() {
    let world = World::new();
    let acme = world.publisher("acme");
    let candidates: Vec<_> = (0..8)
        .map(|n| {
            let packed = pack("acme/notes", "1.0.0", &format!("text {n}"));
            let envelope = acme.sign(acme.release("acme/notes", "1.0.0", &packed), &packed);
            (envelope, packed)
        })
        .collect();
    let send = |(envelope, packed): &(Vec<u8>, Packed)| acme.send("acme/notes", "1.0.0", envelope, packed);
    let replies: Vec<Reply> = thread::scope(|scope| {
        let running: Vec<_> = candidates.iter().map(|candidate| scope.spawn(move || send(candidate))).collect();
        running.into_iter().map(|running| running.join().expect("no panic")).collect()
    });
    let won = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(won, 1, "{replies:?}");
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        assert!(["E_SEQ", "E_VERSION_EXISTS"].contains(&reply.code().as_str()), "{}", reply.text());
    }
    assert_eq!(index(&world, "acme/notes").lines.len(), 1);
    assert_eq!(acme.chain().len(), 2);
}

#[test]
fn a_retry_beside_its_original_gets_the_same_answer() {
    let world = World::new();
    let acme = world.publisher("acme");
    let packed = pack("acme/notes", "1.0.0", "text");
    let envelope = acme.sign(acme.release("acme/notes", "1.0.0", &packed), &packed);
    let replies: Vec<Reply> = thread::scope(|scope| {
        let send = || acme.send("acme/notes", "1.0.0", &envelope, &packed);
        let running: Vec<_> = (0..4).map(|_| scope.spawn(send)).collect();
        running.into_iter().map(|running| running.join().expect("no panic")).collect()
    });
    let mut statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 201]);
    assert!(replies.iter().all(|reply| reply.json() == replies[0].json()));
}

#[test]
fn scopes_publish_side_by_side_and_the_log_stays_dense() {
    let world = World::new();
    let publishers: Vec<_> = (0..4).map(|n| world.publisher(&format!("scope-{n}"))).collect();
    thread::scope(|threads| {
        for publisher in &publishers {
            threads.spawn(move || {
                for n in 0..5 {
                    let id = format!("{}/notes", publisher.scope);
                    let reply = publisher.publish(&id, &format!("1.{n}.0"), "text");
                    assert_eq!(reply.status, 201, "{}", reply.text());
                }
            });
        }
    });
    let mut leaves: Vec<_> = publishers.iter().flat_map(Publisher::chain).map(|line| line.log).collect();
    leaves.sort_unstable();
    assert_eq!(leaves, (1..25).collect::<Vec<u64>>());
}

#[test]
fn the_registry_goes_on_where_it_stopped() {
    let mut world = World::new();
    let key = {
        let acme = world.publisher("acme");
        assert_eq!(acme.publish("acme/notes", "1.0.0", "text").status, 201);
        acme.token.clone()
    };
    world.stop().expect("stopped");
    world.start();
    let acme = Publisher::new(&world, "acme", &key);
    assert_eq!(acme.publish("acme/notes", "1.1.0", "text").status, 201);
    assert_eq!(index(&world, "acme/notes").lines.len(), 2);
}

#[test]
fn a_statement_that_is_not_the_chains_next_is_refused() {
    let world = World::new();
    let acme = world.publisher("acme");
    let packed = pack("acme/notes", "1.0.0", "text");
    let good = acme.release("acme/notes", "1.0.0", &packed);
    for (seq, prev) in [(good.seq + 1, good.prev), (good.seq, Digest([1; 32])), (good.seq - 1, Digest::ZERO)] {
        let mut release = good.clone();
        (release.seq, release.prev) = (seq, prev);
        let reply = acme.send("acme/notes", "1.0.0", &acme.sign(release, &packed), &packed);
        assert_eq!((reply.status, reply.code().as_str()), (409, "E_SEQ"), "{seq}");
    }
    assert_eq!(acme.send("acme/notes", "1.0.0", &acme.sign(good, &packed), &packed).status, 201);
}

#[test]
fn only_an_enrolled_key_publishes() {
    let world = World::new();
    let acme = world.publisher("acme");
    let packed = pack("acme/notes", "1.0.0", "text");
    let other = SecretKey::from_seed(&[7; 32]);
    let release = acme.release("acme/notes", "1.0.0", &packed);
    let statement = statement::release(release, packed.package.digest(), packed.package.tree());
    let envelope = envelope::sign(&statement, &[&other]).expect("signed");
    let reply = acme.send("acme/notes", "1.0.0", &envelope, &packed);
    assert_eq!((reply.status, reply.code().as_str()), (403, "E_KEY_UNKNOWN"));
    assert_eq!(world.get("/index/acme/notes").code(), "E_NOT_FOUND");
}

#[test]
fn a_statement_for_another_registry_or_of_another_time_is_refused() {
    let world = World::new();
    let acme = world.publisher("acme");
    let packed = pack("acme/notes", "1.0.0", "text");
    let mut release = acme.release("acme/notes", "1.0.0", &packed);
    release.origin = "other.test/log".to_owned();
    let reply = acme.send("acme/notes", "1.0.0", &acme.sign(release, &packed), &packed);
    assert_eq!((reply.status, reply.code().as_str()), (422, "E_ORIGIN"));
    let release = acme.release("acme/notes", "1.0.0", &packed);
    world.clock.advance(16 * 60 * 1_000_000);
    let reply = acme.send("acme/notes", "1.0.0", &acme.sign(release, &packed), &packed);
    assert_eq!((reply.status, reply.code().as_str()), (422, "E_CLOCK"));
}

#[test]
fn a_statement_that_contradicts_the_package_is_refused() {
    let world = World::new();
    let acme = world.publisher("acme");
    let packed = pack("acme/notes", "1.0.0", "text");
    let good = acme.release("acme/notes", "1.0.0", &packed);
    let changes: [fn(&mut skill_schema::statement::Release); 5] = [
        |release| release.size += 1,
        |release| release.unpacked_size += 512,
        |release| release.files += 1,
        |release| release.license = Some("Apache-2.0".to_owned()),
        |release| release.license = None,
    ];
    for change in changes {
        let mut release = good.clone();
        change(&mut release);
        let reply = acme.send("acme/notes", "1.0.0", &acme.sign(release, &packed), &packed);
        assert_eq!((reply.status, reply.code().as_str()), (422, "E_MISMATCH"), "{}", reply.text());
    }
    let other = pack("acme/notes", "1.0.0", "other text");
    let reply = acme.send("acme/notes", "1.0.0", &acme.sign(good, &packed), &other);
    assert_eq!(reply.code(), "E_MISMATCH");
    for (id, version) in [("acme/other", "1.0.0"), ("acme/notes", "1.0.1")] {
        let other = pack(id, version, "text");
        let reply = acme.send("acme/notes", "1.0.0", &acme.sign(acme.release(id, version, &other), &other), &other);
        assert_eq!(reply.code(), "E_MISMATCH", "{id}@{version}");
    }
}

#[test]
fn a_package_that_breaks_a_rule_is_refused_with_its_findings() {
    let world = World::new();
    let acme = world.publisher("acme");
    let manifest = b"[skill]\nname = \"acme/notes\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n".as_slice();
    let text = b"---\nname: notes\ndescription: Takes notes.\n---\ntext\n".as_slice();
    let other_name = b"---\nname: other\ndescription: Takes notes.\n---\ntext\n".as_slice();
    let too_long = format!("---\nname: notes\ndescription: {}\n---\ntext\n", "word ".repeat(300));
    let hidden = "---\nname: notes\ndescription: Takes notes.\n---\nte\u{200b}xt\n";
    let cases: [(&[Content<'_>], &str); 4] = [
        (&[("SKILL.md", text)], "E_NO_MANIFEST"),
        (&[("SKILL.md", hidden.as_bytes()), ("skill.toml", manifest)], "E_HIDDEN_CHAR"),
        (&[("SKILL.md", other_name), ("skill.toml", manifest)], "E_MISMATCH"),
        (&[("SKILL.md", too_long.as_bytes()), ("skill.toml", manifest)], "E_LINT"),
    ];
    for (files, code) in cases {
        let packed = pack_files(files);
        let envelope = acme.sign(acme.release("acme/notes", "1.0.0", &packed), &packed);
        let reply = acme.send("acme/notes", "1.0.0", &envelope, &packed);
        assert_eq!((reply.status, reply.code().as_str()), (422, code), "{}", reply.text());
        if code != "E_NO_MANIFEST" {
            assert!(!reply.json()["findings"].as_array().expect("findings").is_empty());
        }
    }
    let packed = pack("acme/notes", "1.0.0", "text");
    let envelope = acme.sign(acme.release("acme/notes", "1.0.0", &packed), &packed);
    let broken = Packed { archive: packed.archive[..packed.archive.len() - 9].to_vec(), package: packed.package };
    let reply = acme.send("acme/notes", "1.0.0", &envelope, &broken);
    assert_eq!(reply.status, 422, "{}", reply.text());
    assert!(acme.chain().len() == 1 && world.get("/index/acme/notes").status == 404);
}

#[test]
fn warnings_are_told_and_do_not_block() {
    let world = World::new();
    let acme = world.publisher("acme");
    let text = b"---\nname: notes\ndescription: Takes notes.\nmood: good\n---\ntext\n".as_slice();
    let manifest = b"[skill]\nname = \"acme/notes\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n".as_slice();
    let packed = pack_files(&[("SKILL.md", text), ("skill.toml", manifest)]);
    let envelope = acme.sign(acme.release("acme/notes", "1.0.0", &packed), &packed);
    let reply = acme.send("acme/notes", "1.0.0", &envelope, &packed);
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert!(reply.text().contains("unknown-key"), "{}", reply.text());
}

#[test]
fn a_publisher_can_say_what_the_version_improves() {
    let world = World::new();
    let acme = world.publisher("acme");
    let publish = |version: &str, meta: String| {
        let packed = pack("acme/notes", version, version);
        let envelope = acme.sign(acme.release("acme/notes", version, &packed), &packed);
        let parts: [(&str, &[u8]); 3] =
            [("meta", meta.as_bytes()), ("statement", &envelope), ("archive", &packed.archive)];
        (world.publish(&acme.token, "acme/notes", version, &parts), packed.package.tree())
    };
    let (first, tree) = publish("1.0.0", r#"{"ifAbsent":true}"#.to_owned());
    assert_eq!(first.status, 201, "{}", first.text());
    let (again, _) = publish("1.1.0", r#"{"ifAbsent":true}"#.to_owned());
    assert_eq!((again.status, again.code().as_str()), (412, "E_HEAD_MOVED"));
    let (stale, _) = publish("1.1.0", format!(r#"{{"expectedHead":"{}"}}"#, Digest([1; 32])));
    assert_eq!((stale.status, stale.code().as_str()), (412, "E_HEAD_MOVED"));
    let (next, _) = publish("1.1.0", format!(r#"{{"expectedHead":"{tree}"}}"#));
    assert_eq!(next.status, 201, "{}", next.text());
}

#[test]
fn lookalike_names_of_a_scope_cannot_both_exist() {
    let world = World::new();
    let acme = world.publisher("acme");
    assert_eq!(acme.publish("acme/code-lib", "1.0.0", "text").status, 201);
    let reply = acme.publish("acme/c0de-iib", "1.0.0", "text");
    assert_eq!((reply.status, reply.code().as_str()), (409, "E_NAME_TAKEN"));
}

#[test]
fn the_token_says_whether_new_skills_or_only_new_versions_may_be_published() {
    let world = World::new();
    let mut acme = world.publisher("acme");
    let all = acme.token.clone();
    acme.token = world.token("acme", &[Permission::PublishUpdate], "*", 1);
    assert_eq!(acme.publish("acme/notes", "1.0.0", "text").code(), "E_TOKEN_SCOPE");
    acme.token = all;
    assert_eq!(acme.publish("acme/notes", "1.0.0", "text").status, 201);
    acme.token = world.token("acme", &[Permission::PublishNew], "*", 1);
    assert_eq!(acme.publish("acme/notes", "1.1.0", "text").code(), "E_TOKEN_SCOPE");
    acme.token = world.token("acme", &[Permission::PublishUpdate], "acme/notes", 1);
    assert_eq!(acme.publish("acme/notes", "1.1.0", "text").status, 201);
    acme.token = world.token("acme", &Permission::ALL, "acme/other", 1);
    let reply = acme.publish("acme/notes", "1.2.0", "text");
    assert_eq!((reply.status, reply.code().as_str()), (403, "E_TOKEN_SCOPE"));
}

#[test]
fn a_parent_that_this_registry_has_must_have_the_tree_that_is_said() {
    let world = World::new();
    let acme = world.publisher("acme");
    assert_eq!(acme.publish("acme/notes", "1.0.0", "text").status, 201);
    let beta = world.publisher("beta");
    let text = "---\nname: notes\ndescription: Says what notes is for, in one sentence.\n---\n\nBetter text.\n";
    let manifest =
        "[skill]\nname = \"beta/notes\"\nversion = \"1.0.0\"\nlicense = \"MIT\"\n[fork]\nof = \"acme/notes@1.0.0\"\n";
    let packed = pack_files(&[("SKILL.md", text.as_bytes()), ("skill.toml", manifest.as_bytes())]);
    let with_parent = |tree: Digest| {
        let mut release = beta.release("beta/notes", "1.0.0", &packed);
        release.parent = Some(Parent { reference: "acme/notes@1.0.0".to_owned(), tree });
        beta.send("beta/notes", "1.0.0", &beta.sign(release, &packed), &packed)
    };
    assert_eq!(with_parent(Digest([1; 32])).code(), "E_MISMATCH");
    let tree = index(&world, "acme/notes").lines[0].tree;
    assert_eq!(with_parent(tree).status, 201);
    assert_eq!(index(&world, "beta/notes").lines[0].parent.as_deref(), Some("acme/notes@1.0.0"));
}
