//! Scope chains in memory, folded from their statements: they say which keys may sign the next one.
//!
//! The database decides how long a chain is; what is here only saves reading and verifying all of it again. Every use compares the
//! two heads first.

use std::sync::Arc;

use moka::sync::Cache;
use skill_bundle::{chain::Chain, envelope::Envelope};
use skill_schema::{
    Digest, Fault, Scope, codes,
    statement::{Gate, Role},
    time::Timestamp,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{
    data::Identity,
    error::{Error, blocking},
    store::{Store, event::NewStatement, publish::NewRelease},
};

/// Chains kept; others are folded again when their scope publishes.
const MAX_CHAINS: u64 = 2_000;

/// The chains. Cheap to clone.
#[derive(Clone)]
pub struct Chains(Cache<Scope, Arc<Mutex<Option<Chain>>>>);

impl Default for Chains {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_CHAINS).build())
    }
}

/// A scope's chain as the database has it. Held while a statement is added, so that those of one scope come one after the other.
pub struct Held(OwnedMutexGuard<Option<Chain>>);

impl Chains {
    /// The chain of a scope, empty for a scope without statements.
    pub async fn hold(&self, scope: &Scope, store: &Store, identity: &Identity) -> Result<Held, Error> {
        let slot = self.0.get_with_by_ref(scope, Arc::default);
        let mut guard = slot.lock_owned().await;
        let head = store.head(scope.as_str()).await?;
        let (seq, digest) = head.map_or((0, Digest::ZERO), |head| (head.seq, head.stmt));
        let known = guard.as_ref().map(|chain| chain.head().map_or((0, Digest::ZERO), |head| (head.seq, head.digest)));
        if known == Some((seq, digest)) {
            return Ok(Held(guard));
        }
        // Another server of this database may have added statements; anything else means starting over.
        let start = guard.take().filter(|_| known.is_some_and(|(known, _)| known < seq));
        let chain = start.unwrap_or_else(|| {
            Chain::new(scope.clone(), &identity.origin).with_operators(vec![identity.operator.public()])
        });
        *guard = Some(extend(chain, store).await?);
        Ok(Held(guard))
    }
}

impl Held {
    /// Checks that a release is the chain's next statement and signed by a publish key, and adds it; answers the key's id. If it then
    /// does not get into the database, the next user folds the chain again. Fails with `E_NO_KEY` before the scope's first statement.
    pub fn push_release(&mut self, envelope: &Envelope, release: &NewRelease) -> Result<Digest, Error> {
        let chain = self.next(&release.statement)?;
        if chain.head().is_none() {
            return Err(Fault::new(codes::NO_KEY).at(release.id.scope.as_str()).into());
        }
        chain.push(envelope)?;
        let signer = chain.release(&release.id.name, &release.version).and_then(|found| found.release.signers.first());
        signer.copied().ok_or_else(|| Error::Damaged("an accepted release has no signer".to_owned()))
    }

    /// The same for a statement of another kind.
    pub fn push(&mut self, envelope: &Envelope, statement: &NewStatement) -> Result<(), Error> {
        let chain = self.next(statement)?;
        if chain.head().is_none() && statement.kind != "scope" {
            return Err(Fault::new(codes::NO_KEY).at(&statement.scope).into());
        }
        chain.push(envelope)?;
        Ok(())
    }

    /// Which test the scope asks of improved versions at least; none before its first statement.
    pub fn gate(&self) -> Option<Gate> {
        Some(self.0.as_ref()?.latest()?.policy.gate)
    }

    /// The ids of the verifiers that the scope accepts.
    pub fn verifiers(&self) -> Vec<Digest> {
        let latest = self.0.as_ref().and_then(Chain::latest);
        latest.map(|latest| latest.policy.verifiers.clone()).unwrap_or_default()
    }

    /// Whether a key is or was one of the scope's: listed, for recovery, or revoked.
    pub fn is_ever_own(&self, keyid: Digest) -> bool {
        let Some(chain) = self.0.as_ref() else { return false };
        let is_for_recovery = chain.recovery_keys().any(|(key, _)| key.keyid() == keyid);
        chain.keys().contains_key(&keyid) || is_for_recovery || chain.is_revoked(keyid, u64::MAX)
    }

    /// The ids of the scope's keys with a role that signed a statement that stands in no chain. Fails with `E_NO_KEY` before the scope's
    /// first statement, and as [`Chain::signers_with`].
    pub fn signers(&self, envelope: &Envelope, role: Role, created: Timestamp) -> Result<Vec<Digest>, Error> {
        let chain = self.0.as_ref().filter(|chain| chain.head().is_some());
        let chain = chain.ok_or_else(|| Fault::new(codes::NO_KEY))?;
        Ok(chain.signers_with(envelope, role, created)?)
    }

    /// Whether owners of the scope are to sign a statement about it: not the first one, and not a recovery.
    pub fn is_by_owners(&self, envelope: &Envelope) -> bool {
        self.0.as_ref().is_some_and(|chain| chain.head().is_some() && !chain.is_recovery(envelope))
    }

    /// The chain, if the statement continues it: else `E_SEQ`.
    fn next(&mut self, statement: &NewStatement) -> Result<&mut Chain, Error> {
        let chain = self.0.as_mut().ok_or_else(|| Error::Damaged("a held chain is empty".to_owned()))?;
        let (seq, prev) = chain.next();
        if (statement.seq, statement.prev) == (seq, prev) {
            return Ok(chain);
        }
        let detail = format!("statement {seq} comes next, and this is {}", statement.seq);
        Err(Fault::new(codes::SEQ).at(&statement.scope).detail(detail).into())
    }
}

/// Adds the statements that the database has and the chain does not.
async fn extend(mut chain: Chain, store: &Store) -> Result<Chain, Error> {
    let (next, _) = chain.next();
    let envelopes = store.envelopes_after(chain.scope().as_str(), next - 1).await?;
    blocking(move || {
        for envelope in envelopes {
            let damaged = |e: Fault| Error::Damaged(format!("chain of {}: {e}", chain.scope()));
            let envelope = Envelope::parse(envelope.as_bytes()).map_err(damaged)?;
            chain.push(&envelope).map_err(|e| Error::Damaged(format!("chain of {}: {e}", chain.scope())))?;
        }
        Ok(chain)
    })
    .await
}
