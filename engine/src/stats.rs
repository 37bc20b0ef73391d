//! Statistics of paired runs: exact tests by counting, intervals, power, pass@k, agreement and ranking.
//!
//! Scores are integers per mille. What a verdict depends on is computed in integers alone, so that everyone who recomputes it
//! gets the same; floats are for people. Nothing here draws a random number.

mod agree;
mod alpha;
mod chance;
mod count;
mod flip;
mod interval;
mod passk;
mod power;
mod quantile;
mod rank;
mod relabel;
#[cfg(test)]
pub(crate) mod vectors;

pub use agree::{Judged, cohen_kappa, judge_swap};
pub use alpha::Alpha;
pub use chance::Chance;
pub use flip::sign_flip;
pub use interval::{Interval, clopper_pearson95, paired_interval, wilson95};
pub use passk::{pass_at_k, pass_hat_k};
pub use power::{Assumed, Components, mde, need_cases, variance_components};
pub use quantile::{norm_ppf, t_ppf, t_sf};
pub use rank::{Beaten, beats, bradley_terry};
pub use relabel::{MAX_RUNS, relabel};

use crate::ratio;

/// Difference of two means of scores, candidate − baseline, in per mille rounded half to even. 0 if a side has no runs.
#[expect(clippy::missing_panics_doc, reason = "a difference of scores is small")]
pub fn case_diff_permille(cand: &[u16], base: &[u16]) -> i64 {
    if cand.is_empty() || base.is_empty() {
        return 0;
    }
    let sum = |scores: &[u16]| scores.iter().map(|&score| i128::from(score)).sum::<i128>();
    let count = |scores: &[u16]| i128::try_from(scores.len()).expect("a length fits");
    let num = sum(cand) * count(base) - sum(base) * count(cand);
    let rounded = ratio::round_half_even(num, count(cand) * count(base));
    i64::try_from(rounded).expect("at most 65,535")
}

/// What share of the possible gain was made, `(cand − base) / (1000 − base)`, from means per mille; `None` if the baseline is
/// already perfect. Negative if the candidate is worse.
pub fn normalised_gain(base: f64, cand: f64) -> Option<f64> {
    (base < 1000.0).then(|| (cand - base) / (1000.0 - base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_case_differences_hold() {
        for known in vectors::list("case_diff_permille") {
            let (cand, base) = (vectors::scores(&known["cand"]), vectors::scores(&known["base"]));
            assert_eq!(case_diff_permille(&cand, &base), known["out"].as_i64().unwrap(), "{known}");
        }
        assert_eq!(case_diff_permille(&[], &[1]), 0);
        assert_eq!(case_diff_permille(&[1000], &[0, 1000, 1000]), 333);
    }

    #[test]
    fn a_perfect_baseline_leaves_nothing_to_gain() {
        assert_eq!(normalised_gain(1000.0, 1000.0), None);
        assert_eq!(normalised_gain(500.0, 750.0), Some(0.5));
        assert_eq!(normalised_gain(500.0, 250.0), Some(-0.5));
    }
}
