//! Power: what a suite can show before anything was run, and how noisy it turned out to be. Scores are shares between 0 and 1 here.

use super::norm_ppf;

/// What is assumed before anything was run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assumed {
    /// Variance of the true difference from case to case.
    pub omega2: f64,
    /// Variance of the difference of one pair of runs of the same case.
    pub s2: f64,
    /// One-sided level of the test.
    pub alpha: f64,
    /// Chance with which a true gain is found.
    pub power: f64,
}

impl Default for Assumed {
    /// A gain that differs by 15 points from case to case, cases that pass about 4 times in 5, a first attempt, 80 % power.
    fn default() -> Self {
        Self { omega2: 0.0225, s2: 0.3, alpha: 0.05, power: 0.8 }
    }
}

impl Assumed {
    /// Sum of the quantiles of level and power.
    fn quantiles(&self) -> f64 {
        norm_ppf(1.0 - self.alpha) + norm_ppf(self.power)
    }

    /// Variance of one case's difference of means of `k` runs; `None` is endlessly many.
    fn variance(&self, k: Option<u32>) -> f64 {
        self.omega2 + k.map_or(0.0, |k| self.s2 / f64::from(k.max(1)))
    }
}

/// The smallest gain that is found with the assumed power: `(z_{1−α} + z_power) · √((ω² + s²/K) / n)`.
pub fn mde(n: u32, k: u32, assumed: &Assumed) -> f64 {
    assumed.quantiles() * (assumed.variance(Some(k)) / f64::from(n.max(1))).sqrt()
}

/// How many cases find a gain of `delta` (more than 0) with `k` runs each, or with endlessly many (`None`).
pub fn need_cases(delta: f64, k: Option<u32>, assumed: &Assumed) -> u32 {
    let cases = (assumed.quantiles() / delta).powi(2) * assumed.variance(k);
    // Saturates; a billion cases are as good as none.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float becomes the nearest u32")]
    let whole = cases.ceil() as u32;
    whole.max(1)
}

/// Where the variance of a result came from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Components {
    /// Variance of the cases' differences.
    pub var_d: f64,
    /// Variance of the difference of one pair of runs, pooled over cases.
    pub s2: f64,
    /// `var_d − s2/K`, which chance can make negative.
    pub omega2_raw: f64,
    /// The same, at least 0: variance of the true difference from case to case.
    pub omega2: f64,
}

/// Variance within and between cases, from scores per mille, as shares squared. `None` unless there are two cases at least, all
/// with the same number of runs on both sides, two at least.
pub fn variance_components(cases: &[(&[u16], &[u16])]) -> Option<Components> {
    let runs = cases.first()?.0.len();
    let is_even = cases.iter().all(|(base, cand)| base.len() == runs && cand.len() == runs);
    if cases.len() < 2 || runs < 2 || !is_even {
        return None;
    }
    let share = |scores: &[u16]| scores.iter().map(|&score| f64::from(score) / 1000.0).collect::<Vec<_>>();
    let differences: Vec<f64> = cases.iter().map(|(base, cand)| mean(&share(cand)) - mean(&share(base))).collect();
    let within: Vec<f64> = cases.iter().map(|(base, cand)| variance(&share(base)) + variance(&share(cand))).collect();
    let (var_d, s2) = (variance(&differences), mean(&within));
    let omega2_raw = var_d - s2 / f64::from(u32::try_from(runs).ok()?);
    Some(Components { var_d, s2, omega2_raw, omega2: omega2_raw.max(0.0) })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / crate::ratio::float(values.len() as i128)
}

/// Of a sample.
fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    squares / crate::ratio::float(values.len() as i128 - 1)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::stats::vectors::{close, list, matrix};

    fn assumed(known: &Value) -> Assumed {
        let number = |name: &str| known[name].as_f64().unwrap();
        Assumed { omega2: number("omega2"), s2: number("s2"), alpha: number("alpha"), power: number("power") }
    }

    fn whole(value: &Value) -> Option<u32> {
        value.as_u64().map(|value| u32::try_from(value).unwrap())
    }

    #[test]
    fn the_known_answers_hold() {
        for known in list("mde") {
            let found = mde(whole(&known["n"]).unwrap(), whole(&known["k"]).unwrap(), &assumed(&known));
            close(found, &known["out"], &known);
        }
        for known in list("need_cases") {
            let found = need_cases(known["delta"].as_f64().unwrap(), whole(&known["k"]), &assumed(&known));
            assert_eq!(Some(found), whole(&known["out"]), "{known}");
        }
    }

    #[test]
    fn the_known_components_hold() {
        for known in list("variance_components") {
            let (base, cand) = (matrix(&known["base"]), matrix(&known["cand"]));
            let cases: Vec<(&[u16], &[u16])> = base.iter().zip(&cand).map(|(b, c)| (&b[..], &c[..])).collect();
            let found = variance_components(&cases).unwrap();
            close(found.var_d, &known["var_d"], &known);
            close(found.s2, &known["s2"], &known);
            close(found.omega2_raw, &known["omega2_raw"], &known);
            close(found.omega2, &known["omega2"], &known);
            assert_eq!(variance_components(&cases[..1]), None);
        }
        assert_eq!(variance_components(&[(&[1], &[1]), (&[1], &[1])]), None);
        assert_eq!(variance_components(&[(&[1, 2], &[1, 2]), (&[1, 2], &[1, 2, 3])]), None);
        assert_eq!(variance_components(&[]), None);
    }
}
