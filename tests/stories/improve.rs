//! Improving a skill: what is kept is better in truth, the holdout is seen by nobody, a killed run ends where an uninterrupted one ends, and
//! a proposer that memorises is refused.

mod ended;
mod kinds;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use skill_tests::{
    Person, Project,
    improving::{self, CASES, Kind, kind, truth},
    model::Model,
    programs, run,
};

/// The moment at which all these runs begin, so that their commits are the same.
const NOW: u64 = 1_790_000_000;

fn somebody(name: &str) -> Person {
    Person::alone(name).with_time(NOW)
}

/// A project with the skill, as a git repository in which the skill is one folder.
fn project(person: &Person) -> Project<'_> {
    let project = person.project("p");
    improving::write(&project);
    project.skill(&["suite", "split", "courier"]).ok();
    project.write("README.md", "Ours.\n");
    git(&project, &["init", "--quiet", "--initial-branch=main"]);
    git(&project, &["add", "."]);
    git(&project, &["-c", "user.name=n", "-c", "user.email=n@example.org", "commit", "--quiet", "-m", "first"]);
    project
}

fn git(project: &Project<'_>, args: &[&str]) -> String {
    run::run(Path::new("git"), args, &project.folder, project.person.environment(), None).ok().stdout
}

/// The cases of the holdout, by number.
fn holdout(project: &Project<'_>) -> Vec<usize> {
    let line = |line: &str| -> Option<usize> {
        let entry: Value = serde_json::from_str(line).expect("a line of the lock");
        let number = entry["id"].as_str()?.trim_start_matches('c').parse().ok()?;
        (entry["split"] == "holdout").then_some(number)
    };
    project.read("courier/evals/split.lock").lines().filter_map(line).collect()
}

fn arguments(model: &Model, experiments: usize) -> Vec<String> {
    let experiments = experiments.to_string();
    ["improve", "courier", "--model", &model.spec(), "--tag", "night", "--experiments", &experiments]
        .map(str::to_owned)
        .to_vec()
}

fn improve(project: &Project<'_>, args: &[String], more: &[&str]) -> skill_tests::Outcome {
    project.skill(&args.iter().map(String::as_str).chain(more.iter().copied()).collect::<Vec<_>>())
}

fn folder(person: &Person) -> PathBuf {
    person.home.join(".local/share/skill/improve/night")
}

/// The journal without what differs from machine to machine.
fn journal(person: &Person) -> Vec<Value> {
    let text = fs::read_to_string(folder(person).join("journal.jsonl")).expect("a journal");
    let strip = |line: &str| {
        let mut entry: Value = serde_json::from_str(line).expect("a whole line");
        for (part, member) in [("used", "ms"), ("identity", "key")] {
            if entry[part].is_object() {
                entry[part][member] = Value::Null;
            }
        }
        for member in ["source", "record"] {
            entry.as_object_mut().expect("an object").remove(member);
        }
        entry
    };
    text.lines().map(strip).collect()
}

fn experiments(person: &Person) -> Vec<Value> {
    journal(person).into_iter().filter(|entry| entry["type"] == "experiment").collect()
}

/// The skill's text as an experiment left it; 0 is the start.
fn text(person: &Person, experiment: u64) -> String {
    let repository = folder(person).join("repository.git");
    let name = format!("refs/tried/{experiment}:SKILL.md");
    run::run(Path::new("git"), &["show", &name], &repository, person.environment(), None).ok().stdout
}

/// Decisions against the truth: of what has no effect at most one in five is kept, and what spoils is not.
fn decisions_match_the_truth(person: &Person, train: &[usize]) {
    let mut counts: BTreeMap<(Kind, String), u32> = BTreeMap::new();
    let (mut idle, mut lucky) = (0, 0);
    for row in experiments(person) {
        let (number, status) = (row["exp"].as_u64().expect("a number"), row["status"].as_str().expect("a status"));
        *counts.entry((kind(number), status.to_owned())).or_default() += 1;
        if row["commit"] == "" {
            continue;
        }
        let parent = row["parent"].as_u64().expect("a parent");
        let gain = truth(&text(person, number), train) - truth(&text(person, parent), train);
        if kind(number) == Kind::Shorter {
            continue;
        }
        idle += u32::from(gain.abs() < 1e-9);
        lucky += u32::from(gain.abs() < 1e-9 && status == "keep");
        assert!(gain > -1e-9 || status != "keep", "experiment {number} is worse by {gain} and was kept");
    }
    assert!(5 * lucky <= idle, "{lucky} of {idle} without effect were kept: {counts:?}");
    assert!(counts.get(&(Kind::Fix, "keep".to_owned())).is_some_and(|n| *n >= 2), "{counts:?}");
}

fn nothing_of_the_holdout_was_asked(person: &Person, model: &Model, held: &[usize]) {
    let mut briefs: Vec<String> =
        model.asked().iter().filter(|body| improving::brief(body).is_some()).map(Value::to_string).collect();
    assert!(!briefs.is_empty());
    for entry in fs::read_dir(folder(person).join("proposals")).expect("proposals").flatten() {
        briefs.push(fs::read_to_string(entry.path().join("brief.json")).expect("a brief"));
    }
    for case in held {
        for word in [format!("parcel{case} "), format!("\"c{case:02}\"")] {
            assert!(briefs.iter().all(|brief| !brief.contains(&word)), "{word} of the holdout");
        }
    }
    let seen = (0..CASES).filter(|case| briefs.iter().any(|brief| brief.contains(&format!("parcel{case} ")))).count();
    assert!(seen > 5, "train cases are shown");
}

fn night(goal: usize) {
    let nina = somebody("nina");
    let project = project(&nina);
    let (held, model) = (holdout(&project), improving::model(None));
    let train: Vec<usize> = (0..CASES).filter(|case| !held.contains(case)).collect();
    let before = (project.contents(), git(&project, &["rev-parse", "HEAD"]));
    let done = improve(&project, &arguments(&model, goal), &["--json"]).ok().json();
    assert_eq!(experiments(&nina).len(), goal);
    decisions_match_the_truth(&nina, &train);
    nothing_of_the_holdout_was_asked(&nina, &model, &held);
    let best = text(&nina, done["best"].as_u64().expect("a number"));
    assert!(truth(&best, &held) > truth(&text(&nina, 0), &held) + 0.1, "it is better in truth");
    assert_eq!((&done["gate"]["verdict"], &done["gate"]["overfit"]), (&json!("accept"), &Value::Null));
    // The log, a line an experiment beside header and start; autoresearch's five columns come first.
    let results = fs::read_to_string(folder(&nina).join("results.tsv")).expect("the log");
    assert_eq!(results.lines().count(), goal + 2);
    assert!(results.starts_with("commit\ttrain_score\tgpu_gb\tstatus\tdescription\texp\t"));
    assert!(results.lines().all(|line| line.split('\t').count() == 16));
    // The user's files are as they were; the branch has the winner.
    let after: BTreeMap<_, _> = project.contents().into_iter().filter(|(path, _)| !path.starts_with(".git")).collect();
    let before_files: BTreeMap<_, _> = before.0.into_iter().filter(|(path, _)| !path.starts_with(".git")).collect();
    assert_eq!(after, before_files);
    assert_eq!(
        (git(&project, &["rev-parse", "HEAD"]), git(&project, &["status", "--porcelain"])),
        (before.1, String::new())
    );
    assert_eq!(git(&project, &["show", "improve/night:courier/SKILL.md"]), best);
    assert_eq!(git(&project, &["show", "improve/night:README.md"]), "Ours.\n");
    assert!(git(&project, &["show", "improve/night:courier/evals/tried.tsv"]).lines().count() == goal + 2);
    project.skill(&["check", done["publishable"].as_str().expect("a folder")]).ok();
    let page = fs::read_to_string(done["report"].as_str().expect("a page")).expect("the page");
    assert!(page.contains("improve report") && page.contains("class=\"keep\""));
    let tried = project.skill(&["tried", "courier", "--json"]).ok().json();
    assert_eq!(tried["items"].as_array().map(Vec::len), Some(goal));
    // Asked again, it says the same without a run.
    let asked = model.asked().len();
    improve(&project, &["improve", "--resume", "night", "--json"].map(str::to_owned), &[]).ok();
    assert_eq!(model.asked().len(), asked);
}

#[test]
fn a_short_night_keeps_what_is_better_and_the_gate_accepts_it() {
    night(24);
}

#[test]
#[ignore = "a hundred experiments: some minutes on a busy machine"]
fn a_whole_night_keeps_what_is_better_and_the_gate_accepts_it() {
    night(100);
}

/// Kills the command at so many moments, spread over about as many requests as it makes.
fn killed(goal: usize, kills: usize) {
    let (whole, killed) = (somebody("wanda"), somebody("kim"));
    let (model, again) = (improving::model(None), improving::model(None));
    improve(&project(&whole), &arguments(&model, goal), &[]).ok();
    let all = model.asked().len();
    let project = project(&killed);
    let first = arguments(&again, goal);
    let resume = ["improve", "--resume", "night"].map(str::to_owned).to_vec();
    for n in 1..=kills {
        let args = if folder(&killed).join("command.json").exists() { &resume } else { &first };
        let mut running = Command::new(programs::skill())
            .args(args)
            .current_dir(&project.folder)
            .env_clear()
            .envs(killed.environment().iter().cloned())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        // Uneven steps land in every stage of an experiment.
        let (until, begun) = (n * all / (kills + 1) + n * n % 7, Instant::now());
        while again.asked().len() < until && begun.elapsed() < Duration::from_mins(1) {
            std::thread::sleep(Duration::from_millis(1));
        }
        running.kill().expect("killed");
        running.wait().expect("ended");
    }
    improve(&project, &resume, &[]).ok();
    let proposer = |mut lines: Vec<Value>| {
        // The two models listen on two ports.
        lines[0]["identity"]["proposer"] = Value::Null;
        lines
    };
    assert_eq!(proposer(journal(&killed)), proposer(journal(&whole)));
    let tree = |person: &Person| {
        let repository = folder(person).join("repository.git");
        run::run(Path::new("git"), &["rev-parse", "refs/heads/improve/night"], &repository, person.environment(), None)
            .ok()
            .stdout
    };
    assert_eq!(tree(&killed), tree(&whole));
}

#[test]
fn killed_three_times_it_ends_where_an_uninterrupted_run_ends() {
    killed(8, 3);
}

#[test]
#[ignore = "two runs of forty experiments: some minutes on a busy machine"]
fn killed_ten_times_it_ends_where_an_uninterrupted_run_ends() {
    killed(40, 10);
}

#[test]
fn a_proposer_that_memorises_is_flagged_and_refused() {
    let nina = somebody("nina");
    let project = project(&nina);
    let model = improving::model(Some(Kind::Memorise));
    let refused = improve(&project, &arguments(&model, 12), &[]).refused(8, "E_GATE_REJECTED");
    assert!(
        refused.stderr.contains("overfit suspected") && refused.stderr.contains("text of train cases"),
        "{refused}"
    );
    let gated = journal(&nina).into_iter().rfind(|entry| entry["type"] == "gated").expect("a gate");
    assert!(gated["train_gain"].as_f64() > Some(0.3), "{gated}");
    let page = fs::read_to_string(folder(&nina).join("report.html")).expect("the page");
    assert!(page.contains("Overfit suspected"));
}

#[test]
fn what_would_reveal_the_holdout_never_gets_measured() {
    let nina = somebody("nina");
    let project = project(&nina);
    let held = holdout(&project);
    let model = improving::model(None);
    let line = improving::prompt(held[0]);
    project.write("leak.sh", &format!("#!/bin/sh\ncat > ../brief.seen\necho '- {line}' >> SKILL.md\necho peeked\n"));
    let command = format!("sh {}", project.path("leak.sh").display());
    let mut args = arguments(&model, 2);
    args.extend(["--proposer-cmd".to_owned(), command]);
    improve(&project, &args, &[]).refused(8, "E_NOT_IMPROVED");
    let rows = experiments(&nina);
    assert!(rows.iter().all(|row| row["status"] == "leak" && row["idea"] == "peeked" && row["stage"] == 0), "{rows:?}");
}

#[test]
fn caps_are_hard_and_a_dry_run_measures_nothing() {
    let nina = somebody("nina");
    let project = project(&nina);
    let model = improving::model(None);
    let dry = improve(&project, &arguments(&model, 3), &["--dry-run", "--json"]).ok().json();
    assert_eq!((&dry["trainCases"], &dry["runsBefore"], &dry["runsOfOne"]), (&json!(36), &json!(288), &json!(72)));
    assert!(!folder(&nina).exists() && model.asked().is_empty());
    // A run of the model below takes 105 tokens, and the suite allows 60,000.
    improve(&project, &arguments(&model, 3), &["--max-tokens", "61000"]).refused(12, "E_BUDGET");
    assert!(model.asked().len() < 15, "{}", model.asked().len());
}

#[test]
fn a_suite_that_rewards_nothing_is_refused_before_anything_is_tried() {
    let nina = somebody("nina");
    let project = project(&nina);
    project.write("oracle/SKILL.md", "---\nname: oracle\ndescription: Knows. Use it always.\n---\n\nNothing.\n");
    let model = improving::model(None);
    improve(&project, &arguments(&model, 3), &["--oracle", "oracle"]).refused(11, "E_CONTROLS").says("oracle");
    assert!(model.asked().iter().all(|body| improving::brief(body).is_none()));
}
