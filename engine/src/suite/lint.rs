//! What is wrong with a suite: findings with stable rule ids, as `skill check` shows them for skills.

mod cases;
mod checks;
mod files;
mod near;
mod parts;
pub mod rules;

use std::path::Path;

use skill_bundle::check::Report;
use skill_schema::{
    Fault, codes,
    lint::{self, Finding, Level, Lines, Rule},
};

#[cfg(test)]
use super::Lock;
use super::{Opened, Suite, source::Step};

/// Findings of one suite at most: further ones would say nothing new.
const MAX_FINDINGS: usize = 500;

impl Opened {
    /// Checks the suite, its files and its lock. Sorted by place.
    pub fn lint(&self, level: Level) -> Vec<Finding> {
        let mut linter = Linter { opened: self, level, lines: Lines::new(&self.source.text), findings: Vec::new() };
        parts::settings(&mut linter);
        cases::check(&mut linter);
        checks::check(&mut linter);
        files::check(&mut linter);
        near::check(&mut linter);
        parts::check(&mut linter);
        let mut findings = linter.findings;
        lint::sort(&mut findings);
        findings
    }
}

/// Reads and checks the suite at a path. A suite that cannot be read has one finding; then there is nothing else to show.
///
/// # Errors
/// [`codes::NO_SUITE`], [`codes::IO`] and what else says nothing about the suite itself.
pub fn check(at: &Path, level: Level) -> Result<(Report, Option<Opened>), Fault> {
    match Suite::read(at) {
        Ok(opened) => {
            let findings = opened.lint(level);
            let code = lint::code_of(&findings);
            Ok((Report { ok: code.is_none(), code, findings }, Some(opened)))
        }
        Err(fault) if fault.code == codes::SUITE => Ok((unreadable(&fault), None)),
        Err(fault) => Err(fault),
    }
}

/// The report of a suite that cannot be read.
pub fn unreadable(fault: &Fault) -> Report {
    let place = fault.place.as_deref().unwrap_or_default();
    let (file, inside) = place.split_once(": ").unwrap_or((place, ""));
    let detail = fault.detail.as_deref().unwrap_or(fault.code.title);
    let message = if inside.is_empty() { detail.to_owned() } else { format!("{inside}: {detail}") };
    let mut finding = Finding::error(rules::UNREADABLE.id, codes::SUITE, message).help(fault.code.help);
    if !file.is_empty() {
        finding = finding.file(file);
    }
    Report { ok: false, code: Some(codes::SUITE), findings: vec![finding] }
}

/// A suite that is being checked.
struct Linter<'a> {
    opened: &'a Opened,
    level: Level,
    lines: Lines<'a>,
    findings: Vec<Finding>,
}

impl<'a> Linter<'a> {
    fn suite(&self) -> &'a Suite {
        &self.opened.suite
    }

    /// Reports a broken rule at the end of these steps.
    fn report(&mut self, rule: &Rule, steps: &[Step<'_>], message: impl Into<String>, help: &str) {
        if self.findings.len() >= MAX_FINDINGS {
            return;
        }
        let span = self.opened.source.root.at(steps).span.clone();
        // What spans several lines is shown by its beginning.
        let place = self.lines.place(span.start..span.end.min(span.start + 80));
        let finding = rule.finding(self.level, message).file(&self.opened.file).place(place);
        self.findings.push(if help.is_empty() { finding } else { finding.help(help) });
    }

    /// Reports a broken rule of the `n`-th case, at a member of it.
    fn report_case(&mut self, rule: &Rule, n: usize, at: &[Step<'_>], message: impl Into<String>, help: &str) {
        let mut steps = self.case(n);
        steps.extend_from_slice(at);
        self.report(rule, &steps, message, help);
    }

    /// Reports what is about another file than the suite's, or about none of its lines.
    fn report_file(&mut self, rule: &Rule, file: &str, message: impl Into<String>, help: &str) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(rule.finding(self.level, message).file(file).help(help));
        }
    }

    /// The steps to a case.
    fn case(&self, n: usize) -> Vec<Step<'static>> {
        if self.suite().document.is_array() {
            return vec![Step::Item(n)];
        }
        vec![Step::Key("evals"), Step::Item(n)]
    }
}

#[cfg(test)]
mod tests;
