//! Candidates that wait for a verifier: the queue, its leases, and what verifiers said.

use skill_engine::gate::Recorded;
use skill_schema::{
    Digest, Fault, SkillId,
    api::{
        eval::Pooled,
        job::{Job, State, Verified},
        worker::{Conditions, Terms},
    },
    codes,
};
use sqlx::{Any, FromRow, Transaction};

use super::{Store, bigint, count, score, stored};
use crate::error::Error;

/// How often a job is tried: whatever kept so many verifiers from ending it will keep the next one.
const MAX_TRIES: i64 = 5;
/// Jobs that are offered to a verifier at once.
const MAX_OFFERED: i64 = 64;
/// What verifiers said of a job that is listed at most.
const MAX_RESULTS: i64 = 100;

/// A job to queue with its attempt. The candidate is in the vault.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// SHA-256 of the candidate's archive.
    pub candidate: Digest,
    /// The attempt's nonce.
    pub nonce: String,
    /// Whether it claims no better score.
    pub maintenance: bool,
    /// Whether the stricter test is asked for.
    pub strict: bool,
}

/// A job that a verifier may claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The attempt.
    pub attempt: Digest,
    /// The skill.
    pub skill: SkillId,
    /// The suite.
    pub suite: Digest,
    /// Whether the registry keeps the suite.
    pub has_suite: bool,
}

/// A job under a lease that is not over.
#[derive(Debug, Clone)]
pub struct Held {
    /// The attempt.
    pub attempt: Digest,
    /// Its nonce.
    pub nonce: String,
    /// SHA-256 of the candidate's archive.
    pub candidate: Digest,
    /// Whether its result is checked rather than made.
    pub recheck: bool,
    /// The verifier's key, `ed25519:…`.
    pub key: String,
    /// The end of the lease, in microseconds since 1970.
    pub until: i64,
    /// The conditions, once they are known.
    pub conditions: Option<Conditions>,
    /// What the verdict depends on, but for the scope's policy.
    pub terms: Terms,
}

/// Who claims a job, until when.
#[derive(Debug, Clone, Copy)]
pub struct Claiming<'a> {
    /// The new lease.
    pub lease: &'a Digest,
    /// The verifier's user.
    pub user: &'a str,
    /// The verifier's key.
    pub key: &'a str,
    /// The end of the lease, in microseconds since 1970.
    pub until: i64,
}

#[derive(FromRow)]
struct Row {
    attempt: String,
    nonce: String,
    candidate: String,
    maintenance: i64,
    strict: i64,
    state: String,
    lease_key: String,
    lease_until: i64,
    score_key: Option<String>,
    model: Option<String>,
    weights: Option<String>,
    recorded_sum: i64,
    recorded_runs: i64,
    failed: i64,
}

impl Store {
    /// A job by its attempt; what is under a lease that is over waits again.
    pub async fn job(&self, attempt: &Digest, now: i64) -> Result<Option<Job>, Error> {
        type Row = (String, i64, Option<i64>, Option<String>, Option<String>);
        let row: Option<Row> = sqlx::query_as(
            "select j.state, j.tries, j.lease_until, a.verdict, a.record from jobs j join attempts a on a.stmt = j.attempt \
             where j.attempt = $1",
        )
        .bind(attempt.to_string())
        .fetch_optional(&self.read)
        .await?;
        let Some((state, tries, until, verdict, record)) = row else { return Ok(None) };
        let is_over = until.is_none_or(|until| until <= now);
        let state = match state.as_str() {
            "leased" if !is_over => State::Leased,
            "queued" | "leased" if tries >= MAX_TRIES && is_over => State::Failed,
            "queued" | "leased" => State::Queued,
            "done" => State::Done,
            "failed" => State::Failed,
            _ => return Err(Error::Damaged(format!("jobs.state: {state:?}"))),
        };
        let record = record.map(|text| stored("attempts.record", &text)).transpose()?;
        let tries = u32::try_from(tries).unwrap_or(u32::MAX);
        Ok(Some(Job { attempt: *attempt, state, tries, verdict, record, results: self.results(attempt).await? }))
    }

    async fn results(&self, attempt: &Digest) -> Result<Vec<Verified>, Error> {
        let rows: Vec<(String, i64, String, String, String, String)> = sqlx::query_as(
            "select stmt, leaf, kind, key, user_name, record from verifications where attempt = $1 order by leaf limit $2",
        )
        .bind(attempt.to_string())
        .bind(MAX_RESULTS)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter()
            .map(|(stmt, leaf, kind, key, user, record)| {
                let stmt = stored("verifications.stmt", &stmt)?;
                let record = stored("verifications.record", &record)?;
                Ok(Verified { stmt, log: count(leaf), kind, key, user, record })
            })
            .collect()
    }

    /// Jobs that a verifier may claim, oldest first; to check results again, those of published versions that it said nothing of.
    pub async fn offers(&self, (user, key): (&str, &str), recheck: bool, now: i64) -> Result<Vec<Offer>, Error> {
        let new = "select j.attempt, a.skill, a.suite, s.sealed from jobs j join attempts a on a.stmt = j.attempt \
             join suites s on s.digest = a.suite where s.state = 'commit' and j.tries < $4 \
             and (j.state = 'queued' or j.state = 'leased' and j.lease_until <= $1) \
             and not exists (select 1 from verifications v where v.attempt = j.attempt and (v.user_name = $2 or v.key = $3)) \
             order by j.created_at limit $5";
        let again = "select j.attempt, a.skill, a.suite, s.sealed from jobs j join attempts a on a.stmt = j.attempt \
             join suites s on s.digest = a.suite \
             join versions v on v.skill = a.skill and v.version = a.version and v.tree = a.tree \
             where s.state = 'commit' and j.state = 'done' and (j.lease_until is null or j.lease_until <= $1) \
             and (select count(*) from verifications v where v.attempt = j.attempt) < $4 \
             and not exists (select 1 from verifications v where v.attempt = j.attempt and (v.user_name = $2 or v.key = $3)) \
             order by j.created_at limit $5";
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(if recheck { again } else { new })
            .bind(now)
            .bind(user)
            .bind(key)
            .bind(if recheck { MAX_RESULTS } else { MAX_TRIES })
            .bind(MAX_OFFERED)
            .fetch_all(&self.read)
            .await?;
        rows.into_iter()
            .map(|(attempt, skill, suite, sealed)| {
                Ok(Offer {
                    attempt: stored("jobs.attempt", &attempt)?,
                    skill: stored("attempts.skill", &skill)?,
                    suite: stored("attempts.suite", &suite)?,
                    has_suite: sealed != 0,
                })
            })
            .collect()
    }

    /// Claims a job unless somebody else was quicker. The conditions of a new one are not known yet.
    pub async fn claim(&self, attempt: &Digest, who: Claiming<'_>, recheck: bool, now: i64) -> Result<bool, Error> {
        let new = "update jobs set state = 'leased', tries = tries + 1, lease = $1, lease_user = $2, lease_key = $3, \
             lease_until = $4, score_key = null, model = null, weights = null, recorded_sum = 0, recorded_runs = 0 \
             where attempt = $5 and (state = 'queued' or state = 'leased' and lease_until <= $6)";
        let again = "update jobs set lease = $1, lease_user = $2, lease_key = $3, lease_until = $4 \
             where attempt = $5 and state = 'done' and (lease_until is null or lease_until <= $6)";
        let claimed = sqlx::query(if recheck { again } else { new })
            .bind(who.lease.to_string())
            .bind(who.user)
            .bind(who.key)
            .bind(who.until)
            .bind(attempt.to_string())
            .bind(now)
            .execute(&self.write)
            .await?;
        Ok(claimed.rows_affected() > 0)
    }

    /// The job of a lease. Fails with `E_LEASE` if there is none, it is over, or it is another user's.
    pub async fn held(&self, lease: &Digest, user: &str, now: i64) -> Result<Held, Error> {
        let row: Option<Row> = sqlx::query_as(
            "select j.attempt, j.nonce, j.candidate, j.maintenance, j.strict, j.state, j.lease_key, j.lease_until, j.score_key, \
             j.model, j.weights, j.recorded_sum, j.recorded_runs, a.failed from jobs j join attempts a on a.stmt = j.attempt \
             where j.lease = $1 and j.lease_user = $2 and j.lease_until > $3",
        )
        .bind(lease.to_string())
        .bind(user)
        .bind(now)
        .fetch_optional(&self.read)
        .await?;
        held(row.ok_or_else(|| Fault::new(codes::LEASE))?)
    }

    /// Prolongs a lease. Fails with `E_LEASE`.
    pub async fn prolong(&self, lease: &Digest, user: &str, until: i64, now: i64) -> Result<(), Error> {
        let prolonged =
            sqlx::query("update jobs set lease_until = $1 where lease = $2 and lease_user = $3 and lease_until > $4")
                .bind(until)
                .bind(lease.to_string())
                .bind(user)
                .bind(now)
                .execute(&self.write)
                .await?;
        if prolonged.rows_affected() == 0 { Err(Fault::new(codes::LEASE).into()) } else { Ok(()) }
    }

    /// Writes the conditions of a lease, and what is recorded of the head under them. Fails with `E_SCORE_KEY` if they were others before.
    pub async fn set_conditions(&self, lease: &Digest, conditions: &Conditions) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let row: Option<(Option<String>, Option<String>)> = sqlx::query_as(
            "select j.score_key, a.parent from jobs j join attempts a on a.stmt = j.attempt where j.lease = $1",
        )
        .bind(lease.to_string())
        .fetch_optional(&mut *tx)
        .await?;
        let (before, parent) = row.ok_or_else(|| Fault::new(codes::LEASE))?;
        if let Some(before) = before {
            let same = before == conditions.score_key.to_string();
            return if same { Ok(()) } else { Err(Fault::new(codes::SCORE_KEY).at("score_key").into()) };
        }
        let parent: Option<Digest> = parent.map(|text| stored("attempts.parent", &text)).transpose()?;
        let recorded = match &parent {
            Some(tree) => score::pooled(&mut tx, Some(tree), &conditions.score_key).await?,
            None => Recorded { sum: 0, runs: 0 },
        };
        sqlx::query(
            "update jobs set score_key = $1, model = $2, weights = $3, recorded_sum = $4, recorded_runs = $5 where lease = $6",
        )
        .bind(conditions.score_key.to_string())
        .bind(&conditions.model)
        .bind(&conditions.weights)
        .bind(bigint(recorded.sum))
        .bind(bigint(recorded.runs))
        .bind(lease.to_string())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives a job back.
    pub async fn release(&self, lease: &Digest, user: &str) -> Result<(), Error> {
        sqlx::query(
            "update jobs set state = case when state = 'leased' then 'queued' else state end, lease = null, lease_until = null \
             where lease = $1 and lease_user = $2",
        )
        .bind(lease.to_string())
        .bind(user)
        .execute(&self.write)
        .await?;
        Ok(())
    }
}

fn held(row: Row) -> Result<Held, Error> {
    let conditions = match (row.score_key, row.model, row.weights) {
        (Some(key), Some(model), Some(weights)) => {
            Some(Conditions { score_key: stored("jobs.score_key", &key)?, model, weights })
        }
        _ => None,
    };
    let recorded = Pooled { sum: count(row.recorded_sum), runs: count(row.recorded_runs) };
    Ok(Held {
        attempt: stored("jobs.attempt", &row.attempt)?,
        nonce: row.nonce,
        candidate: stored("jobs.candidate", &row.candidate)?,
        recheck: row.state == "done",
        key: row.lease_key,
        until: row.lease_until,
        conditions,
        terms: Terms {
            strict: row.strict != 0,
            failed: u32::try_from(row.failed).unwrap_or(u32::MAX),
            recorded: Some(recorded).filter(|recorded| recorded.runs > 0),
            maintenance: row.maintenance != 0,
        },
    })
}

/// Queues a job beside its attempt.
pub(super) async fn put(
    tx: &mut Transaction<'static, Any>,
    attempt: &Digest,
    job: &NewJob,
    now: i64,
) -> Result<(), Error> {
    sqlx::query(
        "insert into jobs (attempt, candidate, nonce, maintenance, strict, state, tries, created_at) \
         values ($1, $2, $3, $4, $5, 'queued', 0, $6)",
    )
    .bind(attempt.to_string())
    .bind(job.candidate.to_string())
    .bind(&job.nonce)
    .bind(i64::from(job.maintenance))
    .bind(i64::from(job.strict))
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
