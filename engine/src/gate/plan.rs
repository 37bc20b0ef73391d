//! What a suite can prove, before anything is run.

use serde::Serialize;

use super::{MIN_CASES, MIN_RUNS, sentence::points};
use crate::stats::{Assumed, mde, need_cases};

/// Gains for which the cases needed are listed, per mille.
const GAINS: &[u32] = &[50, 80, 100, 150, 200, 300];

/// What a suite can prove. Gains are per mille.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Holdout cases.
    pub n: u32,
    /// Runs a case and arm.
    pub k: u32,
    /// Variance of the true gain from case to case, as a share squared.
    pub omega2: f64,
    /// Variance of the difference of one pair of runs, as a share squared.
    pub s2: f64,
    /// Level of the test.
    pub alpha: f64,
    /// Chance to find what is there.
    pub power: f64,
    /// Smallest gain that is found with this chance.
    pub mde: f64,
    /// Cases needed for some gains with as many runs: `[gain, cases]`, gains ascending.
    pub needs: Vec<[u32; 2]>,
    /// Failed attempts after which the strict policy can accept nothing on so many groups; `None` if it cannot accept at all.
    pub strict_attempts: Option<u32>,
}

/// What `n` cases in as many groups, with `k` runs each, can prove under these assumptions.
pub fn plan(n: u32, k: u32, assumed: &Assumed) -> Plan {
    Plan {
        n,
        k,
        omega2: assumed.omega2,
        s2: assumed.s2,
        alpha: assumed.alpha,
        power: assumed.power,
        mde: 1000.0 * mde(n, k, assumed),
        needs: GAINS.iter().map(|&gain| [gain, need_cases(f64::from(gain) / 1000.0, Some(k), assumed)]).collect(),
        // All n differences positive has p = 2^-n: at most 2^-f / 20 while 20 · 2^f ≤ 2^n, and 16 < 20 < 32.
        strict_attempts: n.checked_sub(5),
    }
}

impl Plan {
    /// The plan in sentences, each lower case and without a full stop.
    pub fn sentences(&self) -> Vec<String> {
        let mut said = Vec::new();
        if (self.n as usize) < MIN_CASES {
            said.push(format!("{} cases prove nothing: a verdict needs {MIN_CASES} at least", self.n));
        }
        if (self.k as usize) < MIN_RUNS {
            said.push(format!("{} runs a case are too few: a verdict needs {MIN_RUNS}, or greedy decoding", self.k));
        }
        said.push(format!(
            "{} cases × {} runs find a gain of {} points with a chance of {:.0} %, if cases pass and fail as assumed",
            self.n,
            self.k,
            points(self.mde),
            100.0 * self.power,
        ));
        for [gain, cases] in self.needs.iter().filter(|[_, cases]| *cases > self.n) {
            said.push(format!("{cases} cases are needed for +{} points", points(f64::from(*gain))));
        }
        if let Some(attempts) = self.strict_attempts.filter(|_| self.n as usize >= MIN_CASES) {
            said.push(format!(
                "after {} failed attempts the strict policy can accept nothing on {} cases: refresh the holdout before that",
                attempts + 1,
                self.n
            ));
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Alpha, sign_flip};

    #[test]
    fn a_hundred_runs_see_sixteen_points() {
        let plan = plan(20, 5, &Assumed::default());
        assert_eq!(points(plan.mde), "16.0");
        let said = plan.sentences();
        assert_eq!(
            said[0],
            "20 cases × 5 runs find a gain of 16.0 points with a chance of 80 %, if cases pass and fail as assumed"
        );
        assert!(said.contains(&"52 cases are needed for +10.0 points".to_owned()), "{said:?}");
        assert!(!said.iter().any(|line| line.contains("+20.0")), "{said:?}");
        assert_eq!(points(super::plan(80, 5, &Assumed::default()).mde), "8.0");
    }

    #[test]
    fn the_last_attempt_that_can_succeed_is_known() {
        for n in 5..40 {
            let attempts = plan(n, 5, &Assumed::default()).strict_attempts.unwrap();
            let best = sign_flip(&vec![1000; n as usize]).unwrap();
            assert!(best.at_most(Alpha::after(attempts)), "{n}");
            assert!(!best.at_most(Alpha::after(attempts + 1)), "{n}");
        }
        assert_eq!(plan(4, 5, &Assumed::default()).strict_attempts, None);
    }

    #[test]
    fn too_little_is_said_first() {
        let said = plan(7, 2, &Assumed::default()).sentences();
        assert!(said[0].starts_with("7 cases prove nothing") && said[1].starts_with("2 runs"), "{said:?}");
    }
}
