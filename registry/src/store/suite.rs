//! Suites: published once, found by their digest.

use skill_schema::{
    Digest, Fault, SkillId, Version,
    api::suite::Info,
    codes,
    statement::{SuiteCases, SuiteState},
};
use sqlx::{Any, FromRow, Transaction};

use super::{
    Store, bigint, count,
    event::{NewStatement, append, leaf_of},
    stored, verification,
};
use crate::error::Error;

/// A suite that passed every check but those that need the transaction. Its archive is in the blob store.
#[derive(Debug, Clone)]
pub struct NewSuite {
    /// Its signed statement.
    pub statement: NewStatement,
    /// What is known of it.
    pub info: Info,
    /// The user whose token publishes it.
    pub publisher: String,
    /// Whether the registry keeps the whole suite for verifiers.
    pub has_holdout: bool,
}

#[derive(FromRow)]
struct Row {
    digest: String,
    scope: String,
    name: String,
    version: String,
    train: String,
    holdout: String,
    train_cases: i64,
    holdout_cases: i64,
    state: String,
    archive: String,
}

impl Store {
    /// The suite with these cases.
    pub async fn suite(&self, digest: &Digest) -> Result<Option<Info>, Error> {
        let row: Option<Row> = sqlx::query_as(
            "select digest, scope, name, version, train, holdout, train_cases, holdout_cases, state, archive from suites \
             where digest = $1",
        )
        .bind(digest.to_string())
        .fetch_optional(&self.read)
        .await?;
        row.as_ref().map(info).transpose()
    }

    /// Whether the registry keeps a sealed suite for verifiers.
    pub async fn keeps_suite(&self, digest: &Digest) -> Result<bool, Error> {
        let kept: Option<i64> = sqlx::query_scalar("select sealed from suites where digest = $1")
            .bind(digest.to_string())
            .fetch_optional(&self.read)
            .await?;
        Ok(kept == Some(1))
    }

    /// The digest, leaf and envelope of a suite by its name; `None` if the version is free.
    pub async fn suite_named(&self, id: &SkillId, version: &Version) -> Result<Option<(Digest, u64, Digest)>, Error> {
        let row: Option<(String, i64, String)> = sqlx::query_as(
            "select s.digest, s.leaf, e.stmt from suites s join events e on e.leaf = s.leaf \
             where s.scope = $1 and s.name = $2 and s.version = $3",
        )
        .bind(id.scope.as_str())
        .bind(id.name.as_str())
        .bind(version.to_string())
        .fetch_optional(&self.read)
        .await?;
        row.map(|(digest, leaf, stmt)| {
            Ok((stored("suites.digest", &digest)?, count(leaf), stored("events.stmt", &stmt)?))
        })
        .transpose()
    }
}

fn info(row: &Row) -> Result<Info, Error> {
    let id = format!("{}/{}", row.scope, row.name);
    Ok(Info {
        suite: stored("suites.digest", &row.digest)?,
        id: stored("suites.name", &id)?,
        version: stored("suites.version", &row.version)?,
        train: stored("suites.train", &row.train)?,
        holdout: stored("suites.holdout", &row.holdout)?,
        cases: SuiteCases { holdout: count(row.holdout_cases), train: count(row.train_cases) },
        state: state(&row.state)?,
        archive: stored("suites.archive", &row.archive)?,
    })
}

fn state(text: &str) -> Result<SuiteState, Error> {
    match text {
        "open" => Ok(SuiteState::Open),
        "commit" => Ok(SuiteState::Commit),
        "reveal" => Ok(SuiteState::Reveal),
        "retire" => Ok(SuiteState::Retire),
        _ => Err(Error::Damaged(format!("suites.state: {text:?}"))),
    }
}

fn state_text(state: SuiteState) -> &'static str {
    match state {
        SuiteState::Open => "open",
        SuiteState::Commit => "commit",
        SuiteState::Reveal => "reveal",
        SuiteState::Retire => "retire",
    }
}

/// Publishes a suite; answers its leaf. Fails with `E_VERSION_EXISTS` if the version has other cases or the cases have another version,
/// and with `E_SEQ`.
pub(super) async fn put(
    tx: &mut Transaction<'static, Any>,
    leaf: u64,
    suite: &NewSuite,
    now: i64,
) -> Result<u64, Error> {
    if let Some(leaf) = leaf_of(tx, &suite.statement.stmt).await? {
        return Ok(leaf);
    }
    let Info { suite: digest, id, version, train, holdout, cases, state, archive } = &suite.info;
    let taken: Option<String> = sqlx::query_scalar(
        "select scope || '/' || name || '@' || version from suites \
         where digest = $1 or (scope = $2 and name = $3 and version = $4)",
    )
    .bind(digest.to_string())
    .bind(id.scope.as_str())
    .bind(id.name.as_str())
    .bind(version.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(taken) = taken {
        let place = format!("{id}@{version}");
        return Err(Fault::new(codes::VERSION_EXISTS).at(place).detail(format!("the suite {taken}")).into());
    }
    append(tx, leaf, &suite.statement, now).await?;
    sqlx::query(
        "insert into suites (digest, scope, name, version, train, holdout, train_cases, holdout_cases, state, archive, leaf, \
         publisher, created_at, sealed) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(digest.to_string())
    .bind(id.scope.as_str())
    .bind(id.name.as_str())
    .bind(version.to_string())
    .bind(train.to_string())
    .bind(holdout.to_string())
    .bind(bigint(cases.train))
    .bind(bigint(cases.holdout))
    .bind(state_text(*state))
    .bind(archive.to_string())
    .bind(bigint(leaf))
    .bind(&suite.publisher)
    .bind(now)
    .bind(i64::from(suite.has_holdout))
    .execute(&mut **tx)
    .await?;
    Ok(leaf)
}

/// Changes what becomes of a suite's holdout; answers its leaf. Whether it may was decided by the scope's chain. Jobs that wait for a verifier
/// end: their holdout is not sealed any more.
pub(super) async fn change(
    tx: &mut Transaction<'static, Any>,
    leaf: u64,
    suite: &NewSuite,
    now: i64,
) -> Result<u64, Error> {
    if let Some(leaf) = leaf_of(tx, &suite.statement.stmt).await? {
        return Ok(leaf);
    }
    append(tx, leaf, &suite.statement, now).await?;
    sqlx::query("update suites set state = $1, archive = $2, sealed = 0 where digest = $3")
        .bind(state_text(suite.info.state))
        .bind(suite.info.archive.to_string())
        .bind(suite.info.suite.to_string())
        .execute(&mut **tx)
        .await?;
    verification::fail(tx, &suite.info.suite).await?;
    Ok(leaf)
}
