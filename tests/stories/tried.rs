//! What was tried, from a log that travels with the skill and from the runs of this machine.

use skill_tests::{Person, World, contest};

const LINE: &str = "abc1234\t0.500000\t0.0\tdiscard\tsay it twice\t3\t0\treflect\t-0.0100\t0.0200\t0.8000\t72\t7000\t9\t0.000000\t90\told";

#[test]
fn a_log_that_travelled_with_the_skill_is_shown() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    project.write("notes/SKILL.md", "---\nname: notes\ndescription: Notes. Use it for notes.\n---\n\nText.\n");
    project.skill(&["tried", "notes"]).refused(3, "E_NO_PATH");
    let header = "commit\ttrain_score\tgpu_gb\tstatus\tdescription\texp\tparent\top\tdelta\tse\tp_run\truns\ttokens\tseconds\tcost_usd\tskill_tokens\trun";
    project.write("notes/evals/tried.tsv", &format!("{header}\n{LINE}\n"));
    project.skill(&["tried", "notes"]).ok().says("say it twice");
    let json = project.skill(&["tried", "notes", "--json"]).ok().json();
    let item = &json["items"][0];
    assert_eq!((&item["run"], &item["status"], &item["delta"]), (&"old".into(), &"discard".into(), &"-0.0100".into()));
    let none = project.skill(&["tried", "notes", "--status", "keep", "--json"]).ok().json();
    assert_eq!(none["items"], serde_json::json!([]));
    project.skill(&["tried", "other"]).refused(3, "E_NO_PATH");
}

const LOG: &str = "commit\ttrain_score\tgpu_gb\tstatus\tdescription\texp\tparent\top\tdelta\n\
    a1\t0.4\t0.0\tkeep\tthe start\t0\t-\tstart\t-\n\
    b2\t0.3\t0.0\tdiscard\twhisper first\t1\t0\treflect\t-0.1\n";

#[test]
fn attempts_of_the_log_and_experiments_of_the_publisher_are_told_apart() {
    let world = World::start();
    let ada = world.owner("ada");
    let model = contest::model();
    let mut skill = ada.writes("shout", "1.0.0");
    contest::level(&skill, 3);
    contest::suite(&skill, "1.0.0", "first");
    ada.skill(&["suite", "split", &skill.path()]).ok();
    let publish = |skill: &skill_tests::Skill| ada.skill(&["publish", &skill.path(), "--model", &model.spec()]);
    publish(&skill).ok();
    skill.version("1.1.0");
    skill.body("Answer with as much noise as LEVEL-3 says, please.\n");
    publish(&skill).refused(8, "E_GATE_REJECTED");
    contest::level(&skill, 9);
    skill.file("evals/tried.tsv", LOG);
    publish(&skill).ok();

    let tried = ada.skill(&["tried", "ada/shout", "--json"]).ok().json();
    let of = |n: usize| (tried["attempts"][n]["outcome"].as_str(), tried["attempts"][n]["failed"].as_i64());
    assert_eq!(
        [of(0), of(1), of(2)],
        [(Some("accept"), Some(1)), (Some("reject"), Some(0)), (Some("accept"), Some(0))]
    );
    assert_eq!(tried["experiments"].as_array().expect("experiments").len(), 1, "the start is no experiment");
    assert_eq!(tried["experiments"][0]["version"], "1.1.0");
    ada.skill(&["tried", "ada/shout"]).ok().says("whisper first").says("nothing signs");
    let kept = ada.skill(&["tried", "ada/shout", "--status", "keep", "--json"]).ok().json();
    assert_eq!((&kept["attempts"], &kept["experiments"]), (&serde_json::json!([]), &serde_json::json!([])));
    ada.skill(&["tried", "ada/nothing"]).refused(3, "E_NOT_FOUND");
    world.registry.fsck(&[]).ok();

    skill.file("evals/tried.tsv", "status\tdescription\nkeep\t\u{1b}[2J\n");
    contest::level(skill.version("1.2.0"), 9);
    skill.body("Answer with as much noise as LEVEL-9 says; twice.\n");
    ada.skill(&["publish", &skill.path(), "--model", &model.spec(), "--maintenance"]).refused(2, "E_BAD_REQUEST");
}
