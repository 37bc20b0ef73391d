//! The public router with what every request passes: a request id, a span, metrics, and problem bodies for every error.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use skill_schema::{
    Code, Fault, codes,
    problem::{self, Problem},
};
use tracing::{Instrument, field};

use crate::{
    error::{Cause, Error},
    ids,
    linger::Lingering,
    routes,
    state::AppState,
    traffic,
};

/// Finds a request in the log; taken from the client or a proxy if it is well-formed.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The service of the public listener.
pub fn router(state: AppState) -> Router {
    finish(routes::router()).with_state(state)
}

/// The service of the operator's listener.
pub fn admin_router(state: AppState) -> Router {
    finish(routes::metrics::router()).with_state(state)
}

fn finish(router: Router<AppState>) -> Router<AppState> {
    router
        .fallback(async || Error::from(Fault::new(codes::NOT_FOUND).detail("there is no such address")))
        .layer(middleware::from_fn(observe))
}

/// Runs a request: counts it, logs it, and makes sure that its answer has an id and, if it is an error, a problem as its body.
async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let uri = request.uri().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let name = id.to_str().unwrap_or_default();
    // Reads are many: they get a span only where somebody wants to see them.
    let span = if method.is_safe() {
        tracing::debug_span!("request", id = name, user = field::Empty)
    } else {
        tracing::info_span!("request", id = name, user = field::Empty)
    };
    let request = request.map(Lingering::wrap);
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone());
    let mut response = answer.await.unwrap_or_else(|_| {
        metrics::counter!("skill_panics_total").increment(1);
        Error::Damaged("a panic".to_owned()).into_response()
    });
    let took = started.elapsed();
    traffic::count(route.as_ref().map_or("none", MatchedPath::as_str), &method, response.status(), took);
    span.in_scope(|| log(&method, uri.path(), name, &response, took));
    if response.status().is_client_error() || response.status().is_server_error() {
        write_problem(&mut response, &id);
    }
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(REQUEST_ID, id);
    response
}

/// One line a request: a failure of ours always, a write as information, a read for those who debug.
fn log(method: &Method, path: &str, id: &str, response: &Response, took: Duration) {
    let (status, ms) = (response.status().as_u16(), took.as_millis());
    let cause = response.extensions().get::<Cause>().map(|cause| cause.0.as_str());
    if response.status().is_server_error() {
        tracing::error!(%method, path, status, ms, id, cause, "failed");
    } else if method.is_safe() {
        tracing::debug!(%method, path, status, ms, cause, "answered");
    } else {
        tracing::info!(%method, path, status, ms, cause, "answered");
    }
}

/// The id that came with the request, if it can stand in a log line, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(&REQUEST_ID).filter(|id| {
        let bytes = id.as_bytes();
        (1..=64).contains(&bytes.len()) && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
    });
    let new = || HeaderValue::try_from(ids::request_id()).unwrap_or_else(|_| HeaderValue::from_static("none"));
    given.cloned().unwrap_or_else(new)
}

/// Writes the problem of an error as its body. What the framework answered by itself (a method that does not exist here, a body that
/// was too large) gets one by its status.
fn write_problem(response: &mut Response, id: &HeaderValue) {
    let status = response.status();
    let problem = response.extensions_mut().remove::<Problem>().unwrap_or_else(|| {
        let code = code_of(status);
        Problem { status: status.as_u16(), ..Problem::new(code, code.title) }
    });
    let problem = Problem { request_id: id.to_str().ok().map(str::to_owned), ..problem };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE));
    *response.body_mut() = Body::from(body);
}

fn code_of(status: StatusCode) -> &'static Code {
    match status {
        StatusCode::NOT_FOUND => codes::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED => codes::METHOD,
        StatusCode::PAYLOAD_TOO_LARGE => codes::BODY_LIMIT,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => codes::MEDIA_TYPE,
        StatusCode::REQUEST_TIMEOUT => codes::BODY_TIMEOUT,
        status if status.is_client_error() => codes::BAD_REQUEST,
        _ => codes::INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_request_ids_that_can_stand_in_a_log_are_taken() {
        let with = |id: &str| HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_bytes(id.as_bytes()).unwrap())]);
        assert_eq!(request_id(&with("a-B_9.x")), "a-B_9.x");
        for bad in ["", "a b", "a\u{9}b", "ü", &"a".repeat(65)] {
            assert_eq!(request_id(&with(bad)).len(), 32, "{bad}");
        }
    }
}
