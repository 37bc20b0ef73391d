//! Records of sealed holdouts: they say nothing of the cases to whoever does not know them, and can be checked whole by whoever does.
//!
//! Names, hashes, seeds and transcripts are replaced by digests in which the hash of the case and the attempt stand. So nobody can tell
//! which case of one attempt is which case of another one, and after the reveal everybody can. Of its checks a run keeps the score, and what
//! was used is spread evenly over the runs of an arm: lengths and kinds would name a case again.

use std::collections::BTreeMap;

use serde_json::Value;
use skill_bundle::hash::Hasher;
use skill_schema::{Digest, Fault, codes};

use super::{CaseFacts, Record, Trust, compute, judged_weight};
use crate::{
    eval::{salt_of, seed},
    model::Mode,
    run::{Arm, CheckResult, Run, Usage},
    suite::{Split, hash::case_hash, pack::Sealed},
};

/// Begins everything that is hashed here, so that a digest stands for nothing else.
const DOMAIN: &str = "skill-sealed/v1";
/// Hex digits of the name of a case: no two of a suite are equal by chance.
const DIGITS: usize = 16;
/// Bits of a seed, as of every other one.
const SEED_BITS: u32 = 53;
/// Id of the one check that stands for all of a run.
const CHECK: &str = "c1";
/// Its kind.
const KIND: &str = "sealed";

/// The held-out cases of a suite as the record of one attempt names them.
#[derive(Debug, Clone)]
pub struct Opaque {
    attempt: Digest,
    cases: Vec<CaseFacts>,
    /// By the real id: the name in the record, and the hash of the case.
    names: BTreeMap<String, (String, Digest)>,
}

/// The held-out cases of a whole suite, as records list them.
///
/// # Errors
/// [`codes::NO_PATH`] if a file of a case is not in it.
pub fn holdout(suite: &Sealed) -> Result<Vec<CaseFacts>, Fault> {
    let cases = suite.suite.part(&suite.lock, Split::Holdout);
    cases
        .map(|case| {
            Ok(CaseFacts {
                id: case.id.clone(),
                category: case.category.clone(),
                group: case.group.clone(),
                critical: case.critical,
                hash: case_hash(case, |path| suite.digest(path))?,
            })
        })
        .collect()
}

impl Opaque {
    /// The names of these cases in the record of an attempt.
    pub fn new(facts: &[CaseFacts], attempt: &Digest) -> Self {
        let name = |case: &CaseFacts| {
            let digest = digest(&["id", &attempt.to_string(), &case.hash.to_string(), &case.id]).to_string();
            format!("case-{}", &digest[..DIGITS])
        };
        let mut named: Vec<(String, &CaseFacts)> = facts.iter().map(|case| (name(case), case)).collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        let (mut categories, mut groups) = (Vec::new(), Vec::new());
        let cases = named.iter().map(|(name, case)| CaseFacts {
            id: name.clone(),
            category: if case.category.is_empty() {
                String::new()
            } else {
                ordinal("category", &mut categories, &case.category)
            },
            group: ordinal("group", &mut groups, &case.group),
            critical: case.critical,
            hash: digest(&["case", &attempt.to_string(), &case.hash.to_string()]),
        });
        let cases = cases.collect();
        let names = named.into_iter().map(|(name, case)| (case.id.clone(), (name, case.hash))).collect();
        Self { attempt: *attempt, cases, names }
    }

    /// The cases, in the order of a record.
    pub fn cases(&self) -> &[CaseFacts] {
        &self.cases
    }

    /// What stands for a seed of a case; none for an unknown case.
    pub fn seed(&self, case: &str, seed: u64) -> Option<u64> {
        let (_, hash) = self.names.get(case)?;
        let digest = digest(&["seed", &self.attempt.to_string(), &hash.to_string(), &seed.to_string()]);
        let first: [u8; 8] = digest.0[..8].try_into().ok()?;
        Some(u64::from_be_bytes(first) >> (64 - SEED_BITS))
    }

    /// A record of these cases without anything that tells of them. It has no verdict yet.
    ///
    /// # Errors
    /// [`codes::RECORD`] if it has runs of other cases.
    pub fn redact(&self, record: &Record, trust: Trust) -> Result<Record, Fault> {
        let mut redacted = Record { cases: self.cases.clone(), verdict: Value::Null, ..record.clone() };
        redacted.runs = record
            .runs
            .iter()
            .map(|run| self.run(run))
            .collect::<Option<_>>()
            .ok_or_else(|| Fault::new(codes::RECORD).at("runs").detail("a run of a case that is not held out"))?;
        redacted.runs.sort_by(|a, b| (&a.case, a.repeat, a.arm).cmp(&(&b.case, b.repeat, b.arm)));
        for arm in [Arm::Base, Arm::Cand] {
            spread(&mut redacted.runs, arm);
        }
        redacted.suite.sealed = true;
        redacted.provenance.trust = trust;
        redacted.grader.judged_weight_ppm = judged_weight(&redacted.runs);
        let mut seeds: Vec<u64> = redacted.runs.iter().map(|run| run.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        redacted.sampling.seeds = seeds;
        redacted.result = compute(&redacted.runs, &redacted.cases);
        Ok(redacted)
    }

    fn run(&self, run: &Run) -> Option<Run> {
        let (name, hash) = self.names.get(&run.case)?;
        let transcript = if run.transcript == Digest::ZERO {
            Digest::ZERO
        } else {
            digest(&["transcript", &self.attempt.to_string(), &hash.to_string(), &run.transcript.to_string()])
        };
        Some(Run {
            case: name.clone(),
            seed: self.seed(&run.case, run.seed)?,
            checks: checks(run),
            transcript,
            ..run.clone()
        })
    }

    /// Compares a record with the cases: they are these, and its runs have the seeds of the attempt, each case and arm equally many.
    ///
    /// # Errors
    /// [`codes::SUITE_DIGEST`] if the cases are others, [`codes::RECORD_RUNS`] if the runs are.
    pub fn check(&self, record: &Record, salt: &str) -> Result<(), Fault> {
        if record.cases != self.cases {
            return Err(Fault::new(codes::SUITE_DIGEST).at("cases"));
        }
        let salt = salt_of(salt, Some(&self.attempt));
        let mut expected: BTreeMap<(&str, u32), u64> = BTreeMap::new();
        let repeats = record.runs.iter().map(|run| run.repeat + 1).max().unwrap_or(0);
        for (id, (name, _)) in &self.names {
            for repeat in 0..repeats {
                expected.extend(self.seed(id, seed(&salt, id, repeat)).map(|seed| ((name.as_str(), repeat), seed)));
            }
        }
        let wrong = |run: &Run, detail: &str| {
            Err(Fault::new(codes::RECORD_RUNS).at(format!("{} {}", run.case, run.repeat)).detail(detail))
        };
        for run in &record.runs {
            if expected.get(&(run.case.as_str(), run.repeat)) != Some(&run.seed) {
                return wrong(run, "its seed is not the attempt's");
            }
        }
        equally_many(record)
    }
}

/// Every case has the same repeats in every arm that was run, and there are some: a run that is missing stands there as missing.
///
/// # Errors
/// [`codes::RECORD_RUNS`].
pub fn equally_many(record: &Record) -> Result<(), Fault> {
    let arms: &[Arm] = if record.arms.baseline.is_some() { &[Arm::Base, Arm::Cand] } else { &[Arm::Cand] };
    let repeats = record.runs.iter().map(|run| run.repeat + 1).max().unwrap_or(0) as usize;
    // No run stands twice in a record that was read, so their number says it.
    let whole = record.cases.len() * arms.len() * repeats;
    if repeats > 0 && record.runs.len() == whole {
        return Ok(());
    }
    Err(Fault::new(codes::RECORD_RUNS).detail("runs were left out"))
}

/// Whether a second record of the same attempt says what the first one says: the same scores run by run where both were made so that they can
/// be reproduced to the bit, else a gain (without a baseline a mean) whose distance is within the joint 95 % interval.
pub fn reproduces(first: &Record, again: &Record) -> bool {
    if first.score_key != again.score_key {
        return false;
    }
    if first.engine.mode == Mode::Exact && again.engine.mode == Mode::Exact {
        let facts = |run: &Run| (run.case.clone(), run.arm, run.repeat, run.status, run.score);
        return first.runs.iter().map(facts).eq(again.runs.iter().map(facts));
    }
    let (Some(one), Some(two)) = (estimated(first), estimated(again)) else { return false };
    let square = |n: i64| i128::from(n) * i128::from(n);
    square(one.0 - two.0) <= square(one.1) + square(two.1)
}

/// What a record found, and half of the width of its interval, in millionths; without an interval, a per-mille point.
fn estimated(record: &Record) -> Option<(i64, i64)> {
    let (mean, interval) = match &record.result.delta {
        Some(delta) => (delta.mean_ppm, delta.interval.as_ref()),
        None => (record.result.cand.mean_ppm?, record.result.cand.interval.as_ref()),
    };
    let half = interval.map_or(0, |interval| (interval.high_ppm - interval.low_ppm) / 2);
    Some((mean, half.max(1_000)))
}

/// Whether a record says nothing of its cases: the first place that does.
///
/// # Errors
/// [`codes::REDACTED`].
pub fn check_redacted(record: &Record) -> Result<(), Fault> {
    let open = |place: &str| Err(Fault::new(codes::REDACTED).at(place));
    if !record.suite.sealed {
        return open("suite.sealed");
    }
    let is_ordinal = |text: &str, word: &str| {
        text.strip_prefix(word).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    for case in &record.cases {
        let digits = case.id.strip_prefix("case-").unwrap_or_default();
        let is_hex = digits.len() == DIGITS && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex || !is_ordinal(&case.group, "group-") {
            return open("cases");
        }
        if !case.category.is_empty() && !is_ordinal(&case.category, "category-") {
            return open("cases.category");
        }
    }
    for run in &record.runs {
        if run.checks != checks(run) {
            return open("runs.checks");
        }
    }
    Ok(())
}

/// All checks of a run as one, which is worth what they were together.
fn checks(run: &Run) -> Vec<CheckResult> {
    let Some(score) = run.score.filter(|_| !run.checks.is_empty()) else { return Vec::new() };
    vec![CheckResult {
        id: CHECK.to_owned(),
        kind: KIND.to_owned(),
        weight: 1,
        required: false,
        value: Some([score.into(), 1_000]),
        judged: run.checks.iter().any(|check| check.judged),
        evidence: String::new(),
    }]
}

/// Gives every run of an arm the same share of what all of them used.
fn spread(runs: &mut [Run], arm: Arm) {
    let mut of_arm: Vec<&mut Run> = runs.iter_mut().filter(|run| run.arm == arm).collect();
    let count = of_arm.len() as u64;
    let share = |sum: u64, place: u64| sum / count + u64::from(place < sum % count);
    let sum = |of: fn(&Usage) -> u64| of_arm.iter().map(|run| of(&run.usage)).fold(0, u64::saturating_add);
    let [prompt, cached, output, ms, cost, turns] = [
        sum(|usage| usage.prompt_tokens),
        sum(|usage| usage.cached_tokens),
        sum(|usage| usage.output_tokens),
        sum(|usage| usage.ms),
        sum(|usage| usage.cost_micros),
        sum(|usage| usage.turns.into()),
    ];
    for (run, place) in of_arm.iter_mut().zip(0..) {
        run.usage = Usage {
            prompt_tokens: share(prompt, place),
            cached_tokens: share(cached, place),
            output_tokens: share(output, place),
            ms: share(ms, place),
            cost_micros: share(cost, place),
            turns: u32::try_from(share(turns, place)).unwrap_or(u32::MAX),
        };
    }
}

fn ordinal(word: &str, known: &mut Vec<String>, text: &str) -> String {
    let place = known.iter().position(|other| other == text).unwrap_or_else(|| {
        known.push(text.to_owned());
        known.len() - 1
    });
    format!("{word}-{}", place + 1)
}

fn digest(parts: &[&str]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(DOMAIN.as_bytes());
    for part in parts {
        hasher.update(b"\0");
        hasher.update(part.as_bytes());
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::{super::sample, *};
    use crate::{gate::Policy, record::Terms};

    const ATTEMPT: Digest = Digest([7; 32]);

    /// A record whose names, categories and evidence cannot be mistaken.
    fn record() -> Record {
        let mut record = sample::record();
        let name = |id: &str| format!("unmistakable-{id}");
        for case in &mut record.cases {
            (case.id, case.category) = (name(&case.id), "unmistakable category".to_owned());
            case.group = format!("unmistakable group {}", case.group);
        }
        for (run, n) in record.runs.iter_mut().zip(0_u64..) {
            run.case = name(&run.case);
            run.usage.prompt_tokens = 100 + n;
            for check in &mut run.checks {
                (check.id, check.evidence) = (name(&check.id), "unmistakable evidence".to_owned());
            }
        }
        record.result = compute(&record.runs, &record.cases);
        record.suite.split_hash = super::super::split_hash(&record.cases);
        record
    }

    #[test]
    fn a_redacted_record_tells_nothing_and_has_the_same_verdict() {
        let record = record();
        let redacted = Opaque::new(&record.cases, &ATTEMPT).redact(&record, Trust::Verified).unwrap();
        let text = String::from_utf8(redacted.to_bytes().unwrap()).unwrap();
        assert!(!text.contains("unmistakable"), "{text}");
        assert!(record.cases.iter().all(|case| !text.contains(&case.hash.to_string())));
        assert!(redacted.runs.iter().all(|run| record.runs.iter().all(|other| other.seed != run.seed)));
        assert_eq!(check_redacted(&redacted), Ok(()));
        let terms = Terms::first(Policy::Standard);
        let numbers = |record: &Record| {
            let verdict = record.judge(&terms).unwrap();
            (verdict.outcome, verdict.n, verdict.k, verdict.numbers.map(|numbers| numbers.p_run))
        };
        assert_eq!(numbers(&redacted), numbers(&record));
        let tokens = |record: &Record| record.runs.iter().map(|run| run.usage.prompt_tokens).sum::<u64>();
        assert_eq!(tokens(&redacted), tokens(&record));
    }

    #[test]
    fn nobody_can_tell_which_case_of_one_attempt_is_which_of_another() {
        let record = record();
        let [one, two] = [ATTEMPT, Digest([8; 32])]
            .map(|attempt| Opaque::new(&record.cases, &attempt).redact(&record, Trust::Verified).unwrap());
        assert!(
            one.cases.iter().all(|case| two.cases.iter().all(|other| (&case.id, case.hash) != (&other.id, other.hash)))
        );
        assert!(one.runs.iter().all(|run| two.runs.iter().all(|other| run.seed != other.seed)));
    }

    #[test]
    fn a_result_is_reproduced_within_the_joint_interval_and_in_exact_mode_to_the_point() {
        let mut first = record();
        assert!(reproduces(&first, &first.clone()));
        let mut worse = first.clone();
        for run in worse.runs.iter_mut().filter(|run| run.arm == Arm::Cand) {
            run.score = Some(0);
        }
        worse.result = compute(&worse.runs, &worse.cases);
        assert!(!reproduces(&first, &worse));
        let mut other = first.clone();
        other.score_key = Digest([1; 32]);
        assert!(!reproduces(&first, &other));
        let mut near = first.clone();
        let score = near.runs[0].score.unwrap();
        near.runs[0].score = Some(if score > 0 { score - 1 } else { 1 });
        near.result = compute(&near.runs, &near.cases);
        (first.engine.mode, near.engine.mode) = (Mode::Throughput, Mode::Throughput);
        assert!(reproduces(&first, &near));
        (first.engine.mode, near.engine.mode) = (Mode::Exact, Mode::Exact);
        assert!(!reproduces(&first, &near));
    }

    #[test]
    fn what_still_tells_something_is_noticed() {
        let record = record();
        let redacted = Opaque::new(&record.cases, &ATTEMPT).redact(&record, Trust::Verified).unwrap();
        let wrong: [fn(&mut Record); 6] = [
            |record| record.suite.sealed = false,
            |record| record.cases[0].id = "case-0123456789abcdeg".to_owned(),
            |record| record.cases[0].group = "group-".to_owned(),
            |record| record.cases[0].category = "sql".to_owned(),
            |record| record.runs[0].checks[0].evidence = "x".to_owned(),
            |record| record.runs[0].checks[0].kind = "contains".to_owned(),
        ];
        for change in wrong {
            let mut record = redacted.clone();
            change(&mut record);
            assert_eq!(check_redacted(&record).unwrap_err().code, codes::REDACTED);
        }
    }

    #[test]
    fn other_cases_other_seeds_and_fewer_runs_are_noticed() {
        let mut record = record();
        let salt = salt_of("salt", Some(&ATTEMPT));
        for run in &mut record.runs {
            run.seed = seed(&salt, &run.case, run.repeat);
        }
        let opaque = Opaque::new(&record.cases, &ATTEMPT);
        let redacted = opaque.redact(&record, Trust::Verified).unwrap();
        assert_eq!(opaque.check(&redacted, "salt"), Ok(()));
        assert_eq!(opaque.check(&redacted, "pepper").unwrap_err().code, codes::RECORD_RUNS);
        let other = Opaque::new(&record.cases, &Digest([8; 32]));
        assert_eq!(other.check(&redacted, "salt").unwrap_err().code, codes::SUITE_DIGEST);
        let mut fewer = redacted.clone();
        fewer.runs.pop();
        assert_eq!(opaque.check(&fewer, "salt").unwrap_err().code, codes::RECORD_RUNS);
    }
}
