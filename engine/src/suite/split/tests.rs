use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const SALT: &str = "acme/pdf-forms@suite-1";

fn known() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/evals.json")).unwrap()
}

fn cases(list: Value) -> Vec<Case> {
    Suite::from_value(list).unwrap().cases
}

fn locked(salt: &str, cases: &[Case]) -> Lock {
    let mut lock = Lock::default();
    extend(&mut lock, salt, cases).unwrap();
    lock
}

fn as_json(entries: &[Entry]) -> Value {
    serde_json::to_value(entries).unwrap()
}

#[test]
fn the_known_answers_of_h64() {
    for row in known()["h64"].as_array().unwrap() {
        let parts: Vec<&str> = row["parts"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
        assert_eq!(h64(&parts), row["out"].as_u64().unwrap(), "{parts:?}");
    }
}

#[test]
fn the_known_answers_of_the_split() {
    let known = &known()["split"];
    let mut all = known[0]["cases"].as_array().unwrap().clone();
    for case in &mut all {
        case["prompt"] = json!("p");
    }
    let mut lock = locked(SALT, &cases(json!(all)));
    assert_eq!(as_json(lock.entries()), known[0]["lock"]);
    all.extend([
        json!({"id": "20", "category": "fill", "prompt": "p"}),
        json!({"id": "21", "category": "encrypt", "prompt": "p"}),
        json!({"id": "22", "category": "fill", "group": "20", "prompt": "p"}),
    ]);
    let added = as_json(extend(&mut lock, SALT, &cases(json!(all))).unwrap());
    assert_eq!(added, known[1]["lock_tail"]);
    assert_eq!(Lock::parse(lock.text().as_bytes(), SALT).unwrap(), lock);
}

#[test]
fn a_case_that_joins_a_group_goes_where_the_group_is() {
    let case = |id: &str| json!({"id": id, "group": "g", "prompt": "p"});
    let mut lock = locked("s", &cases(json!([case("a")])));
    let split = lock.get("a").unwrap();
    let more: Vec<Value> = (0..9).map(|n| case(&n.to_string())).collect();
    let added = extend(&mut lock, "s", &cases(json!(more))).unwrap();
    assert!(added.len() == 9 && added.iter().all(|entry| entry.split == split));
    assert!(Lock::parse(lock.text().as_bytes(), "s").is_ok());
}

#[test]
fn a_deleted_case_keeps_its_line_and_its_weight() {
    let all: Vec<Value> = (0..10).map(|n| json!({"id": n, "prompt": "p"})).collect();
    let before = locked("s", &cases(json!(all)));
    let mut after = before.clone();
    assert!(extend(&mut after, "s", &cases(json!(all[3..]))).unwrap().is_empty());
    assert_eq!(after, before);
}

#[test]
fn a_lock_that_was_touched_is_refused() {
    let all: Vec<Value> = (0..20).map(|n| json!({"id": n, "category": (["a", "b"][n % 2]), "prompt": "p"})).collect();
    let text = locked("s", &cases(json!(all))).text();
    let code = |text: &str, salt: &str| Lock::parse(text.as_bytes(), salt).map(|_| ()).map_err(|fault| fault.code);
    assert_eq!(code(&text, "s"), Ok(()));
    assert_eq!(code("", "s"), Ok(()));
    let refused = |text: &str| assert_eq!(code(text, "s"), Err(codes::SPLIT_LOCK), "{text}");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for line in &lines {
        let changed =
            if line.contains("holdout") { line.replace("holdout", "train") } else { line.replace("train", "holdout") };
        refused(&text.replace(line, &changed));
        refused(&text.replace(line, &format!("{line}{line}")));
        refused(&text.replace(line, &line.replace(":\"", ": \"")));
    }
    for marker in ["<<<<<<< HEAD\n", "=======\n", ">>>>>>> other\n", "||||||| base\n"] {
        let fault = Lock::parse(format!("{text}{marker}").as_bytes(), "s").unwrap_err();
        assert_eq!(fault.detail.as_deref(), Some("line 21: a conflict marker of a merge"));
    }
    refused(text.trim_end());
    refused(&format!("{text}\n"));
    refused(&text.replacen("\"split\"", "\"x\":1,\"split\"", 1));
    refused("{}\n");
    assert_eq!(code(&text, "another salt"), Err(codes::SPLIT_LOCK));
    assert!(Lock::parse(b"\xff\n", "s").is_err());
}

#[test]
fn a_group_of_two_categories_has_no_split() {
    let all = cases(
        json!([{"id": 1, "group": "g", "category": "a", "prompt": ""}, {"id": 2, "group": "g", "category": "b", "prompt": ""}]),
    );
    assert_eq!(extend(&mut Lock::default(), "s", &all).unwrap_err().code, codes::SPLIT_LOCK);
    let twice = cases(json!([{"id": 1, "prompt": ""}, {"id": "1", "prompt": ""}]));
    assert_eq!(extend(&mut Lock::default(), "s", &twice).unwrap_err().code, codes::SPLIT_LOCK);
}

#[test]
fn the_lock_is_written_whole_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("split.lock");
    let lock = locked("s", &cases(json!([{"id": "a\"é", "prompt": ""}])));
    lock.write(&path).unwrap();
    assert_eq!(Lock::parse(&std::fs::read(&path).unwrap(), "s").unwrap(), lock);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(lock.write(&folder.path().join("none/split.lock")).unwrap_err().code, codes::IO);
}

/// Cases with a category and a group that belongs to it.
fn suite() -> impl Strategy<Value = Vec<(u8, u8)>> {
    prop::collection::vec((0_u8..4, 0_u8..12), 0..60)
}

fn made(spec: &[(u8, u8)]) -> Vec<Case> {
    let list: Vec<Value> = spec
        .iter()
        .enumerate()
        .map(|(n, (category, group))| {
            json!({"id": n, "category": format!("c{category}"), "group": format!("{category}/{group}"), "prompt": ""})
        })
        .collect();
    cases(json!(list))
}

proptest! {
    #[test]
    fn a_locked_case_never_moves(spec in suite(), cut in any::<prop::sample::Index>(), salt in "[a-z]{0,4}") {
        let all = made(&spec);
        let cut = if all.is_empty() { 0 } else { cut.index(all.len()) };
        let first = locked(&salt, &all[..cut]);
        let mut second = first.clone();
        extend(&mut second, &salt, &all).unwrap();
        prop_assert_eq!(&second.entries()[..cut], first.entries());
        prop_assert_eq!(second.entries().len(), all.len());
        prop_assert_eq!(&Lock::parse(second.text().as_bytes(), &salt).unwrap(), &second);
    }

    #[test]
    fn the_split_does_not_depend_on_the_order_of_the_file(spec in suite(), salt in "[a-z]{0,4}") {
        let mut all = made(&spec);
        let forward = locked(&salt, &all);
        all.reverse();
        let backward = locked(&salt, &all);
        for entry in forward.entries() {
            prop_assert_eq!(backward.get(&entry.id), Some(entry.split));
        }
    }

    #[test]
    fn every_category_is_within_one_group_of_two_fifths(sizes in prop::collection::vec(1_usize..5, 1..20), salt in "[a-z]{0,4}") {
        let list: Vec<Value> = sizes.iter().enumerate()
            .flat_map(|(group, size)| (0..*size).map(move |n| json!({"id": format!("{group}.{n}"), "group": group, "prompt": ""})))
            .collect();
        let lock = locked(&salt, &cases(json!(list)));
        let held = lock.entries().iter().filter(|entry| entry.split == Split::Holdout).count();
        let largest = sizes.iter().max().unwrap();
        // The phase adds up to one virtual case on either side.
        prop_assert!((5 * held).abs_diff(2 * lock.entries().len()) <= 5 * (largest + 1), "{held} of {}", lock.entries().len());
    }
}
