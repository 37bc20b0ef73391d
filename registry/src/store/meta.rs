//! What the database belongs to.

use super::Store;
use crate::error::Error;

impl Store {
    /// The value of a name; on first use the given one is kept and returned.
    pub async fn meta_or(&self, name: &str, value: &str) -> Result<String, Error> {
        if let Some(kept) = self.meta(name).await? {
            return Ok(kept);
        }
        let mut tx = self.begin().await?;
        sqlx::query("insert into meta (name, value) values ($1, $2) on conflict (name) do nothing")
            .bind(name)
            .bind(value)
            .execute(&mut *tx)
            .await?;
        let kept = sqlx::query_scalar("select value from meta where name = $1").bind(name).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// The value of a name, if there is one.
    pub async fn meta(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(sqlx::query_scalar("select value from meta where name = $1").bind(name).fetch_optional(&self.read).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[tokio::test]
    async fn the_first_value_of_a_name_stays() {
        for db in fixture::all().await {
            assert_eq!(db.store.meta("origin").await.unwrap(), None);
            assert_eq!(db.store.meta_or("origin", "a/log").await.unwrap(), "a/log");
            assert_eq!(db.store.meta_or("origin", "b/log").await.unwrap(), "a/log", "{}", db.name);
        }
    }
}
