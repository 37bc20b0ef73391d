//! The rules, in their order.

use skill_schema::Fault;

use super::{Input, MAX_FAILED, Outcome, Reason, Verdict, measure::Measured};
use crate::stats::Alpha;

/// Complete holdout cases, and groups of them, at least.
pub const MIN_CASES: usize = 8;
/// Runs a case and arm at least, unless greedy.
pub const MIN_RUNS: usize = 3;
/// What a maintenance release may be worse by, per mille: added to every run of the candidate in the tests.
pub const MARGIN: u16 = 50;
/// The smallest gain that is an improvement, per mille.
pub const STEP: u16 = 10;
/// Largest loss of a category, per mille.
const MAX_DROP: i128 = 100;
/// Cases from which on a category is judged by itself.
const MIN_CATEGORY: usize = 3;
/// Gain from which on tokens do not matter, per mille.
pub const RICH_GAIN: u16 = 100;

/// Whether the candidate is an improvement over its head.
///
/// # Errors
/// `E_GATE_SIZE` if the exact tests would take too long.
pub fn decide(input: &Input) -> Result<Verdict, Fault> {
    judge(input, None)
}

/// Whether a maintenance release (documents, licence, simplification) is no worse than its head by [`MARGIN`]: the same tests with
/// the margin added to every run of the candidate. It claims no better score, so steps and the recorded mean are not asked for.
///
/// # Errors
/// `E_GATE_SIZE` if the exact tests would take too long.
pub fn maintenance(input: &Input) -> Result<Verdict, Fault> {
    judge(input, Some(MARGIN))
}

fn judge(input: &Input, margin: Option<u16>) -> Result<Verdict, Fault> {
    let input = &Input { alpha: Alpha::after(input.alpha.failed.min(MAX_FAILED)), ..input.clone() };
    let measured = Measured::of(&input.cases, input.greedy);
    let mut verdict = Verdict {
        outcome: Outcome::Invalid,
        reasons: objections(input, &measured),
        n: input.cases.len(),
        k: if input.greedy { input.cases.runs().min(1) } else { input.cases.runs() },
        clusters: measured.groups(),
        policy: input.policy,
        margin,
        numbers: None,
    };
    if !verdict.reasons.is_empty() {
        return Ok(verdict);
    }
    let numbers = measured.numbers(input, margin.unwrap_or(0))?;
    verdict.reasons = shortfalls(input, &measured, numbers.is_significant, margin.is_none());
    verdict.outcome = if verdict.reasons.is_empty() { Outcome::Accept } else { Outcome::Reject };
    verdict.numbers = Some(numbers);
    Ok(verdict)
}

/// Why the runs cannot support a verdict.
fn objections(input: &Input, measured: &Measured) -> Vec<Reason> {
    let (guards, complete) = (&input.guards, input.cases.len() as u64);
    let over = |part: u64, percent: u128, whole: u64| u128::from(part) * 100 > percent * u128::from(whole);
    let rules = [
        (input.cases.len() < MIN_CASES, Reason::TooFewCases),
        (measured.groups() < MIN_CASES, Reason::TooFewClusters),
        (!input.greedy && input.cases.runs() < MIN_RUNS, Reason::TooFewRuns),
        (
            guards.dropped > 1 && over(guards.dropped, 5, complete.saturating_add(guards.dropped)),
            Reason::TooManyDropped,
        ),
        (over(guards.infra, 10, guards.runs), Reason::Infra),
        (!guards.interleaved, Reason::NotInterleaved),
        (over(guards.tainted, 5, guards.runs), Reason::Tainted),
        (!guards.controls_passed, Reason::ControlsFailed),
    ];
    rules.into_iter().filter(|(applies, _)| *applies).map(|(_, reason)| reason).collect()
}

/// Why the candidate is not accepted.
fn shortfalls(input: &Input, measured: &Measured, is_significant: bool, claims_gain: bool) -> Vec<Reason> {
    let below_recorded = input.recorded.is_some_and(|recorded| !measured.reaches(recorded.sum, recorded.runs));
    let costs = |tokens: super::Tokens| u128::from(tokens.cand) * 2 > u128::from(tokens.base) * 3;
    let mut reasons: Vec<Reason> = input.cases.failed_critical().map(Reason::CriticalCaseFailed).collect();
    let scores = [
        (claims_gain && !measured.gains(STEP.into()), Reason::BelowStep),
        (claims_gain && !measured.exceeds_error(), Reason::BelowLadderStep),
        (!is_significant, Reason::NotSignificant),
        (claims_gain && below_recorded, Reason::BelowRecorded),
    ];
    reasons.extend(scores.into_iter().filter(|(applies, _)| *applies).map(|(_, reason)| reason));
    reasons.extend(measured.drops(MIN_CATEGORY, MAX_DROP).into_iter().map(Reason::CategoryDrop));
    let others = [
        (!measured.gains(RICH_GAIN.into()) && input.candidate.tokens.is_some_and(costs), Reason::TokenCost),
        (!input.candidate.scan_clean, Reason::Scan),
        (input.candidate.leak, Reason::Leak),
    ];
    reasons.extend(others.into_iter().filter(|(applies, _)| *applies).map(|(_, reason)| reason));
    reasons
}

#[cfg(test)]
mod tests;
