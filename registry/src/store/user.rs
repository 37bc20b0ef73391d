//! Users: who tokens and ownership belong to. Made by the operator.

use skill_schema::{Fault, Scope, codes};

use super::Store;
use crate::error::Error;

impl Store {
    /// Adds a user. Fails with `E_EXISTS` if there is one of that name.
    pub async fn add_user(&self, name: &Scope, now: i64) -> Result<(), Error> {
        let added = sqlx::query("insert into users (name, created_at) values ($1, $2) on conflict (name) do nothing")
            .bind(name.as_str())
            .bind(now)
            .execute(&self.write)
            .await?;
        if added.rows_affected() == 0 {
            return Err(Fault::new(codes::EXISTS).at(name.as_str()).into());
        }
        Ok(())
    }

    /// All users and when they were made, by name.
    pub async fn users(&self) -> Result<Vec<(String, i64)>, Error> {
        Ok(sqlx::query_as("select name, created_at from users order by name").fetch_all(&self.read).await?)
    }

    /// Fails with `E_USER_UNKNOWN` if there is no such user.
    pub async fn check_user(&self, name: &str) -> Result<(), Error> {
        let found: i64 =
            sqlx::query_scalar("select count(*) from users where name = $1").bind(name).fetch_one(&self.read).await?;
        if found == 0 { Err(Fault::new(codes::USER_UNKNOWN).at(name).into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use skill_schema::codes;

    #[tokio::test]
    async fn a_user_is_added_once() {
        for db in fixture::all().await {
            let name = "mallory".parse().unwrap();
            assert_eq!(db.store.check_user("mallory").await.unwrap_err().code(), codes::USER_UNKNOWN);
            db.store.add_user(&name, 5).await.unwrap();
            assert_eq!(db.store.add_user(&name, 6).await.unwrap_err().code(), codes::EXISTS, "{}", db.name);
            assert!(db.store.users().await.unwrap().contains(&("mallory".to_owned(), 5)));
            db.store.check_user("mallory").await.unwrap();
        }
    }
}
