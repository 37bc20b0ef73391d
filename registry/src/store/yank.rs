//! The state of a version: yanked, or restored.

use skill_schema::{
    Fault, SkillId, Version,
    api::yank::Response,
    codes,
    index::{LineStatus, best, latest},
    name::OPERATOR,
};

use sqlx::{Any, Transaction};

use super::{
    Store,
    dialect::Dialect,
    event::{NewStatement, append, leaf_of},
    index::{self, IndexFile},
    search,
};
use crate::error::Error;

/// A change of state that passed every check but those that need the transaction.
#[derive(Debug, Clone)]
pub struct NewStatus {
    /// The skill.
    pub id: SkillId,
    /// The version.
    pub version: Version,
    /// The signed statement.
    pub statement: NewStatement,
    /// The state from now on.
    pub status: LineStatus,
    /// Why, for people; empty for no reason.
    pub note: String,
}

impl Store {
    /// The first answer to a statement that is in the log already.
    pub async fn repeated_yank(&self, change: &NewStatus) -> Result<Option<Response>, Error> {
        let Some(log) = self.leaf_of(&change.statement.stmt).await? else { return Ok(None) };
        let file = self.index(&change.id).await?;
        Ok(file.map(|file| Response { log, proof: None, index: file.sha256 }))
    }

    /// Whether the version exists and is in another state: the checks of [`set`], without their force.
    pub async fn check_status(&self, change: &NewStatus) -> Result<(), Error> {
        let place = format!("{}@{}", change.id, change.version);
        let now: Option<String> =
            sqlx::query_scalar("select own_status from versions where skill = $1 and version = $2")
                .bind(change.id.to_string())
                .bind(change.version.to_string())
                .fetch_optional(&self.read)
                .await?;
        match now {
            None => Err(Fault::new(codes::NOT_FOUND).at(place).into()),
            Some(now) if now == status_text(change.status) => Err(Fault::new(codes::STATUS_UNCHANGED).at(place).into()),
            Some(_) => Ok(()),
        }
    }
}

/// Changes the state of a version by its publisher's or the operator's word. Fails with `E_NOT_FOUND`, `E_STATUS_UNCHANGED` or `E_SEQ`; a
/// repeated statement gets its first answer. The second value is the skill's index.
pub(super) async fn set(
    tx: &mut Transaction<'static, Any>,
    dialect: Dialect,
    leaf: u64,
    change: &NewStatus,
    now: i64,
) -> Result<(Response, IndexFile), Error> {
    let place = format!("{}@{}", change.id, change.version);
    let unknown = || Fault::new(codes::NOT_FOUND).at(&place);
    let before = index::load(tx, &change.id).await?.ok_or_else(unknown)?;
    if let Some(leaf) = leaf_of(tx, &change.statement.stmt).await? {
        return Ok((Response { log: leaf, proof: None, index: before.sha256 }, before));
    }
    let words = Words::load(tx, change).await?.ok_or_else(unknown)?;
    let after = words.with(change).ok_or_else(|| Fault::new(codes::STATUS_UNCHANGED).at(&place))?;
    let mut index = before.parse()?;
    let line = index.lines.iter_mut().find(|line| line.vers == change.version).ok_or_else(unknown)?;
    append(tx, leaf, &change.statement, now).await?;
    (line.st, line.log, index.header.log) = (after.status(), leaf, leaf);
    index.header.tags.latest = latest(&index.lines).cloned();
    index.header.tags.best = best(&index.lines).cloned();
    let file = IndexFile::new(&index, before.revision + 1);
    index::save(tx, &change.id, &file, &index, now).await?;
    sqlx::query(
        "update versions set status = $1, own_status = $2, held = $3, note = $4 where skill = $5 and version = $6",
    )
    .bind(status_text(after.status()))
    .bind(status_text(after.own))
    .bind(after.held.map(status_text))
    .bind(Some(&change.note).filter(|note| !note.is_empty()))
    .bind(change.id.to_string())
    .bind(change.version.to_string())
    .execute(&mut **tx)
    .await?;
    search::refresh(tx, dialect, &change.id).await?;
    Ok((Response { log: leaf, proof: None, index: file.sha256 }, file))
}

/// What its publisher and the operator say of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Words {
    own: LineStatus,
    held: Option<LineStatus>,
}

impl Words {
    async fn load(tx: &mut Transaction<'static, Any>, change: &NewStatus) -> Result<Option<Self>, Error> {
        let row: Option<(String, Option<String>)> =
            sqlx::query_as("select own_status, held from versions where skill = $1 and version = $2")
                .bind(change.id.to_string())
                .bind(change.version.to_string())
                .fetch_optional(&mut **tx)
                .await?;
        let words = |(own, held): (String, Option<String>)| {
            Ok(Self { own: status(&own)?, held: held.as_deref().map(status).transpose()? })
        };
        row.map(words).transpose()
    }

    /// The operator's word goes before the publisher's.
    fn status(self) -> LineStatus {
        self.held.unwrap_or(self.own)
    }

    /// The words after a change; `None` if it changes nothing. What is gone stays gone.
    fn with(self, change: &NewStatus) -> Option<Self> {
        let after = if change.statement.scope == OPERATOR {
            Self { held: Some(change.status).filter(|status| *status != LineStatus::Ok), ..self }
        } else {
            Self { own: change.status, ..self }
        };
        (after != self && (self.held != Some(LineStatus::Gone) || after.held == self.held)).then_some(after)
    }
}

/// As the column has it, which is as the index has it.
pub fn status_text(status: LineStatus) -> &'static str {
    match status {
        LineStatus::Ok => "ok",
        LineStatus::Yanked => "yanked",
        LineStatus::Quarantined => "quarantined",
        LineStatus::Gone => "gone",
    }
}

/// The reverse of [`status_text`].
pub(super) fn status(text: &str) -> Result<LineStatus, Error> {
    [LineStatus::Ok, LineStatus::Yanked, LineStatus::Quarantined, LineStatus::Gone]
        .into_iter()
        .find(|status| status_text(*status) == text)
        .ok_or_else(|| Error::Damaged(format!("versions.status: {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[tokio::test]
    async fn a_yanked_version_is_not_latest_until_it_is_restored() {
        for db in fixture::all().await {
            db.scope("acme").await;
            let id = "acme/notes".parse().unwrap();
            db.release("acme/notes", "1.0.0").await.unwrap();
            db.release("acme/notes", "1.1.0").await.unwrap();
            let latest = async || {
                let index = db.store.index(&id).await.unwrap().unwrap().parse().unwrap();
                index.header.tags.latest.map(|v| v.to_string())
            };
            db.yank("acme/notes", "1.1.0").await.unwrap();
            assert_eq!(latest().await.as_deref(), Some("1.0.0"), "{}", db.name);
            db.yank("acme/notes", "1.0.0").await.unwrap();
            assert_eq!(latest().await, None);
            db.set_status("acme/notes", "1.1.0", LineStatus::Ok).await.unwrap();
            assert_eq!(latest().await.as_deref(), Some("1.1.0"));
            let index = db.store.index(&id).await.unwrap().unwrap().parse().unwrap();
            assert_eq!(index.header.log, index.lines[1].log);
            assert_eq!(index.lines[0].st, LineStatus::Yanked);
        }
    }

    #[tokio::test]
    async fn yanking_twice_or_nothing_is_refused_and_a_repeated_request_is_not() {
        for db in fixture::all().await {
            db.scope("acme").await;
            db.release("acme/notes", "1.0.0").await.unwrap();
            let change = db.new_status("acme/notes", "1.0.0", LineStatus::Yanked).await;
            let first = db.set(&change).await.unwrap();
            assert_eq!(db.set(&change).await.unwrap(), first, "{}", db.name);
            assert_eq!(db.yank("acme/notes", "1.0.0").await.unwrap_err().code(), codes::STATUS_UNCHANGED);
            assert_eq!(db.yank("acme/notes", "2.0.0").await.unwrap_err().code(), codes::NOT_FOUND);
            assert_eq!(db.yank("acme/other", "1.0.0").await.unwrap_err().code(), codes::NOT_FOUND);
            let mut late = db.new_status("acme/notes", "1.0.0", LineStatus::Ok).await;
            late.statement.seq += 1;
            assert_eq!(db.set(&late).await.unwrap_err().code(), codes::SEQ);
        }
    }
}
