//! The registry's log, as people meet it.

use skill_bundle::{
    log::{checkpoint::Policy, merkle::leaf_hash, proof::Proof},
    note::VerifierKey,
};
use skill_tests::World;

#[test]
fn what_is_published_is_in_the_log_and_its_proof_is_kept() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    rob.project("site").skill(&["install", "ada/notes"]).ok();
    let key: VerifierKey = world.registry.admin(&["key", "show"]).ok().stdout.trim().parse().expect("a key");
    let index = world.registry.get("/index/ada/notes").text();
    let line: serde_json::Value = serde_json::from_str(index.lines().nth(1).expect("a version")).expect("JSON");
    let envelope = world.registry.get(&format!("/blob/sha256/{}", line["stmt"].as_str().expect("a digest"))).body;
    let leaf = leaf_hash(&envelope);
    for person in [&*ada, &*rob] {
        let logs = person.home.join(".local/share/skill/logs");
        let log = std::fs::read_dir(&logs).expect("a folder").next().expect("a log").expect("an entry").path();
        let kept = std::fs::read(log.join("proofs").join(format!("{leaf}.tlog-proof"))).expect("a proof");
        let proof = Proof::parse(&kept).expect("a proof");
        proof.verify(&leaf, &Policy::of_log(key.clone())).expect("it holds");
        assert_eq!(Some(proof.index), line["log"].as_u64());
    }
}

#[test]
fn a_proof_that_was_lost_or_damaged_is_fetched_again() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.skill(&["install", "ada/notes"]).ok();
    let proofs = || -> Vec<std::path::PathBuf> {
        let logs = rob.home.join(".local/share/skill/logs");
        let log = std::fs::read_dir(&logs).expect("a folder").next().expect("a log").expect("an entry").path();
        std::fs::read_dir(log.join("proofs")).expect("proofs").map(|e| e.expect("an entry").path()).collect()
    };
    project.skill(&["verify", "--strict"]).ok();
    for file in proofs() {
        std::fs::write(file, "nonsense").expect("written");
    }
    project.skill(&["verify", "--strict"]).refused(6, "E_VERIFY_FAILED");
    project.skill(&["sync"]).ok();
    project.skill(&["verify", "--strict"]).ok();
    for file in proofs() {
        std::fs::remove_file(file).expect("removed");
    }
    project.skill(&["sync"]).ok();
    project.skill(&["verify", "--strict", "--offline"]).ok();
}

#[test]
fn a_registry_that_answers_without_a_proof_is_not_believed() {
    let (world, proxy) = World::behind_proxy();
    let ada = world.owner("ada");
    proxy.edit(|path, answer| {
        if path.ends_with("/1.0.0") && answer.status == 201 {
            let mut body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
            body["proof"] = serde_json::Value::Null;
            answer.body = body.to_string().into_bytes();
        }
    });
    let skill = ada.writes("notes", "1.0.0");
    ada.publish(&skill).refused(6, "E_PROOF");
}
