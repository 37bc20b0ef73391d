//! How often a case passes: in any of k runs, and in all of k.

use serde::{Deserialize, Serialize};

use super::{MILLION, Record};
use crate::{
    run::Arm,
    stats::{pass_at_k, pass_hat_k},
};

/// A perfect score, per mille.
const PERFECT: u16 = 1_000;

/// The chance to pass in so many runs, over complete cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Passes {
    /// How many runs.
    pub k: u32,
    /// pass@k: the chance that one of them passes at least, in millionths.
    pub any_ppm: i64,
    /// pass^k: the chance that all of them pass, in millionths.
    pub all_ppm: i64,
}

impl Record {
    /// The chances of an arm for k from 1 to the runs of a case, without bias from how many runs there are; nothing without a
    /// complete case. A run passes if its score is perfect.
    pub fn passes(&self, arm: Arm) -> Vec<Passes> {
        let complete = self.result.by_case.iter().filter(|case| case.complete);
        let of = |case: &super::CaseResult| if arm == Arm::Base { case.base.clone() } else { case.cand.clone() };
        let cases: Vec<(u32, u32)> = complete
            .filter_map(of)
            .map(|arm| {
                let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                (count(arm.scores.len()), count(arm.scores.iter().filter(|score| **score == Some(PERFECT)).count()))
            })
            .collect();
        let most = if cases.is_empty() { 0 } else { self.result.repeats };
        (1..=most)
            .map(|k| Passes { k, any_ppm: mean(&cases, k, pass_at_k), all_ppm: mean(&cases, k, pass_hat_k) })
            .collect()
    }
}

/// The mean over cases, in millionths.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a share in millionths")]
fn mean(cases: &[(u32, u32)], k: u32, chance: fn(u32, u32, u32) -> Option<f64>) -> i64 {
    let sum: f64 = cases.iter().filter_map(|&(n, passed)| chance(n, passed, k)).sum();
    (sum / cases.len() as f64 * MILLION as f64).round() as i64
}

#[cfg(test)]
mod tests {
    use super::{super::sample::*, *};

    #[test]
    fn any_of_more_runs_passes_more_often_and_all_of_them_less() {
        let runs = [[0, 1000, 1000], [1000, 1000, 1000], [0, 0, 999], [0, 0, 1000]];
        let runs = runs.iter().enumerate().flat_map(|(case, scores)| {
            scores.iter().enumerate().map(move |(repeat, score)| run(Arm::Cand, case, repeat, *score))
        });
        let record = of(runs.collect(), cases(4), None);
        let passes: Vec<(u32, i64, i64)> =
            record.passes(Arm::Cand).iter().map(|one| (one.k, one.any_ppm, one.all_ppm)).collect();
        assert_eq!(passes, [(1, 500_000, 500_000), (2, 666_667, 333_333), (3, 750_000, 250_000)]);
        assert_eq!(record.passes(Arm::Base), []);
        assert_eq!(of(vec![], cases(3), None).passes(Arm::Cand), []);
    }
}
