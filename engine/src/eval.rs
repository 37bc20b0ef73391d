//! Evals: a suite's cases answered by a skill and by its baseline, each so many times, graded, and put into a record.

pub mod answer;
pub mod cache;
pub mod judge;
mod key;
pub mod measure;
pub(crate) mod metric;
pub mod schedule;

pub use answer::{Answering, Judge};
pub use cache::Cache;
pub use key::{salt_of, seed};
pub use measure::{Measured, Measurement, measure};
pub use schedule::{Cap, Caps, Spent};
