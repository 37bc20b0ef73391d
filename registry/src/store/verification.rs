//! What verifiers said, and what follows for the score that the index shows. All of it happens in the transaction that writes the statement.

use skill_schema::{Digest, Fault, SkillId, Version, codes};
use sqlx::{Any, Transaction};

use super::{bigint, stored};
use crate::error::Error;

/// Who ends a job, with what.
#[derive(Debug, Clone)]
pub struct Ending {
    /// The lease.
    pub lease: Digest,
    /// `result` or `refute`.
    pub kind: &'static str,
    /// The verifier's key, `ed25519:…`.
    pub key: String,
    /// The user whose token sends it.
    pub user: String,
    /// The model's name.
    pub model: String,
}

/// Ends a job with what a verifier said. Fails with `E_LEASE` if its lease is over by now.
pub(super) async fn end(
    tx: &mut Transaction<'static, Any>,
    leaf: u64,
    (stmt, attempt, record): (&Digest, &Digest, &Digest),
    ending: &Ending,
    now: i64,
) -> Result<(), Error> {
    let ended = sqlx::query(
        "update jobs set state = 'done', lease = null, lease_until = null where lease = $1 and attempt = $2 and lease_until > $3",
    )
    .bind(ending.lease.to_string())
    .bind(attempt.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    if ended.rows_affected() == 0 {
        return Err(Fault::new(codes::LEASE).into());
    }
    sqlx::query(
        "insert into verifications (stmt, leaf, attempt, kind, key, user_name, record, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(stmt.to_string())
    .bind(bigint(leaf))
    .bind(attempt.to_string())
    .bind(ending.kind)
    .bind(&ending.key)
    .bind(&ending.user)
    .bind(record.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    // What the attempt could not know.
    sqlx::query(
        "update attempts set score_key = (select score_key from jobs where attempt = $1), model = $2 where stmt = $1",
    )
    .bind(attempt.to_string())
    .bind(&ending.model)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends all jobs of a suite that is not sealed any more.
pub(super) async fn fail(tx: &mut Transaction<'static, Any>, suite: &Digest) -> Result<(), Error> {
    sqlx::query(
        "update jobs set state = 'failed', lease = null, lease_until = null where state in ('queued', 'leased') \
         and attempt in (select stmt from attempts where suite = $1)",
    )
    .bind(suite.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How far the score of an attempt can be believed: by how many users, and whether somebody did not find it.
pub(super) async fn trust(tx: &mut Transaction<'static, Any>, attempt: &Digest) -> Result<&'static str, Error> {
    let of_kind = "select count(distinct user_name) from verifications where attempt = $1 and kind = $2";
    let count = async |tx: &mut Transaction<'static, Any>, kind: &str| -> Result<i64, Error> {
        Ok(sqlx::query_scalar(of_kind).bind(attempt.to_string()).bind(kind.to_owned()).fetch_one(&mut **tx).await?)
    };
    let (found, refuted) = (count(tx, "result").await?, count(tx, "refute").await?);
    Ok(match (found, refuted) {
        (_, 1..) => "refuted",
        (2.., _) => "verified ×2",
        _ => "verified",
    })
}

/// The published version that an attempt led to.
pub(super) async fn version_of(
    tx: &mut Transaction<'static, Any>,
    attempt: &Digest,
) -> Result<Option<(SkillId, Version)>, Error> {
    let row: Option<(String, String)> = sqlx::query_as(
        "select v.skill, v.version from attempts a join versions v on v.skill = a.skill and v.version = a.version \
         and v.tree = a.tree and v.record = a.record where a.stmt = $1",
    )
    .bind(attempt.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|(skill, version)| Ok((stored("versions.skill", &skill)?, stored("versions.version", &version)?)))
        .transpose()
}
