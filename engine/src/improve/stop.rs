//! When the loop ends by itself.

use serde::{Deserialize, Serialize};

use super::state::State;

/// Experiments without a keep after which it ends.
pub const NO_KEEP: u32 = 20;
/// Score from which on there is nothing left to gain.
pub const SATURATED: f64 = 0.99;
/// Measured candidates that all lie within the noise, after which there is no signal.
pub const NO_SIGNAL: usize = 10;
/// Sums of thousandths in floating point are off by less than this.
const EPSILON: f64 = 1e-9;

/// Why the loop ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// All experiments that were asked for were made.
    Experiments,
    /// Nothing was kept for a long time.
    NoKeeps,
    /// The train cases are solved.
    Saturated,
    /// What is measured does not depend on the skill, as far as can be told.
    NoSignal,
    /// A cap was reached.
    Cap(String),
    /// A person ended it.
    Person,
}

impl Stop {
    /// In one sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Experiments => "all experiments were made".to_owned(),
            Self::NoKeeps => format!("{NO_KEEP} experiments in a row were not kept"),
            Self::Saturated => "the train cases are solved: nothing is left to gain on them".to_owned(),
            Self::NoSignal => "no signal: the candidates cannot be told apart from the start".to_owned(),
            Self::Cap(cap) => format!("the cap on {cap} was reached"),
            Self::Person => "ended by a person".to_owned(),
        }
    }

    /// Whether the same command goes on where it ended.
    pub fn goes_on(&self) -> bool {
        matches!(self, Self::Cap(_) | Self::Person)
    }
}

/// Whether it is time to end.
pub(super) fn due(state: &State, goal: u32) -> Option<Stop> {
    if let Some(cap) = &state.capped {
        return Some(Stop::Cap(cap.clone()));
    }
    if state.best_score() >= SATURATED - EPSILON {
        return Some(Stop::Saturated);
    }
    if has_no_signal(state) {
        return Some(Stop::NoSignal);
    }
    if state.without_keep >= NO_KEEP {
        return Some(Stop::NoKeeps);
    }
    (state.done() >= goal).then_some(Stop::Experiments)
}

/// Nothing was ever kept, and either the last measured candidates came out exactly as their parents, or those that were measured on all
/// cases lie within the noise.
fn has_no_signal(state: &State) -> bool {
    let since = state.experiments.iter().skip(state.counted_from);
    let measured: Vec<_> = since.filter(|experiment| experiment.stage > 0).collect();
    let constant = measured.len() >= NO_SIGNAL && measured.iter().all(|experiment| experiment.same);
    let whole: Vec<f64> = measured.iter().filter(|e| e.stage == 2).filter_map(|e| e.delta).collect();
    let within = whole.len() >= NO_SIGNAL && whole.iter().all(|delta| delta.abs() <= state.sigma + EPSILON);
    state.versions.len() == 1 && (constant || within)
}
