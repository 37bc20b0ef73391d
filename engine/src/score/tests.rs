//! Known answers of the design, and what holds of every score.

use proptest::prelude::*;

use super::*;

#[test]
fn thousandths_are_rounded_half_to_even() {
    let rows = [(1, 3, 333), (2, 3, 667), (5, 6, 833), (1, 8, 125), (1, 16, 62), (0, 5, 0), (1, 2000, 0), (3, 2000, 2)];
    for (num, den, out) in rows {
        assert_eq!(permille(num, den), Some(out), "{num}/{den}");
        assert_eq!(Ratio::new(num, den).map(Ratio::permille).map(u128::from), Some(out), "{num}/{den}");
    }
    assert_eq!([permille(1, 0), permille(u128::MAX, 1)], [None, None]);
}

fn check(weight: u32, required: bool, value: Option<[u64; 2]>) -> CheckResult {
    let (id, kind, evidence) = (String::new(), "exact".to_owned(), String::new());
    CheckResult { id, kind, weight, required, value, judged: false, evidence }
}

const PASS: Option<[u64; 2]> = Some([1, 1]);
const FAIL: Option<[u64; 2]> = Some([0, 1]);

fn score(checks: &[CheckResult]) -> Option<u16> {
    of_checks(checks).expect("valid values").map(Ratio::permille)
}

#[test]
fn a_score_is_the_weighted_mean() {
    assert_eq!(score(&[check(1, false, PASS), check(3, false, FAIL)]), Some(250));
    assert_eq!(score(&[check(1, false, PASS), check(2, false, Some([1, 2]))]), Some(667));
    assert_eq!(score(&[check(0, false, FAIL), check(2, false, PASS)]), Some(1000));
    assert_eq!(score(&[check(0, false, None), check(2, false, PASS)]), Some(1000));
}

#[test]
fn a_required_check_that_fails_makes_the_score_zero() {
    assert_eq!(score(&[check(9, false, PASS), check(1, true, FAIL)]), Some(0));
    assert_eq!(score(&[check(9, false, PASS), check(1, true, Some([99, 100]))]), Some(0));
    assert_eq!(score(&[check(9, false, PASS), check(0, true, FAIL)]), Some(0));
    assert_eq!(score(&[check(9, false, None), check(1, true, FAIL)]), Some(0));
}

#[test]
fn what_could_not_be_graded_has_no_score() {
    assert_eq!(score(&[check(1, false, PASS), check(1, false, None)]), None);
    assert_eq!(score(&[check(1, false, PASS), check(0, true, None)]), None);
    assert_eq!(score(&[]), None);
    assert_eq!(score(&[check(0, false, PASS)]), None);
    assert_eq!(score(&[check(0, true, PASS)]), Some(1000));
}

#[test]
fn forged_values_are_refused() {
    for value in [[1, 0], [0, 0], [2, 1], [u64::MAX, 1]] {
        let fault = of_checks(&[check(1, false, Some(value))]).unwrap_err();
        assert_eq!(fault.code, codes::SCORE);
    }
    // Denominators without a common divisor: their product leaves 128 bits.
    let primes = [u64::MAX - 58, u64::MAX - 82, u64::MAX - 94];
    let many: Vec<CheckResult> = primes.iter().map(|den| check(1, false, Some([1, *den]))).collect();
    assert!(of_checks(&many).is_err());
}

#[test]
fn the_status_says_whether_there_is_a_score() {
    let (good, ungraded) = ([check(1, false, PASS)], [check(1, false, None)]);
    assert_eq!(grade(Status::Ok, &good), Ok((Status::Ok, Some(1000))));
    assert_eq!(grade(Status::Ok, &ungraded), Ok((Status::GraderError, None)));
    for status in [Status::Timeout, Status::Limit, Status::Crash] {
        assert_eq!(grade(status, &good), Ok((status, Some(0))));
        assert!(status.is_scored());
    }
    for status in [Status::Infra, Status::GraderError, Status::Tainted] {
        assert_eq!(grade(status, &good), Ok((status, None)));
        assert!(!status.is_scored());
    }
}

#[test]
fn suites_are_unweighted_means_of_cases() {
    assert_eq!(of_case(&[Some(1000), None, Some(0), Some(0)]).map(Ratio::permille), Some(333));
    assert_eq!(of_case(&[None, None]), None);
    let case = |score| of_case(&[Some(score)]).expect("a score");
    let suite = of_suite([("a", case(1000)), ("b", case(0)), ("a", case(500))]).expect("cases");
    assert_eq!((suite.mean.permille(), suite.cases), (500, 3));
    let categories: Vec<_> =
        suite.categories.iter().map(|(name, (mean, count))| (name.as_str(), mean.permille(), *count)).collect();
    assert_eq!(categories, [("a", 750, 2), ("b", 0, 1)]);
    assert_eq!(of_suite([]), None);
}

fn checks() -> impl Strategy<Value = Vec<CheckResult>> {
    let value = prop::option::weighted(0.9, (0..=100_u64, 1..=1000_u64).prop_map(|(num, den)| [num.min(den), den]));
    let one = (0..=u32::MAX, prop::bool::weighted(0.1), value)
        .prop_map(|(weight, required, value)| check(weight, required, value));
    prop::collection::vec(one, 0..8)
}

proptest! {
    #[test]
    fn a_score_is_between_nothing_and_full(checks in checks()) {
        if let Ok(Some(ratio)) = of_checks(&checks) {
            prop_assert!(ratio >= Ratio::ZERO && ratio <= Ratio::ONE, "{}", ratio);
            prop_assert!(ratio.permille() <= FULL);
        }
    }

    #[test]
    fn the_order_of_checks_does_not_matter(checks in checks()) {
        let mut turned = checks.clone();
        turned.reverse();
        prop_assert_eq!(of_checks(&checks).ok(), of_checks(&turned).ok());
    }

    #[test]
    fn fractions_are_ordered_by_value(a in 0..5000_u32, b in 1..5000_u32, c in 0..5000_u32, d in 1..5000_u32) {
        let ratio = |num: u32, den: u32| Ratio::new(num.into(), den.into()).expect("a denominator");
        prop_assert_eq!(ratio(a, b).cmp(&ratio(c, d)), (u64::from(a) * u64::from(d)).cmp(&(u64::from(c) * u64::from(b))));
        let sum = ratio(a, b).plus(ratio(c, d)).expect("small");
        prop_assert_eq!(sum.by(2).and_then(|half| half.times(2)), Some(sum));
        prop_assert!(sum >= ratio(a, b));
    }
}
