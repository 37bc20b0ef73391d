//! What was tried, from a log that travels with the skill and from the runs of this machine.

use skill_tests::Person;

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
