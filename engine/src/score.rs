//! Scores: exact fractions, rounded once to a per-mille integer, half to even. The only place where a score is computed.

mod ratio;

use std::collections::BTreeMap;

use skill_schema::{Fault, codes};

pub use self::ratio::Ratio;
use crate::{
    ratio::round_half_even,
    run::{CheckResult, Status},
};

/// A whole score in thousandths.
pub const FULL: u16 = 1_000;

/// `num / den` in thousandths, half to even; `None` if `den` is 0 or a number does not fit 127 bits.
///
/// ```
/// use skill_engine::score::permille;
/// assert_eq!([permille(2, 3), permille(1, 16), permille(3, 2000)], [Some(667), Some(62), Some(2)]);
/// ```
pub fn permille(num: u128, den: u128) -> Option<u128> {
    let scaled = i128::try_from(num.checked_mul(FULL.into())?).ok()?;
    let den = i128::try_from(den).ok().filter(|den| *den > 0)?;
    u128::try_from(round_half_even(scaled, den)).ok()
}

/// The score of a run by its checks: 0 if a required check failed, else Σ weight·value / Σ weight. `None` if a check that counts has no
/// value: the run is ungraded. A required check that failed makes the score 0 whatever else is missing.
///
/// A run without any weight scores 1 if it has required checks (all of them passed), and is ungraded otherwise.
/// Errors: `E_SCORE` for values outside of 0 to 1 and sums beyond 128 bits.
pub fn of_checks(checks: &[CheckResult]) -> Result<Option<Ratio>, Fault> {
    let mut ungraded = false;
    let (mut sum, mut weights) = (Ratio::ZERO, 0_u64);
    let mut failed = false;
    for check in checks.iter().filter(|check| check.weight > 0 || check.required) {
        let Some([num, den]) = check.value else {
            ungraded = true;
            continue;
        };
        let wrong = |detail: &str| Fault::new(codes::SCORE).at(check.id.clone()).detail(detail);
        let value = Ratio::new(num.into(), den.into()).filter(|_| num <= den);
        let value = value.ok_or_else(|| wrong("the value is not between 0 and 1"))?;
        failed |= check.required && num < den;
        let part = value.times(check.weight.into()).and_then(|part| sum.plus(part));
        sum = part.ok_or_else(|| wrong("the sum does not fit 128 bits"))?;
        weights += u64::from(check.weight);
    }
    let any_required = checks.iter().any(|check| check.required);
    Ok(match weights {
        _ if failed => Some(Ratio::ZERO),
        _ if ungraded => None,
        0 => any_required.then_some(Ratio::ONE),
        weights => sum.by(weights.into()),
    })
}

/// How a run ended, graded: its status, and its score in thousandths. `Ok` becomes `GraderError` where a check has no value; time-outs,
/// limits and crashes score 0; what is missing has no score.
pub fn grade(status: Status, checks: &[CheckResult]) -> Result<(Status, Option<u16>), Fault> {
    Ok(match status {
        Status::Ok => match of_checks(checks)? {
            Some(score) => (Status::Ok, Some(score.permille())),
            None => (Status::GraderError, None),
        },
        Status::Timeout | Status::Limit | Status::Crash => (status, Some(0)),
        Status::Infra | Status::GraderError | Status::Tainted => (status, None),
    })
}

/// A case's score: the mean over its runs that have one; `None` if none has.
pub fn of_case(runs: &[Option<u16>]) -> Option<Ratio> {
    let scores: Vec<u16> = runs.iter().flatten().copied().collect();
    let sum: u128 = scores.iter().map(|score| u128::from(*score)).sum();
    Ratio::new(sum, u128::from(FULL) * scores.len() as u128)
}

/// The unweighted mean; `None` if there is nothing, or if the sum does not fit 128 bits.
pub fn mean(scores: impl IntoIterator<Item = Ratio>) -> Option<Ratio> {
    let (mut sum, mut count) = (Ratio::ZERO, 0_u128);
    for score in scores {
        sum = sum.plus(score)?;
        count += 1;
    }
    sum.by(count)
}

/// A suite's score with those of its categories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteScore {
    /// Unweighted mean over the cases.
    pub mean: Ratio,
    /// Cases that it is the mean of.
    pub cases: usize,
    /// Mean over the cases of each category, and how many there are.
    pub categories: BTreeMap<String, (Ratio, usize)>,
}

/// The suite's score from `(category, score)` of each case that has one; `None` if there is none.
pub fn of_suite<'a>(cases: impl IntoIterator<Item = (&'a str, Ratio)>) -> Option<SuiteScore> {
    let mut by_category: BTreeMap<String, Vec<Ratio>> = BTreeMap::new();
    for (category, score) in cases {
        by_category.entry(category.to_owned()).or_default().push(score);
    }
    let all = by_category.values().flatten().copied();
    let (mean_of_all, cases) = (mean(all)?, by_category.values().map(Vec::len).sum());
    let categories = by_category
        .into_iter()
        .map(|(category, scores)| Some((category, (mean(scores.iter().copied())?, scores.len()))))
        .collect::<Option<_>>()?;
    Some(SuiteScore { mean: mean_of_all, cases, categories })
}

#[cfg(test)]
mod tests;
