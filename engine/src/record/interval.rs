//! Mean, standard error and 95 % interval of values per case, where cases of a group are not independent.

use std::collections::BTreeMap;

use statrs::distribution::{ContinuousCDF, StudentsT};

/// What the values of the cases say about their mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Standard error: `sqrt(G/(G-1) · Σ_g (Σ_{i∈g} (x_i - mean))²) / n`.
    pub se: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Share of the probability below the upper end of a two-sided 95 % interval.
const UPPER: f64 = 0.975;

/// The estimate from one value and one group a case; none with fewer than two groups.
#[expect(clippy::cast_precision_loss, reason = "there are far fewer than 2^52 cases")]
pub fn estimate<G: Ord>(values: &[f64], groups: &[G]) -> Option<Estimate> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let mut sums: BTreeMap<&G, f64> = BTreeMap::new();
    for (value, group) in values.iter().zip(groups) {
        *sums.entry(group).or_default() += value - mean;
    }
    if sums.len() < 2 {
        return None;
    }
    let g = sums.len() as f64;
    let squares: f64 = sums.values().map(|sum| sum * sum).sum();
    let se = (g / (g - 1.0) * squares).sqrt() / n;
    let t = StudentsT::new(0.0, 1.0, g - 1.0).ok()?.inverse_cdf(UPPER);
    Some(Estimate { mean, se, low: mean - t * se, high: mean + t * se })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, known: f64) {
        assert!((found - known).abs() <= 1e-9 * known.abs().max(1.0), "{found} is not {known}");
    }

    #[test]
    fn known_intervals_are_found() {
        let third = 1.0 / 3.0;
        let values = [0.0, third, third, -third, 2.0 * third, 0.0, third, 1.0, 0.0, third];
        let alone = estimate(&values, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
        close(alone.mean, 0.266_666_666_666_666_66);
        close(alone.se, 0.119_670_329_047_433_42);
        close(alone.low, -0.004_046_425_362_402_961);
        close(alone.high, 0.537_379_758_695_736_3);
        let pairs = estimate(&values, &[0, 0, 1, 1, 2, 2, 3, 3, 4, 4]).unwrap();
        close(pairs.se, 0.113_038_833_052_088_57);
        close(pairs.low, -0.047_179_448_058_073_115);
        let uneven =
            estimate(&[1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0], &["a", "a", "a", "b", "b", "c", "c", "c"]).unwrap();
        close(uneven.se, 0.046_875);
        close(uneven.low, 0.423_313_153_293_002_96);
        close(uneven.high, 0.826_686_846_707_006_1);
    }

    #[test]
    fn one_group_says_nothing_about_the_spread() {
        assert_eq!(estimate(&[0.5, 0.7], &[1, 1]), None);
        assert_eq!(estimate::<u8>(&[], &[]), None);
        assert!(estimate(&[0.5, 0.7], &[1, 2]).is_some());
    }
}
