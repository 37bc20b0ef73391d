//! `GET /log/checkpoint`, `GET /log/tile/{path}` and `GET /log/proof/{hash}`.

use axum::{
    body::Body,
    extract::{Path, Request as HttpRequest, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
    routing::get,
};
use bytes::Bytes;
use skill_bundle::{hash::sha256, log::tile::Tile};
use skill_schema::{
    Digest, Fault,
    api::{log, well_known::Auth},
    codes,
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{auth::Reader, error::Error, http::names_tag, state::AppState};

/// Media type of notes and proofs.
const TEXT: &str = "text/plain; charset=utf-8";
/// Media type of tiles.
const BYTES: &str = "application/octet-stream";
/// Seconds that a checkpoint may be kept: an older one than a client has seen looks like a rollback to it.
const CHECKPOINT_AGE: u32 = 5;
/// Seconds that a proof may be kept; it holds for ever, but later ones lead to later checkpoints.
const PROOF_AGE: u32 = 60;
/// Seconds of a year, for what never changes.
const FOR_EVER: u32 = 31_536_000;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let endpoint = |path, id, summary, answers, handler| Endpoint {
        method: HttpMethod::Get,
        path,
        id,
        summary,
        access: Access::Readers,
        request: Request::Nothing,
        query: &[],
        answers,
        handler,
    };
    vec![
        endpoint(
            log::CHECKPOINT_ROUTE,
            "log",
            "The log's signed size and root.",
            &[(200, "a signed note", Answer::Bytes("text/plain")), (304, "it has not changed", Answer::Nothing)],
            get(checkpoint),
        ),
        endpoint(
            log::TILE_ROUTE,
            "log_tile",
            "A tile of hashes or a bundle of entries of the log.",
            &[(200, "the file", Answer::Bytes(BYTES)), (304, "it has not changed: it never does", Answer::Nothing)],
            get(tile),
        ),
        endpoint(
            log::PROOF_ROUTE,
            "log_proof",
            "The proof that a leaf is in the log.",
            &[(200, "a C2SP tlog-proof", Answer::Bytes("text/plain"))],
            get(proof),
        ),
    ]
}

async fn checkpoint(State(app): State<AppState>, reader: Reader, headers: HeaderMap) -> Result<Response, Error> {
    reader.check_any()?;
    Ok(file(&app, &headers, app.log.published().text.clone(), TEXT, CHECKPOINT_AGE))
}

/// The path is taken as it stands: every tile has one spelling.
async fn tile(State(app): State<AppState>, reader: Reader, request: HttpRequest) -> Result<Response, Error> {
    reader.check_any()?;
    let path = request.uri().path().strip_prefix("/log/").unwrap_or_default();
    let tile: Tile =
        path.parse().map_err(|_| Fault::new(codes::NOT_FOUND).at("tile").detail("no tile has this path"))?;
    let bytes = app.log.tile(tile).await?.ok_or_else(|| Fault::new(codes::NOT_FOUND).at(path))?;
    Ok(file(&app, request.headers(), Bytes::from(bytes), BYTES, FOR_EVER))
}

async fn proof(
    State(app): State<AppState>,
    reader: Reader,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    reader.check_any()?;
    let unknown = || Fault::new(codes::NOT_FOUND).at("leaf");
    let hash: Digest = hash.parse().map_err(|_| unknown().detail("64 lower-case hex digits are expected"))?;
    let leaf = app.store.leaf_with_hash(&hash).await?.ok_or_else(unknown)?;
    let proof = app.log.proof(leaf).await?;
    Ok(file(&app, &headers, Bytes::from(proof.to_string()), TEXT, PROOF_AGE))
}

/// A file with a strong tag, or 304.
fn file(app: &AppState, request: &HeaderMap, bytes: Bytes, kind: &'static str, age: u32) -> Response {
    let tag = format!("\"{}\"", sha256(&bytes));
    let tag = HeaderValue::try_from(tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
    let known = names_tag(request, &tag);
    let mut response = Response::new(if known { Body::empty() } else { Body::from(bytes) });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let visibility = if app.config.policy.auth == Auth::Public { "public" } else { "private" };
    let immutable = if age == FOR_EVER { ", immutable" } else { "" };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    if let Ok(value) = HeaderValue::try_from(format!("{visibility}, max-age={age}{immutable}")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
