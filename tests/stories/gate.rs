//! Once a version has a score, each later one has to beat it: measured on the holdout, attempt by attempt, and checked by the registry.

use serde_json::Value;
use skill_tests::{Owner, Skill, World, contest, model::Model};

/// A skill of ada's with a suite, at a level.
fn shout(ada: &Owner, version: &str, tenths: usize) -> Skill {
    let skill = ada.writes("shout", version);
    contest::level(&skill, tenths);
    contest::suite(&skill, "1.0.0", "first");
    ada.skill(&["suite", "split", &skill.path()]).ok();
    skill
}

fn publish(ada: &Owner, skill: &Skill, model: &Model, more: &[&str]) -> skill_tests::Outcome {
    ada.skill(&[&["publish", &skill.path(), "--model", &model.spec()], more].concat())
}

fn attempts(world: &World) -> Vec<Value> {
    let body = world.registry.get("/api/skill/v1/skills/ada/shout/evals").json();
    body["attempts"].as_array().expect("attempts").clone()
}

/// The lines of the skill's index.
fn index(world: &World) -> Vec<Value> {
    let text = world.registry.get("/index/ada/shout").text();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_better_version_is_published_and_an_equal_one_is_not() {
    let world = World::start();
    let ada = world.owner("ada");
    let model = contest::model();
    let mut skill = shout(&ada, "1.0.0", 3);
    publish(&ada, &skill, &model, &[]).ok().says("the suite");
    let lines = index(&world);
    assert!(lines[1]["score"]["mean"].as_i64().expect("a score") > 0, "{lines:?}");
    assert_eq!((&lines[1]["score"]["trust"], &lines[0]["tags"]["best"]), (&"claimed".into(), &"1.0.0".into()));

    contest::level(skill.version("1.1.0"), 9);
    let published = publish(&ada, &skill, &model, &["--json"]).ok().json();
    assert_eq!(published["measured"]["verdict"], "accept");
    assert_eq!(index(&world)[0]["tags"], serde_json::json!({"best": "1.1.0", "latest": "1.1.0"}));

    skill.version("1.2.0");
    skill.body("Answer with as much noise as LEVEL-9 says, please.\n");
    let refused = publish(&ada, &skill, &model, &[]).refused(8, "E_GATE_REJECTED");
    assert!(refused.stderr.contains("below_step") && refused.stderr.contains("not_significant"), "{refused}");
    assert_eq!(index(&world).len(), 3, "nothing was published");

    let all = attempts(&world);
    let of = |n: usize| (all[n]["version"].as_str().unwrap_or_default(), all[n]["verdict"].as_str(), &all[n]["failed"]);
    assert_eq!(of(0), ("1.2.0", Some("reject"), &0.into()));
    assert_eq!(of(1), ("1.1.0", Some("accept"), &0.into()));
    assert_eq!(of(2), ("1.0.0", Some("accept"), &0.into()));
    // A second try is a second attempt, and the first one counts.
    publish(&ada, &skill, &model, &[]).refused(8, "E_GATE_REJECTED");
    assert_eq!(attempts(&world)[0]["failed"], 1);
    world.registry.fsck(&[]).ok();
}

#[test]
fn a_maintenance_release_is_no_worse_and_keeps_the_score() {
    let world = World::start();
    let ada = world.owner("ada");
    let model = contest::model();
    let mut skill = shout(&ada, "1.0.0", 8);
    publish(&ada, &skill, &model, &["--maintenance"]).refused(2, "E_USAGE");
    publish(&ada, &skill, &model, &[]).ok();
    let before = index(&world)[1]["score"].clone();
    skill.version("1.0.1");
    skill.body("Answer with as much noise as LEVEL-8 says; see the manual.\n");
    publish(&ada, &skill, &model, &["--maintenance"]).ok();
    assert_eq!(index(&world)[2]["score"], before);
    contest::level(skill.version("1.0.2"), 3);
    publish(&ada, &skill, &model, &["--maintenance"]).refused(8, "E_GATE_REJECTED");
}

#[test]
fn a_measured_skill_stays_measured() {
    let world = World::start();
    let ada = world.owner("ada");
    let model = contest::model();
    let mut skill = shout(&ada, "1.0.0", 3);
    ada.skill(&["publish", &skill.path()]).ok();
    assert_eq!(index(&world)[1]["score"], Value::Null, "no model, no score");
    contest::level(skill.version("1.1.0"), 4);
    publish(&ada, &skill, &model, &[]).ok();
    assert_ne!(index(&world)[2]["score"], Value::Null);
    contest::level(skill.version("1.2.0"), 9);
    publish(&ada, &skill, &model, &["--no-eval"]).refused(8, "E_UNMEASURED").says("1.1.0");
    ada.skill(&["publish", &skill.path()]).refused(1, "E_MODEL");
    publish(&ada, &skill, &model, &[]).ok();
}

#[test]
fn the_holdout_changes_before_the_skill_and_the_head_is_measured_on_it() {
    let world = World::start();
    let ada = world.owner("ada");
    let model = contest::model();
    let mut skill = shout(&ada, "1.0.0", 3);
    publish(&ada, &skill, &model, &[]).ok();
    let on_old = index(&world)[1]["score"]["key"].clone();
    contest::level(skill.version("1.1.0"), 9);
    contest::suite(&skill, "2.0.0", "second");
    publish(&ada, &skill, &model, &[]).refused(5, "E_SUITE_CHANGED").says("skill suite publish");
    ada.skill(&["suite", "publish", &skill.path(), "--model", &model.spec()]).ok().says("1.0.0");
    let on_new = index(&world)[1]["score"]["key"].clone();
    assert_ne!(on_new, on_old, "the head has its score on the new suite");
    publish(&ada, &skill, &model, &[]).ok();
    assert_eq!(index(&world)[0]["tags"]["best"], "1.1.0");
    world.registry.fsck(&[]).ok();
}

#[test]
fn an_attempt_that_was_cut_off_goes_on_and_is_the_same() {
    let world = World::start();
    let ada = world.owner("ada");
    let model = contest::model();
    let mut skill = shout(&ada, "1.0.0", 3);
    publish(&ada, &skill, &model, &[]).ok();
    contest::level(skill.version("1.1.0"), 9);
    publish(&ada, &skill, &model, &["--max-seconds", "0"]).refused(12, "E_BUDGET");
    let pending = attempts(&world);
    assert_eq!((pending.len(), &pending[0]["verdict"]), (2, &Value::Null));
    publish(&ada, &skill, &model, &[]).ok();
    let after = attempts(&world);
    assert_eq!((after.len(), &after[0]["verdict"]), (2, &"accept".into()));
    assert_eq!(after[0]["attempt"], pending[0]["attempt"]);
}
