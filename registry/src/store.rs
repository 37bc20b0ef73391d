//! The registry's state in SQLite or PostgreSQL: the only place with SQL.
//!
//! One method per operation; a method that writes holds the whole transaction. Both databases run the same text; what differs is in
//! [`dialect`] and [`search`].

pub mod attempt;
pub mod batch;
pub mod board;
pub mod deprecate;
pub mod dialect;
pub mod download;
pub mod event;
pub mod fsck;
pub mod index;
pub mod info;
pub mod job;
pub mod lift;
pub mod lineage;
pub mod meta;
pub mod owner;
pub mod proposal;
pub mod publish;
pub mod scope;
pub mod score;
pub mod search;
pub mod suite;
pub mod token;
pub mod user;
pub mod verification;
pub mod yank;

#[cfg(test)]
mod fixture;

use std::{path::Path, str::FromStr};

use sqlx::{
    Any, AnyPool, ConnectOptions, Transaction,
    any::{AnyConnectOptions, AnyPoolOptions},
};

use crate::{config::DatabaseConfig, error::Error};
use dialect::Dialect;

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    /// Connections that read; on SQLite they never wait for the writer.
    read: AnyPool,
    /// Connections that write: one on SQLite.
    write: AnyPool,
    dialect: Dialect,
    /// Whether it is a file that was read without a lock, because nobody had it open.
    is_alone: bool,
}

impl Store {
    /// Connects, and applies the migrations that are missing.
    pub async fn open(config: &DatabaseConfig, data: &Path) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let (dialect, url) = Dialect::of(config.url.as_deref(), data)?;
        let options = AnyConnectOptions::from_str(&url)?.disable_statement_logging();
        let writers = if dialect == Dialect::Sqlite { 1 } else { config.writers.max(1) };
        let write = pool(dialect, writers).connect_with(options.clone()).await?;
        sqlx::migrate!("../migrations").run(&write).await?;
        let read = pool(dialect, config.readers.max(1)).connect_with(options).await?;
        let store = Self { read, write, dialect, is_alone: false };
        store.prepare_search().await?;
        Ok(store)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("select 1").execute(&self.read).await?;
        Ok(())
    }

    /// Waits for what is running and closes the connections.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// Starts a transaction that writes.
    ///
    /// A connection on which a commit failed may not know that its transaction is over, and refuses to start another: it is closed, and a
    /// new one tries once more.
    async fn begin(&self) -> Result<Transaction<'static, Any>, Error> {
        match self.write.begin_with(self.dialect.begin()).await {
            Ok(tx) => Ok(tx),
            Err(error) => {
                tracing::warn!(%error, "a connection to the database is replaced");
                self.write.acquire().await?.close().await?;
                Ok(self.write.begin_with(self.dialect.begin()).await?)
            }
        }
    }
}

fn pool(dialect: Dialect, connections: u32) -> AnyPoolOptions {
    pool_with(dialect, connections, dialect.on_connect())
}

/// A pool whose connections run these statements first.
fn pool_with(dialect: Dialect, connections: u32, first: &'static [&'static str]) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(std::time::Duration::from_secs(10))
        .test_before_acquire(dialect == Dialect::Postgres)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                for statement in first {
                    sqlx::query(*statement).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
}

/// Reads a stored value that must have a form, or says that the data is damaged.
fn stored<T: FromStr>(column: &str, text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Damaged(format!("{column}: {text:?}")))
}

/// Reads stored JSON.
fn stored_json<T: serde::de::DeserializeOwned>(column: &str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|e| Error::Damaged(format!("{column}: {e}")))
}

/// Writes JSON for a column. Our types always serialise.
fn json<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|e| Error::Damaged(e.to_string()))
}

/// A count or size as the database has it.
fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A count or size for the database.
fn bigint(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
