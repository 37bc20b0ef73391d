//! Request bodies, within a size, a deadline and a longest silence.

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use skill_schema::{Fault, codes};

use crate::{error::Error, limits::ServerLimits};

/// Refuses a body that says itself that it is too large, before any of it is read. Fails with `E_BODY_LIMIT`.
pub fn check_length(headers: &HeaderMap, limit: usize) -> Result<(), Error> {
    let Some(length) = headers.get(header::CONTENT_LENGTH) else { return Ok(()) };
    match length.to_str().ok().and_then(|text| text.parse::<u64>().ok()) {
        Some(length) if length <= limit as u64 => Ok(()),
        Some(length) => Err(too_large(&format!("{length} bytes"), limit)),
        None => Err(Fault::new(codes::BAD_REQUEST).at("Content-Length").into()),
    }
}

/// The error of a body or part over its limit.
pub fn too_large(what: &str, limit: usize) -> Error {
    Fault::new(codes::BODY_LIMIT).detail(format!("{what}; the limit is {limit}")).into()
}

/// Runs what reads a body within the time for the whole body. Fails with `E_BODY_TIMEOUT`.
pub async fn within<T>(limits: &ServerLimits, read: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = |_| Fault::new(codes::BODY_TIMEOUT).detail(format!("{} s for all of it", limits.body_time.as_secs()));
    tokio::time::timeout(limits.body_time, read).await.map_err(late)?
}

/// Waits for the next piece of a body, within the longest silence. Fails with `E_BODY_TIMEOUT`.
pub async fn next<T>(limits: &ServerLimits, piece: impl Future<Output = T>) -> Result<T, Error> {
    let late = |_| Fault::new(codes::BODY_TIMEOUT).detail(format!("nothing for {} s", limits.body_silence.as_secs()));
    Ok(tokio::time::timeout(limits.body_silence, piece).await.map_err(late)?)
}

/// Reads a whole small body. Fails with `E_BODY_LIMIT`, `E_BODY_TIMEOUT`, `E_BAD_REQUEST`.
pub async fn read(limits: &ServerLimits, headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Error> {
    check_length(headers, limit)?;
    within(limits, async {
        let mut stream = body.into_data_stream();
        let mut all = BytesMut::new();
        while let Some(piece) = next(limits, stream.next()).await? {
            let piece = piece.map_err(|e| Fault::new(codes::BAD_REQUEST).at("body").detail(e.to_string()))?;
            if all.len() + piece.len() > limit {
                return Err(too_large("the body", limit));
            }
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    })
    .await
}

/// Reads a body that must be JSON of this form. Fails also with `E_MEDIA_TYPE`.
pub async fn read_json<T: DeserializeOwned>(
    limits: &ServerLimits,
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<T, Error> {
    check_json(headers)?;
    let bytes = read(limits, headers, body, limit).await?;
    serde_json::from_slice(&bytes).map_err(|e| Fault::new(codes::BAD_REQUEST).at("body").detail(e.to_string()).into())
}

/// Fails with `E_MEDIA_TYPE` unless the body says that it is JSON.
pub fn check_json(headers: &HeaderMap) -> Result<(), Error> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Fault::new(codes::MEDIA_TYPE).detail("application/json is expected").into())
}
