//! The eval engine of **skill**: runs a suite with and without a skill and says, with an interval, whether the skill helps.
//!
//! Only the way in which it will speak exists so far: a long run tells its caller what happens through a [`Reporter`], and
//! never prints. Suites, executors, graders, statistics and the gate come with the part of the product that measures skills.

mod reporter;

pub use reporter::{Event, Recorder, Reporter, Silent};
