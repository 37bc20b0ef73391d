//! `GET /api/skill/v1/search`.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};
use skill_schema::{Fault, api::search, codes};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{auth::Reader, error::Error, state::AppState};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: HttpMethod::Get,
        path: search::ROUTE,
        id: "search",
        summary: "Full-text search over names, keywords, descriptions and readmes.",
        access: Access::Readers,
        request: Request::Nothing,
        query: &[
            ("q", "words; empty lists everything"),
            ("sort", "relevance, recent, installs, uplift or score"),
            ("limit", "results, at most 100"),
            ("offset", "results to skip, at most 1000"),
        ],
        answers: &[(200, "a page of results", Answer::Json("Page"))],
        handler: get(serve),
    }]
}

async fn serve(
    State(app): State<AppState>,
    reader: Reader,
    query: Result<Query<search::Request>, QueryRejection>,
) -> Result<Json<search::Response>, Error> {
    // Results are from all scopes.
    reader.check("")?;
    let bad = |place: &str, detail: String| Fault::new(codes::BAD_REQUEST).at(place).detail(detail);
    let Query(wanted) = query.map_err(|e| bad("query", e.body_text()))?;
    if wanted.q.chars().count() > search::MAX_QUERY {
        return Err(bad("q", format!("at most {} characters", search::MAX_QUERY)).into());
    }
    let limit = wanted.limit.unwrap_or(search::DEFAULT_LIMIT).min(search::MAX_LIMIT);
    let offset = wanted.offset.unwrap_or(0);
    if offset > search::MAX_OFFSET {
        return Err(bad("offset", format!("at most {}", search::MAX_OFFSET)).into());
    }
    Ok(Json(app.store.search(&wanted.q, wanted.sort, limit, offset).await?))
}
