//! Scopes: who may publish under a name, and with which keys.

use skill_schema::{Digest, Fault, Scope, codes, name::LOCAL};
use sqlx::{Any, Transaction};

use super::{
    Store, count,
    event::{NewStatement, append, leaf_of, lock},
};
use crate::error::Error;

/// A statement about a scope that passed every check but those that need the transaction.
#[derive(Debug, Clone)]
pub struct NewScope {
    /// The scope.
    pub scope: Scope,
    /// The signed statement.
    pub statement: NewStatement,
    /// The user whose token changes it.
    pub user: String,
    /// Whether users may create scopes.
    pub open: bool,
}

impl Store {
    /// Reserves a scope for a user, or does nothing if it is reserved for that user already. Fails with `E_SCOPE_TAKEN`,
    /// `E_NAME_TAKEN` or `E_USER_UNKNOWN`.
    pub async fn reserve_scope(&self, scope: &Scope, owner: &str, now: i64) -> Result<(), Error> {
        self.check_user(owner).await?;
        let mut tx = self.begin().await?;
        lock(&mut tx).await?;
        match seq_of(&mut tx, scope).await? {
            None => create(&mut tx, scope, owner, now).await?,
            Some(_) => check_owner(&mut tx, scope, owner).await?,
        }
        tx.commit().await?;
        Ok(())
    }

    /// Whether a user may write a statement for a scope, as far as that is known before it is read: the checks of
    /// [`put`], without their force.
    pub async fn check_scope(&self, scope: &Scope, user: &str, open: bool) -> Result<(), Error> {
        match self.owners(scope).await {
            Ok(owners) if owners.iter().any(|owner| owner == user) => Ok(()),
            Ok(_) => Err(Fault::new(codes::SCOPE_TAKEN).at(scope.as_str()).into()),
            Err(error) if error.code() == codes::SCOPE_UNKNOWN && open => Ok(()),
            Err(error) if error.code() == codes::SCOPE_UNKNOWN => {
                Err(Fault::new(codes::SCOPE_CLOSED).at(scope.as_str()).into())
            }
            Err(error) => Err(error),
        }
    }
}

/// Appends a `scope/v1` statement; the first one creates the scope for the user, if `open` or reserved. The caller has checked the
/// statement against the chain that ends at its `prev`. Answers its leaf; a repetition gets the leaf it has.
pub(super) async fn put(
    tx: &mut Transaction<'static, Any>,
    leaf: u64,
    change: &NewScope,
    now: i64,
) -> Result<u64, Error> {
    let NewScope { scope, statement, user, open } = change;
    match seq_of(tx, scope).await? {
        Some(_) => check_owner(tx, scope, user).await?,
        None if !open => return Err(Fault::new(codes::SCOPE_CLOSED).at(scope.as_str()).into()),
        None => create(tx, scope, user, now).await?,
    }
    if let Some(leaf) = leaf_of(tx, &statement.stmt).await? {
        return Ok(leaf);
    }
    append(tx, leaf, statement, now).await?;
    Ok(leaf)
}

/// The head's position, if the scope exists.
async fn seq_of(tx: &mut Transaction<'static, Any>, scope: &Scope) -> Result<Option<u64>, Error> {
    let seq: Option<i64> = sqlx::query_scalar("select head_seq from scopes where name = $1")
        .bind(scope.as_str())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(seq.map(count))
}

/// Fails with `E_SCOPE_TAKEN` for anybody else.
async fn check_owner(tx: &mut Transaction<'static, Any>, scope: &Scope, user: &str) -> Result<(), Error> {
    let owns: i64 = sqlx::query_scalar("select count(*) from owners where scope = $1 and user_name = $2")
        .bind(scope.as_str())
        .bind(user)
        .fetch_one(&mut **tx)
        .await?;
    if owns == 0 { Err(Fault::new(codes::SCOPE_TAKEN).at(scope.as_str()).into()) } else { Ok(()) }
}

/// Creates a scope without statements. Fails with `E_NAME_TAKEN` if another one looks the same, and with `E_NAME_RESERVED` for the
/// scope of skills that no registry has.
async fn create(tx: &mut Transaction<'static, Any>, scope: &Scope, owner: &str, now: i64) -> Result<(), Error> {
    if scope.as_str() == LOCAL {
        return Err(Fault::new(codes::NAME_RESERVED).at(LOCAL).detail("for skills installed from a path").into());
    }
    let alike: Option<String> = sqlx::query_scalar("select name from scopes where folded = $1")
        .bind(scope.folded())
        .fetch_optional(&mut **tx)
        .await?;
    if let Some(alike) = alike {
        return Err(Fault::new(codes::NAME_TAKEN).at(scope.as_str()).detail(format!("there is {alike}")).into());
    }
    sqlx::query("insert into scopes (name, folded, head_seq, head_stmt, created_at) values ($1, $2, 0, $3, $4)")
        .bind(scope.as_str())
        .bind(scope.folded())
        .bind(Digest::ZERO.to_string())
        .bind(now)
        .execute(&mut **tx)
        .await?;
    sqlx::query("insert into owners (scope, user_name, created_at) values ($1, $2, $3)")
        .bind(scope.as_str())
        .bind(owner)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, USER};
    use super::*;

    #[tokio::test]
    async fn a_reserved_scope_is_for_its_user_only() {
        for db in fixture::all().await {
            let scope: Scope = "acme".parse().unwrap();
            db.store.add_user(&"second".parse().unwrap(), 1).await.unwrap();
            db.store.reserve_scope(&scope, USER, 1).await.unwrap();
            db.store.reserve_scope(&scope, USER, 2).await.unwrap();
            assert_eq!(db.store.reserve_scope(&scope, "second", 3).await.unwrap_err().code(), codes::SCOPE_TAKEN);
            let first = fixture::scope_statement("acme", 1, Digest::ZERO);
            let refused = db.put_scope(&scope, &first, "second", true).await.unwrap_err();
            assert_eq!(refused.code(), codes::SCOPE_TAKEN, "{}", db.name);
            assert_eq!(db.put_scope(&scope, &first, USER, false).await.unwrap(), 0);
            assert_eq!(db.store.log_head().await.unwrap().0, 1);
        }
    }

    #[tokio::test]
    async fn the_scope_of_local_skills_is_given_to_nobody() {
        for db in fixture::all().await {
            let scope: Scope = LOCAL.parse().unwrap();
            let first = fixture::scope_statement(LOCAL, 1, Digest::ZERO);
            let refused = db.put_scope(&scope, &first, USER, true).await.unwrap_err();
            assert_eq!(refused.code(), codes::NAME_RESERVED, "{}", db.name);
            assert_eq!(db.store.reserve_scope(&scope, USER, 1).await.unwrap_err().code(), codes::NAME_RESERVED);
            assert_eq!(db.store.log_head().await.unwrap().0, 0);
        }
    }

    #[tokio::test]
    async fn a_closed_registry_creates_no_scopes() {
        for db in fixture::all().await {
            let scope: Scope = "acme".parse().unwrap();
            let first = fixture::scope_statement("acme", 1, Digest::ZERO);
            let refused = db.put_scope(&scope, &first, USER, false).await.unwrap_err();
            assert_eq!(refused.code(), codes::SCOPE_CLOSED, "{}", db.name);
            assert_eq!(db.put_scope(&scope, &first, USER, true).await.unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn lookalike_scopes_cannot_both_exist() {
        for db in fixture::all().await {
            db.scope("acme-one").await;
            let alike: Scope = "acme-0ne".parse().unwrap();
            let refused = db.store.reserve_scope(&alike, USER, 1).await.unwrap_err();
            assert_eq!(refused.code(), codes::NAME_TAKEN);
            assert!(refused.to_string().contains("acme-one"), "{}", db.name);
        }
    }

    #[tokio::test]
    async fn a_repeated_statement_keeps_its_leaf_and_another_one_at_its_place_is_refused() {
        for db in fixture::all().await {
            let scope = db.scope("acme").await;
            let head = db.store.head("acme").await.unwrap().unwrap();
            let next = fixture::scope_statement("acme", 2, head.stmt);
            assert_eq!(db.put_scope(&scope, &next, USER, true).await.unwrap(), 1);
            assert_eq!(db.put_scope(&scope, &next, USER, true).await.unwrap(), 1);
            let other = NewStatement { stmt: Digest([9; 32]), envelope: "other".to_owned(), ..next };
            assert_eq!(db.put_scope(&scope, &other, USER, true).await.unwrap_err().code(), codes::SEQ);
            assert_eq!(db.store.log_head().await.unwrap().0, 2, "{}", db.name);
        }
    }
}
