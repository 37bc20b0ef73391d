//! The example suites: good answers pass, bad ones fail, and so do other good answers than those that the suite's author thought of.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use skill_bundle::hash::sha256;
use skill_engine::{
    check::{self, PlainRunner},
    executor::{Skill, leak},
    run::{Finished, Transcript, TranscriptEvent, Usage},
    score::{self, Ratio},
    suite::{self, Check, Split, Suite},
};

/// The suites, and how many cases and groups each has at least.
const SUITES: [(&str, usize, usize); 5] = [
    ("codeguard-suite", 92, 92),
    ("sql-review", 25, 25),
    ("changelog-writer", 23, 23),
    ("house-style", 27, 27),
    ("ferry-desk", 48, 24),
];

/// Held-out cases, and groups of them, that the gate needs.
const HELD_OUT: usize = 8;

/// The 23 subjects of CodeGuard's rules, with at least this many cases each.
const CODEGUARD_CATEGORIES: (usize, usize) = (23, 4);

struct Case {
    id: String,
    category: String,
    group: String,
    prompt: String,
    checks: Vec<Check>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn cases(suite: &str) -> Vec<Case> {
    let document = json(&root().join("examples").join(suite).join("evals/evals.json"));
    let case = |value: &Value| {
        let text = |name: &str, default: &str| value[name].as_str().unwrap_or(default).to_owned();
        let id = text("id", "");
        let checks =
            value["checks"].as_array().expect("checks").iter().map(|check| of(check.as_object().expect("a check")));
        Case {
            category: text("category", "default"),
            group: text("group", &id),
            prompt: text("prompt", ""),
            checks: checks.collect(),
            id,
        }
    };
    document["evals"].as_array().expect("cases").iter().map(case).collect()
}

fn of(params: &Map<String, Value>) -> Check {
    let text = |name: &str, default: &str| params.get(name).and_then(Value::as_str).unwrap_or(default).to_owned();
    Check {
        id: text("id", ""),
        kind: text("kind", ""),
        weight: params.get("weight").and_then(Value::as_u64).map_or(1, |weight| u32::try_from(weight).expect("small")),
        required: params.get("required").and_then(Value::as_bool).unwrap_or(false),
        target: text("target", "final"),
        params: params.clone(),
    }
}

/// Answers of each writer: `good`, `bad`, and `other` (good, and written differently), by case. More of the same have a number: `bad-2`.
fn answers(suite: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let path = root().join("engine/tests/data").join(format!("{}-answers.json", suite.trim_end_matches("-suite")));
    serde_json::from_value(json(&path)).expect("answers by case and writer")
}

/// How many cases a suite has, and those that are held out.
fn held_out(suite: &str) -> (usize, Vec<suite::Case>) {
    let opened = Suite::read(&root().join("examples").join(suite)).expect("a suite");
    let lock = opened.lock().expect("the lock is what the rule gives");
    let held = opened.suite.part(&lock, Split::Holdout).cloned().collect();
    (opened.suite.cases.len(), held)
}

/// Grades one answer.
fn grade(case: &Case, answer: &str) -> (Ratio, String) {
    let empty = tempfile::tempdir().expect("a temporary folder");
    let transcript = Transcript { events: vec![TranscriptEvent::Answer { text: answer.to_owned() }] };
    let place = empty.path();
    let usage = Usage::default();
    let run = Finished { transcript: &transcript, outputs: place, inputs: place, suite: place, exit: 0, usage: &usage };
    let checks: Vec<_> = case.checks.iter().map(|check| check::evaluate(check, &run, &PlainRunner)).collect();
    let found = checks.iter().filter(|check| !check.passed()).map(|check| format!("{}: {}", check.id, check.evidence));
    let found: Vec<String> = found.collect();
    let score = score::of_checks(&checks).expect("valid values").unwrap_or_else(|| panic!("{}: {found:?}", case.id));
    (score, found.join("; "))
}

/// The writer's mean over the suite, and what did not pass.
fn measure(suite: &str, writer: &str) -> (usize, u16, Vec<String>) {
    let answers = answers(suite);
    let mut scores = Vec::new();
    let mut notes = Vec::new();
    for case in cases(suite) {
        let by_writer = answers.get(&case.id).unwrap_or_else(|| panic!("{suite}: nobody answers {}", case.id));
        for (name, answer) in by_writer.iter().filter(|(name, _)| name.split('-').next() == Some(writer)) {
            let (score, found) = grade(&case, answer);
            notes.push(format!("{} {} {name}: {score} {found}", case.category, case.id));
            scores.push(score);
        }
    }
    (scores.len(), score::mean(scores).expect("cases").permille(), notes)
}

fn unlike(notes: &[String], score: &str) -> String {
    notes.iter().filter(|note| !note.contains(&format!(": {score} "))).cloned().collect::<Vec<_>>().join("\n")
}

#[test]
fn good_answers_pass_and_bad_ones_fail() {
    for (suite, at_least, _) in SUITES {
        let (count, mean, notes) = measure(suite, "good");
        assert!(count >= at_least && mean == 1000, "{suite}: {mean} of {count}\n{}", unlike(&notes, "1/1"));
        let (count, mean, notes) = measure(suite, "bad");
        assert!(count >= at_least && mean == 0, "{suite}: {mean} of {count}\n{}", unlike(&notes, "0/1"));
    }
}

#[test]
fn other_good_answers_pass_too() {
    for (suite, ..) in SUITES {
        let (count, mean, notes) = measure(suite, "other");
        assert!(count >= 5 && mean == 1000, "{suite}: {mean} of {count}\n{}", unlike(&notes, "1/1"));
    }
}

/// What a careful author writes around the code: every word that the checks look for in code.
const REMARKS: &str = "I avoided eval(, exec(, strcpy(, gets(, innerHTML, pickle, yaml.load(, MD5, sha1(, modes.ECB, Math.random, verify=False, \
                       InsecureSkipVerify: true, public-read, 0.0.0.0/0, DEBUG = True, cluster-admin, httpOnly: false and npm install here.";

#[test]
fn what_stands_around_the_code_changes_nothing() {
    let answers = answers("codeguard-suite");
    for case in cases("codeguard-suite") {
        let good = &answers[&case.id]["good"];
        let (score, found) = grade(&case, &format!("{REMARKS}\n\n{good}\n\n{REMARKS}\n"));
        assert_eq!(score, Ratio::ONE, "{} with remarks: {found}", case.id);
        let bare: Vec<&str> = good.lines().filter(|line| !line.starts_with("```")).collect();
        let (score, found) = grade(&case, &bare.join("\n"));
        assert_eq!(score, Ratio::ONE, "{} without fences: {found}", case.id);
    }
}

#[test]
fn a_bad_answer_does_the_task_and_fails_for_its_weakness() {
    let answers = answers("codeguard-suite");
    let is_harmless = |case: &Case| case.checks.iter().any(|check| check.id == "kept");
    let (harmless, risky): (Vec<Case>, Vec<Case>) = cases("codeguard-suite").into_iter().partition(is_harmless);
    assert_eq!((harmless.len(), risky.len()), (23, 69));
    for case in risky {
        for (name, answer) in answers[&case.id].iter().filter(|(name, _)| name.starts_with("bad")) {
            let (_, found) = grade(&case, answer);
            assert!(found.starts_with("safe: "), "{} {name}: {found}", case.id);
        }
    }
}

#[test]
fn in_each_category_another_way_to_be_right_is_tried() {
    let (cases, answers) = (cases("codeguard-suite"), answers("codeguard-suite"));
    let all: BTreeSet<&str> = cases.iter().map(|case| case.category.as_str()).collect();
    let tried: BTreeSet<&str> = cases
        .iter()
        .filter(|case| answers[&case.id].contains_key("other"))
        .map(|case| case.category.as_str())
        .collect();
    assert_eq!(all, tried);
}

#[test]
fn every_check_can_be_made_again_from_the_transcript() {
    for (suite, at_least, groups) in SUITES {
        let cases = cases(suite);
        let ids: BTreeSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
        let found: BTreeSet<&str> = cases.iter().map(|case| case.group.as_str()).collect();
        assert!(ids.len() == cases.len() && cases.len() >= at_least && found.len() >= groups, "{suite}");
        for case in &cases {
            for one in &case.checks {
                let parsed =
                    check::parse(one).unwrap_or_else(|fault| panic!("{suite} {}: {}", case.id, fault.sentence()));
                assert!(parsed.reads_only_transcript() && !parsed.is_judged(), "{suite} {}", case.id);
            }
        }
    }
}

#[test]
fn codeguard_is_covered_wholly() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for case in cases("codeguard-suite") {
        *counts.entry(case.category).or_default() += 1;
    }
    assert_eq!(counts.len(), CODEGUARD_CATEGORIES.0);
    assert!(counts.values().all(|count| *count >= CODEGUARD_CATEGORIES.1), "{counts:?}");
}

#[test]
fn no_two_cases_ask_nearly_the_same() {
    for (suite, ..) in SUITES {
        let words = |prompt: &str| -> BTreeSet<String> {
            let lower = prompt.to_lowercase();
            lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let cases = cases(suite);
        for (at, a) in cases.iter().enumerate() {
            for b in cases[..at].iter().filter(|b| b.group != a.group) {
                let (x, y) = (words(&a.prompt), words(&b.prompt));
                let (both, either) = (x.intersection(&y).count(), x.union(&y).count());
                assert!(both * 10 < either * 8, "{suite}: {} and {}", a.id, b.id);
            }
        }
    }
}

#[test]
fn every_suite_is_locked_and_holds_out_what_the_gate_needs() {
    for suite in SUITES.map(|(suite, ..)| suite).into_iter().chain(["tide-forecast"]) {
        let (cases, held) = held_out(suite);
        let lock = fs::read_to_string(root().join("examples").join(suite).join("evals/split.lock")).expect("a lock");
        assert_eq!(lock.lines().count(), cases, "{suite}: skill suite split");
        let groups: BTreeSet<&str> = held.iter().map(|case| case.group.as_str()).collect();
        assert!(groups.len() >= HELD_OUT, "{suite}: {groups:?}");
    }
}

#[test]
fn no_example_repeats_a_held_out_text() {
    let edited = ["improved/ferry-desk", "reworded/ferry-desk"].map(|folder| (folder, "ferry-desk"));
    let own = SUITES.map(|(suite, ..)| (suite, suite));
    for (folder, suite) in own.into_iter().filter(|(suite, _)| *suite != "codeguard-suite").chain(edited) {
        let folder = root().join("examples").join(folder);
        let skill = Skill::load(&folder).expect("a skill");
        let read = |name: &String| (name.clone(), fs::read_to_string(folder.join(name)).expect("a text"));
        let texts: Vec<(String, String)> = skill.files.iter().map(read).collect();
        let found = leak::scan(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())), &held_out(suite).1);
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn what_measures_the_tide_is_named_by_its_digest() {
    let folder = root().join("examples/tide-forecast");
    let digest = sha256(&fs::read(folder.join("scripts/measure.py")).expect("a file"));
    let start = format!("echo {digest}  scripts/measure.py | sha256sum -c --status && python3 scripts/measure.py ");
    for case in json(&folder.join("evals/evals.json"))["evals"].as_array().expect("cases") {
        assert!(case["run"].as_str().expect("a command").starts_with(&start), "{case}");
    }
}

#[test]
fn the_three_versions_of_the_ferry_desk_know_the_same_facts() {
    for folder in ["ferry-desk", "improved/ferry-desk", "reworded/ferry-desk"] {
        let text = fs::read_to_string(root().join("examples").join(folder).join("SKILL.md")).expect("a skill");
        let on_one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for case in cases("ferry-desk") {
            let (score, found) = grade(&case, &on_one_line);
            assert_eq!(score, Ratio::ONE, "{folder} does not know {}: {found}", case.id);
        }
    }
}
