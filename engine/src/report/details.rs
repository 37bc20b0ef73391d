//! What a report shows and a record does not hold: what was asked and what came out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    executor::leak::Leak,
    run::{Arm, Run, Transcript},
    suite::{Case, Task},
};

/// Texts of cases and runs. What is missing is left out of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// By the case's id.
    pub cases: BTreeMap<String, CaseText>,
    /// By run.
    pub runs: BTreeMap<RunId, RunDetails>,
    /// Where the skill holds text of the holdout.
    pub leaks: Vec<Leak>,
}

/// Details as a file holds them: lists, since keys of JSON objects are text.
#[derive(Serialize, Deserialize)]
struct Stored {
    cases: BTreeMap<String, CaseText>,
    runs: Vec<(RunId, RunDetails)>,
    #[serde(default)]
    leaks: Vec<Leak>,
}

impl Details {
    /// The details as JSON.
    pub fn to_json(&self) -> String {
        let runs = self.runs.clone().into_iter().collect();
        let stored = Stored { cases: self.cases.clone(), runs, leaks: self.leaks.clone() };
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// Reads what [`Details::to_json`] wrote; `None` if it is something else.
    pub fn from_json(bytes: &[u8]) -> Option<Self> {
        let stored: Stored = serde_json::from_slice(bytes).ok()?;
        Some(Self { cases: stored.cases, runs: stored.runs.into_iter().collect(), leaks: stored.leaks })
    }
}

/// Which run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId {
    /// Id of its case.
    pub case: String,
    /// Its arm.
    pub arm: Arm,
    /// Which repeat, from 0.
    pub repeat: u32,
}

impl From<&Run> for RunId {
    fn from(run: &Run) -> Self {
        Self { case: run.case.clone(), arm: run.arm, repeat: run.repeat }
    }
}

/// What a case asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseText {
    /// A name for people.
    pub name: String,
    /// The prompt, query or command.
    pub prompt: String,
    /// What is expected, in words.
    pub expected: String,
    /// What each check asks, by its id.
    pub checks: BTreeMap<String, String>,
}

/// What came out of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunDetails {
    /// What happened; its last answer is the output.
    pub transcript: Transcript,
    /// The files that it left.
    pub files: Vec<OutputFile>,
}

/// A file that a run left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputFile {
    /// Path from the folder of outputs, with `/`.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// What stands in it, if it is text.
    pub text: Option<String>,
}

impl From<&Case> for CaseText {
    fn from(case: &Case) -> Self {
        let name = case.name.clone();
        match &case.task {
            Task::Prompt { prompt, expected_output, expectations, checks, .. } => {
                let asked = |check: &crate::suite::Check| (check.id.clone(), describe(check));
                let stated = expectations.iter().enumerate().map(|(n, text)| (format!("e{}", n + 1), text.clone()));
                let checks = checks.iter().map(asked).chain(stated).collect();
                Self { name, prompt: prompt.clone(), expected: expected_output.clone(), checks }
            }
            Task::Trigger { query, should_trigger } => {
                let expected = if *should_trigger { "the skill is taken up" } else { "the skill is left alone" };
                Self { name, prompt: query.clone(), expected: expected.to_owned(), checks: BTreeMap::new() }
            }
            Task::Metric { run, minimize, .. } => {
                let expected =
                    if *minimize { "as small a number as possible" } else { "as large a number as possible" };
                Self { name, prompt: run.clone(), expected: expected.to_owned(), checks: BTreeMap::new() }
            }
        }
    }
}

/// A check in words: its kind and its own parameters.
fn describe(check: &crate::suite::Check) -> String {
    let shared = ["id", "kind", "weight", "required"];
    let own = check.params.iter().filter(|(key, _)| !shared.contains(&key.as_str()));
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    own.fold(check.kind.clone(), |words, (key, value)| format!("{words} · {key} {}", text(value)))
}

impl Details {
    /// The case's name for people: its id if there is no other.
    pub fn name<'a>(&'a self, case: &'a str) -> &'a str {
        self.cases.get(case).map(|text| text.name.as_str()).filter(|name| !name.is_empty()).unwrap_or(case)
    }

    /// What a check asks; none if nothing is known of it.
    pub fn check(&self, case: &str, check: &str) -> Option<&str> {
        self.cases.get(case)?.checks.get(check).map(String::as_str)
    }

    /// What came out of a run.
    pub fn of(&self, run: &Run) -> Option<&RunDetails> {
        self.runs.get(&RunId::from(run))
    }
}
