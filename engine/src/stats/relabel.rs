//! The exact test for a fixed suite: within each case, any half of the runs could as well have been the candidate's.

use skill_schema::{Fault, codes};

use super::{
    Chance,
    count::{Spread, at_least, gcd},
};

/// Runs a case and arm at most: the relabellings of one case, 137,846,528,820 for 20, and their sums stay small numbers.
pub const MAX_RUNS: usize = 20;
/// Largest score that is taken: a perfect run with the margin of a maintenance release, and more.
const MAX_SCORE: u16 = 2000;

/// `P(sum of the candidate's scores ≥ observed)` over all relabellings of the runs within each case, which is `(base, cand)` with
/// as many runs on both sides. One case is Fisher's test, one run a case is McNemar's.
///
/// # Errors
/// `E_GATE_INPUT` if the two sides of a case differ in length; `E_GATE_SIZE` if there is more than can be counted.
pub fn relabel<'a>(cases: impl IntoIterator<Item = (&'a [u16], &'a [u16])>) -> Result<Chance, Fault> {
    let mut spreads = Vec::new();
    let mut observed = 0;
    for (base, cand) in cases {
        if base.len() != cand.len() {
            let detail = format!("{} runs of the baseline and {} of the candidate", base.len(), cand.len());
            return Err(Fault::new(codes::GATE_INPUT).detail(detail));
        }
        if cand.len() > MAX_RUNS || base.iter().chain(cand).any(|&score| score > MAX_SCORE) {
            return Err(Fault::new(codes::GATE_SIZE).detail(format!("at most {MAX_RUNS} runs a case")));
        }
        let (spread, sum) = spread(base, cand);
        spreads.push(spread);
        observed += sum;
    }
    at_least(spreads, observed)
}

/// In how many ways each sum of half of the runs comes about, less the smallest such sum; and the candidate's sum, less the same.
fn spread(base: &[u16], cand: &[u16]) -> (Spread, u64) {
    let lowest = base.iter().chain(cand).min().copied().unwrap_or_default();
    let above = |scores: &[u16]| scores.iter().map(|score| u64::from(score - lowest)).collect::<Vec<_>>();
    let (mut all, observed) = (above(base), above(cand).iter().sum::<u64>());
    all.extend(above(cand));
    all.sort_unstable();
    let unit = all.iter().fold(0, |unit, &score| gcd(unit, score)).max(1);
    let runs = cand.len();
    let width = index(all[all.len() - runs..].iter().sum::<u64>() / unit) + 1;
    // ways[chosen · width + sum], over the runs so far.
    let mut ways = vec![0_u64; (runs + 1) * width];
    ways[0] = 1;
    for &score in &all {
        let shift = width + index(score / unit);
        for target in (shift..ways.len()).rev() {
            // A sum that would leave its row has no place: fewer than `width` sums exist for any number of chosen runs.
            let source = target - shift;
            if source % width <= target % width {
                ways[target] += ways[source];
            }
        }
    }
    let last = &ways[runs * width..];
    let smallest = last.iter().position(|&count| count > 0).expect("some half exists");
    let found = last.iter().zip(0_u64..).skip(smallest).filter(|&(&count, _)| count > 0);
    let base_sum = smallest as u64 * unit;
    (Spread::new(found.map(|(&count, sum)| (sum * unit - base_sum, count)).collect()), observed - base_sum)
}

fn index(value: u64) -> usize {
    usize::try_from(value).expect("at most 20 runs of 2000")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "floats that are equal or wrong")]

    use super::*;
    use crate::stats::vectors::{close, list, matrix};

    fn pairs<'a>(base: &'a [Vec<u16>], cand: &'a [Vec<u16>]) -> impl Iterator<Item = (&'a [u16], &'a [u16])> {
        base.iter().map(Vec::as_slice).zip(cand.iter().map(Vec::as_slice))
    }

    #[test]
    fn the_known_answers_hold() {
        for known in list("within") {
            let (base, cand) = (matrix(&known["base"]), matrix(&known["cand"]));
            let found = relabel(pairs(&base, &cand)).unwrap();
            assert_eq!(found.favourable().to_string(), known["favourable"].to_string(), "{known}");
            assert_eq!(found.total().to_string(), known["total"].to_string(), "{known}");
            assert!(!found.is_rounded());
            close(found.value(), &known["p"], &known);
        }
    }

    #[test]
    fn no_case_and_equal_scores_are_certain() {
        assert_eq!(relabel([]).unwrap().value(), 1.0);
        let same = [500_u16; 5];
        let found = relabel([(&same[..], &same[..])]).unwrap();
        assert_eq!((found.favourable().to_string(), found.total().to_string()), ("252".to_owned(), "252".to_owned()));
        assert_eq!(relabel([(&[][..], &[][..])]).unwrap().value(), 1.0);
    }

    #[test]
    fn four_hundred_cases_are_counted_to_the_last_digit() {
        let (base, cand) = (vec![vec![0, 1000, 0, 0, 1000]; 400], vec![vec![0, 1000, 1000, 0, 1000]; 400]);
        let found = relabel(pairs(&base, &cand)).unwrap();
        assert!(!found.is_rounded() && found.at_most(crate::stats::Alpha::after(20)));
        assert_eq!(found.total(), &num_bigint::BigUint::from(252_u32).pow(400));
    }

    #[test]
    fn the_limits_hold_on_both_sides() {
        let scores = [MAX_SCORE; MAX_RUNS + 1];
        assert!(relabel([(&scores[1..], &scores[1..])]).is_ok());
        assert_eq!(relabel([(&scores[..], &scores[..])]).unwrap_err().code, codes::GATE_SIZE);
        assert_eq!(relabel([(&[MAX_SCORE + 1][..], &[0][..])]).unwrap_err().code, codes::GATE_SIZE);
        assert_eq!(relabel([(&[1, 2][..], &[0][..])]).unwrap_err().code, codes::GATE_INPUT);
    }
}
