//! A record and its details as a workspace that skill-creator and its viewer read.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde_json::{Map, Number, Value};

use super::{
    aggregate::{Names, aggregate},
    files::{EvalMetadata, Expectation, Grading, Id, Metrics, Summary, Timing, write},
    roles::Roles,
    workspace::{Configuration, Eval, Workspace, WorkspaceRun},
};
use crate::{
    record::{Baseline, Record},
    report::{Details, RunDetails, remarks},
    run::{Arm, Run, TranscriptEvent},
};

/// How the runs of a configuration lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `with_skill/run-1/grading.json`.
    Runs,
    /// `with_skill/grading.json`: only the first run of each case.
    Flat,
}

/// Bytes of a file's name that are used of a case's id.
const NAME: usize = 60;

/// The folder of each case, by its id: `eval-` and what of the id may stand in a file's name.
pub fn folders(record: &Record) -> BTreeMap<String, String> {
    let mut used = BTreeSet::new();
    let mut folders = BTreeMap::new();
    for case in &record.cases {
        let safe = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
        let name: String = case.id.chars().map(safe).take(NAME).collect();
        let name = if name.starts_with("eval-") { name } else { format!("eval-{name}") };
        let free = (1..=record.cases.len())
            .map(|n| if n == 1 { name.clone() } else { format!("{name}_{n}") })
            .find(|name| used.insert(name.clone()));
        folders.insert(case.id.clone(), free.unwrap_or(name));
    }
    folders
}

/// The name of an arm's folder.
pub(crate) fn configuration(record: &Record, arm: Arm) -> &'static str {
    match (arm, &record.arms.baseline) {
        (Arm::Cand, _) => "with_skill",
        (Arm::Base, Some(Baseline::Version { .. })) => "old_skill",
        (Arm::Base, _) => "without_skill",
    }
}

/// The files of the workspace, by their paths with `/`. Runs without a score are left out: skill-creator has no word for missing.
pub fn export(record: &Record, details: &Details, layout: Layout) -> BTreeMap<String, Vec<u8>> {
    let folders = folders(record);
    let mut files = BTreeMap::new();
    let mut workspace = Workspace::default();
    for case in &record.cases {
        let folder = folders[&case.id].clone();
        let metadata = metadata(&case.id, details);
        files.insert(format!("{folder}/eval_metadata.json"), write(&metadata));
        let mut eval = Eval { folder, id: Id::new(&case.id), metadata, configurations: Vec::new() };
        for arm in [Arm::Cand, Arm::Base] {
            let name = configuration(record, arm).to_owned();
            let runs: Vec<&Run> =
                record.runs.iter().filter(|run| run.case == case.id && run.arm == arm && run.score.is_some()).collect();
            let mut configuration = Configuration { name, runs: Vec::new() };
            for run in runs {
                if layout == Layout::Runs || run.repeat == 0 {
                    let made = workspace_run(run, details, &eval.folder, &configuration.name, layout);
                    run_files(&made, details.of(run), &mut files);
                    configuration.runs.push(made);
                }
            }
            configuration.runs.sort_by_key(|run| run.number);
            eval.configurations.push(configuration);
        }
        workspace.evals.push(eval);
    }
    files.insert("benchmark.json".to_owned(), write(&benchmark(record, workspace)));
    files
}

fn benchmark(record: &Record, mut workspace: Workspace) -> super::Benchmark {
    let baseline = record.arms.baseline.is_some();
    for eval in &mut workspace.evals {
        eval.configurations.retain(|one| !one.runs.is_empty());
    }
    let names = Names {
        skill_name: record.skill.title(),
        executor_model: record.model.name.clone(),
        timestamp: record.provenance.when.to_string(),
        ..Names::default()
    };
    let role = |arm| configuration(record, arm).to_owned();
    let roles = Roles { candidate: role(Arm::Cand), baseline: role(Arm::Base) };
    let mut made = aggregate(&workspace, &names, baseline.then_some(&roles));
    let missing = record.result.statuses.missing();
    if missing > 0 {
        made.notes.push(format!("{missing} runs without a score are left out."));
    }
    made.notes.extend(remarks::sentences(&remarks::remarks(record), usize::MAX));
    made.notes.push(format!("Score key {}, trust: {}.", record.score_key, record.provenance.trust.word()));
    made
}

fn metadata(case: &str, details: &Details) -> EvalMetadata {
    let text = details.cases.get(case).cloned().unwrap_or_default();
    EvalMetadata {
        eval_id: Some(Id::new(case)),
        eval_name: if text.name.is_empty() { case.to_owned() } else { text.name },
        prompt: text.prompt,
        assertions: text.checks.into_values().map(Value::String).collect(),
        other: Map::new(),
    }
}

fn workspace_run(run: &Run, details: &Details, eval: &str, configuration: &str, layout: Layout) -> WorkspaceRun {
    let expectation = |check: &crate::run::CheckResult| Expectation {
        text: details.check(&run.case, &check.id).map_or_else(|| format!("{} {}", check.kind, check.id), str::to_owned),
        passed: check.passed(),
        evidence: check.evidence.clone(),
        other: Map::new(),
    };
    let expectations: Vec<Expectation> = run.checks.iter().map(expectation).collect();
    let (total, passed) = (expectations.len() as u64, run.checks.iter().filter(|check| check.passed()).count() as u64);
    let metrics = metrics(run, details.of(run));
    let timing = Timing {
        total_tokens: Some(Number::from(run.usage.prompt_tokens.saturating_add(run.usage.output_tokens))),
        duration_ms: Some(Number::from(run.usage.ms)),
        total_duration_seconds: Number::from_f64(std::time::Duration::from_millis(run.usage.ms).as_secs_f64()),
        other: Map::new(),
    };
    // Without checks the score stands for the share: a failed run failed.
    let rate = if total == 0 { f64::from(run.score.unwrap_or(0)) / 1_000.0 } else { ratio(passed, total) };
    let summary =
        Summary { passed, failed: total - passed, total, pass_rate: Number::from_f64(rate), other: Map::new() };
    let number = u64::from(run.repeat) + 1;
    let mut folder = PathBuf::from(eval).join(configuration);
    if layout == Layout::Runs {
        folder.push(format!("run-{number}"));
    }
    let grading = Grading {
        expectations,
        summary: Some(summary),
        execution_metrics: Some(metrics.clone()),
        timing: Some(timing.clone()),
        other: Map::new(),
    };
    WorkspaceRun { number, grading, timing: Some(timing), metrics: Some(metrics), folder }
}

#[expect(clippy::cast_precision_loss, reason = "counts of checks")]
fn ratio(passed: u64, total: u64) -> f64 {
    passed as f64 / total as f64
}

fn metrics(run: &Run, details: Option<&RunDetails>) -> Metrics {
    let mut metrics = Metrics { total_steps: run.usage.turns.into(), ..Metrics::default() };
    let Some(details) = details else { return metrics };
    for event in &details.transcript.events {
        match event {
            TranscriptEvent::ToolCall { name, arguments } => {
                *metrics.tool_calls.entry(name.clone()).or_default() += 1;
                metrics.total_tool_calls += 1;
                metrics.transcript_chars += characters(arguments);
            }
            TranscriptEvent::ToolResult { output, failed, .. } => {
                metrics.errors_encountered += u64::from(*failed);
                metrics.transcript_chars += characters(output);
            }
            TranscriptEvent::Prompt { text } | TranscriptEvent::Answer { text } | TranscriptEvent::Note { text } => {
                metrics.transcript_chars += characters(text);
            }
            TranscriptEvent::SkillActivated { .. } => {}
        }
    }
    metrics.files_created = details.files.iter().map(|file| file.path.clone()).collect();
    metrics.output_chars = details.files.iter().filter_map(|file| file.text.as_deref()).map(characters).sum();
    metrics
}

fn characters(text: &str) -> u64 {
    text.chars().count() as u64
}

/// The files of a run: its grades, what it took, and its answer as an output, for the viewer shows what lies in `outputs/`.
fn run_files(run: &WorkspaceRun, details: Option<&RunDetails>, files: &mut BTreeMap<String, Vec<u8>>) {
    let folder = run.folder.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
    files.insert(format!("{folder}/grading.json"), write(&run.grading));
    files.extend(run.timing.as_ref().map(|timing| (format!("{folder}/timing.json"), write(timing))));
    files.extend(run.metrics.as_ref().map(|metrics| (format!("{folder}/outputs/metrics.json"), write(metrics))));
    let answer = details.map(|details| details.transcript.final_text()).unwrap_or_default();
    files.insert(format!("{folder}/outputs/answer.md"), answer.as_bytes().to_vec());
}
