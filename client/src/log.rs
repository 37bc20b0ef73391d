//! What this machine knows of a registry's log, and what it demands of it.
//!
//! A checkpoint must be signed with the pinned key and by enough witnesses, and continue every checkpoint that this machine has seen
//! before. Statements count only with a proof that they are in that log. The last checkpoint and all proofs are kept, so that the same
//! questions have the same answers without a network; so is the evidence, should the log ever contradict itself.

mod evidence;
mod tiles;

use std::{
    cell::{Cell, RefCell},
    path::{Path, PathBuf},
};

use skill_bundle::{
    log::{
        checkpoint::{Policy, Signed},
        merkle, proof,
    },
    note::{Algorithm, MAX_NOTE, VerifierKey},
};
use skill_schema::{Digest, Fault, codes, time::Timestamp};

use crate::{
    api::Api,
    catalogue::folder_name,
    config::Registry,
    context::Context,
    files::{self, Durable, Mode},
};
use tiles::Tiles;

/// Checkpoints from imported files that may wait for the next contact.
const MAX_WAITING: usize = 1_000;

/// The log of one registry.
#[derive(Debug)]
pub struct Log {
    policy: Policy,
    folder: PathBuf,
    evidence: PathBuf,
    tiles: Tiles,
    current: RefCell<Option<Signed>>,
    /// When a witness last saw the current checkpoint, in seconds since 1970.
    witnessed: Cell<Option<u64>>,
}

/// Where everything about the log of this origin is kept: beside the store and not in the cache, so that tidying up cannot make this
/// machine forget what it has seen.
fn folder(context: &Context, origin: &str) -> PathBuf {
    context.env.data_dir.join("logs").join(folder_name(origin))
}

impl Log {
    /// The log of a registry whose key is pinned. Reads nothing yet.
    ///
    /// # Errors
    /// [`codes::REGISTRY_UNTRUSTED`]; [`codes::VKEY`] and [`codes::CONFIG`] for keys that are none.
    pub fn new(context: &Context, registry: &Registry) -> Result<Self, Fault> {
        let key = registry.key.as_deref().ok_or_else(|| Fault::new(codes::REGISTRY_UNTRUSTED).at(registry.label()))?;
        let log: VerifierKey = key.parse()?;
        let mut policy = Policy::of_log(log);
        for text in &registry.witnesses {
            let key: VerifierKey = text.parse()?;
            if key.algorithm() != Algorithm::Cosignature {
                return Err(Fault::new(codes::VKEY).at(text).detail("not the key of a witness"));
            }
            policy.witnesses.push(key);
        }
        policy.quorum = registry.quorum;
        if policy.quorum > policy.witnesses.len() {
            let detail = format!("quorum is {}, with {} witnesses", policy.quorum, policy.witnesses.len());
            return Err(Fault::new(codes::CONFIG).at(registry.label()).detail(detail));
        }
        let origin = policy.log.name().to_owned();
        Ok(Self {
            folder: folder(context, &origin),
            evidence: context.env.data_dir.join("evidence"),
            tiles: Tiles::new(context.env.cache_dir.join("log").join(folder_name(&origin)), context.jobs()),
            policy,
            current: RefCell::default(),
            witnessed: Cell::new(None),
        })
    }

    /// Whose signatures its checkpoints need.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The checkpoint that this command works with: the one that was fetched, or the last one that this machine has verified.
    ///
    /// # Errors
    /// A damaged file; [`codes::IO`].
    pub fn checkpoint(&self) -> Result<Option<Signed>, Fault> {
        match self.current.borrow().as_ref() {
            Some(signed) => Ok(Some(signed.clone())),
            None => self.stored(),
        }
    }

    /// When a witness last saw the fetched checkpoint, in seconds since 1970.
    pub fn witnessed(&self) -> Option<u64> {
        self.witnessed.get()
    }

    /// Fetches the checkpoint and checks it: who signed it, and that it continues what was seen before.
    ///
    /// # Errors
    /// [`codes::CHECKPOINT`], [`codes::WITNESS`], [`codes::ROLLBACK`], [`codes::FORK`] (with evidence kept), [`codes::PROOF`]; network faults.
    pub async fn refresh(&self, api: &Api) -> anyhow::Result<()> {
        let signed = Signed::parse(&api.checkpoint().await?)?;
        let witnessed = signed.verify(&self.policy)?;
        if let Some(seen) = self.stored()? {
            self.compare(api, &seen, &signed).await?;
        }
        for (path, seen) in self.waiting()? {
            self.compare(api, &seen, &signed).await?;
            std::fs::remove_file(&path).map_err(|e| files::fault(&path, &e))?;
        }
        self.keep(&signed)?;
        self.witnessed.set(witnessed);
        self.current.replace(Some(signed));
        Ok(())
    }

    /// Makes a checkpoint the last one that this machine has verified.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn keep(&self, signed: &Signed) -> Result<(), Fault> {
        if self.stored()?.is_some_and(|stored| stored == *signed) {
            return Ok(());
        }
        files::replace(&self.folder.join("checkpoint"), signed.to_string().as_bytes(), Mode::Normal, Durable::Yes)
    }

    /// Keeps a checkpoint that came by another way, until the next contact can compare it.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn keep_waiting(&self, signed: &Signed) -> Result<(), Fault> {
        if self.stored()?.is_none() {
            return self.keep(signed);
        }
        let name = format!("{}-{}", signed.checkpoint.size, signed.checkpoint.root.short());
        let path = self.folder.join("waiting").join(name);
        files::replace(&path, signed.to_string().as_bytes(), Mode::Normal, Durable::Yes)
    }

    fn stored(&self) -> Result<Option<Signed>, Fault> {
        self.read(&self.folder.join("checkpoint"))
    }

    fn waiting(&self) -> Result<Vec<(PathBuf, Signed)>, Fault> {
        let folder = self.folder.join("waiting");
        let names = crate::store::names(&folder)?.into_iter().take(MAX_WAITING);
        let read = |name: String| {
            let path = folder.join(name);
            Ok(self.read(&path)?.map(|signed| (path, signed)))
        };
        names.filter_map(|name| read(name).transpose()).collect()
    }

    /// A kept checkpoint. One that the pinned key did not sign is as good as none, since the key may have been pinned anew.
    fn read(&self, path: &Path) -> Result<Option<Signed>, Fault> {
        let Some(bytes) = files::read(path, MAX_NOTE)? else { return Ok(None) };
        let place = |fault: Fault| fault.at(path.display().to_string());
        let signed = Signed::parse(&bytes).map_err(place)?;
        Ok(signed.verify_log(&self.policy.log).is_ok().then_some(signed))
    }

    /// The proof that a statement is the log's leaf of this number: the one that was kept, or one that is made from the log's tiles and
    /// kept then.
    ///
    /// # Errors
    /// [`codes::NOT_LOGGED`] if it is not; [`codes::OFFLINE`] without a kept proof; as [`Self::refresh`].
    pub async fn prove(&self, api: Option<&Api>, envelope: &[u8], index: u64) -> anyhow::Result<proof::Proof> {
        let leaf = merkle::leaf_hash(envelope);
        if let Some(proof) = self.proof(&leaf, index)? {
            return Ok(proof);
        }
        let missing = || Fault::new(codes::OFFLINE).at(format!("leaf {index}")).detail("its proof was never fetched");
        self.prove_now(api.ok_or_else(missing)?, &leaf, index).await
    }

    /// The proof that leads to the checkpoint of this command; kept.
    ///
    /// # Errors
    /// As [`Self::prove`].
    pub async fn prove_now(&self, api: &Api, leaf: &Digest, index: u64) -> anyhow::Result<proof::Proof> {
        let size = |signed: &Option<Signed>| signed.as_ref().map_or(0, |signed| signed.checkpoint.size);
        if index >= size(&self.current.borrow()) {
            // It was added since the checkpoint was fetched; or it is not there.
            self.refresh(api).await?;
        }
        let current = self.current.borrow().clone();
        let not_logged = |detail: &str| Fault::new(codes::NOT_LOGGED).at(format!("leaf {index}")).detail(detail);
        let signed = current.filter(|signed| signed.checkpoint.size > index);
        let signed = signed.ok_or_else(|| not_logged("the log is smaller"))?;
        let hashes = self.tiles.inclusion(api, &signed.checkpoint, index, leaf).await?;
        let hashes = hashes.ok_or_else(|| not_logged("another statement is there"))?;
        let proof = proof::Proof { extra: None, index, hashes, checkpoint: signed };
        self.put_proof(leaf, &proof)?;
        Ok(proof)
    }

    /// Checks and keeps the proof that a registry answers a new statement with.
    ///
    /// # Errors
    /// [`codes::PROOF`] and the like if it does not hold.
    pub fn confirm(&self, envelope: &[u8], index: u64, text: Option<&str>) -> Result<(), Fault> {
        let none = || Fault::new(codes::PROOF).detail("the registry answers without one");
        let proof = proof::Proof::parse(text.ok_or_else(none)?.as_bytes())?;
        let leaf = merkle::leaf_hash(envelope);
        if proof.index != index {
            return Err(Fault::new(codes::PROOF).detail(format!("leaf {} where {index} is expected", proof.index)));
        }
        proof.verify(&leaf, &self.policy)?;
        self.put_proof(&leaf, &proof)
    }

    /// A kept proof, verified again; `None` if there is none for this leaf at this place.
    ///
    /// # Errors
    /// [`codes::IO`]. A damaged or wrong file is as good as none.
    pub fn proof(&self, leaf: &Digest, index: u64) -> Result<Option<proof::Proof>, Fault> {
        let Some(bytes) = files::read(&self.proof_path(leaf), proof::MAX_BYTES)? else { return Ok(None) };
        let policy = Policy::of_log(self.policy.log.clone());
        let read = proof::Proof::parse(&bytes).and_then(|proof| proof.verify(leaf, &policy).map(|_| proof));
        Ok(read.ok().filter(|proof| proof.index == index))
    }

    /// Keeps a proof that was verified.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn put_proof(&self, leaf: &Digest, proof: &proof::Proof) -> Result<(), Fault> {
        files::replace(&self.proof_path(leaf), proof.to_string().as_bytes(), Mode::Normal, Durable::No)
    }

    fn proof_path(&self, leaf: &Digest) -> PathBuf {
        in_folder(&self.folder, leaf)
    }
}

/// Whether a proof is kept for this leaf at this place, unverified: for commands that must be quick.
///
/// # Errors
/// [`codes::IO`].
pub fn has_proof(context: &Context, origin: &str, leaf: &Digest, index: u64) -> Result<bool, Fault> {
    let bytes = files::read(&in_folder(&folder(context, origin), leaf), proof::MAX_BYTES)?;
    let proof = bytes.and_then(|bytes| proof::Proof::parse(&bytes).ok());
    Ok(proof.is_some_and(|proof| proof.index == index))
}

fn in_folder(folder: &Path, leaf: &Digest) -> PathBuf {
    folder.join("proofs").join(format!("{leaf}.tlog-proof"))
}

/// Whether the log was alive lately: within `hours` before now something was signed that only a living log has.
///
/// # Errors
/// [`codes::STALE`].
pub fn check_fresh(origin: &str, latest: Option<Timestamp>, hours: u64, now: Timestamp) -> Result<(), Fault> {
    let age = latest.map(|latest| now.unix().saturating_sub(latest.unix()) / 3_600);
    match (latest, age) {
        (Some(_), Some(age)) if age <= hours => Ok(()),
        (latest, age) => {
            let since = latest.map_or_else(|| "ever".to_owned(), |latest| format!("since {latest}"));
            let age = age.map(|age| format!(", {age} hours ago; {hours} are allowed")).unwrap_or_default();
            Err(Fault::new(codes::STALE).at(origin).detail(format!("nothing was signed {since}{age}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_fresh_for_as_long_as_its_registry_promises() {
        let at = Timestamp::from_unix;
        let check = |latest, now| check_fresh("a/log", latest, 72, at(now)).map_err(|fault| fault.code);
        assert_eq!(check(Some(at(1_000_000)), 1_000_000 + 73 * 3_600 - 1), Ok(()));
        assert_eq!(check(Some(at(1_000_000)), 1_000_000 + 73 * 3_600), Err(codes::STALE));
        assert_eq!(check(Some(at(1_000_000)), 1), Ok(()), "a clock that is behind is no reason");
        assert_eq!(check(None, 1), Err(codes::STALE));
    }
}
