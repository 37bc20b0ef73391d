//! Grading again: whether a record's checks come out of its transcripts, for whoever has both and the suite.
//!
//! What is made again are the checks that say the same everywhere: those that look at the transcript, and those that look at output files
//! which were kept whole. Programs of the suite and models are not asked again.

use std::{collections::BTreeMap, fs, path::Path};

use skill_schema::{Fault, codes};

use super::Record;
use crate::{
    check::{self, ScriptEnd, ScriptOutcome, ScriptRequest, ScriptRunner},
    eval::answer::{MAX_FILES, digest},
    report::{Details, OutputFile, RunDetails},
    run::{CheckResult, Finished, Run, Status},
    suite::{Case, Check, Suite, Task},
};

/// Kinds whose value a program or a model decides, or that only report.
const ASKED: [&str; 6] = ["script", "test_command", "metric", "expectation", "rubric", "similar"];
/// Kinds that compare outputs with what the run was given or with files of the suite.
const COMPARED: [&str; 2] = ["unchanged", "file_diff"];

/// Runs no program: what a suite brings along is not executed here.
struct Nobody;

impl ScriptRunner for Nobody {
    fn run(&self, _request: ScriptRequest) -> ScriptOutcome {
        ScriptOutcome {
            end: ScriptEnd::NotStarted("no program is run here".to_owned()),
            stdout: Vec::new(),
            stderr: Vec::new(),
        }
    }
}

/// How much of a record was graded again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Regraded {
    /// Checks that came out as recorded.
    pub same: u64,
    /// Checks that nobody can make again from a transcript.
    pub left: u64,
}

/// Compares every transcript with its digest, and makes every check again that can be. `skill` is the name in the skill's frontmatter.
///
/// # Errors
/// [`codes::TRANSCRIPTS`] if a transcript is missing or another one; [`codes::REGRADE`] with the first check that comes out differently;
/// [`codes::IO`] if no temporary folder can be made.
pub fn regrade(record: &Record, details: &Details, suite: &Suite, skill: &str) -> Result<Regraded, Fault> {
    let cases: BTreeMap<&str, &Case> = suite.cases.iter().map(|case| (case.id.as_str(), case)).collect();
    let mut regraded = Regraded::default();
    for run in &record.runs {
        let place = || format!("{} {:?} {}", run.case, run.arm, run.repeat).to_lowercase();
        let missing = RunDetails::default();
        let kept = details.of(run).unwrap_or(&missing);
        let found =
            if kept.transcript.events.is_empty() { skill_schema::Digest::ZERO } else { digest(&kept.transcript) };
        if found != run.transcript {
            return Err(Fault::new(codes::TRANSCRIPTS).at(place()));
        }
        let case = cases
            .get(run.case.as_str())
            .ok_or_else(|| Fault::new(codes::REGRADE).at(place()).detail("no such case"))?;
        if run.status != Status::Ok {
            continue;
        }
        grade(run, kept, case, skill, &mut regraded).map_err(|fault| match &fault.place {
            Some(check) => fault.clone().at(format!("{}, check {check}", place())),
            None => fault.at(place()),
        })?;
    }
    Ok(regraded)
}

fn grade(run: &Run, kept: &RunDetails, case: &Case, skill: &str, regraded: &mut Regraded) -> Result<(), Fault> {
    let place = tempfile::tempdir().map_err(|e| Fault::new(codes::IO).detail(e.to_string()))?;
    let whole = write_outputs(place.path(), &kept.files)?;
    let empty = Path::new("");
    let finished = Finished {
        transcript: &kept.transcript,
        outputs: place.path(),
        inputs: empty,
        suite: empty,
        exit: 0,
        usage: &run.usage,
    };
    match &case.task {
        Task::Prompt { checks, .. } => {
            let recorded = |id: &str| run.checks.iter().find(|check| check.id == id);
            for check in checks {
                match recorded(&check.id) {
                    Some(recorded) if can_be_made(check, whole) => {
                        same(recorded, &check::evaluate(check, &finished, &Nobody))?;
                        regraded.same += 1;
                    }
                    // Judged checks are left out where there was no grader.
                    None if !ASKED.contains(&check.kind.as_str()) => {
                        return Err(Fault::new(codes::REGRADE).at(check.id.clone()).detail("it was not made"));
                    }
                    _ => regraded.left += 1,
                }
            }
        }
        Task::Trigger { should_trigger, .. } => {
            let again = check::trigger(skill, *should_trigger, &finished);
            let recorded = run.checks.iter().find(|check| check.id == again.id);
            same(recorded.ok_or_else(|| Fault::new(codes::REGRADE).at(again.id.clone()))?, &again)?;
            regraded.same += 1;
        }
        Task::Metric { .. } => regraded.left += run.checks.len() as u64,
    }
    Ok(())
}

/// Whether a check's value follows from what was kept: `whole` says that all outputs were.
fn can_be_made(check: &Check, whole: bool) -> bool {
    let kind = check.kind.as_str();
    if ASKED.contains(&kind) || COMPARED.contains(&kind) || check.target == "exit" {
        return false;
    }
    let Ok(parsed) = check::parse(check) else { return false };
    // A combination may hold any of these.
    let is_combined = matches!(kind, "not" | "all" | "any" | "at_least");
    parsed.reads_only_transcript() || whole && !is_combined
}

fn same(recorded: &CheckResult, again: &CheckResult) -> Result<(), Fault> {
    let facts = |check: &CheckResult| (check.value, check.weight, check.required, check.judged);
    if facts(recorded) == facts(again) {
        return Ok(());
    }
    let text =
        |check: &CheckResult| check.value.map_or_else(|| "no value".to_owned(), |[num, den]| format!("{num}/{den}"));
    let detail = format!("it is recorded with {} and comes out with {}", text(recorded), text(again));
    Err(Fault::new(codes::REGRADE).at(recorded.id.clone()).detail(detail))
}

/// Writes the outputs that are plain text; answers whether these are all of them, each whole.
fn write_outputs(folder: &Path, files: &[OutputFile]) -> Result<bool, Fault> {
    // As many as are kept at most: there may have been more.
    let mut whole = files.len() < MAX_FILES;
    for file in files {
        let is_plain = !file.path.is_empty()
            && file.path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']));
        let text = file.text.as_ref().filter(|text| is_plain && text.len() as u64 == file.size);
        let Some(text) = text else {
            whole = false;
            continue;
        };
        let path = folder.join(&file.path);
        let io = |e: std::io::Error| Fault::new(codes::IO).detail(e.to_string());
        fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(io)?;
        fs::write(path, text).map_err(io)?;
    }
    Ok(whole)
}
