//! `GET /api/skill/v1/skills/{scope}/{name}/lineage`.

use axum::{
    Json,
    extract::{Path, State},
    routing::get,
};
use skill_schema::{Fault, SkillId, api::lineage, codes};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{auth::Reader, error::Error, state::AppState};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: HttpMethod::Get,
        path: lineage::ROUTE,
        id: "lineage",
        summary: "The family of a skill: its oldest ancestor and all forks of that one.",
        access: Access::Readers,
        request: Request::Nothing,
        query: &[],
        answers: &[(200, "the family", Answer::Json("Lineage"))],
        handler: get(serve),
    }]
}

async fn serve(
    State(app): State<AppState>,
    reader: Reader,
    Path((scope, name)): Path<(String, String)>,
) -> Result<Json<lineage::Response>, Error> {
    let id = SkillId { scope: scope.parse()?, name: name.parse()? };
    reader.check_skill(&id)?;
    let mut family = app.store.lineage(&id).await?.ok_or_else(|| Fault::new(codes::NOT_FOUND).at(id.to_string()))?;
    // A token may be for some scopes only.
    family.nodes.retain(|node| reader.check_skill(&node.id).is_ok());
    Ok(Json(family))
}
