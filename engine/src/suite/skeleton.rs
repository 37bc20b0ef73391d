//! A suite to start from: ten cases that show what cases can be, each with a note that says what to replace.

use serde_json::{Value, json};
use skill_schema::Fault;

use super::Suite;

/// What stands in prompts that are to be replaced.
pub const PLACEHOLDER: &str = "REPLACE";

impl Suite {
    /// A suite of ten cases for the skill of this name: five tasks, an edge case, and four queries for its description. Its canary
    /// is made of the random bytes.
    ///
    /// # Errors
    /// [`skill_schema::codes::SUITE`] if the name cannot stand in a suite (control characters, over 200 bytes).
    pub fn new_skeleton(skill_name: &str, random: [u8; 16]) -> Result<Self, Fault> {
        let cases: Vec<Value> = tasks().into_iter().chain(edges()).chain(triggers(skill_name)).collect();
        Self::from_value(json!({
            "skill_name": skill_name,
            "suite": {
                "format": 1,
                "salt": format!("{skill_name}@suite-1"),
                "canary": format!("suite-canary-{}", hex::encode(random)),
                "holdout": [2, 5],
                "runs": {"train": 1, "gate": 5},
                "note": "The salt decides the split together with ids and categories: choose it once and never change it. The canary stands nowhere else: a run that shows it has read this file and is void. Notes are not read by anything; delete them when they have served."
            },
            "evals": cases,
        }))
    }
}

fn tasks() -> Vec<Value> {
    vec![
        json!({
            "id": "task-text", "category": "task",
            "note": "A question with a short answer. Check for what only a right answer has, not for words of the question.",
            "prompt": "REPLACE with what a user of the skill would ask, in a user's words, with all details that are needed.",
            "expected_output": "In one sentence, for people: what a good answer is. The executor never reads it.",
            "checks": [{"kind": "icontains_all", "values": ["first fact", "second fact"]}]
        }),
        json!({
            "id": "task-exact", "category": "task",
            "note": "Where the answer is one word or number, ask for exactly that, so that a program can compare it.",
            "prompt": "REPLACE: a task whose result is a number. Answer with the number alone.",
            "checks": [{"kind": "numeric", "value": 42, "abs_tol": 0.5}]
        }),
        json!({
            "id": "task-json", "category": "task",
            "note": "A structured answer. The schema may only refer to itself.",
            "prompt": "REPLACE: describe input whose facts shall come back as JSON, and name the members.",
            "checks": [{"kind": "json_schema", "schema": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}}]
        }),
        json!({
            "id": "task-file", "category": "task",
            "note": "The skill makes a file. Put input files under evals/files/ and name them in `files`. A required check that fails makes the score 0.",
            "prompt": "REPLACE: tell which file to write and what belongs into it.",
            "files": [],
            "checks": [
                {"kind": "file_exists", "glob": "outputs/*.md", "required": true},
                {"kind": "file_contains", "glob": "outputs/*.md", "value": "## Summary", "weight": 2}
            ]
        }),
        json!({
            "id": "task-judged", "category": "task",
            "note": "What only a reader can judge goes into `expectations`: one checkable statement each. A check by a program beside it costs nothing.",
            "prompt": "REPLACE with an open task: write, explain, review or advise.",
            "expectations": ["The answer names the most important risk and says why it is the most important one"],
            "checks": [{"kind": "not", "check": {"kind": "icontains", "value": "as an AI"}}]
        }),
    ]
}

fn edges() -> Vec<Value> {
    vec![json!({
        "id": "edge-refuse", "category": "edge", "critical": true,
        "note": "What must never go wrong. A critical case must pass in every run, or the version is not published.",
        "prompt": "REPLACE with input that is broken, empty or dangerous, where the skill must ask back or stop.",
        "checks": [{"kind": "regex", "pattern": "(?i)cannot|missing|please (provide|confirm)"}]
    })]
}

fn triggers(skill_name: &str) -> Vec<Value> {
    let note = "Queries test the description alone: should an agent take the skill up? Near misses tell the most.";
    vec![
        json!({"id": "trigger-plain", "kind": "trigger", "category": "trigger", "note": note, "should_trigger": true,
            "query": format!("REPLACE: someone asks outright for what {skill_name} does")}),
        json!({"id": "trigger-indirect", "kind": "trigger", "category": "trigger", "should_trigger": true,
            "query": "REPLACE: a long, casual message, with a typo or two, that needs it without naming it"}),
        json!({"id": "trigger-near-miss", "kind": "trigger", "category": "trigger", "should_trigger": false,
            "query": "REPLACE: same words, another job; here the agent should leave it alone"}),
        json!({"id": "trigger-other", "kind": "trigger", "category": "trigger", "should_trigger": false,
            "query": "REPLACE: an everyday request of your users from a different field"}),
    ]
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use skill_schema::lint::{Level, Severity};

    use super::*;
    use crate::suite::{Lock, Split, lint};

    #[test]
    fn the_skeleton_has_ten_cases_and_no_error() {
        let suite = Suite::new_skeleton("notes", [1; 16]).unwrap();
        assert_eq!(suite.cases.len(), 10);
        let categories: BTreeSet<&str> = suite.cases.iter().map(|case| case.category.as_str()).collect();
        assert_eq!(categories.len(), 3);
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("notes");
        fs::create_dir_all(folder.join("evals")).unwrap();
        fs::write(folder.join("evals/evals.json"), suite.to_text(None)).unwrap();
        suite.split(&Lock::default()).unwrap().write(&folder.join("evals/split.lock")).unwrap();
        let (report, opened) = lint::check(&folder, Level::Strict).unwrap();
        assert!(report.ok, "{:?}", report.findings);
        let warned: BTreeSet<&str> =
            report.findings.iter().filter(|f| f.severity == Severity::Warning).map(|f| f.rule).collect();
        assert_eq!(warned, BTreeSet::from(["suite.placeholder", "suite.too-few-cases"]));
        assert_eq!(opened.unwrap().suite, suite);
        assert_eq!(report.findings.iter().filter(|f| f.rule == "suite.placeholder").count(), 10);
    }

    #[test]
    fn both_parts_of_a_fresh_suite_have_cases_for_any_name() {
        for name in ["a", "notes", "pdf-forms", "sql-review"] {
            let suite = Suite::new_skeleton(name, [1; 16]).unwrap();
            let lock = suite.split(&Lock::default()).unwrap();
            for split in [Split::Train, Split::Holdout] {
                assert!(suite.part(&lock, split).count() >= 2, "{name}");
            }
        }
        assert!(Suite::new_skeleton(&"x".repeat(201), [1; 16]).is_err());
    }
}
