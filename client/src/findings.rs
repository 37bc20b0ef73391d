//! What a check found about a skill on this machine, shown to the person who is about to publish or install it.

use std::path::Path;

use skill_bundle::Package;
use skill_schema::{
    Code, Fault,
    lint::{Finding, Severity},
    problem::Problem,
};

use crate::{api::Refused, context::Context, output::count, render};

/// Draws errors and warnings; notes with `-v` only.
pub fn say(findings: &[Finding], path: &Path, package: &Package, context: &Context) {
    if context.output.json() {
        return;
    }
    let verbose = context.output.settings().verbose > 0;
    for finding in findings.iter().filter(|finding| finding.severity != Severity::Note || verbose) {
        let file = finding.file.as_deref().and_then(|file| package.file(file));
        let text = file.and_then(|file| std::str::from_utf8(file.content).ok());
        let mut shown = finding.clone();
        if path != Path::new(".") {
            shown.file = finding.file.as_deref().map(|file| path.join(file).display().to_string());
        }
        context.output.talk(format!("{}\n", render::finding(&shown, text)));
    }
}

/// The error that sums findings up; with `--json` they stand in it.
pub fn refused(findings: &[Finding], code: &'static Code, path: &Path, context: &Context) -> anyhow::Error {
    let of = |severity: Severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let sum = format!("{}, {}", count(of(Severity::Error), "error"), count(of(Severity::Warning), "warning"));
    let fault = Fault::new(code).at(path.display().to_string()).detail(sum);
    if !context.output.json() {
        return fault.into();
    }
    let findings = findings.iter().filter_map(|finding| serde_json::to_value(finding).ok()).collect();
    Refused(Box::new(Problem { findings, ..Problem::new(code, fault.sentence()) })).into()
}
