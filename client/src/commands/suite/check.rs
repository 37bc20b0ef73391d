//! `skill suite check`: what makes a score wrong without anybody noticing.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Serialize;
use skill_bundle::check::Report;
use skill_engine::suite::{Opened, lint};
use skill_schema::{
    Code,
    codes::{self, escape},
    lint::{self as rules, Finding, Severity},
};

use crate::{
    context::Context,
    output::{BAD, DIM, Output, count},
    render,
    report::Done,
};

/// Check a suite: its cases, checks, files and split.
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "lint",
    after_help = "\
Examples:
  skill suite check                      the suite of the skill in this folder
  skill suite check skills/*             several
  skill suite check --level lenient other/evals.json
  skill suite check --deny warnings

Exit codes: 0 nothing is wrong, 1 there are errors, 8 there are warnings and --deny warnings was given."
)]
pub struct Args {
    /// Folders of skills or suites, or files.
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Fail for warnings as well.
    #[arg(long, value_name = "WHAT", value_parser = ["warnings"])]
    deny: Option<String>,
    /// How strict to be: as with a suite of one's own, or with one from elsewhere.
    #[arg(long, value_enum, default_value = "strict", hide_possible_values = true, value_name = "strict|lenient")]
    level: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Strict,
    Lenient,
}

/// What was found, as JSON.
#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    code: Option<&'a str>,
    findings: &'a [Finding],
    path: String,
    cases: usize,
}

/// Checks suites.
///
/// # Errors
/// [`codes::NO_SUITE`], [`codes::IO`]; what was found is no error but [`Done`] with the exit code.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let level = match args.level {
        Level::Strict => rules::Level::Strict,
        Level::Lenient => rules::Level::Lenient,
    };
    let mut found = Vec::new();
    for path in &args.paths {
        let (report, opened) = lint::check(path, level)?;
        let warned = report.findings.iter().any(|finding| finding.severity == Severity::Warning);
        let denied = (args.deny.is_some() && warned).then_some(codes::DENIED_WARNINGS);
        let code = report.code.or(denied);
        let document = Document {
            ok: code.is_none(),
            code: code.map(|code| code.id),
            findings: &report.findings,
            path: path.display().to_string(),
            cases: opened.as_ref().map_or(0, |opened| opened.suite.cases.len()),
        };
        context.output.result_or("skill.suite.check/1", &document, |out| {
            say(path, &report, opened.as_ref(), code, out);
        });
        found.push(code);
    }
    match crate::commands::check::exit(&found) {
        Some(exit) => Err(Done(exit).into()),
        None => Ok(()),
    }
}

/// Draws the findings (notes only with `-v`) and says what they come to.
fn say(path: &Path, report: &Report, opened: Option<&Opened>, code: Option<&'static Code>, out: &Output) {
    let verbose = out.settings().verbose > 0;
    for finding in report.findings.iter().filter(|finding| finding.severity != Severity::Note || verbose) {
        let mut drawn = finding.clone();
        let mut text = None;
        if let (Some(opened), Some(file)) = (opened, finding.file.as_deref()) {
            text = (file == opened.file).then_some(opened.source.text.as_str());
            drawn.file = Some(super::shown(opened, file));
        }
        out.data(format!("{}\n", render::finding(&drawn, text)));
    }
    let path = escape(&path.display().to_string());
    let sum = sum(&report.findings, opened, verbose);
    match code {
        None => out.status("Checked", format!("{path}: {sum}")),
        Some(code) => {
            let first = report.findings.iter().find(|finding| finding.is_error()).map_or(code.id, |f| f.rule);
            let help = format!("skill explain {first} says more");
            out.error(&format!("{BAD}error[{code}]:{BAD:#} {path}: {sum}\n{DIM}help:{DIM:#} {help}"));
        }
    }
}

/// `20 cases, no errors, 2 warnings, 3 notes (-v shows them)`.
fn sum(findings: &[Finding], opened: Option<&Opened>, verbose: bool) -> String {
    let of = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let some = |n: usize, thing: &str| if n == 0 { format!("no {thing}s") } else { count(n, thing) };
    let mut parts: Vec<String> = opened.map(|opened| count(opened.suite.cases.len(), "case")).into_iter().collect();
    parts.extend([some(of(Severity::Error), "error"), some(of(Severity::Warning), "warning")]);
    match of(Severity::Note) {
        0 => {}
        n => parts.push(format!("{}{}", count(n, "note"), if verbose { "" } else { " (-v shows them)" })),
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_summed_up() {
        let findings = [Finding::warning("suite.greedy", "w"), Finding::note("suite.network", "n")];
        assert_eq!(sum(&findings, None, false), "no errors, 1 warning, 1 note (-v shows them)");
        assert_eq!(sum(&[], None, true), "no errors, no warnings");
    }
}
