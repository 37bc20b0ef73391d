//! Witnesses: whoever else signs the log's checkpoints, after seeing that each continues the one before (C2SP tlog-witness).
//!
//! The only file of the registry that sends HTTP, and only to the addresses that its operator configured.

use std::{
    sync::{Mutex, Once, PoisonError},
    time::Duration,
};

use skill_bundle::{
    log::{checkpoint::Signed, hash_text, merkle::prove_consistency, parse_number, tile::TileTree},
    note::{Signature, Verified, VerifierKey},
};
use skill_schema::{Fault, codes};
use tokio::time::Instant;
use url::Url;

use super::{files::LogFiles, start::hashes};
use crate::error::{Error, blocking};

/// How long one witness may take: publishing waits for it.
const DEADLINE: Duration = Duration::from_secs(2);
/// How long a witness that failed is left alone.
const PAUSE: Duration = Duration::from_secs(30);
/// How old a cosignature of an unchanged checkpoint may get before it is renewed, in seconds.
const RENEW: u64 = 3_600;
/// Bytes of an answer.
const MAX_ANSWER: usize = 64 * 1024;

/// A witness, as the operator configures it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Where checkpoints are sent: `add-checkpoint` is appended.
    pub url: Url,
    /// Its key.
    pub key: VerifierKey,
}

/// The witnesses of a log.
pub struct Witnesses {
    all: Vec<(Witness, Mutex<State>)>,
    client: Option<reqwest::Client>,
}

/// What is known of a witness.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// The size that it signed last.
    size: u64,
    /// Until when it is left alone.
    until: Option<Instant>,
}

impl Witnesses {
    /// These witnesses.
    pub fn new(all: Vec<Witness>) -> Result<Self, Error> {
        let client = if all.is_empty() { None } else { Some(client()?) };
        Ok(Self { all: all.into_iter().map(|witness| (witness, Mutex::default())).collect(), client })
    }

    /// Asks all witnesses to cosign a checkpoint whose files are durable, and adds what they answer.
    ///
    /// Those who do not answer in time are left out: the log goes on without them, and clients that ask for more signatures than there
    /// are say so. Fails with `E_LOG_ROLLBACK` if one of them has signed a larger log of ours, or one that ours does not continue.
    pub async fn collect(&self, signed: &mut Signed, files: &LogFiles) -> Result<(), Error> {
        let Some(client) = &self.client else { return Ok(()) };
        let now = Instant::now();
        let ready = self.all.iter().filter(|(_, state)| lock(state).until.is_none_or(|until| until <= now));
        let asked = ready.map(|(witness, state)| ask(client, witness, state, signed, files));
        for answer in futures::future::join_all(asked).await {
            for signature in answer? {
                signed.note_mut().replace(signature)?;
            }
        }
        Ok(())
    }

    /// Whether there is any.
    pub fn any(&self) -> bool {
        !self.all.is_empty()
    }

    /// Whether a cosignature of the published checkpoint is missing or old.
    pub fn is_due(&self, signed: &Signed, now: u64) -> bool {
        let is_fresh = |witness: &Witness| match signed.note().verify(&witness.key) {
            Ok(Some(Verified::Seen(time))) => now.saturating_sub(time) < RENEW,
            _ => false,
        };
        !self.all.iter().all(|(witness, _)| is_fresh(witness))
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The cosignatures of one witness; none if it fails, which is said in the log and tried again later.
async fn ask(
    client: &reqwest::Client,
    witness: &Witness,
    state: &Mutex<State>,
    signed: &Signed,
    files: &LogFiles,
) -> Result<Vec<Signature>, Error> {
    let name = witness.key.name();
    let why = match tokio::time::timeout(DEADLINE, exchange(client, witness, state, signed, files)).await {
        Ok(Ok(signatures)) => {
            *lock(state) = State { size: signed.checkpoint.size, until: None };
            return Ok(signatures);
        }
        Ok(Err(error)) if error.code() == codes::LOG_ROLLBACK => return Err(error),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer in time".to_owned(),
    };
    lock(state).until = Some(Instant::now() + PAUSE);
    metrics::counter!("skill_witness_failures_total").increment(1);
    tracing::warn!(witness = name, %why, "a witness did not sign");
    Ok(Vec::new())
}

async fn exchange(
    client: &reqwest::Client,
    witness: &Witness,
    state: &Mutex<State>,
    signed: &Signed,
    files: &LogFiles,
) -> Result<Vec<Signature>, Error> {
    let failed = |detail: String| Error::Start(detail);
    let mut url = witness.url.clone();
    url.set_path(&format!("{}/add-checkpoint", witness.url.path().trim_end_matches('/')));
    let mut old = lock(state).size;
    // The first answer may be which checkpoint it signed last.
    for _ in 0..2 {
        let body = request(old, signed, files).await?;
        let response = client.post(url.clone()).body(body).send().await.map_err(|e| failed(e.to_string()))?;
        let status = response.status().as_u16();
        let text = text(response).await?;
        let text = text.as_str();
        match (status, parse_number(text.trim_end())) {
            (200, _) => return signatures(text, witness, signed),
            (409, Some(size)) if size != old => old = size,
            // It signed a tree of exactly this size, and not this one.
            (409, _) if old == signed.checkpoint.size => return Err(contradicts(witness, signed, old)),
            // The proof is of our own making: that it does not hold means that our first leaves are others.
            (422, _) if old > 0 => return Err(contradicts(witness, signed, old)),
            (status, _) => return Err(failed(format!("it answers {status}: {:.200}", text.escape_debug()))),
        }
        if old > signed.checkpoint.size {
            let (name, size) = (witness.key.name(), signed.checkpoint.size);
            return Err(rollback(signed, format!("{name} has signed {old} of our statements, and there are {size}")));
        }
    }
    Err(failed("it changes its mind about what it signed".to_owned()))
}

/// Nothing is to be published any more until somebody has looked.
fn rollback(signed: &Signed, detail: String) -> Error {
    Fault::new(codes::LOG_ROLLBACK).at(&signed.checkpoint.origin).detail(detail).into()
}

fn contradicts(witness: &Witness, signed: &Signed, old: u64) -> Error {
    rollback(signed, format!("{} has signed {old} statements that are not our first ones", witness.key.name()))
}

/// The text of an answer, which must be short.
async fn text(mut response: reqwest::Response) -> Result<String, Error> {
    let failed = |e: reqwest::Error| Error::Start(e.to_string());
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX_ANSWER {
            return Err(Error::Start("its answer is too long".to_owned()));
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::Start("its answer is not UTF-8".to_owned()))
}

/// The body of `add-checkpoint`: the size before, the consistency proof, the checkpoint.
async fn request(old: u64, signed: &Signed, files: &LogFiles) -> Result<String, Error> {
    let (files, size) = (files.clone(), signed.checkpoint.size);
    let proof =
        blocking(move || prove_consistency(&TileTree::new(size, |tile| hashes(&files, tile)), old, size)).await?;
    let proof: String = proof.iter().map(|hash| hash_text(hash) + "\n").collect();
    Ok(format!("old {old}\n{proof}\n{signed}"))
}

/// The signatures of an answer that are by the witness and verify.
fn signatures(text: &str, witness: &Witness, signed: &Signed) -> Result<Vec<Signature>, Error> {
    let mut note = signed.note().clone();
    let lines = text.lines().map(Signature::parse).collect::<Result<Vec<_>, _>>()?;
    let own: Vec<Signature> = lines.into_iter().filter(|signature| signature.is_by(&witness.key)).collect();
    own.iter().try_for_each(|signature| note.push(signature.clone()))?;
    match note.verify(&witness.key)? {
        Some(_) => Ok(own),
        None => Err(Error::Start("it answers without a signature of its own".to_owned())),
    }
}

/// One client for all witnesses: one crypto provider, no redirects.
#[expect(clippy::disallowed_methods, reason = "the one place of the registry that builds an HTTP client")]
fn client() -> Result<reqwest::Client, Error> {
    static PROVIDER: Once = Once::new();
    // It fails only if a provider is installed already, and then there is one.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(DEADLINE);
    let builder = builder.user_agent(concat!("skill-registry/", env!("CARGO_PKG_VERSION")));
    builder.build().map_err(|e| Error::Start(format!("witnesses: {e}")))
}
