//! Which version stands for a skill where skills are ranked, and the leaderboard made of them.

use skill_schema::{
    Digest, SkillId,
    api::leaderboard::{self, Entry, Group, Lift, Sort, SuiteName},
    index::{Index, Score},
};
use sqlx::{Any, FromRow, Transaction};

use super::{Store, bigint, count, json, stored, stored_json};
use crate::{clock, error::Error};

/// Groups of a leaderboard by mean at the most: the largest.
const MAX_GROUPS: i64 = 20;

/// What an entry shows, and of which version: everything that ranks and is measured with the model `$1`, if one is named.
macro_rules! entries {
    () => {
        "select b.skill, b.version, b.score, v.description, v.published_at, v.lift, r.tokens, a.model, \
         s.scope || '/' || s.name as suite_id, s.version as suite_version \
         from board b join versions v on v.skill = b.skill and v.version = b.version \
         left join records r on r.digest = v.record left join attempts a on a.stmt = r.attempt \
         left join suites s on s.digest = v.suite where ($1 = '' or a.model = $1) "
    };
}

#[derive(FromRow)]
struct Row {
    skill: String,
    version: String,
    score: String,
    description: String,
    published_at: i64,
    lift: Option<String>,
    tokens: Option<i64>,
    model: Option<String>,
    suite_id: Option<String>,
    suite_version: Option<String>,
}

impl Store {
    /// Skills by their gain over no skill: one group.
    pub async fn board_by_uplift(&self, model: Option<&str>, limit: u64) -> Result<Vec<Group>, Error> {
        let rows: Vec<Row> = sqlx::query_as(concat!(
            entries!(),
            "and b.uplift is not null order by b.class, b.uplift desc, b.skill limit $2"
        ))
        .bind(model.unwrap_or_default())
        .bind(bigint(limit))
        .fetch_all(&self.read)
        .await?;
        Ok(vec![group(None, rows, Sort::Uplift)?])
    }

    /// Skills by their means, in groups of one score key each, the largest group first.
    pub async fn board_by_mean(&self, model: Option<&str>, limit: u64) -> Result<Vec<Group>, Error> {
        let keys: Vec<String> = sqlx::query_scalar(
            "select b.score_key from board b join versions v on v.skill = b.skill and v.version = b.version \
             left join records r on r.digest = v.record left join attempts a on a.stmt = r.attempt \
             where ($1 = '' or a.model = $1) group by b.score_key order by count(*) desc, b.score_key limit $2",
        )
        .bind(model.unwrap_or_default())
        .bind(MAX_GROUPS)
        .fetch_all(&self.read)
        .await?;
        let mut groups = Vec::new();
        for key in keys {
            let rows: Vec<Row> = sqlx::query_as(concat!(
                entries!(),
                "and b.score_key = $2 order by b.class, b.mean desc, b.skill limit $3"
            ))
            .bind(model.unwrap_or_default())
            .bind(&key)
            .bind(bigint(limit))
            .fetch_all(&self.read)
            .await?;
            groups.push(group(Some(stored("board.score_key", &key)?), rows, Sort::Mean)?);
        }
        Ok(groups)
    }
}

fn group(score_key: Option<Digest>, rows: Vec<Row>, sort: Sort) -> Result<Group, Error> {
    let mut items: Vec<Entry> = rows.into_iter().map(entry).collect::<Result<_, _>>()?;
    let verified = |entry: &Entry| leaderboard::class(&entry.score.trust) == Some(0);
    let intervals: Vec<_> = items
        .iter()
        .map(|entry| match sort {
            Sort::Mean => (verified(entry), entry.score.lo, entry.score.hi),
            Sort::Uplift => {
                let lift = entry.lift;
                (verified(entry) && entry.proven, lift.and_then(|lift| lift.lo), lift.and_then(|lift| lift.hi))
            }
        })
        .collect();
    for (entry, rank) in items.iter_mut().zip(leaderboard::ranks(&intervals)) {
        entry.rank = rank;
    }
    Ok(Group { score_key, items })
}

fn entry(row: Row) -> Result<Entry, Error> {
    let score: Score = stored_json("board.score", &row.score)?;
    let lift: Option<Lift> = row.lift.map(|text| stored_json("versions.lift", &text)).transpose()?;
    let suite = match (row.suite_id, row.suite_version) {
        (Some(id), Some(version)) => {
            Some(SuiteName { id: stored("suites.name", &id)?, version: stored("suites.version", &version)? })
        }
        _ => None,
    };
    Ok(Entry {
        rank: None,
        id: stored("board.skill", &row.skill)?,
        version: stored("board.version", &row.version)?,
        description: row.description,
        gain: leaderboard::gain(&score),
        proven: lift.is_some_and(|lift| lift.is_proven()),
        score,
        lift,
        tokens: row.tokens.map(count),
        model: row.model,
        suite,
        published: clock::timestamp(row.published_at),
    })
}

/// Writes which version stands for a skill, after its index.
pub(super) async fn put(tx: &mut Transaction<'static, Any>, id: &SkillId, index: &Index) -> Result<(), Error> {
    sqlx::query("delete from board where skill = $1").bind(id.to_string()).execute(&mut **tx).await?;
    let best = index.header.tags.best.as_ref().and_then(|version| index.line(version));
    let Some((line, score)) = best.and_then(|line| Some((line, line.score.as_ref()?))) else { return Ok(()) };
    let Some(class) = leaderboard::class(&score.trust) else { return Ok(()) };
    sqlx::query(
        "insert into board (skill, version, class, score_key, mean, uplift, score) values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id.to_string())
    .bind(line.vers.to_string())
    .bind(i64::from(class))
    .bind(score.key.to_string())
    .bind(score.mean)
    .bind(score.uplift)
    .bind(json(score)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use skill_bundle::hash::sha256;
    use skill_schema::{Digest, index::Score};

    use super::super::fixture::{self, Db};

    async fn publish(db: &Db, id: &str, version: &str, score: Score) {
        let mut release = db.new_release(id, version).await;
        release.inherited = Some(score);
        db.publish(&release).await.unwrap();
    }

    fn score(key: &str, mean: i64, uplift: Option<i64>, trust: &str) -> Score {
        let key: Digest = sha256(key.as_bytes());
        Score { key, n: 10, k: 3, mean, lo: Some(mean - 50), hi: Some(mean + 50), uplift, trust: trust.to_owned() }
    }

    #[tokio::test]
    async fn verified_scores_come_first_and_refuted_ones_nowhere() {
        for db in fixture::all().await {
            db.scope("acme").await;
            publish(&db, "acme/claims", "1.0.0", score("k", 990, Some(900), "claimed")).await;
            publish(&db, "acme/proves", "1.0.0", score("k", 700, Some(300), "verified")).await;
            publish(&db, "acme/twice", "1.0.0", score("k", 400, Some(100), "verified ×2")).await;
            publish(&db, "acme/refuted", "1.0.0", score("k", 999, Some(999), "refuted")).await;
            publish(&db, "acme/stale", "1.0.0", score("k", 999, Some(999), "stale")).await;
            let groups = db.store.board_by_mean(None, 20).await.unwrap();
            let found: Vec<_> = groups[0].items.iter().map(|e| (e.id.to_string(), e.rank)).collect();
            let wanted = [("acme/proves", Some(1)), ("acme/twice", Some(2)), ("acme/claims", None)];
            assert_eq!(found, wanted.map(|(id, rank)| (id.to_owned(), rank)), "{}", db.name);
            let groups = db.store.board_by_uplift(None, 2).await.unwrap();
            assert_eq!(groups[0].items.len(), 2);
            assert_eq!(groups[0].items[0].gain, Some(500));
            assert!(groups[0].items.iter().all(|e| !e.proven && e.rank.is_none()), "no interval, no rank by uplift");
        }
    }

    #[tokio::test]
    async fn means_are_compared_under_one_score_key_only() {
        for db in fixture::all().await {
            db.scope("acme").await;
            publish(&db, "acme/a", "1.0.0", score("one", 900, None, "claimed")).await;
            publish(&db, "acme/b", "1.0.0", score("two", 100, None, "claimed")).await;
            publish(&db, "acme/c", "1.0.0", score("two", 200, None, "claimed")).await;
            let groups = db.store.board_by_mean(None, 20).await.unwrap();
            let ids: Vec<Vec<String>> =
                groups.iter().map(|g| g.items.iter().map(|e| e.id.to_string()).collect()).collect();
            assert_eq!(ids, [vec!["acme/c", "acme/b"], vec!["acme/a"]], "{}", db.name);
            assert!(db.store.board_by_uplift(None, 20).await.unwrap()[0].items.is_empty(), "no gain is known");
            assert!(db.store.board_by_mean(Some("other"), 20).await.unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn a_skill_is_there_once_with_its_best_version_and_leaves_when_that_is_yanked() {
        for db in fixture::all().await {
            db.scope("acme").await;
            publish(&db, "acme/a", "1.0.0", score("k", 500, Some(1), "claimed")).await;
            publish(&db, "acme/a", "1.1.0", score("k", 900, Some(2), "claimed")).await;
            let shown = |groups: Vec<skill_schema::api::leaderboard::Group>| {
                groups.iter().flat_map(|g| &g.items).map(|e| e.version.to_string()).collect::<Vec<_>>()
            };
            assert_eq!(shown(db.store.board_by_uplift(None, 20).await.unwrap()), ["1.1.0"], "{}", db.name);
            db.yank("acme/a", "1.1.0").await.unwrap();
            assert_eq!(shown(db.store.board_by_uplift(None, 20).await.unwrap()), ["1.0.0"]);
            db.yank("acme/a", "1.0.0").await.unwrap();
            assert!(shown(db.store.board_by_uplift(None, 20).await.unwrap()).is_empty());
        }
    }
}
