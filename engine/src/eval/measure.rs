//! Measures a skill on a suite: makes all runs, or as many as a cap or a wanted precision asks for, and writes the record.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Instant,
};

use serde_json::Value;
use skill_schema::{Digest, Fault, codes, time::Timestamp};

use super::{
    Answering, Cache, Cap, Caps, Spent,
    cache::Kept,
    key, metric,
    schedule::{Enough, Item, Schedule, interleaved},
};
use crate::{
    Event, Reporter,
    model::{Caps as Abilities, Counters, Fingerprint, Mode, Sharing},
    record::{
        Arms, Baseline, CaseFacts, Certain, Early, EngineFacts, FORMAT, Grader, Harness, Model, Order, Provenance,
        Record, SamplingFacts, ScoreKey, Skill, SuiteFacts, Terms, Trust, compute, judged_weight, split_hash,
    },
    report::{CaseText, Details, OutputFile, RunDetails, RunId},
    run::{Arm, Run},
    suite::{Case, Lock, Opened, Split},
};

/// What is measured, and how.
#[derive(Clone, Copy)]
pub struct Measurement<'a> {
    /// The suite.
    pub opened: &'a Opened,
    /// Its split.
    pub lock: &'a Lock,
    /// The part that is run; none for all cases.
    pub part: Option<Split>,
    /// Ids of the only cases that are run; none for all of the part.
    pub only: Option<&'a BTreeSet<String>>,
    /// The skill.
    pub skill: &'a Skill,
    /// What it is compared with; none to run the skill alone.
    pub baseline: Option<&'a Baseline>,
    /// The score key; its split is filled in.
    pub key: &'a ScoreKey,
    /// The model that answers.
    pub model: &'a Fingerprint,
    /// What its back end can do.
    pub abilities: &'a Abilities,
    /// Whether answers may depend on what runs beside them.
    pub mode: Mode,
    /// The grader, as known before the runs.
    pub grader: &'a Grader,
    /// The program that measures.
    pub harness: &'a Harness,
    /// The first repeat: each has a seed of its own.
    pub first: u32,
    /// Runs a case and arm, at least 1.
    pub repeats: u32,
    /// Stops as soon as the 95 % interval of the difference, or of the mean without a baseline, is at most this wide to each side,
    /// in millionths; `repeats` are the most.
    pub until: Option<i64>,
    /// Ends as soon as the gate's verdict on these terms is certain.
    pub early: Option<&'a Terms>,
    /// Runs at once.
    pub width: usize,
    /// Hard caps.
    pub caps: Caps,
    /// Whether runs are made anew even if the cache has them.
    pub fresh: bool,
    /// The logged attempt that the runs are for; its seeds are its own.
    pub attempt: Option<Digest>,
    /// Who measures, for people.
    pub who: &'a str,
}

/// What came of it.
#[derive(Debug)]
pub struct Measured {
    /// The record.
    pub record: Record,
    /// What was asked and answered.
    pub details: Details,
    /// Runs that came from the cache.
    pub cached: u64,
    /// What was used now.
    pub spent: Spent,
    /// The cap that ended it early, if one did.
    pub stopped: Option<Cap>,
    /// What was certain before all runs were made, if that ended it.
    pub certain: Option<Certain>,
    /// What the model that answers took; `None` where it does not count.
    pub counters: Option<Counters>,
}

/// Measures. `now` is asked once, at the end.
///
/// # Errors
/// A suite whose files cannot be read; nothing about the skill is an error.
pub async fn measure(
    plan: &Measurement<'_>,
    answering: &Answering,
    cache: &Cache,
    reporter: &dyn Reporter,
    now: impl Fn() -> Timestamp,
) -> Result<Measured, Fault> {
    let hashes = plan.opened.suite.case_hashes(&plan.opened.folder)?;
    let cases = chosen(plan, &hashes);
    let arms: &[Arm] = if plan.baseline.is_some() { &[Arm::Base, Arm::Cand] } else { &[Arm::Cand] };
    let title =
        format!("{} on {}", plan.skill.title(), plan.opened.suite.settings.id.as_deref().unwrap_or("its suite"));
    let steps = cases.len() as u64 * arms.len() as u64 * u64::from(plan.repeats);
    reporter.report(Event::Started { title, steps });
    let mut made = Made::new();
    // Without a wanted precision all repeats are one queue, so that nothing waits for the slowest run of a round.
    let round = if plan.until.is_some() { 1 } else { plan.repeats.max(1) };
    let facts = facts(&cases);
    let early = plan.early.filter(|_| plan.until.is_none()).map(|terms| early(plan, terms, &facts));
    let (mut begun, last) = (plan.first, plan.first.saturating_add(plan.repeats.max(1)));
    while begun < last && made.stopped.is_none() {
        let end = begun.saturating_add(round).min(last);
        let items = items(plan, &cases, arms, begun..end)?;
        made.add(plan, answering, cache, reporter, &items, early.as_ref()).await;
        begun = end;
        if plan.until.is_some_and(|wanted| made.is_precise(&facts, wanted)) {
            break;
        }
    }
    let all: Vec<Case> = cases.iter().map(|(case, _)| (*case).clone()).collect();
    metric::settle(&all, &mut made.runs);
    let certain = early.filter(|_| made.enough).map(|early| early.certain(&made.runs)).transpose()?.flatten();
    let record = record(plan, facts, &hashes, made.runs, now())?;
    let (passed, failed) = made.spent_steps;
    reporter.report(Event::Finished { passed, failed });
    for (case, _) in &cases {
        made.details.cases.insert(case.id.clone(), CaseText::from(*case));
    }
    let counters = answering.executor.counters().await;
    let Made { details, cached, spent, stopped, .. } = made;
    Ok(Measured { record, details, cached, spent, stopped, certain, counters })
}

/// What a verdict on these terms depends on, so that it may be certain early.
fn early<'a>(plan: &Measurement<'_>, terms: &'a Terms, cases: &'a [CaseFacts]) -> Early<'a> {
    Early { terms, cases, repeats: plan.repeats.max(1), greedy: plan.key.sampling.temperature.value() == 0.0 }
}

/// The cases of the part, with the hashes of all cases of the suite.
fn chosen<'a>(plan: &Measurement<'a>, hashes: &[Digest]) -> Vec<(&'a Case, Digest)> {
    let all = plan.opened.suite.cases.iter().zip(hashes);
    all.filter(|(case, _)| is_in_part(plan, case)).map(|(case, hash)| (case, *hash)).collect()
}

fn is_in_part(plan: &Measurement<'_>, case: &Case) -> bool {
    plan.part.is_none_or(|part| plan.lock.get(&case.id) == Some(part))
        && plan.only.is_none_or(|only| only.contains(&case.id))
}

fn items(
    plan: &Measurement<'_>,
    cases: &[(&Case, Digest)],
    arms: &[Arm],
    repeats: std::ops::Range<u32>,
) -> Result<Vec<Item>, Fault> {
    let base = match plan.baseline {
        Some(Baseline::Version { tree, .. }) => Some(*tree),
        _ => None,
    };
    let salt = key::salt_of(&plan.opened.suite.settings.salt, plan.attempt.as_ref());
    let places = key::Places::new(plan.key, plan.mode)?;
    let item = |(arm, case, repeat): (Arm, usize, u32)| {
        let skill = if arm == Arm::Base { base } else { Some(plan.skill.tree) };
        let seed = key::seed(&salt, &cases[case].0.id, repeat);
        Item { arm, case, repeat, seed, key: places.of_run(skill, cases[case].1, seed) }
    };
    Ok(interleaved(cases.len(), repeats, arms).into_iter().map(item).collect())
}

fn facts(cases: &[(&Case, Digest)]) -> Vec<CaseFacts> {
    let of = |(case, hash): &(&Case, Digest)| CaseFacts {
        id: case.id.clone(),
        category: case.category.clone(),
        group: case.group.clone(),
        critical: case.critical,
        hash: *hash,
    };
    cases.iter().map(of).collect()
}

/// What was made so far.
struct Made {
    begun: Instant,
    runs: Vec<Run>,
    details: Details,
    cached: u64,
    spent: Spent,
    spent_steps: (u64, u64),
    stopped: Option<Cap>,
    enough: bool,
}

impl Made {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            runs: Vec::new(),
            details: Details::default(),
            cached: 0,
            spent: Spent::default(),
            spent_steps: (0, 0),
            stopped: None,
            enough: false,
        }
    }

    async fn add(
        &mut self,
        plan: &Measurement<'_>,
        answering: &Answering,
        cache: &Cache,
        reporter: &dyn Reporter,
        items: &[Item],
        early: Option<&Early<'_>>,
    ) {
        let caps = self.left(plan.caps);
        // A server that shares prefixes by itself has to have seen one before the others come: the first run of each arm goes alone.
        let arms = if plan.baseline.is_some() { 2 } else { 1 };
        let alone = if plan.abilities.prefix_sharing == Sharing::Automatic { arms } else { 0 };
        let is_certain = |runs: &[Option<Kept>]| {
            let runs = runs.iter().flatten().map(|kept| &kept.run);
            early.is_some_and(|early| early.certain(runs).is_ok_and(|certain| certain.is_some()))
        };
        let enough: Option<Enough<'_>> = if early.is_some() { Some(&is_certain) } else { None };
        let schedule = Schedule { items, width: plan.width, alone, caps, cache, fresh: plan.fresh, reporter, enough };
        let done = schedule.work(answering).await;
        self.enough = done.enough;
        self.cached += done.cached;
        self.spent.add(done.spent);
        self.stopped = done.stopped;
        for kept in done.runs.into_iter().flatten() {
            let passed = kept.run.score == Some(1000);
            self.spent_steps.0 += u64::from(passed);
            self.spent_steps.1 += u64::from(!passed);
            let file = |file: super::cache::OutputFile| OutputFile {
                path: file.path,
                size: file.size,
                text: Some(file.text).filter(|text| !text.is_empty()),
            };
            let files = kept.outputs.into_iter().map(file).collect();
            let details = RunDetails { transcript: kept.transcript, files };
            self.details.runs.insert(RunId::from(&kept.run), details);
            self.runs.push(kept.run);
        }
    }

    /// What is left of the caps for the next round.
    fn left(&self, caps: Caps) -> Caps {
        let left = |cap: Option<u64>, spent: u64| cap.map(|cap| cap.saturating_sub(spent));
        Caps {
            runs: left(caps.runs, self.spent.runs),
            tokens: left(caps.tokens, self.spent.tokens),
            cost_micros: left(caps.cost_micros, self.spent.cost_micros),
            seconds: left(caps.seconds, self.begun.elapsed().as_secs()),
        }
    }

    fn is_precise(&self, cases: &[CaseFacts], wanted: i64) -> bool {
        let result = compute(&self.runs, cases);
        let interval = match &result.delta {
            Some(delta) => delta.interval,
            None => result.cand.interval,
        };
        interval.is_some_and(|interval| interval.high_ppm - interval.low_ppm <= 2 * wanted)
    }
}

fn record(
    plan: &Measurement<'_>,
    facts: Vec<CaseFacts>,
    hashes: &[Digest],
    mut runs: Vec<Run>,
    when: Timestamp,
) -> Result<Record, Fault> {
    let places: HashMap<&str, usize> = facts.iter().enumerate().map(|(n, case)| (case.id.as_str(), n)).collect();
    runs.sort_by_key(|run| (places.get(run.case.as_str()).copied(), run.repeat, run.arm));
    let split = split_hash(&facts);
    let key = ScoreKey { split, ..plan.key.clone() };
    let settings = &plan.opened.suite.settings;
    let digests = plan.opened.suite.digests_of(plan.lock, hashes).ok();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut seeds: Vec<u64> = runs.iter().map(|run| run.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let grader = Grader { judged_weight_ppm: judged_weight(&runs), ..plan.grader.clone() };
    Ok(Record {
        format: FORMAT.to_owned(),
        skill: plan.skill.clone(),
        suite: SuiteFacts {
            id: settings.id.clone(),
            version: settings.version.clone(),
            part: plan.part,
            sealed: false,
            split_hash: split,
            suite_hash: digests.as_ref().map(|digests| digests.suite),
            cases: count(plan.opened.suite.cases.len()),
            holdout: count(digests.as_ref().map_or(0, |digests| digests.holdout_cases)),
        },
        result: compute(&runs, &facts),
        cases: facts,
        score_key: key.digest()?,
        model: Model {
            name: plan.model.model.clone(),
            weights: key.weights.clone(),
            quantisation: key.quantisation.clone(),
        },
        engine: EngineFacts {
            name: key.engine.clone(),
            build: key.build.clone(),
            device: plan.model.device.clone(),
            kv_reuse: plan.abilities.prefix_sharing,
            mode: plan.mode,
        },
        sampling: SamplingFacts {
            temperature: key.sampling.temperature.clone(),
            top_p: key.sampling.top_p.clone(),
            max_tokens: key.sampling.max_tokens,
            seeds,
        },
        key,
        grader,
        harness: plan.harness.clone(),
        arms: Arms {
            baseline: plan.baseline.cloned(),
            order: if plan.baseline.is_some() { Order::Interleaved } else { Order::Sequential },
        },
        runs,
        verdict: Value::Null,
        provenance: Provenance { who: plan.who.to_owned(), when, trust: Trust::Claimed },
    })
}

/// The cases as items count them.
///
/// # Errors
/// [`codes::NO_SUITE`] if no case is in the part.
pub fn cases_of(plan: &Measurement<'_>) -> Result<Vec<Arc<Case>>, Fault> {
    let all = plan.opened.suite.cases.iter();
    let cases: Vec<_> = all.filter(|case| is_in_part(plan, case)).map(|case| Arc::new(case.clone())).collect();
    if cases.is_empty() {
        return Err(Fault::new(codes::NO_SUITE).at(plan.opened.file.clone()).detail("no case is in this part"));
    }
    Ok(cases)
}
