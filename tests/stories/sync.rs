//! Making folders match the lock file.

use skill_tests::World;

#[test]
fn a_missing_folder_comes_back_without_a_network() {
    let mut world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).ok();
    let before = project.contents();
    world.registry.stop();
    std::fs::remove_file(project.path(".agents/skills/notes")).expect("a link");
    project.skill(&["sync", "--check"]).refused(5, "E_DRIFT");
    project.skill(&["sync", "--offline"]).ok();
    project.skill(&["sync", "--check", "--offline"]).ok();
    assert_eq!(project.contents(), before);
}

#[test]
fn a_colleague_gets_the_same_files_from_the_lock_file() {
    let world = World::start();
    let (ada, rob, kim) = (world.owner("ada"), world.reader("rob"), world.reader("kim"));
    let _ = ada.publishes("notes", "1.0.0");
    let hers = rob.project("site");
    hers.write("skills.toml", "[skills]\n\"ada/notes\" = \"^1\"\n");
    hers.skill(&["install"]).ok();
    let _ = ada.publishes("notes", "1.1.0");
    let his = kim.project("site");
    his.write("skills.toml", &hers.read("skills.toml"));
    his.write("skills.lock", &hers.read("skills.lock"));
    his.skill(&["sync"]).ok();
    assert_eq!(his.installed(".agents/skills", "notes"), hers.installed(".agents/skills", "notes"));
    assert_eq!(his.read("skills.lock"), hers.read("skills.lock"));
}
