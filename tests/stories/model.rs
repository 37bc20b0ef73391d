//! Models of this machine.

use skill_tests::Person;

#[test]
fn a_file_that_is_no_model_is_refused_and_nothing_is_kept() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    project.skill(&["model", "list"]).ok().says("no models");
    project.write("x.gguf", "not a model");
    project.skill(&["model", "pull", "x.gguf"]).refused(1, "E_MODEL");
    project.skill(&["model", "pull", "gone.gguf"]).refused(1, "E_MODEL");
    project.skill(&["model", "pull", "https://127.0.0.1:9/x.gguf"]).refused(2, "E_USAGE").says("--sha256");
    project.skill(&["model", "remove", "x"]).refused(1, "E_MODEL");
    project.skill(&["model", "list"]).ok().says("no models");
}
