//! What holds of combinators and of counted lines for all inputs.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{super::diff, Bed, refused};

/// A check that passes, fails, is broken, is missing, or has a share, on the bed below.
fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"kind": "contains", "value": "yes"})),
        Just(json!({"kind": "contains", "value": "no"})),
        Just(json!({"kind": "contains", "value": "yes", "target": "outputs/none"})),
        Just(json!({"kind": "unchanged", "globs": ["none"]})),
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|check| json!({"kind": "not", "check": check})),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|checks| json!({"kind": "all", "checks": checks})),
            prop::collection::vec(inner, 1..4).prop_map(|checks| json!({"kind": "any", "checks": checks})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn not_of_not_is_the_check_itself(check in tree()) {
        let bed = Bed::new("yes");
        let twice = json!({"kind": "not", "check": {"kind": "not", "check": check}});
        prop_assert_eq!(bed.passes(&twice), bed.passes(&check));
    }

    #[test]
    fn all_and_any_are_at_least_of_all_and_of_one(checks in prop::collection::vec(tree(), 1..5)) {
        let bed = Bed::new("yes");
        let of = |kind: &str, min: usize| bed.passes(&json!({"kind": kind, "checks": checks, "min": min}));
        prop_assert_eq!(of("all", 0), of("at_least", checks.len()));
        prop_assert_eq!(of("any", 0), of("at_least", 1));
        // Asking for more never helps.
        let values: Vec<_> = (1..=checks.len()).map(|min| of("at_least", min)).collect();
        for pair in values.windows(2) {
            prop_assert!(!(pair[0] == Some(false) && pair[1] == Some(true)), "{:?}", values);
        }
    }

    #[test]
    fn changed_lines_are_those_of_the_longest_common_subsequence(a in "[ab\n]{0,24}", b in "[abc\n]{0,24}") {
        let (a, b): (Vec<String>, Vec<String>) = (a.lines().map(str::to_owned).collect(), b.lines().map(str::to_owned).collect());
        let mut longest = vec![vec![0_u64; b.len() + 1]; a.len() + 1];
        for i in 0..a.len() {
            for j in 0..b.len() {
                longest[i + 1][j + 1] =
                    if a[i] == b[j] { longest[i][j] + 1 } else { longest[i][j + 1].max(longest[i + 1][j]) };
            }
        }
        let count = (a.len() + b.len()) as u64 - 2 * longest[a.len()][b.len()];
        prop_assert_eq!(diff::changed(&a, &b, 1_000), Some(count));
        prop_assert_eq!(diff::changed(&a, &b, count), Some(count));
        if count > 0 {
            prop_assert_eq!(diff::changed(&a, &b, count - 1), None);
        }
    }
}

#[test]
fn combinators_combine() {
    let (yes, no) = (json!({"kind": "contains", "value": "yes"}), json!({"kind": "contains", "value": "no"}));
    let missing = json!({"kind": "unchanged", "globs": ["none"]});
    let of = |kind: &str, checks: &[&Value]| json!({"kind": kind, "checks": checks});
    Bed::new("yes").table(&[
        (of("all", &[&yes, &yes]), 1),
        (of("all", &[&yes, &no]), 0),
        (of("any", &[&no, &yes]), 1),
        (of("any", &[&no, &no]), 0),
        (json!({"kind": "at_least", "min": 2, "checks": [yes, no, yes]}), 1),
        (json!({"kind": "at_least", "min": 2, "checks": [yes, no, no]}), 0),
        // What is missing matters only where it could.
        (of("all", &[&yes, &missing]), -1),
        (of("all", &[&no, &missing]), 0),
        (of("any", &[&yes, &missing]), 1),
        (of("any", &[&no, &missing]), -1),
        (json!({"kind": "not", "check": missing}), -1),
    ]);
}

#[test]
fn shares_keep_their_value_inside_combinators() {
    let bed = Bed::new("x");
    bed.file("suite/evals/s.sh", "echo '{\"score\": 0.25}'");
    let quarter = json!({"kind": "script", "run": "evals/s.sh"});
    let yes = json!({"kind": "contains", "value": "x"});
    let value = |check: Value| bed.check(&check).value.map(|[num, den]| num * 1000 / den);
    assert_eq!(value(json!({"kind": "not", "check": quarter})), Some(750));
    assert_eq!(value(json!({"kind": "not", "check": {"kind": "not", "check": quarter}})), Some(250));
    assert_eq!(value(json!({"kind": "all", "checks": [quarter, yes]})), Some(250));
    assert_eq!(value(json!({"kind": "any", "checks": [quarter, yes]})), Some(1000));
    assert_eq!(value(json!({"kind": "at_least", "min": 2, "checks": [quarter, yes]})), Some(250));
}

#[test]
fn inner_checks_look_where_the_outer_one_looks() {
    let bed = Bed::new("answer");
    bed.file("outputs/a.txt", "file");
    let inner = json!({"kind": "contains", "value": "file"});
    bed.table(&[
        (json!({"kind": "all", "target": "outputs/a.txt", "checks": [inner]}), 1),
        (json!({"kind": "all", "checks": [inner]}), 0),
        (json!({"kind": "all", "target": "outputs/a.txt", "checks": [{"kind": "contains", "value": "answer", "target": "final"}]}), 1),
    ]);
}

#[test]
fn combinators_that_cannot_be_made_are_refused() {
    let yes = json!({"kind": "contains", "value": "yes"});
    let nested = |depth: usize| (0..depth).fold(yes.clone(), |check, _| json!({"kind": "not", "check": check}));
    assert!(super::parse(&super::of(&nested(8))).is_ok());
    refused(&[
        (nested(9), "E_CHECK_PARAM"),
        (json!({"kind": "all", "checks": []}), "E_CHECK_PARAM"),
        (json!({"kind": "all", "checks": vec![&yes; 65]}), "E_CHECK_PARAM"),
        (json!({"kind": "all", "checks": [1]}), "E_CHECK_PARAM"),
        (json!({"kind": "not", "check": [yes]}), "E_CHECK_PARAM"),
        (json!({"kind": "at_least", "checks": [yes]}), "E_CHECK_PARAM"),
        (json!({"kind": "at_least", "min": 2, "checks": [yes]}), "E_CHECK_PARAM"),
        (json!({"kind": "at_least", "min": 0, "checks": [yes]}), "E_CHECK_PARAM"),
        (json!({"kind": "not", "check": {"kind": "expectation", "text": "x"}}), "E_CHECK_KIND"),
        (json!({"kind": "any", "checks": [{"kind": "similar", "value": "x"}]}), "E_CHECK_KIND"),
        (json!({"kind": "any", "checks": [{"kind": "regex", "pattern": "(?=x)"}]}), "E_CHECK_REGEX"),
    ]);
}
