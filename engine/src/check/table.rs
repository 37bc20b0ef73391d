//! `table`: rows, columns and cells of a table in CSV, TSV or Markdown.

use serde_json::Value;
use skill_schema::Fault;

use super::{Rule, Scene, params::Params, rows, target::Subject, value::Finding};

/// Cells that one check names.
const MAX_CELLS: usize = 100;

#[derive(Debug)]
struct Table {
    subject: Subject,
    format: rows::Format,
    /// The header, in order.
    columns: Option<Vec<String>>,
    /// Rows below the header.
    rows: (u64, u64),
    cells: Vec<Cell>,
}

#[derive(Debug)]
struct Cell {
    row: Row,
    column: String,
    want: Want,
}

#[derive(Debug)]
enum Row {
    /// From 1, below the header.
    Number(usize),
    /// The first row with these values in these columns.
    Where(Vec<(String, String)>),
}

#[derive(Debug)]
enum Want {
    Text(String),
    Number { value: f64, abs: f64 },
}

/// Reads `format`, `columns`, `min` and `max` rows, and `cells`.
pub(super) fn parse(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    let subject = Subject::parse(params)?;
    let by_name = rows::Format::of_name(subject.file_name());
    let formats = [
        ("auto", by_name),
        ("csv", rows::Format::Csv),
        ("tsv", rows::Format::Tsv),
        ("markdown", rows::Format::Markdown),
    ];
    let columns = params.get("columns").map(|_| params.texts("columns")).transpose()?;
    let columns = columns.map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
    let cells = match params.get("cells") {
        None => Vec::new(),
        Some(Value::Array(list)) if list.len() <= MAX_CELLS => {
            list.iter().map(|value| cell(params, value)).collect::<Result<_, _>>()?
        }
        Some(_) => return Err(params.wrong("cells", format!("a list of at most {MAX_CELLS} cells is expected"))),
    };
    if columns.is_none() && cells.is_empty() && params.get("min").is_none() && params.get("max").is_none() {
        return Err(params.one_of(&["columns", "cells", "min", "max"]));
    }
    Ok(Box::new(Table { subject, format: params.choice("format", &formats)?, columns, rows: params.range(0)?, cells }))
}

fn cell(outer: &Params<'_>, value: &Value) -> Result<Cell, Fault> {
    let members = value.as_object().ok_or_else(|| outer.wrong("cells", "each cell is an object"))?;
    let params = Params { members, ..*outer };
    let row = match (params.optional_count("row")?, params.get("where")) {
        (Some(row), None) if row > 0 => Row::Number(usize::try_from(row).unwrap_or(usize::MAX)),
        (None, Some(Value::Object(wanted))) if !wanted.is_empty() => {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Row::Where(wanted.iter().map(|(column, value)| (column.clone(), text(value))).collect())
        }
        _ => return Err(params.wrong("cells", "each cell has `row`, from 1, or `where`")),
    };
    let want = match (params.optional_text("value")?, params.optional_number("number")?) {
        (Some(text), None) => Want::Text(text.trim().to_owned()),
        (None, Some(value)) => Want::Number { value, abs: params.tolerance("abs_tol")? },
        _ => return Err(params.wrong("cells", "each cell has `value` or `number`")),
    };
    Ok(Cell { row, column: params.filled_text("column")?.to_owned(), want })
}

impl Rule for Table {
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        let text = match self.subject.text(scene) {
            Ok(text) => text,
            Err(finding) => return finding,
        };
        let table = match rows::read(&text, self.format) {
            Ok(table) => table,
            Err(detail) => return Finding::broken(detail),
        };
        let Some((header, body)) = table.split_first() else { return Finding::broken("there is no table") };
        if let Some(columns) = self.columns.as_ref().filter(|columns| *columns != header) {
            return Finding::fail(format!("the columns are {}, not {}", header.join(" | "), columns.join(" | ")));
        }
        if !(self.rows.0..=self.rows.1).contains(&(body.len() as u64)) {
            return Finding::fail(format!("there are {} rows", body.len()));
        }
        match self.cells.iter().find_map(|cell| cell.problem(header, body)) {
            Some(problem) => Finding::fail(problem),
            None => Finding::pass(format!("{} rows; all cells are as expected", body.len())),
        }
    }

    fn reads_only_transcript(&self) -> bool {
        self.subject.is_transcript()
    }
}

impl Cell {
    /// Why the cell is not as expected, if it is not.
    fn problem(&self, header: &[String], body: &[Vec<String>]) -> Option<String> {
        let place = |name: &str| header.iter().position(|column| column == name);
        let Some(column) = place(&self.column) else { return Some(format!("there is no column {}", self.column)) };
        let holds = |row: &&Vec<String>, (name, value): &(String, String)| {
            place(name).and_then(|at| row.get(at)).is_some_and(|cell| cell == value)
        };
        let row = match &self.row {
            Row::Number(number) => body.get(number - 1),
            Row::Where(wanted) => body.iter().find(|row| wanted.iter().all(|pair| holds(row, pair))),
        };
        let Some(found) = row.and_then(|row| row.get(column)) else {
            return Some(format!("there is no such cell in column {}", self.column));
        };
        let is_wanted = match &self.want {
            Want::Text(text) => found == text,
            Want::Number { value, abs } => found.parse::<f64>().is_ok_and(|number| (number - value).abs() <= *abs),
        };
        (!is_wanted).then(|| format!("column {} holds {found}", self.column))
    }
}
