//! What people read about a skill.

use skill_schema::{
    SkillId,
    api::info::{Response, VersionInfo},
    index::PackageStatus,
};
use sqlx::FromRow;

use super::{Store, count, stored, stored_json, yank};
use crate::{clock, error::Error};

#[derive(FromRow)]
struct SkillRow {
    status: String,
    deprecation: Option<String>,
    latest: Option<String>,
    downloads: i64,
}

#[derive(FromRow)]
struct VersionRow {
    version: String,
    status: String,
    note: Option<String>,
    published_at: i64,
    publisher: String,
    tree: String,
    archive: String,
    size: i64,
    unpacked_size: i64,
    files: i64,
    dependencies: String,
    parent: Option<String>,
    keyid: String,
    downloads: i64,
    suite: Option<String>,
    score: Option<String>,
    lift: Option<String>,
    record: Option<String>,
    tried: Option<String>,
    transcripts: Option<String>,
    tokens: Option<i64>,
    model: Option<String>,
}

/// What the latest version says of itself.
#[derive(Default, FromRow)]
struct AboutRow {
    description: String,
    keywords: String,
    repository: Option<String>,
    license: Option<String>,
    readme: String,
}

impl Store {
    /// A skill with all its versions, newest first; `None` if there is no such skill.
    pub async fn info(&self, id: &SkillId) -> Result<Option<Response>, Error> {
        let Some(skill) = self.skill_row(id).await? else { return Ok(None) };
        let versions = self.version_rows(id).await?;
        let about = self.about(id, skill.latest.as_deref()).await?.unwrap_or_default();
        Ok(Some(Response {
            id: id.clone(),
            status: package_status(&skill.status)?,
            deprecation: skill.deprecation.map(|text| stored_json("skills.deprecation", &text)).transpose()?,
            description: about.description,
            keywords: if about.keywords.is_empty() {
                Vec::new()
            } else {
                stored_json("versions.keywords", &about.keywords)?
            },
            repository: about.repository,
            license: about.license,
            latest: skill.latest.map(|text| stored("skills.latest", &text)).transpose()?,
            best: self.index(id).await?.map(|file| file.parse()).transpose()?.and_then(|index| index.header.tags.best),
            owners: self.owners(&id.scope).await?,
            downloads: count(skill.downloads),
            versions: versions.into_iter().map(version_info).collect::<Result<_, _>>()?,
            readme: about.readme,
        }))
    }

    async fn skill_row(&self, id: &SkillId) -> Result<Option<SkillRow>, Error> {
        Ok(sqlx::query_as("select status, deprecation, latest, downloads from skills where id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.read)
            .await?)
    }

    async fn version_rows(&self, id: &SkillId) -> Result<Vec<VersionRow>, Error> {
        Ok(sqlx::query_as(
            "select v.version, v.status, v.note, v.published_at, v.publisher, v.tree, v.archive, v.size, v.unpacked_size, \
             v.files, v.dependencies, v.parent, v.keyid, v.downloads, v.suite, v.score, v.lift, v.record, v.tried, \
             r.transcripts, r.tokens, a.model from versions v left join records r on r.digest = v.record \
             left join attempts a on a.stmt = r.attempt where v.skill = $1 order by v.leaf desc",
        )
        .bind(id.to_string())
        .fetch_all(&self.read)
        .await?)
    }

    async fn about(&self, id: &SkillId, latest: Option<&str>) -> Result<Option<AboutRow>, Error> {
        Ok(sqlx::query_as(
            "select description, keywords, repository, license, readme from versions \
             where skill = $1 and (version = $2 or $2 is null) order by leaf desc limit 1",
        )
        .bind(id.to_string())
        .bind(latest)
        .fetch_optional(&self.read)
        .await?)
    }
}

fn version_info(row: VersionRow) -> Result<VersionInfo, Error> {
    Ok(VersionInfo {
        version: stored("versions.version", &row.version)?,
        status: yank::status(&row.status)?,
        note: row.note,
        published: clock::timestamp(row.published_at),
        publisher: row.publisher,
        tree: stored("versions.tree", &row.tree)?,
        archive: stored("versions.archive", &row.archive)?,
        size: count(row.size),
        unpacked_size: count(row.unpacked_size),
        files: count(row.files),
        dependencies: stored_json("versions.dependencies", &row.dependencies)?,
        parent: row.parent,
        keyid: stored("versions.keyid", &row.keyid)?,
        downloads: count(row.downloads),
        suite: row.suite.map(|text| stored("versions.suite", &text)).transpose()?,
        score: row.score.map(|text| stored_json("versions.score", &text)).transpose()?,
        lift: row.lift.map(|text| stored_json("versions.lift", &text)).transpose()?,
        model: row.model,
        tokens: row.tokens.map(count),
        record: row.record.map(|text| stored("versions.record", &text)).transpose()?,
        transcripts: row.transcripts.map(|text| stored("records.transcripts", &text)).transpose()?,
        tried: row.tried.map(|text| stored("versions.tried", &text)).transpose()?,
    })
}

fn package_status(text: &str) -> Result<PackageStatus, Error> {
    match text {
        "active" => Ok(PackageStatus::Active),
        "deprecated" => Ok(PackageStatus::Deprecated),
        _ => Err(Error::Damaged(format!("skills.status: {text:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, USER};
    use skill_schema::index::LineStatus;

    #[tokio::test]
    async fn the_newest_version_is_first_and_the_latest_one_describes_the_skill() {
        for db in fixture::all().await {
            db.scope("acme").await;
            let id = "acme/notes".parse().unwrap();
            assert!(db.store.info(&id).await.unwrap().is_none());
            let mut first = db.new_release("acme/notes", "2.0.0").await;
            first.content.description = "the second".to_owned();
            db.publish(&first).await.unwrap();
            db.release("acme/notes", "1.0.1").await.unwrap();
            let info = db.store.info(&id).await.unwrap().unwrap();
            assert_eq!(info.latest.unwrap().to_string(), "2.0.0", "{}", db.name);
            assert_eq!(info.description, "the second");
            assert_eq!(info.owners, [USER]);
            assert_eq!(info.versions.iter().map(|v| v.version.to_string()).collect::<Vec<_>>(), ["1.0.1", "2.0.0"]);
            assert_eq!(info.versions[0].publisher, USER);
        }
    }

    #[tokio::test]
    async fn a_skill_whose_versions_are_all_yanked_is_described_by_its_newest_one() {
        for db in fixture::all().await {
            db.scope("acme").await;
            db.release("acme/notes", "1.0.0").await.unwrap();
            db.yank("acme/notes", "1.0.0").await.unwrap();
            let info = db.store.info(&"acme/notes".parse().unwrap()).await.unwrap().unwrap();
            assert_eq!(info.latest, None, "{}", db.name);
            assert_eq!(info.versions[0].status, LineStatus::Yanked);
            assert_eq!(info.versions[0].note.as_deref(), Some("a test"));
            assert!(!info.description.is_empty());
        }
    }
}
