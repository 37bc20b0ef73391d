//! `GET /api/skill/v1/skills/{scope}/{name}`.

use axum::{
    Json,
    extract::{Path, State},
    routing::get,
};
use skill_schema::{Fault, SkillId, api::info, codes};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{auth::Reader, error::Error, state::AppState};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: HttpMethod::Get,
        path: info::ROUTE,
        id: "info",
        summary: "What people want to read about a skill.",
        access: Access::Readers,
        request: Request::Nothing,
        query: &[],
        answers: &[(200, "the skill", Answer::Json("Skill"))],
        handler: get(serve),
    }]
}

async fn serve(
    State(app): State<AppState>,
    reader: Reader,
    Path((scope, name)): Path<(String, String)>,
) -> Result<Json<info::Response>, Error> {
    let id = SkillId { scope: scope.parse()?, name: name.parse()? };
    reader.check_skill(&id)?;
    let info = app.store.info(&id).await?.ok_or_else(|| Fault::new(codes::NOT_FOUND).at(id.to_string()))?;
    Ok(Json(info))
}
