//! JSON Schemas of what commands print.

use serde_json::json;
use skill_tests::{Outcome, Person, World, measured, model::Model, schemas};

#[test]
fn outputs_are_what_their_schemas_say() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let skill = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    for line in [
        "search notes",
        "search noets",
        "leaderboard",
        "tried ada/notes",
        "info ada/notes",
        "info ada/notes --files",
        "info ada/note",
        "diff ada/notes ada/notes",
        "lineage ada/notes",
        "fork ada/notes forked --as rob",
        "pull-upstream forked",
        "init --dry-run",
        "add ada/notes",
        "install",
        "sync",
        "update",
        "list",
        "status",
        "outdated",
        "tree",
        "why ada/notes",
        "verify",
        "lock",
        "remove ada/notes -y",
        "new x/draft",
        "check draft",
        "pack draft --dry-run",
        "suite new draft",
        "suite check draft",
        "suite review draft",
        "suite split draft",
        "suite pack draft --dry-run",
        "suite import draft/evals/evals.json --into draft --dry-run",
        "-C draft version minor --dry-run",
        "diff path:draft ada/notes",
        "version",
        "explain E_DIGEST",
        "explain name.format",
        "explain --list",
        "explain E_NONSENSE",
        "help",
        "help key",
        "help files",
        "man --dir man --dry-run",
    ] {
        let mut words: Vec<&str> = line.split(' ').collect();
        words.push("--json");
        says_what_it_is(&project.skill(&words));
    }
    says_what_it_is(&rob.skill(&["check", &skill.path(), "--json"]));
    project.write("bad/SKILL.md", "---\nname: other\n---\n");
    says_what_it_is(&project.skill(&["check", "bad", "--json"]));
}

/// Fails unless an output names its schema and is what that says.
#[track_caller]
fn says_what_it_is(outcome: &Outcome) {
    assert!(outcome.json()["schema"].is_string(), "{outcome}");
}

#[test]
fn outputs_about_this_machine_are_what_their_schemas_say() {
    let world = World::start();
    let (ada, rob) = (world.owner("ada"), world.reader("rob"));
    let _ = ada.publishes("notes", "1.0.0");
    let project = rob.project("site");
    project.skill(&["add", "ada/notes"]).ok();
    for line in [
        "schema",
        "config list",
        "config list --all",
        "config list --agents",
        "config path",
        "config set jobs 3",
        "config get jobs",
        "config unset jobs",
        "cache dir",
        "cache ls",
        "cache verify",
        "cache gc --dry-run",
        "cache clean --dry-run",
        "doctor",
        "model list",
        "key new k --dry-run",
        "key new k --no-passphrase",
        "key ls",
        "key export k",
        "registry ls",
        "registry ping",
        "bundle export --output all.json",
        "bundle verify all.json",
        "use ada/notes",
        "eval plan --cases 20 -k 5",
    ] {
        let words: Vec<&str> = line.split(' ').chain(["--json"]).collect();
        says_what_it_is(&project.skill(&words).ok());
    }
    let shop = ada.project("shop");
    for line in [
        "whoami",
        "token ls",
        "owner ls ada",
        "key ls ada",
        "token new t --permission yank --dry-run",
        "logout --dry-run",
    ] {
        let words: Vec<&str> = line.split(' ').chain(["--json"]).collect();
        says_what_it_is(&shop.skill(&words).ok());
    }
}

#[test]
fn results_of_evals_are_what_their_schemas_say() {
    let nina = Person::alone("nina");
    let project = nina.project("p");
    measured::write(&project, 8);
    let model = Model::obedient();
    let spec = model.spec();
    let folder = measured::measure(&project, &model, &["-k", "1"]);
    project.write("scores.json", "{\"base\":[[0]],\"cand\":[[1000]]}");
    for line in [
        "eval shout -k 1 --model MODEL",
        "eval shout -k 1 --model MODEL --gate standard",
        "eval shout -k 1 --model MODEL --alone",
        "eval shout -k 1 --model MODEL --max-runs 1 --fresh",
        "eval verdict scores.json",
        "report RECORD",
        "report RECORD --html out.html",
        "compare RECORD RECORD",
        "reproduce RECORD --skill shout --model MODEL",
        "benchmark shout -k 1 --model MODEL",
    ] {
        let word = |word| match word {
            "MODEL" => spec.as_str(),
            "RECORD" => folder.as_str(),
            other => other,
        };
        let words: Vec<&str> = line.split(' ').map(word).chain(["--json"]).collect();
        let outcome = project.skill(&words);
        // A refusal after the result is a second document.
        for document in outcome.stdout.lines() {
            let document = serde_json::from_str(document).unwrap_or_else(|e| panic!("{line}: {e}\n{outcome}"));
            assert_eq!(schemas::problems(&document), [] as [String; 0], "{line}");
        }
        assert!(!outcome.stdout.is_empty(), "{outcome}");
    }
}

#[test]
fn a_document_that_does_not_fit_is_noticed() {
    let problems = |document| schemas::problems(&document).len();
    let good = json!({"schema": "skill.cache.dir/1", "cache": "/c", "store": "/s"});
    assert_eq!(problems(good), 0);
    for bad in [
        json!({"schema": "skill.cache.dir/1", "cache": "/c"}),
        json!({"schema": "skill.cache.dir/1", "cache": "/c", "store": 1}),
        json!({"schema": "skill.cache.dir/1", "cache": "/c", "store": "/s", "more": 1}),
        json!({"schema": "skill.nonsense/1"}),
    ] {
        assert_eq!(problems(bad), 1);
    }
}
