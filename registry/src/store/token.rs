//! API tokens.

use skill_schema::{
    Fault,
    api::token::{Info, Permission},
    codes,
};
use sqlx::FromRow;

use super::Store;
use crate::{clock, error::Error};

/// A token to store.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// Hex SHA-256 of its text.
    pub hash: String,
    /// For people.
    pub name: String,
    /// What it allows.
    pub permissions: Vec<Permission>,
    /// Which skills.
    pub pattern: String,
    /// When it is made.
    pub created_at: i64,
    /// When it expires.
    pub expires_at: i64,
}

/// A stored token.
#[derive(Debug, Clone, FromRow)]
pub struct TokenRow {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub user_name: String,
    /// For people.
    pub name: String,
    permissions: String,
    /// Which skills.
    pub pattern: String,
    created_at: i64,
    /// When it expires.
    pub expires_at: i64,
    /// When it was last used, to the hour.
    pub last_used_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

impl TokenRow {
    /// What it allows. Permissions that this build does not know allow nothing.
    pub fn permissions(&self) -> Vec<Permission> {
        self.permissions.split(' ').filter_map(Permission::parse).collect()
    }

    /// As the API shows it.
    pub fn info(&self) -> Info {
        Info {
            id: self.id.clone(),
            name: self.name.clone(),
            permissions: self.permissions(),
            pattern: self.pattern.clone(),
            created: clock::timestamp(self.created_at),
            expires: clock::timestamp(self.expires_at),
            last_used: self.last_used_at.map(clock::timestamp),
            revoked: self.revoked_at.map(clock::timestamp),
        }
    }
}

impl Store {
    /// Stores a new token. Fails with `E_USER_UNKNOWN` if its user does not exist.
    pub async fn add_token(&self, token: &NewToken) -> Result<(), Error> {
        self.check_user(&token.user).await?;
        let permissions: Vec<_> = token.permissions.iter().map(|p| p.as_str()).collect();
        sqlx::query(
            "insert into tokens (id, user_name, hash, name, permissions, pattern, created_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&token.id)
        .bind(&token.user)
        .bind(&token.hash)
        .bind(&token.name)
        .bind(permissions.join(" "))
        .bind(&token.pattern)
        .bind(token.created_at)
        .bind(token.expires_at)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    /// The token with this hash, whatever its state.
    pub async fn token(&self, hash: &str) -> Result<Option<TokenRow>, Error> {
        Ok(sqlx::query_as(
            "select id, user_name, name, permissions, pattern, created_at, expires_at, last_used_at, revoked_at \
             from tokens where hash = $1",
        )
        .bind(hash)
        .fetch_optional(&self.read)
        .await?)
    }

    /// A user's tokens, newest first.
    pub async fn tokens(&self, user: &str) -> Result<Vec<TokenRow>, Error> {
        Ok(sqlx::query_as(
            "select id, user_name, name, permissions, pattern, created_at, expires_at, last_used_at, revoked_at \
             from tokens where user_name = $1 order by created_at desc, id desc",
        )
        .bind(user)
        .fetch_all(&self.read)
        .await?)
    }

    /// Revokes a token; of this user, if one is given. Revoking it again keeps the first time. Fails with `E_NOT_FOUND`.
    pub async fn revoke_token(&self, id: &str, user: Option<&str>, now: i64) -> Result<(), Error> {
        let changed = sqlx::query(
            "update tokens set revoked_at = coalesce(revoked_at, $1) \
             where id = $2 and user_name = coalesce($3, user_name)",
        )
        .bind(now)
        .bind(id)
        .bind(user)
        .execute(&self.write)
        .await?;
        if changed.rows_affected() == 0 {
            return Err(Fault::new(codes::NOT_FOUND).at("token").into());
        }
        Ok(())
    }

    /// Notes that a token was used in the hour of this time.
    pub async fn touch_token(&self, id: &str, hour: i64) -> Result<(), Error> {
        sqlx::query("update tokens set last_used_at = $1 where id = $2 and coalesce(last_used_at, 0) < $1")
            .bind(hour)
            .bind(id)
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, USER};
    use super::*;

    fn token(id: &str, hash: &str, created_at: i64) -> NewToken {
        NewToken {
            id: id.to_owned(),
            user: USER.to_owned(),
            hash: hash.to_owned(),
            name: "laptop".to_owned(),
            permissions: vec![Permission::PublishNew, Permission::Yank],
            pattern: "acme/*".to_owned(),
            created_at,
            expires_at: created_at + clock::DAY,
        }
    }

    #[tokio::test]
    async fn a_token_is_found_by_its_hash_only() {
        for db in fixture::all().await {
            db.store.add_token(&token("t1", "h1", clock::HOUR)).await.unwrap();
            assert!(db.store.token("t1").await.unwrap().is_none());
            let found = db.store.token("h1").await.unwrap().expect("stored");
            assert_eq!(found.permissions(), [Permission::PublishNew, Permission::Yank]);
            assert_eq!(found.info().expires.unix(), 3_600 + 86_400, "{}", db.name);
            assert!(found.info().last_used.is_none());
        }
    }

    #[tokio::test]
    async fn revoking_keeps_the_first_time_and_stays_within_a_user() {
        for db in fixture::all().await {
            db.store.add_token(&token("t1", "h1", 1)).await.unwrap();
            assert_eq!(db.store.revoke_token("t1", Some("other"), 7).await.unwrap_err().code(), codes::NOT_FOUND);
            db.store.revoke_token("t1", Some(USER), 8).await.unwrap();
            db.store.revoke_token("t1", None, 9).await.unwrap();
            assert_eq!(db.store.token("h1").await.unwrap().unwrap().revoked_at, Some(8), "{}", db.name);
        }
    }

    #[tokio::test]
    async fn the_last_use_moves_forward_only() {
        for db in fixture::all().await {
            db.store.add_token(&token("t1", "h1", 1)).await.unwrap();
            db.store.add_token(&token("t2", "h2", 2)).await.unwrap();
            db.store.touch_token("t1", 20).await.unwrap();
            db.store.touch_token("t1", 10).await.unwrap();
            let listed = db.store.tokens(USER).await.unwrap();
            assert_eq!(listed.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), ["t2", "t1"]);
            assert_eq!(listed[1].last_used_at, Some(20), "{}", db.name);
        }
    }

    #[tokio::test]
    async fn a_token_needs_a_user() {
        for db in fixture::all().await {
            let token = NewToken { user: "nobody-here".to_owned(), ..token("t1", "h1", 1) };
            assert_eq!(db.store.add_token(&token).await.unwrap_err().code(), codes::USER_UNKNOWN, "{}", db.name);
        }
    }
}
