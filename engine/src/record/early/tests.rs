use proptest::prelude::*;

use super::*;
use crate::{
    gate::Policy,
    record::{Baseline, sample},
    run::Status,
};

/// Cases of which none is critical.
fn facts(n: usize) -> Vec<CaseFacts> {
    sample::cases(n).into_iter().map(|case| CaseFacts { critical: false, ..case }).collect()
}

/// All runs in the order of a schedule: for each repeat all cases, both arms.
fn runs(table: &[[Vec<u16>; 2]]) -> Vec<Run> {
    let repeats = table[0][0].len();
    let of = |repeat: usize, (case, [base, cand]): (usize, &[Vec<u16>; 2])| {
        [(Arm::Base, base), (Arm::Cand, cand)].map(|(arm, scores)| sample::run(arm, case, repeat, scores[repeat]))
    };
    (0..repeats).flat_map(|repeat| table.iter().enumerate().flat_map(move |case| of(repeat, case))).collect()
}

/// What the gate says once everything is there; with tokens that would be too many for a small gain.
fn whole(early: &Early<'_>, table: &[[Vec<u16>; 2]]) -> Outcome {
    let cases = early.cases.iter().zip(table).map(|(facts, [base, cand])| facts.for_gate(base.clone(), cand.clone()));
    let input = Input {
        cases: Cases::new(cases.collect()).unwrap(),
        policy: early.terms.policy,
        alpha: Alpha::after(early.terms.failed),
        greedy: early.greedy,
        recorded: early.terms.recorded,
        guards: Guards::default(),
        candidate: Candidate { tokens: Some(gate::Tokens { base: 1, cand: 9 }), scan_clean: true, leak: false },
    };
    gate::decide(&input).unwrap().outcome
}

/// The first certainty while runs come in, after each third, and how many had come.
fn first(early: &Early<'_>, runs: &[Run]) -> Option<(Outcome, usize)> {
    (0..runs.len()).step_by(3).find_map(|n| Some((early.certain(&runs[..n]).unwrap()?.outcome, n)))
}

/// Tables of pass and fail, or finer, of 8 to 12 cases, in which the arms pass this often of ten.
fn tables() -> impl Strategy<Value = Vec<[Vec<u16>; 2]>> {
    (8_usize..13, 3_usize..6, 0_u16..11, 0_u16..11, any::<bool>()).prop_flat_map(|(n, k, base, cand, fine)| {
        let score = move |often: u16| {
            let value = if fine { (0..5_u16).prop_map(|fifth| 200 * fifth).boxed() } else { Just(0_u16).boxed() };
            (0..10_u16, value).prop_map(move |(die, value)| if die < often { 1000 } else { value })
        };
        let arm = move |often| prop::collection::vec(score(often), k);
        prop::collection::vec((arm(base), arm(cand)).prop_map(|(base, cand)| [base, cand]), n)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_is_certain_early_is_what_the_whole_table_says(
        table in tables(), strict: bool, failed in 0_u32..3, critical in 0_usize..40, category in 0_usize..4,
        recorded in prop::option::of(0_u64..1001),
    ) {
        let policy = if strict { Policy::Strict } else { Policy::Standard };
        let recorded = recorded.map(|sum| gate::Recorded { sum, runs: 1 });
        let terms = Terms { failed, recorded, ..Terms::first(policy) };
        let mut cases = facts(table.len());
        if let Some(case) = cases.get_mut(critical) {
            case.critical = true;
        }
        for case in cases.iter_mut().take(category + 1) {
            case.category = "own".to_owned();
        }
        let repeats = u32::try_from(table[0][0].len()).unwrap();
        let early = Early { terms: &terms, cases: &cases, repeats, greedy: false };
        let runs = runs(&table);
        if let Some((outcome, at)) = first(&early, &runs) {
            prop_assert_eq!(outcome, whole(&early, &table), "after {} of {}", at, runs.len());
            // It stays certain, whatever comes in which order.
            for n in (at..=runs.len()).step_by(7) {
                prop_assert_eq!(early.certain(&runs[..n]).unwrap().map(|certain| certain.outcome), Some(outcome));
            }
        }
    }
}

/// A table in which every run of an arm has the same score.
fn even(n: usize, base: u16, cand: u16) -> Vec<[Vec<u16>; 2]> {
    vec![[vec![base; 3], vec![cand; 3]]; n]
}

#[test]
fn clear_cases_end_before_all_runs_are_made() {
    let (strict, standard) = (Terms::first(Policy::Strict), Terms::first(Policy::Standard));
    let cases = facts(10);
    let early = |terms| Early { terms, cases: &cases, repeats: 3, greedy: false };
    let (better, worse) = (runs(&even(10, 0, 1000)), runs(&even(10, 1000, 0)));
    assert_eq!(first(&early(&strict), &better).map(|(outcome, n)| (outcome, n < 45)), Some((Outcome::Accept, true)));
    assert_eq!(first(&early(&strict), &worse).map(|(outcome, n)| (outcome, n < 45)), Some((Outcome::Reject, true)));
    // The standard test of these very cases is not bounded: only a gain that is out of reach ends it.
    assert_eq!(first(&early(&standard), &better), None);
    assert_eq!(first(&early(&standard), &worse).map(|(outcome, n)| (outcome, n < 45)), Some((Outcome::Reject, true)));
    assert_eq!(first(&early(&strict), &runs(&even(10, 500, 500))).map(|(outcome, _)| outcome), Some(Outcome::Reject));
}

#[test]
fn a_critical_case_that_failed_is_a_reject_and_one_that_may_fail_is_waited_for() {
    let terms = Terms::first(Policy::Strict);
    let mut cases = facts(10);
    cases[9].critical = true;
    let early = Early { terms: &terms, cases: &cases, repeats: 3, greedy: false };
    let mut all = runs(&even(10, 0, 1000));
    assert_eq!(first(&early, &all), None, "the last run of all is of the critical case");
    all[19].score = Some(999);
    assert_eq!(first(&early, &all), Some((Outcome::Reject, 21)));
}

#[test]
fn nothing_is_certain_of_what_cannot_be_bounded() {
    let (terms, cases) = (Terms::first(Policy::Strict), facts(10));
    let all = runs(&even(10, 0, 1000));
    let early = Early { terms: &terms, cases: &cases, repeats: 3, greedy: false };
    assert!(early.certain(&all).unwrap().is_some());
    let is_none = |early: Early<'_>, runs: &[Run]| early.certain(runs).unwrap().is_none();
    let mut spoilt = all.clone();
    (spoilt[3].status, spoilt[3].score) = (Status::Infra, None);
    assert!(is_none(early, &spoilt), "a run without a score");
    let mut foreign = all.clone();
    foreign[3].case = "other".to_owned();
    assert!(is_none(early, &foreign), "a run of another case");
    assert!(is_none(Early { repeats: 2, ..early }, &all), "more runs than there should be, and too few");
    assert!(is_none(Early { cases: &cases[..7], ..early }, &[]), "too few cases");
    let grouped: Vec<CaseFacts> =
        cases.iter().map(|case| CaseFacts { group: "one".to_owned(), ..case.clone() }).collect();
    assert!(is_none(Early { cases: &grouped, ..early }, &all), "cases that do not stand alone");
    let upkeep = Terms { maintenance: true, ..terms };
    assert!(is_none(Early { terms: &upkeep, ..early }, &all), "a maintenance release");
    let once = runs(&vec![[vec![0], vec![1000]]; 10]);
    assert!(is_none(Early { repeats: 1, ..early }, &once), "one run that is not greedy");
    assert!(!is_none(Early { repeats: 1, greedy: true, ..early }, &once));
}

#[test]
fn a_record_of_a_part_of_the_runs_is_checked_against_them() {
    let terms = Terms::first(Policy::Strict);
    let table = vec![[vec![1000; 3], vec![0; 3]]; 20];
    let mut record = sample::of(runs(&table), facts(20), Some(Baseline::NoSkill {}));
    let early = Early { terms: &terms, cases: &record.cases, repeats: 5, greedy: false };
    let certain = early.certain(&record.runs).unwrap().unwrap();
    assert_eq!((certain.outcome, certain.made, certain.not_made), (Outcome::Reject, 120, 80));
    assert_eq!(certain.sentence(), "not better whatever the other runs had given: 120 of 200 were made");
    record.verdict = certain.summary(&terms);
    assert_eq!(record.check(), []);
    record.verdict["verdict"] = json!("accept");
    assert_eq!(record.check()[0].place, "verdict");
    record.verdict = certain.summary(&terms);
    record.verdict["k"] = json!(9);
    assert_eq!(record.check()[0].place, "verdict", "three runs of nine say nothing");
}
