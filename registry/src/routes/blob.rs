//! `GET /blob/sha256/{hex}`.

use std::io::SeekFrom;

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
    routing::get,
};
use skill_schema::{
    Digest, Fault,
    api::{blob, well_known::Auth},
    codes,
};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{
    auth::Reader,
    blobs::Blob,
    error::{self, Error, blocking},
    http::{Asked, asked, fixed, names_tag},
    state::AppState,
};

/// Media type of archives.
const ARCHIVE: &str = "application/vnd.skill.archive.v1+gzip";
/// Media type of envelopes.
const ENVELOPE: &str = "application/json";
/// Bytes read from a file at a time.
const PIECE: usize = 64 * 1024;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: HttpMethod::Get,
        path: blob::ROUTE,
        id: "blob",
        summary: "An archive or an envelope by its SHA-256; takes ranges.",
        access: Access::Readers,
        request: Request::Nothing,
        query: &[],
        answers: &[
            (200, "the bytes", Answer::Bytes("application/octet-stream")),
            (206, "the range of the bytes that was asked for", Answer::Bytes("application/octet-stream")),
            (304, "it has not changed: it never does", Answer::Nothing),
        ],
        handler: get(serve),
    }]
}

async fn serve(
    State(app): State<AppState>,
    reader: Reader,
    method: Method,
    Path(hex): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    reader.check_any()?;
    let unknown = || Fault::new(codes::NOT_FOUND).at("blob");
    let digest: Digest = hex.parse().map_err(|_| unknown().detail("64 lower-case hex digits are expected"))?;
    let blob = match app.blobs.cached(&digest) {
        Some(bytes) => Blob::Small(bytes),
        None => open(&app, digest).await?.ok_or_else(unknown)?,
    };
    let tag = HeaderValue::from_str(&format!("\"{hex}\"")).map_err(|_| unknown())?;
    let mut response = if names_tag(&headers, &tag) {
        with_status(StatusCode::NOT_MODIFIED)
    } else {
        let asked = asked(&headers, blob.len(), &tag);
        let from_start = matches!(asked, Asked::Whole | Asked::Part(0, _));
        if method == Method::GET && from_start {
            app.usage.downloaded(digest);
        }
        content(blob, asked, method == Method::HEAD).await?
    };
    let out = response.headers_mut();
    out.insert(header::ETAG, tag);
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(match app.config.policy.auth {
            Auth::Public => "public, max-age=31536000, immutable",
            Auth::Required => "private, max-age=31536000, immutable",
        }),
    );
    Ok(response)
}

/// Statements are in the database, everything else is a file.
async fn open(app: &AppState, digest: Digest) -> Result<Option<Blob>, Error> {
    let blobs = app.blobs.clone();
    if let Some(blob) = blocking(move || blobs.open_blob(&digest)).await? {
        return Ok(Some(blob));
    }
    let envelope = app.store.envelope(&digest).await?;
    Ok(envelope.map(|envelope| Blob::Small(app.blobs.remember(digest, envelope.into()))))
}

fn with_status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// The part that was asked for. For `HEAD`, no file is read.
async fn content(blob: Blob, asked: Asked, head: bool) -> Result<Response, Error> {
    let length = blob.len();
    let (status, first, last) = match asked {
        Asked::Whole => (StatusCode::OK, 0, length.saturating_sub(1)),
        Asked::Part(first, last) => (StatusCode::PARTIAL_CONTENT, first, last),
        Asked::Outside => {
            let problem = Error::from(Fault::new(codes::RANGE).detail(format!("it has {length} bytes"))).problem();
            let mut response = error::answer(problem, None);
            insert(&mut response, header::CONTENT_RANGE, format!("bytes */{length}"));
            return Ok(response);
        }
    };
    let count = if length == 0 { 0 } else { last - first + 1 };
    let (kind, body) = match blob {
        Blob::Small(bytes) => {
            let kind = if bytes.starts_with(b"\x1f\x8b") { ARCHIVE } else { ENVELOPE };
            let (from, to) = (usize::try_from(first).unwrap_or(0), usize::try_from(first + count).unwrap_or(0));
            (kind, Body::from(bytes.slice(from..to)))
        }
        Blob::Large(..) if head => (ARCHIVE, Body::empty()),
        Blob::Large(file, _) => {
            let mut file = tokio::fs::File::from_std(file);
            file.seek(SeekFrom::Start(first)).await.map_err(Error::io("blob"))?;
            (ARCHIVE, Body::from_stream(ReaderStream::with_capacity(file.take(count), PIECE)))
        }
    };
    let mut response = with_status(status);
    *response.body_mut() = body;
    response.headers_mut().extend(fixed([(header::CONTENT_TYPE, kind), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")]));
    insert(&mut response, header::CONTENT_LENGTH, count.to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        insert(&mut response, header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"));
    }
    Ok(response)
}

fn insert(response: &mut Response, name: header::HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}
