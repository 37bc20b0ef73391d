//! `GET /api/skill/v1/leaderboard`.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};
use skill_schema::{Fault, api::leaderboard, codes};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{auth::Reader, error::Error, state::AppState};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: HttpMethod::Get,
        path: leaderboard::ROUTE,
        id: "leaderboard",
        summary: "Skills by their scores: verified ones first, means only under one score key.",
        access: Access::Readers,
        request: Request::Nothing,
        query: &[
            ("sort", "uplift or mean"),
            ("model", "only what was measured with the model of this name"),
            ("limit", "skills a group, at most 100"),
        ],
        answers: &[(200, "the leaderboard", Answer::Json("Leaderboard"))],
        handler: get(serve),
    }]
}

async fn serve(
    State(app): State<AppState>,
    reader: Reader,
    query: Result<Query<leaderboard::Request>, QueryRejection>,
) -> Result<Json<leaderboard::Response>, Error> {
    // It is of all scopes.
    reader.check("")?;
    let bad = |place: &str, detail: String| Fault::new(codes::BAD_REQUEST).at(place).detail(detail);
    let Query(wanted) = query.map_err(|e| bad("query", e.body_text()))?;
    let model = wanted.model.as_deref().filter(|model| !model.is_empty());
    if model.is_some_and(|model| model.chars().count() > leaderboard::MAX_MODEL) {
        return Err(bad("model", format!("at most {} characters", leaderboard::MAX_MODEL)).into());
    }
    let limit = wanted.limit.unwrap_or(leaderboard::DEFAULT_LIMIT).min(leaderboard::MAX_LIMIT);
    let groups = match wanted.sort {
        leaderboard::Sort::Uplift => app.store.board_by_uplift(model, limit).await?,
        leaderboard::Sort::Mean => app.store.board_by_mean(model, limit).await?,
    };
    Ok(Json(leaderboard::Response { sort: wanted.sort, groups }))
}
