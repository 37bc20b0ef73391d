//! Two results beside each other, if they may be.

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
    let third = measured::measure(&project, &model, &["-k", "1", "--temperature", "0.1"]);
    project.skill(&["compare", &first, &third]).refused(1, "E_NOT_COMPARABLE").says("temperature");
}
