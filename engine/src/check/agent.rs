//! Checks of what the agent did: `tool_used`, `tool_not_used`, `skill_activated`, `trigger`. They look at the whole run, not at its
//! first call.

use regex::Regex;
use skill_schema::Fault;

use super::{Rule, Scene, evidence, params::Params, value::Finding};
use crate::run::{Transcript, TranscriptEvent};

#[derive(Debug)]
struct Tool {
    name: String,
    pattern: Option<Regex>,
    range: (u64, u64),
}

/// Reads `tool`, `pattern` (of the arguments), and for `tool_used` how often: `min` (1) and `max`.
pub(super) fn parse_tool(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    let range = if params.kind == "tool_used" { params.range(1)? } else { (0, 0) };
    let name = params.filled_text("tool")?.to_owned();
    Ok(Box::new(Tool { name, pattern: params.optional_regex("pattern")?, range }))
}

impl Rule for Tool {
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        let calls: Vec<&str> = scene
            .run
            .transcript
            .events
            .iter()
            .filter_map(|event| match event {
                TranscriptEvent::ToolCall { name, arguments } if *name == self.name => Some(arguments.as_str()),
                _ => None,
            })
            .filter(|arguments| self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(arguments)))
            .collect();
        let first = calls.first().map_or_else(String::new, |call| format!(", first with {}", evidence::quote(call)));
        let passed = (self.range.0..=self.range.1).contains(&(calls.len() as u64));
        Finding::of(passed, format!("{} calls of {}{first}", calls.len(), self.name))
    }

    fn reads_only_transcript(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Activated {
    /// Any skill, if empty.
    skill: String,
    expected: bool,
}

/// Reads `skill` (any, if there is none) and, for `trigger`, `should_trigger`.
pub(super) fn parse_activated(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    let expected = match params.kind {
        "trigger" => {
            params.required("should_trigger")?;
            params.flag("should_trigger", true)?
        }
        _ => true,
    };
    Ok(Box::new(Activated { skill: params.optional_text("skill")?.unwrap_or_default().to_owned(), expected }))
}

impl Rule for Activated {
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        trigger(scene.run.transcript, &self.skill, self.expected)
    }

    fn reads_only_transcript(&self) -> bool {
        true
    }
}

/// Whether the skill was taken up as it should be. `acme/notes` and `notes` are the same skill.
pub(super) fn trigger(transcript: &Transcript, skill: &str, should_trigger: bool) -> Finding {
    let taken: Vec<&str> = transcript
        .events
        .iter()
        .filter_map(|event| match event {
            TranscriptEvent::SkillActivated { name } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let is_it = |name: &&&str| skill.is_empty() || last_part(name) == last_part(skill);
    match taken.iter().find(is_it) {
        Some(name) => Finding::of(should_trigger, format!("{name} was taken up")),
        None if taken.is_empty() => Finding::of(!should_trigger, "no skill was taken up"),
        None => Finding::of(!should_trigger, format!("only {} was taken up", taken.join(", "))),
    }
}

/// The name without its scope.
fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
