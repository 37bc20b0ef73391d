//! Findings for people, and a line that sums them up.

use skill_schema::{Code, codes::escape, lint::Severity};

use super::Checked;
use crate::{
    output::{BAD, DIM, Output, count},
    render,
};

/// Draws the findings (notes only with `-v`) and says what they come to.
pub(super) fn say(checked: &Checked, output: &Output) {
    let verbose = output.settings().verbose > 0;
    for finding in &checked.report.findings {
        if finding.severity == Severity::Note && !verbose {
            continue;
        }
        let text = finding.file.as_deref().and_then(|file| checked.text(file));
        let mut shown = finding.clone();
        shown.file = finding.file.as_deref().map(|file| checked.place_of(file));
        output.data(format!("{}\n", render::finding(&shown, text)));
    }
    let sum = sum(checked, verbose);
    let path = escape(&checked.path.display().to_string());
    match checked.code {
        None => output.status("Checked", format!("{path}: {sum}")),
        Some(code) => {
            let help = format!("skill explain {} says more", to_explain(checked, code));
            output.error(&format!("{BAD}error[{code}]:{BAD:#} {path}: {sum}\n{DIM}help:{DIM:#} {help}"));
        }
    }
}

/// What to look up: the rule of the first error, or the code where the rule says nothing of its own.
fn to_explain(checked: &Checked, code: &'static Code) -> &'static str {
    let first = checked.report.findings.iter().find(|finding| finding.is_error());
    first.map(|finding| finding.rule).filter(|rule| *rule != "archive.profile").unwrap_or(code.id)
}

/// `no errors, 2 warnings, 3 notes (-v shows them)`.
fn sum(checked: &Checked, verbose: bool) -> String {
    let errors = match checked.count(Severity::Error) {
        0 => "no errors".to_owned(),
        n => count(n, "error"),
    };
    let warnings = match checked.count(Severity::Warning) {
        0 => "no warnings".to_owned(),
        n => count(n, "warning"),
    };
    match checked.count(Severity::Note) {
        0 => format!("{errors}, {warnings}"),
        n => format!("{errors}, {warnings}, {}{}", count(n, "note"), if verbose { "" } else { " (-v shows them)" }),
    }
}
