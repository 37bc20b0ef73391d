//! A candidate against a head: the attempt is logged, both are measured on the holdout, and the verdict is computed from the runs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use skill_bundle::{
    Package, check, envelope, extract,
    hash::sha256,
    keys::{SecretKey, random},
    statement,
};
use skill_engine::{
    eval::{Measured, Spent},
    gate::{Policy, Recorded, Verdict},
    record::{Baseline, Record, Terms, summary},
    report::Details,
};
use skill_schema::{
    Digest, Fault, Limits, SkillId, Version,
    api::eval::Attempt,
    codes,
    index::Line,
    statement::{Eval, EvalKind, EvalModel, EvalSummary, NONCE_DIGITS},
};
use tempfile::TempDir;

use super::{
    kept,
    options::How,
    prepared::{self, Prepared, Ready},
};
use crate::{
    api::{Api, Evidence, Refused},
    catalogue::Entry,
    context::Context,
    files::{self, Durable, Mode},
    published,
    statements::Signing,
};

/// Bytes of a kept attempt at most.
const MAX_PENDING: usize = 1 << 20;

/// The version that is to be beaten, unpacked.
pub struct Head {
    /// The version.
    pub version: Version,
    /// Its tree digest.
    pub tree: Digest,
    /// Its files.
    pub package: Package,
    /// Its folder; gone with this value.
    pub folder: PathBuf,
    _place: TempDir,
}

impl Head {
    /// Fetches and unpacks the version that `latest` names; none if no version is installable.
    ///
    /// # Errors
    /// What fetching and unpacking refuse.
    pub async fn of(context: &Context, entry: &Entry) -> anyhow::Result<Option<Self>> {
        let latest = entry.index.header.tags.latest.as_ref();
        let Some(line) = latest.and_then(|version| entry.index.line(version)) else { return Ok(None) };
        Self::version(context, entry, line).await.map(Some)
    }

    /// Fetches and unpacks a version.
    ///
    /// # Errors
    /// As [`Head::of`].
    pub async fn version(context: &Context, entry: &Entry, line: &Line) -> anyhow::Result<Self> {
        let package = published::package(context, entry, line).await?;
        let place = tempfile::tempdir().map_err(|e| Fault::new(codes::IO).detail(e.to_string()))?;
        let name = entry.index.header.pkg.name.as_str();
        extract::extract(&package, place.path(), name)?;
        let folder = place.path().join(name);
        Ok(Self { version: line.vers.clone(), tree: line.tree, package, folder, _place: place })
    }
}

/// Whether `latest` has a score, which the next version has to beat.
pub fn is_measured(entry: &Entry) -> bool {
    let latest = entry.index.header.tags.latest.as_ref();
    let line = latest.and_then(|version| entry.index.line(version));
    let suite = latest.and_then(|version| entry.version(version)).and_then(|(_, found)| found.release.predicate.suite);
    line.is_some_and(|line| line.score.is_some()) || suite.is_some()
}

/// What is measured, and why.
pub struct Contest<'a> {
    /// The skill.
    pub id: &'a SkillId,
    /// The candidate's version.
    pub version: &'a Version,
    /// Its folder.
    pub folder: PathBuf,
    /// Its files as they are published.
    pub package: &'a Package,
    /// The suite, if it does not lie in the folder.
    pub suite: Option<PathBuf>,
    /// What is to be beaten; none for no skill.
    pub head: Option<&'a Head>,
    /// How it is measured.
    pub how: &'a How,
    /// Whether it claims no better score.
    pub maintenance: bool,
    /// The test that is asked for at least.
    pub policy: Policy,
}

/// What came of it.
pub struct Judged {
    /// The attempt as it is logged.
    pub attempt: Attempt,
    /// The record, with its verdict, and what was asked and answered.
    pub measured: Measured,
    /// The verdict; none where nothing had to be beaten.
    pub verdict: Option<Verdict>,
    /// The suite.
    pub suite: Digest,
    /// The folder in which it is kept.
    pub kept: PathBuf,
    /// Whether a verifier measured it.
    pub verified: bool,
    statement: Eval,
    pending: PathBuf,
}

/// An attempt that has no result yet, so that a run that is cut off goes on where it was.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) envelope: String,
}

impl Contest<'_> {
    /// Reads the candidate, its head and the suite.
    ///
    /// # Errors
    /// As [`prepared::prepare`].
    pub fn prepare(&self) -> Result<(Prepared, super::options::Options), Fault> {
        let head = self.head.map(|head| head.folder.clone());
        let options = self.how.options(self.folder.clone(), head, self.suite.clone());
        let mut prepared = prepared::prepare(&options)?;
        // As the registry names them: the folder may have another name, or none.
        prepared.skill.name = self.id.to_string();
        prepared.skill.version = Some(self.version.to_string());
        if let Some(head) = self.head {
            let name = format!("{}@{}", self.id, head.version);
            prepared.skill.parent = Some(name.clone());
            prepared.baseline = Some(Baseline::Version { name, tree: head.tree });
        }
        Ok((prepared, options))
    }

    /// Logs the attempt, measures both sides, and computes the verdict. Nothing is published.
    ///
    /// # Errors
    /// As [`prepared::prepare`] and [`Ready::measure`]; [`codes::BUDGET`] if a cap ended it, and then the same command goes on; what the
    /// registry refuses.
    pub async fn run(&self, context: &Context, signing: &Signing, secret: &SecretKey) -> anyhow::Result<Judged> {
        let (prepared, options) = self.prepare()?;
        let digests = prepared.opened.suite.digests(&prepared.opened.lock()?, &prepared.opened.folder)?;
        let ready = prepared.ready(context, &options, self.how.model.as_deref()).await?;
        let score_key = ready.score_key(digests.holdout)?;
        let api = signing.source.api()?;
        let (attempt, statement, pending) =
            self.log(context, signing, secret, api, &ready, (score_key, digests.suite)).await?;
        let said = match &attempt.recorded {
            Some(recorded) => format!(", recorded mean of the head {}", points(recorded.sum, recorded.runs)),
            None => String::new(),
        };
        context
            .output
            .trace(1, || format!("attempt {} is logged; {} failed before it{said}", attempt.attempt, attempt.failed));
        let mut measured = ready.measure(Some(attempt.attempt)).await?;
        if let Some(cap) = measured.stopped {
            let detail = format!("the cap on {cap:?}").to_lowercase();
            return Err(Fault::new(codes::BUDGET).detail(detail).into());
        }
        let verdict = match self.head {
            None => None,
            Some(head) => {
                let terms = self.terms(&attempt, &prepared, head);
                let verdict = measured.record.judge(&terms)?;
                measured.record.verdict = summary(&verdict, &terms);
                Some(verdict)
            }
        };
        let kept = kept::keep(context, &measured.record, &measured.details)?;
        Ok(Judged { attempt, measured, verdict, suite: digests.suite, kept, verified: false, statement, pending })
    }

    fn terms(&self, attempt: &Attempt, prepared: &Prepared, head: &Head) -> Terms {
        let asked = attempt.policy == "strict" || self.policy == Policy::Strict;
        Terms {
            policy: if asked { Policy::Strict } else { Policy::Standard },
            failed: attempt.failed,
            recorded: attempt.recorded.map(|pooled| Recorded { sum: pooled.sum, runs: pooled.runs }),
            maintenance: self.maintenance,
            leak: !prepared.leaks().is_empty(),
            scan_clean: !check::raises_more(self.package, &head.package, &Limits::V1),
        }
    }

    /// Logs an attempt, or takes up the one that was cut off.
    async fn log(
        &self,
        context: &Context,
        signing: &Signing,
        secret: &SecretKey,
        api: &Api,
        ready: &Ready<'_>,
        (score_key, suite): (Digest, Digest),
    ) -> anyhow::Result<(Attempt, Eval, PathBuf)> {
        let tree = self.package.tree();
        let parent = self.head.map(|head| head.tree);
        let key =
            format!("{} {}@{} {tree} {parent:?} {score_key} {suite}", signing.source.origin, self.id, self.version);
        let name = sha256(key.as_bytes()).to_string();
        let pending = context.env.data_dir.join("attempts").join(format!("{name}.json"));
        if let Some(before) = taken_up(&pending)? {
            match api.attempt(before.envelope.as_bytes()).await {
                Ok(attempt) if !has_ended(api, self.id, &attempt).await? => {
                    let statement = envelope::Envelope::parse(before.envelope.as_bytes())?.statement::<Eval>()?;
                    return Ok((attempt, statement.predicate, pending));
                }
                // It has its result, or was never logged: a new one.
                Ok(_) | Err(_) => {}
            }
        }
        let nonce = sha256(&random::<32>()?).to_string()[..NONCE_DIGITS].to_owned();
        let statement = Eval {
            attempt: None,
            created: context.clock.now(),
            kind: EvalKind::Attempt,
            model: EvalModel { id: ready.model().model.clone(), weights: ready.model().weights.clone() },
            nonce,
            origin: signing.source.origin.clone(),
            parent,
            record: None,
            runner: secret.keyid(),
            score_key,
            suite,
            summary: None,
        };
        let signed = envelope::sign(&statement::eval(statement.clone(), self.id, self.version, tree), &[secret])?;
        let kept = serde_json::to_vec(&Pending { envelope: String::from_utf8_lossy(&signed).into_owned() })?;
        files::replace(&pending, &kept, Mode::Private, Durable::Yes)?;
        let attempt = api.attempt(&signed).await?;
        signing.source.log.confirm(&signed, attempt.log, attempt.proof.as_deref())?;
        Ok((attempt, statement, pending))
    }
}

pub(super) fn taken_up(pending: &std::path::Path) -> Result<Option<Pending>, Fault> {
    let bytes = files::read(pending, MAX_PENDING)?;
    Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

async fn has_ended(api: &Api, id: &SkillId, attempt: &Attempt) -> anyhow::Result<bool> {
    let all = api.evals(id).await?.attempts;
    Ok(all.iter().any(|entry| entry.attempt == attempt.attempt && entry.verdict.is_some()))
}

/// A mean per mille as points of a hundred.
fn points(sum: u64, runs: u64) -> String {
    let tenths = sum / runs.max(1);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

impl Judged {
    /// What a verifier found, kept as what is measured here is kept.
    pub(super) fn by_verifier(
        context: &Context,
        attempt: Attempt,
        statement: Eval,
        record: Record,
        verdict: Option<Verdict>,
        (suite, pending): (Digest, PathBuf),
    ) -> anyhow::Result<Self> {
        let details = Details::default();
        let kept = kept::keep(context, &record, &details)?;
        let measured = Measured {
            record,
            details,
            cached: 0,
            spent: Spent::default(),
            stopped: None,
            certain: None,
            counters: None,
        };
        Ok(Self { attempt, measured, verdict, suite, kept, verified: true, statement, pending })
    }

    /// The record and its transcripts as they are sent; none if a verifier has sent the record.
    ///
    /// # Errors
    /// [`codes::RECORD`].
    pub fn evidence(&self) -> Result<Option<Evidence>, Fault> {
        if self.verified {
            return Ok(None);
        }
        Ok(Some(Evidence {
            record: self.measured.record.to_bytes()?.into(),
            transcripts: self.measured.details.to_json().into_bytes().into(),
        }))
    }

    /// Forgets the attempt: it has its result.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn ended(&self) -> Result<(), Fault> {
        match std::fs::remove_file(&self.pending) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(files::fault(&self.pending, &e)),
            _ => Ok(()),
        }
    }

    /// Ends the attempt with a result that publishes nothing.
    ///
    /// # Errors
    /// What the registry refuses.
    pub async fn report(
        &self,
        context: &Context,
        signing: &Signing,
        secret: &SecretKey,
        (id, version): (&SkillId, &Version),
    ) -> anyhow::Result<()> {
        let record = &self.measured.record;
        // What a verifier has measured it has reported.
        let Some(evidence) = self.evidence()? else { return Ok(self.ended()?) };
        let result = Eval {
            attempt: Some(self.attempt.attempt),
            created: context.clock.now(),
            kind: EvalKind::Result,
            record: Some(record.digest()?),
            summary: Some(summary_of(record, self.verdict.as_ref())),
            ..self.statement.clone()
        };
        let signed = envelope::sign(&statement::eval(result, id, version, record.skill.tree), &[secret])?;
        let ended = signing.source.api()?.eval_result(&self.attempt.attempt, &signed, &evidence).await?;
        signing.source.log.confirm(&signed, ended.log, ended.proof.as_deref())?;
        Ok(self.ended()?)
    }
}

/// What a statement says of a verdict; without one, of what was measured.
pub(super) fn summary_of(record: &Record, verdict: Option<&Verdict>) -> EvalSummary {
    let (result, million) = (&record.result, 1_000_000);
    let pm = |ppm: Option<i64>| {
        let ppm = ppm.unwrap_or(0);
        i64::try_from(skill_engine::ratio::round_half_even(ppm.into(), 1_000)).unwrap_or(0)
    };
    let delta = result.delta.as_ref();
    let interval = delta.and_then(|delta| delta.interval);
    let numbers = verdict.and_then(|verdict| verdict.numbers.as_ref());
    EvalSummary {
        base: pm(result.base.as_ref().and_then(|base| base.mean_ppm)),
        cand: pm(result.cand.mean_ppm),
        delta: pm(delta.map(|delta| delta.mean_ppm)),
        hi: pm(interval.map(|interval| interval.high_ppm)),
        k: result.repeats.into(),
        lo: pm(interval.map(|interval| interval.low_ppm)),
        n: result.cases.into(),
        p_case: numbers.map_or(million, |numbers| numbers.p_case.ppm().into()),
        p_run: numbers.map_or(million, |numbers| numbers.p_run.ppm().into()),
        verdict: verdict.map_or("accept", |verdict| verdict.outcome.word()).to_owned(),
    }
}

/// Whether the registry refused with this code.
pub fn is_refused_with(error: &anyhow::Error, code: &skill_schema::Code) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.0.code == code.id)
}
