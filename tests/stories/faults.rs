//! Client and registry killed at random points: nothing half-done is ever seen, and a retry succeeds.
//!
//! `SKILL_FAULT_TRIES` says how often (`just faults` asks for 200). The points are spread over the time that an undisturbed run
//! takes, each a little off its place by a fixed sequence, so that a failure comes again.

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use skill_tests::{Person, Project, World, programs};

fn tries() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the product")]
    let asked = std::env::var("SKILL_FAULT_TRIES").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(20)
}

/// The nth point of time to kill at, spread over the usual duration of a run.
fn moment(n: u32, usual: Duration) -> Duration {
    let scatter = f64::from(n.wrapping_mul(2_654_435_761) >> 16) / 65_536.0;
    usual.mul_f64((f64::from(n) + scatter) / f64::from(tries()))
}

/// Starts `skill` and kills it after a while; says whether it had ended by itself.
fn kill_after(person: &Person, project: &Project<'_>, args: &[&str], wait: Duration) -> bool {
    let mut child = Command::new(programs::skill())
        .args(args)
        .current_dir(&project.folder)
        .env_clear()
        .envs(person.environment().iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("skill starts");
    thread::sleep(wait);
    let ended = child.try_wait().expect("a child").is_some();
    let _ = child.kill();
    child.wait().expect("it ends");
    ended
}

#[test]
fn a_killed_client_leaves_the_old_or_the_new_skill() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let mut skill = ada.writes("notes", "2.0.0");
    for n in 0..40 {
        skill.file(&format!("references/part-{n}.md"), &format!("# Part {n}\n\nText of part {n}.\n"));
    }
    skill.version("2.0.0").body("The second one.");
    ada.publish(&skill).ok();
    let reference = rob.project("reference");
    reference.skill(&["install", "ada/notes@1.0.0"]).ok();
    let old = reference.installed(".agents/skills", "notes");
    let begun = Instant::now();
    reference.skill(&["install", "ada/notes@2.0.0"]).ok();
    let usual = begun.elapsed();
    let new = reference.installed(".agents/skills", "notes");
    assert_ne!(old, new);
    let mut killed = 0;
    for n in 0..tries() {
        // A machine of one's own each time, so that the store is cold and extraction is part of what is cut off.
        let kim = world.reader(&format!("kim{n}"));
        let project = kim.project("site");
        project.skill(&["install", "ada/notes@1.0.0"]).ok();
        let ended = kill_after(&kim, &project, &["install", "ada/notes@2.0.0"], moment(n, usual));
        killed += u32::from(!ended);
        for folder in [".agents/skills", ".claude/skills"] {
            let found = project.installed(folder, "notes");
            assert!(found == old || found == new, "try {n}: {folder}/notes is neither the old nor the new skill");
        }
        project.skill(&["install", "ada/notes@2.0.0"]).ok();
        assert_eq!(project.installed(".agents/skills", "notes"), new, "try {n}: a retry succeeds");
        project.skill(&["verify"]).ok();
        project.skill(&["sync", "--check"]).ok();
    }
    assert!(killed > 0, "no try hit a running client: the test shows nothing");
}

#[test]
fn a_killed_registry_shows_a_version_wholly_or_not_at_all() {
    let mut world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let begun = Instant::now();
    let _ = ada.publishes("notes", "0.0.1");
    let usual = begun.elapsed();
    for n in 0..tries() {
        let version = format!("1.{n}.0");
        let mut skill = ada.writes("notes", &version);
        skill.version(&version).body(&format!("Number {n}."));
        thread::scope(|scope| {
            let publishing = scope.spawn(|| ada.publish(&skill));
            thread::sleep(moment(n, usual));
            world.registry.kill();
            // Killed in the middle: the client says so, or had its answer before.
            let outcome = publishing.join().expect("it ends");
            assert!(matches!(outcome.status, 0 | 7), "try {n}: {outcome}");
            if outcome.status == 0 {
                world.registry.start();
                let index = world.registry.get("/index/ada/notes").text();
                assert!(index.contains(&format!("\"vers\":\"{version}\"")), "try {n}: an acknowledged version is gone");
            } else {
                world.registry.start();
            }
        });
        let index = world.registry.get("/index/ada/notes").text();
        let project = rob.project(&format!("site{n}"));
        if index.contains(&format!("\"vers\":\"{version}\"")) {
            project.skill(&["install", &format!("ada/notes@{version}")]).ok();
        }
        ada.publish(&skill).ok();
        project.skill(&["install", &format!("ada/notes@{version}")]).ok();
    }
}
