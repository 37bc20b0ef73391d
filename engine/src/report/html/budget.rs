//! How much of each text fits into a page that must stay small. The page is written with generous shares first, and again with
//! smaller ones as long as it is too large: overhead depends on how many checks, files and events there are.

use crate::record::Record;

/// Bytes of a page of at most 200 runs; larger records have ten thousand bytes a run.
const PAGE: usize = 2_000_000;

/// Bytes a run of larger records.
const RUN: usize = 10_000;

/// How often the shares are halved at most.
const HALVINGS: u32 = 8;

/// Bytes for the texts of all runs together in the first attempt: evidence, outputs, files, transcripts, earlier outputs.
const TEXTS: usize = 3_200_000;

/// Bytes for all prompts together in the first attempt.
const PROMPTS: usize = 800_000;

/// Rows of checks in all runs together in the first attempt.
const ROWS: usize = 16_000;

/// Shares of a page, in bytes of escaped text unless said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// The texts of one run.
    run: usize,
    /// One prompt.
    pub(super) prompt: usize,
    /// Rows of checks in a run.
    pub(super) rows: usize,
}

impl Budget {
    /// From generous to small: each has half of the one before.
    pub(super) fn attempts(record: &Record) -> impl Iterator<Item = Self> + use<> {
        let (runs, cases) = (record.runs.len().max(1), record.cases.len().max(1));
        (0..=HALVINGS).map(move |halved| Self {
            run: ((TEXTS >> halved) / runs).clamp(120, 60_000),
            prompt: ((PROMPTS >> halved) / cases).clamp(80, 16_000),
            rows: ((ROWS >> halved) / runs).clamp(2, 200),
        })
    }

    /// Bytes that the page may have.
    pub(super) fn most(record: &Record) -> usize {
        PAGE.max(record.runs.len() * RUN)
    }

    /// For the evidence of one of so many checks: a third of the run's text together.
    pub(super) fn evidence(&self, checks: usize) -> usize {
        (self.run / 3 / checks.clamp(1, self.rows)).clamp(40, 6_000)
    }

    /// For the answer, another third, and for the earlier answer.
    pub(super) fn answer(&self) -> usize {
        self.run / 3
    }

    /// For one of so many files and events.
    pub(super) fn piece(&self, pieces: usize) -> usize {
        (self.run / 3 / pieces.max(1)).max(40)
    }

    /// Events of a transcript that are shown.
    pub(super) fn events(&self) -> usize {
        (self.run / 300).clamp(2, 60)
    }

    /// Files that are shown.
    pub(super) fn files(&self) -> usize {
        (self.run / 600).clamp(1, 30)
    }

    /// For a name or what a check asks.
    pub(super) fn label(&self) -> usize {
        (self.run / 8).clamp(60, 300)
    }
}

/// For names that stand once on a page.
pub(super) const LABEL: usize = 160;
