//! Full-text search: FTS5 on SQLite, `tsvector` on PostgreSQL. A name counts more than keywords, keywords more than the description,
//! and that more than the readme. Words are not stemmed but matched by their beginnings, which both databases do alike.

use skill_schema::{
    SkillId,
    api::search::{Best, Hit, Response, Sort},
};
use sqlx::{Any, Transaction};

use super::{Store, bigint, count, dialect::Dialect, stored, stored_json};
use crate::{clock, error::Error};

/// Words of a query that are looked at.
const MAX_WORDS: usize = 16;
/// Characters of a readme that can be found: its beginning says what a skill is about.
const MAX_README: usize = 8 * 1024;

/// What a hit shows, in the order of [`Row`].
macro_rules! columns {
    () => {
        "select s.id, v.version, v.description, v.license, v.keywords, s.downloads, v.published_at, \
         b.version, b.score "
    };
}
/// Everything that has an installable version.
macro_rules! everything {
    () => {
        "from skills s join versions v on v.skill = s.id and v.version = s.latest left join board b on b.skill = s.id "
    };
}
/// What matches `$1` on SQLite.
macro_rules! sqlite {
    () => {
        "from skill_search f join skills s on s.number = f.rowid \
         join versions v on v.skill = s.id and v.version = s.latest left join board b on b.skill = s.id \
         where skill_search match $1 "
    };
}
/// What matches `$1` on PostgreSQL.
macro_rules! postgres {
    () => {
        "from skill_search f join skills s on s.number = f.number \
         join versions v on v.skill = s.id and v.version = s.latest left join board b on b.skill = s.id \
         where f.words @@ to_tsquery('simple', $1) "
    };
}
macro_rules! recent {
    () => {
        "order by v.published_at desc, s.id "
    };
}
macro_rules! uplift {
    () => {
        "order by b.uplift is null, b.class, b.uplift desc, s.id "
    };
}
/// Means are in order within one score key only.
macro_rules! score {
    () => {
        "order by b.score_key is null, b.score_key, b.class, b.mean desc, s.id "
    };
}
macro_rules! installs {
    () => {
        "order by s.downloads desc, s.id "
    };
}

const SQLITE_CREATE: &[&str] = &["create virtual table if not exists skill_search using fts5 \
     (name, keywords, description, readme, tokenize = 'unicode61')"];
const POSTGRES_CREATE: &[&str] = &[
    "create table if not exists skill_search (number bigint primary key, words tsvector not null)",
    "create index if not exists skill_search_words on skill_search using gin (words)",
];
const SQLITE_DELETE: &str = "delete from skill_search where rowid = (select number from skills where id = $1)";
const POSTGRES_DELETE: &str = "delete from skill_search where number = (select number from skills where id = $1)";
const SQLITE_PUT: &str = "insert or replace into skill_search (rowid, name, keywords, description, readme) \
     values ((select number from skills where id = $1), $2, $3, $4, $5)";
const POSTGRES_PUT: &str = "insert into skill_search (number, words) values ((select number from skills where id = $1), \
     setweight(to_tsvector('simple', $2), 'A') || setweight(to_tsvector('simple', $3), 'B') || \
     setweight(to_tsvector('simple', $4), 'C') || setweight(to_tsvector('simple', $5), 'D')) \
     on conflict (number) do update set words = excluded.words";
const SQLITE_RANK: &str =
    concat!(columns!(), sqlite!(), "order by bm25(skill_search, 10.0, 5.0, 3.0, 1.0), s.id limit $2 offset $3");
const POSTGRES_RANK: &str = concat!(
    columns!(),
    postgres!(),
    "order by ts_rank_cd('{0.1, 0.3, 0.5, 1.0}', f.words, to_tsquery('simple', $1)) desc, s.id limit $2 offset $3"
);

impl Store {
    /// Creates what the search needs, if it is missing.
    pub(super) async fn prepare_search(&self) -> Result<(), Error> {
        let statements = match self.dialect {
            Dialect::Sqlite => SQLITE_CREATE,
            Dialect::Postgres => POSTGRES_CREATE,
        };
        for statement in statements {
            sqlx::query(*statement).execute(&self.write).await?;
        }
        Ok(())
    }

    /// Skills that have an installable version and match every word of the query, the ends of words left open. An empty query
    /// matches all of them.
    pub async fn search(&self, query: &str, sort: Sort, limit: u64, offset: u64) -> Result<Response, Error> {
        let words = words(query);
        let (total, rows) = if words.is_empty() {
            self.list(sort, limit, offset).await?
        } else {
            self.find(&words, sort, limit, offset).await?
        };
        Ok(Response { total: count(total), items: rows.into_iter().map(hit).collect::<Result<_, _>>()? })
    }

    async fn list(&self, sort: Sort, limit: u64, offset: u64) -> Result<(i64, Vec<Row>), Error> {
        let total = sqlx::query_scalar(concat!("select count(*) ", everything!())).fetch_one(&self.read).await?;
        let page = match sort {
            Sort::Installs => concat!(columns!(), everything!(), installs!(), "limit $1 offset $2"),
            Sort::Uplift => concat!(columns!(), everything!(), uplift!(), "limit $1 offset $2"),
            Sort::Score => concat!(columns!(), everything!(), score!(), "limit $1 offset $2"),
            Sort::Relevance | Sort::Recent => concat!(columns!(), everything!(), recent!(), "limit $1 offset $2"),
        };
        let rows = sqlx::query_as(page).bind(bigint(limit)).bind(bigint(offset)).fetch_all(&self.read).await?;
        Ok((total, rows))
    }

    async fn find(&self, words: &[String], sort: Sort, limit: u64, offset: u64) -> Result<(i64, Vec<Row>), Error> {
        let (pattern, total) = match self.dialect {
            Dialect::Sqlite => (join(words, "\"", "\"*", " "), concat!("select count(*) ", sqlite!())),
            Dialect::Postgres => (join(words, "", ":*", " & "), concat!("select count(*) ", postgres!())),
        };
        let page = match (self.dialect, sort) {
            (Dialect::Sqlite, Sort::Relevance) => SQLITE_RANK,
            (Dialect::Sqlite, Sort::Recent) => concat!(columns!(), sqlite!(), recent!(), "limit $2 offset $3"),
            (Dialect::Sqlite, Sort::Installs) => concat!(columns!(), sqlite!(), installs!(), "limit $2 offset $3"),
            (Dialect::Sqlite, Sort::Uplift) => concat!(columns!(), sqlite!(), uplift!(), "limit $2 offset $3"),
            (Dialect::Sqlite, Sort::Score) => concat!(columns!(), sqlite!(), score!(), "limit $2 offset $3"),
            (Dialect::Postgres, Sort::Relevance) => POSTGRES_RANK,
            (Dialect::Postgres, Sort::Recent) => concat!(columns!(), postgres!(), recent!(), "limit $2 offset $3"),
            (Dialect::Postgres, Sort::Installs) => concat!(columns!(), postgres!(), installs!(), "limit $2 offset $3"),
            (Dialect::Postgres, Sort::Uplift) => concat!(columns!(), postgres!(), uplift!(), "limit $2 offset $3"),
            (Dialect::Postgres, Sort::Score) => concat!(columns!(), postgres!(), score!(), "limit $2 offset $3"),
        };
        let total = sqlx::query_scalar(total).bind(&pattern).fetch_one(&self.read).await?;
        let rows =
            sqlx::query_as(page).bind(&pattern).bind(bigint(limit)).bind(bigint(offset)).fetch_all(&self.read).await?;
        Ok((total, rows))
    }
}

/// What a skill is found by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    /// Of the latest version.
    pub keywords: &'a [String],
    /// Of the latest version.
    pub description: &'a str,
    /// Of the latest version.
    pub readme: &'a str,
}

/// Makes a skill found by these words and its name.
pub(super) async fn put(
    tx: &mut Transaction<'static, Any>,
    dialect: Dialect,
    id: &SkillId,
    words: Words<'_>,
) -> Result<(), Error> {
    let statement = match dialect {
        Dialect::Sqlite => SQLITE_PUT,
        Dialect::Postgres => POSTGRES_PUT,
    };
    sqlx::query(statement)
        .bind(id.to_string())
        .bind(format!("{} {}", id.scope, id.name))
        .bind(words.keywords.join(" "))
        .bind(words.description)
        .bind(words.readme.chars().take(MAX_README).collect::<String>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Makes a skill found by what its latest version says; without one, not at all.
pub(super) async fn refresh(tx: &mut Transaction<'static, Any>, dialect: Dialect, id: &SkillId) -> Result<(), Error> {
    let latest: Option<(String, String, String)> =
        sqlx::query_as(concat!("select v.keywords, v.description, v.readme ", everything!(), "where s.id = $1"))
            .bind(id.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    let Some((keywords, description, readme)) = latest else {
        let delete = match dialect {
            Dialect::Sqlite => SQLITE_DELETE,
            Dialect::Postgres => POSTGRES_DELETE,
        };
        sqlx::query(delete).bind(id.to_string()).execute(&mut **tx).await?;
        return Ok(());
    };
    let keywords: Vec<String> = stored_json("versions.keywords", &keywords)?;
    put(tx, dialect, id, Words { keywords: &keywords, description: &description, readme: &readme }).await
}

/// Id, version, description, licence, keywords, downloads, time of publication, the best version and its score.
type Row = (String, String, String, Option<String>, String, i64, i64, Option<String>, Option<String>);

fn hit(row: Row) -> Result<Hit, Error> {
    let (id, version, description, license, keywords, downloads, published_at, best, score) = row;
    let best = match (best, score) {
        (Some(version), Some(score)) => {
            Some(Best { version: stored("board.version", &version)?, score: stored_json("board.score", &score)? })
        }
        _ => None,
    };
    Ok(Hit {
        id: stored("skills.id", &id)?,
        version: Some(stored("versions.version", &version)?),
        description,
        license,
        keywords: stored_json("versions.keywords", &keywords)?,
        downloads: count(downloads),
        updated: clock::timestamp(published_at),
        best,
    })
}

/// The words of a query: letters and digits only, so nothing in it is an operator of the database's query language.
fn words(query: &str) -> Vec<String> {
    query
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(MAX_WORDS)
        .map(|word| singular(word.to_lowercase()))
        .collect()
}

/// Drops a plural's `s`: what begins with `rule` includes `rules`.
fn singular(mut word: String) -> String {
    if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") {
        word.pop();
    }
    word
}

fn join(words: &[String], before: &str, after: &str, between: &str) -> String {
    words.iter().map(|word| format!("{before}{word}{after}")).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, Db};
    use super::*;

    async fn ids(db: &Db, query: &str, sort: Sort) -> Vec<String> {
        let found = db.store.search(query, sort, 20, 0).await.unwrap();
        assert_eq!(found.total, found.items.len() as u64);
        found.items.into_iter().map(|hit| hit.id.to_string()).collect()
    }

    async fn publish(db: &Db, id: &str, description: &str, keywords: &[&str], readme: &str) {
        let mut release = db.new_release(id, "1.0.0").await;
        release.content.description = description.to_owned();
        release.content.keywords = keywords.iter().map(|&k| k.to_owned()).collect();
        release.content.readme = readme.to_owned();
        db.publish(&release).await.unwrap();
    }

    #[tokio::test]
    async fn a_name_counts_more_than_keywords_those_more_than_the_description_and_the_readme_least() {
        for db in fixture::all().await {
            db.scope("acme").await;
            publish(&db, "acme/four", "other words", &[], "all about security here").await;
            publish(&db, "acme/three", "security words here", &[], "other").await;
            publish(&db, "acme/two", "other words", &["security"], "other").await;
            publish(&db, "acme/security", "other words", &[], "other").await;
            let found = ids(&db, "security", Sort::Relevance).await;
            assert_eq!(found, ["acme/security", "acme/two", "acme/three", "acme/four"], "{}", db.name);
        }
    }

    #[tokio::test]
    async fn words_match_by_their_beginning_and_all_of_them() {
        for db in fixture::all().await {
            db.scope("acme").await;
            publish(&db, "acme/codeguard", "Secure coding rules", &["review"], "").await;
            publish(&db, "acme/notes", "Takes notes while coding", &[], "").await;
            assert_eq!(ids(&db, "codeg", Sort::Relevance).await, ["acme/codeguard"], "{}", db.name);
            assert_eq!(ids(&db, "codi sec", Sort::Relevance).await, ["acme/codeguard"]);
            assert_eq!(ids(&db, "acme", Sort::Recent).await.len(), 2);
            assert_eq!(ids(&db, "rule note", Sort::Relevance).await.len(), 0);
            assert_eq!(ids(&db, "Rules Reviews", Sort::Relevance).await, ["acme/codeguard"]);
            assert!(ids(&db, "nothing", Sort::Relevance).await.is_empty());
            assert_eq!(ids(&db, "", Sort::Relevance).await.len(), 2);
        }
    }

    #[tokio::test]
    async fn operators_of_the_query_language_are_only_words() {
        for db in fixture::all().await {
            db.scope("acme").await;
            publish(&db, "acme/notes", "Takes notes", &[], "").await;
            for query in [
                "\"notes",
                "notes* OR",
                "notes'; drop table skills; --",
                "a:b & !c | (d",
                "NEAR(notes, 2)",
                "\u{0}notes",
            ] {
                db.store.search(query, Sort::Relevance, 20, 0).await.unwrap();
            }
            assert_eq!(ids(&db, "*notes\"", Sort::Relevance).await, ["acme/notes"], "{}", db.name);
        }
    }

    #[tokio::test]
    async fn pages_do_not_overlap_and_know_the_total() {
        for db in fixture::all().await {
            db.scope("acme").await;
            for n in 0..5 {
                db.release(&format!("acme/s{n}"), "1.0.0").await.unwrap();
            }
            for query in ["", "acme"] {
                let first = db.store.search(query, Sort::Recent, 2, 0).await.unwrap();
                let last = db.store.search(query, Sort::Recent, 2, 4).await.unwrap();
                assert_eq!((first.total, first.items.len(), last.items.len()), (5, 2, 1), "{}", db.name);
                assert!(first.items.iter().all(|hit| !last.items.contains(hit)));
            }
        }
    }

    #[tokio::test]
    async fn the_highest_gain_is_first_and_means_are_in_order_under_one_score_key() {
        for db in fixture::all().await {
            db.scope("acme").await;
            for (id, key, mean, uplift, trust) in [
                ("acme/low", "a", 900, 10, "verified"),
                ("acme/claims", "a", 950, 900, "claimed"),
                ("acme/high", "a", 920, 300, "verified"),
            ] {
                let mut release = db.new_release(id, "1.0.0").await;
                let (key, trust) = (skill_bundle::hash::sha256(key.as_bytes()), trust.to_owned());
                let (lo, hi) = (None, None);
                release.inherited =
                    Some(skill_schema::index::Score { key, n: 9, k: 3, mean, lo, hi, uplift: Some(uplift), trust });
                db.publish(&release).await.unwrap();
            }
            db.release("acme/unmeasured", "1.0.0").await.unwrap();
            let wanted = ["acme/high", "acme/low", "acme/claims", "acme/unmeasured"];
            for query in ["", "acme"] {
                assert_eq!(ids(&db, query, Sort::Uplift).await, wanted, "{}", db.name);
                assert_eq!(ids(&db, query, Sort::Score).await, wanted);
            }
            let found = db.store.search("", Sort::Uplift, 20, 0).await.unwrap();
            assert_eq!(found.items[0].best.as_ref().unwrap().score.uplift, Some(300));
            assert_eq!(found.items[3].best, None);
        }
    }

    #[tokio::test]
    async fn a_skill_without_an_installable_version_is_not_found() {
        for db in fixture::all().await {
            db.scope("acme").await;
            db.release("acme/notes", "1.0.0").await.unwrap();
            db.yank("acme/notes", "1.0.0").await.unwrap();
            assert!(ids(&db, "notes", Sort::Relevance).await.is_empty(), "{}", db.name);
            assert!(ids(&db, "", Sort::Relevance).await.is_empty());
        }
    }
}
