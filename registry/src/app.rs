//! The public router with what every request passes: a request id, a span, metrics, and problem bodies for every error.

use std::{panic::AssertUnwindSafe, time::Instant};

use axum::{
    Router,
    body::Body,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::Response,
};
use futures::FutureExt;
use skill_schema::{
    Code, Fault, codes,
    problem::{self, Problem},
};
use tracing::Instrument;

use crate::{
    error::{self, Error},
    ids, routes,
    state::AppState,
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
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = tracing::info_span!(
        "request",
        id = %id.to_str().unwrap_or_default(),
        %method,
        path = %request.uri().path(),
        user = tracing::field::Empty
    );
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = async {
        answer.await.unwrap_or_else(|_| {
            metrics::counter!("skill_panics_total").increment(1);
            error::answer(Problem::new(codes::INTERNAL, codes::INTERNAL.title), None)
        })
    }
    .instrument(span.clone())
    .await;
    let took = started.elapsed();
    count(route.as_ref(), &method, response.status(), took.as_secs_f64());
    span.in_scope(|| {
        let (status, ms) = (response.status().as_u16(), took.as_millis());
        if method == Method::GET || method == Method::HEAD {
            tracing::debug!(status, ms, "answered");
        } else {
            tracing::info!(status, ms, "answered");
        }
    });
    if response.status().is_client_error() || response.status().is_server_error() {
        write_problem(&mut response, &id);
    }
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(REQUEST_ID, id);
    response
}

fn count(route: Option<&MatchedPath>, method: &Method, status: StatusCode, seconds: f64) {
    // Paths of clients' own making are one class, so that they cannot fill the memory.
    let route = route.map_or_else(|| "none".to_owned(), |route| route.as_str().to_owned());
    let method = method_name(method);
    let status = status.as_u16().to_string();
    metrics::counter!("skill_requests_total", "route" => route.clone(), "method" => method, "status" => status)
        .increment(1);
    metrics::histogram!("skill_request_seconds", "route" => route).record(seconds);
}

fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "PUT" => "PUT",
        "POST" => "POST",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

/// The id that came with the request, if it can stand in a log line, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(&REQUEST_ID).filter(|id| {
        let bytes = id.as_bytes();
        (1..=64).contains(&bytes.len()) && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
    });
    let new = || HeaderValue::from_str(&ids::request_id()).unwrap_or_else(|_| HeaderValue::from_static("none"));
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
