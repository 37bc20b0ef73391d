//! A mirror that lies: what it swaps, hides, replays or rewrites is noticed, has its code, and nothing is installed.

use std::path::PathBuf;

use skill_tests::{Owner, Person, Project, Reader, Skill, World, proxy::Proxy, registry::Registry};

/// `ada/notes` 1.0.0 is published, and `rob` has installed it through the proxy while it was honest.
fn world() -> (World, Proxy, Owner, Reader) {
    let (world, proxy) = World::behind_proxy();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    rob.project("first").skill(&["install", "ada/notes"]).ok();
    (world, proxy, ada, rob)
}

/// Raises `ada/notes` to a version.
fn raise(ada: &Owner, version: &str) {
    ada.publish(Skill::write(&ada.home.join("skills"), "ada/notes", version)).ok();
}

/// A fresh project in which an install is refused with this code and leaves nothing.
fn refused(person: &Person, name: &str, code: &str) {
    let project = person.project(name);
    project.skill(&["install", "ada/notes"]).refused(6, code);
    assert!(project.contents().is_empty(), "{code}: something was installed");
}

#[expect(clippy::disallowed_methods, reason = "the registry of a story has the real time")]
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs()
}

fn evidence(person: &Person) -> Vec<PathBuf> {
    let folder = person.home.join(".local/share/skill/evidence");
    std::fs::read_dir(folder).map(|all| all.map(|e| e.expect("an entry").path()).collect()).unwrap_or_default()
}

#[test]
fn an_old_checkpoint_is_a_rollback() {
    let (world, proxy, ada, rob) = world();
    let old = world.registry.get("/log/checkpoint");
    raise(&ada, "1.1.0");
    rob.project("second").skill(&["install", "ada/notes"]).ok();
    proxy.edit(move |path, answer| {
        if path == "/log/checkpoint" {
            *answer = old.clone();
        }
    });
    refused(&rob, "third", "E_ROLLBACK");
    assert!(evidence(&rob).is_empty(), "an old checkpoint does not contradict the new one");
}

#[test]
fn a_checkpoint_that_the_pinned_key_did_not_sign_is_refused() {
    let (_world, proxy, _ada, rob) = world();
    for (from, to) in [("\n\n", "\nextra\n\n"), ("— ", "- "), ("/log\n", "/gol\n"), (" ", "  ")] {
        proxy.edit(move |path, answer| {
            if path == "/log/checkpoint" {
                answer.body = answer.text().replacen(from, to, 1).into_bytes();
            }
        });
        let project = rob.project("second");
        let outcome = project.skill(&["install", "ada/notes"]);
        assert_eq!(outcome.status, 6, "{outcome}");
        assert!(["E_CHECKPOINT", "E_NOTE"].iter().any(|code| outcome.stderr.contains(code)), "{outcome}");
        assert!(project.contents().is_empty());
    }
}

#[test]
fn damaged_and_cut_tiles_prove_nothing() {
    let (world, proxy, ada, _rob) = world();
    raise(&ada, "1.1.0");
    for (n, damage) in [0, 1].into_iter().enumerate() {
        proxy.edit(move |path, answer| {
            if path.starts_with("/log/tile/") && answer.status == 200 {
                if damage == 0 {
                    answer.body[3] ^= 1;
                } else {
                    answer.body.truncate(answer.body.len() - 32);
                }
            }
        });
        let kim = world.reader(&format!("kim{n}"));
        let project = kim.project("site");
        let outcome = project.skill(&["install", "ada/notes"]);
        assert_eq!(outcome.status, 6, "{outcome}");
        assert!(["E_PROOF", "E_TILE"].iter().any(|code| outcome.stderr.contains(code)), "{outcome}");
        assert!(project.contents().is_empty());
    }
}

#[test]
fn blobs_and_envelopes_that_were_swapped_are_noticed() {
    let (world, proxy, ada, _rob) = world();
    raise(&ada, "1.1.0");
    let index = world.registry.get("/index/ada/notes").text();
    let lines: Vec<serde_json::Value> =
        index.lines().skip(1).map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for member in ["sha256", "stmt"] {
        let of = |n: usize| format!("/blob/sha256/{}", lines[n][member].as_str().expect("a digest"));
        let (first, second) = (world.registry.get(&of(0)), of(1));
        proxy.edit(move |path, answer| {
            if path == second {
                *answer = first.clone();
            }
        });
        let kim = world.reader(member);
        refused(&kim, "site", "E_DIGEST");
        proxy.be_honest();
        kim.project("last").skill(&["install", "ada/notes"]).ok();
    }
}

#[test]
fn a_log_that_is_frozen_is_stale_after_a_while() {
    let (world, _proxy, _ada, _rob) = world();
    let days = |n: u64| now() + n * 86_400;
    let soon = world.reader("soon").into_person().with_time(days(2));
    soon.project("site").skill(&["install", "ada/notes"]).ok();
    let late = world.reader("late").into_person().with_time(days(4));
    let project = late.project("site");
    project.skill(&["install", "ada/notes"]).refused(7, "E_STALE");
    assert!(project.contents().is_empty());
    project.skill(&["install", "ada/notes", "--config", "network.max-age-hours=200"]).ok();
}

#[test]
fn a_quorum_of_witnesses_that_did_not_sign_is_missing() {
    let (world, _proxy, _ada, rob) = world();
    let witness = "witness.example/w1+d9ed62c5+BO1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR";
    let key = world.registry.admin(&["key", "show"]).ok().stdout;
    let kim = world.newcomer("kim");
    let add = ["registry", "add", "home", &world.url(), "--key", key.trim(), "--default"];
    kim.skill(&[&add[..], &["--witness", witness, "--quorum", "2"]].concat()).refused(2, "E_USAGE");
    kim.skill(&[&add[..], &["--witness", key.trim(), "--quorum", "1"]].concat()).refused(2, "E_VKEY");
    kim.skill(&[&add[..], &["--witness", witness, "--quorum", "1"]].concat()).ok();
    refused(&kim, "site", "E_WITNESS");
    rob.project("second").skill(&["install", "ada/notes"]).ok();
}

/// The registry and a second one that began as its copy, and now has another history.
struct Forked {
    world: World,
    proxy: Proxy,
    rob: Reader,
    other: Registry,
}

/// Both have the same number of statements at first; `more` of them come to the second one only.
fn forked(more: usize) -> Forked {
    let (mut world, proxy) = World::behind_proxy();
    let (ada, bob) = (world.owner("ada"), world.owner("bob"));
    let _ = ada.publishes("notes", "1.0.0");
    world.registry.stop();
    let mut other = world.registry.copy(&world.place("other"));
    world.registry.start();
    raise(&ada, "1.1.0");
    let rob = world.reader("rob");
    rob.project("first").skill(&["install", "ada/notes"]).ok();
    other.start();
    proxy.pass_to(other.address());
    for n in 0..=more {
        bob.publish(Skill::write(&bob.home.join("skills"), "bob/tools", &format!("1.{n}.0"))).ok();
    }
    Forked { world, proxy, rob, other }
}

#[test]
fn a_second_history_is_a_fork_and_leaves_evidence_that_anybody_can_check() {
    for more in [0, 1, 4] {
        let Forked { world, proxy, rob, other } = forked(more);
        refused(&rob, "second", "E_LOG_FORK");
        let files = evidence(&rob);
        assert_eq!(files.len(), 1, "{files:?}");
        let file = files[0].to_string_lossy().into_owned();
        let key = world.registry.admin(&["key", "show"]).ok().stdout;
        // Somebody who has never heard of the registry.
        let judge = Person::alone("judge");
        judge.skill(&["verify", "evidence", &file, "--key", key.trim()]).ok().says("two histories").says(key.trim());
        judge.skill(&["verify", "evidence", &file, "--key", "other"]).refused(6, "E_EVIDENCE");
        let text = std::fs::read_to_string(&file).expect("read");
        let mut honest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        honest["second"] = honest["first"].clone();
        let forged = judge.place("forged").join("fork.json");
        std::fs::write(&forged, honest.to_string()).expect("written");
        let outcome = judge.skill(&["verify", "evidence", &forged.to_string_lossy()]);
        assert_eq!(outcome.status, 6, "{outcome}");
        judge.skill(&["verify", "evidence", "nowhere.json"]).refused(3, "E_NO_PATH");
        // The honest one is still believed.
        proxy.pass_to(world.registry.address());
        rob.project("third").skill(&["install", "ada/notes"]).ok();
        drop(other);
    }
}

#[test]
fn a_smaller_fork_is_told_from_a_rollback_where_the_tiles_still_tell() {
    let Forked { world, proxy, rob, other } = forked(0);
    let ada_again = world.registry.get("/log/checkpoint");
    assert_ne!(ada_again.text(), other.get("/log/checkpoint").text());
    // rob sees one statement more of the honest one first.
    proxy.pass_to(world.registry.address());
    let carol = world.owner("carol");
    let _ = carol.publishes("more", "1.0.0");
    rob.project("more").skill(&["install", "carol/more"]).ok();
    // Then a mirror that serves the honest tiles under the checkpoint of the other history.
    let forged = other.get("/log/checkpoint");
    proxy.edit(move |path, answer| {
        if path == "/log/checkpoint" {
            *answer = forged.clone();
        }
    });
    refused(&rob, "second", "E_LOG_FORK");
    assert_eq!(evidence(&rob).len(), 1);
}

#[test]
fn a_chain_that_is_not_in_the_log_is_refused() {
    let Forked { world, proxy, rob: _, other } = forked(0);
    // A newcomer is shown the honest log, and bob's chain and index of the other history.
    let (chain, index) = (other.get("/index/bob"), other.get("/index/bob/tools"));
    let blobs = other.address();
    proxy.pass_to(world.registry.address());
    proxy.edit(move |path, answer| match path {
        "/index/bob" => *answer = chain.clone(),
        "/index/bob/tools" => *answer = index.clone(),
        path if path.starts_with("/blob/") && answer.status == 404 => {
            *answer = skill_tests::http::send(blobs, "GET", path, &[], b"");
        }
        _ => {}
    });
    let kim = world.reader("kim");
    let project = kim.project("site");
    project.skill(&["install", "bob/tools"]).refused(6, "E_NOT_LOGGED");
    assert!(project.contents().is_empty());
}

/// Shown so that the list of lies above reads like one: what an honest proxy passes on installs.
#[test]
fn an_honest_proxy_changes_nothing() {
    let (_world, _proxy, _ada, rob) = world();
    let project: Project<'_> = rob.project("second");
    project.skill(&["install", "ada/notes"]).ok();
    project.skill(&["verify"]).ok();
}

#[test]
fn a_redirect_to_another_host_to_plain_http_or_without_end_is_not_followed() {
    let (_world, proxy, _ada, rob) = world();
    let elsewhere = Proxy::start();
    for (number, target) in [elsewhere.url(), "http://localhost:1".into(), "/log/checkpoint".into()].iter().enumerate()
    {
        let location = target.clone();
        proxy.edit(move |path, answer| {
            if path == "/log/checkpoint" {
                answer.status = 302;
                answer.headers.push(("location".into(), location.clone()));
            }
        });
        let project = rob.project(&format!("redirected-{number}"));
        project.skill(&["install", "ada/notes"]).refused(6, "E_REDIRECT");
        assert!(project.contents().is_empty());
    }
    assert!(elsewhere.seen().is_empty(), "the other host was asked");
}
