//! Tokens: what they allow, and their end.

use skill_tests::World;

#[test]
fn a_token_can_be_made_listed_and_revoked() {
    let world = World::start();
    let ada = world.owner("ada");
    let made = ada.skill(&["token", "new", "ci", "--scope", "publish:update", "--json"]).ok().json();
    let (text, id) = (made["token"].as_str().expect("its text"), made["id"].as_str().expect("its id"));
    assert!(text.starts_with("skl_"));
    ada.skill(&["token", "ls"]).ok().says("ci").does_not_say(text);
    let robot = world.reader("robot").into_person().with("SKILL_TOKEN", text);
    robot.skill(&["whoami"]).ok().says("ada");
    ada.skill(&["token", "revoke", id]).refused(2, "E_NEEDS_INPUT").says("--yes");
    ada.skill(&["token", "revoke", id, "--yes"]).ok();
    robot.skill(&["whoami"]).refused(4, "E_TOKEN_INVALID");
}

#[test]
fn a_token_allows_only_what_it_says() {
    let world = World::start();
    let ada = world.owner("ada");
    let made = ada.skill(&["token", "new", "ci", "--scope", "yank", "--json"]).ok().json();
    let file = world.place("tokens").join("ci");
    std::fs::write(&file, made["token"].as_str().expect("its text")).expect("a file");
    let skill = ada.writes("notes", "1.0.0");
    let path = file.to_string_lossy().into_owned();
    ada.skill(&["publish", "--token-file", &path, &skill.path()]).refused(4, "E_TOKEN_SCOPE").says("publish:new");
}
