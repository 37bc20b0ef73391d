//! A report as data, rows and columns that the client draws, and as plain text.

use super::{
    Details, remarks,
    words::{self, Fact, Tone},
};
use crate::record::{CaseResult, Record};

/// A report in words, facts and tables. Texts can come from outside: whoever draws them escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The skill and its version.
    pub title: String,
    /// What the result means, in one sentence.
    pub sentence: String,
    /// Whether it is good news.
    pub tone: Tone,
    /// One bar a mean.
    pub means: Vec<Mean>,
    /// What stands beside the means.
    pub facts: Vec<Fact>,
    /// By category, if there is more than one, and by case.
    pub tables: Vec<Table>,
    /// What makes the result doubtful or incomplete.
    pub cautions: Vec<String>,
    /// What stands out in the runs.
    pub remarks: Vec<String>,
}

/// Remarks of a report in the terminal or in Markdown; the page has all.
const REMARKS: usize = 8;

/// The mean of an arm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mean {
    /// `without`, `with`, or the baseline's name.
    pub label: String,
    /// In millionths; none if nothing was measured.
    pub ppm: Option<i64>,
    /// Its 95 % interval in words.
    pub interval: String,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it shows.
    pub title: &'static str,
    /// The heads of its columns.
    pub columns: Vec<Column>,
    /// Its rows, each with as many cells as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its head.
    pub head: String,
    /// Whether its cells are numbers, set to the right.
    pub number: bool,
}

/// The report of a record.
pub fn report(record: &Record, details: &Details) -> Report {
    let conclusion = words::conclusion(record);
    let result = &record.result;
    let mean = |label: String, arm: &crate::record::ArmSummary| Mean {
        label,
        ppm: arm.mean_ppm,
        interval: words::mean_interval(arm.interval),
    };
    let base = result.base.as_ref().map(|arm| mean(words::baseline(record), arm));
    let mut facts = words::facts(record);
    facts.push(Fact { label: "suite", value: words::suite(record) });
    if let Some(value) = words::gate(record) {
        facts.push(Fact { label: "gate", value });
    }
    let mut tables = Vec::new();
    if result.categories.len() > 1 {
        tables.push(by_category(record));
    }
    tables.push(by_case(record, details));
    Report {
        title: record.skill.title(),
        sentence: conclusion.sentence,
        tone: conclusion.tone,
        means: base.into_iter().chain([mean("with".to_owned(), &result.cand)]).collect(),
        facts,
        tables,
        cautions: words::cautions(record, details),
        remarks: remarks::sentences(&remarks::remarks(record), REMARKS),
    }
}

/// The report as plain text, 80 columns wide where names allow it.
pub fn text(record: &Record, details: &Details) -> String {
    let report = report(record, details);
    let mut out = vec![clean(&report.sentence), String::new()];
    let labels = report.means.iter().map(|mean| mean.label.as_str()).chain(report.facts.iter().map(|fact| fact.label));
    let wide = labels.map(|label| clean(label).chars().count()).max().unwrap_or(0);
    for mean in &report.means {
        let value = mean.ppm.map_or_else(|| "-".to_owned(), words::percent);
        let interval = format!("95 % interval {}", mean.interval);
        out.push(format!("  {:wide$}  {value:>8}  {}  {interval}", clean(&mean.label), bar(mean.ppm.unwrap_or(0))));
    }
    out.extend(report.facts.iter().map(|fact| format!("  {:wide$}  {}", fact.label, clean(&fact.value))));
    for table in &report.tables {
        out.push(String::new());
        out.push(format!("{}:", table.title));
        out.extend(lines(table));
    }
    if !report.remarks.is_empty() {
        out.push(String::new());
        out.push("what stands out:".to_owned());
        out.extend(report.remarks.iter().map(|remark| format!("  {}", clean(remark))));
    }
    if !report.cautions.is_empty() {
        out.push(String::new());
        out.extend(report.cautions.iter().map(|caution| format!("note: {}", clean(caution))));
    }
    out.push(String::new());
    out.join("\n")
}

/// Cells of a bar.
const BAR: i64 = 22;

fn bar(ppm: i64) -> String {
    let full = ((ppm * BAR + 500_000) / 1_000_000).clamp(0, BAR);
    let repeat = |text: &str, n: i64| text.repeat(usize::try_from(n).unwrap_or(0));
    repeat("█", full) + &repeat("░", BAR - full)
}

fn column(head: &str, number: bool) -> Column {
    Column { head: head.to_owned(), number }
}

fn columns(first: &str, record: &Record) -> Vec<Column> {
    let mut columns = vec![column(first, false)];
    if record.result.base.is_some() {
        columns.push(column(&words::baseline(record), true));
    }
    columns.push(column("with", true));
    if record.result.base.is_some() {
        columns.push(column("difference", true));
    }
    columns
}

fn by_category(record: &Record) -> Table {
    let mut columns = columns("category", record);
    columns.push(column("cases", true));
    let has_base = record.result.base.is_some();
    let row = |category: &crate::record::CategoryResult| {
        let mut cells = vec![category.category.clone()];
        cells.extend(has_base.then(|| share(category.base_ppm)));
        cells.push(share(category.cand_ppm));
        cells.extend(has_base.then(|| category.delta_ppm.map_or_else(dash, words::points)));
        cells.push(category.cases.to_string());
        cells
    };
    Table { title: "by category", columns, rows: record.result.categories.iter().map(row).collect() }
}

fn by_case(record: &Record, details: &Details) -> Table {
    let mut columns = columns("case", record);
    columns.extend([column("runs", false), column("tokens", true)]);
    let has_base = record.result.base.is_some();
    let row = |case: &CaseResult| {
        let mean = |arm: &Option<crate::record::CaseArm>| share(arm.as_ref().and_then(|arm| arm.mean_ppm));
        let mut cells = vec![details.name(&case.id).to_owned()];
        cells.extend(has_base.then(|| mean(&case.base)));
        cells.push(mean(&case.cand));
        cells.extend(has_base.then(|| case.delta_ppm.map_or_else(dash, words::points)));
        cells.push(case.cand.as_ref().map_or_else(String::new, |arm| arm.scores.iter().copied().map(mark).collect()));
        cells.push(case.cand.as_ref().map_or_else(dash, |arm| words::grouped(arm.tokens)));
        cells
    };
    let rows = words::failures_first(record).into_iter().map(|i| row(&record.result.by_case[i])).collect();
    Table { title: "by case", columns, rows }
}

/// A run in one character: wholly passed, partly, failed, missing.
pub fn mark(score: Option<u16>) -> char {
    match score {
        Some(1_000..) => '●',
        Some(1..) => '◐',
        Some(0) => '○',
        None => '·',
    }
}

fn share(ppm: Option<i64>) -> String {
    ppm.map_or_else(dash, words::percent)
}

fn dash() -> String {
    "-".to_owned()
}

/// Without control characters and what reorders text.
fn clean(text: &str) -> String {
    skill_schema::codes::escape(text)
}

fn lines(table: &Table) -> Vec<String> {
    let heads = table.columns.iter().map(|column| column.head.clone()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(&heads)
        .chain(&table.rows)
        .map(|row: &Vec<String>| row.iter().map(|cell| clean(cell)).collect())
        .collect();
    let wide = |n: usize| rows.iter().map(|row| row[n].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..table.columns.len()).map(wide).collect();
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for ((cell, column), width) in row.iter().zip(&table.columns).zip(&widths) {
            let cell = if column.number { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            line = format!("{line}  {cell}");
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        record::sample::record,
        report::sample::{details, hostile},
    };

    #[test]
    fn the_text_says_what_the_record_says() {
        let text = text(&record(), &details());
        for part in [
            "acme/pdf-forms 2.3.0 is better than no skill by 18.0 points, 95 % interval +7.1 to +28.9.",
            "without               51.0 %  ███████████░░░░░░░░░░░  95 % interval 35.4 % to 66.6 %",
            "with                  69.0 %  ███████████████░░░░░░░",
            "20 in 20 groups",
            "5 a case and arm, 200 in all",
            "by category:",
            "trust               claimed",
            "what stands out:",
            " % tokens for +18.0 points.",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        let case = text.lines().skip_while(|line| *line != "by case:").nth(2).unwrap();
        assert!(
            case.contains("Extract case 7") && case.contains("−20.0") && case.contains("○●●○○"),
            "the worst first: {case}"
        );
    }

    #[test]
    fn every_row_has_a_cell_a_column() {
        let mut alone = record();
        alone.runs.retain(|run| run.arm == crate::run::Arm::Cand);
        let alone = crate::record::sample::of(alone.runs, alone.cases, None);
        for one in [record(), alone] {
            for table in report(&one, &details()).tables {
                assert!(table.rows.iter().all(|row| row.len() == table.columns.len()), "{}", table.title);
            }
        }
    }

    #[test]
    fn no_escape_reaches_the_terminal() {
        let (record, details) = hostile();
        let text = text(&record, &details);
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        assert!(!text.contains('\u{202e}'));
    }
}
