//! How often archives were downloaded. Counted in memory and added here now and then.

use skill_schema::Digest;

use super::{Store, bigint};
use crate::error::Error;

impl Store {
    /// Adds counts to the versions with these archives, and to their skills. Digests of anything else are ignored.
    pub async fn add_downloads(&self, counts: &[(Digest, u64)]) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        for (archive, count) in counts {
            let changed = sqlx::query("update versions set downloads = downloads + $1 where archive = $2")
                .bind(bigint(*count))
                .bind(archive.to_string())
                .execute(&mut *tx)
                .await?;
            if changed.rows_affected() > 0 {
                sqlx::query(
                    "update skills set downloads = downloads + $1 \
                     where id in (select skill from versions where archive = $2)",
                )
                .bind(bigint(*count))
                .bind(archive.to_string())
                .execute(&mut *tx)
                .await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[tokio::test]
    async fn downloads_add_up_per_version_and_per_skill() {
        for db in fixture::all().await {
            db.scope("acme").await;
            db.release("acme/notes", "1.0.0").await.unwrap();
            db.release("acme/notes", "1.1.0").await.unwrap();
            let id = "acme/notes".parse().unwrap();
            let info = db.store.info(&id).await.unwrap().unwrap();
            let archives: Vec<_> = info.versions.iter().map(|v| v.archive).collect();
            let counts = [(archives[0], 3), (archives[1], 4), (Digest::ZERO, 9)];
            db.store.add_downloads(&counts).await.unwrap();
            db.store.add_downloads(&counts[..1]).await.unwrap();
            let info = db.store.info(&id).await.unwrap().unwrap();
            assert_eq!(info.downloads, 10, "{}", db.name);
            assert_eq!(info.versions.iter().map(|v| v.downloads).collect::<Vec<_>>(), [6, 4]);
        }
    }
}
