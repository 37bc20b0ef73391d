//! What a check looks at, as text.

use serde_json::json;
use skill_schema::Fault;

use super::{Scene, code, folder, glob::Glob, params::Params, value::Finding};
use crate::run::{Transcript, TranscriptEvent};

/// Bytes of all the text that one check looks at.
const MAX_TEXT: usize = 4 * 1024 * 1024;

/// Where the text comes from.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// The last answer.
    Final,
    /// Answers, calls and results, in order; not what was asked.
    Transcript,
    /// Files of the outputs, joined in the order of their paths.
    Files(Glob),
    /// The exit status as a decimal number.
    Exit,
    /// What was used, as JSON.
    Usage,
}

/// Which part of the text counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    All,
    /// What stands in fenced blocks, without comments; all of it if there are no fences.
    Code,
    /// What stands in fenced blocks as it is; all of it if there are no fences.
    Fenced,
    /// What stands outside of fenced blocks.
    Prose,
}

/// A target and the part of it that counts: the parameters `target` and `part`.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    target: Target,
    part: Part,
}

impl Subject {
    pub(super) fn parse(params: &Params<'_>) -> Result<Self, Fault> {
        let parts = [("all", Part::All), ("code", Part::Code), ("fenced", Part::Fenced), ("prose", Part::Prose)];
        Ok(Self { target: Target::parse(params)?, part: params.choice("part", &parts)? })
    }

    /// The text, or why there is none.
    pub(super) fn text(&self, scene: &Scene<'_>) -> Result<String, Finding> {
        let text = self.target.text(scene)?;
        Ok(match self.part {
            Part::All => text,
            Part::Code => code::without_comments(&code::fenced(&text)),
            Part::Fenced => code::fenced(&text),
            Part::Prose => code::prose(&text),
        })
    }

    /// Whether only the transcript is looked at, so that anyone who has it can check again.
    pub(super) fn is_transcript(&self) -> bool {
        matches!(self.target, Target::Final | Target::Transcript)
    }

    /// The name of the file that the target names, for guessing its format.
    pub(super) fn file_name(&self) -> &str {
        if let Target::Files(glob) = &self.target { glob.text() } else { "" }
    }
}

impl Target {
    pub(super) fn parse(params: &Params<'_>) -> Result<Self, Fault> {
        Ok(match params.target {
            "final" => Self::Final,
            "transcript" => Self::Transcript,
            "exit" => Self::Exit,
            "usage" => Self::Usage,
            files if files.starts_with("outputs/") => Self::Files(Glob::new(params, "target", files)?),
            _ => {
                let detail = "one of final, transcript, outputs/…, exit, usage is expected";
                return Err(params.wrong("target", detail));
            }
        })
    }

    fn text(&self, scene: &Scene<'_>) -> Result<String, Finding> {
        let text = match self {
            Self::Final => {
                let text = scene.run.transcript.final_text();
                if text.trim().is_empty() {
                    return Err(Finding::broken("there is no answer"));
                }
                text.to_owned()
            }
            Self::Transcript => transcript(scene.run.transcript),
            Self::Files(glob) => files(glob, scene)?,
            Self::Exit => scene.run.exit.to_string(),
            Self::Usage => json!(scene.run.usage).to_string(),
        };
        if text.len() > MAX_TEXT {
            return Err(Finding::broken(format!("there are more than {MAX_TEXT} bytes to look at")));
        }
        Ok(text)
    }
}

/// All that the model said, called and got back, one event a paragraph.
fn transcript(transcript: &Transcript) -> String {
    let mut text = String::new();
    for event in &transcript.events {
        match event {
            TranscriptEvent::Answer { text: said } => text.push_str(said),
            TranscriptEvent::ToolCall { name, arguments } => {
                text.push_str(name);
                text.push(' ');
                text.push_str(arguments);
            }
            TranscriptEvent::ToolResult { output, .. } => text.push_str(output),
            TranscriptEvent::SkillActivated { .. } | TranscriptEvent::Prompt { .. } | TranscriptEvent::Note { .. } => {
                continue;
            }
        }
        text.push('\n');
    }
    text
}

/// The contents of all files that match; bytes that are not UTF-8 become U+FFFD.
fn files(glob: &Glob, scene: &Scene<'_>) -> Result<String, Finding> {
    let entries = folder::list(scene.run.outputs).map_err(|trouble| Finding::broken(trouble.to_string()))?;
    let found = glob.files(&entries);
    if found.is_empty() {
        return Err(Finding::broken(format!("no file matches outputs/{}", glob.text())));
    }
    let mut text = String::new();
    for entry in found {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let bytes =
            folder::read(scene.run.outputs, &entry.path).map_err(|trouble| Finding::broken(trouble.to_string()))?;
        text.push_str(&String::from_utf8_lossy(&bytes));
        if text.len() > MAX_TEXT {
            break;
        }
    }
    Ok(text)
}
