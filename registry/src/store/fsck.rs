//! Everything that the database says, for whoever checks it: one snapshot, read only, nothing made or migrated.

use std::{path::Path, str::FromStr};

use skill_schema::Digest;
use sqlx::{Any, AnyPool, ConnectOptions, Row as _, Transaction, any::AnyConnectOptions};

use super::{Store, bigint, count, dialect::Dialect, pool_with};
use crate::{config::DatabaseConfig, error::Error};

/// A row of `events`, as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its number in the log.
    pub leaf: u64,
    /// Whose chain.
    pub scope: String,
    /// Its number there.
    pub seq: u64,
    /// Said to be SHA-256 of the envelope.
    pub stmt: String,
    /// Said to be the envelope's hash as a leaf.
    pub leaf_hash: String,
    /// The envelope.
    pub envelope: String,
    /// Said to be its kind.
    pub kind: String,
    /// Said to be what it is about.
    pub subject: String,
}

/// A row of `versions`, as far as it follows from what is signed: columns by name, as text. Absent values are empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// The skill, `scope/name`.
    pub skill: String,
    /// The version.
    pub version: String,
    /// The leaf of its release.
    pub leaf: u64,
    /// Dependencies, JSON.
    pub dependencies: String,
    /// Further columns: name and value, in the order of [`VERSION_COLUMNS`].
    pub columns: Vec<String>,
}

/// Columns of `versions` that follow from what is signed.
pub const VERSION_COLUMNS: [&str; 12] = [
    "stmt",
    "archive",
    "tree",
    "size",
    "unpacked_size",
    "files",
    "parent",
    "license",
    "keyid",
    "status",
    "own_status",
    "held",
];

/// A row of `skills`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillRow {
    /// `scope/name`.
    pub id: String,
    /// Leaf of its first release.
    pub number: u64,
    /// State as a whole.
    pub status: String,
    /// The version that `latest` names.
    pub latest: Option<String>,
    /// The index file.
    pub index_text: String,
    /// Said to be its digest.
    pub index_sha256: String,
    /// The last leaf that changed it.
    pub log: u64,
}

/// A view of the database that does not move while it is read.
pub struct Audit {
    tx: Transaction<'static, Any>,
}

impl Store {
    /// Connects for reading only. Nothing is made, migrated or initialised; fails with [`Error::Start`] if there is no database.
    pub async fn open_for_audit(config: &DatabaseConfig, data: &Path) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        let (dialect, url) = Dialect::for_reading(config.url.as_deref(), data)?;
        let options = AnyConnectOptions::from_str(&url)?.disable_statement_logging();
        let is_alone = dialect == Dialect::Sqlite && url.ends_with("immutable=1");
        let read: AnyPool = pool_with(dialect, 2, dialect.on_connect_for_reading()).connect_with(options).await?;
        Ok(Self { write: read.clone(), read, dialect, is_alone })
    }

    /// Whether somebody has opened a SQLite database that was read as one that nobody has open: what was read may not be true then.
    pub fn was_opened_since(&self, data: &Path) -> bool {
        self.is_alone && Dialect::is_open(data)
    }

    /// Starts to read; what is committed from now on is not seen.
    pub async fn audit(&self) -> Result<Audit, Error> {
        let mut tx = self.read.begin_with(self.dialect.begin_reading()).await?;
        // On SQLite the view begins with the first read.
        sqlx::query("select size from log_head").execute(&mut *tx).await?;
        Ok(Audit { tx })
    }
}

/// What a blob is named by that is neither an archive of a version nor a snapshot, with the column for messages.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Named {
    /// `suites.archive`, `records.digest`, `records.transcripts` or `versions.tried`.
    pub place: String,
    /// The digest, as it is written.
    pub digest: String,
}

impl Audit {
    /// What suites, records and versions name beside the archives, each digest once a column, after `after` in the order of digests.
    pub async fn evidence(&mut self, after: Option<&Named>, limit: u64) -> Result<Vec<Named>, Error> {
        let (digest, place) = after.map_or(("", ""), |named| (&*named.digest, &*named.place));
        let rows = sqlx::query_as(
            "select distinct name as place, digest from ( \
             select 'suites.archive' as name, archive as digest from suites \
             union all select 'records.digest', digest from records \
             union all select 'records.transcripts', transcripts from records where transcripts is not null \
             union all select 'versions.tried', tried from versions where tried is not null) named \
             where digest > $1 or (digest = $1 and name > $2) order by digest, name limit $3",
        )
        .bind(digest)
        .bind(place)
        .bind(bigint(limit));
        Ok(rows.fetch_all(&mut *self.tx).await?)
    }

    /// The value of a name in `meta`.
    pub async fn meta(&mut self, name: &str) -> Result<Option<String>, Error> {
        let found = sqlx::query_scalar("select value from meta where name = $1").bind(name);
        Ok(found.fetch_optional(&mut *self.tx).await?)
    }

    /// The log's size, and its root as it is written.
    pub async fn log_head(&mut self) -> Result<(u64, String), Error> {
        let row: (i64, String) =
            sqlx::query_as("select size, root from log_head where id = 1").fetch_one(&mut *self.tx).await?;
        Ok((count(row.0), row.1))
    }

    /// Every head that was recorded, ascending: size, and root as it is written.
    pub async fn log_heads(&mut self) -> Result<Vec<(u64, String)>, Error> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("select size, root from log_heads order by size").fetch_all(&mut *self.tx).await?;
        Ok(rows.into_iter().map(|(size, root)| (count(size), root)).collect())
    }

    /// Some events from a leaf on, in their order.
    pub async fn events(&mut self, from: u64, limit: u64) -> Result<Vec<EventRow>, Error> {
        let rows = sqlx::query(
            "select leaf, scope, seq, stmt, leaf_hash, envelope, kind, subject from events where leaf >= $1 \
             order by leaf limit $2",
        );
        rows_of(&rows.bind(bigint(from)).bind(bigint(limit)).fetch_all(&mut *self.tx).await?)
    }

    /// Some events of a scope after a number of its chain, in their order.
    pub async fn chain(&mut self, scope: &str, after: u64, limit: u64) -> Result<Vec<EventRow>, Error> {
        let rows = sqlx::query(
            "select leaf, scope, seq, stmt, leaf_hash, envelope, kind, subject from events where scope = $1 and seq > $2 \
             order by seq limit $3",
        );
        rows_of(&rows.bind(scope).bind(bigint(after)).bind(bigint(limit)).fetch_all(&mut *self.tx).await?)
    }

    /// Every scope that has a row or a statement: its name, the number and the digest of its last statement by its row (-1 without one).
    pub async fn scopes(&mut self) -> Result<Vec<(String, i64, String)>, Error> {
        Ok(sqlx::query_as(
            "select name, head_seq, head_stmt from scopes union all \
             select distinct scope, -1, '' from events where scope not in (select name from scopes) order by 1",
        )
        .fetch_all(&mut *self.tx)
        .await?)
    }

    /// The versions of a scope's skills.
    pub async fn versions(&mut self, scope: &str) -> Result<Vec<VersionRow>, Error> {
        let rows = sqlx::query(
            "select v.skill, v.version, v.leaf, v.dependencies, v.stmt, v.archive, v.tree, cast(v.size as text), \
             cast(v.unpacked_size as text), cast(v.files as text), coalesce(v.parent, ''), coalesce(v.license, ''), v.keyid, \
             v.status, v.own_status, coalesce(v.held, '') from versions v join skills s on s.id = v.skill where s.scope = $1",
        );
        let rows = rows.bind(scope).fetch_all(&mut *self.tx).await?;
        let read = |row: &sqlx::any::AnyRow| -> Result<VersionRow, sqlx::Error> {
            Ok(VersionRow {
                skill: row.try_get(0)?,
                version: row.try_get(1)?,
                leaf: count(row.try_get(2)?),
                dependencies: row.try_get(3)?,
                columns: (4..4 + VERSION_COLUMNS.len()).map(|n| row.try_get(n)).collect::<Result<_, _>>()?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// The skills of a scope, by name.
    pub async fn skills(&mut self, scope: &str) -> Result<Vec<SkillRow>, Error> {
        let rows = sqlx::query(
            "select id, number, status, latest, index_text, index_sha256, log from skills where scope = $1 order by id",
        );
        let rows = rows.bind(scope).fetch_all(&mut *self.tx).await?;
        let read = |row: &sqlx::any::AnyRow| -> Result<SkillRow, sqlx::Error> {
            Ok(SkillRow {
                id: row.try_get(0)?,
                number: count(row.try_get(1)?),
                status: row.try_get(2)?,
                latest: row.try_get(3)?,
                index_text: row.try_get(4)?,
                index_sha256: row.try_get(5)?,
                log: count(row.try_get(6)?),
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// How many skills and versions there are in all.
    pub async fn totals(&mut self) -> Result<(u64, u64), Error> {
        let row: (i64, i64) = sqlx::query_as("select (select count(*) from skills), (select count(*) from versions)")
            .fetch_one(&mut *self.tx)
            .await?;
        Ok((count(row.0), count(row.1)))
    }

    /// Every snapshot: size of the log, and digest as it is written.
    pub async fn snapshots(&mut self) -> Result<Vec<(u64, String)>, Error> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("select size, sha256 from snapshots order by size").fetch_all(&mut *self.tx).await?;
        Ok(rows.into_iter().map(|(size, digest)| (count(size), digest)).collect())
    }

    /// The archives of versions that are not gone, after a digest, in their order: digest and size in bytes.
    pub async fn archives(&mut self, after: Option<Digest>, limit: u64) -> Result<Vec<(String, u64)>, Error> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "select archive, max(size) from versions where status <> 'gone' and archive > $1 group by archive \
             order by archive limit $2",
        )
        .bind(after.map(|digest| digest.to_string()).unwrap_or_default())
        .bind(bigint(limit))
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(rows.into_iter().map(|(archive, size)| (archive, count(size))).collect())
    }
}

fn rows_of(rows: &[sqlx::any::AnyRow]) -> Result<Vec<EventRow>, Error> {
    let read = |row: &sqlx::any::AnyRow| -> Result<EventRow, sqlx::Error> {
        Ok(EventRow {
            leaf: count(row.try_get(0)?),
            scope: row.try_get(1)?,
            seq: count(row.try_get(2)?),
            stmt: row.try_get(3)?,
            leaf_hash: row.try_get(4)?,
            envelope: row.try_get(5)?,
            kind: row.try_get(6)?,
            subject: row.try_get(7)?,
        })
    };
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}
