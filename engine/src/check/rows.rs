//! Tables as rows of cells: CSV (RFC 4180), TSV, and tables of Markdown (GFM). The first row is the header; cells are trimmed.

/// Cells of a table that is read.
const MAX_CELLS: usize = 200_000;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    Tsv,
    Markdown,
}

impl Format {
    /// By the ending of a file's name; Markdown if it says nothing.
    pub(super) fn of_name(name: &str) -> Self {
        match name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("csv") => Self::Csv,
            Some("tsv" | "tab") => Self::Tsv,
            _ => Self::Markdown,
        }
    }
}

/// The rows of the table; empty if there is none.
pub(super) fn read(text: &str, format: Format) -> Result<Vec<Vec<String>>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match format {
        Format::Csv => separated(text, ','),
        Format::Tsv => separated(text, '\t'),
        Format::Markdown => markdown(text),
    }
}

fn separated(text: &str, separator: char) -> Result<Vec<Vec<String>>, String> {
    let mut reader = Reader::default();
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if reader.quoted && signs.peek() == Some(&'"') => {
                signs.next();
                reader.cell.push('"');
            }
            '"' if reader.quoted => reader.quoted = false,
            '"' if reader.cell.trim().is_empty() => {
                reader.cell.clear();
                reader.quoted = true;
            }
            _ if reader.quoted => reader.cell.push(sign),
            '\n' => reader.end_row()?,
            _ if sign == separator => reader.end_cell()?,
            _ => reader.cell.push(sign),
        }
    }
    if reader.quoted {
        return Err("a quoted cell is not closed".to_owned());
    }
    reader.end_row()?;
    Ok(reader.rows)
}

#[derive(Default)]
struct Reader {
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    cell: String,
    quoted: bool,
    count: usize,
}

impl Reader {
    fn end_cell(&mut self) -> Result<(), String> {
        self.count += 1;
        if self.count > MAX_CELLS {
            return Err(format!("there are more than {MAX_CELLS} cells"));
        }
        self.row.push(std::mem::take(&mut self.cell).trim().to_owned());
        Ok(())
    }

    /// Ends the row; a blank line is none.
    fn end_row(&mut self) -> Result<(), String> {
        self.end_cell()?;
        let row = std::mem::take(&mut self.row);
        if row.len() > 1 || row.iter().any(|cell| !cell.is_empty()) {
            self.rows.push(row);
        }
        Ok(())
    }
}

/// The first table of the text: a row, a row of dashes, and the rows below.
fn markdown(text: &str) -> Result<Vec<Vec<String>>, String> {
    let lines: Vec<&str> = text.lines().collect();
    let is_start =
        |pair: &[&str]| pair[0].contains('|') && is_rule(pair[1]) && cells(pair[0]).len() == cells(pair[1]).len();
    let Some(start) = lines.windows(2).position(is_start) else { return Ok(Vec::new()) };
    let body: Vec<&&str> = lines[start + 2..].iter().take_while(|line| line.contains('|')).collect();
    let width = cells(lines[start]).len();
    // Counted before rows are filled up: a wide header would multiply them.
    if width.saturating_mul(body.len() + 1) > MAX_CELLS {
        return Err(format!("there are more than {MAX_CELLS} cells"));
    }
    // A short row is filled up, and what is too much is dropped (GFM, section 4.10).
    let filled = |line: &&str| {
        let mut row = cells(line);
        row.resize(width, String::new());
        row
    };
    Ok(std::iter::once(&lines[start]).chain(body).map(filled).collect())
}

/// Whether the line is the rule below a header: cells of dashes with optional colons.
fn is_rule(line: &str) -> bool {
    let cells = cells(line);
    line.contains('-')
        && cells.iter().all(|cell| {
            let dashes = cell.trim_start_matches(':').trim_end_matches(':');
            !dashes.is_empty() && dashes.bytes().all(|byte| byte == b'-')
        })
}

/// The cells of one line; `\|` is a bar inside a cell.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let mut cells = vec![String::new()];
    let mut signs = line.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' if signs.peek() == Some(&'|') => {
                signs.next();
                push(&mut cells, '|');
            }
            '|' => cells.push(String::new()),
            _ => push(&mut cells, sign),
        }
    }
    // A bar at the end closes the last cell.
    if cells.len() > 1 && cells.last().is_some_and(|cell| cell.trim().is_empty()) && line.ends_with('|') {
        cells.pop();
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

fn push(cells: &mut [String], sign: char) {
    if let Some(cell) = cells.last_mut() {
        cell.push(sign);
    }
}
