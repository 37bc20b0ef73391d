//! A skill and its cases from a description: a model drafts, a person reviews, and nothing is measured before.

use std::time::Duration;

use serde_json::{Value, json};
use skill_tests::{Person, model::Model};

/// A model that drafts a skill for loud answers, and cases for it; asked as by an eval it shouts.
fn drafting() -> Model {
    Model::start(Duration::ZERO, |body| {
        let text = body["messages"].to_string();
        if text.contains("Draft a skill") {
            let skill = json!({"name": "Shout!", "description": "Answers loudly. Use it when somebody wants to be heard.",
                "instructions": "# Shout\n\nAnswer LOUD.\n"});
            return format!("```json\n{skill}\n```");
        }
        if text.contains("test cases") {
            let case = |n: usize| {
                json!({"prompt": format!("alpha{n} beta{n} gamma{n} delta{n}"), "expected": "a loud answer",
                    "must_contain": ["LOUD"], "must_not_contain": ["quiet"]})
            };
            return json!({"cases": (0..12).map(case).collect::<Vec<Value>>()}).to_string();
        }
        "LOUD".to_owned()
    })
}

#[test]
fn a_drafted_suite_measures_nothing_until_every_case_is_reviewed() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    let model = drafting();
    let describe = ["--describe", "Answer loudly", "--model", &model.spec()];
    let made = project.skill(&[&["create", "--json", "--cases", "12"], &describe[..]].concat()).ok().json();
    assert_eq!((&made["name"], made["drafts"].as_array().map(Vec::len)), (&"shout".into(), Some(12)));
    let suite: Value = serde_json::from_str(&project.read("shout/evals/evals.json")).expect("JSON");
    assert_eq!(suite["evals"][0]["draft"], true);
    project.skill(&["check", "shout"]).ok();
    project.skill(&[&["create", "shout"], &describe[..]].concat()).refused(5, "E_EXISTS");

    project.skill(&["suite", "check", "shout"]).refused(1, "E_SUITE_LINT").says("suite.draft");
    project.skill(&["eval", "shout", "--model", &model.spec()]).refused(1, "E_SUITE_LINT").says("skill suite review");
    let left = project.skill(&["suite", "review", "shout", "--json"]).ok().json();
    assert_eq!(left["drafts"].as_array().expect("drafts").len(), 12);
    project.skill(&["suite", "review", "shout", "--keep", "other"]).refused(2, "E_USAGE");
    project.skill(&["suite", "review", "shout", "--drop", "draft-12"]).ok().says("11 drafts left");
    let ids: Vec<String> = (1..12).map(|n| format!("draft-{n}")).collect();
    project.skill(&["suite", "review", "shout", "--keep", &ids.join(",")]).ok().says("has no drafts");
    assert!(!project.read("shout/evals/evals.json").contains("\"draft\""));
    project.skill(&["eval", "shout", "--model", &model.spec(), "-k", "1"]).ok();
}

#[test]
fn a_model_that_drafts_nothing_leaves_nothing_behind() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    let mute = Model::start(Duration::ZERO, |_| "I would rather not".to_owned());
    project.skill(&["create", "x", "--describe", "d", "--model", &mute.spec()]).refused(1, "E_MODEL");
    project.skill(&["create", "x"]).refused(2, "E_NEEDS_INPUT").says("--describe");
    assert!(!project.has("x"));
}
