//! Writing statements: one transaction for all that wait at the same moment, so that one commit makes all of them durable.

use skill_bundle::log::merkle::leaf_hash;
use skill_schema::{Digest, api::yank, name::OPERATOR};
use sqlx::{Any, Transaction};

use super::{
    Store,
    attempt::{self, NewAttempt, NewResult},
    bigint, count,
    dialect::Dialect,
    event::{self, Head, Leaf, NewStatement},
    index::IndexFile,
    publish::{self, NewRelease, Published},
    scope::{self, NewScope},
    stored,
    suite::{self, NewSuite},
    verification::Ending,
    yank::{self as status, NewStatus},
};
use crate::error::Error;

/// A statement to write, with what it changes.
#[derive(Debug, Clone)]
pub enum Write {
    /// A version.
    Release(Box<NewRelease>),
    /// A scope's keys.
    Scope(NewScope),
    /// The state of a version, by its publisher's or the operator's word.
    Status(NewStatus),
    /// A suite.
    Suite(Box<NewSuite>),
    /// An attempt to beat a head.
    Attempt(Box<NewAttempt>),
    /// The result of an attempt that publishes no version.
    Ended(Box<NewResult>),
    /// What another verifier found for an attempt that has its result.
    Again(Box<NewResult>, Box<Ending>),
    /// What becomes of a suite's holdout from now on.
    SuiteState(Box<NewSuite>),
    /// A statement of the operator that changes no skill.
    Operator(NewStatement),
}

/// What was written.
#[derive(Debug, Clone)]
pub enum Written {
    /// Of [`Write::Release`].
    Release(Published),
    /// Of [`Write::Status`]: the answer, and the skill's index.
    Status(yank::Response, IndexFile),
    /// Of [`Write::Ended`] and [`Write::Again`]: the leaf, and the skill's index if it has changed.
    Ended(u64, Option<IndexFile>),
    /// The leaf of any other statement.
    Leaf(u64),
}

/// A line of a snapshot: a skill, the last leaf that changed its index, and the index's digest.
pub type SnapshotRow = (String, u64, Digest);

/// A transaction that writes statements. Nobody else can write one until it ends; dropped, it has changed nothing.
pub struct Batch {
    tx: Transaction<'static, Any>,
    dialect: Dialect,
    before: (u64, Digest),
    leaves: Vec<Leaf>,
}

impl Store {
    /// Starts a transaction, as soon as no other one writes.
    pub async fn batch(&self) -> Result<Batch, Error> {
        let mut tx = self.begin().await?;
        event::lock(&mut tx).await?;
        let (size, root): (i64, String) =
            sqlx::query_as("select size, root from log_head where id = 1").fetch_one(&mut *tx).await?;
        let before = (count(size), stored("log_head.root", &root)?);
        Ok(Batch { tx, dialect: self.dialect, before, leaves: Vec::new() })
    }
}

impl Batch {
    /// The log's size and root before this transaction.
    pub fn before(&self) -> (u64, Digest) {
        self.before
    }

    /// The leaves that it adds, in their order.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The log's size with them.
    pub fn size(&self) -> u64 {
        self.before.0 + self.leaves.len() as u64
    }

    /// Writes a statement. A refusal ([`Error::is_refusal`]) leaves the transaction as it was before; after any other error it is of no use.
    pub async fn apply(&mut self, write: &Write, now: i64) -> Result<Written, Error> {
        sqlx::query("savepoint statement").execute(&mut *self.tx).await?;
        let applied = self.write(write, now).await;
        if applied.as_ref().is_err_and(|error| !error.is_refusal()) {
            return applied;
        }
        if applied.is_err() {
            sqlx::query("rollback to savepoint statement").execute(&mut *self.tx).await?;
        }
        sqlx::query("release savepoint statement").execute(&mut *self.tx).await?;
        applied
    }

    async fn write(&mut self, write: &Write, now: i64) -> Result<Written, Error> {
        let (next, tx) = (self.size(), &mut self.tx);
        let (statement, written, leaf) = match write {
            Write::Release(release) => {
                let published = publish::put(tx, self.dialect, next, release, now).await?;
                let leaf = published.response().log;
                (&release.statement, Written::Release(published), leaf)
            }
            Write::Scope(change) => {
                let leaf = scope::put(tx, next, change, now).await?;
                (&change.statement, Written::Leaf(leaf), leaf)
            }
            Write::Status(change) => {
                let (response, index) = status::set(tx, self.dialect, next, change, now).await?;
                let leaf = response.log;
                (&change.statement, Written::Status(response, index), leaf)
            }
            Write::Suite(suite) => {
                let leaf = suite::put(tx, next, suite, now).await?;
                (&suite.statement, Written::Leaf(leaf), leaf)
            }
            Write::Attempt(attempt) => {
                let leaf = attempt::put(tx, next, attempt, now).await?;
                (&attempt.statement, Written::Leaf(leaf), leaf)
            }
            Write::Ended(result) => {
                let (leaf, index) = attempt::end(tx, next, result, now).await?;
                (&result.statement, Written::Ended(leaf, index), leaf)
            }
            Write::Again(result, ending) => {
                let (leaf, index) = attempt::again(tx, next, (result, ending), now).await?;
                (&result.statement, Written::Ended(leaf, index), leaf)
            }
            Write::SuiteState(suite) => {
                let leaf = suite::change(tx, next, suite, now).await?;
                (&suite.statement, Written::Leaf(leaf), leaf)
            }
            Write::Operator(statement) => {
                event::append(tx, next, statement, now).await?;
                (statement, Written::Leaf(next), next)
            }
        };
        // What is in the log already keeps the leaf that it has.
        if leaf == next {
            let envelope = statement.envelope.clone();
            self.leaves.push(Leaf { hash: leaf_hash(envelope.as_bytes()), envelope });
        }
        Ok(written)
    }

    /// Where the operator's chain ends.
    pub async fn operator_head(&mut self) -> Result<Head, Error> {
        let (seq, stmt): (i64, String) = sqlx::query_as("select head_seq, head_stmt from scopes where name = $1")
            .bind(OPERATOR)
            .fetch_one(&mut *self.tx)
            .await?;
        Ok(Head { seq: count(seq), stmt: stored("scopes.head_stmt", &stmt)? })
    }

    /// The size of the last snapshot, and when the operator last said anything, in microseconds.
    pub async fn last_snapshot(&mut self) -> Result<(u64, i64), Error> {
        let (size, at): (i64, i64) = sqlx::query_as(
            "select (select coalesce(max(size), 0) from snapshots), \
             coalesce((select created_at from events where scope = $1 order by seq desc limit 1), 0)",
        )
        .bind(OPERATOR)
        .fetch_one(&mut *self.tx)
        .await?;
        Ok((count(size), at))
    }

    /// Every skill as it is now, sorted by name.
    pub async fn snapshot_rows(&mut self) -> Result<Vec<SnapshotRow>, Error> {
        let rows: Vec<(String, i64, String)> =
            sqlx::query_as("select id, log, index_sha256 from skills").fetch_all(&mut *self.tx).await?;
        let row =
            |(id, log, sha256): (String, i64, String)| Ok((id, count(log), stored("skills.index_sha256", &sha256)?));
        let mut rows: Vec<SnapshotRow> = rows.into_iter().map(row).collect::<Result<_, Error>>()?;
        // Here and not in SQL: databases sort by their own idea of an alphabet.
        rows.sort();
        Ok(rows)
    }

    /// Remembers the snapshot of a size; its file is in the blob store.
    pub async fn put_snapshot(&mut self, size: u64, sha256: &Digest) -> Result<(), Error> {
        sqlx::query("insert into snapshots (size, sha256) values ($1, $2)")
            .bind(bigint(size))
            .bind(sha256.to_string())
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Records the head that will be signed once this is committed.
    pub async fn seal(&mut self, root: Digest, now: i64) -> Result<(), Error> {
        let size = bigint(self.size());
        sqlx::query("update log_head set size = $1, root = $2 where id = 1")
            .bind(size)
            .bind(root.to_string())
            .execute(&mut *self.tx)
            .await?;
        sqlx::query("insert into log_heads (size, root, created_at) values ($1, $2, $3)")
            .bind(size)
            .bind(root.to_string())
            .bind(now)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Makes all of it durable. On an error it is not known whether it is.
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use skill_schema::codes;

    use super::{super::fixture, *};

    #[tokio::test]
    async fn a_refused_statement_takes_nothing_of_its_batch_with_it() {
        for db in fixture::all().await {
            db.scope("acme").await;
            db.scope("beta").await;
            let good = db.new_release("acme/notes", "1.0.0").await;
            let mut late = db.new_release("beta/notes", "1.0.0").await;
            late.statement.prev = Digest::ZERO;
            let other = db.new_release("beta/other", "1.0.0").await;
            let mut batch = db.store.batch().await.unwrap();
            let size = batch.size();
            batch.apply(&Write::Release(Box::new(good)), 1).await.unwrap();
            let refused = batch.apply(&Write::Release(Box::new(late)), 1).await.unwrap_err();
            assert_eq!(refused.code(), codes::SEQ, "{}", db.name);
            batch.apply(&Write::Release(Box::new(other)), 1).await.unwrap();
            assert_eq!((batch.leaves().len(), batch.size()), (2, size + 2));
            let names: Vec<String> = batch.snapshot_rows().await.unwrap().into_iter().map(|row| row.0).collect();
            assert_eq!(names, ["acme/notes", "beta/other"]);
            batch.seal(Digest([7; 32]), 1).await.unwrap();
            batch.commit().await.unwrap();
            assert_eq!(db.store.log_head().await.unwrap(), (size + 2, Digest([7; 32])));
            assert!(db.store.skill_exists(&"beta/other".parse().unwrap()).await.unwrap());
            assert!(!db.store.skill_exists(&"beta/notes".parse().unwrap()).await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_batch_that_is_dropped_has_changed_nothing() {
        for db in fixture::all().await {
            db.scope("acme").await;
            let release = Write::Release(Box::new(db.new_release("acme/notes", "1.0.0").await));
            let before = db.store.log_head().await.unwrap();
            let mut batch = db.store.batch().await.unwrap();
            batch.apply(&release, 1).await.unwrap();
            batch.seal(Digest([7; 32]), 1).await.unwrap();
            drop(batch);
            assert_eq!(db.store.log_head().await.unwrap(), before, "{}", db.name);
            let mut batch = db.store.batch().await.unwrap();
            assert!(matches!(batch.apply(&release, 1).await.unwrap(), Written::Release(Published::Now { .. })));
        }
    }
}
