//! A result again: in the terminal, as a page, and for other tools.

use skill_tests::{Person, measured, model::Model};

#[test]
fn a_result_is_shown_and_written_in_every_form() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    measured::write(&project, 8);
    let folder = measured::measure(&project, &Model::obedient(), &["-k", "2"]);
    let digits = folder.rsplit('/').next().expect("a name")[..6].to_owned();
    project.skill(&["report", &digits]).ok().says("by case").says("what stands out:");
    project.skill(&["report", &folder, "--html", "out.html", "--junit", "out.xml", "--markdown", "-"]).ok().says("| ");
    assert!(
        project.read("out.html").contains("<!doctype html>") || project.read("out.html").contains("<!DOCTYPE html>")
    );
    assert!(project.read("out.xml").contains("<testsuite"));
    project.skill(&["report", &folder, "--skill-creator", "workspace"]).ok();
    assert!(project.read("workspace/benchmark.json").contains("% tokens for +100.0 points"), "the analyzer's notes");
    project.skill(&["report", "ffffffffffff"]).refused(3, "E_NO_PATH");
    let record = format!("{folder}/record.json");
    let text = std::fs::read_to_string(&record).expect("a record");
    project.write("forged.json", &text.replacen("\"score\":1000", "\"score\":900", 1));
    project.skill(&["report", "forged.json"]).refused(6, "E_RECORD_RESULT");
}
