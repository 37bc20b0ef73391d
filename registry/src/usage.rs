//! Counts that may be lost and must not slow anything down: downloads, and when a token was last used. Kept in memory and written to
//! the database in the background.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError},
};

use skill_schema::Digest;

use crate::{clock::HOUR, error::Error, store::Store};

/// Different blobs counted between two writes; more are not counted.
const MAX_PENDING: usize = 100_000;

/// What was used since the last write.
#[derive(Debug, Default)]
pub struct Usage {
    downloads: Mutex<HashMap<Digest, u64>>,
    tokens: Mutex<HashMap<String, i64>>,
}

impl Usage {
    /// Counts a download.
    pub fn downloaded(&self, blob: Digest) {
        let mut downloads = self.downloads.lock().unwrap_or_else(PoisonError::into_inner);
        if downloads.len() < MAX_PENDING {
            *downloads.entry(blob).or_default() += 1;
        }
    }

    /// Notes that a token was used.
    pub fn token_used(&self, id: &str, last: Option<i64>, now: i64) {
        let hour = now - now.rem_euclid(HOUR);
        if last.is_none_or(|last| last < hour) {
            let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            if tokens.get(id) != Some(&hour) && tokens.len() < MAX_PENDING {
                tokens.insert(id.to_owned(), hour);
            }
        }
    }

    /// Writes what there is. What could not be written is lost.
    pub async fn flush(&self, store: &Store) -> Result<(), Error> {
        let downloads = mem::take(&mut *self.downloads.lock().unwrap_or_else(PoisonError::into_inner));
        let tokens = mem::take(&mut *self.tokens.lock().unwrap_or_else(PoisonError::into_inner));
        if !downloads.is_empty() {
            // In one order, so that two servers of one database do not wait for each other crosswise.
            let mut counts: Vec<_> = downloads.into_iter().collect();
            counts.sort_unstable();
            store.add_downloads(&counts).await?;
        }
        for (id, hour) in tokens {
            store.touch_token(&id, hour).await?;
        }
        Ok(())
    }
}
