//! The state of a version: yanked, or restored.

use skill_schema::{
    Fault, SkillId, Version,
    api::yank::Response,
    codes,
    index::{LineStatus, latest},
};

use super::{
    Store,
    event::{NewStatement, append, leaf_of, next_leaf},
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
        Ok(file.map(|file| Response { log, index: file.sha256 }))
    }

    /// Whether the version exists and is in another state: the checks of [`Store::yank`], without their force.
    pub async fn check_status(&self, change: &NewStatus) -> Result<(), Error> {
        let place = format!("{}@{}", change.id, change.version);
        let now: Option<String> = sqlx::query_scalar("select status from versions where skill = $1 and version = $2")
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

    /// Changes the state of a version. Fails with `E_NOT_FOUND`, `E_STATUS_UNCHANGED` or `E_SEQ`; a repeated statement gets its first
    /// answer. The second value is the skill's index.
    pub async fn yank(&self, change: &NewStatus, now: i64) -> Result<(Response, IndexFile), Error> {
        let mut tx = self.begin().await?;
        let leaf = next_leaf(&mut tx).await?;
        let unknown = || Fault::new(codes::NOT_FOUND).at(format!("{}@{}", change.id, change.version));
        let before = index::load(&mut tx, &change.id).await?.ok_or_else(unknown)?;
        if let Some(leaf) = leaf_of(&mut tx, &change.statement.stmt).await? {
            return Ok((Response { log: leaf, index: before.sha256 }, before));
        }
        let mut index = before.parse()?;
        let line = index.lines.iter_mut().find(|line| line.vers == change.version).ok_or_else(unknown)?;
        if line.st == change.status {
            return Err(Fault::new(codes::STATUS_UNCHANGED).at(format!("{}@{}", change.id, change.version)).into());
        }
        append(&mut tx, leaf, &change.statement, now).await?;
        (line.st, line.log, index.header.log) = (change.status, leaf, leaf);
        index.header.tags.latest = latest(&index.lines).cloned();
        let latest = index.header.tags.latest.as_ref().map(ToString::to_string);
        let file = IndexFile::new(&index, before.revision + 1);
        index::save(&mut tx, &change.id, &file, latest.as_deref(), now).await?;
        sqlx::query("update versions set status = $1, note = $2 where skill = $3 and version = $4")
            .bind(status_text(change.status))
            .bind(Some(&change.note).filter(|note| !note.is_empty()))
            .bind(change.id.to_string())
            .bind(change.version.to_string())
            .execute(&mut *tx)
            .await?;
        search::refresh(&mut tx, self.dialect, &change.id).await?;
        tx.commit().await?;
        Ok((Response { log: leaf, index: file.sha256 }, file))
    }
}

/// As the column has it, which is as the index has it.
pub(super) fn status_text(status: LineStatus) -> &'static str {
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
            let first = db.store.yank(&change, 1).await.unwrap();
            assert_eq!(db.store.yank(&change, 2).await.unwrap(), first, "{}", db.name);
            assert_eq!(db.yank("acme/notes", "1.0.0").await.unwrap_err().code(), codes::STATUS_UNCHANGED);
            assert_eq!(db.yank("acme/notes", "2.0.0").await.unwrap_err().code(), codes::NOT_FOUND);
            assert_eq!(db.yank("acme/other", "1.0.0").await.unwrap_err().code(), codes::NOT_FOUND);
            let mut late = db.new_status("acme/notes", "1.0.0", LineStatus::Ok).await;
            late.statement.seq += 1;
            assert_eq!(db.store.yank(&late, 3).await.unwrap_err().code(), codes::SEQ);
        }
    }
}
