//! Advice against a skill.

use skill_schema::{Fault, SkillId, api::deprecate::Request, codes, index::PackageStatus};

use super::{
    Store, event,
    index::{self, IndexFile},
    json,
};
use crate::error::Error;

impl Store {
    /// Advises against a skill, or takes that back. Fails with `E_NOT_FOUND`. Answers the skill's new index.
    pub async fn deprecate(&self, id: &SkillId, request: &Request, now: i64) -> Result<IndexFile, Error> {
        let mut tx = self.begin().await?;
        event::lock(&mut tx).await?;
        let Some(before) = index::load(&mut tx, id).await? else {
            return Err(Fault::new(codes::NOT_FOUND).at(id.to_string()).into());
        };
        let mut index = before.parse()?;
        let (status, text) = if request.deprecated {
            (PackageStatus::Deprecated, "deprecated")
        } else {
            (PackageStatus::Active, "active")
        };
        index.header.status = status;
        let file = IndexFile::new(&index, before.revision + 1);
        index::save(&mut tx, id, &file, &index, now).await?;
        let deprecation = if request.deprecated { Some(json(request)?) } else { None };
        sqlx::query("update skills set status = $1, deprecation = $2 where id = $3")
            .bind(text)
            .bind(deprecation)
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[tokio::test]
    async fn a_deprecation_shows_in_the_index_until_it_is_taken_back() {
        for db in fixture::all().await {
            db.scope("acme").await;
            let id = "acme/notes".parse().unwrap();
            let mut request =
                Request { deprecated: true, message: "old".to_owned(), replaced_by: Some("acme/new".parse().unwrap()) };
            assert_eq!(db.store.deprecate(&id, &request, 1).await.unwrap_err().code(), codes::NOT_FOUND);
            db.release("acme/notes", "1.0.0").await.unwrap();
            let file = db.store.deprecate(&id, &request, 2).await.unwrap();
            assert_eq!(file.parse().unwrap().header.status, PackageStatus::Deprecated, "{}", db.name);
            assert_eq!(db.store.info(&id).await.unwrap().unwrap().deprecation, Some(request.clone()));
            request.deprecated = false;
            db.store.deprecate(&id, &request, 3).await.unwrap();
            let info = db.store.info(&id).await.unwrap().unwrap();
            assert_eq!((info.status, info.deprecation), (PackageStatus::Active, None));
        }
    }
}
