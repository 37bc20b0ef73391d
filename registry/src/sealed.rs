//! Records of sealed holdouts: whether what a verifier sends follows from its runs, is about the sealed cases, and tells nothing of them.

use bytes::Bytes;
use skill_bundle::{Package, check, hash::sha256};
use skill_engine::{
    executor::leak,
    gate::{Policy, Recorded, Verdict},
    record::{
        Baseline, Record, Terms, Trust,
        sealed::{self, Opaque},
        split_hash,
    },
    suite::{self, Split, pack::Sealed},
};
use skill_schema::{Digest, Fault, SkillId, codes, index::Score};

use crate::{
    error::{Error, blocking},
    evidence, measured,
    state::AppState,
    store::{
        attempt::Attempt,
        job::Held,
        score::{NewRecord, VerifiedRecord},
    },
    vault::{Kept, Vault},
};

/// What a verifier's record is compared with.
struct Expected {
    attempt: Attempt,
    held: Held,
    policy: Policy,
    /// The suite; none if the registry does not keep it.
    suite: Option<Vec<u8>>,
    candidate: Bytes,
    head: Option<Bytes>,
    /// The record of the result that is checked again.
    first: Option<Bytes>,
}

/// A verifier's record that holds.
pub struct Examined {
    /// What goes into the database.
    pub record: NewRecord,
    /// The word of the statement's summary: `accept`, `reject` or `invalid`.
    pub word: &'static str,
    /// Whether it is what the first verifier found; of a first result always.
    pub reproduces: bool,
}

/// Checks the record of a verifier.
///
/// # Errors
/// As [`evidence::examine`]; `E_REDACTED`, and `E_SUITE_DIGEST` if the cases are others.
pub async fn examine(app: &AppState, attempt: &Attempt, held: &Held, bytes: Vec<u8>) -> Result<Examined, Error> {
    let (vault, digest) = (app.vault.clone(), attempt.entry.suite);
    let suite = blocking(move || vault.get(Kept::Suite, &digest)).await?;
    let head = match attempt.entry.parent {
        Some(tree) => Some(archive_of(app, &attempt.skill, &tree).await?),
        None => None,
    };
    let scope = measured::policy(app, &attempt.skill).await?;
    let first = match attempt.entry.record {
        Some(record) if held.recheck => Some(measured::blob(app, record).await?),
        _ => None,
    };
    let expected = Expected {
        attempt: attempt.clone(),
        held: held.clone(),
        policy: if held.terms.strict { Policy::Strict } else { scope },
        suite,
        candidate: candidate(app, held).await?,
        head,
        first,
    };
    let limits = app.config.packages;
    let _place = app.checks.acquire().await.map_err(|_| Fault::new(codes::UNAVAILABLE))?;
    blocking(move || {
        let candidate = Package::open(expected.candidate.clone(), &limits)?;
        let scan_clean = match &expected.head {
            Some(head) => !check::raises_more(&candidate, &Package::open(head.clone(), &limits)?, &limits),
            None => true,
        };
        compare(&bytes, &expected, &candidate, scan_clean)
    })
    .await
}

/// The candidate of a job: sealed, or if its result is checked again, published.
///
/// # Errors
/// If it is not there.
pub async fn candidate(app: &AppState, held: &Held) -> Result<Bytes, Error> {
    if held.recheck {
        return measured::blob(app, held.candidate).await;
    }
    let (vault, digest) = (app.vault.clone(), held.candidate);
    let found = blocking(move || vault.get(Kept::Candidate, &digest)).await?;
    found.map(Bytes::from).ok_or_else(|| Error::Damaged(format!("the candidate {digest} is missing")))
}

async fn archive_of(app: &AppState, id: &SkillId, tree: &Digest) -> Result<Bytes, Error> {
    let archive = app.store.archive_with(id, tree).await?;
    measured::blob(app, archive.ok_or_else(|| Fault::new(codes::HEAD_MOVED).at(id.to_string()))?).await
}

fn compare(bytes: &[u8], expected: &Expected, candidate: &Package, scan_clean: bool) -> Result<Examined, Error> {
    let record = Record::parse(bytes)?;
    record.verify()?;
    sealed::check_redacted(&record)?;
    conditions(&record, expected)?;
    let suite = expected.suite.as_ref().map(|bytes| suite::pack::open(bytes)).transpose()?;
    let claimed = record.terms()?;
    let leak = if let Some(suite) = &suite {
        cases(&record, suite, &expected.attempt)?;
        let holdout: Vec<_> = suite.suite.part(&suite.lock, Split::Holdout).cloned().collect();
        !leak::scan_package(candidate, &holdout).is_empty()
    } else {
        sealed::equally_many(&record)?;
        claimed.is_some_and(|terms| terms.leak)
    };
    let said = expected.held.terms;
    let terms = Terms {
        policy: expected.policy,
        failed: said.failed,
        recorded: said.recorded.map(|pooled| Recorded { sum: pooled.sum, runs: pooled.runs }),
        maintenance: said.maintenance,
        leak,
        scan_clean,
    };
    let entry = &expected.attempt.entry;
    let verdict = match entry.parent {
        None => None,
        Some(_) => Some(evidence::same_verdict(&record, &terms)?),
    };
    let reproduces = match &expected.first {
        None => true,
        Some(first) => sealed::reproduces(&Record::parse(first)?, &record),
    };
    let new = evidence::new_record(&record, entry, None, verdict.as_ref(), said.maintenance)?;
    Ok(Examined { record: new, word: word(verdict.as_ref()), reproduces })
}

fn word(verdict: Option<&Verdict>) -> &'static str {
    verdict.map_or("accept", |verdict| verdict.outcome.word())
}

/// The record is about what the attempt is about, under the conditions that the verifier has named.
fn conditions(record: &Record, expected: &Expected) -> Result<(), Error> {
    let (entry, attempt) = (&expected.attempt.entry, &expected.attempt);
    let other = |what: &str| Err(Fault::new(codes::ATTEMPT_OTHER).at(what).into());
    if record.skill.tree != entry.tree || record.skill.name != attempt.skill.to_string() {
        return other("skill");
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
    if record.suite.split_hash != attempt.holdout {
        return Err(Fault::new(codes::SUITE_DIGEST).at("suite.split_hash").into());
    }
    let named = expected.held.conditions.as_ref();
    if named.is_none_or(|named| (named.score_key, &named.weights) != (record.score_key, &record.model.weights)) {
        return Err(Fault::new(codes::SCORE_KEY).at("score_key").into());
    }
    if record.provenance.trust != Trust::Verified {
        return Err(Fault::new(codes::RECORD).at("provenance.trust").into());
    }
    Ok(())
}

/// The cases are those that the registry keeps, and the runs have the seeds of the attempt.
fn cases(record: &Record, suite: &Sealed, attempt: &Attempt) -> Result<(), Error> {
    let facts = sealed::holdout(suite)?;
    if split_hash(&facts) != attempt.holdout {
        return Err(Error::Damaged(format!("the sealed suite {} has other cases", attempt.entry.suite)));
    }
    Ok(Opaque::new(&facts, &attempt.entry.attempt).check(record, &suite.suite.settings.salt)?)
}

/// The result of a verifier that a version is published with.
///
/// # Errors
/// `E_ATTEMPT_OTHER`, `E_GATE_REJECTED`, `E_GATE_INVALID`; `E_JOB_QUEUED` while it has no result.
pub async fn verified(
    app: &AppState,
    attempt: &Attempt,
    record: Digest,
    maintenance: bool,
) -> Result<(VerifiedRecord, Score), Error> {
    let place = attempt.entry.attempt.to_string();
    let wanted = if maintenance { "maintenance" } else { "accept" };
    match attempt.entry.verdict.as_deref() {
        None => return Err(Fault::new(codes::JOB_QUEUED).at(place).into()),
        Some("invalid") => return Err(Fault::new(codes::GATE_INVALID).at(place).into()),
        Some("reject") => return Err(Fault::new(codes::GATE_REJECTED).at(place).into()),
        Some(verdict) if verdict != wanted || attempt.entry.record != Some(record) => {
            return Err(Fault::new(codes::ATTEMPT_OTHER).at(place).into());
        }
        Some(_) => {}
    }
    let bytes = measured::blob(app, record).await?;
    blocking(move || {
        let record = Record::parse(&bytes)?;
        let verified = VerifiedRecord { record: sha256(&bytes), score_key: record.score_key };
        Ok((verified, evidence::score_of(&record)))
    })
    .await
}

/// A candidate that nobody measures any more is forgotten.
pub fn forget(vault: &Vault, candidate: &Digest) {
    if let Err(error) = vault.remove(Kept::Candidate, candidate) {
        tracing::warn!(%error, "a candidate was left");
    }
}
