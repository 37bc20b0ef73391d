//! The registry's API: one method per operation of [`skill_schema::api`]. Nothing else in the client sends HTTP.

mod beside;
pub mod download;
mod fork;
mod http;
mod ping;
mod sealed;
mod upload;

use reqwest::{Method, multipart};
use serde::de::DeserializeOwned;
use skill_bundle::{log::tile::Tile, note::MAX_NOTE};
use skill_schema::{
    Digest, Scope, SkillId, Version,
    api::{
        blob, deprecate, eval, index, info, leaderboard, log, owner, publish, quarantine, scope, search, suite, token,
        well_known, whoami, yank,
    },
    problem::Problem,
};

use crate::{
    config::{Registry, credentials::Token},
    context::Context,
    progress::Progress,
};
pub use beside::{Beside, Evidence, Release};
pub use http::Http;
use http::{Body, Call};
pub use ping::Pong;
pub use sealed::SuiteArchives;

/// The registry said no, and why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.detail)]
pub struct Refused(pub Box<Problem>);

/// The client for one registry. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Api {
    http: Http,
}

/// An answer that may be unchanged since it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// The content that the caller has is still current.
    Unchanged,
    /// New content, and the strong validator to send next time.
    New {
        /// The bytes.
        bytes: Vec<u8>,
        /// The `ETag`.
        etag: Option<String>,
    },
}

/// Bytes of a JSON answer.
const MAX_JSON: usize = 16 * 1024 * 1024;
/// Bytes of an index file or of a scope's chain: some hundred thousand lines.
const MAX_INDEX: usize = 64 * 1024 * 1024;

type Result<T> = anyhow::Result<T>;

impl Api {
    /// A client for a registry, with the token to send to it.
    ///
    /// # Errors
    /// [`skill_schema::codes::CONFIG`] if the configured certificates cannot be read.
    pub fn new(
        context: &Context,
        registry: &Registry,
        token: Option<Token>,
    ) -> std::result::Result<Self, skill_schema::Fault> {
        Ok(Self { http: Http::new(context, registry.url.clone(), token)? })
    }

    /// The sender underneath, for downloads.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// `GET /.well-known/skill-registry`.
    ///
    /// # Errors
    /// Network faults and [`Refused`], as for all methods here.
    pub async fn well_known(&self) -> Result<well_known::Response> {
        self.get(well_known::ROUTE).await
    }

    /// `GET /index/{scope}/{name}`, unless it is still the one with this `ETag`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn index(&self, id: &SkillId, etag: Option<&str>) -> Result<Fetched> {
        self.http.fetch(&index::path(id), etag, MAX_INDEX).await
    }

    /// `GET /index/{scope}`, unless it is still the one with this `ETag`. `scope` may be the operator's.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn chain(&self, scope: &str, etag: Option<&str>) -> Result<Fetched> {
        self.http.fetch(&format!("/index/{scope}"), etag, MAX_INDEX).await
    }

    /// `GET /log/checkpoint`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn checkpoint(&self) -> Result<Vec<u8>> {
        self.bytes(log::CHECKPOINT_ROUTE, MAX_NOTE).await
    }

    /// `GET /log/tile/…`: a tile of hashes or a bundle of entries, of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn tile(&self, tile: Tile, limit: usize) -> Result<Vec<u8>> {
        self.bytes(&log::tile_path(&tile), limit).await
    }

    /// `GET /blob/sha256/{hex}` of at most `limit` bytes. The caller compares the digest.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn blob(&self, digest: &Digest, limit: usize) -> Result<Vec<u8>> {
        self.bytes(&blob::path(digest), limit).await
    }

    /// `PUT /api/skill/v1/skills/{scope}/{name}/{version}/quarantine`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn quarantine(
        &self,
        id: &SkillId,
        version: &Version,
        request: &quarantine::Request,
    ) -> Result<quarantine::Response> {
        self.put_bytes(&quarantine::path(id, version), &serde_json::to_vec(request)?).await
    }

    /// `GET /api/skill/v1/search`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn search(&self, request: &search::Request) -> Result<search::Response> {
        self.get(&http::with_query(search::ROUTE, request)?).await
    }

    /// `GET /api/skill/v1/leaderboard`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn leaderboard(&self, request: &leaderboard::Request) -> Result<leaderboard::Response> {
        self.get(&http::with_query(leaderboard::ROUTE, request)?).await
    }

    /// `GET /api/skill/v1/skills/{scope}/{name}`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn info(&self, id: &SkillId) -> Result<info::Response> {
        self.get(&info::path(id)).await
    }

    /// `PUT /api/skill/v1/skills/{scope}/{name}/{version}`. True if it is new, false if the same was published before.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn publish(
        &self,
        id: &SkillId,
        version: &Version,
        Release { meta, statement, archive, beside }: Release<'_>,
        progress: &Progress,
    ) -> Result<(bool, publish::Response)> {
        let meta = serde_json::to_string(meta)?;
        let (statement, archive) = (bytes::Bytes::copy_from_slice(statement), bytes::Bytes::copy_from_slice(archive));
        // A retry is safe: the same version with the same content is answered with what was stored.
        let form = move || {
            progress.rewind(archive.len() as u64);
            let form = multipart::Form::new()
                .text("meta", meta.clone())
                .part("statement", multipart::Part::stream(statement.clone()))
                .part("archive", upload::part(&archive, progress));
            beside.add_to(form)
        };
        let call =
            Call { method: Method::PUT, path: &publish::path(id, version), body: Body::Form(&form), retry: true };
        let (status, bytes) = self.http.send(&call, MAX_JSON).await?;
        Ok((status == reqwest::StatusCode::CREATED, http::decode(&bytes)?))
    }

    /// `PUT /api/skill/v1/suites/{scope}/{name}/{version}` with a signed suite statement and what its state asks for.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn publish_suite(
        &self,
        id: &SkillId,
        version: &Version,
        statement: &[u8],
        archives: &SuiteArchives,
    ) -> Result<suite::Response> {
        let statement = bytes::Bytes::copy_from_slice(statement);
        let form = move || {
            archives.add_to(multipart::Form::new().part("statement", multipart::Part::stream(statement.clone())))
        };
        self.call(Method::PUT, &suite::path(id, version), Body::Form(&form), true).await
    }

    /// `GET /api/skill/v1/suites/{digest}`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn suite(&self, digest: &Digest) -> Result<suite::Info> {
        self.get(&suite::info_path(digest)).await
    }

    /// `POST /api/skill/v1/evals` with a signed attempt. Repeated, it is the same attempt.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn attempt(&self, envelope: &[u8]) -> Result<eval::Attempt> {
        self.call(Method::POST, eval::ROUTE, Body::Json(envelope), true).await
    }

    /// `POST /api/skill/v1/evals/{attempt}` with a signed result. Repeated, it is the same result.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn eval_result(&self, attempt: &Digest, statement: &[u8], evidence: &Evidence) -> Result<eval::Ended> {
        let statement = bytes::Bytes::copy_from_slice(statement);
        let form = move || {
            let form = multipart::Form::new().part("statement", multipart::Part::stream(statement.clone()));
            evidence.add_to(form)
        };
        self.call(Method::POST, &eval::result_path(attempt), Body::Form(&form), true).await
    }

    /// `GET /api/skill/v1/skills/{scope}/{name}/evals`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn evals(&self, id: &SkillId) -> Result<eval::List> {
        self.get(&eval::list_path(id)).await
    }

    /// `PUT /api/skill/v1/skills/{scope}/{name}/{version}/status` with a signed status statement.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn yank(&self, id: &SkillId, version: &Version, envelope: &[u8]) -> Result<yank::Response> {
        self.put_bytes(&yank::path(id, version), envelope).await
    }

    /// `PUT /api/skill/v1/skills/{scope}/{name}/deprecation`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn deprecate(&self, id: &SkillId, request: &deprecate::Request) -> Result<deprecate::Response> {
        self.put_bytes(&deprecate::path(id), &serde_json::to_vec(request)?).await
    }

    /// `PUT /api/skill/v1/scopes/{scope}` with a signed scope statement.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn scope(&self, scope: &Scope, envelope: &[u8]) -> Result<scope::Response> {
        self.put_bytes(&scope::path(scope), envelope).await
    }

    /// `GET /api/skill/v1/scopes/{scope}/owners`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn owners(&self, scope: &Scope) -> Result<owner::Response> {
        self.get(&owner::path(scope)).await
    }

    /// `PUT /api/skill/v1/scopes/{scope}/owners/{user}`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn add_owner(&self, scope: &Scope, user: &Scope) -> Result<owner::Response> {
        self.call(Method::PUT, &owner::user_path(scope, user), Body::Empty, true).await
    }

    /// `DELETE /api/skill/v1/scopes/{scope}/owners/{user}`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn remove_owner(&self, scope: &Scope, user: &Scope) -> Result<owner::Response> {
        self.call(Method::DELETE, &owner::user_path(scope, user), Body::Empty, false).await
    }

    /// `GET /api/skill/v1/tokens`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn tokens(&self) -> Result<token::Response> {
        self.get(token::ROUTE).await
    }

    /// `POST /api/skill/v1/tokens`. Not repeated after a failure: each call makes a token.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn create_token(&self, request: &token::Request) -> Result<token::Created> {
        let json = serde_json::to_vec(request)?;
        self.call(Method::POST, token::ROUTE, Body::Json(&json), false).await
    }

    /// `DELETE /api/skill/v1/tokens/{id}`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn revoke_token(&self, id: &str) -> Result<()> {
        let call = Call { method: Method::DELETE, path: &token::id_path(id), body: Body::Empty, retry: false };
        self.http.send(&call, MAX_JSON).await.map(drop)
    }

    /// `GET /api/skill/v1/whoami`.
    ///
    /// # Errors
    /// As [`Self::well_known`].
    pub async fn whoami(&self) -> Result<whoami::Response> {
        self.get(whoami::ROUTE).await
    }

    async fn bytes(&self, path: &str, limit: usize) -> Result<Vec<u8>> {
        match self.http.fetch(path, None, limit).await? {
            Fetched::New { bytes, .. } => Ok(bytes),
            Fetched::Unchanged => Err(http::unexpected("an answer without content").into()),
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.call(Method::GET, path, Body::Empty, true).await
    }

    /// Our PUTs name what they write by version, sequence number or key, so that a repeated one changes nothing more.
    async fn put_bytes<T: DeserializeOwned>(&self, path: &str, json: &[u8]) -> Result<T> {
        self.call(Method::PUT, path, Body::Json(json), true).await
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: Body<'_>, retry: bool) -> Result<T> {
        let (_, bytes) = self.http.send(&Call { method, path, body, retry }, MAX_JSON).await?;
        Ok(http::decode(&bytes)?)
    }
}
