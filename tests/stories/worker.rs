//! A verifier measures what its publisher cannot read, and nobody else can either.

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use skill_tests::{
    Outcome, Owner, Skill, World, contest,
    model::Model,
    programs,
    sealed::{self, found_in, words_in},
};

/// Leases that end soon, so that a story need not wait long.
const SHORT: &str = "[limits]\nlease-seconds = 3\n";

fn publish(ada: &Owner, skill: &Skill) -> Outcome {
    ada.skill(&["publish", &skill.path(), "--wait", "0"])
}

fn index(world: &World) -> Vec<Value> {
    let text = world.registry.get("/index/ada/shout").text();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn attempts(world: &World) -> Vec<Value> {
    let body = world.registry.get("/api/skill/v1/skills/ada/shout/evals").json();
    body["attempts"].as_array().expect("attempts").clone()
}

/// Everything that the registry answers to anybody about these digests and this skill.
fn bodies(world: &World, suite: &str) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<String> = [
        "/.well-known/skill-registry",
        "/index/ada",
        "/index/ada/shout",
        "/index/_operator",
        "/api/skill/v1/skills/ada/shout",
        "/api/skill/v1/skills/ada/shout/evals",
        "/api/skill/v1/search?q=shout",
        "/log/checkpoint",
        "/openapi.json",
    ]
    .map(str::to_owned)
    .into();
    paths.extend([format!("/api/skill/v1/suites/{suite}"), format!("/api/skill/v1/suites/{suite}/evals")]);
    let size: u64 =
        world.registry.get("/log/checkpoint").text().lines().nth(1).expect("a size").parse().expect("a number");
    paths.push(format!("/log/tile/entries/000.p/{size}"));
    paths.extend(
        attempts(world).iter().map(|one| format!("/api/skill/v1/jobs/{}", one["attempt"].as_str().expect("hex"))),
    );
    let mut found: Vec<(String, Vec<u8>)> = Vec::new();
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop() {
        let body = world.registry.get(&path).body;
        let text = String::from_utf8_lossy(&body).into_owned();
        let hex = text.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() == 64);
        for digest in hex.filter(|digest| seen.insert((*digest).to_owned())) {
            paths.push(format!("/blob/sha256/{digest}"));
        }
        found.push((path, body));
    }
    found
}

#[test]
fn a_verifier_measures_what_nobody_else_can_read() {
    let world = World::start();
    let ada = world.owner("ada");
    let sealed = sealed::seal(&world, &ada, &[]);
    let vera = sealed::verifier(&world, "vera", &ada);
    let model = contest::model();
    let mut said = Vec::new();
    let mut skill = sealed::skill(&ada, &sealed, "1.0.0", 3);
    // Nobody measures the first version but the verifier, against no skill.
    said.push(publish(&ada, &skill).refused(7, "E_JOB_QUEUED"));
    sealed::work(&vera, &model, &[]).ok();
    said.push(publish(&ada, &skill).ok());
    assert_eq!(index(&world)[1]["score"]["trust"], "verified");

    contest::level(skill.version("1.1.0"), 9);
    said.push(publish(&ada, &skill).refused(7, "E_JOB_QUEUED"));
    assert_eq!(attempts(&world).len(), 2, "it counts from now on, whether or not anybody comes back");
    said.push(publish(&ada, &skill).refused(7, "E_JOB_QUEUED"));
    assert_eq!(attempts(&world).len(), 2, "the same command goes on with it");
    let done = sealed::work(&vera, &model, &[]).ok().json();
    assert_eq!((&done["jobs"][0]["verdict"], &done["jobs"][0]["kind"]), (&"accept".into(), &"result".into()));
    said.push(publish(&ada, &skill).ok().says("Verdict"));
    assert_eq!(index(&world)[0]["tags"]["best"], "1.1.0");

    skill.version("1.2.0");
    skill.body("Answer with as much noise as LEVEL-9 says, please.\n");
    said.push(publish(&ada, &skill).refused(7, "E_JOB_QUEUED"));
    sealed::work(&vera, &model, &[]).ok();
    said.push(publish(&ada, &skill).refused(8, "E_GATE_REJECTED").says("not_significant"));
    assert_eq!(attempts(&world)[0]["verdict"], "reject");
    said.push(sealed::work(&vera, &model, &[]).ok());
    // Measuring alone is refused, and so is whatever else the publisher tries.
    said.push(ada.skill(&["suite", "audit", "ada/shout"]).refused(9, "E_SEALED"));

    let words = &sealed.words;
    assert!(words.len() >= 30, "{words:?}");
    for (path, body) in bodies(&world, &sealed.suite) {
        assert_eq!(words_in(&body, words), [""; 0], "{path}");
    }
    for outcome in &said {
        assert_eq!(words_in(outcome.to_string().as_bytes(), words), [""; 0], "{outcome}");
    }
    assert_eq!(words_in(world.registry.log_text().as_bytes(), words), [""; 0]);
    let data = world.registry.data();
    assert_eq!(found_in(data, Some(&data.join("sealed")), words), [""; 0], "the registry's data folder");
    assert_ne!(
        words_in(&std::fs::read(data.join("sealed/suites").join(&sealed.suite)).expect("the suite"), words),
        [""; 0]
    );
    assert_eq!(found_in(&ada.home, None, words), [""; 0], "the publisher's home");
    assert_eq!(found_in(&vera.home, None, words), [""; 0], "what a verifier keeps");
    world.registry.fsck(&[]).ok();
}

#[test]
fn a_second_verifier_confirms_and_one_that_does_not_find_it_refutes() {
    let world = World::start();
    let ada = world.owner("ada");
    let sealed = sealed::seal(&world, &ada, &[]);
    let [vera, walt, xena] = ["vera", "walt", "xena"].map(|name| sealed::verifier(&world, name, &ada));
    let is_moody = Arc::new(AtomicBool::new(false));
    let (honest, mood) = (contest::answer(), Arc::clone(&is_moody));
    let model =
        Model::start(
            Duration::ZERO,
            move |body| {
                if mood.load(Ordering::Relaxed) { "quiet".to_owned() } else { honest(body) }
            },
        );
    let mut skill = sealed::skill(&ada, &sealed, "1.0.0", 3);
    publish(&ada, &skill).refused(7, "E_JOB_QUEUED");
    sealed::work(&vera, &model, &[]).ok();
    publish(&ada, &skill).ok();
    contest::level(skill.version("1.1.0"), 9);
    publish(&ada, &skill).refused(7, "E_JOB_QUEUED");
    sealed::work(&vera, &model, &[]).ok();
    publish(&ada, &skill).ok();
    assert_eq!(index(&world)[2]["score"]["trust"], "verified");
    assert_eq!(
        sealed::work(&vera, &model, &["--recheck"]).ok().json()["jobs"],
        json!([]),
        "nobody confirms themselves"
    );
    for expected in ["ada/shout", "ada/shout"] {
        let done = sealed::work(&walt, &model, &["--recheck"]).ok().json();
        assert_eq!((&done["jobs"][0]["skill"], &done["jobs"][0]["kind"]), (&expected.into(), &"result".into()));
    }
    let trust = |world: &World| index(world)[1..].iter().map(|line| line["score"]["trust"].clone()).collect::<Vec<_>>();
    assert_eq!(trust(&world), ["verified ×2", "verified ×2"]);
    let board = || world.registry.get("/api/skill/v1/leaderboard").json()["groups"][0]["items"].clone();
    let shown = &board()[0];
    // Cases of sealed holdouts have other names in every attempt, so that no gain over no skill can be paired by case.
    assert_eq!((&shown["version"], &shown["proven"]), (&"1.1.0".into(), &false.into()));
    is_moody.store(true, Ordering::Relaxed);
    let kinds: Vec<Value> =
        (0..2).map(|_| sealed::work(&xena, &model, &["--recheck"]).ok().json()["jobs"][0]["kind"].clone()).collect();
    assert_eq!(kinds[1], "refute", "{kinds:?}");
    assert_eq!(trust(&world)[1], "refuted");
    world.registry.fsck(&[]).ok();
}

#[test]
fn a_worker_that_is_killed_loses_nothing() {
    let world = World::set_up(SHORT);
    let ada = world.owner("ada");
    let sealed = sealed::seal(&world, &ada, &[]);
    let vera = sealed::verifier(&world, "vera", &ada);
    let honest = contest::answer();
    let model = Model::start(Duration::from_millis(150), honest);
    let skill = sealed::skill(&ada, &sealed, "1.0.0", 3);
    publish(&ada, &skill).refused(7, "E_JOB_QUEUED");
    let spec = model.spec();
    let mut worker = Command::new(programs::skill())
        .args(["worker", "--key", "vera", "--model", &spec, "--width", "1"])
        .current_dir(&vera.home)
        .env_clear()
        .envs(vera.environment().iter().map(|(key, value)| (key, value)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a worker");
    for _ in 0..600 {
        if model.asked().len() >= 10 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    worker.kill().expect("killed");
    worker.wait().expect("gone");
    let before = model.asked().len();
    assert!((10..70).contains(&before), "{before}");
    // The lease ends by itself; somebody else, or the same one, claims the job again.
    let mut done = sealed::work(&vera, &model, &["--width", "4"]);
    for _ in 0..100 {
        if done.json()["jobs"] != json!([]) {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
        done = sealed::work(&vera, &model, &["--width", "4"]);
    }
    assert_eq!(done.ok().json()["jobs"][0]["verdict"], "accept");
    let all = model.asked().len();
    assert!(all < 72 + before, "finished runs were kept: {all} after {before}");
    assert_eq!(found_in(&vera.home, None, &sealed.words), [""; 0], "what the killed one left is gone");
    publish(&ada, &skill).ok();
    let job = world
        .registry
        .get(&format!("/api/skill/v1/jobs/{}", attempts(&world)[0]["attempt"].as_str().expect("hex")))
        .json();
    assert_eq!((&job["tries"], &job["state"]), (&2.into(), &"done".into()));
}

#[test]
fn after_the_reveal_anybody_checks_every_result() {
    let world = World::start();
    let ada = world.owner("ada");
    let sealed = sealed::seal(&world, &ada, &[]);
    let vera = sealed::verifier(&world, "vera", &ada);
    let model = contest::model();
    let mut skill = sealed::skill(&ada, &sealed, "1.0.0", 3);
    publish(&ada, &skill).refused(7, "E_JOB_QUEUED");
    sealed::work(&vera, &model, &[]).ok();
    publish(&ada, &skill).ok();
    contest::level(skill.version("1.1.0"), 9);
    publish(&ada, &skill).refused(7, "E_JOB_QUEUED");
    // The folder has no holdout: the registry reveals the copy that it keeps.
    ada.skill(&["suite", "reveal", &skill.path()]).ok().says("Revealed");
    publish(&ada, &skill).refused(5, "E_SUITE_CHANGED");
    let rita = world.reader("rita");
    let audit = rita.skill(&["suite", "audit", "ada/shout", "--json"]).ok().json();
    let checks = audit["results"][0]["checks"].as_array().expect("checks");
    let names: Vec<&str> = checks.iter().filter_map(|check| check["what"].as_str()).collect();
    assert_eq!(names, ["order", "signature", "statement", "record", "cases", "verdict"]);
    assert!(checks.iter().all(|check| check["ok"] == true), "{audit}");
    assert_eq!((&audit["ok"], &audit["open"]), (&true.into(), &1.into()));
    assert!(!world.registry.data().join("sealed/suites").join(&sealed.suite).exists());
    ada.skill(&["suite", "reveal", &skill.path()]).ok();
    ada.skill(&["suite", "retire", &skill.path()]).ok().says("Retired");
    rita.skill(&["suite", "audit", "ada/shout@1.0.0"]).ok().says("Holds");
}
