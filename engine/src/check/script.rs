//! Checks that run a program after the agent ended: `script`, `test_command` and `metric`. The program sees a copy of what the run
//! left, so that it cannot change what other checks look at.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use regex::Regex;
use serde_json::Value;
use skill_schema::Fault;

use super::{
    Rule, Scene, copy, evidence, glob, number,
    params::Params,
    value::{Finding, Share},
};

/// Bytes of standard output and of standard error that are kept.
pub const MAX_OUTPUT: usize = 256 * 1024;

/// Parts of a command line.
const MAX_WORDS: usize = 64;

/// What a program shall do, and what it may see. It needs no network and may write nothing but `folder`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptRequest {
    /// The program and its arguments. A program that is a file of the suite is named by its whole path.
    pub command: Vec<String>,
    /// Where it starts: `folder/outputs`, a copy of what the run left, with hidden tests in it for `test_command`.
    pub workdir: PathBuf,
    /// A fresh folder that it may change, deleted afterwards. It holds `outputs/`, `final.txt` and `transcript.json`.
    pub folder: PathBuf,
    /// Folders that it may read besides: the suite's and the inputs'.
    pub readable: Vec<PathBuf>,
    /// How long it may take.
    pub timeout: Duration,
    /// Its environment beyond what the runner sets (`PATH`, `HOME`): `SKILL_OUTPUTS`, `SKILL_INPUTS`, `SKILL_SUITE`, `SKILL_FINAL`,
    /// `SKILL_TRANSCRIPT`, `SKILL_EXIT`.
    pub env: Vec<(String, String)>,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptEnd {
    /// By itself, with this status; 128 and the signal's number if a signal ended it.
    Exited(i32),
    /// Its time was over, and it was ended.
    TimedOut,
    /// It could not be started, for the reason in words.
    NotStarted(String),
}

/// What came of running a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptOutcome {
    /// How it ended.
    pub end: ScriptEnd,
    /// The first [`MAX_OUTPUT`] bytes of its standard output.
    pub stdout: Vec<u8>,
    /// The first [`MAX_OUTPUT`] bytes of its standard error.
    pub stderr: Vec<u8>,
}

/// Runs the programs of checks, isolated from everything that they must not see or change.
pub trait ScriptRunner: Send + Sync {
    /// Runs one program to its end or its time limit. Every process that it started is gone afterwards.
    fn run(&self, request: ScriptRequest) -> ScriptOutcome;
}

/// A command line with its time limit.
#[derive(Debug)]
struct Command {
    words: Vec<String>,
    timeout: Duration,
}

impl Command {
    /// Reads `run`, split at white space, and the time limit; there is no shell.
    fn parse(params: &Params<'_>, seconds: &str) -> Result<Self, Fault> {
        let words: Vec<String> = params.filled_text("run")?.split_whitespace().map(str::to_owned).collect();
        if words.is_empty() || words.len() > MAX_WORDS {
            return Err(params.wrong("run", format!("1 to {MAX_WORDS} words are expected")));
        }
        if words.iter().any(|word| word.contains(['"', '\'', '`', '|', ';', '&', '<', '>'])) {
            return Err(params.wrong("run", "there is no shell: quotes and its signs have no meaning"));
        }
        if words[0].contains('/') {
            glob::suite_path(params, "run", &words[0])?;
        }
        Ok(Self { words, timeout: Duration::from_secs(params.seconds(seconds)?) })
    }

    /// Runs it beside a copy of what the run left; `hidden` are paths in the suite that are copied in before.
    fn run(&self, scene: &Scene<'_>, hidden: &[String], into: &str) -> io::Result<ScriptOutcome> {
        let place = tempfile::Builder::new().prefix("skill-check-").tempdir()?;
        let folder = place.path().canonicalize()?;
        let outputs = folder.join("outputs");
        copy::tree(scene.run.outputs, &outputs)?;
        for path in hidden {
            copy::into(scene.run.suite, path, &outputs.join(into))?;
        }
        let (last, transcript) = (folder.join("final.txt"), folder.join("transcript.json"));
        fs::write(&last, scene.run.transcript.final_text())?;
        fs::write(&transcript, serde_json::to_vec(scene.run.transcript)?)?;
        let env = [
            ("SKILL_OUTPUTS", outputs.as_path()),
            ("SKILL_INPUTS", scene.run.inputs),
            ("SKILL_SUITE", scene.run.suite),
            ("SKILL_FINAL", &last),
            ("SKILL_TRANSCRIPT", &transcript),
        ];
        let mut env: Vec<(String, String)> =
            env.iter().map(|(name, path)| ((*name).to_owned(), path.display().to_string())).collect();
        env.push(("SKILL_EXIT".to_owned(), scene.run.exit.to_string()));
        let readable = vec![scene.run.suite.to_owned(), scene.run.inputs.to_owned()];
        let command = self.resolve(scene.run.suite);
        let timeout = self.timeout;
        Ok(scene.scripts.run(ScriptRequest { command, workdir: outputs, folder, readable, timeout, env }))
    }

    /// The words, with a file of the suite named by its whole path and started by the interpreter of its ending.
    fn resolve(&self, suite: &Path) -> Vec<String> {
        let mut words = self.words.clone();
        let file = suite.join(&words[0]);
        if !words[0].contains('/') || !file.is_file() {
            return words;
        }
        words[0] = std::path::absolute(&file).unwrap_or(file.clone()).display().to_string();
        let interpreter = match file.extension().and_then(|ending| ending.to_str()) {
            Some("py") => "python3",
            Some("sh") => "sh",
            Some("js" | "mjs") => "node",
            _ => return words,
        };
        words.insert(0, interpreter.to_owned());
        words
    }
}

#[derive(Debug)]
struct Script(Command);

/// Reads `run` and `timeout_s` of `script`.
pub(super) fn parse(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    Ok(Box::new(Script(Command::parse(params, "timeout_s")?)))
}

impl Rule for Script {
    /// Exit 0 is a pass and 1 a fail; everything else is the grader's fault, so missing data.
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        let outcome = match self.0.run(scene, &[], "") {
            Ok(outcome) => outcome,
            Err(error) => return Finding::missing(format!("the script could not be prepared: {error}")),
        };
        let passed = match &outcome.end {
            ScriptEnd::Exited(0) => true,
            ScriptEnd::Exited(1) => false,
            end => return Finding::missing(told(end, &outcome)),
        };
        match said(&outcome.stdout) {
            Ok(Some((share, words))) if passed || share != Share::ONE => Finding::share(share, words),
            Ok(Some(_)) => Finding::missing("the script failed with a score of 1"),
            Ok(None) => Finding::of(passed, told(&outcome.end, &outcome)),
            Err(problem) => Finding::missing(problem),
        }
    }
}

/// The score and evidence in the last line of the output, or in all of it; `None` if it is no such JSON.
fn said(stdout: &[u8]) -> Result<Option<(Share, String)>, &'static str> {
    let text = String::from_utf8_lossy(stdout);
    let last = text.trim().lines().last().unwrap_or_default();
    let Some(object) = [text.trim(), last]
        .into_iter()
        .find_map(|part| serde_json::from_str::<Value>(part).ok().filter(|value| value.get("score").is_some()))
    else {
        return Ok(None);
    };
    let score = object["score"].as_f64().filter(|score| (0.0..=1.0).contains(score));
    let score = score.ok_or("the script's score is not a number between 0 and 1")?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a million")]
    let millionths = (score * 1e6).round() as u64;
    let words = object.get("evidence").and_then(Value::as_str).unwrap_or_default();
    Ok(Share::new(millionths, 1_000_000).map(|share| (share, words.to_owned())))
}

/// How it ended and the end of what it printed.
fn told(end: &ScriptEnd, outcome: &ScriptOutcome) -> String {
    let output = if outcome.stderr.is_empty() { &outcome.stdout } else { &outcome.stderr };
    let text = String::from_utf8_lossy(output);
    let from = text.trim().char_indices().rev().take(400).last().map_or(0, |(at, _)| at);
    let text = &text.trim()[from..];
    match end {
        ScriptEnd::Exited(status) => format!("exit {status}: {text}"),
        ScriptEnd::TimedOut => format!("its time was over: {text}"),
        ScriptEnd::NotStarted(reason) => format!("it could not be started: {reason}"),
    }
}

#[derive(Debug)]
struct TestCommand {
    command: Command,
    hidden: Vec<String>,
    into: String,
}

/// Exit statuses by which a shell or `env` says that there is no such program.
const NO_PROGRAM: [i32; 2] = [126, 127];

/// Reads `run`, `timeout_s`, `files` (paths of the suite that are copied in) and `into` (a folder of the outputs).
pub(super) fn parse_test(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    let files = params.get("files").map_or(Ok(Vec::new()), |_| params.texts("files"))?;
    let hidden = files.into_iter().map(|path| glob::suite_path(params, "files", path)).collect::<Result<_, _>>()?;
    let into = glob::output_path(params, "into", params.optional_text("into")?.unwrap_or("outputs"))?;
    Ok(Box::new(TestCommand { command: Command::parse(params, "timeout_s")?, hidden, into }))
}

impl Rule for TestCommand {
    /// Exit 0 is a pass. What the tests run is the run's own code, so that another status and a time-out are its fault.
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        match self.command.run(scene, &self.hidden, &self.into) {
            Err(error) => Finding::missing(format!("the tests could not be prepared: {error}")),
            Ok(outcome) => match &outcome.end {
                ScriptEnd::Exited(status) if !NO_PROGRAM.contains(status) => {
                    Finding::of(*status == 0, told(&outcome.end, &outcome))
                }
                ScriptEnd::TimedOut => Finding::fail(told(&outcome.end, &outcome)),
                end => Finding::missing(told(end, &outcome)),
            },
        }
    }
}

/// A command whose own number counts.
#[derive(Debug)]
struct Metric {
    command: Command,
    pattern: Regex,
    minimize: bool,
    bound: f64,
}

impl Metric {
    /// Reads `run`, `pattern`, `goal` (minimize, maximize), `budget_s` and `bound`.
    fn parse(params: &Params<'_>) -> Result<Self, Fault> {
        let minimize = params.choice("goal", &[("minimize", true), ("maximize", false)])?;
        let pattern = number::lines(params)?;
        let command = Command::parse(params, "budget_s")?;
        Ok(Self { command, pattern, minimize, bound: params.optional_number("bound")?.unwrap_or_default() })
    }

    /// The number that the command printed last. An error is the run's fault (broken) or the machine's (missing).
    fn measure(&self, scene: &Scene<'_>) -> Result<f64, Finding> {
        let prepared = |error: io::Error| Finding::missing(format!("the command could not be prepared: {error}"));
        let outcome = self.command.run(scene, &[], "").map_err(prepared)?;
        match &outcome.end {
            ScriptEnd::Exited(0) => {}
            ScriptEnd::NotStarted(_) => return Err(Finding::missing(told(&outcome.end, &outcome))),
            end => return Err(Finding::broken(told(end, &outcome))),
        }
        let text = String::from_utf8_lossy(&outcome.stdout);
        number::last(&self.pattern, &text)
            .ok_or_else(|| Finding::broken(format!("the command printed no such number: {}", evidence::quote(&text))))
    }
}

/// `metric` as a check: the number is on the right side of `bound`.
pub(super) fn parse_metric(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    params.required("bound")?;
    Ok(Box::new(Metric::parse(params)?))
}

impl Rule for Metric {
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        let number = match self.measure(scene) {
            Ok(number) => number,
            Err(finding) => return finding,
        };
        let within = if self.minimize { number <= self.bound } else { number >= self.bound };
        Finding::of(within, format!("the number is {number}"))
    }
}
