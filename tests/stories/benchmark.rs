//! One skill on several models.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use skill_tests::{
    Person, measured,
    model::{Model, has_skill},
};

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

#[test]
fn several_runs_say_how_often_any_and_all_of_them_pass() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    measured::write(&project, 9);
    let calls = AtomicUsize::new(0);
    // One request at a time, over an odd number of cases: of the three runs of a case one or two pass, 14 of 27 in all.
    let wavering = Model::start(Duration::ZERO, move |body| {
        let even = has_skill(body) && calls.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        if even { "LOUD".to_owned() } else { "quiet".to_owned() }
    });
    let spec = wavering.spec();
    let args = ["benchmark", "shout", "-k", "3", "--width", "1", "--model", &spec, "--json"];
    let document = project.skill(&args).ok().json();
    let passes = document["passes"][0].as_array().expect("for 1, 2 and 3 runs");
    assert_eq!(passes.len(), 3);
    let ppm = |k: usize, name: &str| passes[k - 1][name].as_i64().expect("a share");
    assert_eq!((ppm(1, "anyPpm"), ppm(3, "anyPpm"), ppm(3, "allPpm")), (518_519, 1_000_000, 0));
}
