//! The scores of one version on the train cases.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    eval::metric,
    ratio::quotient,
    run::Run,
    suite::{Case, Task},
};

/// What the loop knows of a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Its group.
    pub group: String,
    /// Of a metric case, whether less is better; none of any other.
    pub minimize: Option<bool>,
    /// Of a metric case, how far apart two numbers of the same version are.
    pub noise: f64,
}

impl From<&Case> for Facts {
    fn from(case: &Case) -> Self {
        let minimize = match case.task {
            Task::Metric { minimize, .. } => Some(minimize),
            _ => None,
        };
        Self { group: case.group.clone(), minimize, noise: 0.0 }
    }
}

/// One version on one case, by repeat.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CaseScores {
    /// Scores, per mille.
    pub scores: Vec<u16>,
    /// Of a metric case the numbers themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<f64>,
}

impl CaseScores {
    /// Sum of the scores, per mille.
    pub fn sum(&self) -> u64 {
        self.scores.iter().map(|score| u64::from(*score)).sum()
    }

    /// Whether every run was perfect.
    pub fn is_perfect(&self) -> bool {
        self.scores.iter().all(|score| *score == 1000)
    }

    /// The mean number of a metric case.
    fn number(&self) -> Option<f64> {
        let n = i128::try_from(self.numbers.len()).ok().filter(|n| *n > 0)?;
        Some(self.numbers.iter().sum::<f64>() / crate::ratio::float(n))
    }
}

/// One version on all cases that are complete.
pub type Scores = BTreeMap<String, CaseScores>;

/// The scores of these runs; a case with fewer scored runs than repeats is left out.
pub(super) fn collect(runs: &[Run], facts: &BTreeMap<String, Facts>, repeats: usize) -> Scores {
    let mut sorted: Vec<&Run> = runs.iter().filter(|run| facts.contains_key(&run.case)).collect();
    sorted.sort_by_key(|run| run.repeat);
    let mut scores = Scores::new();
    for run in sorted {
        let Some(score) = run.score.filter(|_| run.status.is_scored()) else { continue };
        let is_metric = facts.get(&run.case).is_some_and(|facts| facts.minimize.is_some());
        let number = if is_metric { metric::number_of(run) } else { None };
        if is_metric && number.is_none() {
            // A command without a number is the candidate's crash: worse than any number, and no mean can be made of it.
            continue;
        }
        let entry = scores.entry(run.case.clone()).or_default();
        entry.scores.push(score);
        entry.numbers.extend(number);
    }
    scores.retain(|_, case| case.scores.len() == repeats);
    scores
}

/// How good a version is, from 0 to 1: the mean over cases. A metric case counts a half where it is as the start's, and more by as much as
/// it is better than that, relatively.
pub(super) fn strength(scores: &Scores, start: &Scores, facts: &BTreeMap<String, Facts>) -> f64 {
    let one = |(id, case): (&String, &CaseScores)| match facts.get(id).and_then(|facts| facts.minimize) {
        None => quotient(i128::from(case.sum()), 1000 * i128::try_from(case.scores.len().max(1)).unwrap_or(1)),
        Some(minimize) => match (start.get(id).and_then(CaseScores::number), case.number()) {
            (Some(start), Some(now)) => {
                let gain = if minimize { start - now } else { now - start };
                0.5 + 0.5 * (gain / start.abs().max(f64::MIN_POSITIVE)).clamp(-1.0, 1.0)
            }
            _ => 0.0,
        },
    };
    let n = scores.len();
    if n == 0 { 0.0 } else { scores.iter().map(one).sum::<f64>() / crate::ratio::float(i128::try_from(n).unwrap_or(1)) }
}

/// How good a version is on one case, as a number that only compares.
pub(super) fn worth(case: &CaseScores, facts: &Facts) -> f64 {
    match (facts.minimize, case.number()) {
        (Some(true), Some(number)) => -number,
        (Some(false), Some(number)) => number,
        _ => crate::ratio::float(i128::from(case.sum())),
    }
}

/// How far apart the numbers of one version are, for each metric case.
pub(super) fn noise(first: &Scores, second: &Scores, facts: &mut BTreeMap<String, Facts>) {
    for (id, facts) in facts.iter_mut().filter(|(_, facts)| facts.minimize.is_some()) {
        let numbers = [first, second].into_iter().filter_map(|scores| scores.get(id)).flat_map(|case| &case.numbers);
        let (low, high) = numbers.fold((f64::MAX, f64::MIN), |(low, high), n| (low.min(*n), high.max(*n)));
        facts.noise = (high - low).max(0.0);
    }
}
