//! Workflow commands of GitHub Actions: findings appear beside the lines of a pull request.

use std::fmt::Write;

use skill_schema::lint::Severity;

use super::Checked;

/// One command for each finding.
pub(super) fn lines(checked: &Checked) -> Vec<String> {
    checked
        .report
        .findings
        .iter()
        .map(|finding| {
            let command = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "notice",
            };
            let file = match &finding.file {
                Some(file) if !checked.packed => checked.place_of(file),
                _ => checked.path.display().to_string(),
            };
            let mut line = format!("::{command} file={}", property(&file));
            for (name, number) in [("line", finding.line), ("col", finding.column)] {
                if let Some(number) = number.filter(|_| !checked.packed) {
                    let _ = write!(line, ",{name}={number}");
                }
            }
            let help = finding.help.as_deref().map(|help| format!("\n{help}")).unwrap_or_default();
            let _ = write!(line, ",title={}::{}", property(finding.rule), data(&format!("{}{help}", finding.message)));
            line
        })
        .collect()
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::tests::{check, skill};

    #[test]
    fn a_finding_cannot_start_a_command_of_its_own() {
        let (_home, folder) = skill("---\nname: notes\ndescription: Notes.\n\"a\\n::stop-commands::x\": 1\n---\n");
        let lines = lines(&check(&folder, false));
        assert!(
            lines.iter().any(|line| line.starts_with("::warning file=") && line.contains(",line=4,col=")),
            "{lines:?}"
        );
        assert!(lines.iter().all(|line| !line.contains('\n')), "{lines:?}");
        assert_eq!(property("a,b:c\n%"), "a%2Cb%3Ac%0A%25");
    }
}
