//! What is public of a sealed holdout, and what is not.

use super::{super::sample, *};
use crate::{gate::Policy, record::Terms};

const ATTEMPT: Digest = Digest([7; 32]);

/// A record whose names, categories and evidence cannot be mistaken.
fn record() -> Record {
    let mut record = sample::record();
    let name = |id: &str| format!("unmistakable-{id}");
    for case in &mut record.cases {
        (case.id, case.category) = (name(&case.id), "unmistakable category".to_owned());
        case.group = format!("unmistakable group {}", case.group);
    }
    for (run, n) in record.runs.iter_mut().zip(0_u64..) {
        run.case = name(&run.case);
        run.usage.prompt_tokens = 100 + n;
        for check in &mut run.checks {
            (check.id, check.evidence) = (name(&check.id), "unmistakable evidence".to_owned());
        }
    }
    record.result = compute(&record.runs, &record.cases);
    record.suite.split_hash = super::super::split_hash(&record.cases);
    record
}

#[test]
fn a_redacted_record_tells_nothing_and_has_the_same_verdict() {
    let record = record();
    let redacted = Opaque::new(&record.cases, &ATTEMPT).redact(&record, Trust::Verified).unwrap();
    let text = String::from_utf8(redacted.to_bytes().unwrap()).unwrap();
    assert!(!text.contains("unmistakable"), "{text}");
    assert!(record.cases.iter().all(|case| !text.contains(&case.hash.to_string())));
    assert!(redacted.runs.iter().all(|run| record.runs.iter().all(|other| other.seed != run.seed)));
    assert_eq!(check_redacted(&redacted), Ok(()));
    let terms = Terms::first(Policy::Standard);
    let numbers = |record: &Record| {
        let verdict = record.judge(&terms).unwrap();
        (verdict.outcome, verdict.n, verdict.k, verdict.numbers.map(|numbers| numbers.p_run))
    };
    assert_eq!(numbers(&redacted), numbers(&record));
    let tokens = |record: &Record| record.runs.iter().map(|run| run.usage.prompt_tokens).sum::<u64>();
    assert_eq!(tokens(&redacted), tokens(&record));
}

#[test]
fn nobody_can_tell_which_case_of_one_attempt_is_which_of_another() {
    let record = record();
    let [one, two] = [ATTEMPT, Digest([8; 32])]
        .map(|attempt| Opaque::new(&record.cases, &attempt).redact(&record, Trust::Verified).unwrap());
    assert!(
        one.cases.iter().all(|case| two.cases.iter().all(|other| (&case.id, case.hash) != (&other.id, other.hash)))
    );
    assert!(one.runs.iter().all(|run| two.runs.iter().all(|other| run.seed != other.seed)));
}

#[test]
fn a_result_is_reproduced_within_the_joint_interval_and_in_exact_mode_to_the_point() {
    let mut first = record();
    assert!(reproduces(&first, &first.clone()));
    let mut worse = first.clone();
    for run in worse.runs.iter_mut().filter(|run| run.arm == Arm::Cand) {
        run.score = Some(0);
    }
    worse.result = compute(&worse.runs, &worse.cases);
    assert!(!reproduces(&first, &worse));
    let mut other = first.clone();
    other.score_key = Digest([1; 32]);
    assert!(!reproduces(&first, &other));
    let mut near = first.clone();
    let score = near.runs[0].score.unwrap();
    near.runs[0].score = Some(if score > 0 { score - 1 } else { 1 });
    near.result = compute(&near.runs, &near.cases);
    (first.engine.mode, near.engine.mode) = (Mode::Throughput, Mode::Throughput);
    assert!(reproduces(&first, &near));
    (first.engine.mode, near.engine.mode) = (Mode::Exact, Mode::Exact);
    assert!(!reproduces(&first, &near));
}

#[test]
fn what_still_tells_something_is_noticed() {
    let record = record();
    let redacted = Opaque::new(&record.cases, &ATTEMPT).redact(&record, Trust::Verified).unwrap();
    let wrong: [fn(&mut Record); 6] = [
        |record| record.suite.sealed = false,
        |record| record.cases[0].id = "case-0123456789abcdeg".to_owned(),
        |record| record.cases[0].group = "group-".to_owned(),
        |record| record.cases[0].category = "sql".to_owned(),
        |record| record.runs[0].checks[0].evidence = "x".to_owned(),
        |record| record.runs[0].checks[0].kind = "contains".to_owned(),
    ];
    for change in wrong {
        let mut record = redacted.clone();
        change(&mut record);
        assert_eq!(check_redacted(&record).unwrap_err().code, codes::REDACTED);
    }
}

#[test]
fn other_cases_other_seeds_and_fewer_runs_are_noticed() {
    let mut record = record();
    let salt = salt_of("salt", Some(&ATTEMPT));
    for run in &mut record.runs {
        run.seed = seed(&salt, &run.case, run.repeat);
    }
    let opaque = Opaque::new(&record.cases, &ATTEMPT);
    let redacted = opaque.redact(&record, Trust::Verified).unwrap();
    assert_eq!(opaque.check(&redacted, "salt"), Ok(()));
    assert_eq!(opaque.check(&redacted, "pepper").unwrap_err().code, codes::RECORD_RUNS);
    let other = Opaque::new(&record.cases, &Digest([8; 32]));
    assert_eq!(other.check(&redacted, "salt").unwrap_err().code, codes::SUITE_DIGEST);
    let mut fewer = redacted.clone();
    fewer.runs.pop();
    assert_eq!(opaque.check(&fewer, "salt").unwrap_err().code, codes::RECORD_RUNS);
}
