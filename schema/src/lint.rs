//! What a check says about a skill: findings with a rule, a place and what to do.
//!
//! Every checker of this product reports [`Finding`]s: the two-level validator here, the content rules of `bundle`, and the
//! readers of `skill.toml`, `skills.toml` and `skills.lock`. A rule's id has the form `area.rule` and is never reused.

mod body;
mod check;
mod fields;
mod links;
mod place;
mod profile;
pub mod rules;
mod suggest;

use serde::Serialize;

use crate::{Code, Fault};

pub use body::{MAX_LINES, MAX_TOKENS, tokens};
pub use check::{File, Options, check};
pub use fields::{DESCRIPTION_TOKENS, MAX_COMPATIBILITY, MAX_DESCRIPTION};
pub use place::{Lines, Place};
pub use profile::{Profile, SPECIFIED};
pub(crate) use rules::Issue;
pub use rules::Rule;
pub use suggest::closest;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Evidence for a reader; never blocks anything.
    Note,
    /// Should be fixed; blocks only under `--deny warnings`.
    Warning,
    /// Refused at the level of the check.
    Error,
}

impl Severity {
    /// `note`, `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// How strict a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Level {
    /// Publishing: what would make agents disagree about the skill is an error.
    #[default]
    Strict,
    /// Installing and importing: what agents load all the same is a warning (client guide of the Agent Skills specification).
    Lenient,
}

/// Characters of a message or a help: both may quote a package, which must not flood whoever reads them.
const MAX_TEXT: usize = 500;

/// One thing that a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The stable rule id, `area.rule`: `frontmatter.unknown-key`.
    pub rule: &'static str,
    /// The error code of an error. `None` for warnings and notes.
    pub code: Option<&'static Code>,
    /// How much it weighs.
    #[serde(rename = "level")]
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop. May quote the package: printers escape it.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The file, relative to the skill's folder, with `/`. Untrusted: printers escape it.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// How many characters of that line it is about.
    #[serde(rename = "length")]
    pub len: Option<usize>,
}

impl Finding {
    /// An error, with the code under which it is reported.
    pub fn error(rule: &'static str, code: &'static Code, message: impl Into<String>) -> Self {
        Self::new(rule, Some(code), Severity::Error, message.into())
    }

    /// A warning.
    pub fn warning(rule: &'static str, message: impl Into<String>) -> Self {
        Self::new(rule, None, Severity::Warning, message.into())
    }

    /// A note.
    pub fn note(rule: &'static str, message: impl Into<String>) -> Self {
        Self::new(rule, None, Severity::Note, message.into())
    }

    fn new(rule: &'static str, code: Option<&'static Code>, severity: Severity, message: String) -> Self {
        let message = clip(message);
        Self { rule, code, severity, message, help: None, file: None, line: None, column: None, len: None }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(clip(help.into()));
        self
    }

    /// Names the file.
    #[must_use]
    pub fn file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Names the place in the file.
    #[must_use]
    pub fn place(mut self, place: Place) -> Self {
        self.line = Some(place.line);
        self.column = Some(place.column);
        self.len = Some(place.len);
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The finding as the occurrence of an error: `FILE:LINE:COLUMN` and the message.
    pub fn to_fault(&self) -> Fault {
        let mut fault = Fault::new(self.code.unwrap_or(crate::codes::LINT)).detail(&self.message);
        if let Some(file) = &self.file {
            let numbers = [self.line, self.column].into_iter().flatten().map(|number| format!(":{number}"));
            let place = std::iter::once(file.clone()).chain(numbers).collect::<String>();
            fault = fault.at(place);
        }
        fault
    }
}

/// Cuts a text that is too long, and shows that it was cut.
fn clip(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Sorts findings by file, line and column; findings without a place come first.
pub fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| (&a.file, a.line, a.column, a.rule).cmp(&(&b.file, b.line, b.column, b.rule)));
}

/// The code of the first error, if there is one: what the whole check failed with.
pub fn code_of(findings: &[Finding]) -> Option<&'static Code> {
    findings.iter().find(|f| f.is_error()).map(|f| f.code.unwrap_or(crate::codes::LINT))
}

#[cfg(test)]
mod tests;
