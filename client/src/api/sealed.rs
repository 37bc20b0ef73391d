//! What publishers and verifiers of sealed suites send.

use bytes::Bytes;
use reqwest::{Method, multipart};
use skill_schema::{
    Digest, Limits,
    api::{eval, job, worker},
};

use super::{
    Api, Evidence, MAX_JSON, Result,
    http::{Body, Call},
};

/// The archives of a suite, as many as its state asks for.
#[derive(Debug, Clone, Default)]
pub struct SuiteArchives {
    /// What everybody gets.
    pub archive: Option<Bytes>,
    /// The whole suite, for verifiers.
    pub sealed: Option<Bytes>,
}

impl SuiteArchives {
    pub(super) fn add_to(&self, form: multipart::Form) -> multipart::Form {
        let add = |form: multipart::Form, name: &'static str, bytes: &Option<Bytes>| match bytes {
            Some(bytes) => form.part(name, multipart::Part::stream(bytes.clone())),
            None => form,
        };
        add(add(form, "archive", &self.archive), "sealed", &self.sealed)
    }
}

impl Api {
    /// `POST /api/skill/v1/jobs` with a signed attempt and the candidate. Repeated, it is the same job.
    ///
    /// # Errors
    /// As [`Api::well_known`].
    pub async fn queue(&self, statement: &[u8], meta: job::Meta, archive: &[u8]) -> Result<eval::Attempt> {
        let (statement, archive) = (Bytes::copy_from_slice(statement), Bytes::copy_from_slice(archive));
        let meta = serde_json::to_string(&meta)?;
        let form = move || {
            multipart::Form::new()
                .part("statement", multipart::Part::stream(statement.clone()))
                .text("meta", meta.clone())
                .part("archive", multipart::Part::stream(archive.clone()))
        };
        self.call(Method::POST, job::ROUTE, Body::Form(&form), true).await
    }

    /// `GET /api/skill/v1/suites/{digest}/evals`.
    ///
    /// # Errors
    /// As [`Api::well_known`].
    pub async fn suite_evals(&self, suite: &Digest) -> Result<eval::List> {
        self.get(&eval::suite_path(suite)).await
    }

    /// `GET /api/skill/v1/jobs/{attempt}`.
    ///
    /// # Errors
    /// As [`Api::well_known`].
    pub async fn job(&self, attempt: &Digest) -> Result<job::Job> {
        self.get(&job::path(attempt)).await
    }

    /// `POST /api/skill/v1/leases`. Not repeated after a failure: each call may claim a job.
    ///
    /// # Errors
    /// As [`Api::well_known`].
    pub async fn claim(&self, claim: &worker::Claim) -> Result<Option<worker::Lease>> {
        let json = serde_json::to_vec(claim)?;
        let answer: worker::Answer = self.call(Method::POST, worker::ROUTE, Body::Json(&json), false).await?;
        Ok(answer.lease)
    }

    /// `POST /api/skill/v1/leases/{lease}`.
    ///
    /// # Errors
    /// As [`Api::well_known`].
    pub async fn beat(&self, lease: &Digest, beat: &worker::Beat) -> Result<worker::Held> {
        let json = serde_json::to_vec(beat)?;
        self.call(Method::POST, &worker::path(lease), Body::Json(&json), true).await
    }

    /// `DELETE /api/skill/v1/leases/{lease}`.
    ///
    /// # Errors
    /// As [`Api::well_known`].
    pub async fn release_lease(&self, lease: &Digest) -> Result<()> {
        let call = Call { method: Method::DELETE, path: &worker::path(lease), body: Body::Empty, retry: true };
        self.http.send(&call, MAX_JSON).await.map(drop)
    }

    /// `GET /api/skill/v1/leases/{lease}/suite` or `…/candidate`.
    ///
    /// # Errors
    /// As [`Api::well_known`].
    pub async fn leased(&self, lease: &Digest, part: &str) -> Result<Vec<u8>> {
        self.bytes(&worker::part_path(lease, part), Limits::V1.archive).await
    }

    /// `PUT /api/skill/v1/leases/{lease}/result`. Repeated, it is the same result.
    ///
    /// # Errors
    /// As [`Api::well_known`].
    pub async fn verified(&self, lease: &Digest, statement: &[u8], record: &[u8]) -> Result<eval::Ended> {
        let (statement, record) = (Bytes::copy_from_slice(statement), Bytes::copy_from_slice(record));
        let form = move || {
            multipart::Form::new()
                .part("statement", multipart::Part::stream(statement.clone()))
                .part("record", multipart::Part::stream(record.clone()))
        };
        self.call(Method::PUT, &worker::result_path(lease), Body::Form(&form), true).await
    }
}

impl Evidence {
    /// Bytes of a record that are fetched at most: as many as a registry takes.
    pub const MAX_RECORD: usize = eval::MAX_RECORD;
}
