//! Two results beside each other, if they may be; and answers that are compared blind.

use std::time::Duration;

use serde_json::{Value, json};
use skill_tests::{Person, measured, model::Model};

#[test]
fn results_of_one_score_key_are_compared_and_others_are_not() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    measured::write(&project, 8);
    let model = Model::obedient();
    let first = measured::measure(&project, &model, &["-k", "1"]);
    project.write("shout/SKILL.md", "---\nname: shout\ndescription: Shouts. Use it always.\n---\n\nBe LOUD.\n");
    let second = measured::measure(&project, &model, &["-k", "1"]);
    project.skill(&["compare", &first, &second]).ok().says("case-0").says("95 % interval");
    project.skill(&["compare", &first, &second, "--json"]).ok().json();
    let third = measured::measure(&project, &model, &["-k", "1", "--temperature", "0.1"]);
    project.skill(&["compare", &first, &third]).refused(1, "E_NOT_COMPARABLE").says("temperature");
    project.skill(&["compare", &first]).refused(2, "E_USAGE");
}

/// A grader that answers with the place of the loud answer, or always with the same place.
fn grader(always: Option<&'static str>) -> Model {
    Model::start(Duration::ZERO, move |body| {
        let shown = body["messages"].to_string();
        let second = shown.find("Second answer").expect("two answers");
        let fair = if shown[..second].contains("LOUD") { "first" } else { "second" };
        json!({"reason": "it is louder", "winner": always.unwrap_or(fair)}).to_string()
    })
}

#[test]
fn an_answer_is_preferred_only_if_it_wins_in_both_orders() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    measured::write(&project, 8);
    let folder = measured::measure(&project, &Model::obedient(), &["-k", "2"]);
    let fair = grader(None);
    let spec = fair.spec();
    let args = ["compare", &folder, "--blind", "--grader", &spec];
    let shown = project.skill(&[&args[..], &["--skill-creator", "files"]].concat()).ok();
    shown.says("shout is preferred in 16 of 16 pairs, without in 0, neither in 0").says("it is louder");
    let asked = fair.asked();
    assert_eq!(asked.len(), 32, "both orders of each pair");
    assert!(!asked.iter().any(|body| body.to_string().contains("shout")), "nobody says whose an answer is");
    let read = |path: &str| serde_json::from_str::<Value>(&project.read(path)).expect("JSON");
    assert_eq!(read("files/comparison-16.json")["winner"], "B");
    assert_eq!(read("files/analysis.json")["comparison_summary"]["winner_skill"], "shout");
    let document = project.skill(&[&args[..], &["--json"]].concat()).ok().json();
    assert_eq!(
        (&document["secondWins"], &document["steady"], &document["pPpm"]),
        (&json!(16), &json!(16), &json!(7_814))
    );
    let placed = grader(Some("first")).spec();
    let document = project.skill(&["compare", &folder, "--blind", "--grader", &placed, "--json"]).ok().json();
    assert_eq!((&document["ties"], &document["steady"], &document["pPpm"]), (&json!(16), &json!(0), &json!(1_000_000)));
    let silent = Model::start(Duration::ZERO, |_| "I would rather not say".to_owned()).spec();
    project.skill(&["compare", &folder, "--blind", "--grader", &silent]).ok().says("16 of them had no answer");
}

#[test]
fn the_skills_of_two_results_are_compared_blind_whatever_they_were_measured_with() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    measured::write(&project, 8);
    let deaf = Model::start(Duration::ZERO, |_| "quiet".to_owned());
    let (first, second) = (
        measured::measure(&project, &deaf, &["-k", "1", "--temperature", "0.1"]),
        measured::measure(&project, &Model::obedient(), &["-k", "1"]),
    );
    let spec = grader(None).spec();
    let shown = project.skill(&["compare", &first, &second, "--blind", "--grader", &spec]).ok();
    shown.says("preferred in 8 of 8 pairs").says("the sides were not measured alike").says("temperature");
    project.skill(&["compare", &first, "--blind"]).refused(2, "E_USAGE");
    // A record without the answers beside it has nothing to show.
    let record = std::fs::read_to_string(format!("{first}/record.json")).expect("a record");
    project.write("alone.json", &record);
    let args = ["compare", "alone.json", "--blind", "--grader", &spec];
    project.skill(&args).refused(1, "E_NOT_COMPARABLE").says("no answers");
}
