//! `PUT /api/skill/v1/skills/{scope}/{name}/deprecation`.

use axum::{
    Json,
    extract::{Path, Request as HttpRequest, State},
    routing::put,
};
use skill_schema::{
    Fault, SkillId,
    api::{deprecate, token::Permission},
    codes,
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{auth::Writer, body, error::Error, limits::JSON_BODY, state::AppState};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: HttpMethod::Put,
        path: deprecate::ROUTE,
        id: "deprecate",
        summary: "Advises against a skill, or takes that back.",
        access: Access::Permission("yank"),
        request: Request::Json("Deprecation"),
        query: &[],
        answers: &[(200, "the index says so", Answer::Json("Deprecated"))],
        handler: put(serve),
    }]
}

async fn serve(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path((scope, name)): Path<(String, String)>,
    request: HttpRequest,
) -> Result<Json<deprecate::Response>, Error> {
    let id = SkillId { scope: scope.parse()?, name: name.parse()? };
    caller.check(&[Permission::Yank], &id.to_string())?;
    caller.check_owner(&app, &id.scope).await?;
    let (parts, body) = request.into_parts();
    let wanted: deprecate::Request = body::read_json(&app.config.limits, &parts.headers, body, JSON_BODY).await?;
    if wanted.message.len() > deprecate::MAX_MESSAGE {
        let detail = format!("at most {} bytes", deprecate::MAX_MESSAGE);
        return Err(Fault::new(codes::BAD_REQUEST).at("message").detail(detail).into());
    }
    let file = app.store.deprecate(&id, &wanted, app.clock.micros()).await?;
    app.index_changed(&id, &file);
    Ok(Json(deprecate::Response { index: file.sha256 }))
}
