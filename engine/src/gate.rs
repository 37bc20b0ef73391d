//! The gate: whether a candidate beats its head, by exact tests that anyone can recompute.
//!
//! [`decide`] makes a [`Verdict`] of an [`Input`]: scores of every run of every case on both sides, and what is known about how they
//! were made. It compares integers alone, so client and registry agree whatever machine they run on; the floats in a verdict are
//! for people. A verdict is `invalid` (not measured), `reject` (measured, not better) or `accept`, with its reasons in a fixed order.

mod curtail;
mod decide;
mod input;
mod measure;
mod plan;
mod reason;
mod sentence;
pub mod small;
mod verdict;

pub use curtail::{Curtailed, curtail};
pub use decide::{MARGIN, MIN_CASES, MIN_RUNS, RICH_GAIN, STEP, decide, maintenance};
pub use input::{Candidate, Case, Cases, Guards, Input, MAX_CASES, MAX_FAILED, Policy, Recorded, Tokens};
pub use plan::{Plan, plan};
pub use reason::Reason;
pub use verdict::{Label, Numbers, Outcome, PerMille, Verdict};
