//! One job of a verifier: candidate, head and sealed suite are fetched, both sides are measured, and the result is signed and sent without
//! anything that tells of the holdout.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use skill_bundle::{Package, check, envelope, extract, hash::sha256, keys::SecretKey, statement};
use skill_engine::{
    gate::{Policy, Recorded, Verdict},
    record::{
        Record, Terms, Trust,
        sealed::{Opaque, reproduces},
        summary,
    },
    suite::pack::{self, Contents, Sealed},
};
use skill_schema::{
    Digest, Fault, Limits,
    api::worker::{self, Beat, Conditions, Lease},
    codes,
    statement::{Eval, EvalKind, EvalModel, SuiteState},
};
use tempfile::TempDir;

use super::{
    capped,
    contest::{Contest, Head, is_refused_with, summary_of},
    options::How,
    prepared::{Prepared, Ready},
};
use crate::{
    api::{Api, Evidence},
    catalogue::{Catalogue, Source},
    context::Context,
    files::{self, Mode},
};

/// The shortest time between two heartbeats.
const SHORTEST_BEAT: Duration = Duration::from_millis(250);
/// Heartbeats in the time of a lease: two may be lost.
const BEATS: u32 = 3;

/// Somebody who measures what others publish.
pub struct Verifier<'a> {
    context: &'a Context,
    source: &'a Source,
    secret: &'a SecretKey,
    how: &'a How,
    /// Suites that were given by hand: archives by the digest of their cases.
    given: Vec<(Digest, Vec<u8>)>,
    folder: PathBuf,
    _lock: File,
}

/// What came of a job.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// The attempt.
    pub attempt: Digest,
    /// The skill.
    pub skill: String,
    /// Its version.
    pub version: String,
    /// `accept`, `reject` or `invalid`.
    pub verdict: String,
    /// `result` or `refute`.
    pub kind: EvalKind,
    /// SHA-256 of the record.
    pub record: Digest,
    /// Log index of the statement.
    pub log: u64,
}

/// The terms of a verdict by the registry's word.
struct Said {
    terms: worker::Terms,
    beat: Duration,
}

impl<'a> Verifier<'a> {
    /// Takes the worker's folder, and removes suites that a worker left there which was killed.
    ///
    /// # Errors
    /// [`codes::IO`]; [`codes::USAGE`] if another worker has the folder; suites that cannot be read.
    pub fn new(
        context: &'a Context,
        source: &'a Source,
        secret: &'a SecretKey,
        how: &'a How,
        suites: &[PathBuf],
    ) -> Result<Self, Fault> {
        let folder = context.env.data_dir.join("worker");
        files::make_folder(&folder, Mode::Private)?;
        let lock = File::create(folder.join("lock")).map_err(|e| files::fault(&folder, &e))?;
        if lock.try_lock().is_err() {
            let detail = "another worker runs with this home folder";
            return Err(Fault::new(codes::USAGE).at(folder.display().to_string()).detail(detail));
        }
        let places = folder.join("places");
        if places.exists() {
            fs::remove_dir_all(&places).map_err(|e| files::fault(&places, &e))?;
        }
        files::make_folder(&places, Mode::Private)?;
        let read = |path: &PathBuf| {
            let missing = || Fault::new(codes::NO_PATH).at(path.display().to_string());
            let bytes = files::read(path, Limits::V1.archive)?.ok_or_else(missing)?;
            Ok((pack::open(&bytes)?.digests()?.suite, bytes))
        };
        let given = suites.iter().map(read).collect::<Result<_, Fault>>()?;
        Ok(Self { context, source, secret, how, given, folder, _lock: lock })
    }

    /// The suites that were given by hand.
    pub fn suites(&self) -> Vec<Digest> {
        self.given.iter().map(|(digest, _)| *digest).collect()
    }

    /// Asks for a job.
    ///
    /// # Errors
    /// What the registry refuses.
    pub async fn claim(&self, recheck: bool) -> anyhow::Result<Option<Lease>> {
        let (key, created) = (self.secret.public().to_text(), self.context.clock.now());
        let text = worker::Claim::text(&self.source.origin, &key, created);
        let signature = hex::encode(self.secret.sign(text.as_bytes()));
        self.source.api()?.claim(&worker::Claim { key, created, signature, suites: self.suites(), recheck }).await
    }

    /// Does a job, to its end.
    ///
    /// # Errors
    /// [`codes::LEASE`] if it took too long; what measuring and the registry refuse. The lease is given back.
    pub async fn work(&self, lease: &Lease) -> anyhow::Result<Done> {
        let done = self.measure(lease).await;
        let own = self.folder.join(lease.attempt.to_string());
        match &done {
            Ok(_) => remove(&own),
            Err(error) if is_refused_with(error, codes::LEASE) => {}
            // Finished runs stay for the next time.
            Err(_) => drop(self.source.api()?.release_lease(&lease.lease).await),
        }
        done
    }

    async fn measure(&self, lease: &Lease) -> anyhow::Result<Done> {
        let api = self.source.api()?;
        let place = TempDir::new_in(self.folder.join("places")).map_err(|e| files::fault(&self.folder, &e))?;
        let head = self.head(lease).await?;
        let (candidate, folder) = self.candidate(lease, place.path()).await?;
        let suite = self.suite(lease, place.path()).await?;
        let contest = Contest {
            id: &lease.skill,
            version: &lease.version,
            folder,
            package: &candidate,
            suite: Some(suite),
            head: head.as_ref(),
            how: self.how,
            maintenance: false,
            policy: Policy::Standard,
        };
        let (prepared, options) = contest.prepare()?;
        let mut ready = prepared.ready(self.context, &options, self.how.model.as_deref()).await?;
        let runs = self.folder.join(lease.attempt.to_string());
        files::make_folder(&runs, Mode::Private)?;
        ready.keep_runs_in(runs);
        let said = self.conditions(api, lease, &ready).await?;
        let measured = tokio::select! {
            measured = ready.measure(Some(lease.attempt)) => measured?,
            lost = beats(api, &lease.lease, said.beat) => return Err(lost),
        };
        if let Some(cap) = measured.stopped {
            return Err(capped(cap, &prepared.opened.suite.settings.limits).into());
        }
        let opaque = Opaque::new(&measured.record.cases, &lease.attempt);
        let mut record = opaque.redact(&measured.record, Trust::Verified)?;
        "a verifier".clone_into(&mut record.provenance.who);
        let verdict = match &head {
            None => None,
            Some(head) => Some(judge(&mut record, &said.terms, (&candidate, head), &prepared)?),
        };
        self.send(api, lease, &ready, &record, verdict.as_ref()).await
    }

    /// The head, from its registry, as everybody installs it.
    async fn head(&self, lease: &Lease) -> anyhow::Result<Option<Head>> {
        let entry = Catalogue::new(self.context).entry(&lease.skill, self.source.registry.name.as_deref()).await?;
        let Some(parent) = lease.parent else { return Ok(None) };
        let missing = || Fault::new(codes::HEAD_MOVED).at(lease.skill.to_string());
        let entry = entry.ok_or_else(missing)?;
        let line = entry.index.lines.iter().find(|line| line.tree == parent).ok_or_else(missing)?;
        Head::version(self.context, &entry, line).await.map(Some)
    }

    async fn candidate(&self, lease: &Lease, place: &Path) -> anyhow::Result<(Package, PathBuf)> {
        let bytes = self.source.api()?.leased(&lease.lease, "candidate").await?;
        let package = Package::open(bytes, &Limits::V1)?;
        if package.tree() != lease.tree {
            return Err(Fault::new(codes::TREE).at(format!("{}@{}", lease.skill, lease.version)).into());
        }
        let name = lease.skill.name.as_str();
        let into = place.join("candidate");
        files::make_folder(&into, Mode::Private)?;
        extract::extract(&package, &into, name)?;
        Ok((package, into.join(name)))
    }

    /// The sealed suite, unpacked where nobody else reads it, and only as long as it is needed.
    async fn suite(&self, lease: &Lease, place: &Path) -> anyhow::Result<PathBuf> {
        let given = self.given.iter().find(|(digest, _)| *digest == lease.suite).map(|(_, bytes)| bytes.clone());
        let bytes = match given {
            Some(bytes) => bytes,
            None => self.source.api()?.leased(&lease.lease, "suite").await?,
        };
        let sealed = pack::open(&bytes)?;
        self.check_committed(lease, &sealed).await?;
        let into = place.join("suite");
        files::make_folder(&into, Mode::Private)?;
        sealed.unpack(&into)?;
        Ok(into)
    }

    /// The suite is the one that the scope has committed, whole, and it is sealed still.
    async fn check_committed(&self, lease: &Lease, sealed: &Sealed) -> anyhow::Result<()> {
        let registry = self.source.registry.name.as_deref();
        let (_, chain) = Catalogue::new(self.context).scope(&lease.skill.scope, registry).await?;
        let wrong = || Fault::new(codes::SUITE_DIGEST).at(lease.suite.to_string());
        let published = chain.chain.suite_of(&lease.suite).ok_or_else(wrong)?;
        let said = &published.statements.first().ok_or_else(wrong)?.predicate;
        let found = sealed.digests()?;
        let same = (found.suite, found.holdout, found.train) == (lease.suite, said.holdout, said.train);
        if !same || sealed.verify(&found)? != Contents::Whole || published.state() != SuiteState::Commit {
            return Err(wrong().into());
        }
        Ok(())
    }

    /// Names the conditions, and learns the terms.
    async fn conditions(&self, api: &Api, lease: &Lease, ready: &Ready<'_>) -> anyhow::Result<Said> {
        let conditions = Conditions {
            score_key: ready.score_key(lease.holdout)?,
            model: ready.model().model.clone(),
            weights: ready.model().weights.clone(),
        };
        let held = api.beat(&lease.lease, &Beat { conditions: Some(conditions) }).await?;
        let terms = held.terms.ok_or_else(|| Fault::new(codes::BAD_REQUEST).detail("the registry names no terms"))?;
        let seconds = held.until.unix().saturating_sub(self.context.clock.now().unix());
        Ok(Said { terms, beat: (Duration::from_secs(seconds) / BEATS).max(SHORTEST_BEAT) })
    }

    async fn send(
        &self,
        api: &Api,
        lease: &Lease,
        ready: &Ready<'_>,
        record: &Record,
        verdict: Option<&Verdict>,
    ) -> anyhow::Result<Done> {
        let kind = match lease.record {
            Some(first) if !reproduces(&fetch(api, first).await?, record) => EvalKind::Refute,
            _ => EvalKind::Result,
        };
        let bytes = record.to_bytes()?;
        let summary = summary_of(record, verdict);
        let word = summary.verdict.clone();
        let said = Eval {
            attempt: Some(lease.attempt),
            created: self.context.clock.now(),
            kind,
            model: EvalModel { id: ready.model().model.clone(), weights: ready.model().weights.clone() },
            nonce: lease.nonce.clone(),
            origin: self.source.origin.clone(),
            parent: lease.parent,
            record: Some(sha256(&bytes)),
            runner: self.secret.keyid(),
            score_key: record.score_key,
            suite: lease.suite,
            summary: Some(summary),
        };
        let statement = statement::eval(said, &lease.skill, &lease.version, lease.tree);
        let signed = envelope::sign(&statement, &[self.secret])?;
        let ended = api.verified(&lease.lease, &signed, &bytes).await?;
        self.source.log.confirm(&signed, ended.log, ended.proof.as_deref())?;
        Ok(Done {
            attempt: lease.attempt,
            skill: lease.skill.to_string(),
            version: lease.version.to_string(),
            verdict: word,
            kind,
            record: sha256(&bytes),
            log: ended.log,
        })
    }
}

/// Computes the verdict of a redacted record, and writes it into it.
fn judge(
    record: &mut Record,
    said: &worker::Terms,
    (candidate, head): (&Package, &Head),
    prepared: &Prepared,
) -> Result<Verdict, Fault> {
    let terms = Terms {
        policy: if said.strict { Policy::Strict } else { Policy::Standard },
        failed: said.failed,
        recorded: said.recorded.map(|pooled| Recorded { sum: pooled.sum, runs: pooled.runs }),
        maintenance: said.maintenance,
        leak: !prepared.leaks().is_empty(),
        scan_clean: !check::raises_more(candidate, &head.package, &Limits::V1),
    };
    let verdict = record.judge(&terms)?;
    record.verdict = summary(&verdict, &terms);
    Ok(verdict)
}

/// A record by its digest.
async fn fetch(api: &Api, digest: Digest) -> anyhow::Result<Record> {
    let bytes = api.blob(&digest, Evidence::MAX_RECORD).await?;
    if sha256(&bytes) != digest {
        return Err(Fault::new(codes::DIGEST).at(digest.to_string()).into());
    }
    Ok(Record::parse(&bytes)?)
}

/// Says again and again that the work goes on; ends with the refusal once the lease is lost.
async fn beats(api: &Api, lease: &Digest, pause: Duration) -> anyhow::Error {
    loop {
        tokio::time::sleep(pause).await;
        match api.beat(lease, &Beat::default()).await {
            Err(error) if is_refused_with(&error, codes::LEASE) => return error,
            // A network that fails for a moment is no reason to stop: the next one may come through.
            Ok(_) | Err(_) => {}
        }
    }
}

/// Removes runs that nobody needs any more; what cannot be removed is left.
fn remove(folder: &Path) {
    drop(fs::remove_dir_all(folder));
}
