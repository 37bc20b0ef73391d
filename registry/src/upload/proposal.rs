//! Receiving a proposal: `multipart/form-data` with `meta`, `archive` in this order, under the bounds of a publish request.

use axum::extract::{FromRequest, Multipart, Request};
use skill_schema::{Digest, Limits, api::proposal};

use super::{bad, broken, part, read, save};
use crate::{
    blobs::{Blobs, Received},
    body::{next, within},
    error::Error,
    limits::{MULTIPART_OVERHEAD, ServerLimits},
};

/// What was received. Nothing of it is checked yet.
#[derive(Debug)]
pub struct Proposal {
    /// The `meta` part.
    pub meta: proposal::Request,
    /// The `archive` part.
    pub archive: Received,
    /// SHA-256 of the archive.
    pub digest: Digest,
}

/// Bytes that a whole request can have.
pub fn limit(packages: &Limits) -> usize {
    proposal::MAX_META + packages.archive + MULTIPART_OVERHEAD
}

/// Receives a proposal.
pub async fn receive(
    request: Request,
    blobs: &Blobs,
    limits: &ServerLimits,
    packages: &Limits,
) -> Result<Proposal, Error> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|e| bad(&e.body_text()))?;
    within(limits, async {
        let meta = read(part(&mut form, "meta", limits).await?, "meta", proposal::MAX_META, limits).await?;
        let meta = serde_json::from_slice(&meta).map_err(|e| bad(&format!("meta: {e}")))?;
        let archive = part(&mut form, "archive", limits).await?;
        let (archive, digest) = save(archive, blobs, packages.archive, limits).await?;
        match next(limits, form.next_field()).await?.map_err(|e| broken(&e))? {
            None => Ok(Proposal { meta, archive, digest }),
            Some(field) => Err(bad(&format!("nothing is expected after archive, and there is {:?}", field.name()))),
        }
    })
    .await
}
