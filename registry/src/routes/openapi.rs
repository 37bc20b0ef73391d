//! `GET /api/skill/v1/openapi.json`.

use std::sync::LazyLock;

use axum::{
    http::{HeaderMap, header},
    routing::get,
};
use bytes::Bytes;
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{http::fixed, openapi};

/// The route.
pub const ROUTE: &str = "/api/skill/v1/openapi.json";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: HttpMethod::Get,
        path: ROUTE,
        id: "openapi",
        summary: "This document.",
        access: Access::Anybody,
        request: Request::Nothing,
        query: &[],
        answers: &[(200, "the document", Answer::Bytes("application/json"))],
        handler: get(serve),
    }]
}

async fn serve() -> (HeaderMap, Bytes) {
    static DOCUMENT: LazyLock<Bytes> =
        LazyLock::new(|| Bytes::from(serde_json::to_vec_pretty(&openapi::document()).unwrap_or_default()));
    let headers = fixed([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")]);
    (headers, DOCUMENT.clone())
}
