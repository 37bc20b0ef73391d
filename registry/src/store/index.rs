//! Index files: kept as the bytes that are served, changed in the transaction that changes what they say.

use skill_bundle::hash::sha256;
use skill_schema::{Digest, SkillId, index::Index};
use sqlx::{Any, Transaction};

use super::{Store, bigint, board, count, stored};
use crate::error::Error;

/// The bytes of `/index/{scope}/{name}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// The file.
    pub text: String,
    /// Its digest, which is its `ETag`.
    pub sha256: Digest,
    /// Counts its changes, from 1.
    pub revision: i64,
    /// The last leaf of the log that changed it.
    pub log: u64,
}

impl IndexFile {
    /// The file of an index.
    pub(super) fn new(index: &Index, revision: i64) -> Self {
        let text = index.render();
        Self { sha256: sha256(text.as_bytes()), text, revision, log: index.header.log }
    }

    /// What it says.
    pub(super) fn parse(&self) -> Result<Index, Error> {
        Index::parse(self.text.as_bytes()).map_err(|e| Error::Damaged(format!("skills.index_text: {e}")))
    }
}

type Row = (String, String, i64, i64);

fn file((text, sha256, revision, log): Row) -> Result<IndexFile, Error> {
    Ok(IndexFile { text, sha256: stored("skills.index_sha256", &sha256)?, revision, log: count(log) })
}

impl Store {
    /// The index file of a skill; `None` if there is no such skill.
    pub async fn index(&self, id: &SkillId) -> Result<Option<IndexFile>, Error> {
        let row: Option<Row> =
            sqlx::query_as("select index_text, index_sha256, index_revision, log from skills where id = $1")
                .bind(id.to_string())
                .fetch_optional(&self.read)
                .await?;
        row.map(file).transpose()
    }
}

/// The same inside a transaction.
pub(super) async fn load(tx: &mut Transaction<'static, Any>, id: &SkillId) -> Result<Option<IndexFile>, Error> {
    let row: Option<Row> =
        sqlx::query_as("select index_text, index_sha256, index_revision, log from skills where id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    row.map(file).transpose()
}

/// Writes the changed index of a skill that exists, and what follows from it.
pub(super) async fn save(
    tx: &mut Transaction<'static, Any>,
    id: &SkillId,
    file: &IndexFile,
    index: &Index,
    now: i64,
) -> Result<(), Error> {
    sqlx::query(
        "update skills set index_text = $1, index_sha256 = $2, index_revision = $3, latest = $4, updated_at = $5, \
         log = $6 where id = $7",
    )
    .bind(&file.text)
    .bind(file.sha256.to_string())
    .bind(file.revision)
    .bind(index.header.tags.latest.as_ref().map(ToString::to_string))
    .bind(now)
    .bind(bigint(file.log))
    .bind(id.to_string())
    .execute(&mut **tx)
    .await?;
    board::put(tx, id, index).await
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[tokio::test]
    async fn an_index_file_is_what_its_digest_says_and_counts_its_changes() {
        for db in fixture::all().await {
            db.scope("acme").await;
            let id = "acme/notes".parse().unwrap();
            assert!(db.store.index(&id).await.unwrap().is_none());
            db.release("acme/notes", "1.0.0").await.unwrap();
            db.release("acme/notes", "1.1.0").await.unwrap();
            let file = db.store.index(&id).await.unwrap().expect("published");
            assert_eq!(file.sha256, skill_bundle::hash::sha256(file.text.as_bytes()), "{}", db.name);
            assert_eq!(file.revision, 2);
            let index = file.parse().unwrap();
            assert_eq!(index.header.tags.latest.unwrap().to_string(), "1.1.0");
            assert_eq!(index.lines.iter().map(|l| l.log).collect::<Vec<_>>(), [1, 2]);
        }
    }
}
