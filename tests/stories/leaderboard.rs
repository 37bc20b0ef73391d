//! Skills by their scores: what a leaderboard, a search and a skill's page say of them.

use serde_json::Value;
use skill_tests::{Owner, Skill, World, contest, model::Model};

/// Publishes a version of a skill of ada's that is as good as `tenths` says.
fn publish(ada: &Owner, name: &str, tenths: usize, model: &Model) -> Skill {
    let skill = ada.writes(name, "1.0.0");
    contest::level(&skill, tenths);
    contest::suite(&skill, "1.0.0", name);
    ada.skill(&["suite", "split", &skill.path()]).ok();
    ada.skill(&["publish", &skill.path(), "--model", &model.spec()]).ok();
    skill
}

#[test]
fn the_best_is_first_and_no_mean_stands_alone() {
    let world = World::start();
    let ada = world.owner("ada");
    let model = contest::model();
    ada.skill(&["leaderboard"]).ok().says("Nothing");
    publish(&ada, "whisper", 2, &model);
    let mut shout = publish(&ada, "shout", 5, &model);
    publish(&ada, "silent", 0, &model);
    contest::level(shout.version("1.1.0"), 9);
    ada.skill(&["publish", &shout.path(), "--model", &model.spec()]).ok();

    let board = ada.skill(&["leaderboard", "--json"]).ok().json();
    let items = board["groups"][0]["items"].as_array().expect("items").clone();
    let ids: Vec<&str> = items.iter().map(|item| item["id"].as_str().expect("an id")).collect();
    assert_eq!(ids, ["ada/shout", "ada/whisper", "ada/silent"]);
    let shown = &items[0];
    assert_eq!((&shown["version"], &shown["proven"]), (&"1.1.0".into(), &true.into()), "{shown}");
    assert_eq!(shown["rank"], Value::Null, "what only its publisher measured has no rank");
    for member in ["tokens", "gain", "model"] {
        assert!(!shown[member].is_null(), "{member}: {shown}");
    }
    assert_eq!(shown["suite"]["id"], "ada/shout");
    // The second version was measured against the first: its gain over no skill is paired with the runs of that one's record.
    assert!(shown["lift"]["lo"].as_i64().expect("an interval") > 0, "{shown}");
    assert_eq!(items[2]["proven"], false, "it is no better than no skill");

    let text = ada.skill(&["top", "-n", "2"]).ok().says("claimed").says("verified by somebody else");
    assert!(!text.stdout.contains("ada/silent"), "{text}");
    ada.skill(&["leaderboard"]).ok().says("claimed, unproven");
    let by_mean = ada.skill(&["leaderboard", "--sort", "mean", "--json"]).ok().json();
    assert_eq!(by_mean["groups"].as_array().expect("groups").len(), 3, "three suites are three score keys");
    let none = ada.skill(&["leaderboard", "--model", "another", "--json"]).ok().json();
    assert_eq!(none["groups"][0]["items"], serde_json::json!([]));

    let found = ada.skill(&["search", "--sort", "uplift", "--json"]).ok().json();
    assert_eq!(found["items"][0]["id"], "ada/shout");
    assert_eq!(found["items"][0]["best"]["score"]["trust"], "claimed");
    for order in ["score", "downloads", "updated"] {
        ada.skill(&["search", "--sort", order]).ok().says("ada/whisper");
    }
    ada.skill(&["info", "ada/shout"]).ok().says("over no skill").says("tokens a run").says("claimed");
    ada.skill(&["info", "ada/silent"]).ok().says("unproven");
    world.registry.fsck(&[]).ok().says("evidence");
}

#[test]
fn the_best_version_can_be_asked_for_and_its_score_is_shown_where_it_is_installed() {
    let world = World::start();
    let ada = world.owner("ada");
    let model = contest::model();
    let mut shout = publish(&ada, "shout", 4, &model);
    contest::level(shout.version("1.1.0"), 9);
    ada.skill(&["publish", &shout.path(), "--model", &model.spec()]).ok();
    let rita = world.reader("rita");
    let project = rita.project("p");
    project.skill(&["init", "--agent", "claude-code"]);
    project.skill(&["add", "ada/shout@=1.0.0", "--agent", "claude-code"]).ok();
    project.skill(&["list"]).ok().says("claimed");
    let listed = project.skill(&["list", "--json"]).ok().json();
    assert_eq!(listed["items"][0]["score"]["trust"], "claimed");
    let outdated = project.skill(&["outdated", "--json"]).ok().json();
    assert_eq!(outdated["items"][0]["best"]["version"], "1.1.0");
    assert!(outdated["items"][0]["score"]["mean"].is_i64(), "{outdated}");
    let other = rita.project("q");
    other.skill(&["install", "ada/shout@best", "--agent", "claude-code"]).ok().says("1.1.0");
}
