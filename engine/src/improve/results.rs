//! `results.tsv`: autoresearch's five columns first, so that its tools read the log; then ours.

use std::fmt::Write as _;

use super::{
    journal::{Experiment, Used},
    state::State,
};

/// The columns.
pub const HEADER: &str = "commit\ttrain_score\tgpu_gb\tstatus\tdescription\texp\tparent\top\tdelta\tse\tp_run\truns\ttokens\tseconds\tcost_usd\tskill_tokens";
/// Digits of a commit, as autoresearch shows it.
const COMMIT: usize = 7;

/// The whole log: the header, the start, and a line for each experiment.
pub fn text(state: &State) -> String {
    let mut text = format!("{HEADER}\n");
    let used = state.preflight.as_ref().map(|preflight| preflight.used).unwrap_or_default();
    let start = state.strength(&state.first().scores);
    let measured = state.preflight.is_some().then_some(start);
    line(&mut text, &state.begin.commit, measured, "keep", "the start");
    let _ = write!(text, "\t0\t-\tstart\t-\t-\t-\t{}", tail(used, state.begin.tokens));
    for experiment in &state.experiments {
        text.push('\n');
        row(&mut text, experiment);
    }
    text.push('\n');
    text
}

fn row(text: &mut String, experiment: &Experiment) {
    let idea = if experiment.idea.is_empty() { &experiment.why } else { &experiment.idea };
    line(text, &experiment.commit, experiment.score, experiment.status.word(), idea);
    let parent = match experiment.other {
        Some(other) => format!("{}+{other}", experiment.parent),
        None => experiment.parent.to_string(),
    };
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    let (delta, se, p) = (number(experiment.delta), number(experiment.se), number(experiment.p_run));
    let rest = tail(experiment.used, experiment.tokens);
    let _ = write!(text, "\t{}\t{parent}\t{}\t{delta}\t{se}\t{p}\t{rest}", experiment.exp, experiment.operator.word());
}

fn line(text: &mut String, commit: &str, score: Option<f64>, status: &str, description: &str) {
    let commit = if commit.is_empty() { "-" } else { &commit[..commit.len().min(COMMIT)] };
    // autoresearch writes 0 for what was not measured.
    let score = score.map_or_else(|| "0.000000".to_owned(), |score| format!("{score:.6}"));
    let plain: String = description.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let _ = write!(text, "{commit}\t{score}\t0.0\t{status}\t{plain}");
}

fn tail(used: Used, tokens: u64) -> String {
    let (seconds, cost) = (used.ms / 1000, used.cost_micros);
    format!("{}\t{}\t{seconds}\t{}.{:06}\t{tokens}", used.runs, used.tokens, cost / 1_000_000, cost % 1_000_000)
}

/// The log that travels with a version: what earlier runs tried, and this one; a column more names the run.
pub fn tried(before: &str, state: &State) -> String {
    let head = format!("{HEADER}\trun");
    let mut lines = before.lines();
    let mut all = format!("{head}\n");
    // A file of another form is not ours: it is not mixed with ours.
    if lines.next() == Some(head.as_str()) {
        let suffix = format!("\t{}", state.begin.tag);
        lines.filter(|line| !line.ends_with(&suffix)).for_each(|line| {
            let _ = writeln!(all, "{line}");
        });
    }
    for line in text(state).lines().skip(1) {
        let _ = writeln!(all, "{line}\t{}", state.begin.tag);
    }
    all
}
