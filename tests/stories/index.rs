//! The index: static, cacheable, and checked against signed statements.

use skill_tests::{World, http::Answer, skills::Skill};

fn line(answer: &Answer, n: usize) -> serde_json::Value {
    serde_json::from_str(answer.text().lines().nth(n).expect("a line")).expect("JSON")
}

#[test]
fn an_index_is_cached_by_its_digest() {
    let world = World::start();
    let _ = world.owner("ada").publishes("notes", "1.0.0");
    let first = world.registry.get("/index/ada/notes");
    let etag = first.header("etag").expect("an ETag").to_owned();
    assert!(etag.starts_with('"') && etag.len() == 66, "{etag}");
    let again = world.registry.send("GET", "/index/ada/notes", &[("if-none-match", &etag)], b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(line(&first, 0)["tags"]["latest"], "1.0.0");
    assert_eq!(line(&first, 1)["vers"], "1.0.0");
}

#[test]
fn the_chain_of_a_scope_lists_its_statements_in_order() {
    let world = World::start();
    let ada = world.owner("ada");
    let _ = ada.publishes("notes", "1.0.0");
    let _ = ada.publishes("notes", "1.1.0");
    let chain = world.registry.get("/index/ada");
    let seqs: Vec<_> = chain
        .text()
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).expect("JSON")["seq"].clone())
        .collect();
    assert_eq!(seqs, [1, 2, 3]);
}

/// Everything that an index line says is signed: each lie is noticed, has a code of its own, and changes nothing on disk.
#[test]
fn a_changed_index_line_is_noticed() {
    let lies: &[(&str, &str, serde_json::Value)] = &[
        ("another archive", "sha256", "00".repeat(32).into()),
        ("another tree", "tree", "00".repeat(32).into()),
        ("another size", "size", 17.into()),
        ("another time", "pub", "2020-01-01T00:00:00Z".into()),
        ("another number", "vers", "9.9.9".into()),
        ("a yank that nobody signed", "st", "yanked".into()),
        ("a parent", "parent", "ada/other@1.0.0".into()),
        ("another statement", "stmt", "00".repeat(32).into()),
    ];
    let (world, proxy) = World::behind_proxy();
    let ada = world.owner("ada");
    let _ = ada.publishes("notes", "1.0.0");
    for (n, (what, key, value)) in lies.iter().enumerate() {
        let rob = world.reader(&format!("rob{n}"));
        let (key, value) = ((*key).to_owned(), value.clone());
        proxy.edit(move |path, answer| {
            if path == "/index/ada/notes" && answer.status == 200 {
                let text = answer.text();
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                let mut version: serde_json::Value = serde_json::from_str(&lines[1]).expect("JSON");
                version[key.as_str()] = value.clone();
                if key == "vers" {
                    lines[0] = lines[0].replace("1.0.0", "9.9.9");
                }
                lines[1] = version.to_string();
                answer.body = (lines.join("\n") + "\n").into_bytes();
                answer.headers.retain(|(name, _)| name != "etag");
            }
        });
        let project = rob.project("site");
        let outcome = project.skill(&["install", "ada/notes"]);
        assert_eq!(outcome.status, 6, "{what}: {outcome}");
        assert!(outcome.stderr.contains("error[E_"), "{what}: {outcome}");
        assert!(project.contents().is_empty(), "{what}: nothing changes on disk");
        proxy.be_honest();
        project.skill(&["install", "ada/notes"]).ok();
    }
}

/// The operator's word is signed like a publisher's, goes before it, and is asked for at every install.
#[test]
fn what_the_operator_quarantines_is_not_installed_until_it_is_lifted() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    assert_eq!(order(&world, "quarantine").status, 200);
    let path = "/index/ada/notes";
    assert_eq!(line(&world.registry.get(path), 1)["st"], "quarantined");
    project.skill(&["install", "ada/notes"]).refused(9, "E_QUARANTINED");
    assert!(project.contents().is_empty());
    assert_eq!(order(&world, "lift").status, 200);
    project.skill(&["install", "ada/notes"]).ok();
}

/// A registry that forgets its own word in the index contradicts what it signed.
#[test]
fn a_quarantine_that_the_index_hides_is_noticed() {
    let (world, proxy) = World::behind_proxy();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let before = world.registry.get("/index/ada/notes");
    assert_eq!(order(&world, "quarantine").status, 200);
    proxy.edit(move |path, answer| {
        if path == "/index/ada/notes" {
            *answer = before.clone();
        }
    });
    rob.project("site").skill(&["install", "ada/notes"]).refused(6, "E_INDEX_MISMATCH");
}

/// Sends the operator's order about `ada/notes@1.0.0`.
fn order(world: &World, action: &str) -> Answer {
    let _ = world.registry.admin(&["user", "add", "operator"]);
    let token = world.registry.admin(&["token", "new", "--user", "operator", "--permission", "admin"]).ok().stdout;
    let body = format!("{{\"action\":\"{action}\",\"reason\":\"malicious\"}}");
    let path = "/api/skill/v1/skills/ada/notes/1.0.0/quarantine";
    let bearer = format!("Bearer {}", token.trim());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    world.registry.send("PUT", path, &headers, body.as_bytes())
}

#[test]
fn dependencies_of_the_index_are_those_of_the_archive() {
    let (world, proxy) = World::behind_proxy();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("trojan", "1.0.0");
    let _ = ada.publishes("notes", "1.0.0");
    proxy.edit(|path, answer| {
        if path == "/index/ada/notes" {
            answer.body = answer.text().replace("\"deps\":[]", "\"deps\":[[\"ada/trojan\",\"^1\"]]").into_bytes();
            answer.headers.retain(|(name, _)| name != "etag");
        }
    });
    let project = rob.project("site");
    let outcome = project.skill(&["install", "ada/notes"]);
    assert_eq!(outcome.status, 6, "{outcome}");
    assert!(project.contents().is_empty());
}

#[test]
fn a_registry_that_goes_back_in_time_is_noticed() {
    let (world, proxy) = World::behind_proxy();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let old_index = world.registry.get("/index/ada/notes");
    let old_chain = world.registry.get("/index/ada");
    ada.publish(Skill::write(&ada.home.join("skills"), "ada/notes", "1.1.0")).ok();
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).ok();
    assert!(project.read("skills.lock").contains("1.1.0"));
    proxy.edit(move |path, answer| match path {
        "/index/ada/notes" => *answer = old_index.clone(),
        "/index/ada" => *answer = old_chain.clone(),
        _ => {}
    });
    let before = project.contents();
    project.skill(&["update"]).refused(6, "E_ROLLBACK");
    assert_eq!(project.contents(), before);
}

#[test]
fn a_chain_without_its_last_statement_does_not_cover_the_index() {
    let (world, proxy) = World::behind_proxy();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    proxy.edit(|path, answer| {
        if path == "/index/ada" {
            let text = answer.text();
            let lines: Vec<&str> = text.lines().collect();
            answer.body = (lines[..lines.len() - 1].join("\n") + "\n").into_bytes();
        }
    });
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).refused(6, "E_INDEX_MISMATCH");
    assert!(project.contents().is_empty());
}
