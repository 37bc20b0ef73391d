//! What every request handler shares.

use std::{ops::Deref, sync::Arc};

use moka::sync::Cache;
use skill_schema::SkillId;
use tokio::sync::Semaphore;

use crate::{
    blobs::Blobs,
    chains::Chains,
    clock::SharedClock,
    config::Config,
    data::Identity,
    error::Error,
    index_cache::{Entry, IndexCache},
    log::{
        Log,
        sequencer::{Order, unavailable},
    },
    proposals::Proposals,
    rate_limit::RateLimits,
    store::{Store, batch::Written, index::IndexFile, token::TokenRow},
    usage::Usage,
    vault::Vault,
};

/// The state of a running registry. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// What [`AppState`] points to.
pub struct Shared {
    /// What the operator set.
    pub config: Config,
    /// The address under which clients reach it, without a slash at the end.
    pub base: String,
    /// The database.
    pub store: Store,
    /// Archives and statements.
    pub blobs: Blobs,
    /// Archives of open proposals.
    pub proposals: Proposals,
    /// What nobody but a verifier gets.
    pub vault: Vault,
    /// The log of all statements.
    pub log: Log,
    /// The registry's name and keys.
    pub identity: Arc<Identity>,
    /// The time.
    pub clock: SharedClock,
    /// Index files in memory.
    pub index_cache: IndexCache,
    /// Scope chains in memory.
    pub chains: Chains,
    /// Tokens in memory, by the hash of their text; unknown ones are not kept.
    pub tokens: Cache<String, TokenRow>,
    /// Budgets of clients.
    pub rates: RateLimits,
    /// Counts to be written.
    pub usage: Usage,
    /// Package checks that may run.
    pub checks: Semaphore,
    /// Uploads that may be received.
    pub uploads: Semaphore,
}

impl AppState {
    /// The state of a registry that is reached at `base`.
    pub fn new(
        config: Config,
        base: String,
        store: Store,
        (blobs, vault): (Blobs, Vault),
        log: Log,
        identity: Arc<Identity>,
        clock: SharedClock,
    ) -> Self {
        let limits = config.limits;
        Self(Arc::new(Shared {
            index_cache: IndexCache::new(limits.index_cache, limits.index_age),
            chains: Chains::default(),
            tokens: Cache::builder().max_capacity(10_000).time_to_live(limits.token_age).build(),
            rates: RateLimits::new(&config.rates),
            usage: Usage::default(),
            checks: Semaphore::new(limits.checks),
            uploads: Semaphore::new(limits.uploads),
            proposals: Proposals::new(&config.data),
            config,
            base,
            store,
            blobs,
            vault,
            log,
            identity,
            clock,
        }))
    }
}

impl Shared {
    /// Writes an order to the log. If it is not known what became of it, neither these index files nor these chains are served from memory
    /// for a while: they may have changed.
    pub async fn write(&self, order: Order, files: &[&str]) -> Result<Written, Error> {
        let written = self.log.order(order).await;
        if written.as_ref().is_err_and(|error| !matches!(error, Error::Fault(_) | Error::Refused { .. })) {
            for file in files {
                self.index_cache.changed(file, i64::MAX);
            }
        }
        written?.ok_or_else(unavailable)
    }

    /// Serves a skill's new index from now on.
    pub fn index_changed(&self, id: &SkillId, file: &IndexFile) {
        self.index_cache.put(&id.to_string(), Entry::new(file.text.clone(), &file.sha256, file.revision));
    }

    /// Serves no chain of a scope from now on that ends before this statement.
    pub fn chain_changed(&self, scope: &str, seq: u64) {
        self.index_cache.changed(scope, i64::try_from(seq).unwrap_or(i64::MAX));
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
