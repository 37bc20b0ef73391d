//! The files of skill-creator, read and written: `eval_metadata.json`, `grading.json`, `metrics.json`, `timing.json`,
//! `benchmark.json`, `history.json`, `comparison.json`, `analysis.json`, `feedback.json`, in both layouts of a workspace (with and
//! without `run-N/`).
//!
//! Differences are candidate - baseline by role, tokens are those of `timing.json`, and what was not measured is left out rather
//! than counted as zero. Members that we do not know are kept.

mod aggregate;
mod benchmark;
mod export;
mod files;
mod roles;
#[cfg(test)]
mod tests;
mod workspace;

pub use aggregate::{Names, aggregate};
pub use benchmark::{
    Benchmark, BenchmarkRun, ConfigurationSummary, DeltaTexts, Metadata, RunResult, RunSummary, Stats,
};
pub(crate) use export::configuration;
pub use export::{Layout, export, folders};
pub use files::{
    Analysis, Comparison, ComparisonSummary, EvalMetadata, Expectation, Feedback, Grading, History, Id, Iteration,
    Metrics, Review, Summary, Timing, read, write,
};
pub use roles::Roles;
pub use workspace::{Configuration, Eval, Workspace, WorkspaceRun};
