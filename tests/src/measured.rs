//! A skill with a suite, for the stories that measure.

use serde_json::json;

use crate::{model::Model, project::Project, run::Outcome};

/// Writes the skill `shout` with this many cases; each wants its answer loud.
pub fn write(project: &Project<'_>, cases: usize) {
    project.write("shout/SKILL.md", "---\nname: shout\ndescription: Shouts. Use it always.\n---\n\nAnswer LOUD.\n");
    let case = |n: usize| {
        let words = format!("alpha{n} beta{n} gamma{n} delta{n}");
        json!({"id": format!("case-{n}"), "prompt": words, "checks": [{"kind": "contains", "value": "LOUD"}]})
    };
    let cases: Vec<_> = (0..cases).map(case).collect();
    let suite = json!({"skill_name": "shout", "evals": cases});
    project.write("shout/evals/evals.json", &serde_json::to_string_pretty(&suite).expect("JSON"));
}

/// Measures it and returns the folder of the result.
pub fn measure(project: &Project<'_>, model: &Model, more: &[&str]) -> String {
    let outcome: Outcome = project.skill(&[&["eval", "shout", "--model", &model.spec(), "--json"], more].concat()).ok();
    outcome.json()["folder"].as_str().expect("a folder").to_owned()
}
