//! Two commands at once.

use std::thread;

use skill_tests::World;

#[test]
fn two_installs_in_one_project_both_succeed() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    for name in ["one", "two", "three", "four"] {
        let _ = ada.publishes(name, "1.0.0");
    }
    let project = rob.project("site");
    thread::scope(|scope| {
        for name in ["one", "two", "three", "four"] {
            let project = &project;
            scope.spawn(move || project.skill(&["install", &format!("ada/{name}")]).ok());
        }
    });
    let lock = project.read("skills.lock");
    for name in ["one", "two", "three", "four"] {
        assert!(lock.contains(&format!("\"ada/{name}\"")), "{name} is missing:\n{lock}");
    }
    project.skill(&["verify"]).ok();
    project.skill(&["sync", "--check"]).ok();
}

#[test]
fn of_two_publishes_of_one_version_one_wins() {
    let world = World::start();
    let ada = world.owner("ada");
    let places = ["left", "right"].map(|side| {
        let skill = skill_tests::Skill::write(&world.place(side), "ada/notes", "1.0.0");
        skill.body(&format!("From the {side}."));
        skill
    });
    let statuses: Vec<i32> = thread::scope(|scope| {
        let ada = &ada;
        let runs: Vec<_> = places.iter().map(|skill| scope.spawn(move || ada.publish(skill).status)).collect();
        runs.into_iter().map(|run| run.join().expect("it ends")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 0).count(), 1, "{statuses:?}");
    assert!(statuses.contains(&5), "{statuses:?}");
}

#[test]
fn publishes_of_several_skills_at_once_all_succeed() {
    let world = World::start();
    let ada = world.owner("ada");
    let skills: Vec<_> = (0..6).map(|n| ada.writes(&format!("skill-{n}"), "1.0.0")).collect();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let ada = &ada;
        let runs: Vec<_> = skills.iter().map(|skill| scope.spawn(move || ada.publish(skill))).collect();
        runs.into_iter().map(|run| run.join().expect("it ends")).collect()
    });
    for outcome in outcomes {
        let _ = outcome.ok();
    }
    assert_eq!(world.registry.get("/index/ada").text().lines().count(), 7);
}
