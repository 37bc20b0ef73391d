//! The eval engine of **skill**: runs a suite with and without a skill and says, with an interval, whether the skill helps.
//!
//! It reads suites, answers their cases with a model in several ways, grades what came out, and computes scores and verdicts
//! by exact arithmetic. A long run tells its caller what happens through a [`Reporter`], and never prints.

pub mod check;
pub mod eval;
pub mod executor;
pub mod gate;
pub mod grade;
pub mod improve;
pub mod model;
pub mod ratio;
pub mod record;
pub mod report;
mod reporter;
pub mod run;
pub mod score;
pub mod stats;
pub mod suite;

pub use reporter::{Event, Recorder, Reporter, Silent};
