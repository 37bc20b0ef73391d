//! All that the program prints. Data goes to stdout, everything else to stderr.
//!
//! Colour follows `--color`, then `NO_COLOR`, `CLICOLOR_FORCE`, and whether the stream is a terminal (anstream decides).

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
};

use anstyle::{AnsiColor, Style};
use indicatif::ProgressBar;
use serde::Serialize;

/// Columns in which verbs are right-aligned.
const VERB: usize = 12;
/// The style of what is new or good.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const NEXT: Style = AnsiColor::Cyan.on_default().bold();
/// The style of `error[…]:`.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// The style of what matters less.
pub const DIM: Style = Style::new().dimmed();
/// The style of headings.
pub const HEAD: Style = Style::new().bold();

/// Where output goes and how much of it. Cheap to clone; clones share the progress bar.
#[derive(Debug, Clone)]
pub struct Output(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    /// The bar that is being drawn, so that lines are printed above it.
    bar: Mutex<Option<ProgressBar>>,
    /// The first failure to write to stdout.
    failure: Mutex<Option<io::Error>>,
}

/// What the flags and the environment ask of the output.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// Results as JSON.
    pub json: bool,
    /// 1: errors only; 2: nothing.
    pub quiet: u8,
    /// 1: requests; 2: timings as well.
    pub verbose: u8,
    /// Whether a progress bar may be drawn.
    pub animate: bool,
    /// Whether to print a line for each finished item: in CI.
    pub items: bool,
}

impl Output {
    /// Output with these settings.
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(Inner { settings, bar: Mutex::default(), failure: Mutex::default() }))
    }

    /// Output before the flags and the environment are known.
    pub fn plain(json: bool) -> Self {
        Self::new(Settings { json, ..Settings::default() })
    }

    /// What was asked.
    pub fn settings(&self) -> Settings {
        self.0.settings
    }

    /// Whether results are wanted as JSON.
    pub fn json(&self) -> bool {
        self.0.settings.json
    }

    /// Whether stdout is a terminal: people read it, so tables are aligned and have a header.
    pub fn to_person(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// The terminal's width in columns; `None` where stdout is no terminal, and lines may be as long as they are.
    pub fn width(&self) -> Option<usize> {
        let columns = || dialoguer::console::Term::stdout().size().1;
        self.to_person().then(|| usize::from(columns()).max(40))
    }

    /// Says what is being done or was done: `   Installed acme/notes 1.2.0`.
    pub fn status(&self, verb: &str, message: impl Display) {
        self.line(1, &format!("{GOOD}{verb:>VERB$}{GOOD:#} {message}"));
    }

    /// As [`Self::status`], for something that stayed undone.
    pub fn status_warn(&self, verb: &str, message: impl Display) {
        self.line(1, &format!("{WARN}{verb:>VERB$}{WARN:#} {message}"));
    }

    /// One line for a finished item of a longer job; printed in CI, or with `-v`.
    pub fn item(&self, verb: &str, message: impl Display) {
        if self.0.settings.items || self.0.settings.verbose > 0 {
            self.status(verb, message);
        }
    }

    /// Names the command that usually comes next.
    pub fn hint(&self, next: impl Display) {
        self.line(1, &format!("{NEXT}{:>VERB$}{NEXT:#}  {next}", "next"));
    }

    /// Something that needs attention but stops nothing.
    pub fn warn(&self, message: impl Display) {
        self.line(1, &format!("{WARN}warning:{WARN:#} {message}"));
    }

    /// A remark on the line before.
    pub fn note(&self, message: impl Display) {
        self.line(1, &format!("{DIM}   = note:{DIM:#} {message}"));
    }

    /// Talk for people that has a layout of its own (a rendered finding, a plan). Printed to stderr.
    pub fn talk(&self, text: impl Display) {
        self.line(1, &text.to_string());
    }

    /// What happens underneath; printed from `-v` (1) or `-vv` (2) on.
    pub fn trace(&self, level: u8, message: impl FnOnce() -> String) {
        if self.0.settings.verbose >= level {
            self.line(0, &format!("{DIM}{}{DIM:#}", message()));
        }
    }

    /// An error, already worded. Printed unless `-qq`.
    pub(crate) fn error(&self, text: &str) {
        self.line(2, text);
    }

    /// A line of data on stdout. Style codes in it are removed when stdout is not a terminal.
    pub fn data(&self, text: impl Display) {
        let text = format!("{text}\n");
        self.above_bar(|| {
            let mut out = anstream::stdout();
            self.keep(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
        });
    }

    /// Bytes on stdout, exactly.
    pub fn bytes(&self, bytes: &[u8]) {
        self.above_bar(|| {
            let mut out = io::stdout().lock();
            self.keep(out.write_all(bytes).and_then(|()| out.flush()));
        });
    }

    /// The result as one JSON document on stdout: the members of `value` behind `"schema": schema`.
    ///
    /// # Panics
    /// Never for our own types, whose members all serialise.
    pub fn result(&self, schema: &str, value: &impl Serialize) {
        #[derive(Serialize)]
        struct Document<'a, T> {
            schema: &'a str,
            #[serde(flatten)]
            value: &'a T,
        }
        match serde_json::to_string(&Document { schema, value }) {
            Ok(text) => self.data_raw(&text),
            Err(error) => self.keep(Err(io::Error::other(error))),
        }
    }

    /// Prints the JSON document with `--json`, and otherwise what `human` says.
    pub fn result_or(&self, schema: &str, value: &impl Serialize, human: impl FnOnce(&Self)) {
        if self.json() {
            self.result(schema, value);
        } else {
            human(self);
        }
    }

    /// A list on stdout: aligned below a header for a person; tab-separated, complete and without header in a pipe.
    pub fn table(&self, header: &[&str], rows: &[Vec<String>]) {
        if !self.to_person() {
            for row in rows {
                self.data(row.join("\t"));
            }
            return;
        }
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
        table.set_header(header.iter().map(|h| h.to_uppercase()));
        for row in rows {
            table.add_row(row);
        }
        for (n, line) in table.lines().enumerate() {
            // The table pads each cell by one column on both sides.
            let line = line.strip_prefix(' ').unwrap_or(&line).trim_end();
            if n == 0 { self.data(format!("{HEAD}{line}{HEAD:#}")) } else { self.data(line) }
        }
    }

    /// Ends the output: the first failure to write to stdout, if there was one. A closed pipe is not a failure.
    ///
    /// # Errors
    /// The failure.
    pub fn finish(&self) -> io::Result<()> {
        self.0.failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    /// Sets or removes the bar above which lines are printed.
    pub(crate) fn set_bar(&self, bar: Option<ProgressBar>) {
        *self.0.bar.lock().unwrap_or_else(PoisonError::into_inner) = bar;
    }

    fn data_raw(&self, text: &str) {
        self.bytes(format!("{text}\n").as_bytes());
    }

    /// Keeps the first failure of stdout.
    fn keep(&self, result: io::Result<()>) {
        match result {
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
                self.0.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
            }
            _ => {}
        }
    }

    /// A line on stderr, unless `--quiet` was given at least `quiet_below` times. Failures to write there have nowhere to go.
    fn line(&self, quiet_below: u8, text: &str) {
        if quiet_below > 0 && self.0.settings.quiet >= quiet_below {
            return;
        }
        self.above_bar(|| {
            let _ = writeln!(anstream::stderr(), "{text}");
        });
    }

    fn above_bar(&self, print: impl FnOnce()) {
        let bar = self.0.bar.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

/// Bytes for people: `38.4 KiB`.
pub fn bytes(n: u64) -> String {
    indicatif::BinaryBytes(n).to_string()
}

/// `1 skill`, `2 skills`.
pub fn count(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}
