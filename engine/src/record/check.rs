//! Whether a record says what its runs say: everything that follows from something else in it is computed again.

use std::collections::BTreeSet;

use serde_json::Value;
use skill_bundle::hash::Hasher;
use skill_schema::{Digest, Fault, codes};

use super::{
    CaseFacts, Early, MILLION, Record,
    compute::{self, ratio},
};
use crate::run::{Arm, CheckResult, Run, Status};
use crate::score;

/// Something that a record says and that does not follow from its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where in the record: `result.cand.mean_ppm`.
    pub place: String,
    /// What it says, as JSON.
    pub recorded: String,
    /// What follows, as JSON.
    pub computed: String,
}

/// Millionths by which the ends of intervals may differ: their quantile is floating point, and machines round its last bit
/// differently.
const TOLERANCE: i64 = 1;

impl Record {
    /// Computes again what can be, and says what differs; nothing for an honest record.
    pub fn check(&self) -> Vec<Difference> {
        let mut found = Vec::new();
        self.check_key(&mut found);
        for run in &self.runs {
            if let Follows::Score(score) = score_of_run(run) {
                let arm = if run.arm == Arm::Base { "base" } else { "cand" };
                differ(&mut found, &format!("runs[{} {arm} {}].score", run.case, run.repeat), &run.score, &score);
            }
        }
        let seeds: BTreeSet<u64> = self.runs.iter().map(|run| run.seed).collect();
        differ(&mut found, "sampling.seeds", &self.sampling.seeds, &seeds.into_iter().collect::<Vec<_>>());
        differ(&mut found, "grader.judged_weight_ppm", &self.grader.judged_weight_ppm, &judged_weight(&self.runs));
        let base = self.runs.iter().any(|run| run.arm == Arm::Base);
        if base != self.arms.baseline.is_some() {
            differ(&mut found, "arms.baseline", &self.arms.baseline.is_some(), &base);
        }
        let computed = compute::compute(&self.runs, &self.cases);
        compare("result", &value(&self.result), &value(&computed), &mut found);
        self.check_curtailed(&mut found);
        found
    }

    /// As [`Record::check`], as one fault.
    ///
    /// # Errors
    /// [`codes::RECORD_RESULT`] with the first difference and how many there are.
    pub fn verify(&self) -> Result<(), Fault> {
        let found = self.check();
        let Some(first) = found.first() else { return Ok(()) };
        let more = if found.len() > 1 { format!(", and {} more", found.len() - 1) } else { String::new() };
        let detail = format!("it says {}, and {} follows{more}", first.recorded, first.computed);
        Err(Fault::new(codes::RECORD_RESULT).at(first.place.clone()).detail(detail))
    }

    /// A verdict from a part of the runs must follow from these: nobody can make the others from the record.
    fn check_curtailed(&self, found: &mut Vec<Difference>) {
        if self.verdict.get("curtailed").is_none() {
            return;
        }
        let follows = || {
            let (terms, repeats) = (self.terms().ok()??, self.verdict.get("k")?.as_u64()?);
            let repeats = u32::try_from(repeats).ok()?;
            let early = Early { terms: &terms, cases: &self.cases, repeats, greedy: self.is_greedy() };
            Some(early.certain(&self.runs).ok()??.summary(&terms))
        };
        differ(found, "verdict", &self.verdict, &follows().unwrap_or_default());
    }

    fn check_key(&self, found: &mut Vec<Difference>) {
        let key = &self.key;
        if let Ok(digest) = key.digest() {
            differ(found, "score_key", &self.score_key, &digest);
        }
        // The cases of a sealed holdout are named otherwise than they are: only who has them can compute their hash.
        if !self.suite.sealed {
            differ(found, "suite.split_hash", &self.suite.split_hash, &split_hash(&self.cases));
        }
        differ(found, "key.split", &key.split, &self.suite.split_hash);
        differ(found, "model.weights", &self.model.weights, &key.weights);
        differ(found, "model.quantisation", &self.model.quantisation, &key.quantisation);
        differ(found, "engine.name", &self.engine.name, &key.engine);
        differ(found, "engine.build", &self.engine.build, &key.build);
        differ(found, "sampling.temperature", &self.sampling.temperature, &key.sampling.temperature);
        differ(found, "sampling.top_p", &self.sampling.top_p, &key.sampling.top_p);
        differ(found, "sampling.max_tokens", &self.sampling.max_tokens, &key.sampling.max_tokens);
        let major = self.harness.version.split('.').next().unwrap_or_default();
        differ(found, "harness.version", &major.to_owned(), &key.harness.to_string());
    }
}

/// The hash of a set of cases: SHA-256 of lines `id TAB hash LF`, ids sorted by bytes.
pub fn split_hash(cases: &[CaseFacts]) -> Digest {
    let mut sorted: Vec<(&str, Digest)> = cases.iter().map(|case| (case.id.as_str(), case.hash)).collect();
    sorted.sort_unstable();
    let mut hasher = Hasher::new();
    for (id, hash) in sorted {
        hasher.update(format!("{id}\t{hash}\n").as_bytes());
    }
    hasher.finish()
}

/// What follows for the score of a run from its status and checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// This score; none is missing.
    Score(Option<u16>),
    /// Nothing: no weight was checked, or the fractions are too large to add.
    Nothing,
}

/// What follows from a run's status and checks, by the one rule of [`score::grade`].
pub fn score_of_run(run: &Run) -> Follows {
    match score::grade(run.status, &run.checks) {
        // A run that ended well and has nothing that was weighed says nothing about its score.
        Ok((Status::GraderError, _)) if run.status == Status::Ok => Follows::Nothing,
        Ok((_, score)) => Follows::Score(score),
        Err(_) => Follows::Nothing,
    }
}

/// The share of all weight that a model judged, in millionths.
pub(crate) fn judged_weight(runs: &[Run]) -> u32 {
    let weight = |judged: Option<bool>| -> i128 {
        let counts = |check: &&CheckResult| judged.is_none_or(|judged| check.judged == judged);
        runs.iter().flat_map(|run| &run.checks).filter(counts).map(|check| i128::from(check.weight)).sum()
    };
    let share = ratio(weight(Some(true)) * i128::from(MILLION), weight(None));
    share.and_then(|share| u32::try_from(share).ok()).unwrap_or(0)
}

fn differ<T: PartialEq + serde::Serialize>(found: &mut Vec<Difference>, place: &str, recorded: &T, computed: &T) {
    if recorded != computed {
        let text = |item: &T| value(item).to_string();
        found.push(Difference { place: place.to_owned(), recorded: text(recorded), computed: text(computed) });
    }
}

fn value(item: &impl serde::Serialize) -> Value {
    serde_json::to_value(item).unwrap_or_default()
}

/// Compares two JSON values member by member.
fn compare(place: &str, recorded: &Value, computed: &Value, found: &mut Vec<Difference>) {
    match (recorded, computed) {
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            for (key, inner) in b {
                compare(&format!("{place}.{key}"), a.get(key).unwrap_or(&Value::Null), inner, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (n, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{place}[{n}]"), a, b, found);
            }
        }
        _ if recorded == computed || is_rounding(place, recorded, computed) => {}
        _ => found.push(Difference {
            place: place.to_owned(),
            recorded: recorded.to_string(),
            computed: computed.to_string(),
        }),
    }
}

fn is_rounding(place: &str, recorded: &Value, computed: &Value) -> bool {
    let floating = [".low_ppm", ".high_ppm", ".se_ppm"].iter().any(|end| place.ends_with(end));
    match (recorded.as_i64(), computed.as_i64()) {
        (Some(a), Some(b)) => floating && a.abs_diff(b) <= TOLERANCE.unsigned_abs(),
        _ => false,
    }
}
