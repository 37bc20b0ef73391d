//! `GET /index/{scope}/{name}` and `GET /index/{scope}`.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request as HttpRequest, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
    routing::get,
};
use skill_schema::{
    Fault, Scope, SkillId,
    api::{index, well_known::Auth},
    codes,
    index::{MEDIA_TYPE, render_chain},
    name::{EVALS, OPERATOR},
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{
    auth::Reader,
    error::Error,
    http::{names_tag, takes_gzip},
    index_cache::Entry,
    state::AppState,
};

const ANSWERS: &[(u16, &str, Answer)] =
    &[(200, "the file", Answer::Bytes(MEDIA_TYPE)), (304, "it has not changed", Answer::Nothing)];

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint {
            method: HttpMethod::Get,
            path: index::ROUTE,
            id: "index",
            summary: "The index of a skill: a header line and a line per version.",
            access: Access::Readers,
            request: Request::Nothing,
            query: &[],
            answers: ANSWERS,
            handler: get(skill),
        },
        Endpoint {
            method: HttpMethod::Get,
            path: index::CHAIN_ROUTE,
            id: "index_chain",
            summary: "The chain of statements of a scope.",
            access: Access::Readers,
            request: Request::Nothing,
            query: &[],
            answers: ANSWERS,
            handler: get(chain),
        },
    ]
}

/// Names need no percent-encoding, so the path is taken as it is: `%2f` is not a slash here.
async fn skill(State(app): State<AppState>, reader: Reader, request: HttpRequest) -> Result<Response, Error> {
    let headers = request.headers();
    let key = request.uri().path().strip_prefix("/index/").unwrap_or_default();
    reader.check(key)?;
    if let Some(entry) = app.index_cache.get(key) {
        return Ok(answer(&app, &entry, headers));
    }
    let id: SkillId = key.parse()?;
    let file = app.store.index(&id).await?.ok_or_else(|| Fault::new(codes::NOT_FOUND).at(key))?;
    app.log.covered(file.log).await?;
    let entry = app.index_cache.put(key, Entry::new(file.text, &file.sha256, file.revision));
    Ok(answer(&app, &entry, headers))
}

async fn chain(State(app): State<AppState>, reader: Reader, request: HttpRequest) -> Result<Response, Error> {
    let headers = request.headers();
    let key = request.uri().path().strip_prefix("/index/").unwrap_or_default();
    reader.check_any()?;
    if let Some(entry) = app.index_cache.get(key) {
        return Ok(answer(&app, &entry, headers));
    }
    // What the registry itself counts is there from the beginning, empty or not.
    let is_own = key == OPERATOR || key == EVALS;
    if !is_own {
        key.parse::<Scope>()?;
    }
    let lines = app.store.chain(key).await?;
    if lines.is_empty() && !is_own {
        return Err(Fault::new(codes::SCOPE_UNKNOWN).at(key).into());
    }
    if let Some(last) = lines.last() {
        app.log.covered(last.log).await?;
    }
    let revision = lines.last().map_or(0, |line| i64::try_from(line.seq).unwrap_or(i64::MAX));
    let entry = app.index_cache.put(key, Entry::hashed(render_chain(&lines), revision));
    Ok(answer(&app, &entry, headers))
}

/// The file in the form that the client takes, or 304.
fn answer(app: &AppState, entry: &Arc<Entry>, request: &HeaderMap) -> Response {
    let gzip = if takes_gzip(request) { entry.gzip() } else { None };
    let (body, tag) = match gzip {
        Some(gzip) => (gzip, &entry.gzip_etag),
        None => (&entry.plain, &entry.etag),
    };
    // What the client has may be in the other form; it is the same file all the same.
    let known = [tag, &entry.etag, &entry.gzip_etag].into_iter().find(|tag| names_tag(request, tag));
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.reserve(8);
    headers.insert(header::ETAG, known.unwrap_or(tag).clone());
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CACHE_CONTROL, cache_control(app));
    if known.is_some() {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if gzip.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    *response.body_mut() = Body::from(body.clone());
    response
}

fn cache_control(app: &AppState) -> HeaderValue {
    HeaderValue::from_static(match app.config.policy.auth {
        Auth::Public => "public, max-age=60, stale-while-revalidate=600",
        Auth::Required => "private, max-age=60",
    })
}
