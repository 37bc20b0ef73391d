//! What the gate asks of a version, given its head: a measured skill stays measured, and is followed by what beats it.

use bytes::Bytes;
use skill_bundle::{Package, check};
use skill_engine::{gate::Policy, suite};
use skill_schema::{
    Digest, Fault, Limits, SkillId, Version,
    api::suite::Info,
    codes,
    index::Score,
    statement::{Gate, Release, SuiteState},
};

use crate::{
    blobs::Blob,
    error::{Error, blocking},
    evidence::{self, Evidence, Expected},
    sealed,
    state::AppState,
    store::{
        attempt::Attempt,
        score::{Measured, VerifiedRecord},
    },
    upload::Sent,
};

/// Where the record of a version is.
pub enum Proof {
    /// It comes with the version.
    Sent(Box<Evidence>),
    /// A verifier sent it before.
    Verified(VerifiedRecord, Score),
}

/// A version that is to be published.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The skill.
    pub id: SkillId,
    /// The version.
    pub version: Version,
    /// Its tree digest.
    pub tree: Digest,
    /// The suite of its release statement.
    pub suite: Option<Digest>,
    /// Whether it claims no better score.
    pub maintenance: bool,
}

/// What was checked of a measured version, and of which attempt.
pub struct Checked {
    /// The record.
    pub evidence: Proof,
    /// The attempt that it ends.
    pub attempt: Attempt,
}

/// Checks the record of a version: the costly part, which needs no lock.
///
/// # Errors
/// Those of [`evidence::examine`] and [`evidence::accepted`]; `E_NO_ATTEMPT`, `E_ATTEMPT_USED`, `E_ATTEMPT_OTHER`; `E_SUITE_UNKNOWN`.
pub async fn examine(
    app: &AppState,
    wanted: &Wanted,
    release: &Release,
    attempt: Option<Digest>,
    sent: Option<Sent>,
    package: Bytes,
) -> Result<Option<Checked>, Error> {
    let Some(sent) = sent else { return verified(app, wanted, release, attempt).await };
    if release.evals != [evidence::digest(&sent)] {
        return Err(Fault::new(codes::MISMATCH).at("statement: evals").detail("the record is another").into());
    }
    let suite = wanted.suite.ok_or_else(|| Fault::new(codes::SUITE_UNKNOWN).detail("the release names none"))?;
    let attempt = open_attempt(app, attempt).await?;
    same(&attempt, wanted, suite)?;
    let evidence = compare(app, &attempt, Some(wanted.maintenance), Some(package), sent).await?;
    evidence::accepted(&evidence)?;
    Ok(Some(Checked { evidence: Proof::Sent(Box::new(evidence)), attempt }))
}

/// The attempt is for this version on this suite.
fn same(attempt: &Attempt, wanted: &Wanted, suite: Digest) -> Result<(), Error> {
    let entry = &attempt.entry;
    let same =
        (&attempt.skill, &entry.version, entry.tree, entry.suite) == (&wanted.id, &wanted.version, wanted.tree, suite);
    if same { Ok(()) } else { Err(Fault::new(codes::ATTEMPT_OTHER).at(entry.attempt.to_string()).into()) }
}

/// A version whose record a verifier sent before; none if its release names no record.
async fn verified(
    app: &AppState,
    wanted: &Wanted,
    release: &Release,
    attempt: Option<Digest>,
) -> Result<Option<Checked>, Error> {
    let Some(record) = release.evals.first() else { return Ok(None) };
    let missing = || Fault::new(codes::MISMATCH).at(record.to_string()).detail("the record is not sent");
    let named = attempt.filter(|_| release.evals.len() == 1).ok_or_else(missing)?;
    let attempt = app.store.attempt(&named).await?;
    let attempt = attempt.ok_or_else(|| Fault::new(codes::NO_ATTEMPT).at(named.to_string()))?;
    if app.store.job(&named, app.clock.micros()).await?.is_none() {
        return Err(missing().into());
    }
    let suite = wanted.suite.ok_or_else(|| Fault::new(codes::SUITE_UNKNOWN).detail("the release names none"))?;
    same(&attempt, wanted, suite)?;
    let (found, score) = sealed::verified(app, &attempt, *record, wanted.maintenance).await?;
    Ok(Some(Checked { evidence: Proof::Verified(found, score), attempt }))
}

/// The attempt that was named, if it has no result yet.
///
/// # Errors
/// `E_NO_ATTEMPT`, `E_ATTEMPT_USED`.
pub async fn open_attempt(app: &AppState, named: Option<Digest>) -> Result<Attempt, Error> {
    let named = named.ok_or_else(|| Fault::new(codes::NO_ATTEMPT).detail("none is named"))?;
    let attempt =
        app.store.attempt(&named).await?.ok_or_else(|| Fault::new(codes::NO_ATTEMPT).at(named.to_string()))?;
    if app.store.job(&named, app.clock.micros()).await?.is_some() {
        return Err(Fault::new(codes::SEALED).at(named.to_string()).detail("its result is a verifier's").into());
    }
    match &attempt.entry.verdict {
        None => Ok(attempt),
        Some(verdict) => Err(Fault::new(codes::ATTEMPT_USED).at(named.to_string()).detail(verdict.clone()).into()),
    }
}

/// Compares a record with its attempt and suite, where that may block. Whether it claims no better score is what the record says, if it is
/// not known here.
///
/// # Errors
/// Those of [`evidence::examine`]; `E_SUITE_UNKNOWN`.
pub async fn compare(
    app: &AppState,
    attempt: &Attempt,
    maintenance: Option<bool>,
    package: Option<Bytes>,
    sent: Sent,
) -> Result<Evidence, Error> {
    let info = known(app, &attempt.entry.suite).await?;
    let archive = blob(app, info.archive).await?;
    let head = match attempt.entry.parent {
        Some(_) => head_archive(app, &attempt.skill).await?,
        None => None,
    };
    let policy = policy(app, &attempt.skill).await?;
    let (attempt, limits) = (attempt.clone(), app.config.packages);
    let _place = app.checks.acquire().await.map_err(|_| Fault::new(codes::UNAVAILABLE))?;
    blocking(move || {
        let suite = suite::pack::open(&archive)?;
        let package = package.map(|bytes| Package::open(bytes, &limits)).transpose()?;
        let scan_clean = is_clean(package.as_ref(), head, &limits)?;
        let expected =
            Expected { attempt: &attempt, suite: &suite, policy, maintenance, package: package.as_ref(), scan_clean };
        evidence::examine(sent, &expected)
    })
    .await
}

fn is_clean(package: Option<&Package>, head: Option<Bytes>, limits: &Limits) -> Result<bool, Error> {
    let (Some(package), Some(head)) = (package, head) else { return Ok(true) };
    Ok(!check::raises_more(package, &Package::open(head, limits)?, limits))
}

/// Which test the scope of a skill asks for.
///
/// # Errors
/// Those of the database.
pub async fn policy(app: &AppState, id: &SkillId) -> Result<Policy, Error> {
    let chain = app.chains.hold(&id.scope, &app.store, &app.identity).await?;
    Ok(match chain.gate() {
        Some(Gate::Strict) => Policy::Strict,
        _ => Policy::Standard,
    })
}

/// A suite that the registry has and that measures something still.
///
/// # Errors
/// `E_SUITE_UNKNOWN`.
pub async fn known(app: &AppState, suite: &Digest) -> Result<Info, Error> {
    let info = app.store.suite(suite).await?.ok_or_else(|| Fault::new(codes::SUITE_UNKNOWN).at(suite.to_string()))?;
    if info.state == SuiteState::Retire {
        return Err(Fault::new(codes::SUITE_UNKNOWN).at(suite.to_string()).detail("it is retired").into());
    }
    Ok(info)
}

/// What the rules leave of a version: the score that it takes over, if it does.
///
/// Held under the scope's chain, so that the head stays what it is.
///
/// # Errors
/// `E_UNMEASURED`, `E_SUITE_UNKNOWN`, `E_SUITE_CHANGED`, `E_HEAD_MOVED`.
pub async fn rules(app: &AppState, wanted: &Wanted, attempt: Option<&Attempt>) -> Result<Option<Score>, Error> {
    let head = app.store.measured_head(&wanted.id).await?;
    let place = format!("{}@{}", wanted.id, wanted.version);
    let suite = match wanted.suite {
        Some(suite) => Some(known(app, &suite).await?),
        None => None,
    };
    let measured: Option<(&Measured, Digest)> = head.as_ref().and_then(|head| Some((head, head.suite?)));
    match (measured, attempt) {
        (None, None) => Ok(None),
        (None, Some(attempt)) if attempt.entry.parent.is_none() => Ok(None),
        (None, Some(_)) => Err(Fault::new(codes::HEAD_MOVED).at(place).detail("no version has a score").into()),
        // A score that nobody computed is nothing to be beaten.
        (Some((head, _)), None) if head.score.is_none() && suite.is_some() => Ok(None),
        (Some((head, _)), None) => {
            Err(Fault::new(codes::UNMEASURED).at(place).detail(format!("the head is {}", head.version)).into())
        }
        (Some((head, before)), Some(attempt)) => {
            if attempt.entry.parent != Some(head.tree) {
                return Err(Fault::new(codes::HEAD_MOVED)
                    .at(place)
                    .detail(format!("latest is {}", head.version))
                    .into());
            }
            if let Some(info) = suite.filter(|info| info.suite != before) {
                suite_changed(app, head, &before, &info).await?;
            }
            Ok(if wanted.maintenance { head.score.clone() } else { None })
        }
    }
}

/// Another suite is fine if its holdout is the same, or if the head was measured with it before.
async fn suite_changed(app: &AppState, head: &Measured, before: &Digest, info: &Info) -> Result<(), Error> {
    let old = app.store.suite(before).await?;
    if old.is_some_and(|old| old.holdout == info.holdout) || app.store.is_measured(&head.tree, &info.suite).await? {
        return Ok(());
    }
    Err(Fault::new(codes::SUITE_CHANGED).at(format!("{}@{}", info.id, info.version)).into())
}

async fn head_archive(app: &AppState, id: &SkillId) -> Result<Option<Bytes>, Error> {
    let Some(head) = app.store.measured_head(id).await? else { return Ok(None) };
    let (archive, _) = app.store.digests_of(id, &head.version).await?;
    blob(app, archive).await.map(Some)
}

/// The bytes of a blob that a row names.
///
/// # Errors
/// If it is not there.
pub async fn blob(app: &AppState, digest: Digest) -> Result<Bytes, Error> {
    let blobs = app.blobs.clone();
    blocking(move || match blobs.open_blob(&digest)? {
        Some(Blob::Small(bytes)) => Ok(bytes),
        Some(Blob::Large(mut file, length)) => {
            let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
            std::io::Read::read_to_end(&mut file, &mut bytes).map_err(Error::io("blobs"))?;
            Ok(bytes.into())
        }
        None => Err(Error::Damaged(format!("the blob {digest} is missing"))),
    })
    .await
}

/// Keeps the record and the transcripts, durably.
///
/// # Errors
/// Those of the disk.
pub async fn keep(app: &AppState, sent: Sent) -> Result<(), Error> {
    let blobs = app.blobs.clone();
    blocking(move || {
        blobs.put(&sent.record)?;
        blobs.put(&sent.transcripts)?;
        Ok(())
    })
    .await
}
