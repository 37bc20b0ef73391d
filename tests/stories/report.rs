//! A result again: in the terminal, as a page, and for other tools.

use skill_tests::{Person, World, contest, measured, model::Model};

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

#[test]
fn a_published_score_is_computed_again_and_what_was_changed_is_noticed() {
    let (world, proxy) = World::behind_proxy();
    let ada = world.owner("ada");
    let model = contest::model();
    let mut skill = ada.writes("shout", "1.0.0");
    contest::level(&skill, 3);
    contest::suite(&skill, "1.0.0", "first");
    ada.skill(&["suite", "split", &skill.path()]).ok();
    ada.skill(&["publish", &skill.path(), "--model", &model.spec()]).ok();
    contest::level(skill.version("1.1.0"), 9);
    ada.skill(&["publish", &skill.path(), "--model", &model.spec()]).ok();

    let rita = world.reader("rita");
    for spec in ["ada/shout@1.0.0", "ada/shout"] {
        let report = rita.skill(&["report", spec, "--json"]).ok().json();
        let checked = report["checked"].as_array().expect("questions").clone();
        let whats: Vec<&str> = checked.iter().filter_map(|answer| answer["what"].as_str()).collect();
        assert_eq!(whats, ["signature", "subject", "result", "verdict", "index", "grades"]);
        assert!(checked.iter().all(|answer| answer["holds"] == true), "{spec}: {checked:?}");
    }
    rita.skill(&["report", "ada/shout"]).ok().says("come out of the transcripts as recorded");

    // A registry that praises what it sells: the index says another mean than the record.
    proxy.edit(|path, answer| {
        if path == "/index/ada/shout" {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            answer.body = text.replace("\"mean\":", "\"mean\":1").into_bytes();
            answer.headers.retain(|(name, _)| name != "etag");
        }
    });
    let tess = world.reader("tess");
    tess.skill(&["report", "ada/shout@1.1.0"]).refused(6, "E_SCORE_DIFFERS").says("not those of the record");
    proxy.be_honest();

    let plain = ada.publishes("plain", "1.0.0");
    rita.skill(&["report", &plain.spec()]).refused(3, "E_NO_RECORD");
}
