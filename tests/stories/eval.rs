//! Measuring a skill: with and without it, caps, resuming, the gate, and verdicts that anyone recomputes.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use skill_tests::{
    Person, measured,
    model::{Model, has_skill},
    programs,
};

#[test]
fn a_skill_that_helps_is_measured_and_accepted() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    measured::write(&project, 10);
    let model = Model::obedient();
    let spec = model.spec();
    let args = ["eval", "shout", "--model", &spec, "-k", "3", "--gate", "standard"];
    let first = project.skill(&args).ok().says("+100.0");
    assert!(first.stdout.contains("100.0 %") && first.stdout.contains("10 in 10 groups"), "{first}");
    assert_eq!(model.asked().len(), 60);
    project.skill(&args).ok().says("60 runs kept from earlier");
    assert_eq!(model.asked().len(), 60, "nothing is run twice");
    let json = project.skill(&[&args[..], &["--json"]].concat()).ok().json();
    assert_eq!(json["record"]["verdict"]["verdict"], "accept");
    assert_eq!((&json["cachedRuns"], &json["newRuns"]), (&60.into(), &0.into()));
    // What the skill costs stands out; a check that passes with the skill alone does not.
    assert_eq!((&json["remarks"][0]["kind"], json["remarks"].as_array().map(Vec::len)), (&"cost".into(), Some(1)));
}

#[test]
fn a_skill_that_does_nothing_is_rejected_and_too_few_runs_are_invalid() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    measured::write(&project, 10);
    let model = Model::start(Duration::ZERO, |_| "quiet".to_owned());
    let spec = model.spec();
    project.skill(&["eval", "shout", "--model", &spec, "-k", "3", "--gate", "standard"]).refused(8, "E_GATE_REJECTED");
    project.skill(&["eval", "shout", "--model", &spec, "-k", "1", "--gate", "strict"]).refused(11, "E_GATE_INVALID");
}

#[test]
fn a_cap_ends_the_work_and_the_next_command_goes_on() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    measured::write(&project, 10);
    let model = Model::obedient();
    let spec = model.spec();
    let args = ["eval", "shout", "--model", &spec, "-k", "2"];
    project.skill(&[&args[..], &["--max-runs", "7"]].concat()).refused(12, "E_BUDGET");
    assert_eq!(model.asked().len(), 7);
    project.skill(&args).ok();
    assert_eq!(model.asked().len(), 40);
}

#[test]
fn what_cannot_be_measured_says_why() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    project.write("bare/SKILL.md", "---\nname: bare\ndescription: Bare. Use it for nothing.\n---\n\nText.\n");
    project.skill(&["eval", "bare"]).refused(3, "E_NO_SUITE");
    project.skill(&["eval", "nowhere"]).refused(3, "E_NO_PATH");
    measured::write(&project, 10);
    project.skill(&["eval", "shout"]).refused(1, "E_MODEL").says("skill model");
    project.skill(&["eval", "shout", "--model", "nonsense"]).refused(1, "E_MODEL");
    let model = Model::obedient();
    project
        .skill(&["eval", "shout", "--max-cost", "1", "--model", &model.spec()])
        .refused(2, "E_USAGE")
        .says("eval.price-prompt");
    assert!(model.asked().is_empty(), "nothing is begun that could cost");
    let gone = "openai:mock@http://127.0.0.1:9/v1";
    project.skill(&["eval", "shout", "--model", gone]).refused(7, "E_MODEL_UNAVAILABLE");
}

#[test]
fn killed_in_the_middle_ten_times_it_runs_nothing_finished_again() {
    const RUNS: usize = 200;
    const WIDTH: usize = 4;
    let nina = Person::alone("nina");
    let project = nina.project("p");
    measured::write(&project, 20);
    let model = Model::start(Duration::from_millis(8), |body| {
        // The answer depends on the seed alone, so that an uninterrupted run must be the same.
        let even = body["seed"].as_u64().expect("a seed") % 2 == 0;
        if has_skill(body) && even { "LOUD".to_owned() } else { "quiet".to_owned() }
    });
    let spec = model.spec();
    let width = WIDTH.to_string();
    let args = ["eval", "shout", "--model", &spec, "-k", "5", "--width", &width];
    for kill in 1..=10 {
        let mut running = Command::new(programs::skill())
            .args(args)
            .current_dir(&project.folder)
            .env_clear()
            .envs(nina.environment().iter().cloned())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let begun = Instant::now();
        while model.asked().len() < kill * RUNS / 14 && begun.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(1));
        }
        running.kill().expect("killed");
        running.wait().expect("ended");
    }
    let resumed = project.skill(&[&args[..], &["--json"]].concat()).ok().json();
    let asked = model.asked().len();
    assert!((RUNS..=RUNS + 10 * WIDTH).contains(&asked), "{asked} requests");
    let whole = project.skill(&[&args[..], &["--json", "--fresh"]].concat()).ok().json();
    assert_eq!(essence(&resumed["record"]), essence(&whole["record"]));
}

#[test]
fn runs_that_could_not_change_the_verdict_are_not_made() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    measured::write(&project, 10);
    let helps = Model::obedient();
    let spec = helps.spec();
    let args = ["eval", "shout", "--model", &spec, "-k", "5", "--gate", "strict", "--width", "2"];
    let early = project.skill(&[&args[..], &["--stop-early", "--json"]].concat()).ok().json();
    let verdict = &early["record"]["verdict"];
    let (made, not_made) =
        (early["newRuns"].as_u64().expect("a count"), early["runsNotMade"].as_u64().expect("a count"));
    assert_eq!((verdict["verdict"].as_str(), made + not_made), (Some("accept"), 100));
    assert!(not_made >= 20, "{not_made}");
    assert_eq!(verdict["curtailed"], serde_json::json!({"runs_made": made, "runs_not_made": not_made}));
    assert_eq!((&early["complete"], helps.asked().len() as u64), (&false.into(), made));
    project.skill(&["report", early["folder"].as_str().expect("a folder")]).ok().says("runs were not made");
    let all = project.skill(&[&args[..], &["--json"]].concat()).ok().json();
    assert_eq!((&all["record"]["verdict"]["verdict"], &all["cachedRuns"]), (&verdict["verdict"], &made.into()));
    assert_eq!((helps.asked().len(), &all["runsNotMade"]), (100, &0.into()));

    let harms =
        Model::start(Duration::ZERO, |body| if has_skill(body) { "quiet".to_owned() } else { "LOUD".to_owned() });
    let spec = harms.spec();
    let args = ["eval", "shout", "--model", &spec, "-k", "5", "--stop-early"];
    project.skill(&[&args[..], &["--gate", "standard"]].concat()).refused(8, "E_GATE_REJECTED").says("were made");
    assert!(harms.asked().len() <= 80, "{}", harms.asked().len());
    project.skill(&args).refused(2, "E_USAGE");
}

/// A record without times.
fn essence(record: &Value) -> Value {
    let mut record = record.clone();
    record["provenance"]["when"] = Value::Null;
    for run in record["runs"].as_array_mut().expect("runs") {
        run["usage"]["ms"] = Value::Null;
    }
    for arm in ["base", "cand"] {
        record["result"][arm]["ms"] = Value::Null;
    }
    record
}

#[test]
fn a_verdict_is_recomputed_from_scores_alone() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    let known: Value =
        serde_json::from_str(include_str!("../../engine/tests/vectors/evals.json")).expect("the known answers");
    let mut seen = BTreeMap::new();
    for gate in known["gate"].as_array().expect("cases") {
        project.write("scores.json", &gate["args"].to_string());
        let outcome = project.skill(&["eval", "verdict", "scores.json", "--json"]);
        let want = gate["out"]["verdict"].as_str().expect("a verdict");
        let status = match want {
            "accept" => 0,
            "reject" => 8,
            _ => 11,
        };
        assert_eq!(outcome.status, status, "{}: {outcome}", gate["name"]);
        if status == 0 {
            assert_eq!(outcome.json()["reasons"], gate["out"]["reasons"]);
        }
        *seen.entry(want).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
    project.write("bad.json", "{\"base\":[[0]],\"cand\":[[0],[1]]}");
    project.skill(&["eval", "verdict", "bad.json"]).refused(2, "E_GATE_INPUT").says("bad.json");
    project.skill(&["eval", "verdict", "none.json"]).refused(3, "E_NO_PATH");
    project.skill(&["eval", "plan", "--cases", "20", "-k", "5"]).ok().says("20 cases × 5 runs");
}
