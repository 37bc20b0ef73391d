//! One skill on several models.

use std::time::Duration;

use skill_tests::{Person, measured, model::Model};

#[test]
fn a_skill_is_measured_on_each_model() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    measured::write(&project, 8);
    let (good, deaf) = (Model::obedient().spec(), Model::start(Duration::ZERO, |_| "quiet".to_owned()).spec());
    let args = ["benchmark", "shout", "-k", "1", "--model", &good, "--model", &deaf, "--html", "all.html"];
    let shown = project.skill(&args).ok();
    assert!(shown.stdout.contains("+100.0") && shown.stdout.contains("0.0"), "{shown}");
    assert!(project.has("all.html"));
}
