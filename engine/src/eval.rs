//! Evals: a suite's cases answered by a skill and by its baseline, each so many times, graded, and put into a record.

pub mod cache;
pub mod schedule;
