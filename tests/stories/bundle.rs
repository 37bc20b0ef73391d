//! Skills carried to a machine without a network, with their proofs.

use skill_tests::{Person, World};

/// Changes one thing in a file.
type Spoil = fn(&mut serde_json::Value);

/// The registry's key.
fn key(world: &World) -> String {
    world.registry.admin(&["key", "show"]).ok().stdout.trim().to_owned()
}

/// A machine that knows the registry's key, and will never reach it.
fn island(world: &World, name: &str) -> Person {
    let person = world.newcomer(name);
    let add = ["registry", "add", "main", "http://127.0.0.1:9", "--key", &key(world), "--default", "--offline"];
    person.skill(&add).ok();
    person
}

#[test]
fn an_exported_file_installs_with_proof_without_a_network() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let _ = ada.publishes("tools", "2.0.0");
    let here = rob.project("site");
    here.skill(&["add", "ada/notes", "ada/tools"]).ok();
    here.skill(&["bundle", "export", "-o", "skills.json"]).ok().says("2 skills");
    here.skill(&["bundle", "export", "-o", "skills.json"]).refused(5, "E_EXISTS");
    here.skill(&["bundle", "verify", "skills.json"]).ok().says("later yanks not visible");
    let file = here.path("skills.json").to_string_lossy().into_owned();
    let kim = island(&world, "kim");
    let there = kim.project("site");
    for name in ["skills.toml", "skills.lock"] {
        there.write(name, &here.read(name));
    }
    there.skill(&["sync", "--offline"]).refused(7, "E_OFFLINE");
    there.skill(&["bundle", "import", &file, "--dry-run"]).ok();
    there.skill(&["sync", "--offline"]).refused(7, "E_OFFLINE");
    there.skill(&["bundle", "import", &file]).ok().says("Imported").says("later yanks not visible");
    there.skill(&["bundle", "import", &file]).ok();
    there.skill(&["sync", "--offline"]).ok();
    assert_eq!(there.installed(".agents/skills", "notes"), here.installed(".agents/skills", "notes"));
    there.skill(&["verify", "--strict", "--offline"]).ok();
    // Without a lock too: what the file knows is resolved.
    let other = kim.project("other").skill(&["install", "ada/tools", "--offline"]).ok();
    other.says("later yanks not visible");
}

#[test]
fn a_newer_file_goes_on_from_an_older_one_and_the_next_contact_compares_both() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let here = rob.project("site");
    here.skill(&["add", "ada/notes"]).ok();
    here.skill(&["bundle", "export", "-o", "one.json"]).ok();
    let _ = ada.publishes("notes", "1.1.0");
    here.skill(&["update"]).ok();
    here.skill(&["bundle", "export", "-o", "two.json"]).ok();
    let kim = island(&world, "kim");
    let path = |name: &str| here.path(name).to_string_lossy().into_owned();
    for name in ["one.json", "two.json", "one.json"] {
        kim.skill(&["bundle", "import", &path(name)]).ok();
    }
    let there = kim.project("site");
    there.skill(&["install", "ada/notes", "--offline"]).ok();
    assert!(there.read("skills.lock").contains("version = \"1.1.0\""));
    kim.skill(&["registry", "remove", "main", "--yes"]).ok();
    kim.skill(&["registry", "add", "main", &world.url(), "--key", &key(&world), "--default"]).ok();
    kim.project("online").skill(&["install", "ada/notes"]).ok();
}

#[test]
fn a_file_that_was_changed_anywhere_is_refused() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let here = rob.project("site");
    here.skill(&["add", "ada/notes"]).ok();
    here.skill(&["bundle", "export", "-o", "skills.json"]).ok();
    let kim = island(&world, "kim");
    let good: serde_json::Value = serde_json::from_str(&here.read("skills.json")).expect("JSON");
    let spoil: [(&str, Spoil); 8] = [
        ("checkpoint", |file| file["checkpoint"] = "a\n1\nb\n".into()),
        ("archive", |file| {
            let all = file["archives"].as_object_mut().expect("archives");
            all.values_mut().for_each(|text| *text = "AAAA".into());
        }),
        ("index", |file| {
            let text =
                file["indexes"]["ada/notes"].as_str().expect("text").replace("\"st\":\"ok\"", "\"st\":\"yanked\"");
            file["indexes"]["ada/notes"] = text.into();
        }),
        ("log", |file| file["chains"]["ada"][1]["log"] = 1.into()),
        ("envelope", |file| {
            let text =
                file["chains"]["ada"][1]["envelope"].as_str().expect("text").replacen("sig\":\"A", "sig\":\"B", 1);
            file["chains"]["ada"][1]["envelope"] = text.replacen("sig\":\"", "sig\":\"A", 1).into();
        }),
        ("chain", |file| drop(file["chains"]["ada"].as_array_mut().expect("a chain").pop())),
        ("proofs", |file| file["proofs"] = serde_json::json!({})),
        ("origin", |file| file["origin"] = "other/log".into()),
    ];
    for (what, spoil) in spoil {
        let mut bad = good.clone();
        spoil(&mut bad);
        let project = kim.project(what);
        project.write("bad.json", &bad.to_string());
        for command in ["verify", "import"] {
            let outcome = project.skill(&["bundle", command, "bad.json"]);
            assert!(matches!(outcome.status, 3 | 6), "{what}: {outcome}");
            assert!(outcome.stderr.contains("error[E_"), "{what}: {outcome}");
        }
    }
    let store = kim.store();
    assert!(!store.exists() || skill_tests::run::contents(&store).is_empty(), "nothing reached the store");
    let other = world.newcomer("lea");
    let file = here.path("skills.json").to_string_lossy().into_owned();
    other.skill(&["bundle", "verify", &file]).refused(3, "E_REGISTRY_UNKNOWN");
    other.skill(&["bundle", "verify", &file, "--key", &key(&world)]).ok();
}
