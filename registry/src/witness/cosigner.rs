//! What a witness signs: checkpoints of the logs it knows, each continuing the last one that it signed.
//!
//! The last checkpoint of each log is a file, replaced before the signature is given away: temporary file, sync, rename, sync of the
//! folder. It is read anew for each request, under one lock per log, so that a failed write leaves no wrong memory behind.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use skill_bundle::{
    hash::sha256,
    keys::{self, SecretKey},
    log::{checkpoint::Checkpoint, checkpoint::Signed, merkle},
    note::{Algorithm, MAX_NOTE, Note, VerifierKey},
};
use tempfile::NamedTempFile;

use super::request::Request;
use crate::{clock::SharedClock, error::Error};

/// Signatures of a log that are kept with its checkpoint: one a key, and a log has one or two.
const MAX_KEPT: usize = 10;
/// What a size in an answer is called (C2SP tlog-witness).
const SIZE: &str = "text/x.tlog.size";
const TEXT: &str = "text/plain; charset=utf-8";

/// A witness: its key, the logs that it knows, and what it has signed of them.
pub struct Cosigner {
    key: VerifierKey,
    secret: SecretKey,
    logs: BTreeMap<String, Log>,
    clock: SharedClock,
}

/// A log that is watched.
struct Log {
    /// More than one while the log changes its key.
    keys: Vec<VerifierKey>,
    /// The last checkpoint that was signed. Whoever decides holds the lock until the file is durable.
    record: Mutex<PathBuf>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What the text is.
    pub media_type: &'static str,
    /// A cosignature line, the size that was signed last, or what is wrong.
    pub text: String,
}

impl Cosigner {
    /// Opens a folder, and makes it and the key at the first time.
    ///
    /// # Errors
    /// A key or name that is none; a record that is damaged.
    pub fn open(data: &Path, name: &str, logs: &[VerifierKey], clock: SharedClock) -> Result<Self, Error> {
        let folder = data.join("logs");
        fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let path = data.join("witness.pem");
        if !path.exists() {
            keys::write_new_file(&path, &SecretKey::generate()?.to_pem(None)?)?;
        }
        sync(data)?;
        let secret = SecretKey::from_pem(&keys::read_file(&path)?, None)?;
        let key = VerifierKey::new(name, Algorithm::Cosignature, secret.public())?;
        let mut known: BTreeMap<String, Log> = BTreeMap::new();
        for log in logs {
            if log.algorithm() != Algorithm::Ed25519 {
                return Err(Error::Start(format!("{log} is not the key of a log")));
            }
            let record = folder.join(sha256(log.name().as_bytes()).to_string());
            let new = || Log { keys: Vec::new(), record: Mutex::new(record) };
            known.entry(log.name().to_owned()).or_insert_with(new).keys.push(log.clone());
        }
        let cosigner = Self { key, secret, logs: known, clock };
        // A damaged record ends the start: without it, an older tree could be signed.
        cosigner.about()?;
        Ok(cosigner)
    }

    /// The key that logs and clients know the witness by.
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Name, key and logs, for people. Blocks.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub fn about(&self) -> Result<String, Error> {
        let mut text = format!("witness {}\nkey {}\n", self.key.name(), self.key);
        for (origin, log) in &self.logs {
            let last = self.last(&log.locked(), origin)?;
            let _ = writeln!(text, "log {origin} {}", last.size);
        }
        Ok(text)
    }

    /// Decides on the body of `add-checkpoint`, and remembers what it signs before it answers. Blocks.
    ///
    /// # Errors
    /// A record that cannot be read or written; then nothing was signed.
    pub fn add(&self, body: &[u8]) -> Result<Answer, Error> {
        let Some(Request { old, proof, signed }) = Request::parse(body) else {
            return Ok(refused(400, "the request is malformed"));
        };
        let Checkpoint { origin, size, root, .. } = signed.checkpoint.clone();
        let Some(log) = self.logs.get(&origin) else { return Ok(refused(404, "the log is not known here")) };
        if !log.keys.iter().any(|key| signed.verify_log(key).is_ok()) {
            return Ok(refused(403, "no key of the log that is known here has signed it"));
        }
        if old > size {
            return Ok(refused(400, "the old size is larger than the checkpoint's"));
        }
        let record = log.locked();
        let last = self.last(&record, &origin)?;
        if old != last.size {
            return Ok(Answer { status: 409, media_type: SIZE, text: format!("{}\n", last.size) });
        }
        if old == size && root != last.root {
            tracing::error!(origin, size, "the log has signed two trees of one size");
            return Ok(refused(409, "another tree of this size was signed"));
        }
        // Every log continues the empty one, which needs no proof.
        let continues = match old {
            0 => proof.is_empty(),
            _ => merkle::verify_consistency(old, &last.root, size, &root, &proof).is_ok(),
        };
        if !continues {
            return Ok(refused(422, "the proof does not hold"));
        }
        self.cosign(&record, &signed, &log.keys)
    }

    /// Signs, remembers, answers. What is remembered carries the log's signature too: it is evidence, should the log fork.
    fn cosign(&self, record: &Path, signed: &Signed, keys: &[VerifierKey]) -> Result<Answer, Error> {
        let mut note = Note::new(signed.note().text().to_owned())?;
        let signatures = signed.note().signatures().iter();
        let of_the_log = signatures.filter(|signature| keys.iter().any(|key| signature.is_by(key)));
        of_the_log.take(MAX_KEPT).try_for_each(|signature| note.push(signature.clone()))?;
        note.sign(&self.key, &self.secret, self.clock.timestamp().unix())?;
        let text = note.to_string();
        // What cannot be read again would end the next start, and with it the witness of every other log.
        if text.len() > MAX_NOTE {
            return Ok(refused(400, "the checkpoint is too long to be kept with its signatures"));
        }
        replace(record, &text)?;
        let own = note.signatures().last().map(|signature| format!("{signature}\n"));
        Ok(Answer { status: 200, media_type: TEXT, text: own.unwrap_or_default() })
    }

    /// The last checkpoint that was signed; the empty log if there is none. A record that this witness did not sign is damaged.
    fn last(&self, record: &Path, origin: &str) -> Result<Checkpoint, Error> {
        let bytes = match fs::read(record) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Checkpoint::new(origin, 0, merkle::root(&[])));
            }
            Err(e) => return Err(Error::io(record)(e)),
        };
        let damaged = |what: &str| Error::Damaged(format!("{}: {what}", record.display()));
        let signed = Signed::parse(&bytes).map_err(|fault| damaged(&fault.to_string()))?;
        if signed.checkpoint.origin != origin {
            return Err(damaged("it is of another log"));
        }
        match signed.note().verify(&self.key) {
            Ok(Some(_)) => Ok(signed.checkpoint),
            Ok(None) => Err(damaged("a witness of another name or key has signed it")),
            Err(_) => Err(damaged("its signature does not verify")),
        }
    }
}

impl Log {
    fn locked(&self) -> std::sync::MutexGuard<'_, PathBuf> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(status: u16, why: &str) -> Answer {
    Answer { status, media_type: TEXT, text: format!("{why}\n") }
}

/// Replaces a file so that it is the old or the new one after any interruption, and the new one once this has returned.
fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(path);
    let mut file = NamedTempFile::with_prefix_in(".new-", folder).map_err(Error::io(folder))?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(Error::io(path))?;
    file.persist(path).map_err(|e| Error::io(path)(e.error))?;
    sync(folder)
}

fn sync(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder))
}

#[cfg(test)]
mod tests;
