//! Turns an error into words, a hint and an exit code. Commands only return errors; nothing else prints them.

use std::{fmt::Write, io, process::ExitCode};

use serde::Serialize;
use skill_schema::{
    Code, Fault,
    codes::{self, Exit, escape},
    problem::Problem,
};

use crate::{
    api::Refused,
    output::{BAD, DIM, Output},
};

/// The command has said everything there is to say; only the exit code is left. For commands whose result is itself a verdict
/// (`check`, `verify`, `outdated --exit-code`).
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("done with exit code {}", *.0 as u8)]
pub struct Done(pub Exit);

/// A program that the command ran for the user ended with this code, which becomes ours.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the program ended with exit code {0}")]
pub struct Exited(pub u8);

/// Something to say besides the error itself: printed as `= note: …`. Attach it with [`anyhow::Error::context`].
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Note(pub String);

/// The schema of an error as JSON.
pub const SCHEMA: &str = "skill.error/1";

/// An error, ready to be printed.
#[derive(Debug, Serialize)]
struct Report {
    code: String,
    message: String,
    hint: Option<String>,
    file: Option<String>,
    line: Option<u64>,
    column: Option<u64>,
    retryable: bool,
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// What the registry found in a refused package.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<serde_json::Value>,
    #[serde(skip)]
    exit: u8,
}

/// Prints an error as the output's settings ask, and gives the exit code.
pub fn finish(error: &anyhow::Error, output: &Output) -> ExitCode {
    if let Some(done) = error.chain().find_map(|e| e.downcast_ref::<Done>()) {
        return ExitCode::from(done.0 as u8);
    }
    if let Some(exited) = error.chain().find_map(|e| e.downcast_ref::<Exited>()) {
        return ExitCode::from(exited.0);
    }
    let report = Report::of(error);
    let exit = report.exit;
    report.print(output);
    ExitCode::from(exit)
}

/// Prints clap's error (or help, or version) and gives the exit code: 2, or 0 for help and version.
pub fn usage(error: &clap::Error, json: bool) -> ExitCode {
    if !error.use_stderr() {
        return match error.print() {
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
            _ => ExitCode::SUCCESS,
        };
    }
    let output = Output::plain(json);
    // An argument that one of our own parsers refused: its code says more than that the command line is wrong.
    if let Some(fault) = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Fault>()) {
        let report = Report::of_fault(fault);
        let exit = report.exit;
        report.print(&output);
        return ExitCode::from(exit);
    }
    let rendered = error.render();
    if json {
        let plain = rendered.to_string();
        let message = plain.strip_prefix("error: ").unwrap_or(&plain).lines().next().unwrap_or_default().to_owned();
        Report { message, ..Report::new(codes::USAGE) }.print(&output);
    } else if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        output.error(rendered.ansi().to_string().trim_end());
    } else {
        let text = rendered.ansi().to_string();
        output.error(text.replacen("error:", &format!("error[{}]:", codes::USAGE), 1).trim_end());
    }
    ExitCode::from(Exit::Usage as u8)
}

impl Report {
    fn new(code: &Code) -> Self {
        Self {
            code: code.id.to_owned(),
            message: code.title.to_owned(),
            hint: (!code.help.is_empty()).then(|| code.help.to_owned()),
            file: None,
            line: None,
            column: None,
            retryable: code.exit == Exit::Unavailable,
            request_id: None,
            notes: Vec::new(),
            findings: Vec::new(),
            exit: code.exit as u8,
        }
    }

    /// Words an error: the innermost thing that has a code says what happened, everything around it becomes a note.
    fn of(error: &anyhow::Error) -> Self {
        let mut notes = Vec::new();
        for cause in error.chain() {
            let report = if let Some(fault) = cause.downcast_ref::<Fault>() {
                Self::of_fault(fault)
            } else if let Some(refused) = cause.downcast_ref::<Refused>() {
                Self::of_problem(&refused.0)
            } else if let Some(io) = cause.downcast_ref::<io::Error>() {
                Self { message: escape(&io.to_string()), ..Self::new(codes::IO) }
            } else {
                notes.extend(cause.to_string().lines().map(escape));
                continue;
            };
            return Self { notes, ..report };
        }
        let message = escape(&format!("{error:#}"));
        Self { code: "E_FAILED".to_owned(), message, hint: None, ..Self::new(codes::IO) }
    }

    fn of_fault(fault: &Fault) -> Self {
        let (file, line, column) = fault.place.as_deref().map_or((None, None, None), |place| match position(place) {
            Some((file, line, column)) => (Some(file.to_owned()), Some(line), column),
            None if fault.code == codes::IO => (Some(place.to_owned()), None, None),
            None => (None, None, None),
        });
        Self { message: fault.sentence(), file, line, column, ..Self::new(fault.code) }
    }

    /// A refusal by the registry. Its code may be newer than this build: then its own title, hint and status are all there is.
    fn of_problem(problem: &Problem) -> Self {
        let known = problem.known();
        let hint = known.map(|code| code.help).filter(|help| !help.is_empty());
        let hint = if problem.hint.is_empty() { hint.map(str::to_owned) } else { Some(escape(&problem.hint)) };
        let exit = known.map_or_else(|| exit_of_status(problem.status), |code| code.exit);
        let message = if problem.detail.is_empty() { &problem.title } else { &problem.detail };
        Self {
            code: escape(&problem.code),
            message: escape(message),
            hint,
            retryable: exit == Exit::Unavailable,
            request_id: problem.request_id.as_deref().map(escape),
            findings: problem.findings.clone(),
            exit: exit as u8,
            ..Self::new(codes::RESPONSE)
        }
    }

    fn print(&self, output: &Output) {
        if output.json() {
            #[derive(Serialize)]
            struct Document<'a> {
                error: &'a Report,
            }
            output.result(SCHEMA, &Document { error: self });
            return;
        }
        let mut text = format!("{BAD}error[{}]:{BAD:#} {}", self.code, self.message);
        let notes = self.notes.iter().cloned().chain(self.request_id.iter().map(|id| format!("request id {id}")));
        for note in notes.chain(self.findings.iter().filter_map(finding)) {
            let _ = write!(text, "\n{DIM}  = note:{DIM:#} {note}");
        }
        if let Some(hint) = &self.hint {
            let _ = write!(text, "\n{DIM}help:{DIM:#} {hint}");
        }
        output.error(&text);
    }
}

/// One of the registry's findings in one line.
fn finding(value: &serde_json::Value) -> Option<String> {
    let text = |name: &str| value.get(name).and_then(serde_json::Value::as_str);
    let place = text("file").map(|file| format!("{file}: ")).unwrap_or_default();
    Some(escape(&format!("{place}{}", text("message")?)))
}

/// The exit code for a problem whose code this build does not know.
fn exit_of_status(status: u16) -> Exit {
    match status {
        401 | 403 => Exit::Auth,
        404 | 410 => Exit::NotFound,
        408 | 429 | 500.. => Exit::Unavailable,
        409 | 412 => Exit::Conflict,
        _ => Exit::Failed,
    }
}

/// Splits `file:line` or `file:line:column`. Addresses with a port are no positions.
fn position(place: &str) -> Option<(&str, u64, Option<u64>)> {
    if place.contains("://") {
        return None;
    }
    let (head, last) = place.rsplit_once(':')?;
    let last: u64 = last.parse().ok()?;
    match head.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?))) {
        Some((file, line)) => Some((file, line, Some(last))),
        None => Some((head, last, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_split_and_an_address_is_not() {
        assert_eq!(position("a/skills.toml:3:1"), Some(("a/skills.toml", 3, Some(1))));
        assert_eq!(position("skills.lock:7"), Some(("skills.lock", 7, None)));
        assert_eq!(position("http://127.0.0.1:8080"), None);
        assert_eq!(position("acme/notes"), None);
    }

    #[test]
    fn a_fault_keeps_its_exit_code_under_notes() {
        let error = anyhow::Error::from(Fault::new(codes::DIGEST).at("acme/notes 1.0.0"));
        let report = Report::of(&error.context(Note("while installing".into())));
        assert_eq!((report.code.as_str(), report.exit, report.retryable), ("E_DIGEST", 6, false));
        assert_eq!(report.notes, ["while installing"]);
    }

    #[test]
    fn a_code_that_we_do_not_know_is_still_reported() {
        let mut problem = Problem::new(codes::NOT_OWNER, "the moon is full");
        problem.code = "E_MOON".into();
        let report = Report::of(&anyhow::Error::from(Refused(Box::new(problem))));
        assert_eq!((report.code.as_str(), report.exit, report.message.as_str()), ("E_MOON", 4, "the moon is full"));
    }
}
