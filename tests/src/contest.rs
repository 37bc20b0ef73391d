//! A skill whose versions have known effects, its suite, and a model that is as good as the skill says: for the stories of the gate.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{model::Model, skills::Skill};

/// Cases of the suite; about two of five are held out.
const CASES: usize = 30;

/// Writes a suite of version `version` beside a skill, and splits it. `word` makes its prompts its own.
pub fn suite(skill: &Skill, version: &str, word: &str) {
    let case = |n: usize| {
        let prompt = format!("{word} question {n}: alpha{n} beta{n} gamma{n} delta{n}");
        json!({"id": format!("case-{n}"), "category": "all", "group": format!("g{n}"), "prompt": prompt,
            "checks": [{"kind": "contains", "value": "LOUD"}]})
    };
    let cases: Vec<Value> = (0..CASES).map(case).collect();
    let suite = json!({"skill_name": skill.id(), "suite": {"format": 1, "version": version, "salt": "loud",
        "runs": {"train": 1, "gate": 3}}, "evals": cases});
    skill.file("evals/evals.json", &serde_json::to_string_pretty(&suite).expect("JSON"));
}

/// Writes the body of a skill with which this many of ten cases come out well.
pub fn level(skill: &Skill, tenths: usize) {
    skill.body(&format!("Answer with as much noise as LEVEL-{tenths} says.\n"));
}

/// A model that does as well as the skill that it is given says; without one, nothing.
pub fn model() -> Model {
    Model::start(Duration::ZERO, answer())
}

/// What such a model answers.
pub fn answer() -> impl Fn(&Value) -> String + Send + Sync + 'static {
    |body| {
        let text = body["messages"].to_string();
        let level = text.split("LEVEL-").nth(1).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
        let level: usize = level.and_then(|level| level.parse().ok()).unwrap_or(0);
        let case = text.rsplit("question ").next().and_then(|rest| rest.split(':').next());
        let case: usize = case.and_then(|case| case.parse().ok()).unwrap_or(0);
        if case * 7 % 10 < level { "LOUD".to_owned() } else { "quiet".to_owned() }
    }
}
