//! Kinds of cases beside prompts: numbers that commands print, and triggers.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use serde_json::{Value, json};
use skill_tests::{improving, model::Model};

use super::{experiments, somebody};

#[test]
fn a_number_that_a_command_prints_is_improved_without_any_model() {
    let nina = somebody("nina");
    let project = nina.project("p");
    project.write("tuner/SKILL.md", "---\nname: tuner\ndescription: Tunes. Use it for tuning.\n---\n\n# Tuner\n");
    project.write("tuner/value.txt", "90\n");
    let case = |n: usize| {
        json!({"id": format!("m{n}"), "kind": "metric", "category": "loss", "run": format!("cat */value.txt value.txt 2>/dev/null | sed 's/^/loss: /'; : {n}"),
            "pattern": "^loss:\\s+([0-9.]+)", "goal": "minimize", "budget_s": 20})
    };
    let suite = json!({"skill_name": "tuner", "evals": (0..5).map(case).collect::<Vec<_>>()});
    project.write("tuner/evals/evals.json", &suite.to_string());
    project.write("step.sh", "#!/bin/sh\ncat > /dev/null\nn=$(cat value.txt)\nif [ $((n % 3)) = 0 ]; then n=$((n - 10)); else n=$((n + 5)); fi\necho $n > value.txt\necho now $n\n");
    let command = format!("sh {}", project.path("step.sh").display());
    let done = project
        .skill(&[
            "improve",
            "tuner",
            "--tag",
            "night",
            "--experiments",
            "3",
            "--no-gate",
            "--proposer-cmd",
            &command,
            "--json",
        ])
        .ok()
        .json();
    let statuses: Vec<Value> = experiments(&nina).iter().map(|row| row["status"].clone()).collect();
    assert_eq!(statuses[0], "keep", "90 becomes 80");
    assert!(statuses[1..].iter().all(|status| status != "keep"), "80 becomes 85: {statuses:?}");
    assert_eq!(
        fs::read_to_string(Path::new(done["publishable"].as_str().expect("a folder")).join("value.txt")).expect("it"),
        "80\n"
    );
}

#[test]
fn a_description_is_improved_on_triggers() {
    let nina = somebody("nina");
    let project = nina.project("p");
    project.write("dates/SKILL.md", "---\nname: dates\ndescription: Does things. Use it sometimes.\n---\n\n# Dates\n");
    let words = [
        "calendar",
        "birthday",
        "deadline",
        "leap",
        "weekday",
        "quarter",
        "epoch",
        "holiday",
        "century",
        "timezone",
        "fortnight",
        "anniversary",
    ];
    let case = |(n, word): (usize, &&str)| {
        let query = if n % 2 == 0 {
            format!("{word} please{n} count{n} forward{n}")
        } else {
            format!("soup{n} stew{n} broth{n} roast{n}")
        };
        json!({"id": format!("t{n}"), "kind": "trigger", "category": "trigger", "query": query, "should_trigger": n % 2 == 0})
    };
    let suite = json!({"skill_name": "dates", "suite": {"runs": {"train": 2, "gate": 3}},
        "evals": words.iter().enumerate().map(case).collect::<Vec<_>>()});
    project.write("dates/evals/evals.json", &suite.to_string());
    let model = Model::start(Duration::ZERO, |body| {
        if improving::brief(body).is_some() {
            let edit = json!({"file": "SKILL.md", "find": "Does things. Use it sometimes.", "replace": "Counts days. Use it for dates."});
            return json!({"idea": "say what for", "edits": [edit]}).to_string();
        }
        let all = body["messages"].to_string();
        let wanted = all.contains("please") && all.contains("Use it for dates.");
        format!("{{\"skill\": \"{}\"}}", if wanted { "dates" } else { "none" })
    });
    let args = [
        "improve",
        "dates",
        "--model",
        &model.spec(),
        "--tag",
        "night",
        "--quick",
        "--description",
        "--no-gate",
        "--json",
    ];
    let done = project.skill(&args).ok().json();
    let rows = experiments(&nina);
    assert_eq!((&rows[0]["operator"], &rows[0]["status"]), (&json!("description"), &json!("keep")), "{rows:?}");
    assert_eq!(done["trainBest"], json!(1.0));
    let kinds: BTreeSet<&str> = rows.iter().filter_map(|row| row["operator"].as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["description"]));
}
