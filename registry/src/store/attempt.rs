//! The ledger of attempts: each is written before it is measured, and has one result.

use skill_engine::gate::Recorded;
use skill_schema::{
    Digest, Fault, SkillId, Version,
    api::eval::{Entry, Pooled},
    codes,
    index::{Score, best},
};
use sqlx::{Any, FromRow, Transaction};

use super::{
    Store, bigint, count,
    event::{NewStatement, append, leaf_of},
    index::{self, IndexFile},
    job::{self, NewJob},
    json, lift,
    score::{self, NewRecord},
    stored,
    verification::{self, Ending},
};
use crate::{clock, error::Error};

/// Attempts that are listed at most, the newest.
const MAX_LISTED: i64 = 1_000;

/// An attempt that passed every check but those that need the transaction.
#[derive(Debug, Clone)]
pub struct NewAttempt {
    /// Its signed statement.
    pub statement: NewStatement,
    /// The skill.
    pub skill: SkillId,
    /// The version that is to be published.
    pub version: Version,
    /// Tree digest of its files.
    pub tree: Digest,
    /// Tree digest of the head that is to be beaten; none for no skill.
    pub parent: Option<Digest>,
    /// The suite.
    pub suite: Digest,
    /// Split hash of its holdout.
    pub holdout: Digest,
    /// The score key.
    pub score_key: Digest,
    /// The model's name.
    pub model: String,
    /// The model's weights.
    pub weights: String,
    /// Id of the key that signed it.
    pub runner: Digest,
    /// The user whose token logs it.
    pub publisher: String,
    /// The job for a verifier, if the suite is sealed.
    pub job: Option<NewJob>,
}

/// A result that publishes no version, checked. Its record is in the blob store.
#[derive(Debug, Clone)]
pub struct NewResult {
    /// Its signed statement.
    pub statement: NewStatement,
    /// The record.
    pub record: NewRecord,
    /// The published version that was measured, if it was one: it gets the score.
    pub published: Option<(SkillId, Version)>,
    /// Who measured it, if a verifier did.
    pub verifier: Option<Ending>,
}

/// An attempt of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What everybody sees of it.
    pub entry: Entry,
    /// The skill.
    pub skill: SkillId,
    /// Split hash of the holdout.
    pub holdout: Digest,
    /// The model's weights.
    pub weights: String,
    /// Id of the key that signed it.
    pub runner: Digest,
    /// The recorded scores of the head when it was logged.
    pub recorded: Option<Pooled>,
}

#[derive(FromRow)]
struct Row {
    stmt: String,
    leaf: i64,
    skill: String,
    version: String,
    tree: String,
    parent: Option<String>,
    suite: String,
    holdout: String,
    score_key: String,
    model: String,
    weights: String,
    runner: String,
    failed: i64,
    recorded_sum: i64,
    recorded_runs: i64,
    verdict: Option<String>,
    record: Option<String>,
    delta: Option<i64>,
    created_at: i64,
}

impl Store {
    /// An attempt by the digest of its envelope.
    pub async fn attempt(&self, stmt: &Digest) -> Result<Option<Attempt>, Error> {
        let row: Option<Row> = sqlx::query_as(
            "select stmt, leaf, skill, version, tree, parent, suite, holdout, score_key, model, weights, runner, failed, \
             recorded_sum, recorded_runs, verdict, record, delta, created_at from attempts where stmt = $1",
        )
        .bind(stmt.to_string())
        .fetch_optional(&self.read)
        .await?;
        row.map(attempt).transpose()
    }

    /// The newest attempts of a skill, newest first.
    pub async fn attempts(&self, id: &SkillId) -> Result<Vec<Entry>, Error> {
        let rows: Vec<Row> = sqlx::query_as(
            "select stmt, leaf, skill, version, tree, parent, suite, holdout, score_key, model, weights, runner, failed, \
             recorded_sum, recorded_runs, verdict, record, delta, created_at from attempts \
             where skill = $1 order by leaf desc limit $2",
        )
        .bind(id.to_string())
        .bind(MAX_LISTED)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(|row| attempt(row).map(|attempt| attempt.entry)).collect()
    }

    /// The newest attempts with a suite, newest first.
    pub async fn attempts_with(&self, suite: &Digest) -> Result<Vec<Entry>, Error> {
        let rows: Vec<Row> = sqlx::query_as(
            "select stmt, leaf, skill, version, tree, parent, suite, holdout, score_key, model, weights, runner, failed, \
             recorded_sum, recorded_runs, verdict, record, delta, created_at from attempts \
             where suite = $1 order by leaf desc limit $2",
        )
        .bind(suite.to_string())
        .bind(MAX_LISTED)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(|row| attempt(row).map(|attempt| attempt.entry)).collect()
    }
}

fn attempt(row: Row) -> Result<Attempt, Error> {
    let digest = |column: &str, text: &str| stored(&format!("attempts.{column}"), text);
    Ok(Attempt {
        skill: stored("attempts.skill", &row.skill)?,
        holdout: digest("holdout", &row.holdout)?,
        weights: row.weights,
        runner: digest("runner", &row.runner)?,
        recorded: (row.recorded_runs > 0)
            .then(|| Pooled { sum: count(row.recorded_sum), runs: count(row.recorded_runs) }),
        entry: Entry {
            attempt: digest("stmt", &row.stmt)?,
            log: count(row.leaf),
            version: stored("attempts.version", &row.version)?,
            tree: digest("tree", &row.tree)?,
            parent: row.parent.map(|text| digest("parent", &text)).transpose()?,
            suite: digest("suite", &row.suite)?,
            score_key: digest("score_key", &row.score_key)?,
            model: row.model,
            created: clock::timestamp(row.created_at),
            failed: u32::try_from(row.failed).unwrap_or(u32::MAX),
            verdict: row.verdict,
            record: row.record.map(|text| digest("record", &text)).transpose()?,
            delta: row.delta,
        },
    })
}

/// Writes an attempt; answers its leaf. Decides here, where nobody else writes, what its verdict will depend on. Fails with `E_HEAD_MOVED`
/// if the head is another one than the attempt says.
pub(super) async fn put(
    tx: &mut Transaction<'static, Any>,
    leaf: u64,
    attempt: &NewAttempt,
    now: i64,
) -> Result<u64, Error> {
    if let Some(leaf) = leaf_of(tx, &attempt.statement.stmt).await? {
        return Ok(leaf);
    }
    let lineage = check_head(tx, attempt).await?;
    let failed = failed(tx, attempt, &lineage).await?;
    let recorded = match &attempt.parent {
        Some(tree) => score::pooled(tx, Some(tree), &attempt.score_key).await?,
        None => Recorded { sum: 0, runs: 0 },
    };
    append(tx, leaf, &attempt.statement, now).await?;
    sqlx::query(
        "insert into attempts (stmt, leaf, skill, version, tree, parent, suite, holdout, score_key, model, weights, lineage, runner, \
         publisher, failed, recorded_sum, recorded_runs, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
         $13, $14, $15, $16, $17, $18)",
    )
    .bind(attempt.statement.stmt.to_string())
    .bind(bigint(leaf))
    .bind(attempt.skill.to_string())
    .bind(attempt.version.to_string())
    .bind(attempt.tree.to_string())
    .bind(attempt.parent.map(|tree| tree.to_string()))
    .bind(attempt.suite.to_string())
    .bind(attempt.holdout.to_string())
    .bind(attempt.score_key.to_string())
    .bind(&attempt.model)
    .bind(&attempt.weights)
    .bind(lineage)
    .bind(attempt.runner.to_string())
    .bind(&attempt.publisher)
    .bind(failed)
    .bind(bigint(recorded.sum))
    .bind(bigint(recorded.runs))
    .bind(now)
    .execute(&mut **tx)
    .await?;
    if let Some(new) = &attempt.job {
        job::put(tx, &attempt.statement.stmt, new, now).await?;
    }
    Ok(leaf)
}

/// Whether the attempt is about the head as it is; answers the lineage. Without a parent there must be no measured head, or the tree must be
/// one that is published already and is only measured.
async fn check_head(tx: &mut Transaction<'static, Any>, attempt: &NewAttempt) -> Result<String, Error> {
    let head: Option<(String, String, Option<String>, String)> = sqlx::query_as(
        "select v.version, v.tree, v.suite, v.lineage from versions v join skills s on s.id = v.skill \
         and s.latest = v.version where s.id = $1",
    )
    .bind(attempt.skill.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    let own = format!("{}@{}", attempt.skill, attempt.version);
    let moved = |detail: String| Err(Fault::new(codes::HEAD_MOVED).at(attempt.skill.to_string()).detail(detail).into());
    match (&attempt.parent, head) {
        (None, None) => Ok(own),
        (Some(_), None) => moved("it has no installable version".to_owned()),
        (Some(parent), Some((version, tree, _, lineage))) => {
            if parent.to_string() == tree {
                Ok(lineage_of(lineage, &attempt.skill, &version))
            } else {
                moved(format!("latest is {version}"))
            }
        }
        (None, Some((version, _, suite, lineage))) => {
            let published: i64 = sqlx::query_scalar("select count(*) from versions where skill = $1 and tree = $2")
                .bind(attempt.skill.to_string())
                .bind(attempt.tree.to_string())
                .fetch_one(&mut **tx)
                .await?;
            if suite.is_none() || published > 0 {
                return Ok(lineage_of(lineage, &attempt.skill, &version));
            }
            moved(format!("latest is {version}, which has a score"))
        }
    }
}

/// The lineage of a version; one that was published before lineages were kept begins its own.
pub(super) fn lineage_of(stored: String, id: &SkillId, version: &str) -> String {
    if stored.is_empty() { format!("{id}@{version}") } else { stored }
}

/// Attempts on this holdout, lineage and model that were not accepted, since the last one that was.
async fn failed(tx: &mut Transaction<'static, Any>, attempt: &NewAttempt, lineage: &str) -> Result<i64, Error> {
    // No attempt can be a reason against an improvement that measures what is published already.
    if attempt.parent.is_none() {
        return Ok(0);
    }
    let accepted: i64 = sqlx::query_scalar(
        "select coalesce(max(leaf), -1) from attempts where holdout = $1 and lineage = $2 and weights = $3 and verdict = 'accept' \
         and parent is not null",
    )
    .bind(attempt.holdout.to_string())
    .bind(lineage)
    .bind(&attempt.weights)
    .fetch_one(&mut **tx)
    .await?;
    Ok(sqlx::query_scalar(
        "select count(*) from attempts where holdout = $1 and lineage = $2 and weights = $3 and parent is not null \
         and leaf > $4 and (verdict is null or verdict not in ('accept', 'maintenance'))",
    )
    .bind(attempt.holdout.to_string())
    .bind(lineage)
    .bind(&attempt.weights)
    .bind(accepted)
    .fetch_one(&mut **tx)
    .await?)
}

/// Ends an attempt with its record. Fails with `E_ATTEMPT_USED` if it has a result.
pub(super) async fn finish(tx: &mut Transaction<'static, Any>, record: &NewRecord, now: i64) -> Result<(), Error> {
    let ended =
        sqlx::query("update attempts set verdict = $1, record = $2, delta = $3 where stmt = $4 and verdict is null")
            .bind(record.verdict)
            .bind(record.digest.to_string())
            .bind(record.delta)
            .bind(record.attempt.to_string())
            .execute(&mut **tx)
            .await?;
    if ended.rows_affected() == 0 {
        return Err(Fault::new(codes::ATTEMPT_USED).at(record.attempt.to_string()).into());
    }
    score::put(tx, record, now).await
}

/// Ends an attempt without publishing a version; answers its leaf, and the skill's index if a published version got its score.
pub(super) async fn end(
    tx: &mut Transaction<'static, Any>,
    leaf: u64,
    result: &NewResult,
    now: i64,
) -> Result<(u64, Option<IndexFile>), Error> {
    if let Some(leaf) = leaf_of(tx, &result.statement.stmt).await? {
        return Ok((leaf, None));
    }
    finish(tx, &result.record, now).await?;
    append(tx, leaf, &result.statement, now).await?;
    if let Some(ending) = &result.verifier {
        let ended = (&result.statement.stmt, &result.record.attempt, &result.record.digest);
        verification::end(tx, leaf, ended, ending, now).await?;
    }
    let Some((id, version)) = &result.published else { return Ok((leaf, None)) };
    let score = score::with_uplift(tx, &result.record).await?;
    let file = set_score(tx, (id, version), &score, now).await?;
    let lift = lift::of(tx, &result.record.digest, &result.record.score_key).await?;
    sqlx::query("update versions set suite = $1, record = $2, lift = $5 where skill = $3 and version = $4")
        .bind(result.record.suite.to_string())
        .bind(result.record.digest.to_string())
        .bind(id.to_string())
        .bind(version.to_string())
        .bind(lift.as_ref().map(json).transpose()?)
        .execute(&mut **tx)
        .await?;
    Ok((leaf, Some(file)))
}

/// What another verifier found when it measured an attempt again: answers the leaf, and the skill's index, which says how far its score can
/// be believed now.
pub(super) async fn again(
    tx: &mut Transaction<'static, Any>,
    leaf: u64,
    (result, ending): (&NewResult, &Ending),
    now: i64,
) -> Result<(u64, Option<IndexFile>), Error> {
    if let Some(leaf) = leaf_of(tx, &result.statement.stmt).await? {
        return Ok((leaf, None));
    }
    append(tx, leaf, &result.statement, now).await?;
    let attempt = &result.record.attempt;
    verification::end(tx, leaf, (&result.statement.stmt, attempt, &result.record.digest), ending, now).await?;
    score::put(tx, &result.record, now).await?;
    let Some((id, version)) = verification::version_of(tx, attempt).await? else { return Ok((leaf, None)) };
    let trust = verification::trust(tx, attempt).await?;
    let Some(mut score) = score::of_version(tx, &id, &version).await? else { return Ok((leaf, None)) };
    trust.clone_into(&mut score.trust);
    set_score(tx, (&id, &version), &score, now).await.map(|file| (leaf, Some(file)))
}

/// Writes the score of a published version, into its row and the skill's index.
async fn set_score(
    tx: &mut Transaction<'static, Any>,
    (id, version): (&SkillId, &Version),
    score: &Score,
    now: i64,
) -> Result<IndexFile, Error> {
    let before = index::load(tx, id).await?.ok_or_else(|| Fault::new(codes::NOT_FOUND).at(id.to_string()))?;
    let mut index = before.parse()?;
    let Some(line) = index.lines.iter_mut().find(|line| line.vers == *version) else {
        return Err(Fault::new(codes::NOT_FOUND).at(format!("{id}@{version}")).into());
    };
    // The leaf numbers of an index are those of the scope's chain, in which this stands nowhere.
    line.score = Some(score.clone());
    index.header.tags.best = best(&index.lines).cloned();
    let file = IndexFile::new(&index, before.revision + 1);
    index::save(tx, id, &file, &index, now).await?;
    sqlx::query("update versions set score = $1 where skill = $2 and version = $3")
        .bind(json(score)?)
        .bind(id.to_string())
        .bind(version.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(file)
}
