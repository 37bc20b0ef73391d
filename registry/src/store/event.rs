//! Statements: the rows that are the log's leaves, and each scope's chain of them.

use skill_bundle::{envelope::Envelope, log::merkle::leaf_hash};
use skill_schema::{
    Digest, Fault, codes,
    index::ChainLine,
    name::EVALS,
    statement::{Link, Predicate},
};
use sqlx::{Any, Transaction};

use super::{Store, bigint, count, stored};
use crate::error::Error;

/// A statement that passed every check but those that need the transaction.
#[derive(Debug, Clone)]
pub struct NewStatement {
    /// Whose chain.
    pub scope: String,
    /// Its position there.
    pub seq: u64,
    /// The envelope before it.
    pub prev: Digest,
    /// SHA-256 of its own envelope.
    pub stmt: Digest,
    /// Its envelope: canonical JSON, which is ASCII.
    pub envelope: String,
    /// `release`, `scope`, `status`, `suite`, `eval`, `snapshot` or `root`.
    pub kind: &'static str,
    /// What it is about.
    pub subject: String,
}

impl NewStatement {
    /// A statement whose envelope was read. One that stands in no chain is counted under [`EVALS`], where [`append`] gives it its place.
    pub fn new<P: Predicate>(envelope: &Envelope, predicate: &P, subject: impl Into<String>) -> Self {
        let link = predicate.link().unwrap_or(Link { scope: EVALS, seq: 0, prev: Digest::ZERO });
        Self {
            scope: link.scope.to_owned(),
            seq: link.seq,
            prev: link.prev,
            stmt: envelope.digest(),
            envelope: String::from_utf8_lossy(envelope.bytes()).into_owned(),
            kind: P::KIND.as_str(),
            subject: subject.into(),
        }
    }
}

/// A leaf of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its hash in the tree.
    pub hash: Digest,
    /// The envelope.
    pub envelope: String,
}

/// Where a scope's chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Position of the last statement; 0 if there is none yet.
    pub seq: u64,
    /// Its envelope; zero if there is none yet.
    pub stmt: Digest,
}

impl Store {
    /// A scope's statements, first to last; empty for an unknown scope.
    pub async fn chain(&self, scope: &str) -> Result<Vec<ChainLine>, Error> {
        self.chain_after(scope, 0).await
    }

    /// A scope's statements after a position.
    pub async fn chain_after(&self, scope: &str, seq: u64) -> Result<Vec<ChainLine>, Error> {
        let rows: Vec<(i64, String, i64)> =
            sqlx::query_as("select seq, stmt, leaf from events where scope = $1 and seq > $2 order by seq")
                .bind(scope)
                .bind(bigint(seq))
                .fetch_all(&self.read)
                .await?;
        rows.into_iter()
            .map(|(seq, stmt, leaf)| {
                Ok(ChainLine { seq: count(seq), stmt: stored("events.stmt", &stmt)?, log: count(leaf) })
            })
            .collect()
    }

    /// Where a scope's chain ends; `None` if the scope is neither created nor reserved.
    pub async fn head(&self, scope: &str) -> Result<Option<Head>, Error> {
        let row: Option<(i64, String)> = sqlx::query_as("select head_seq, head_stmt from scopes where name = $1")
            .bind(scope)
            .fetch_optional(&self.read)
            .await?;
        row.map(|(seq, stmt)| Ok(Head { seq: count(seq), stmt: stored("scopes.head_stmt", &stmt)? })).transpose()
    }

    /// The envelopes of a scope's statements after a position, in their order.
    pub async fn envelopes_after(&self, scope: &str, seq: u64) -> Result<Vec<String>, Error> {
        Ok(sqlx::query_scalar("select envelope from events where scope = $1 and seq > $2 order by seq")
            .bind(scope)
            .bind(bigint(seq))
            .fetch_all(&self.read)
            .await?)
    }

    /// An envelope by its digest.
    pub async fn envelope(&self, stmt: &Digest) -> Result<Option<String>, Error> {
        Ok(sqlx::query_scalar("select envelope from events where stmt = $1")
            .bind(stmt.to_string())
            .fetch_optional(&self.read)
            .await?)
    }

    /// The envelope of the operator's latest statement of who operates the registry.
    pub async fn latest_root(&self) -> Result<Option<String>, Error> {
        Ok(sqlx::query_scalar("select envelope from events where kind = 'root' order by leaf desc limit 1")
            .fetch_optional(&self.read)
            .await?)
    }

    /// The number of an envelope's leaf, if it is in the log.
    pub async fn leaf_of(&self, stmt: &Digest) -> Result<Option<u64>, Error> {
        let leaf: Option<i64> = sqlx::query_scalar("select leaf from events where stmt = $1")
            .bind(stmt.to_string())
            .fetch_optional(&self.read)
            .await?;
        Ok(leaf.map(count))
    }

    /// The number of the leaf with this hash.
    pub async fn leaf_with_hash(&self, hash: &Digest) -> Result<Option<u64>, Error> {
        let leaf: Option<i64> = sqlx::query_scalar("select leaf from events where leaf_hash = $1")
            .bind(hash.to_string())
            .fetch_optional(&self.read)
            .await?;
        Ok(leaf.map(count))
    }

    /// The leaves `from..to`, in their order; fewer if there are fewer.
    pub async fn leaves(&self, from: u64, to: u64) -> Result<Vec<Leaf>, Error> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("select leaf, envelope from events where leaf >= $1 and leaf < $2 order by leaf")
                .bind(bigint(from))
                .bind(bigint(to))
                .fetch_all(&self.read)
                .await?;
        let dense = rows.iter().zip(from..).all(|((leaf, _), expected)| count(*leaf) == expected);
        if !dense {
            return Err(Error::Damaged(format!("events: the leaves from {from} are not dense")));
        }
        Ok(rows.into_iter().map(|(_, envelope)| Leaf { hash: leaf_hash(envelope.as_bytes()), envelope }).collect())
    }

    /// The log's size and root by the database.
    pub async fn log_head(&self) -> Result<(u64, Digest), Error> {
        let row: (i64, String) =
            sqlx::query_as("select size, root from log_head where id = 1").fetch_one(&self.read).await?;
        Ok((count(row.0), stored("log_head.root", &row.1)?))
    }

    /// Every head that was signed or was about to be, ascending.
    pub async fn log_heads(&self) -> Result<Vec<(u64, Digest)>, Error> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("select size, root from log_heads order by size").fetch_all(&self.read).await?;
        rows.into_iter().map(|(size, root)| Ok((count(size), stored("log_heads.root", &root)?))).collect()
    }

    /// The digest of the snapshot of a size.
    pub async fn snapshot(&self, size: u64) -> Result<Option<Digest>, Error> {
        let row: Option<String> = sqlx::query_scalar("select sha256 from snapshots where size = $1")
            .bind(bigint(size))
            .fetch_optional(&self.read)
            .await?;
        row.map(|text| stored("snapshots.sha256", &text)).transpose()
    }
}

/// Waits until no other transaction that writes a statement or creates a name is open, and keeps others waiting.
pub(super) async fn lock(tx: &mut Transaction<'static, Any>) -> Result<(), Error> {
    sqlx::query("update log_head set size = size where id = 1").execute(&mut **tx).await?;
    Ok(())
}

/// The number of the leaf of an envelope that is in the log already: the request is a repetition.
pub(super) async fn leaf_of(tx: &mut Transaction<'static, Any>, stmt: &Digest) -> Result<Option<u64>, Error> {
    let leaf: Option<i64> = sqlx::query_scalar("select leaf from events where stmt = $1")
        .bind(stmt.to_string())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(leaf.map(count))
}

/// Appends a statement to its scope's chain and to the log. Fails with `E_SEQ` if the chain does not end where it says.
pub(super) async fn append(
    tx: &mut Transaction<'static, Any>,
    leaf: u64,
    statement: &NewStatement,
    now: i64,
) -> Result<(), Error> {
    let placed;
    let statement = if statement.scope == EVALS {
        placed = next_eval(tx, statement).await?;
        &placed
    } else {
        statement
    };
    let moved = sqlx::query(
        "update scopes set head_seq = $1, head_stmt = $2 where name = $3 and head_seq = $4 and head_stmt = $5",
    )
    .bind(bigint(statement.seq))
    .bind(statement.stmt.to_string())
    .bind(&statement.scope)
    .bind(bigint(statement.seq) - 1)
    .bind(statement.prev.to_string())
    .execute(&mut **tx)
    .await?;
    if moved.rows_affected() == 0 {
        return Err(Fault::new(codes::SEQ).at(&statement.scope).into());
    }
    sqlx::query(
        "insert into events (leaf, scope, seq, stmt, leaf_hash, envelope, kind, subject, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(bigint(leaf))
    .bind(&statement.scope)
    .bind(bigint(statement.seq))
    .bind(statement.stmt.to_string())
    .bind(leaf_hash(statement.envelope.as_bytes()).to_string())
    .bind(&statement.envelope)
    .bind(statement.kind)
    .bind(&statement.subject)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A statement that stands in no chain, at the next place of [`EVALS`].
async fn next_eval(tx: &mut Transaction<'static, Any>, statement: &NewStatement) -> Result<NewStatement, Error> {
    let (seq, stmt): (i64, String) = sqlx::query_as("select head_seq, head_stmt from scopes where name = $1")
        .bind(EVALS)
        .fetch_one(&mut **tx)
        .await?;
    Ok(NewStatement { seq: count(seq) + 1, prev: stored("scopes.head_stmt", &stmt)?, ..statement.clone() })
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[tokio::test]
    async fn leaves_are_dense_over_all_scopes_and_chains_are_per_scope() {
        for db in fixture::all().await {
            db.scope("acme").await;
            db.scope("beta").await;
            db.release("acme/notes", "1.0.0").await.unwrap();
            let acme = db.store.chain("acme").await.unwrap();
            let beta = db.store.chain("beta").await.unwrap();
            assert_eq!(acme.iter().map(|l| (l.seq, l.log)).collect::<Vec<_>>(), [(1, 0), (2, 2)], "{}", db.name);
            assert_eq!(beta.iter().map(|l| (l.seq, l.log)).collect::<Vec<_>>(), [(1, 1)]);
            assert_eq!(db.store.chain_after("acme", 1).await.unwrap(), acme[1..]);
            assert_eq!(db.store.head("acme").await.unwrap(), Some(Head { seq: 2, stmt: acme[1].stmt }));
            assert_eq!(db.store.head("nobody").await.unwrap(), None);
            assert_eq!(db.store.log_head().await.unwrap().0, 3);
        }
    }

    #[tokio::test]
    async fn a_refused_statement_leaves_no_gap_in_the_log() {
        for db in fixture::all().await {
            db.scope("acme").await;
            let mut late = db.new_release("acme/notes", "1.0.0").await;
            late.statement.prev = Digest::ZERO;
            assert_eq!(db.publish(&late).await.unwrap_err().code(), codes::SEQ);
            assert_eq!(db.store.log_head().await.unwrap().0, 1, "{}", db.name);
            db.release("acme/notes", "1.0.0").await.unwrap();
            assert_eq!(db.store.chain("acme").await.unwrap()[1].log, 1);
        }
    }
}
