//! `--dry-run`: what a run can cost at most, from the sizes that the loop itself works with.

use serde::Serialize;
use skill_engine::{improve::most, report::words};

use super::setup::Work;
use crate::context::Context;

/// What it can cost, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Estimate {
    skill: String,
    train_cases: usize,
    holdout_cases: usize,
    repeats: u32,
    experiments: u32,
    runs_before: u64,
    runs_of_one: u64,
    runs_of_gate: u64,
    runs_at_most: u64,
    tokens_at_most: u64,
    cost_micros_at_most: u64,
}

/// Says it.
///
/// # Errors
/// None; it has the shape of what it stands for.
#[expect(clippy::unnecessary_wraps, reason = "it ends the command as the loop would")]
pub fn show(context: &Context, work: &Work) -> anyhow::Result<()> {
    let settings = &work.train.suite.settings;
    let (begin, goal) = (&work.begin, work.limits.goal());
    let runs = most(begin.cases.len(), begin.repeats, work.oracle.is_some());
    let greedy = begin.repeats == 1 && work.what.temperature.unwrap_or(settings.sampling.temperature) == 0.0;
    let gate = 2 * work.held as u64 * if greedy { 1 } else { u64::from(settings.runs_gate) };
    let all = runs.before + u64::from(goal) * runs.one + runs.rechecks(goal) + gate;
    let estimate = Estimate {
        skill: begin.name.clone(),
        train_cases: begin.cases.len(),
        holdout_cases: work.held,
        repeats: begin.repeats,
        experiments: goal,
        runs_before: runs.before,
        runs_of_one: runs.one,
        runs_of_gate: gate,
        runs_at_most: all,
        tokens_at_most: all.saturating_mul(settings.limits.tokens),
        cost_micros_at_most: all.saturating_mul(work.session.worst_cost()),
    };
    context.output.result_or("skill.improve.estimate/1", &estimate, |out| {
        out.data(format!(
            "{} train cases × {} runs, {} held out; {} experiments",
            estimate.train_cases, estimate.repeats, estimate.holdout_cases, estimate.experiments
        ));
        out.data(format!(
            "at most {} runs: {} before the first experiment, {} in each, {} at the gate",
            words::grouped(all),
            words::grouped(runs.before),
            words::grouped(runs.one),
            words::grouped(gate)
        ));
        out.data(format!(
            "at most {} tokens and {} for them, and what the proposer takes",
            words::grouped(estimate.tokens_at_most),
            words::dollars(estimate.cost_micros_at_most)
        ));
        out.note(
            "most experiments end on the first six runs; --max-cost, --max-tokens and --max-seconds are hard caps",
        );
    });
    Ok(())
}
