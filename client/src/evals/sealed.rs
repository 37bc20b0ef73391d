//! A candidate on a sealed suite: the attempt is logged, the candidate waits for a verifier, and what the verifier found is checked.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use skill_bundle::{
    envelope,
    hash::sha256,
    keys::{SecretKey, random},
    statement,
};
use skill_engine::{
    record::{Record, sealed, summary},
    suite::Suite,
};
use skill_schema::{
    Digest, Fault, SkillId, Version,
    api::{
        eval::Attempt,
        job::{Job, MODEL, Meta, State},
    },
    codes,
    statement::{Eval, EvalKind, EvalModel, SuiteState},
    version::parse_version,
};

use super::contest::{Judged, Pending, is_refused_with, taken_up};
use crate::{
    api::{Api, Evidence},
    catalogue::Entry,
    context::Context,
    files::{self, Durable, Mode},
    statements::Signing,
};

/// The first wait between two questions whether a verifier is done, and the longest.
const POLL: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(5)];

/// A candidate that a verifier is to measure.
pub struct Candidate<'a> {
    /// The skill.
    pub id: &'a SkillId,
    /// The version.
    pub version: &'a Version,
    /// Tree digest of its files.
    pub tree: Digest,
    /// Its .tar.gz.
    pub archive: &'a [u8],
    /// Tree digest of the head that is to be beaten; none for no skill.
    pub parent: Option<Digest>,
    /// The suite.
    pub suite: Digest,
    /// What is asked for.
    pub meta: Meta,
}

/// A candidate that waits.
pub struct Queued {
    /// Its attempt.
    pub attempt: Attempt,
    statement: Eval,
    pending: PathBuf,
}

/// The sealed suite that a skill is measured with: that of its folder, or if it has none there, that of its head.
///
/// # Errors
/// A suite that cannot be read; what the registry answers.
pub async fn suite_of(
    signing: &Signing,
    folder: &Path,
    id: &SkillId,
    head: Option<&Entry>,
) -> anyhow::Result<Option<Digest>> {
    match Suite::read(folder) {
        Ok(opened) => Ok(committed(signing, &opened.suite, id)?),
        Err(fault) if fault.code != codes::NO_SUITE => Err(fault.into()),
        Err(_) => {
            let Some(entry) = head else { return Ok(None) };
            let api = signing.source.api()?;
            let info = api.info(id).await?;
            let latest =
                info.versions.iter().find(|version| Some(&version.version) == entry.index.header.tags.latest.as_ref());
            let Some(digest) = latest.and_then(|version| version.suite) else { return Ok(None) };
            match api.suite(&digest).await {
                Ok(known) => Ok((known.state == SuiteState::Commit).then_some(digest)),
                Err(error) if is_refused_with(&error, codes::SUITE_UNKNOWN) => Ok(None),
                Err(error) => Err(error),
            }
        }
    }
}

/// The digest under which this suite was sealed; its folder need not have the holdout.
fn committed(signing: &Signing, suite: &Suite, skill: &SkillId) -> Result<Option<Digest>, Fault> {
    let Some(version) = suite.settings.version.as_deref() else { return Ok(None) };
    let id: SkillId = suite.settings.id.as_deref().map_or_else(|| Ok(skill.clone()), str::parse)?;
    if id.scope != *signing.chain().scope() {
        return Ok(None);
    }
    let published = signing.chain().suite(&id.name, &parse_version(version)?);
    Ok(published.filter(|suite| suite.state() == SuiteState::Commit).map(|suite| suite.digest))
}

/// Logs the attempt and queues the candidate, or takes up the one of before.
///
/// # Errors
/// What the registry refuses.
pub async fn queue(
    context: &Context,
    signing: &Signing,
    secret: &SecretKey,
    candidate: &Candidate<'_>,
) -> anyhow::Result<Queued> {
    let Candidate { id, version, tree, parent, suite, meta, .. } = candidate;
    let key = format!("{} {id}@{version} {tree} {parent:?} {MODEL} {suite} {meta:?}", signing.source.origin);
    let name = sha256(key.as_bytes()).to_string();
    let pending = context.env.data_dir.join("attempts").join(format!("{name}.json"));
    let api = signing.source.api()?;
    if let Some(before) = taken_up(&pending)? {
        let statement = envelope::Envelope::parse(before.envelope.as_bytes())?.statement::<Eval>()?.predicate;
        // One that was never logged is too old by now, or its head has moved: a new one.
        if let Ok(attempt) = api.queue(before.envelope.as_bytes(), *meta, candidate.archive).await {
            return Ok(Queued { attempt, statement, pending });
        }
    }
    let statement = Eval {
        attempt: None,
        created: context.clock.now(),
        kind: EvalKind::Attempt,
        model: EvalModel { id: MODEL.to_owned(), weights: MODEL.to_owned() },
        nonce: hex::encode(random::<16>()?),
        origin: signing.source.origin.clone(),
        parent: *parent,
        record: None,
        runner: secret.keyid(),
        score_key: Digest::ZERO,
        suite: *suite,
        summary: None,
    };
    let signed = envelope::sign(&statement::eval(statement.clone(), id, version, *tree), &[secret])?;
    let kept = serde_json::to_vec(&Pending { envelope: String::from_utf8_lossy(&signed).into_owned() })?;
    files::replace(&pending, &kept, Mode::Private, Durable::Yes)?;
    let attempt = api.queue(&signed, *meta, candidate.archive).await?;
    signing.source.log.confirm(&signed, attempt.log, attempt.proof.as_deref())?;
    Ok(Queued { attempt, statement, pending })
}

impl Queued {
    /// Waits for a verifier, at most so long, and checks what it found.
    ///
    /// # Errors
    /// [`codes::JOB_QUEUED`] when the time is over, [`codes::JOB_FAILED`]; a record that does not hold.
    pub async fn wait(self, context: &Context, api: &Api, limit: Option<Duration>) -> anyhow::Result<Judged> {
        let attempt = self.attempt.attempt;
        context.output.status("Queued", format!("attempt {} waits for a verifier", attempt.short()));
        context.output.note("Ctrl-C leaves it there; the same command goes on with it");
        let (mut waited, mut pause, mut said) = (Duration::ZERO, POLL[0], State::Queued);
        let job = loop {
            let job = api.job(&attempt).await?;
            match job.state {
                State::Done => break job,
                State::Failed => {
                    forget(&self.pending)?;
                    return Err(Fault::new(codes::JOB_FAILED).at(attempt.to_string()).into());
                }
                state if state != said => {
                    let word = if state == State::Leased { "a verifier is at work" } else { "it waits again" };
                    context.output.status("Waiting", word);
                    said = state;
                }
                _ => {}
            }
            if limit.is_some_and(|limit| waited >= limit) {
                return Err(Fault::new(codes::JOB_QUEUED).at(attempt.to_string()).into());
            }
            tokio::time::sleep(pause).await;
            waited += pause;
            pause = (pause * 3 / 2).min(POLL[1]);
        };
        let record = record_of(api, &job, &attempt).await?;
        let verdict = match record.terms()? {
            None => None,
            Some(terms) => {
                let verdict = record.judge(&terms)?;
                if summary(&verdict, &terms) != record.verdict {
                    return Err(Fault::new(codes::VERDICT).at(attempt.to_string()).into());
                }
                Some(verdict)
            }
        };
        let suite = self.statement.suite;
        Judged::by_verifier(context, self.attempt, self.statement, record, verdict, (suite, self.pending))
    }
}

/// The record of a job's first result, which a verifier signed.
async fn record_of(api: &Api, job: &Job, attempt: &Digest) -> anyhow::Result<Record> {
    let missing = || Fault::new(codes::RECORD).at(attempt.to_string()).detail("a job that is done has no result");
    let first = job.results.first().ok_or_else(missing)?;
    let digest = job.record.filter(|record| *record == first.record).ok_or_else(missing)?;
    let bytes = api.blob(&digest, Evidence::MAX_RECORD).await?;
    if sha256(&bytes) != digest {
        return Err(Fault::new(codes::DIGEST).at(digest.to_string()).into());
    }
    let record = Record::parse(&bytes)?;
    record.verify()?;
    sealed::check_redacted(&record)?;
    Ok(record)
}

/// Forgets an attempt that has its end.
fn forget(pending: &Path) -> Result<(), Fault> {
    match std::fs::remove_file(pending) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(files::fault(pending, &e)),
        _ => Ok(()),
    }
}
