//! What a proposer is told: the task, the skill, what failed on some train cases, and what was tried in vain. Nothing in it comes from
//! the holdout.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    edit::{MAX_DESCRIPTION, MAX_LINES},
    journal::Status,
    operator::Operator,
    state::State,
};
use crate::{
    report::{Details, RunId},
    run::{Run, TranscriptEvent},
};

/// The brief's own format.
pub const SCHEMA: &str = "skill.improve-brief/1";
/// Discarded ideas that a proposer is shown.
const IDEAS: usize = 10;
/// Characters of an idea: one line.
pub const MAX_IDEA: usize = 200;
/// Characters of one file, transcript or prompt in a brief: six cases and a skill fit a small model's context.
const MAX_TEXT: usize = 12_000;
/// Characters of one event of a transcript.
const MAX_EVENT: usize = 3_000;

/// What a proposer is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Brief {
    /// [`SCHEMA`].
    pub schema: String,
    /// The experiment's number.
    pub experiment: u32,
    /// What to do.
    pub task: Task,
    /// The skill's name.
    pub skill: String,
    /// The parent's text files.
    pub files: BTreeMap<String, String>,
    /// The text files of the second parent of a merge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<BTreeMap<String, String>>,
    /// The parent's score on the train cases, from 0 to 1.
    pub score: f64,
    /// Tokens that the parent loads into each run.
    pub tokens: u64,
    /// What the parent did on some train cases.
    pub evidence: Vec<Evidence>,
    /// The last ideas that were not kept.
    pub discarded: Vec<Idea>,
}

/// What to do, and within which bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The kind of edit.
    pub operator: Operator,
    /// What that means.
    pub instructions: String,
    /// Lines that may be changed if more than one file is.
    pub max_changed_lines: usize,
    /// Characters of the description.
    pub max_description: usize,
}

/// One case as the parent did it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The case's id.
    pub case: String,
    /// What was asked.
    pub prompt: String,
    /// The score, per mille; none if it could not be graded.
    pub score: Option<u16>,
    /// The checks, failed ones first.
    pub checks: Vec<CheckSeen>,
    /// What happened after the prompt, in order.
    pub transcript: Vec<String>,
}

/// What a check said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckSeen {
    /// What it asks.
    pub asks: String,
    /// Whether it passed.
    pub passed: bool,
    /// What was found.
    pub found: String,
}

/// An idea that was not kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Idea {
    /// The idea.
    pub idea: String,
    /// Its kind.
    pub operator: Operator,
    /// Difference to its parent in points; none if it was not measured.
    pub delta_points: Option<f64>,
    /// How it ended.
    pub status: Status,
    /// Why.
    pub why: String,
}

impl Task {
    /// The task of an operator.
    pub fn of(operator: Operator) -> Self {
        let what = match operator {
            Operator::Reflect => {
                "Find out why the failed cases failed, and change the skill so that cases of this kind succeed. Give the reason behind \
                 an instruction rather than an order in capitals. Do not copy prompts or answers of cases into the skill: it is \
                 decided on other cases."
            }
            Operator::Simplify => {
                "Make SKILL.md at least a tenth shorter without losing what the cases need: remove what the model does anyway, what is said \
                 twice, and what no case has needed."
            }
            Operator::Merge => {
                "`other` is another version of the skill that is better on other cases. Bring what makes it better into this one."
            }
            Operator::Script => {
                "Find steps that are always the same and can be computed. Put them into a script in scripts/, and say in SKILL.md when to \
                 run it and what it prints."
            }
            Operator::Description => {
                "Change only the description in the frontmatter of SKILL.md: it alone decides whether an agent takes up the skill. Say what \
                 the skill does and when to use it, in the words that users use; say what it is not for where it was taken up wrongly."
            }
        };
        let instructions = format!(
            "{what} Make one bounded change, and leave the name as it is. Allowed are one changed file, or at most {MAX_LINES} changed lines \
             in several."
        );
        Self { operator, instructions, max_changed_lines: MAX_LINES, max_description: MAX_DESCRIPTION }
    }
}

impl Evidence {
    /// A case from its run.
    pub fn of(run: &Run, details: &Details) -> Self {
        let text = details.cases.get(&run.case);
        let asks = |id: &str| text.and_then(|text| text.checks.get(id)).cloned().unwrap_or_else(|| id.to_owned());
        let mut checks: Vec<CheckSeen> = run
            .checks
            .iter()
            .map(|check| CheckSeen {
                asks: cut(&asks(&check.id), MAX_EVENT),
                passed: check.passed(),
                found: cut(&check.evidence, MAX_EVENT),
            })
            .collect();
        checks.sort_by_key(|check| check.passed);
        let events = details.runs.get(&RunId::from(run)).map(|details| &details.transcript.events[..]);
        Self {
            case: run.case.clone(),
            prompt: cut(text.map_or("", |text| &text.prompt), MAX_TEXT),
            score: run.score,
            checks,
            transcript: events.unwrap_or_default().iter().filter_map(event).collect(),
        }
    }
}

fn event(event: &TranscriptEvent) -> Option<String> {
    let line = match event {
        TranscriptEvent::Prompt { .. } => return None,
        TranscriptEvent::Answer { text } => format!("answer: {text}"),
        TranscriptEvent::SkillActivated { name } => format!("took up the skill {name}"),
        TranscriptEvent::ToolCall { name, arguments } => format!("called {name}: {arguments}"),
        TranscriptEvent::ToolResult { name, output, failed: true } => format!("error of {name}: {output}"),
        TranscriptEvent::ToolResult { name, output, .. } => format!("result of {name}: {output}"),
        TranscriptEvent::Note { text } => format!("note: {text}"),
    };
    Some(cut(&line, MAX_EVENT))
}

/// The last ideas that were not kept, the latest last.
pub(super) fn discarded(state: &State) -> Vec<Idea> {
    let lost = state.experiments.iter().filter(|experiment| experiment.status != Status::Keep);
    let idea = |experiment: &super::Experiment| Idea {
        idea: experiment.idea.clone(),
        operator: experiment.operator,
        delta_points: experiment.delta.map(|delta| (delta * 1000.0).round() / 10.0),
        status: experiment.status,
        why: experiment.why.clone(),
    };
    let mut ideas: Vec<Idea> = lost.rev().take(IDEAS).map(idea).collect();
    ideas.reverse();
    ideas
}

/// Files, each cut at the limit.
pub(super) fn shown(files: BTreeMap<String, String>) -> BTreeMap<String, String> {
    files.into_iter().map(|(path, text)| (path, cut(&text, MAX_TEXT))).collect()
}

/// The beginning of a text.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// An idea as one line of the log.
pub fn one_line(text: &str) -> String {
    cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), MAX_IDEA)
}
