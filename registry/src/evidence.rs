//! Records that come with a version or a result: whether they follow from their runs, the transcripts from the record, and the verdict
//! from all of it. The order of the checks: form, conditions, runs, transcripts, deterministic checks, verdict.

use std::collections::{BTreeMap, BTreeSet};

use skill_bundle::{Package, hash::sha256};
use skill_engine::{
    eval::{salt_of, seed},
    executor::leak,
    gate::{Outcome, Policy, Recorded, Verdict},
    record::{Baseline, Interval, Record, Terms, Trust, regrade, split_hash, summary},
    report::Details,
    run::Arm,
    suite::{self, Split, pack::Sealed},
};
use skill_schema::{Digest, Fault, api::eval::Entry, codes, index::Score};

use crate::{
    error::Error,
    store::{
        attempt::Attempt,
        lift,
        score::{NewRecord, Side},
    },
    upload::Sent,
};

/// What a record is compared with.
pub struct Expected<'a> {
    /// The attempt that it ends.
    pub attempt: &'a Attempt,
    /// The suite, whole.
    pub suite: &'a Sealed,
    /// The test that the scope asks for at least.
    pub policy: Policy,
    /// Whether the version claims no better score; none if only the record says.
    pub maintenance: Option<bool>,
    /// The candidate's package, if it is at hand.
    pub package: Option<&'a Package>,
    /// Whether the candidate's contents raise no finding that its head did not raise.
    pub scan_clean: bool,
}

/// A record that holds.
pub struct Evidence {
    /// What goes into the database.
    pub record: NewRecord,
    /// The verdict; none if nothing had to be beaten.
    pub verdict: Option<Verdict>,
    /// The record as it was sent.
    pub sent: Sent,
}

/// Checks a record and its transcripts. Blocks: it parses, hashes, grades again and computes exact tests.
///
/// # Errors
/// `E_RECORD`, `E_RECORD_RESULT`, `E_SCORE_KEY`, `E_ATTEMPT_OTHER`, `E_RECORD_RUNS`, `E_TRANSCRIPTS`, `E_REGRADE`, `E_VERDICT`.
pub fn examine(sent: Sent, expected: &Expected<'_>) -> Result<Evidence, Error> {
    let record = Record::parse(&sent.record)?;
    record.verify()?;
    conditions(&record, expected)?;
    runs(&record, expected)?;
    let details = Details::from_json(&sent.transcripts)
        .ok_or_else(|| Fault::new(codes::TRANSCRIPTS).detail("they cannot be read"))?;
    let skill = record.skill.name.rsplit('/').next().unwrap_or_default();
    regrade(&record, &details, &expected.suite.suite, skill)?;
    let verdict = verdict(&record, expected)?;
    if record.provenance.trust != Trust::Claimed {
        return Err(Fault::new(codes::RECORD).at("provenance.trust").detail("its publisher can only claim").into());
    }
    let transcripts = Some(sha256(&sent.transcripts));
    let maintenance = record.terms()?.is_some_and(|terms| terms.maintenance);
    let new = new_record(&record, &expected.attempt.entry, transcripts, verdict.as_ref(), maintenance)?;
    Ok(Evidence { record: new, verdict, sent })
}

/// The record is about what the attempt is about, under the same score key, on the suite's holdout.
fn conditions(record: &Record, expected: &Expected<'_>) -> Result<(), Error> {
    let entry = &expected.attempt.entry;
    let other = |what: &str| Err(Fault::new(codes::ATTEMPT_OTHER).at(what).into());
    if record.skill.tree != entry.tree {
        return other("skill.tree");
    }
    if record.skill.name != expected.attempt.skill.to_string() {
        return other("skill.name");
    }
    let parent = match &record.arms.baseline {
        Some(Baseline::Version { tree, .. }) => Some(*tree),
        Some(Baseline::NoSkill {}) => None,
        None => return other("arms.baseline"),
    };
    if parent != entry.parent {
        return other("arms.baseline");
    }
    if record.suite.suite_hash != Some(entry.suite) || record.suite.part != Some(Split::Holdout) {
        return other("suite");
    }
    if record.suite.split_hash != expected.attempt.holdout {
        return Err(Fault::new(codes::SUITE_DIGEST).at("suite.split_hash").into());
    }
    if record.model.weights != expected.attempt.weights || record.score_key != entry.score_key {
        return Err(Fault::new(codes::SCORE_KEY).at("score_key").into());
    }
    Ok(())
}

/// The runs are those of the attempt: its seeds, every held-out case, and both sides equally often.
fn runs(record: &Record, expected: &Expected<'_>) -> Result<(), Error> {
    let wrong = |place: String, detail: &str| Err(Fault::new(codes::RECORD_RUNS).at(place).detail(detail).into());
    let (suite, lock) = (&expected.suite.suite, &expected.suite.lock);
    let held: BTreeMap<&str, &suite::Case> =
        suite.part(lock, Split::Holdout).map(|case| (case.id.as_str(), case)).collect();
    for facts in &record.cases {
        let Some(case) = held.get(facts.id.as_str()) else { return wrong(facts.id.clone(), "it is not held out") };
        let same = (&facts.category, &facts.group, facts.critical) == (&case.category, &case.group, case.critical);
        if !same {
            return wrong(facts.id.clone(), "its category, group or weight is another");
        }
    }
    if split_hash(&record.cases) != expected.attempt.holdout {
        return Err(Fault::new(codes::SUITE_DIGEST).at("cases").into());
    }
    let salt = salt_of(&suite.settings.salt, Some(&expected.attempt.entry.attempt));
    let mut seen: BTreeMap<(&str, Arm), BTreeSet<u32>> = BTreeMap::new();
    for run in &record.runs {
        if run.seed != seed(&salt, &run.case, run.repeat) {
            return wrong(format!("{} {}", run.case, run.repeat), "its seed is not the attempt's");
        }
        seen.entry((&run.case, run.arm)).or_default().insert(run.repeat);
    }
    let most = seen.values().map(BTreeSet::len).max().unwrap_or(0);
    for (id, arm) in held.keys().flat_map(|id| [(*id, Arm::Base), (*id, Arm::Cand)]) {
        let repeats = seen.get(&(id, arm)).map_or(0, BTreeSet::len);
        // A run that is missing is there as missing; one that is not there was left out.
        if repeats != most || most == 0 {
            return wrong(id.to_owned(), "runs were left out");
        }
    }
    Ok(())
}

/// Computes the verdict again and compares it with the record's. None where nothing had to be beaten.
fn verdict(record: &Record, expected: &Expected<'_>) -> Result<Option<Verdict>, Error> {
    if expected.attempt.entry.parent.is_none() {
        return Ok(None);
    }
    let claimed = record.terms()?.ok_or_else(|| Fault::new(codes::VERDICT).detail("the record has none"))?;
    let (suite, lock) = (&expected.suite.suite, &expected.suite.lock);
    let holdout: Vec<_> = suite.part(lock, Split::Holdout).cloned().collect();
    let leak = expected.package.map_or(claimed.leak, |package| !leak::scan_package(package, &holdout).is_empty());
    // Whoever asks more of themselves than the scope does may.
    let policy = if expected.policy == Policy::Strict { Policy::Strict } else { claimed.policy };
    let recorded = expected.attempt.recorded.map(|pooled| Recorded { sum: pooled.sum, runs: pooled.runs });
    let terms = Terms {
        policy,
        failed: expected.attempt.entry.failed,
        recorded,
        maintenance: expected.maintenance.unwrap_or(claimed.maintenance),
        leak,
        scan_clean: expected.scan_clean,
    };
    same_verdict(record, &terms).map(Some)
}

/// Computes a verdict on these terms and compares it with the record's.
///
/// # Errors
/// `E_VERDICT`, with what follows from the runs; what [`Record::judge`] refuses.
pub fn same_verdict(record: &Record, terms: &Terms) -> Result<Verdict, Error> {
    let verdict = record.judge(terms)?;
    let computed = summary(&verdict, terms);
    if computed != record.verdict {
        let fault = Fault::new(codes::VERDICT).detail(verdict.sentence());
        return Err(Error::Refused { fault, findings: vec![computed] });
    }
    Ok(verdict)
}

/// The refusal of a version whose verdict is no accept, with the numbers.
///
/// # Errors
/// `E_GATE_REJECTED`, `E_GATE_INVALID`.
pub fn accepted(evidence: &Evidence) -> Result<(), Error> {
    match evidence.verdict.as_ref().and_then(|verdict| Some((verdict.fault()?, verdict))) {
        None => Ok(()),
        Some((fault, verdict)) => {
            let numbers = serde_json::to_value(verdict).unwrap_or_default();
            Err(Error::Refused { fault, findings: vec![numbers] })
        }
    }
}

/// The candidate's score as the index shows it, without what depends on other records.
pub fn score_of(record: &Record) -> Score {
    let interval = |end: fn(&Interval) -> i64| record.result.cand.interval.as_ref().map(|interval| pm(end(interval)));
    Score {
        key: record.score_key,
        n: record.result.cases,
        k: record.result.repeats,
        mean: pm(record.result.cand.mean_ppm.unwrap_or(0)),
        lo: interval(|interval| interval.low_ppm),
        hi: interval(|interval| interval.high_ppm),
        uplift: None,
        trust: record.provenance.trust.word().to_owned(),
    }
}

fn pm(ppm: i64) -> i64 {
    skill_engine::ratio::round_half_even(ppm.into(), 1_000).try_into().unwrap_or(0)
}

/// A record that was checked, as the database keeps it.
///
/// # Errors
/// [`codes::RECORD`] if a number is past 2⁵³-1.
pub fn new_record(
    record: &Record,
    entry: &Entry,
    transcripts: Option<Digest>,
    verdict: Option<&Verdict>,
    maintenance: bool,
) -> Result<NewRecord, Error> {
    Ok(NewRecord {
        digest: record.digest()?,
        transcripts,
        attempt: entry.attempt,
        verdict: match verdict.map(|verdict| verdict.outcome) {
            Some(Outcome::Accept) if maintenance => "maintenance",
            None | Some(Outcome::Accept) => "accept",
            Some(Outcome::Reject) => "reject",
            Some(Outcome::Invalid) => "invalid",
        },
        delta: record.result.delta.as_ref().map(|delta| pm(delta.mean_ppm)),
        score_key: record.score_key,
        suite: entry.suite,
        sides: [("base", Arm::Base, entry.parent), ("cand", Arm::Cand, Some(entry.tree))]
            .map(|(name, arm, tree)| Side {
                arm: name,
                tree,
                recorded: record.pooled(arm),
                cases: lift::cases(record, arm),
            })
            .into(),
        tokens: record.result.cand.tokens,
        score: score_of(record),
    })
}

/// The digest of a candidate's record.
pub fn digest(sent: &Sent) -> Digest {
    sha256(&sent.record)
}
