//! `GET /snapshot/{size}`.

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::Response,
    routing::get,
};
use skill_bundle::log::parse_number;
use skill_schema::{Fault, api::snapshot, codes, index::MEDIA_TYPE};
use tokio_util::io::ReaderStream;
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{
    auth::Reader,
    blobs::Blob,
    error::{Error, blocking},
    http::fixed,
    state::AppState,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: HttpMethod::Get,
        path: snapshot::ROUTE,
        id: "snapshot",
        summary: "What the registry offered at a size of its log.",
        access: Access::Readers,
        request: Request::Nothing,
        query: &[],
        answers: &[(200, "a line of JSON per skill", Answer::Bytes(MEDIA_TYPE))],
        handler: get(serve),
    }]
}

async fn serve(State(app): State<AppState>, reader: Reader, Path(size): Path<String>) -> Result<Response, Error> {
    reader.check_any()?;
    let unknown = || Fault::new(codes::NOT_FOUND).at("snapshot").detail("there is none of this size");
    let size = parse_number(&size).ok_or_else(unknown)?;
    let digest = app.store.snapshot(size).await?.ok_or_else(unknown)?;
    app.log.covered(size).await?;
    let blobs = app.blobs.clone();
    let blob = blocking(move || blobs.open_blob(&digest)).await?;
    let body = match blob.ok_or_else(|| Error::Damaged(format!("snapshot {size} is missing")))? {
        Blob::Small(bytes) => Body::from(bytes),
        Blob::Large(file, _) => Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file))),
    };
    let mut response = Response::new(body);
    response.headers_mut().extend(fixed([
        (header::CONTENT_TYPE, MEDIA_TYPE),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]));
    if let Ok(tag) = HeaderValue::try_from(format!("\"{digest}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}
