//! Known answers, round trips and hostile records.

use proptest::prelude::*;
use serde_json::{Value, json};
use skill_schema::Digest;

use super::{
    sample::{cases, of, record, run},
    *,
};
use crate::run::{Arm, CheckResult, Status};

/// A change to a record's JSON that must be refused, and a word of the reason.
type Change = (&'static str, fn(&mut Value), &'static str);

fn bytes_of(value: &Value) -> Vec<u8> {
    jcs::to_vec(value).unwrap()
}

#[test]
fn the_known_answer_of_the_gate_is_computed() {
    let result = record().result;
    assert_eq!((result.cases, result.repeats, result.groups, result.dropped.len()), (20, 5, 20, 0));
    assert_eq!(result.base.as_ref().unwrap().mean_ppm, Some(510_000));
    assert_eq!(result.cand.mean_ppm, Some(690_000));
    let delta = result.delta.unwrap();
    assert_eq!((delta.mean_ppm, delta.se_ppm), (180_000, Some(52_113)));
    assert_eq!(delta.interval, Some(Interval { low_ppm: 70_926, high_ppm: 289_074 }));
    assert_eq!((delta.better, delta.worse, delta.tied), (11, 2, 7));
    assert_eq!(delta.gain_ppm, Some(367_347), "0.18 / 0.49");
    assert_eq!(result.by_case[0].delta_ppm, Some(400_000));
    assert_eq!(result.statuses.ok, 200);
    let fill = &result.categories[0];
    assert_eq!((fill.category.as_str(), fill.cases), ("fill", 7));
    assert_eq!(result.base.unwrap().tokens, 400 + 200 + 95);
}

#[test]
fn a_case_with_a_missing_run_counts_in_neither_arm() {
    let mut one = record();
    let infra = one.runs.iter_mut().find(|run| run.arm == Arm::Base && run.case == "case-0").unwrap();
    (infra.status, infra.score) = (Status::Infra, None);
    one.runs.retain(|run| !(run.arm == Arm::Cand && run.case == "case-1" && run.repeat == 4));
    let result = compute(&one.runs, &one.cases);
    assert_eq!(result.dropped, ["case-0", "case-1"]);
    assert_eq!((result.cases, result.statuses.infra, result.statuses.total()), (18, 1, 199));
    assert_eq!(result.by_case[0].delta_ppm, None);
    assert_eq!(result.by_case[0].cand.as_ref().unwrap().mean_ppm, Some(400_000));
    // 51 - 4 of 90, and 69 - 2 - 3 of 90.
    assert_eq!(result.base.unwrap().mean_ppm, Some(522_222));
    assert_eq!(result.cand.mean_ppm, Some(711_111));
}

#[test]
fn without_a_baseline_there_is_a_mean_and_no_difference() {
    let mut runs = record().runs;
    runs.retain(|run| run.arm == Arm::Cand);
    let one = of(runs, cases(20), None);
    assert_eq!(one.check(), []);
    assert_eq!(one.result.base, None);
    assert_eq!(one.result.delta, None);
    assert_eq!(one.result.cand.mean_ppm, Some(690_000));
    assert!(one.result.cand.interval.is_some());
}

#[test]
fn one_case_has_a_mean_and_no_interval_and_none_has_neither() {
    let one = of(vec![run(Arm::Base, 0, 0, 0), run(Arm::Cand, 0, 0, 1_000)], cases(1), Some(Baseline::NoSkill {}));
    let delta = one.result.delta.clone().unwrap();
    assert_eq!((delta.mean_ppm, delta.se_ppm, delta.interval), (1_000_000, None, None));
    let none = of(vec![], cases(1), None);
    assert_eq!((none.result.cases, none.result.cand.mean_ppm), (0, None));
    assert_eq!(none.check(), []);
    let perfect =
        of(vec![run(Arm::Base, 0, 0, 1_000), run(Arm::Cand, 0, 0, 1_000)], cases(1), Some(Baseline::NoSkill {}));
    assert_eq!(perfect.normalised_gain(), None, "nothing was left to gain");
    assert_eq!(perfect.lift().unwrap().mean_ppm, 0);
}

#[test]
fn only_a_baseline_without_skill_gives_a_lift() {
    let mut one = record();
    assert_eq!(one.lift().unwrap().mean_ppm, 180_000);
    assert_eq!(one.normalised_gain(), Some(367_347));
    one.arms.baseline = Some(Baseline::Version { name: "acme/pdf-forms@2.2.0".to_owned(), tree: Digest::ZERO });
    assert_eq!((one.lift(), one.normalised_gain()), (None, None));
}

#[test]
fn a_record_reads_back_as_it_was_written() {
    let one = record();
    let bytes = one.to_bytes().unwrap();
    assert_eq!(Record::parse(&bytes).unwrap(), one);
    assert_eq!(one.digest().unwrap(), sha256(&bytes));
    assert_eq!(one.check(), []);
    assert_eq!(one.verify(), Ok(()));
}

#[test]
fn what_is_not_a_record_is_refused() {
    let changes: &[Change] = &[
        ("another format", |v| v["format"] = json!("skill-score/v2"), "skill-score/v1"),
        ("an unknown member", |v| v["extra"] = json!(1), "unknown field"),
        ("an unknown member of a run", |v| v["runs"][0]["extra"] = json!(1), "does not know"),
        ("an unknown member of a check", |v| v["runs"][0]["checks"][0]["x"] = json!(null), "does not know"),
        ("an unknown member of the result", |v| v["result"]["x"] = json!(1), "unknown field"),
        ("an unknown member of the baseline", |v| v["arms"]["baseline"]["x"] = json!(1), "unknown field"),
        ("a missing member", |v| drop(v.as_object_mut().unwrap().remove("verdict")), "missing field"),
        ("a score too high", |v| v["runs"][0]["score"] = json!(1_001), "1,000"),
        ("a score of a missing run", |v| v["runs"][0]["status"] = json!("infra"), "exclude each other"),
        ("a missing score", |v| v["runs"][0]["score"] = json!(null), "exclude each other"),
        ("a value above one", |v| v["runs"][0]["checks"][0]["value"] = json!([2, 1]), "between 0 and 1"),
        ("a value over nothing", |v| v["runs"][0]["checks"][0]["value"] = json!([0, 0]), "between 0 and 1"),
        ("a run twice", |v| v["runs"][1] = v["runs"][0].clone(), "twice"),
        ("a run of nothing", |v| v["runs"][0]["case"] = json!("x"), "not listed"),
        ("a case twice", |v| v["cases"][1] = v["cases"][0].clone(), "used twice"),
        ("a case without id", |v| v["cases"][0]["id"] = json!(""), "empty"),
        ("long evidence", |v| v["runs"][0]["checks"][0]["evidence"] = json!("x".repeat(1_001)), "evidence"),
        ("a long name", |v| v["skill"]["name"] = json!("x".repeat(1_001)), "bytes of a text"),
        ("a large repeat", |v| v["runs"][0]["repeat"] = json!(10_000), "repeat"),
        ("an odd decimal", |v| v["sampling"]["temperature"] = json!("0.70"), "decimal"),
        ("an unknown trust", |v| v["provenance"]["trust"] = json!("sure"), "variant"),
        ("many cases", |v| v["cases"] = json!(vec![v["cases"][0].clone(); 5_001]), "cases"),
    ];
    let good: Value = serde_json::to_value(record()).unwrap();
    assert!(Record::parse(&bytes_of(&good)).is_ok());
    for (what, change, word) in changes {
        let mut value = good.clone();
        change(&mut value);
        let fault = Record::parse(&bytes_of(&value)).expect_err(what);
        assert_eq!(fault.code, codes::RECORD, "{what}");
        assert!(fault.detail.as_deref().unwrap_or_default().contains(word), "{what}: {fault}");
    }
    for bad in [&b""[..], b"{}", b"[]", b"null", b"\xff", b"{\"format\":1.5}"] {
        assert!(Record::parse(bad).is_err());
    }
    let pretty = serde_json::to_vec_pretty(&good).unwrap();
    assert!(Record::parse(&pretty).is_err(), "only the canonical spelling is read");
}

#[test]
fn limits_hold_on_both_sides() {
    let mut one = record();
    one.runs[0].checks[0].evidence = "ü".repeat(1_000);
    assert!(Record::parse(&one.to_bytes().unwrap()).is_ok());
    one.runs[0].repeat = 9_999;
    assert!(Record::parse(&one.to_bytes().unwrap()).is_ok());
    one.runs[0].seed = (1 << 53) - 1;
    assert!(one.to_bytes().is_ok());
    one.runs[0].seed = 1 << 53;
    assert_eq!(one.to_bytes().unwrap_err().code, codes::RECORD);
}

#[test]
fn every_dishonest_number_is_found() {
    let places = |change: &dyn Fn(&mut Record)| {
        let mut one = record();
        change(&mut one);
        let places: Vec<String> = one.check().into_iter().map(|difference| difference.place).collect();
        assert_eq!(one.verify().is_err(), !places.is_empty());
        places
    };
    assert_eq!(places(&|one| one.result.cand.mean_ppm = Some(700_000)), ["result.cand.mean_ppm"]);
    assert_eq!(places(&|one| one.result.by_case[3].delta_ppm = None), ["result.by_case[3].delta_ppm"]);
    assert_eq!(places(&|one| drop(one.result.by_case.pop())), ["result.by_case"]);
    assert_eq!(places(&|one| one.score_key = Digest::ZERO), ["score_key"]);
    assert_eq!(places(&|one| one.key.harness = 1), ["score_key", "harness.version"]);
    assert_eq!(places(&|one| one.model.weights.push('x')), ["model.weights"]);
    assert_eq!(places(&|one| one.sampling.seeds.push(7)), ["sampling.seeds"]);
    assert_eq!(places(&|one| one.grader.judged_weight_ppm = 0), ["grader.judged_weight_ppm"]);
    assert_eq!(places(&|one| one.arms.baseline = None), ["arms.baseline"]);
    assert_eq!(places(&|one| one.cases[0].hash = Digest::ZERO), ["suite.split_hash"]);
    let scored = places(&|one| one.runs[0].score = Some(1_000));
    assert_eq!(scored[0], "runs[case-0 base 0].score");
    assert!(scored.contains(&"result.base.mean_ppm".to_owned()), "{scored:?}");
}

#[test]
fn the_last_digit_of_an_interval_is_not_argued_about() {
    let mut one = record();
    let interval = one.result.delta.as_mut().unwrap().interval.as_mut().unwrap();
    interval.low_ppm += 1;
    assert_eq!(one.check(), []);
    one.result.delta.as_mut().unwrap().interval.as_mut().unwrap().low_ppm += 1;
    assert_eq!(one.check().len(), 1);
    let mut mean = record();
    mean.result.delta.as_mut().unwrap().mean_ppm += 1;
    assert_eq!(mean.check().len(), 1, "a mean is exact");
}

#[test]
fn the_score_of_a_run_follows_from_its_checks() {
    let mut one = run(Arm::Cand, 0, 0, 1_000);
    let check = one.checks[0].clone();
    let mut follows = |values: &[(u32, bool, Option<[u64; 2]>)]| {
        one.checks = values
            .iter()
            .map(|(weight, required, value)| CheckResult {
                weight: *weight,
                required: *required,
                value: *value,
                ..check.clone()
            })
            .collect();
        score_of_run(&one)
    };
    let (yes, no) = (Some([1, 1]), Some([0, 1]));
    assert_eq!(follows(&[(1, false, yes), (3, false, no)]), Follows::Score(Some(250)));
    assert_eq!(follows(&[(1, false, yes), (2, false, Some([1, 2]))]), Follows::Score(Some(667)));
    assert_eq!(follows(&[(1, false, Some([1, 16]))]), Follows::Score(Some(62)), "half to even");
    assert_eq!(follows(&[(1, true, Some([1, 2])), (9, false, yes)]), Follows::Score(Some(0)));
    assert_eq!(follows(&[(0, false, no), (1, false, yes)]), Follows::Score(Some(1_000)));
    assert_eq!(follows(&[(0, false, no)]), Follows::Nothing);
    assert_eq!(follows(&[]), Follows::Nothing);
    let large = |n: u64| Some([1, u64::MAX - n]);
    assert_eq!(follows(&[(1, false, large(58)), (1, false, large(82)), (1, false, large(94))]), Follows::Nothing);
    one.status = Status::Timeout;
    assert_eq!(score_of_run(&one), Follows::Score(Some(0)));
    one.status = Status::Tainted;
    assert_eq!(score_of_run(&one), Follows::Score(None));
}

#[test]
fn the_split_hash_is_the_known_answer() {
    let facts = |id: &str, hex: &str| CaseFacts {
        id: id.to_owned(),
        category: String::new(),
        group: String::new(),
        critical: false,
        hash: hex.repeat(64 / hex.len()).parse().unwrap(),
    };
    let rows = [
        facts("7", "9f792813cdb5f81ae1366f43b635594ad9e18d676b5241b16c5085cdc1cfa415"),
        facts("10", "ab"),
        facts("2", "cd"),
    ];
    let known = "aae2da5da7fdcaabaee093b14edf795eb7f56402f165867b0133383a159fa828";
    assert_eq!(split_hash(&rows).to_string(), known);
}

#[test]
fn the_score_key_is_the_digest_of_its_parts_as_written_here() {
    let one = record();
    let text = format!(
        r#"{{"build":"b10434 fa=off kv=split batch=2048","engine":"llama.cpp","grader":"sha256-of-the-grader","grader_prompt":"{}","harness":0,"limits":{{"seconds":300,"tokens":60000,"turns":30}},"quantisation":"Q4_K_M","sampling":{{"max_tokens":4096,"temperature":"0.7","top_p":"1"}},"sandbox":"{}","split":"{}","weights":"{}"}}"#,
        sha256(b"builtin:grader@1"),
        sha256(b"no-network"),
        split_hash(&one.cases),
        "ab".repeat(32)
    );
    assert_eq!(one.score_key, sha256(text.as_bytes()));
}

#[test]
fn the_schema_describes_real_records() {
    let documents: Value =
        serde_json::from_str(include_str!("../../../client/src/commands/schema/documents.json")).unwrap();
    let mut schema = documents[FORMAT].clone();
    schema["$defs"] = documents["$defs"].clone();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let mut alone = record().runs;
    alone.retain(|run| run.arm == Arm::Cand);
    let mut missing = record();
    (missing.runs[0].status, missing.runs[0].score, missing.runs[0].checks[0].value) = (Status::Infra, None, None);
    let version = Baseline::Version { name: "acme/pdf-forms@2.2.0".to_owned(), tree: Digest::ZERO };
    for one in
        [record(), of(alone, cases(20), None), of(missing.runs, cases(20), Some(version)), of(vec![], cases(1), None)]
    {
        let value = serde_json::to_value(&one).unwrap();
        let found: Vec<String> = validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert_eq!(found, Vec::<String>::new());
    }
    let good = serde_json::to_value(record()).unwrap();
    for pointer in
        ["", "/runs/0", "/runs/0/checks/0", "/runs/0/usage", "/result", "/result/delta", "/key", "/key/sampling"]
    {
        let mut value = good.clone();
        value.pointer_mut(pointer).unwrap()["extra"] = json!(1);
        assert!(!validator.is_valid(&value), "an unknown member at {pointer:?}");
        let mut value = good.clone();
        let members = value.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        let first = members.keys().next().unwrap().clone();
        members.remove(&first);
        assert!(!validator.is_valid(&value), "{first} is missing at {pointer:?}");
    }
}

#[test]
fn records_are_comparable_only_under_one_key() {
    let (first, mut second) = (record(), record());
    let same = compare::compare(&first, &second).unwrap();
    assert_eq!((same.pairs.len(), same.delta.unwrap().mean_ppm), (20, 0));
    second.key.sampling.temperature = "0".parse().unwrap();
    "Q8_0".clone_into(&mut second.key.quantisation);
    let parts: Vec<String> = compare::compare(&first, &second).unwrap_err().into_iter().map(|part| part.part).collect();
    assert_eq!(parts, ["quantisation", "sampling.temperature"]);
}

#[test]
fn a_comparison_pairs_what_both_have() {
    let first = record();
    let mut runs = first.runs.clone();
    let last = runs.iter_mut().find(|run| run.arm == Arm::Cand && run.case == "case-0" && run.repeat == 0).unwrap();
    (last.score, last.checks[0].value, last.checks[1].value) = (Some(1_000), Some([1, 1]), Some([1, 1]));
    runs.retain(|run| run.case != "case-19" || run.repeat != 0);
    let second = of(runs, cases(20), Some(Baseline::NoSkill {}));
    let found = compare::compare(&first, &second).unwrap();
    assert_eq!(found.only_first, ["case-19"]);
    let delta = found.delta.unwrap();
    assert_eq!((found.pairs.len(), delta.better, delta.worse), (19, 1, 0));
    assert_eq!(delta.mean_ppm, 10_526, "0.2 / 19");
}

#[test]
fn a_second_run_is_compared_to_the_bit() {
    let (first, mut again) = (record(), record());
    let same = reproduce::reproduce(&first, &again);
    assert!(same.is_exact() && same.identical == 200, "{same:?}");
    assert_eq!(same.sentence(), "all 200 runs came out the same to the bit");
    again.runs[7].transcript = Digest([1; 32]);
    again.runs[9].score = Some(0);
    again.runs[3].usage.ms += 1;
    let other = reproduce::reproduce(&first, &again);
    let place = other.first.clone().unwrap();
    assert_eq!((place.case.as_str(), place.repeat, place.what.as_str()), ("case-1", 2, "transcript"));
    assert_eq!((other.identical, other.same_score, other.is_exact()), (199, 199, false));
    assert!(other.sentence().contains("first in case case-1, baseline, repeat 2: transcript"), "{}", other.sentence());
    again = record();
    let extra = again.runs.pop().unwrap();
    let short = reproduce::reproduce(&first, &again);
    assert_eq!((short.missing, short.extra, short.is_exact()), (1, 0, false));
    assert_eq!(short.first.unwrap().what, "run");
    again.runs = vec![extra];
    assert_eq!(reproduce::reproduce(&again, &first).extra, 199);
    let mut none = record();
    none.runs.iter_mut().for_each(|run| run.transcript = Digest::ZERO);
    assert!(!reproduce::reproduce(&none, &none).is_exact(), "no transcript is equal to another");
}

proptest! {
    #[test]
    fn any_scores_give_a_record_that_checks(scores in proptest::collection::vec((0_usize..6, 0_usize..4, any::<bool>(), 0_u16..=1_000), 0..60)) {
        let mut runs = Vec::new();
        for (case, repeat, base, score) in scores {
            let arm = if base { Arm::Base } else { Arm::Cand };
            let one = run(arm, case, repeat, score);
            if !runs.iter().any(|r: &crate::run::Run| (r.arm, &r.case, r.repeat) == (one.arm, &one.case, one.repeat)) {
                runs.push(one);
            }
        }
        let has_base = runs.iter().any(|run| run.arm == Arm::Base);
        let one = of(runs, cases(6), has_base.then_some(Baseline::NoSkill {}));
        let back = Record::parse(&one.to_bytes().unwrap()).unwrap();
        prop_assert_eq!(back.check(), vec![]);
        prop_assert_eq!(&back, &one);
        let mut turned = one.clone();
        turned.runs.reverse();
        prop_assert_eq!(compute(&turned.runs, &turned.cases), one.result);
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Record::parse(&bytes);
    }
}
