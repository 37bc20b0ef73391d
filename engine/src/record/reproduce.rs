//! A record against a second run of the same: whether the outputs are the same to the bit, and else where they first differ.

use std::collections::BTreeMap;

use serde::Serialize;
use skill_schema::Digest;

use super::{
    Record,
    compare::{PartDiffers, differing_parts},
};
use crate::run::{Arm, Run};

/// What a second run says about a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reproduction {
    /// Parts of the score key that differ; with any, nothing else need be the same.
    pub key: Vec<PartDiffers>,
    /// Runs that both have.
    pub runs: usize,
    /// Those of them whose transcripts are the same to the bit.
    pub identical: usize,
    /// Those of them whose scores are the same, whatever the transcripts.
    pub same_score: usize,
    /// Runs that only the record has.
    pub missing: usize,
    /// Runs that only the second run has.
    pub extra: usize,
    /// The first run, in the order of the record, in which something differs.
    pub first: Option<Place>,
    /// Mean of the skill in the record and in the second run, in millionths.
    pub means: [Option<i64>; 2],
}

/// Where a second run first differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The case.
    pub case: String,
    /// The arm.
    pub arm: Arm,
    /// The repeat.
    pub repeat: u32,
    /// What differs: `transcript`, `status`, `score`, `seed`, `check ID`, `run` if the second run lacks it.
    pub what: String,
    /// What the record has.
    pub recorded: String,
    /// What the second run has.
    pub again: String,
}

impl Reproduction {
    /// Whether every run of the record came out the same to the bit, with nothing missing or added.
    pub fn is_exact(&self) -> bool {
        self.key.is_empty() && self.first.is_none() && self.extra == 0 && self.identical == self.runs && self.runs > 0
    }

    /// In one sentence, lower case, without a full stop.
    pub fn sentence(&self) -> String {
        if self.is_exact() {
            return format!("all {} runs came out the same to the bit", self.runs);
        }
        if let Some(part) = self.key.first() {
            return format!("the score keys differ, first in {}: {} and {}", part.part, part.first, part.second);
        }
        let counts = format!(
            "{} of {} runs have the same output, {} the same score",
            self.identical, self.runs, self.same_score
        );
        match &self.first {
            Some(place) => {
                let arm = if place.arm == Arm::Base { "baseline" } else { "skill" };
                format!("{counts}; first in case {}, {arm}, repeat {}: {}", place.case, place.repeat, place.what)
            }
            None if self.extra > 0 => format!("{counts}; {} runs are new", self.extra),
            None => format!("{counts}; the record has no transcripts to compare"),
        }
    }
}

/// Compares a record with a second run.
pub fn reproduce(recorded: &Record, again: &Record) -> Reproduction {
    let mut result = Reproduction {
        key: differing_parts(recorded, again),
        runs: 0,
        identical: 0,
        same_score: 0,
        missing: 0,
        extra: 0,
        first: None,
        means: [recorded.result.cand.mean_ppm, again.result.cand.mean_ppm],
    };
    let mut others: BTreeMap<_, &Run> = again.runs.iter().map(|run| (name(run), run)).collect();
    for run in &recorded.runs {
        let Some(other) = others.remove(&name(run)) else {
            result.missing += 1;
            result.first.get_or_insert_with(|| place(run, "run", "there", "missing"));
            continue;
        };
        result.runs += 1;
        // Zeros stand for no transcript, and no transcript equals no other.
        result.identical += usize::from(run.transcript == other.transcript && run.transcript != Digest::ZERO);
        result.same_score += usize::from(run.score == other.score && run.status == other.status);
        if result.first.is_none() {
            result.first = first_difference(run, other);
        }
    }
    result.extra = others.len();
    result
}

fn name(run: &Run) -> (&str, Arm, u32) {
    (&run.case, run.arm, run.repeat)
}

/// What differs first in a run: what comes earlier in its life is named before what follows from it. What it used is not compared:
/// times differ always.
fn first_difference(run: &Run, other: &Run) -> Option<Place> {
    let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
    if run.seed != other.seed {
        return Some(place(run, "seed", &run.seed.to_string(), &other.seed.to_string()));
    }
    if run.transcript != other.transcript {
        return Some(place(run, "transcript", &run.transcript.to_string(), &other.transcript.to_string()));
    }
    if run.status != other.status {
        return Some(place(run, "status", &text(&run.status), &text(&other.status)));
    }
    for (n, check) in run.checks.iter().enumerate() {
        let again = other.checks.get(n).map(|check| (&check.id, check.value));
        if again != Some((&check.id, check.value)) {
            return Some(place(
                run,
                &format!("check {}", check.id),
                &text(&check.value),
                &text(&again.map(|(_, v)| v)),
            ));
        }
    }
    (run.score != other.score).then(|| place(run, "score", &text(&run.score), &text(&other.score)))
}

fn place(run: &Run, what: &str, recorded: &str, again: &str) -> Place {
    Place {
        case: run.case.clone(),
        arm: run.arm,
        repeat: run.repeat,
        what: what.to_owned(),
        recorded: recorded.to_owned(),
        again: again.to_owned(),
    }
}
