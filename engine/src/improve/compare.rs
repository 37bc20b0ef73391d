//! A candidate against its parent on the cases that both have.

use std::collections::BTreeMap;

use skill_schema::Fault;

use super::scores::{CaseScores, Facts, Scores};
use crate::{
    ratio::{float, quotient},
    stats::{paired_interval, relabel},
};

/// A difference, candidate minus parent. Shares of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Mean over cases.
    pub delta: f64,
    /// Its standard error over groups; 0 with fewer than two.
    pub se: f64,
    /// The exact test of these cases: how likely relabelled runs are as good.
    pub p_run: f64,
    /// Cases.
    pub cases: usize,
    /// Whether every run of every case came out the same.
    pub is_same: bool,
}

/// Compares on the cases that both have; none if there is no such case.
///
/// # Errors
/// `E_GATE_SIZE` if there is more than the exact test counts.
pub fn compare(base: &Scores, cand: &Scores, facts: &BTreeMap<String, Facts>) -> Result<Option<Difference>, Fault> {
    let mut pairs = Vec::new();
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    let mut group_of = Vec::new();
    for (id, base) in base {
        let (Some(cand), Some(facts)) = (cand.get(id), facts.get(id)) else { continue };
        let next = groups.len();
        group_of.push(*groups.entry(&facts.group).or_insert(next));
        pairs.push(against(base, cand, facts));
    }
    if pairs.is_empty() {
        return Ok(None);
    }
    let differences: Vec<f64> = pairs.iter().map(|(base, cand)| mean(cand) - mean(base)).collect();
    let p_run = relabel(pairs.iter().map(|(base, cand)| (&base[..], &cand[..])))?.value();
    let n = float(i128::try_from(pairs.len()).unwrap_or(i128::MAX));
    Ok(Some(Difference {
        delta: differences.iter().sum::<f64>() / n,
        se: paired_interval(&differences, Some(&group_of)).map_or(0.0, |interval| interval.se),
        p_run,
        cases: pairs.len(),
        is_same: pairs.iter().all(|(base, cand)| base == cand),
    }))
}

/// The noise of the difference of two means of one version: the root of the mean square, by groups, since the true difference is 0.
pub(super) fn sigma(first: &Scores, second: &Scores, facts: &BTreeMap<String, Facts>) -> f64 {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    let mut n = 0_u32;
    for (id, first) in first {
        let (Some(second), Some(facts)) = (second.get(id), facts.get(id)) else { continue };
        let (first, second) = against(first, second, facts);
        *sums.entry(&facts.group).or_default() += mean(&second) - mean(&first);
        n += 1;
    }
    if n == 0 { 0.0 } else { sums.values().map(|sum| sum * sum).sum::<f64>().sqrt() / f64::from(n) }
}

/// The scores of both; those of a metric case are who won, repeat by repeat, beyond the noise.
fn against(base: &CaseScores, cand: &CaseScores, facts: &Facts) -> (Vec<u16>, Vec<u16>) {
    let Some(minimize) = facts.minimize else { return (base.scores.clone(), cand.scores.clone()) };
    let won = |(base, cand): (&f64, &f64)| {
        let gain = if minimize { base - cand } else { cand - base };
        if gain > facts.noise {
            (0, 1000)
        } else if gain < -facts.noise {
            (1000, 0)
        } else {
            (500, 500)
        }
    };
    base.numbers.iter().zip(&cand.numbers).map(won).unzip()
}

fn mean(scores: &[u16]) -> f64 {
    let sum: i128 = scores.iter().map(|score| i128::from(*score)).sum();
    quotient(sum, 1000 * i128::try_from(scores.len().max(1)).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(all: &[&[u16]]) -> Scores {
        let one = |(n, scores): (usize, &&[u16])| {
            (format!("c{n}"), CaseScores { scores: scores.to_vec(), numbers: Vec::new() })
        };
        all.iter().enumerate().map(one).collect()
    }

    fn facts(n: usize, minimize: Option<bool>, noise: f64) -> BTreeMap<String, Facts> {
        (0..n).map(|n| (format!("c{n}"), Facts { group: format!("g{n}"), minimize, noise })).collect()
    }

    #[test]
    fn the_difference_is_paired_and_its_test_exact() {
        let (base, cand) = (scores(&[&[0], &[0], &[0], &[1000]]), scores(&[&[1000], &[1000], &[1000], &[1000]]));
        let found = compare(&base, &cand, &facts(4, None, 0.0)).unwrap().unwrap();
        assert!((found.delta - 0.75).abs() < 1e-12 && (found.se - 0.25).abs() < 1e-12, "{found:?}");
        assert!((found.p_run - 0.125).abs() < 1e-12, "McNemar: three of three");
        assert!(!found.is_same && compare(&base, &base, &facts(4, None, 0.0)).unwrap().unwrap().is_same);
        assert_eq!(compare(&base, &Scores::new(), &facts(4, None, 0.0)), Ok(None));
    }

    #[test]
    fn a_metric_is_won_beyond_its_noise_only() {
        let numbers = |numbers: &[f64]| {
            let case = CaseScores { scores: vec![1000; numbers.len()], numbers: numbers.to_vec() };
            Scores::from([("c0".to_owned(), case)])
        };
        let delta = |base: &[f64], cand: &[f64], minimize, noise| {
            compare(&numbers(base), &numbers(cand), &facts(1, Some(minimize), noise)).unwrap().unwrap().delta
        };
        assert!((delta(&[1.0, 1.0], &[0.8, 0.8], true, 0.1) - 1.0).abs() < 1e-12);
        assert!((delta(&[1.0, 1.0], &[0.8, 0.8], false, 0.1) + 1.0).abs() < 1e-12);
        assert!(delta(&[1.0, 1.0], &[0.8, 0.8], true, 0.3).abs() < 1e-12);
    }

    #[test]
    fn the_noise_is_that_of_the_mean() {
        let (first, second) = (scores(&[&[0], &[1000], &[0], &[0]]), scores(&[&[1000], &[0], &[0], &[0]]));
        let sigma = sigma(&first, &second, &facts(4, None, 0.0));
        assert!((sigma - 2_f64.sqrt() / 4.0).abs() < 1e-12, "{sigma}");
    }
}
