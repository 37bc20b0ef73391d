//! The table at the end: one row a measurement.

/// Rows, in the order of measuring.
#[derive(Default)]
pub struct Table(Vec<[String; 6]>);

/// One measurement and what it is compared with.
pub struct Row<'a> {
    /// What was measured.
    pub what: &'a str,
    /// The figure, with its unit.
    pub ours: String,
    /// What was run beside it.
    pub beside: &'a str,
    /// Its figure.
    pub theirs: String,
    /// Ours divided by theirs.
    pub ratio: f64,
    /// What was set as the first goal.
    pub goal: &'a str,
}

impl Table {
    /// Adds a row, and prints it at once, since later rows take a while.
    pub fn add(&mut self, row: Row<'_>) {
        println!("{}: {} (goal {})", row.what, row.ours, row.goal);
        let ratio = format!("{:.2}", row.ratio);
        self.0.push([row.what.into(), row.ours, row.goal.into(), row.beside.into(), row.theirs, ratio]);
    }

    /// Prints all rows as a Markdown table.
    pub fn print(&self) {
        println!("\n| what | figure | goal | beside it | its figure | ratio |");
        println!("|---|---|---|---|---|---|");
        for row in &self.0 {
            println!("| {} |", row.join(" | "));
        }
    }
}
