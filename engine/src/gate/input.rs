//! What a verdict is made from.

use serde::{Deserialize, Serialize};
use skill_schema::{Fault, codes};

use crate::stats::{Alpha, MAX_RUNS};

/// Cases at most: what the exact tests count in seconds, and more than suites have.
pub const MAX_CASES: usize = 1000;
/// Failed attempts at most; the level is below 10^-300 by then.
pub const MAX_FAILED: u32 = 1000;
/// A perfect score, per mille.
const PERFECT: u16 = 1000;

/// Which exact test decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// A person publishes: `p_run`, about these cases.
    #[default]
    Standard,
    /// Nobody watches, or it is about a rank: `p_case`, about cases of this kind.
    Strict,
}

/// One holdout case with all its runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Case {
    /// Scores of the head's (or the baseline's) runs, per mille, by repeat.
    pub base: Vec<u16>,
    /// Scores of the candidate's runs, per mille, by repeat.
    pub cand: Vec<u16>,
    /// Cases of one group count as one observation; `None` if the case stands alone.
    pub group: Option<String>,
    /// Its category; `None` if it has none to be judged by.
    pub category: Option<String>,
    /// Whether every run of the candidate must have a perfect score.
    pub critical: bool,
}

/// Cases with the same number of runs on both sides and in every case, each score from 0 to 1000.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cases(Vec<Case>);

impl Cases {
    /// Checks the shape.
    ///
    /// # Errors
    /// `E_GATE_INPUT` with the first case that does not fit; `E_GATE_SIZE` beyond [`MAX_CASES`] or [`MAX_RUNS`].
    pub fn new(cases: Vec<Case>) -> Result<Self, Fault> {
        if cases.len() > MAX_CASES {
            return Err(Fault::new(codes::GATE_SIZE).detail(format!("{} cases, at most {MAX_CASES}", cases.len())));
        }
        let runs = cases.first().map_or(0, |case| case.base.len());
        if runs > MAX_RUNS {
            return Err(Fault::new(codes::GATE_SIZE).detail(format!("{runs} runs a case, at most {MAX_RUNS}")));
        }
        for (i, case) in cases.iter().enumerate() {
            let wrong = |detail: String| Err(Fault::new(codes::GATE_INPUT).at(format!("case {i}")).detail(detail));
            if case.base.len() != runs || case.cand.len() != runs {
                let (base, cand) = (case.base.len(), case.cand.len());
                return wrong(format!("{base} and {cand} runs where the first baseline has {runs}"));
            }
            if let Some(score) = case.base.iter().chain(&case.cand).find(|&&score| score > PERFECT) {
                return wrong(format!("a score of {score}, at most {PERFECT}"));
            }
        }
        if runs == 0 && !cases.is_empty() {
            return Err(Fault::new(codes::GATE_INPUT).at("case 0").detail("no runs"));
        }
        Ok(Self(cases))
    }

    /// The cases, in the order given.
    pub fn iter(&self) -> std::slice::Iter<'_, Case> {
        self.0.iter()
    }

    /// How many cases there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Runs of each case on each side.
    pub fn runs(&self) -> usize {
        self.0.first().map_or(0, |case| case.base.len())
    }

    /// Indices of the critical cases that did not get a perfect score in every run of the candidate.
    pub(super) fn failed_critical(&self) -> impl Iterator<Item = usize> {
        let failed = |case: &Case| case.critical && case.cand.iter().any(|&score| score < PERFECT);
        self.0.iter().enumerate().filter(move |(_, case)| failed(case)).map(|(i, _)| i)
    }
}

impl<'a> IntoIterator for &'a Cases {
    type Item = &'a Case;
    type IntoIter = std::slice::Iter<'a, Case>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// How the runs were made. The default has nothing to object to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guards {
    /// Cases that were dropped from both arms since runs were missing; they are not among the scores.
    pub dropped: u64,
    /// Runs that were made, those of dropped cases included.
    pub runs: u64,
    /// Those of them that failed for reasons outside of the skill and stayed so.
    pub infra: u64,
    /// Those of them that read what they must not read.
    pub tainted: u64,
    /// Whether the arms took turns.
    pub interleaved: bool,
    /// Whether the controls (an oracle, an empty skill) scored as they must; true if none were run.
    pub controls_passed: bool,
}

impl Default for Guards {
    fn default() -> Self {
        Self { dropped: 0, runs: 0, infra: 0, tainted: 0, interleaved: true, controls_passed: true }
    }
}

/// Tokens of all scored runs of each arm together; the arms have equally many runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// Of the head.
    pub base: u64,
    /// Of the candidate.
    pub cand: u64,
}

/// What is known about the candidate beside its scores. The default has nothing to object to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Tokens used; `None` if they were not counted.
    pub tokens: Option<Tokens>,
    /// Whether the security scan is clean.
    pub scan_clean: bool,
    /// Whether the skill holds text of the holdout.
    pub leak: bool,
}

impl Default for Candidate {
    fn default() -> Self {
        Self { tokens: None, scan_clean: true, leak: false }
    }
}

/// All recorded scores of the head under the same score key, pooled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// Sum of the scores of all runs, per mille.
    pub sum: u64,
    /// How many runs; none says nothing.
    pub runs: u64,
}

/// What a verdict is made from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Input {
    /// The complete cases.
    pub cases: Cases,
    /// Which test decides.
    pub policy: Policy,
    /// The level, from the ledger of attempts; counts above [`MAX_FAILED`] are taken as that.
    pub alpha: Alpha,
    /// Temperature 0 or repeated seeds: the runs of a case are one run.
    pub greedy: bool,
    /// What the head is recorded with; `None` if nothing is recorded under this score key.
    pub recorded: Option<Recorded>,
    /// How the runs were made.
    pub guards: Guards,
    /// What else is known about the candidate.
    pub candidate: Candidate,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(base: &[u16], cand: &[u16]) -> Case {
        Case { base: base.to_vec(), cand: cand.to_vec(), ..Case::default() }
    }

    #[test]
    fn a_shape_that_does_not_fit_is_refused_with_its_case() {
        for (second, place) in [
            (case(&[1], &[1, 2]), "case 1"),
            (case(&[1, 2], &[1]), "case 1"),
            (case(&[1, 2, 3], &[1, 2, 3]), "case 1"),
            (case(&[1, 2], &[1, 1001]), "case 1"),
        ] {
            let fault = Cases::new(vec![case(&[0, 1000], &[1000, 0]), second]).unwrap_err();
            assert_eq!((fault.code, fault.place.as_deref()), (codes::GATE_INPUT, Some(place)), "{fault}");
        }
        assert_eq!(Cases::new(vec![case(&[], &[])]).unwrap_err().code, codes::GATE_INPUT);
        assert!(Cases::new(Vec::new()).unwrap().is_empty());
    }

    #[test]
    fn the_limits_hold_on_both_sides() {
        assert_eq!(Cases::new(vec![case(&[1], &[1]); MAX_CASES]).unwrap().len(), MAX_CASES);
        assert_eq!(Cases::new(vec![case(&[1], &[1]); MAX_CASES + 1]).unwrap_err().code, codes::GATE_SIZE);
        let runs = [7; MAX_RUNS + 1];
        assert_eq!(Cases::new(vec![case(&runs[1..], &runs[1..])]).unwrap().runs(), MAX_RUNS);
        assert_eq!(Cases::new(vec![case(&runs, &runs)]).unwrap_err().code, codes::GATE_SIZE);
    }
}
