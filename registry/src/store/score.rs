//! What records say of trees: the scores that the next one has to reach.

use skill_engine::gate::Recorded;
use skill_schema::{Digest, SkillId, Version, index::Score};
use sqlx::{Any, Transaction};

use super::{
    Store, attempt, bigint, count, json,
    lift::{self, CaseMean},
    publish::NewRelease,
    stored, stored_json,
};
use crate::error::Error;

/// A record that was checked, with its two sides. Record and transcripts are blobs.
#[derive(Debug, Clone)]
pub struct NewRecord {
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// SHA-256 of its transcripts.
    pub transcripts: Option<Digest>,
    /// The attempt that it ends.
    pub attempt: Digest,
    /// `accept`, `maintenance`, `reject` or `invalid`.
    pub verdict: &'static str,
    /// The gain, per mille; none where nothing was measured.
    pub delta: Option<i64>,
    /// The score key.
    pub score_key: Digest,
    /// The suite.
    pub suite: Digest,
    /// The sides.
    pub sides: Vec<Side>,
    /// Tokens of a run of the candidate, on average.
    pub tokens: u64,
    /// The candidate's score as the index shows it, without what depends on other records.
    pub score: Score,
}

/// A result of a verifier that a version is published with.
#[derive(Debug, Clone, Copy)]
pub struct VerifiedRecord {
    /// SHA-256 of the record.
    pub record: Digest,
    /// Its score key.
    pub score_key: Digest,
}

/// What a record says of one side.
#[derive(Debug, Clone)]
pub struct Side {
    /// `base` or `cand`.
    pub arm: &'static str,
    /// Its tree; none for no skill.
    pub tree: Option<Digest>,
    /// What was scored.
    pub recorded: Recorded,
    /// Its complete cases.
    pub cases: Vec<CaseMean>,
}

/// A version with what was measured of it.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The version.
    pub version: Version,
    /// Its tree digest.
    pub tree: Digest,
    /// The suite that measured it.
    pub suite: Option<Digest>,
    /// Its score.
    pub score: Option<Score>,
}

impl Store {
    /// The version that `latest` names, with its score.
    pub async fn measured_head(&self, id: &SkillId) -> Result<Option<Measured>, Error> {
        let row: Option<(String, String, Option<String>, Option<String>)> = sqlx::query_as(
            "select v.version, v.tree, v.suite, v.score from versions v join skills s on s.id = v.skill \
             and s.latest = v.version where s.id = $1",
        )
        .bind(id.to_string())
        .fetch_optional(&self.read)
        .await?;
        row.map(|(version, tree, suite, score)| {
            Ok(Measured {
                version: stored("versions.version", &version)?,
                tree: stored("versions.tree", &tree)?,
                suite: suite.map(|text| stored("versions.suite", &text)).transpose()?,
                score: score.map(|text| stored_json("versions.score", &text)).transpose()?,
            })
        })
        .transpose()
    }

    /// Whether a record measured this tree with this suite.
    pub async fn is_measured(&self, tree: &Digest, suite: &Digest) -> Result<bool, Error> {
        let found: i64 = sqlx::query_scalar("select count(*) from scores where tree = $1 and suite = $2")
            .bind(tree.to_string())
            .bind(suite.to_string())
            .fetch_one(&self.read)
            .await?;
        Ok(found > 0)
    }
}

/// All recorded scores of a tree (none for no skill) under a score key, put together.
pub(super) async fn pooled(
    tx: &mut Transaction<'static, Any>,
    tree: Option<&Digest>,
    score_key: &Digest,
) -> Result<Recorded, Error> {
    let (sum, runs): (i64, i64) = sqlx::query_as(
        "select cast(coalesce(sum(sum), 0) as bigint), cast(coalesce(sum(runs), 0) as bigint) from scores \
         where tree = $1 and score_key = $2",
    )
    .bind(tree.map(Digest::to_string).unwrap_or_default())
    .bind(score_key.to_string())
    .fetch_one(&mut **tx)
    .await?;
    Ok(Recorded { sum: count(sum), runs: count(runs) })
}

/// Writes a record and its sides.
pub(super) async fn put(tx: &mut Transaction<'static, Any>, record: &NewRecord, now: i64) -> Result<(), Error> {
    sqlx::query("insert into records (digest, attempt, transcripts, created_at, tokens) values ($1, $2, $3, $4, $5)")
        .bind(record.digest.to_string())
        .bind(record.attempt.to_string())
        .bind(record.transcripts.map(|digest| digest.to_string()))
        .bind(now)
        .bind(bigint(record.tokens))
        .execute(&mut **tx)
        .await?;
    for Side { arm, tree, recorded, cases } in &record.sides {
        sqlx::query(
            "insert into scores (record, arm, tree, score_key, suite, sum, runs, cases) \
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(record.digest.to_string())
        .bind(*arm)
        .bind(tree.map(|tree| tree.to_string()).unwrap_or_default())
        .bind(record.score_key.to_string())
        .bind(record.suite.to_string())
        .bind(bigint(recorded.sum))
        .bind(bigint(recorded.runs))
        .bind(json(cases)?)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// The candidate's score with its gain over no skill, where no skill was measured under the same score key.
pub(super) async fn with_uplift(tx: &mut Transaction<'static, Any>, record: &NewRecord) -> Result<Score, Error> {
    uplift(tx, &record.score_key, record.score.clone()).await
}

async fn uplift(tx: &mut Transaction<'static, Any>, score_key: &Digest, score: Score) -> Result<Score, Error> {
    let none = pooled(tx, None, score_key).await?;
    let uplift = (none.runs > 0).then(|| {
        // Rounded half up: a number for people, which no rule depends on.
        let mean = (none.sum * 2 + none.runs) / (none.runs * 2);
        score.mean - i64::try_from(mean).unwrap_or(0)
    });
    Ok(Score { uplift, ..score })
}

/// The score of a published version.
pub(super) async fn of_version(
    tx: &mut Transaction<'static, Any>,
    id: &SkillId,
    version: &Version,
) -> Result<Option<Score>, Error> {
    let text: Option<Option<String>> =
        sqlx::query_scalar("select score from versions where skill = $1 and version = $2")
            .bind(id.to_string())
            .bind(version.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    text.flatten().map(|text| stored_json("versions.score", &text)).transpose()
}

/// Ends the attempt of a measured release, and answers the score that the index shows.
pub(super) async fn of_release(
    tx: &mut Transaction<'static, Any>,
    release: &NewRelease,
    now: i64,
) -> Result<Option<Score>, Error> {
    if let Some((record, score)) = &release.verified {
        return match &release.inherited {
            Some(score) => Ok(Some(score.clone())),
            None => uplift(tx, &record.score_key, score.clone()).await.map(Some),
        };
    }
    let Some(record) = &release.record else { return Ok(release.inherited.clone()) };
    attempt::finish(tx, record, now).await?;
    match &release.inherited {
        Some(score) => Ok(Some(score.clone())),
        None => with_uplift(tx, record).await.map(Some),
    }
}

/// Writes what was measured of a version, and where its lineage begins.
pub(super) async fn set_of_release(
    tx: &mut Transaction<'static, Any>,
    release: &NewRelease,
    score: Option<&Score>,
) -> Result<(), Error> {
    let own = release.version.to_string();
    let lineage = match release.parent.as_deref().and_then(|parent| parent.split_once('@')) {
        None => attempt::lineage_of(String::new(), &release.id, &own),
        Some((id, version)) => {
            let of_parent: Option<String> =
                sqlx::query_scalar("select lineage from versions where skill = $1 and version = $2")
                    .bind(id)
                    .bind(version)
                    .fetch_optional(&mut **tx)
                    .await?;
            match of_parent {
                Some(lineage) if !lineage.is_empty() => lineage,
                _ => format!("{id}@{version}"),
            }
        }
    };
    let measured = match (&release.record, &release.verified) {
        (Some(record), _) => Some((record.digest, record.score_key)),
        (None, verified) => verified.as_ref().map(|(verified, _)| (verified.record, verified.score_key)),
    };
    let lift = match (&release.inherited, &measured) {
        (Some(score), _) => lift::taken_over(tx, &release.id, score).await?,
        (None, Some((record, score_key))) => lift::of(tx, record, score_key).await?,
        (None, None) => None,
    };
    sqlx::query(
        "update versions set suite = $1, record = $2, score = $3, lineage = $4, lift = $7, tried = $8 \
         where skill = $5 and version = $6",
    )
    .bind(release.suite.map(|suite| suite.to_string()))
    .bind(measured.map(|(record, _)| record.to_string()))
    .bind(score.map(json).transpose()?)
    .bind(lineage)
    .bind(release.id.to_string())
    .bind(own)
    .bind(lift.as_ref().map(json).transpose()?)
    .bind(release.tried.map(|tried| tried.to_string()))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
