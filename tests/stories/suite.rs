//! Suites: starting, checking, splitting, packing and importing one. Nothing of it needs a network.

use serde_json::{Value, json};
use skill_tests::{Person, Project};

const SKILL_MD: &str = "---\nname: notes\ndescription: Takes notes. Use it for notes.\n---\n\n# Notes\n";

/// Twenty cases that have nothing in common, the first with a file.
fn suite() -> Value {
    let mut cases: Vec<Value> = (0..20)
        .map(|n| json!({"id": n, "prompt": format!("alpha{n} beta{n} gamma{n}"), "checks": [{"kind": "contains", "value": format!("answer{n}")}]}))
        .collect();
    cases[0]["files"] = json!(["evals/files/a.txt"]);
    json!({"skill_name": "notes", "evals": cases})
}

fn write(project: &Project<'_>, suite: &Value) {
    project.write("notes/SKILL.md", SKILL_MD);
    project.write("notes/evals/files/a.txt", "abc\n");
    project.write("notes/evals/evals.json", &serde_json::to_string_pretty(suite).expect("JSON"));
}

#[test]
fn from_new_to_packed() {
    let nina = Person::alone("nina");
    let project = nina.project("skills");
    project.write("notes/SKILL.md", SKILL_MD);
    project.skill(&["suite", "check", "notes"]).refused(3, "E_NO_SUITE");
    project.skill(&["suite", "new", "notes"]).ok().says("10 cases");
    project.skill(&["suite", "new", "notes"]).refused(5, "E_EXISTS");
    project.skill(&["suite", "check", "notes"]).ok().says("suite.placeholder").says("no errors");
    project.skill(&["suite", "check", "notes", "--deny", "warnings"]).refused(8, "E_DENIED_WARNINGS");
    project.skill(&["suite", "pack", "notes"]).refused(5, "E_SPLIT_LOCK");
    project.skill(&["suite", "split", "notes", "--check"]).refused(5, "E_SPLIT_LOCK");
    project.skill(&["suite", "split", "notes", "--dry-run"]).ok().says("Would lock");
    assert!(!project.has("notes/evals/split.lock"));
    project.skill(&["suite", "split", "notes"]).ok().says("Locked");
    let lock = project.read("notes/evals/split.lock");
    assert_eq!(lock.lines().count(), 10);
    project.skill(&["suite", "split", "notes"]).ok().says("Unchanged");
    project.skill(&["suite", "split", "notes", "--check"]).ok();
    assert_eq!(project.read("notes/evals/split.lock"), lock);
    project.skill(&["suite", "pack", "notes"]).ok().says("the whole suite");
    assert!(project.has("notes-suite.tar.gz"));
    project.skill(&["suite", "pack", "notes"]).refused(5, "E_EXISTS");
    project.skill(&["check", "notes-suite.tar.gz"]).refused(1, "E_NO_SKILL_MD");
}

#[test]
fn what_a_suite_can_prove_is_said_before_anything_is_run() {
    let nina = Person::alone("nina");
    let project = nina.project("skills");
    let mut cases = suite();
    for n in 0..20 {
        cases["evals"][n]["category"] = json!(if n < 10 { "easy" } else { "hard" });
    }
    write(&project, &cases);
    let planned = project.skill(&["suite", "plan", "notes", "-k", "5"]).ok();
    planned.says("20 cases: 12 for training, 8 held out in 8 groups").says("hard\t6\t4").says("8 cases × 5 runs");
    let document = project.skill(&["suite", "plan", "notes", "--json"]).ok().json();
    assert_eq!((&document["schema"], &document["split"]["holdout"]), (&json!("skill.suite.plan/1"), &json!(8)));
    let same = project.skill(&["eval", "plan", "notes", "--json"]).ok();
    assert_eq!(same.json(), document, "one operation under two names");
    assert!(!project.has("notes/evals/split.lock"), "nothing is written");
    // Cases that share a group count once.
    for n in 0..20 {
        cases["evals"][n]["group"] = json!(format!("g{}", n / 2));
    }
    write(&project, &cases);
    let document = project.skill(&["suite", "plan", "notes", "--json"]).ok().json();
    assert_eq!(document["n"], document["split"]["groups"]);
    project.skill(&["suite", "plan", "notes"]).ok().says("prove nothing");
    project.skill(&["suite", "plan", "--cases", "20", "-k", "5"]).ok().says("16.0 points");
    project.skill(&["suite", "plan"]).refused(3, "E_NO_SUITE");
}

#[test]
fn a_finding_shows_its_line() {
    let nina = Person::alone("nina");
    let project = nina.project("skills");
    let mut bad = suite();
    bad["evals"][1]["checks"][0]["kind"] = json!("contians");
    bad["evals"][2]["files"] = json!(["evals/../../secret"]);
    write(&project, &bad);
    let checked = project.skill(&["suite", "check", "notes"]);
    assert_eq!(checked.status, 1, "{checked}");
    let checked =
        checked.says("error[suite.unknown-check]").says("notes/evals/evals.json:").says("did you mean `contains`?");
    checked.says("error[suite.path]").says("E_SUITE_LINT");
    let answer = project.skill(&["suite", "check", "notes", "--json"]).json();
    assert_eq!(
        (&answer["schema"], &answer["ok"], &answer["cases"]),
        (&json!("skill.suite.check/1"), &json!(false), &json!(20))
    );
    project.write("notes/evals/evals.json", "{\"evals\": [], \"evals\": []}");
    let answer = project.skill(&["suite", "check", "notes", "--json"]).json();
    assert_eq!((&answer["code"], &answer["findings"][0]["rule"]), (&json!("E_SUITE"), &json!("suite.unreadable")));
}

#[test]
fn new_cases_move_nothing_and_a_changed_lock_is_refused() {
    let nina = Person::alone("nina");
    let project = nina.project("skills");
    write(&project, &suite());
    project.skill(&["suite", "split", "notes"]).ok();
    let before = project.read("notes/evals/split.lock");
    let mut more = suite();
    more["evals"]
        .as_array_mut()
        .expect("a list")
        .insert(0, json!({"id": "new", "prompt": "delta", "checks": [{"kind": "json_valid"}]}));
    write(&project, &more);
    let answer = project.skill(&["suite", "split", "notes", "--json"]).ok().json();
    assert_eq!(answer["added"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer["train"].as_u64().zip(answer["holdout"].as_u64()).map(|(a, b)| a + b), Some(21));
    let after = project.read("notes/evals/split.lock");
    assert!(after.starts_with(&before) && after.len() > before.len());
    let first = after.lines().next().expect("a line");
    let other =
        if first.contains("holdout") { first.replace("holdout", "train") } else { first.replace("train", "holdout") };
    project.write("notes/evals/split.lock", &after.replace(first, &other));
    project.skill(&["suite", "split", "notes"]).refused(5, "E_SPLIT_LOCK");
    project.write("notes/evals/split.lock", &format!("<<<<<<< HEAD\n{after}"));
    project.skill(&["suite", "pack", "notes"]).refused(5, "E_SPLIT_LOCK");
}

#[test]
fn a_suite_without_its_holdout_travels_to_another_skill() {
    let nina = Person::alone("nina");
    let project = nina.project("skills");
    write(&project, &suite());
    project.skill(&["suite", "split", "notes"]).ok();
    let whole = project.skill(&["suite", "pack", "notes", "--json"]).ok().json();
    let train = project.skill(&["suite", "pack", "notes", "--without-holdout", "--json"]).ok().json();
    assert!(["suite", "train", "holdout"].iter().all(|digest| whole[digest] == train[digest]));
    assert_ne!(whole["archive"], train["archive"]);
    project.write("other/SKILL.md", &SKILL_MD.replace("notes\n", "other\n"));
    project.skill(&["suite", "import", "notes-suite-train.tar.gz", "--into", "other"]).ok();
    let there: Value = serde_json::from_str(&project.read("other/evals/evals.json")).expect("JSON");
    assert_eq!(there["evals"].as_array().map(Vec::len).map(|n| n as u64), train["trainCases"].as_u64());
    project.skill(&["suite", "split", "other"]).ok().says("Unchanged");
    project.skill(&["suite", "import", "notes-suite.tar.gz", "--into", "other"]).refused(5, "E_EXISTS");
    let packed = project.skill(&["pack", "notes", "--dry-run", "--json"]).ok().json();
    let files: Vec<&str> =
        packed["files"].as_array().expect("files").iter().filter_map(|f| f["path"].as_str()).collect();
    assert_eq!(files, ["SKILL.md"], "a skill never holds its suite");
}

#[test]
fn cases_from_elsewhere_are_added_once() {
    let nina = Person::alone("nina");
    let project = nina.project("skills");
    write(&project, &suite());
    project.write("other/SKILL.md", &SKILL_MD.replace("notes\n", "other\n"));
    project.skill(&["suite", "import", "notes", "--into", "other", "--dry-run"]).ok().says("Would add");
    assert!(!project.has("other/evals/evals.json"));
    project.skill(&["suite", "import", "notes", "--into", "other"]).ok().says("20 cases and 1 file");
    assert_eq!(project.read("other/evals/files/a.txt"), "abc\n");
    project.skill(&["suite", "import", "notes", "--into", "other"]).ok().says("Unchanged");
    project.write(
        "queries.json",
        r#"[{"query": "take a note", "should_trigger": true}, {"query": "cook", "should_trigger": false}]"#,
    );
    let answer = project.skill(&["suite", "import", "queries.json", "--into", "other", "--json"]).ok().json();
    assert_eq!((answer["added"].as_array().map(Vec::len), answer["cases"].as_u64()), (Some(2), Some(22)));
    project.write("other/evals/files/a.txt", "mine\n");
    let before = project.contents();
    project.skill(&["suite", "import", "notes", "--into", "other"]).refused(5, "E_EXISTS");
    assert_eq!(project.contents(), before, "a command that is refused has changed nothing");
    project.skill(&["suite", "import", "nowhere", "--into", "other"]).refused(3, "E_NO_SUITE");
}

#[test]
fn the_example_suites_have_no_warnings_and_rules_are_explained() {
    let nina = Person::alone("nina");
    for name in ["changelog-writer", "codeguard-suite", "ferry-desk", "house-style", "sql-review", "tide-forecast"] {
        let folder = skill_tests::programs::root().join("examples").join(name).to_string_lossy().into_owned();
        nina.skill(&["suite", "check", "--deny", "warnings", &folder]).ok().says("no errors");
    }
    nina.skill(&["explain", "suite.near-duplicate"]).ok().says("skill suite check");
}
