//! The cache.

use skill_tests::World;

#[test]
fn a_cleaned_cache_costs_a_download_and_nothing_else() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).ok();
    let before = project.contents();
    project.skill(&["cache", "dir"]).ok().says(".cache/skill");
    project.skill(&["cache", "verify"]).ok();
    project.skill(&["cache", "clean"]).ok();
    project.skill(&["verify"]).ok();
    project.skill(&["install", "ada/notes"]).ok();
    assert_eq!(project.contents(), before);
}
