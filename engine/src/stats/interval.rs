//! Intervals at 95 %: of a mean of paired differences, and of a proportion.

use statrs::function::beta::beta_reg;

use super::{norm_ppf, t_ppf};

/// An interval for a mean, with what it was made from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The mean.
    pub mean: f64,
    /// Its standard error, from the sums of groups.
    pub se: f64,
    /// Groups less one.
    pub df: u32,
    /// The quantile of Student's t that was used.
    pub t: f64,
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
}

impl Interval {
    /// The interval of this mean and standard error from so many groups (at least two).
    pub(crate) fn around(mean: f64, se: f64, groups: u32) -> Self {
        let df = groups.saturating_sub(1).max(1);
        let t = t_ppf(0.975, df);
        Self { mean, se, df, t, lo: mean - t * se, hi: mean + t * se }
    }
}

/// The mean of differences and its 95 % interval. `group[i]` is the group of difference `i`, numbered from 0; `None` if each stands
/// alone. `None` with fewer than two groups, or if the two lists differ in length.
pub fn paired_interval(differences: &[f64], group: Option<&[usize]>) -> Option<Interval> {
    let n = count(differences.len())?;
    let mean = differences.iter().sum::<f64>() / n;
    let deviations = differences.iter().map(|difference| difference - mean);
    let sums: Vec<f64> = match group {
        None => deviations.collect(),
        Some(group) if group.len() == differences.len() => {
            let mut sums = std::collections::BTreeMap::new();
            group.iter().zip(deviations).for_each(|(name, deviation)| *sums.entry(name).or_insert(0.0) += deviation);
            sums.into_values().collect()
        }
        Some(_) => return None,
    };
    let groups = count(sums.len()).filter(|&groups| groups >= 2.0)?;
    let squares: f64 = sums.iter().map(|sum| sum * sum).sum();
    let se = (groups / (groups - 1.0) * squares).sqrt() / n;
    Some(Interval::around(mean, se, u32::try_from(sums.len()).ok()?))
}

/// Wilson's interval for `k` successes in `n` trials; `None` if there are no trials or more successes than trials.
pub fn wilson95(k: u32, n: u32) -> Option<(f64, f64)> {
    if n == 0 || k > n {
        return None;
    }
    let (z, trials) = (norm_ppf(0.975), f64::from(n));
    let (share, z2) = (f64::from(k) / trials, z * z);
    let scale = 1.0 + z2 / trials;
    let centre = (share + z2 / (2.0 * trials)) / scale;
    let half = z / scale * (share * (1.0 - share) / trials + z2 / (4.0 * trials * trials)).sqrt();
    // What is left of 0 or 1 after rounding is not.
    let lo = if k == 0 { 0.0 } else { centre - half };
    Some((lo, if k == n { 1.0 } else { centre + half }))
}

/// The exact interval of Clopper and Pearson for `k` successes in `n` trials; `None` as for [`wilson95`].
pub fn clopper_pearson95(k: u32, n: u32) -> Option<(f64, f64)> {
    if n == 0 || k > n {
        return None;
    }
    let (successes, failures) = (f64::from(k), f64::from(n - k));
    let lo = if k == 0 { 0.0 } else { beta_quantile(0.025, successes, failures + 1.0) };
    let hi = if k == n { 1.0 } else { beta_quantile(0.975, successes + 1.0, failures) };
    Some((lo, hi))
}

/// The `x` at which the regularised incomplete beta function is `p`, by halving until two floats are neighbours.
fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        *(if beta_reg(a, b, middle) < p { &mut low } else { &mut high }) = middle;
    }
}

/// A length as a float; `None` for 0.
fn count(len: usize) -> Option<f64> {
    u32::try_from(len).ok().filter(|&len| len > 0).map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::vectors::{close, list};

    #[test]
    fn the_known_intervals_of_means_hold() {
        for known in list("paired_ci") {
            let differences: Vec<f64> = serde_json::from_value(known["d"].clone()).unwrap();
            let labels = known["cluster"].as_array();
            let group: Option<Vec<usize>> = labels
                .map(|all| all.iter().map(|label| all.iter().position(|other| other == label).unwrap()).collect());
            let found = paired_interval(&differences, group.as_deref()).unwrap();
            assert_eq!(Some(u64::from(found.df)), known["df"].as_u64(), "{known}");
            let numbers = [(found.mean, "mean"), (found.se, "se"), (found.t, "t"), (found.lo, "lo"), (found.hi, "hi")];
            for (number, name) in numbers {
                close(number, &known[name], &known);
            }
        }
    }

    #[test]
    fn the_known_intervals_of_proportions_hold() {
        for (name, interval) in [("wilson95", wilson95 as fn(u32, u32) -> _), ("clopper_pearson95", clopper_pearson95)]
        {
            for known in list(name) {
                let number = |name: &str| u32::try_from(known[name].as_u64().unwrap()).unwrap();
                let (lo, hi) = interval(number("k"), number("n")).unwrap();
                close(lo, &known["lo"], &known);
                close(hi, &known["hi"], &known);
            }
            assert_eq!((interval(0, 0), interval(2, 1)), (None, None));
        }
    }

    #[test]
    fn too_few_groups_have_no_interval() {
        assert_eq!(paired_interval(&[], None), None);
        assert_eq!(paired_interval(&[1.0], None), None);
        assert_eq!(paired_interval(&[1.0, 2.0], Some(&[0, 0])), None);
        assert_eq!(paired_interval(&[1.0, 2.0], Some(&[0])), None);
        assert!(paired_interval(&[1.0, 2.0], Some(&[0, 1])).is_some());
    }
}
