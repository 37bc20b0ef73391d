//! Publishing a version: one transaction that decides whether it exists.

use skill_schema::{
    Digest, Fault, SkillId, Version, VersionReq,
    api::publish::Response,
    codes,
    index::{Header, Index, Line, LineStatus, PackageStatus, Score, Tags, best, latest},
    time::Timestamp,
};
use sqlx::{Any, Transaction};

use super::{
    Store, bigint, board, count,
    dialect::Dialect,
    event::{NewStatement, append},
    index::{self, IndexFile},
    json,
    score::{self, NewRecord, VerifiedRecord},
    search::{self, Words},
    stored,
};
use crate::{clock, error::Error};

/// A version that passed every check but those that need the transaction. Its blobs are in the blob store.
#[derive(Debug, Clone)]
pub struct NewRelease {
    /// The skill.
    pub id: SkillId,
    /// The version.
    pub version: Version,
    /// Its signed statement.
    pub statement: NewStatement,
    /// `created` of the statement.
    pub created: Timestamp,
    /// `scope/name@version` that it improves or was forked from.
    pub parent: Option<String>,
    /// The key that signed it.
    pub keyid: Digest,
    /// The user whose token publishes it.
    pub publisher: String,
    /// Whether the token allows the first version of a skill.
    pub may_create: bool,
    /// Whether the token allows further versions.
    pub may_update: bool,
    /// Tree digest that `latest` must have.
    pub expected_head: Option<Digest>,
    /// Whether the skill must have no version yet.
    pub if_absent: bool,
    /// What is known of its content.
    pub content: Content,
    /// The suite that measures it.
    pub suite: Option<Digest>,
    /// Its record.
    pub record: Option<Box<NewRecord>>,
    /// The record of a verifier that ended its attempt before, and the score in it.
    pub verified: Option<(VerifiedRecord, Score)>,
    /// The score that it takes over, of a maintenance release.
    pub inherited: Option<Score>,
    /// SHA-256 of the log of what was tried on the way to it.
    pub tried: Option<Digest>,
}

/// What is known of a version's content.
#[derive(Debug, Clone)]
pub struct Content {
    /// Tree digest.
    pub tree: Digest,
    /// SHA-256 of the .tar.gz.
    pub archive: Digest,
    /// Bytes of the .tar.gz.
    pub size: u64,
    /// Bytes of the tar.
    pub unpacked_size: u64,
    /// Number of files.
    pub files: u64,
    /// Dependencies, sorted by name.
    pub dependencies: Vec<(SkillId, VersionReq)>,
    /// `[fork] of` of the manifest.
    pub fork_of: Option<String>,
    /// The frontmatter's description.
    pub description: String,
    /// The manifest's keywords.
    pub keywords: Vec<String>,
    /// The manifest's repository.
    pub repository: Option<String>,
    /// The manifest's licence.
    pub license: Option<String>,
    /// SKILL.md without its frontmatter.
    pub readme: String,
}

/// What became of a publish request.
#[derive(Debug, Clone)]
pub enum Published {
    /// It is published now.
    Now {
        /// The answer.
        response: Response,
        /// The skill's new index.
        index: IndexFile,
    },
    /// It had been published before, with the same files.
    Before(Response),
}

impl Published {
    /// The answer.
    pub fn response(&self) -> &Response {
        match self {
            Self::Now { response, .. } | Self::Before(response) => response,
        }
    }
}

impl Store {
    /// What a version that is published already answers to a repeated request: the stored response for the same tree,
    /// `E_VERSION_EXISTS` for another one, `None` if the version is free.
    pub async fn published(&self, id: &SkillId, version: &Version, tree: &Digest) -> Result<Option<Response>, Error> {
        let row: Option<Row> =
            sqlx::query_as("select tree, leaf, stmt, index_sha256 from versions where skill = $1 and version = $2")
                .bind(id.to_string())
                .bind(version.to_string())
                .fetch_optional(&self.read)
                .await?;
        row.map(|row| repeated(row, id, version, tree)).transpose()
    }

    /// The tree digest of a version, if it was ever published.
    pub async fn tree_of(&self, id: &SkillId, version: &Version) -> Result<Option<Digest>, Error> {
        let tree: Option<String> = sqlx::query_scalar("select tree from versions where skill = $1 and version = $2")
            .bind(id.to_string())
            .bind(version.to_string())
            .fetch_optional(&self.read)
            .await?;
        tree.map(|tree| stored("versions.tree", &tree)).transpose()
    }

    /// The digests of a version's archive and tree. Fails with `E_NOT_FOUND`.
    pub async fn digests_of(&self, id: &SkillId, version: &Version) -> Result<(Digest, Digest), Error> {
        let row: Option<(String, String)> =
            sqlx::query_as("select archive, tree from versions where skill = $1 and version = $2")
                .bind(id.to_string())
                .bind(version.to_string())
                .fetch_optional(&self.read)
                .await?;
        let (archive, tree) = row.ok_or_else(|| Fault::new(codes::NOT_FOUND).at(format!("{id}@{version}")))?;
        Ok((stored("versions.archive", &archive)?, stored("versions.tree", &tree)?))
    }

    /// SHA-256 of the archive of the version with this tree.
    pub async fn archive_with(&self, id: &SkillId, tree: &Digest) -> Result<Option<Digest>, Error> {
        let archive: Option<String> =
            sqlx::query_scalar("select archive from versions where skill = $1 and tree = $2 limit 1")
                .bind(id.to_string())
                .bind(tree.to_string())
                .fetch_optional(&self.read)
                .await?;
        archive.map(|archive| stored("versions.archive", &archive)).transpose()
    }

    /// Whether a version that is not gone has this archive.
    pub async fn is_needed(&self, archive: &Digest) -> Result<bool, Error> {
        let count: i64 = sqlx::query_scalar("select count(*) from versions where archive = $1 and status <> 'gone'")
            .bind(archive.to_string())
            .fetch_one(&self.read)
            .await?;
        Ok(count > 0)
    }

    /// Whether a skill has a version already.
    pub async fn skill_exists(&self, id: &SkillId) -> Result<bool, Error> {
        let found: i64 = sqlx::query_scalar("select count(*) from skills where id = $1")
            .bind(id.to_string())
            .fetch_one(&self.read)
            .await?;
        Ok(found > 0)
    }
}

/// Publishes a version. In this order: the version is free (else the stored response or `E_VERSION_EXISTS`), the name is not mistaken
/// for another (`E_NAME_TAKEN`) and the token allows it (`E_TOKEN_SCOPE`), `latest` is what the caller expects (`E_HEAD_MOVED`), the
/// chain ends at the statement's `prev` (`E_SEQ`).
pub(super) async fn put(
    tx: &mut Transaction<'static, Any>,
    dialect: Dialect,
    leaf: u64,
    release: &NewRelease,
    now: i64,
) -> Result<Published, Error> {
    let before = index::load(tx, &release.id).await?;
    let mut index = match &before {
        Some(file) => file.parse()?,
        None => new_index(release, leaf),
    };
    if index.line(&release.version).is_some() {
        return Ok(Published::Before(published(tx, release).await?));
    }
    check_name(tx, release, before.is_some()).await?;
    check_expectations(release, &index)?;
    append(tx, leaf, &release.statement, now).await?;
    let score = score::of_release(tx, release, now).await?;

    index.lines.push(Line { score: score.clone(), ..line(release, leaf) });
    index.header.log = leaf;
    index.header.tags.best = best(&index.lines).cloned();
    index.header.tags.latest = latest(&index.lines).cloned();
    let latest = index.header.tags.latest.clone();
    let file = IndexFile::new(&index, before.as_ref().map_or(0, |file| file.revision) + 1);
    match before {
        Some(_) => index::save(tx, &release.id, &file, &index, now).await?,
        None => insert_skill(tx, release, leaf, &file, &index, now).await?,
    }
    insert_version(tx, release, leaf, &file).await?;
    score::set_of_release(tx, release, score.as_ref()).await?;
    if latest.as_ref() == Some(&release.version) {
        let Content { keywords, description, readme, .. } = &release.content;
        search::put(tx, dialect, &release.id, Words { keywords, description, readme }).await?;
    }
    let response =
        Response { log: leaf, proof: None, index: file.sha256, stmt: release.statement.stmt, warnings: Vec::new() };
    Ok(Published::Now { response, index: file })
}

/// Of a version: tree, leaf, statement, digest of the index file that its publication wrote.
type Row = (String, i64, String, String);

fn repeated(row: Row, id: &SkillId, version: &Version, tree: &Digest) -> Result<Response, Error> {
    let (stored_tree, leaf, stmt, index) = row;
    if stored_tree != tree.to_string() {
        return Err(Fault::new(codes::VERSION_EXISTS).at(format!("{id}@{version}")).into());
    }
    Ok(Response {
        log: count(leaf),
        proof: None,
        index: stored("versions.index_sha256", &index)?,
        stmt: stored("versions.stmt", &stmt)?,
        warnings: Vec::new(),
    })
}

/// The stored response for a version that is in the index.
async fn published(tx: &mut Transaction<'static, Any>, release: &NewRelease) -> Result<Response, Error> {
    let row: Row =
        sqlx::query_as("select tree, leaf, stmt, index_sha256 from versions where skill = $1 and version = $2")
            .bind(release.id.to_string())
            .bind(release.version.to_string())
            .fetch_one(&mut **tx)
            .await?;
    repeated(row, &release.id, &release.version, &release.content.tree)
}

/// Whether the token allows it, and for a new skill whether its name cannot be mistaken for another one of the scope.
async fn check_name(tx: &mut Transaction<'static, Any>, release: &NewRelease, exists: bool) -> Result<(), Error> {
    let (allowed, permission) =
        if exists { (release.may_update, "publish:update") } else { (release.may_create, "publish:new") };
    if !allowed {
        return Err(Fault::new(codes::TOKEN_SCOPE).at(release.id.to_string()).detail(permission).into());
    }
    if exists {
        return Ok(());
    }
    let alike: Option<String> = sqlx::query_scalar("select id from skills where scope = $1 and folded = $2")
        .bind(release.id.scope.as_str())
        .bind(release.id.name.folded())
        .fetch_optional(&mut **tx)
        .await?;
    match alike {
        Some(alike) => {
            Err(Fault::new(codes::NAME_TAKEN).at(release.id.to_string()).detail(format!("there is {alike}")).into())
        }
        None => Ok(()),
    }
}

fn check_expectations(release: &NewRelease, index: &Index) -> Result<(), Error> {
    let moved = |detail: String| Err(Fault::new(codes::HEAD_MOVED).at(release.id.to_string()).detail(detail).into());
    if release.if_absent && !index.lines.is_empty() {
        return moved("it was to be the first version".to_owned());
    }
    let head = index.header.tags.latest.as_ref().and_then(|version| index.line(version));
    match (&release.expected_head, head) {
        (None, _) => Ok(()),
        (Some(tree), Some(head)) if head.tree == *tree => Ok(()),
        (Some(_), Some(head)) => moved(format!("latest is {}", head.vers)),
        (Some(_), None) => moved("it has no installable version".to_owned()),
    }
}

fn new_index(release: &NewRelease, leaf: u64) -> Index {
    Index {
        header: Header {
            v: 1,
            pkg: release.id.clone(),
            status: PackageStatus::Active,
            tags: Tags::default(),
            fork_of: release.content.fork_of.clone(),
            log: leaf,
        },
        lines: Vec::new(),
    }
}

fn line(release: &NewRelease, leaf: u64) -> Line {
    let content = &release.content;
    Line {
        v: 1,
        vers: release.version.clone(),
        sha256: content.archive,
        tree: content.tree,
        size: content.size,
        published: release.created,
        st: LineStatus::Ok,
        deps: content.dependencies.clone(),
        parent: release.parent.clone(),
        score: None,
        stmt: release.statement.stmt,
        log: leaf,
    }
}

async fn insert_skill(
    tx: &mut Transaction<'static, Any>,
    release: &NewRelease,
    leaf: u64,
    file: &IndexFile,
    index: &Index,
    now: i64,
) -> Result<(), Error> {
    sqlx::query(
        "insert into skills (id, scope, name, folded, status, created_at, updated_at, number, index_text, \
         index_sha256, index_revision, log, latest) values ($1, $2, $3, $4, 'active', $5, $5, $6, $7, $8, $9, $6, $10)",
    )
    .bind(release.id.to_string())
    .bind(release.id.scope.as_str())
    .bind(release.id.name.as_str())
    .bind(release.id.name.folded())
    .bind(now)
    .bind(bigint(leaf))
    .bind(&file.text)
    .bind(file.sha256.to_string())
    .bind(file.revision)
    .bind(index.header.tags.latest.as_ref().map(ToString::to_string))
    .execute(&mut **tx)
    .await?;
    board::put(tx, &release.id, index).await
}

async fn insert_version(
    tx: &mut Transaction<'static, Any>,
    release: &NewRelease,
    leaf: u64,
    index: &IndexFile,
) -> Result<(), Error> {
    let content = &release.content;
    sqlx::query(
        "insert into versions (skill, version, leaf, status, own_status, tree, archive, stmt, size, unpacked_size, \
         files, dependencies, parent, keyid, publisher, published_at, description, keywords, repository, license, \
         readme, index_sha256) values ($1, $2, $3, 'ok', 'ok', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20)",
    )
    .bind(release.id.to_string())
    .bind(release.version.to_string())
    .bind(bigint(leaf))
    .bind(content.tree.to_string())
    .bind(content.archive.to_string())
    .bind(release.statement.stmt.to_string())
    .bind(bigint(content.size))
    .bind(bigint(content.unpacked_size))
    .bind(bigint(content.files))
    .bind(json(&content.dependencies)?)
    .bind(&release.parent)
    .bind(release.keyid.to_string())
    .bind(&release.publisher)
    .bind(clock::micros(release.created))
    .bind(&content.description)
    .bind(json(&content.keywords)?)
    .bind(&content.repository)
    .bind(&content.license)
    .bind(&content.readme)
    .bind(index.sha256.to_string())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
