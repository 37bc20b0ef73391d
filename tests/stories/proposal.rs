//! What becomes of a proposal.

use skill_tests::{Owner, Person, World};

/// A fork of `ada/notes` in which a line is changed, and proposed.
fn proposes(person: &Person, title: &str) {
    person.skill(&["fork", "ada/notes", title, "--as", &format!("{}/notes", person.name)]).ok();
    std::fs::write(person.home.join(title).join("references/detail.md"), format!("# Detail\n\n{title}.\n"))
        .expect("written");
    person.skill(&["propose", title, "--title", title, "--message", "Because."]).ok();
}

fn world() -> (World, Owner) {
    let world = World::start();
    let ada = world.owner("ada");
    let _ = ada.publishes("notes", "1.0.0");
    (world, ada)
}

#[test]
fn an_owner_accepts_and_exactly_what_was_proposed_is_published_and_logged() {
    let (world, ada) = world();
    let (bob, eve) = (world.owner("bob"), world.owner("eve"));
    proposes(&bob, "shorter");
    proposes(&eve, "longer");
    let listed = ada.skill(&["proposal", "list"]).ok();
    insta::assert_snapshot!(listed.redacted(&world.redactions()));
    let shown = ada.skill(&["proposal", "show", "1"]).ok();
    insta::assert_snapshot!(shown.redacted(&world.redactions()));
    bob.skill(&["proposal", "accept", "1"]).refused(4, "E_NOT_OWNER");
    let accepted = ada.skill(&["proposal", "accept", "1"]).ok();
    insta::assert_snapshot!(accepted.redacted(&world.redactions()));

    let tree = ada.skill(&["proposal", "show", "1", "--json"]).ok().json();
    let index = world.registry.get("/index/ada/notes").text();
    let line = index.lines().last().expect("a line");
    assert!(line.contains("\"vers\":\"1.0.1\"") && line.contains("\"parent\":\"ada/notes@1.0.0\""), "{line}");
    assert!(line.contains(tree["tree"].as_str().expect("a digest")), "{line}");
    assert_eq!(tree["state"], "accepted");
    let rob = world.reader("rob");
    let site = rob.project("site");
    site.skill(&["install", "ada/notes"]).ok();
    assert!(site.read(".agents/skills/notes/references/detail.md").contains("shorter"));

    // The other one is stale now: its author merges and proposes again.
    ada.skill(&["proposal", "accept", "2"]).refused(5, "E_HEAD_MOVED").says("pull-upstream");
    ada.skill(&["proposal", "show", "2"]).ok().says("not the latest");
    ada.skill(&["proposal", "accept", "1"]).refused(5, "E_PROPOSAL_CLOSED");
    eve.skill(&["pull-upstream", "longer"]).refused(5, "E_CONFLICTS");
    std::fs::write(eve.home.join("longer/references/detail.md"), "# Detail\n\nboth.\n").expect("written");
    eve.skill(&["proposal", "withdraw", "2"]).ok();
    eve.skill(&["propose", "longer", "--title", "Both"]).ok().says("proposal 3");
    let accepted = ada.skill(&["proposal", "accept", "3", "--json"]).ok().json();
    assert_eq!((&accepted["schema"], &accepted["version"]), (&"skill.proposal.accept/1".into(), &"1.0.2".into()));
    rob.skill(&["info", "ada/notes", "--versions"]).ok().says("1.0.2");
}

#[test]
fn a_proposal_is_rejected_by_an_owner_and_withdrawn_by_its_author_only() {
    let (world, ada) = world();
    let (bob, eve) = (world.owner("bob"), world.stranger("eve"));
    proposes(&bob, "shorter");
    proposes(&eve, "longer");
    bob.skill(&["proposal", "reject", "2"]).refused(4, "E_NOT_OWNER");
    ada.skill(&["proposal", "withdraw", "1"]).refused(4, "E_NOT_AUTHOR");
    ada.skill(&["proposal", "reject", "1", "--note", "too short"]).ok();
    bob.skill(&["proposal", "show", "1"]).ok().says("rejected by ada: too short");
    bob.skill(&["proposal", "withdraw", "1"]).refused(5, "E_PROPOSAL_CLOSED");
    eve.skill(&["proposal", "withdraw", "2"]).ok();
    ada.skill(&["proposal", "accept", "2"]).refused(5, "E_PROPOSAL_CLOSED");
    ada.skill(&["proposal", "list", "ada/notes"]).ok().does_not_say("shorter");
    let all = ada.skill(&["proposal", "list", "--state", "all", "--json"]).ok().json();
    assert_eq!(all["items"].as_array().map(Vec::len), Some(2));
    ada.skill(&["proposal", "show", "9"]).refused(3, "E_NOT_FOUND");
    let left = world.registry.data().join("proposals/blobs");
    assert!(skill_tests::run::contents(&left).is_empty(), "no archive is kept of what has ended");
}

#[test]
fn nothing_is_called_accepted_that_is_not_published() {
    let (world, ada) = world();
    proposes(&world.owner("bob"), "shorter");
    let token = world.registry.admin(&["token", "new", "--user", "ada", "--permission", "publish:update"]).ok().stdout;
    let bearer = format!("Bearer {}", token.trim());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let path = "/api/skill/v1/proposals/1/state";
    let answer = skill_tests::http::send(world.registry.address(), "PUT", path, &headers, b"{\"state\":\"accepted\"}");
    assert_eq!((answer.status, answer.json()["code"].as_str()), (404, Some("E_NO_VERSION")));
    let mut other = ada.writes("notes", "1.0.1");
    other.version("1.0.1").body("Something else.");
    ada.publish(&other).ok();
    let answer = skill_tests::http::send(world.registry.address(), "PUT", path, &headers, b"{\"state\":\"accepted\"}");
    assert_eq!(answer.json()["code"], "E_MISMATCH");
    let answer = skill_tests::http::send(world.registry.address(), "PUT", path, &headers, b"{\"state\":\"open\"}");
    assert_eq!(answer.json()["code"], "E_BAD_REQUEST");
}
