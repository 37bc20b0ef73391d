//! Ending and going on.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;
use skill_tests::{improving, programs, run};

use super::{arguments, experiments, folder, improve, journal, project, somebody};

#[test]
fn a_person_ends_it_and_it_goes_on_from_there() {
    let nina = somebody("nina");
    let project = project(&nina);
    let model = improving::model(None);
    let mut running = Command::new(programs::skill())
        .args(arguments(&model, 40))
        .current_dir(&project.folder)
        .env_clear()
        .envs(nina.environment().iter().cloned())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let begun = Instant::now();
    while model.asked().len() < 400 && begun.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(2));
    }
    Command::new("kill").args(["-INT", &running.id().to_string()]).status().expect("sent");
    assert_eq!(run::status_of(running.wait().expect("ended")), 130);
    let last = journal(&nina).pop().expect("lines");
    assert_eq!((&last["type"], &last["why"]), (&json!("stopped"), &json!("person")));
    assert!(fs::read_to_string(folder(&nina).join("report.html")).expect("a page").contains("ended by a person"));
    let done = experiments(&nina).len();
    let more = (done + 2).to_string();
    improve(&project, &["improve", "--resume", "night", "--no-gate", "--experiments", &more].map(str::to_owned), &[]);
    assert_eq!(experiments(&nina).len(), done + 2);
}

#[test]
fn what_has_changed_is_not_continued_and_what_is_missing_says_so() {
    let nina = somebody("nina");
    let project = project(&nina);
    let model = improving::model(None);
    let args = arguments(&model, 2);
    let _ = improve(&project, &args, &["--no-gate"]);
    improve(&project, &args, &[]).refused(5, "E_IMPROVE").says("--resume");
    project.skill(&["improve", "--resume", "other", "courier"]).refused(3, "E_NO_PATH");
    project.skill(&["improve", "courier", "--tag", "../up", "--model", &model.spec()]).refused(2, "E_USAGE");
    project.skill(&["improve", "courier", "--interactive", "--model", &model.spec()]).refused(2, "E_NEEDS_INPUT");
    let suite = project.read("courier/evals/evals.json").replace("quay7 ", "quai7 ");
    project.write("courier/evals/evals.json", &suite);
    project.skill(&["improve", "--resume", "night"]).refused(5, "E_IMPROVE").says("suite");
}
