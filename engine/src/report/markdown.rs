//! A report as Markdown (CommonMark with tables), for pull requests and release notes.

use std::fmt::Write as _;

use super::{
    Details,
    terminal::{self, Table},
    words,
};
use crate::record::Record;

/// The report as Markdown.
pub fn text(record: &Record, details: &Details) -> String {
    let report = terminal::report(record, details);
    let mut out = format!("# {}\n\n**{}**\n\n", plain(&report.title), plain(&report.sentence));
    let _ = writeln!(out, "| | score | 95 % interval |\n| --- | ---: | --- |");
    for mean in &report.means {
        let value = mean.ppm.map_or_else(|| "-".to_owned(), words::percent);
        let _ = writeln!(out, "| {} | {value} | {} |", plain(&mean.label), plain(&mean.interval));
    }
    out.push('\n');
    for fact in &report.facts {
        let _ = writeln!(out, "* {}: {}", plain(fact.label), plain(&fact.value));
    }
    for table in &report.tables {
        let _ = write!(out, "\n## {}\n\n{}", capital(table.title), rows(table));
    }
    if !report.remarks.is_empty() {
        out.push_str("\n## What stands out\n\n");
        for remark in &report.remarks {
            let _ = writeln!(out, "* {}", plain(remark));
        }
    }
    if !report.cautions.is_empty() {
        out.push_str("\n## Mind\n\n");
        for caution in &report.cautions {
            let _ = writeln!(out, "* {}", plain(caution));
        }
    }
    let _ = write!(
        out,
        "\nRuns: ● passed, ◐ in part, ○ failed, · missing. Score key `{}`, measured by {} on {}.\n",
        record.score_key,
        plain(&record.provenance.who),
        record.provenance.when
    );
    out
}

fn rows(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(table.columns.iter().map(|column| plain(&column.head)).collect());
    out += &line(table.columns.iter().map(|c| if c.number { "---:" } else { "---" }.to_owned()).collect());
    for row in &table.rows {
        out += &line(row.iter().map(|cell| plain(cell)).collect());
    }
    out
}

/// Text that Markdown shows as it is: control characters as escapes, and a backslash before everything that could mean something.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in skill_schema::codes::escape(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '#' | '&' | '$' | '@') {
            out.push('\\');
        }
        out.push(c);
    }
    // A bare address would become a link.
    out.replace("://", ":\\//")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        record::sample::record,
        report::sample::{details, hostile},
    };

    #[test]
    fn the_report_has_its_sentence_means_and_tables() {
        let text = text(&record(), &details());
        assert!(
            text.starts_with("# acme/pdf-forms 2.3.0\n\n**acme/pdf-forms 2.3.0 is better than no skill by 18.0 points")
        );
        assert!(text.contains("| without | 51.0 % | 35.4 % to 66.6 % |"), "{text}");
        assert!(text.contains("\n* lift over no skill: +18.0 points\n"));
        assert!(text.contains("\n## What stands out\n\n* "), "{text}");
        assert!(text.contains("| Extract case 7 | 60.0 % | 40.0 % | −20.0 | ○●●○○ |"), "{text}");
    }

    #[test]
    fn no_text_from_outside_becomes_markup() {
        let (record, details) = hostile();
        let text = text(&record, &details);
        let bare = text.replace("\\\\", "").replace("\\<", "").replace("\\[", "").replace("\\`", "");
        assert!(!bare.contains(['<', '[', '\u{1b}']) && bare.matches('`').count() == 2, "{text}");
        assert!(text.contains("\\<script\\>"));
        let columns = |line: &str| line.replace("\\|", "").matches('|').count();
        let table: Vec<&str> =
            text.lines().skip_while(|line| *line != "## By case").skip(2).take_while(|l| !l.is_empty()).collect();
        assert!(table.len() > 3 && table.iter().all(|line| columns(line) == columns(table[0])), "{table:#?}");
    }
}
