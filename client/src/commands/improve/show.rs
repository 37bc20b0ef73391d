//! What `skill improve` says while it works and at its end.

use std::path::Path;

use serde::Serialize;
use skill_engine::{
    Event, Reporter,
    improve::{Gated, Operator, State, Stop},
    report::words,
};
use skill_schema::codes::escape;

use super::{finish::Place, setup::Work};
use crate::{context::Context, output::Output, progress::Progress};

/// Draws experiments, or the runs of the gate.
pub struct Drawn {
    progress: Progress,
    output: Output,
    lines: bool,
}

impl Drawn {
    /// A bar over experiments, of which so many are done.
    pub fn new(context: &Context, goal: u32, done: u32) -> Self {
        let progress = Progress::items(&context.output, "Improving", u64::from(goal));
        progress.advance(u64::from(done));
        Self { progress, output: context.output.clone(), lines: true }
    }

    /// A bar over runs.
    pub fn runs(context: &Context, runs: u64) -> Self {
        let progress = Progress::items(&context.output, "Deciding", runs);
        Self { progress, output: context.output.clone(), lines: false }
    }
}

impl Reporter for Drawn {
    fn report(&self, event: Event) {
        match event {
            Event::Step { name, passed, .. } => {
                self.progress.advance(1);
                if self.lines && passed {
                    self.output.item("Kept", escape(&name));
                } else if self.lines {
                    self.output.trace(1, || escape(&name));
                }
            }
            Event::Warning { message } => self.output.warn(message),
            Event::Started { .. } | Event::Finished { .. } => {}
        }
    }
}

/// The result, as JSON. Shares are from 0 to 1.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result<'a> {
    tag: &'a str,
    skill: &'a str,
    folder: String,
    stopped: String,
    experiments: u32,
    kept: u32,
    train_start: f64,
    train_best: f64,
    sigma: f64,
    best: u32,
    commit: &'a str,
    gate: Option<&'a Gated>,
    branch: Option<&'a str>,
    repository: Option<&'a str>,
    publishable: Option<&'a str>,
    report: String,
    runs: u64,
    tokens: u64,
    cost_micros: u64,
    operators: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    operator: Operator,
    tried: u32,
    kept: u32,
}

/// Says how it ended.
pub fn result(context: &Context, work: &Work, state: &State, stop: &Stop, place: Option<&Place>, page: &Path) {
    let best = state.best();
    let gate = state.gates.iter().rev().find(|gated| gated.exp == best.exp);
    let operators = state.by_operator().into_iter().map(|(operator, tried, kept)| Row { operator, tried, kept });
    let result = Result {
        tag: &state.begin.tag,
        skill: &state.begin.name,
        folder: work.shop.root().display().to_string(),
        stopped: stop.sentence(),
        experiments: state.done(),
        kept: state.keeps(),
        train_start: state.score_of(state.first()),
        train_best: state.best_score(),
        sigma: state.sigma,
        best: best.exp,
        commit: &best.commit,
        gate,
        branch: place.map(|place| place.branch.as_str()),
        repository: place.map(|place| place.repository.as_str()),
        publishable: place.map(|place| place.folder.as_str()),
        report: page.display().to_string(),
        runs: state.used.runs,
        tokens: state.used.tokens,
        cost_micros: state.used.cost_micros,
        operators: operators.collect(),
    };
    context.output.result_or("skill.improve/1", &result, |out| person(out, &result, state, stop));
}

fn person(out: &Output, result: &Result<'_>, state: &State, stop: &Stop) {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    out.status("Ended", stop.sentence());
    out.data(format!(
        "{} of {} experiments kept; on the train cases {} at first, {} now, noise ±{:.1}",
        result.kept,
        result.experiments,
        percent(result.train_start),
        percent(result.train_best),
        result.sigma * 100.0
    ));
    for row in &result.operators {
        out.note(format!("{}: {} tried, {} kept", row.operator.word(), row.tried, row.kept));
    }
    if let Some(gate) = result.gate {
        out.data(format!("On the holdout: {}", gate.sentence));
        if let Some(why) = &gate.overfit {
            out.warn(format!("overfit suspected: {why}"));
        }
    }
    out.status(
        "Used",
        format!(
            "{} runs, {} tokens, {}",
            words::grouped(result.runs),
            words::grouped(result.tokens),
            words::dollars(result.cost_micros)
        ),
    );
    if let (Some(branch), Some(repository), Some(folder)) = (result.branch, result.repository, result.publishable) {
        out.status("Branch", format!("{branch} in {repository}"));
        out.status("Best", folder);
        if result.gate.is_some_and(|gate| gate.verdict == "accept") {
            out.hint(format!("skill publish {folder}"));
        }
    }
    out.status("Report", &result.report);
    if stop.goes_on() {
        out.hint(format!("skill improve --resume {}", state.begin.tag));
    }
}
