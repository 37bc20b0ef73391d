//! `GET /metrics`, on the operator's listener only.

use axum::{
    Router,
    http::{HeaderMap, header},
    routing::get,
};

use super::health;
use crate::{http::fixed, state::AppState, telemetry};

/// The router of the operator's listener.
pub fn router() -> Router<AppState> {
    let health = health::endpoints().into_iter();
    health.fold(Router::new().route("/metrics", get(serve)), |router, endpoint| {
        router.route(endpoint.path, endpoint.handler)
    })
}

async fn serve() -> (HeaderMap, String) {
    (fixed([(header::CONTENT_TYPE, "text/plain; version=0.0.4")]), telemetry::metrics().render())
}
