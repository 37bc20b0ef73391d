//! A skill that does not exist; perhaps one with nearly its name does.

use skill_schema::{Fault, SkillId, api::search, codes};

use super::{Catalogue, Entry};
use crate::suggest::nearest;

impl Catalogue<'_> {
    /// One skill, which must exist.
    ///
    /// # Errors
    /// [`codes::NOT_FOUND`] with a suggestion where there is one; as [`Self::reachable`].
    pub async fn require(&self, id: &SkillId, registry: Option<&str>) -> anyhow::Result<Entry> {
        match self.entry(id, registry).await? {
            Some(entry) => Ok(entry),
            None => Err(self.not_found(id, registry).await.into()),
        }
    }

    /// The fault for a skill that does not exist. Looking for its neighbours is a courtesy, so its failure is no error.
    async fn not_found(&self, id: &SkillId, registry: Option<&str>) -> Fault {
        let fault = Fault::new(codes::NOT_FOUND).at(id.to_string());
        let source = self.source(id, registry);
        let Some(api) = source.as_ref().ok().and_then(|source| source.api().ok()) else { return fault };
        let (sort, limit) = (search::Sort::Installs, Some(search::MAX_LIMIT));
        let request = search::Request { sort, limit, ..search::Request::default() };
        let hits = api.search(&request).await.map(|found| found.items).unwrap_or_default();
        let ids: Vec<String> = hits.iter().map(|hit| hit.id.to_string()).collect();
        let other_scope = hits.iter().find(|hit| hit.id.name == id.name).map(|hit| hit.id.to_string());
        match nearest(&id.to_string(), ids.iter().map(String::as_str)).map(str::to_owned).or(other_scope) {
            Some(near) => fault.detail(format!("did you mean {near}?")),
            None => fault,
        }
    }
}
