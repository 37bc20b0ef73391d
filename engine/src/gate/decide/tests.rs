use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{
    gate::{Candidate, Case, Cases, Guards, Label, Policy, Recorded, Tokens, small},
    stats::vectors::list,
};

/// The known input of this name.
fn known(name: &str) -> Input {
    let all = list("gate");
    let known = all.iter().find(|known| known["name"] == name).unwrap();
    small::parse(known["args"].to_string().as_bytes()).unwrap()
}

fn improved() -> Input {
    known("improved, first attempt")
}

fn words(verdict: &Verdict) -> Vec<String> {
    verdict.reasons.iter().map(ToString::to_string).collect()
}

/// Fails unless both have the same members in the same order, floats to 1e-9.
fn same(found: &Value, known: &Value, name: &str) {
    match (found, known) {
        (Value::Object(found), Value::Object(known)) => {
            assert_eq!(found.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>(), "{name}");
            found.iter().zip(known).for_each(|((key, one), (_, other))| same(one, other, &format!("{name}.{key}")));
        }
        (Value::Array(found), Value::Array(known)) => {
            assert_eq!(found.len(), known.len(), "{name}");
            found.iter().zip(known).for_each(|(one, other)| same(one, other, name));
        }
        (Value::Number(found), Value::Number(known)) if known.is_f64() => {
            assert!(found.is_f64(), "{name} is a float");
            let (found, known) = (found.as_f64().unwrap(), known.as_f64().unwrap());
            assert!((found - known).abs() <= 1e-9 * known.abs(), "{name}: {found} is not {known}");
        }
        _ => assert_eq!(found, known, "{name}"),
    }
}

#[test]
fn the_known_verdicts_hold() {
    for known in list("gate") {
        let input = small::parse(known["args"].to_string().as_bytes()).unwrap();
        let verdict = decide(&input).unwrap();
        same(&serde_json::to_value(&verdict).unwrap(), &known["out"], known["name"].as_str().unwrap());
    }
}

#[test]
fn a_verdict_is_one_sentence() {
    let said = |input: &Input| decide(input).unwrap().sentence();
    let gain = "better by 18.0 points, 95% interval 7.1 to 28.9 (20 cases × 5 runs)";
    assert_eq!(said(&improved()), format!("{gain}; the difference is real at p = 0.0027"));
    let critical = known("critical case 0 must pass in every run");
    let but = "but critical case 0 did not pass in every run of the candidate";
    assert_eq!(said(&critical), format!("{gain}, p = 0.0027, {but}"));
    assert_eq!(
        said(&known("null re-roll")),
        "cannot be told apart with these runs: better by 2.0 points, 95% interval -12.8 to 16.8 (20 cases × 5 runs); \
         p = 0.43 where at most 0.05 is accepted"
    );
    assert_eq!(
        said(&known("identical outcomes")),
        "not better: no difference, 95% interval 0.0 to 0.0 (20 cases × 5 runs)"
    );
    assert_eq!(said(&known("2 runs: invalid")), "not measured: fewer than 3 runs of each case");
}

#[test]
fn whatever_is_wrong_with_the_runs_makes_them_invalid() {
    let ask = |change: &dyn Fn(&mut Guards)| {
        let mut input = improved();
        change(&mut input.guards);
        words(&decide(&input).unwrap())
    };
    assert_eq!(ask(&|guards| guards.dropped = 1), [""; 0]);
    assert_eq!(ask(&|guards| guards.dropped = 2), ["too_many_dropped"]);
    assert_eq!(ask(&|guards| (guards.runs, guards.infra) = (200, 20)), [""; 0]);
    assert_eq!(ask(&|guards| (guards.runs, guards.infra) = (200, 21)), ["infra"]);
    assert_eq!(ask(&|guards| (guards.runs, guards.tainted) = (200, 10)), [""; 0]);
    assert_eq!(ask(&|guards| (guards.runs, guards.tainted) = (200, 11)), ["tainted"]);
    assert_eq!(ask(&|guards| guards.interleaved = false), ["not_interleaved"]);
    assert_eq!(ask(&|guards| guards.controls_passed = false), ["controls_failed"]);
    let all = |guards: &mut Guards| {
        *guards =
            Guards { dropped: u64::MAX, runs: 1, infra: 1, tainted: 1, interleaved: false, controls_passed: false };
    };
    assert_eq!(ask(&all), ["too_many_dropped", "infra", "not_interleaved", "tainted", "controls_failed"]);
}

#[test]
fn two_of_forty_cases_may_be_dropped() {
    let cases: Vec<Case> = improved().cases.iter().chain(&improved().cases).cloned().collect();
    let ask = |complete: usize, dropped: u64| {
        let cases = Cases::new(cases[..complete].to_vec()).unwrap();
        let guards = Guards { dropped, ..Guards::default() };
        decide(&Input { cases, guards, ..Input::default() }).unwrap().outcome == Outcome::Invalid
    };
    assert!(!ask(38, 2), "2 of 40 are 5 %");
    assert!(ask(37, 2), "2 of 39 are more");
}

#[test]
fn nothing_at_all_is_invalid() {
    let verdict = decide(&Input::default()).unwrap();
    assert_eq!(words(&verdict), ["too_few_cases", "too_few_clusters", "too_few_runs"]);
    assert_eq!(verdict.exit(), Some(skill_schema::codes::Exit::Invalid));
    let all = serde_json::to_value(&verdict).unwrap();
    assert_eq!(all["n"], 0);
}

#[test]
fn the_boundaries_of_eight_cases_and_three_runs_hold() {
    let input = known("8 cases, 3 runs");
    let cases: Vec<Case> = input.cases.iter().cloned().collect();
    let seven = Input { cases: Cases::new(cases[..7].to_vec()).unwrap(), ..input.clone() };
    assert_eq!(words(&decide(&seven).unwrap()), ["too_few_cases", "too_few_clusters"]);
    assert!(decide(&input).unwrap().is_accept());
}

#[test]
fn greedy_runs_are_one_run() {
    let mut input = improved();
    input.greedy = true;
    let verdict = decide(&input).unwrap();
    assert_eq!(verdict.k, 1);
    assert!(verdict.sentence().contains("(20 cases × 1 run)"), "{}", verdict.sentence());
    // With one run a case both tests flip signs.
    let numbers = verdict.numbers.unwrap();
    assert_eq!(numbers.p_run.value().to_bits(), numbers.p_case.value().to_bits());
    let two = Input { greedy: true, ..known("2 runs: invalid") };
    assert_ne!(decide(&two).unwrap().outcome, Outcome::Invalid);
}

#[test]
fn each_failed_attempt_halves_the_level_exactly() {
    // p_run = 2640/… of this input is 0.002697: reached by 0.05/16 = 0.003125, not by 0.05/32.
    let ask = |failed: u32| decide(&Input { alpha: Alpha::after(failed), ..improved() }).unwrap();
    assert!(ask(4).is_accept());
    assert_eq!(words(&ask(5)), ["not_significant"]);
    assert_eq!(ask(u32::MAX).numbers.unwrap().alpha, Alpha::after(MAX_FAILED));
}

#[test]
fn a_recorded_mean_is_reached_exactly_or_not() {
    let ask =
        |sum: u64, runs: u64| words(&decide(&Input { recorded: Some(Recorded { sum, runs }), ..improved() }).unwrap());
    assert_eq!(ask(69_000, 100), [""; 0]);
    assert_eq!(ask(690_000_000_001, 1_000_000_000), ["below_recorded"]);
    assert_eq!(ask(0, 0), [""; 0]);
}

#[test]
fn tokens_scan_and_leak_are_looked_at() {
    let ask = |input: Input, candidate: Candidate| words(&decide(&Input { candidate, ..input }).unwrap());
    let tokens = |cand: u64| Candidate { tokens: Some(Tokens { base: 1000, cand }), ..Candidate::default() };
    assert_eq!(ask(improved(), tokens(1_000_000)), [""; 0], "18 points are worth any tokens");
    let small = || known("null re-roll");
    assert_eq!(ask(small(), tokens(1500)), ["below_ladder_step", "not_significant"]);
    assert_eq!(ask(small(), tokens(1501)), ["below_ladder_step", "not_significant", "token_cost"]);
    let found = Candidate { scan_clean: false, leak: true, tokens: None };
    assert_eq!(ask(improved(), found), ["scan", "leak"]);
}

#[test]
fn a_category_that_drops_is_named() {
    let ask = |names: &[(usize, &str)], cand: &[u16]| {
        let mut cases: Vec<Case> = improved().cases.iter().cloned().collect();
        for &(i, name) in names {
            let base = vec![1000, 1000, 1000, 1000, 0];
            cases[i] = Case { base, cand: cand.to_vec(), category: Some(name.to_owned()), ..Case::default() };
        }
        words(&decide(&Input { cases: Cases::new(cases).unwrap(), ..Input::default() }).unwrap())
    };
    let (lost, edge) = ([1000, 1000, 1000, 0, 400], [1000, 1000, 1000, 500, 0]);
    let drops = |words: Vec<String>| words.into_iter().filter(|word| word.contains("drop")).collect::<Vec<_>>();
    assert_eq!(drops(ask(&[(0, "b"), (1, "b"), (2, "b")], &lost)), ["category_drop:b"]);
    assert_eq!(drops(ask(&[(0, "b"), (1, "b"), (2, "b")], &edge)), [""; 0], "100 per mille are allowed");
    assert_eq!(drops(ask(&[(0, "b"), (1, "b")], &lost)), [""; 0], "two cases are too few to judge");
    let six = [(0, "z"), (1, "z"), (2, "z"), (3, "a"), (4, "a"), (5, "a")];
    assert_eq!(drops(ask(&six, &[0, 0, 0, 0, 0])), ["category_drop:a", "category_drop:z"]);
}

#[test]
fn a_label_says_what_an_accept_may_claim() {
    assert_eq!(decide(&improved()).unwrap().label(), Some(Label::General));
    // A few cases carry it: p_run accepts, p_case is 1/8.
    let few = Input { policy: Policy::Standard, ..known("few cases carry it: strict rejects") };
    assert_eq!(decide(&few).unwrap().label(), Some(Label::SuiteOnly));
    assert_eq!(decide(&known("few cases carry it: strict rejects")).unwrap().label(), None);
}

#[test]
fn a_maintenance_release_may_be_a_little_worse() {
    // 160 cases, each with 4 of 5 runs passed on both sides: equal, and too many for the margin to be chance.
    let case = |cand: &[u16]| Case { base: vec![1000, 1000, 1000, 1000, 0], cand: cand.to_vec(), ..Case::default() };
    let same = vec![case(&[1000, 1000, 1000, 1000, 0]); 160];
    let input = |cases: Vec<Case>| Input { cases: Cases::new(cases).unwrap(), ..Input::default() };
    let verdict = maintenance(&input(same.clone())).unwrap();
    assert!(verdict.is_accept() && verdict.label().is_none());
    assert!(verdict.sentence().starts_with("no worse by 5.0 points or more at p = 0.00"));
    assert_eq!(serde_json::to_value(&verdict).unwrap()["margin"], 50);
    assert!(!decide(&input(same.clone())).unwrap().is_accept());
    let mut worse = same;
    worse[..48].fill(case(&[1000, 1000, 1000, 0, 0]));
    let verdict = maintenance(&input(worse)).unwrap();
    assert_eq!(words(&verdict), ["not_significant"]);
    assert!(verdict.sentence().starts_with("may be worse by 5.0 points or more, p = "), "{}", verdict.sentence());
}

fn scores(runs: usize) -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(prop::sample::select(vec![0_u16, 250, 333, 500, 667, 1000]), runs)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_of_cases_and_of_runs_changes_nothing(
        mut cases in prop::collection::vec((scores(3), scores(3)), 8..14), by in 0..8_usize,
    ) {
        let ask = |cases: &[(Vec<u16>, Vec<u16>)]| {
            let cases = cases.iter().map(|(base, cand)| Case { base: base.clone(), cand: cand.clone(), ..Case::default() });
            decide(&Input { cases: Cases::new(cases.collect()).unwrap(), ..Input::default() }).unwrap()
        };
        let before = ask(&cases);
        cases.rotate_left(by);
        for (base, cand) in &mut cases {
            base.reverse();
            cand.rotate_left(1);
        }
        prop_assert_eq!(before, ask(&cases));
    }

    #[test]
    fn a_candidate_that_does_better_never_has_a_larger_p(
        cases in prop::collection::vec((scores(3), scores(3)), 8..12), at in 0..8_usize,
    ) {
        let ask = |cases: Vec<(Vec<u16>, Vec<u16>)>| {
            let cases = cases.into_iter().map(|(base, cand)| Case { base, cand, ..Case::default() });
            decide(&Input { cases: Cases::new(cases.collect()).unwrap(), ..Input::default() }).unwrap().numbers.unwrap()
        };
        let mut better = cases.clone();
        better[at].1[0] = 1000;
        let (before, after) = (ask(cases), ask(better));
        prop_assert!(after.p_case.value() <= before.p_case.value());
        prop_assert!(after.delta >= before.delta);
    }

    #[test]
    fn the_interval_is_that_of_the_differences(cases in prop::collection::vec((scores(4), scores(4)), 8..20)) {
        let differences: Vec<f64> = cases
            .iter()
            .map(|(base, cand)| (0..4).map(|i| f64::from(cand[i]) - f64::from(base[i])).sum::<f64>() / 4.0)
            .collect();
        let known = crate::stats::paired_interval(&differences, None).unwrap();
        let cases = cases.into_iter().map(|(base, cand)| Case { base, cand, ..Case::default() });
        let verdict = decide(&Input { cases: Cases::new(cases.collect()).unwrap(), ..Input::default() }).unwrap();
        let found = verdict.numbers.unwrap();
        prop_assert!((found.se - known.se).abs() < 1e-9 && (found.interval[0] - known.lo).abs() < 1e-9);
        let below = known.mean + 1e-9 < known.se;
        let above = known.mean - 1e-9 > known.se;
        let is_named = verdict.reasons.contains(&Reason::BelowLadderStep);
        prop_assert!((!below || is_named) && (!above || !is_named));
    }
}

#[test]
fn the_example_in_the_documents_is_what_comes_out() {
    let page = include_str!("../../../../docs/scores.md");
    let example = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let verdict = decide(&small::parse(example.as_bytes()).unwrap()).unwrap();
    let numbers = verdict.numbers.as_ref().unwrap();
    assert_eq!(
        (numbers.p_case.favourable().to_string(), numbers.p_case.total().to_string()),
        ("1".into(), "128".into())
    );
    assert_eq!(numbers.p_run.favourable().to_string(), "48128000");
    assert_eq!(numbers.p_run.total().to_string(), "25600000000");
    assert_eq!((numbers.permille.base, numbers.permille.cand, numbers.permille.delta), (458, 875, 417));
    assert!(verdict.sentence().starts_with("better by 41.7 points, 95% interval 22.0 to 61.4 (8 cases × 3 runs)"));
    assert_eq!(verdict.label(), Some(Label::General));
    let later = |policy| {
        let input = small::parse(example.as_bytes()).unwrap();
        decide(&Input { policy, alpha: Alpha::after(3), ..input }).unwrap().is_accept()
    };
    assert!(later(Policy::Standard) && !later(Policy::Strict));
}
