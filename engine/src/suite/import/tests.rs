use std::fs;

use super::*;

fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    home
}

#[test]
fn a_suite_of_another_skill_comes_with_its_files_and_without_its_lock() {
    let home = home(&[
        (
            "s/evals/evals.json",
            r#"{"evals":[{"id":1,"prompt":"p","files":["evals/files/a.txt","assets/a.txt","none.txt"]}],"kept":1}"#,
        ),
        ("s/evals/split.lock", "not a lock"),
        ("s/evals/files/a.txt", "inside"),
        ("s/evals/checks/c.py", ""),
        ("s/assets/a.txt", "outside"),
    ]);
    let imported = import(&home.path().join("s")).unwrap();
    let paths: Vec<_> = imported.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["checks/c.py", "files/a.txt", "files/2-a.txt"]);
    assert_eq!(imported.suite.cases[0].raw["files"], json!(["evals/files/a.txt", "evals/files/2-a.txt", "none.txt"]));
    assert_eq!(imported.suite.document["kept"], 1);
    assert!(imported.notes.len() == 1 && imported.notes[0].contains("none.txt"), "{:?}", imported.notes);
}

#[test]
fn a_list_of_queries_becomes_an_object_with_ids() {
    let home = home(&[("queries.json", r#"[{"query":"a","should_trigger":true}]"#)]);
    let imported = import(&home.path().join("queries.json")).unwrap();
    assert_eq!(imported.suite.to_value()["evals"][0]["id"], json!(imported.suite.cases[0].id));
    assert!(imported.files.is_empty());
}

#[test]
fn the_newest_iteration_of_a_workspace_counts() {
    let case =
        |text: &str| format!(r#"{{"eval_id": 3, "eval_name": "n", "prompt": "{text}", "assertions": ["It is so"]}}"#);
    let home = home(&[
        ("w-workspace/iteration-2/eval-3/eval_metadata.json", &case("old")),
        ("w-workspace/iteration-10/eval-3/eval_metadata.json", &case("new")),
        (
            "w-workspace/iteration-10/eval-4/eval_metadata.json",
            r#"{"eval_id": "x", "prompt": "other", "assertions": []}"#,
        ),
        ("w-workspace/iteration-10/eval-4/with_skill/grading.json", "{}"),
    ]);
    let suite = import(&home.path().join("w-workspace")).unwrap().suite;
    assert_eq!(suite.skill_name, "w");
    let found: Vec<_> =
        suite.cases.iter().map(|case| (case.id.as_str(), case.raw["prompt"].as_str().unwrap())).collect();
    assert_eq!(found, [("3", "new"), ("x", "other")]);
    assert_eq!((suite.cases[0].name.as_str(), &suite.cases[0].raw["assertions"]), ("n", &json!(["It is so"])));
}

#[test]
fn where_there_is_nothing_to_import_it_says_so() {
    let home = home(&[("a/b.txt", ""), ("bad/x/eval_metadata.json", "{")]);
    assert_eq!(import(&home.path().join("a")).unwrap_err().code, codes::NO_SUITE);
    assert_eq!(import(&home.path().join("none")).unwrap_err().code, codes::NO_SUITE);
    assert_eq!(import(&home.path().join("bad")).unwrap_err().code, codes::SUITE);
    assert_eq!(import(&home.path().join("a/b.txt")).unwrap_err().code, codes::SUITE);
}

#[test]
fn cases_are_added_once_and_under_ids_of_their_own() {
    let mut suite = Suite::from_value(json!({"evals": [{"id": 1, "prompt": "a"}]})).unwrap();
    let other =
        Suite::from_value(json!([{"id": "1", "prompt": "a"}, {"id": "1", "prompt": "b"}, {"prompt": "c"}])).unwrap();
    let added = suite.absorb(&other).unwrap();
    assert_eq!(added, ["1-2".to_owned(), other.cases[2].id.clone()]);
    assert_eq!(suite.cases.len(), 3);
    assert!(suite.absorb(&suite.clone()).unwrap().is_empty());
    assert_eq!(suite.cases[2].raw["id"], json!(added[1]));
}
