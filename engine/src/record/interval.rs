//! Mean, standard error and 95 % interval of values per case, where cases of a group are not independent.

use std::collections::BTreeMap;

use crate::stats::{Interval, paired_interval};

/// The interval from one value and one group a case; none with fewer than two groups. Groups are numbered for the statistics in the
/// order of their names.
pub fn estimate<G: Ord>(values: &[f64], groups: &[G]) -> Option<Interval> {
    let mut numbers: BTreeMap<&G, usize> = groups.iter().map(|group| (group, 0)).collect();
    numbers.values_mut().enumerate().for_each(|(at, number)| *number = at);
    let group: Vec<usize> = groups.iter().map(|group| numbers[group]).collect();
    paired_interval(values, Some(&group))
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
        close(alone.lo, -0.004_046_425_362_402_961);
        close(alone.hi, 0.537_379_758_695_736_3);
        let pairs = estimate(&values, &[0, 0, 1, 1, 2, 2, 3, 3, 4, 4]).unwrap();
        close(pairs.se, 0.113_038_833_052_088_57);
        close(pairs.lo, -0.047_179_448_058_073_115);
        let uneven =
            estimate(&[1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0], &["a", "a", "a", "b", "b", "c", "c", "c"]).unwrap();
        close(uneven.se, 0.046_875);
        close(uneven.lo, 0.423_313_153_293_002_96);
        close(uneven.hi, 0.826_686_846_707_006_1);
    }

    #[test]
    fn one_group_says_nothing_about_the_spread() {
        assert_eq!(estimate(&[0.5, 0.7], &[1, 1]), None);
        assert_eq!(estimate::<u8>(&[], &[]), None);
        assert!(estimate(&[0.5, 0.7], &[1, 2]).is_some());
    }
}
