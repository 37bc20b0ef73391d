//! Owners of scopes.

use skill_schema::{Fault, Scope, codes};

use super::Store;
use crate::error::Error;

impl Store {
    /// The owners of a scope, sorted. Fails with `E_SCOPE_UNKNOWN`.
    pub async fn owners(&self, scope: &Scope) -> Result<Vec<String>, Error> {
        let owners: Vec<String> =
            sqlx::query_scalar("select user_name from owners where scope = $1 order by user_name")
                .bind(scope.as_str())
                .fetch_all(&self.read)
                .await?;
        // Every scope has an owner.
        if owners.is_empty() { Err(Fault::new(codes::SCOPE_UNKNOWN).at(scope.as_str()).into()) } else { Ok(owners) }
    }

    /// The scopes that a user owns, sorted.
    pub async fn scopes_of(&self, user: &str) -> Result<Vec<String>, Error> {
        Ok(sqlx::query_scalar("select scope from owners where user_name = $1 order by scope")
            .bind(user)
            .fetch_all(&self.read)
            .await?)
    }

    /// Adds an owner; adding one again changes nothing. Fails with `E_USER_UNKNOWN`, `E_SCOPE_UNKNOWN`. Answers the owners.
    pub async fn add_owner(&self, scope: &Scope, user: &str, now: i64) -> Result<Vec<String>, Error> {
        self.owners(scope).await?;
        self.check_user(user).await?;
        sqlx::query(
            "insert into owners (scope, user_name, created_at) values ($1, $2, $3) \
             on conflict (scope, user_name) do nothing",
        )
        .bind(scope.as_str())
        .bind(user)
        .bind(now)
        .execute(&self.write)
        .await?;
        self.owners(scope).await
    }

    /// Removes an owner. Fails with `E_USER_UNKNOWN` for somebody who is none, and with `E_LAST_OWNER`. Answers the owners.
    pub async fn remove_owner(&self, scope: &Scope, user: &str) -> Result<Vec<String>, Error> {
        self.owners(scope).await?;
        let mut tx = self.begin().await?;
        // Locks the scope's row: two removals at once cannot both see another owner left.
        sqlx::query("update scopes set head_seq = head_seq where name = $1")
            .bind(scope.as_str())
            .execute(&mut *tx)
            .await?;
        let removed = sqlx::query("delete from owners where scope = $1 and user_name = $2")
            .bind(scope.as_str())
            .bind(user)
            .execute(&mut *tx)
            .await?;
        if removed.rows_affected() == 0 {
            return Err(Fault::new(codes::USER_UNKNOWN).at(user).detail("not an owner of this scope").into());
        }
        let left: i64 = sqlx::query_scalar("select count(*) from owners where scope = $1")
            .bind(scope.as_str())
            .fetch_one(&mut *tx)
            .await?;
        if left == 0 {
            return Err(Fault::new(codes::LAST_OWNER).at(scope.as_str()).into());
        }
        tx.commit().await?;
        self.owners(scope).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, USER};
    use super::*;

    #[tokio::test]
    async fn the_last_owner_stays() {
        for db in fixture::all().await {
            let scope = db.scope("acme").await;
            db.store.add_user(&"second".parse().unwrap(), 1).await.unwrap();
            assert_eq!(db.store.remove_owner(&scope, USER).await.unwrap_err().code(), codes::LAST_OWNER);
            assert_eq!(db.store.add_owner(&scope, "second", 2).await.unwrap(), [USER, "second"], "{}", db.name);
            assert_eq!(db.store.add_owner(&scope, "second", 3).await.unwrap().len(), 2);
            assert_eq!(db.store.remove_owner(&scope, USER).await.unwrap(), ["second"]);
            assert_eq!(db.store.remove_owner(&scope, USER).await.unwrap_err().code(), codes::USER_UNKNOWN);
            assert_eq!(db.store.scopes_of("second").await.unwrap(), ["acme"]);
            assert!(db.store.scopes_of(USER).await.unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn strangers_and_unknown_scopes_are_refused() {
        for db in fixture::all().await {
            let scope = db.scope("acme").await;
            assert_eq!(db.store.add_owner(&scope, "ghost", 1).await.unwrap_err().code(), codes::USER_UNKNOWN);
            let other = "other".parse().unwrap();
            assert_eq!(db.store.owners(&other).await.unwrap_err().code(), codes::SCOPE_UNKNOWN, "{}", db.name);
        }
    }
}
