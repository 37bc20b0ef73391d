//! What the runs of a workspace add up to: `benchmark.json`.
//!
//! As skill-creator documents it: mean, standard deviation and range over all graded runs of a configuration. Seconds are those
//! of `grading.json`, else of `timing.json`; tokens those of `timing.json`.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};

use super::{
    benchmark::{Benchmark, BenchmarkRun, ConfigurationSummary, DeltaTexts, Metadata, RunResult, RunSummary, Stats},
    files::{Grading, Id, Timing},
    roles::Roles,
    workspace::{Eval, Workspace, WorkspaceRun},
};

/// Names for the head of a benchmark.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// The skill.
    pub skill_name: String,
    /// Its folder.
    pub skill_path: String,
    /// The model that answered.
    pub executor_model: String,
    /// The model that wrote remarks; empty if none did.
    pub analyzer_model: String,
    /// When, RFC 3339.
    pub timestamp: String,
}

/// The benchmark of a workspace. Without `roles` they are found by name ([`Roles::find`]).
pub fn aggregate(workspace: &Workspace, names: &Names, roles: Option<&Roles>) -> Benchmark {
    let found = Roles::find(&workspace.configurations());
    let roles = roles.cloned().or(found);
    let mut notes = workspace.warnings.clone();
    let mut runs = Vec::new();
    for configuration in order(workspace, roles.as_ref()) {
        for eval in &workspace.evals {
            for one in eval.configurations.iter().filter(|one| one.name == configuration) {
                runs.extend(one.runs.iter().filter_map(|run| entry(eval, configuration, run, &mut notes)));
            }
        }
    }
    let run_summary = summarise(&runs, &order(workspace, roles.as_ref()), roles.as_ref(), &mut notes);
    let metadata = Metadata {
        skill_name: names.skill_name.clone(),
        skill_path: names.skill_path.clone(),
        executor_model: names.executor_model.clone(),
        analyzer_model: names.analyzer_model.clone(),
        timestamp: names.timestamp.clone(),
        evals_run: runs.iter().map(|run| run.eval_id.clone()).collect::<BTreeSet<Id>>().into_iter().collect(),
        runs_per_configuration: most(&runs),
        other: Map::new(),
    };
    Benchmark { metadata, runs, run_summary, notes, other: Map::new() }
}

/// The candidate first, then the baseline, then the others by name: a reader that knows no roles takes the first two.
fn order<'a>(workspace: &'a Workspace, roles: Option<&'a Roles>) -> Vec<&'a str> {
    let mut names = workspace.configurations();
    let place = |name: &str| match roles {
        Some(roles) if name == roles.candidate => 0,
        Some(roles) if name == roles.baseline => 1,
        _ => 2,
    };
    names.sort_by_key(|name| place(name));
    names
}

/// A run as a line of the benchmark; none, with a note, if nothing was graded in it.
fn entry(eval: &Eval, configuration: &str, run: &WorkspaceRun, notes: &mut Vec<String>) -> Option<BenchmarkRun> {
    let grading = &run.grading;
    let Some((pass_rate, [passed, failed, total])) = counts(grading) else {
        notes.push(format!(
            "Eval {}, {configuration}, run {}: nothing was graded, so it is not counted.",
            eval.id, run.number
        ));
        return None;
    };
    let metrics = grading.execution_metrics.as_ref().or(run.metrics.as_ref());
    Some(BenchmarkRun {
        eval_id: eval.id.clone(),
        eval_name: eval.metadata.eval_name.clone(),
        configuration: configuration.to_owned(),
        run_number: run.number,
        result: RunResult {
            pass_rate,
            passed,
            failed,
            total,
            time_seconds: seconds(grading.timing.as_ref()).or_else(|| seconds(run.timing.as_ref())),
            tokens: tokens(run.timing.as_ref()).or_else(|| tokens(grading.timing.as_ref())),
            tool_calls: metrics.map_or(0, |metrics| metrics.total_tool_calls),
            errors: metrics.map_or(0, |metrics| metrics.errors_encountered),
            other: Map::new(),
        },
        expectations: grading.expectations.clone(),
        notes: noted(grading),
        other: Map::new(),
    })
}

/// The share as written, with its counts; counted from the expectations where there is no summary.
fn counts(grading: &Grading) -> Option<(Number, [u64; 3])> {
    if let Some(summary) = &grading.summary {
        let counts = [summary.passed, summary.failed, summary.total];
        let written =
            summary.pass_rate.clone().filter(|rate| rate.as_f64().is_some_and(|rate| (0.0..=1.0).contains(&rate)));
        if let Some(rate) = written.or_else(|| share(summary.passed, summary.total)) {
            return Some((rate, counts));
        }
    }
    let total = grading.expectations.len() as u64;
    let passed = grading.expectations.iter().filter(|one| one.passed).count() as u64;
    Some((share(passed, total)?, [passed, total - passed, total]))
}

#[expect(clippy::cast_precision_loss, reason = "counts of expectations")]
fn share(passed: u64, total: u64) -> Option<Number> {
    if total == 0 || passed > total { None } else { Number::from_f64(passed as f64 / total as f64) }
}

/// Seconds of a run; zero stands for not measured.
fn seconds(timing: Option<&Timing>) -> Option<Number> {
    let timing = timing?;
    let positive = |n: &&Number| n.as_f64().is_some_and(|n| n > 0.0);
    let written = timing.total_duration_seconds.as_ref().filter(positive).cloned();
    let from_ms = || Number::from_f64(timing.duration_ms.as_ref().filter(positive)?.as_f64()? / 1_000.0);
    written.or_else(from_ms)
}

fn tokens(timing: Option<&Timing>) -> Option<Number> {
    timing?.total_tokens.clone().filter(|n| n.as_f64().is_some_and(|n| n > 0.0))
}

/// What the executor noted: the texts of `user_notes_summary`.
fn noted(grading: &Grading) -> Vec<String> {
    let summary = grading.other.get("user_notes_summary");
    ["uncertainties", "needs_review", "workarounds"]
        .iter()
        .filter_map(|key| summary?.get(key)?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn most(runs: &[BenchmarkRun]) -> u64 {
    let like = |run: &BenchmarkRun| {
        let same = |other: &&BenchmarkRun| other.eval_id == run.eval_id && other.configuration == run.configuration;
        runs.iter().filter(same).count() as u64
    };
    runs.iter().map(like).max().unwrap_or(0)
}

fn summarise(runs: &[BenchmarkRun], names: &[&str], roles: Option<&Roles>, notes: &mut Vec<String>) -> RunSummary {
    let mut configurations = Vec::new();
    for name in names {
        let of: Vec<&RunResult> =
            runs.iter().filter(|run| run.configuration == **name).map(|run| &run.result).collect();
        let stats =
            |get: &dyn Fn(&RunResult) -> Option<f64>| Stats::of(&of.iter().filter_map(|r| get(r)).collect::<Vec<_>>());
        let number = |n: &Option<Number>| n.as_ref().and_then(Number::as_f64);
        let summary = ConfigurationSummary {
            pass_rate: stats(&|result| result.pass_rate.as_f64()),
            time_seconds: stats(&|result| number(&result.time_seconds)),
            tokens: stats(&|result| number(&result.tokens)),
            other: Map::new(),
        };
        let without = of.iter().filter(|result| result.tokens.is_none()).count();
        if without > 0 {
            notes.push(format!(
                "{name}: {without} of {} runs have no tokens in timing.json and are left out of their mean.",
                of.len()
            ));
        }
        configurations.push(((*name).to_owned(), summary));
    }
    let mut summary = RunSummary { configurations, delta: None };
    match roles.and_then(|roles| Some((summary.of(&roles.candidate)?, summary.of(&roles.baseline)?))) {
        Some((candidate, baseline)) => summary.delta = Some(difference(candidate, baseline)),
        None => notes
            .push("Which configuration is the baseline is not known by name, so there is no difference.".to_owned()),
    }
    summary
}

/// Candidate - baseline, of the rounded means.
fn difference(candidate: &ConfigurationSummary, baseline: &ConfigurationSummary) -> DeltaTexts {
    let minus = |a: Option<Stats>, b: Option<Stats>| Some(a?.mean - b?.mean);
    DeltaTexts {
        pass_rate: minus(candidate.pass_rate, baseline.pass_rate).map(|d| format!("{d:+.2}")),
        time_seconds: minus(candidate.time_seconds, baseline.time_seconds).map(|d| format!("{d:+.1}")),
        tokens: minus(candidate.tokens, baseline.tokens).map(|d| format!("{d:+.0}")),
        other: Map::new(),
    }
}

impl Stats {
    /// Of these values; none if there are none.
    #[expect(clippy::cast_precision_loss, reason = "counts of runs")]
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
        let stddev = if values.len() > 1 { (squares / (n - 1.0)).sqrt() } else { 0.0 };
        let round = |x: f64| (x * 1e4).round_ties_even() / 1e4;
        let (min, max) = (values.iter().copied().reduce(f64::min)?, values.iter().copied().reduce(f64::max)?);
        Some(Self { mean: round(mean), stddev: round(stddev), min: round(min), max: round(max) })
    }
}
