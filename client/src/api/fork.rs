//! Families of skills, and proposals.

use reqwest::{Method, multipart};
use skill_schema::{
    SkillId,
    api::{lineage, proposal},
};

use super::{Api, MAX_JSON, Result, http, http::Body, http::Call, upload};
use crate::progress::Progress;

impl Api {
    /// `GET /api/skill/v1/skills/{scope}/{name}/lineage`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn lineage(&self, id: &SkillId) -> Result<lineage::Response> {
        self.get(&lineage::path(id)).await
    }

    /// `POST /api/skill/v1/skills/{scope}/{name}/proposals`. True if it is new, false if the same waits already.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn propose(
        &self,
        skill: &SkillId,
        meta: &proposal::Request,
        archive: &[u8],
        progress: &Progress,
    ) -> Result<(bool, proposal::Response)> {
        let (meta, archive) = (serde_json::to_string(meta)?, bytes::Bytes::copy_from_slice(archive));
        // A retry is safe: the same files from the same person are answered with what waits.
        let form = move || {
            progress.rewind(archive.len() as u64);
            multipart::Form::new().text("meta", meta.clone()).part("archive", upload::part(&archive, progress))
        };
        let path = proposal::skill_path(skill);
        let call = Call { method: Method::POST, path: &path, body: Body::Form(&form), retry: true };
        let (status, bytes) = self.http.send(&call, MAX_JSON).await?;
        Ok((status == reqwest::StatusCode::CREATED, http::decode(&bytes)?))
    }

    /// `GET /api/skill/v1/proposals`, or those of one skill.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn proposals(&self, skill: Option<&SkillId>, query: &proposal::Query) -> Result<proposal::List> {
        let path = skill.map_or_else(|| proposal::ROUTE.to_owned(), proposal::skill_path);
        self.get(&http::with_query(&path, query)?).await
    }

    /// `GET /api/skill/v1/proposals/{number}`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn proposal(&self, number: u64) -> Result<proposal::Response> {
        self.get(&proposal::path(number)).await
    }

    /// `GET /api/skill/v1/proposals/{number}/archive`, of at most `limit` bytes. The caller compares the digest.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn proposal_archive(&self, number: u64, limit: usize) -> Result<Vec<u8>> {
        self.bytes(&proposal::archive_path(number), limit).await
    }

    /// `PUT /api/skill/v1/proposals/{number}/state`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn close_proposal(&self, number: u64, change: &proposal::Change) -> Result<proposal::Response> {
        self.put_bytes(&proposal::state_path(number), &serde_json::to_vec(change)?).await
    }
}
