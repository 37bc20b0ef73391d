//! `GET /api/skill/v1/whoami`.

use axum::{Json, extract::State, routing::get};
use skill_schema::api::whoami;
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{auth::Known, error::Error, state::AppState};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: HttpMethod::Get,
        path: whoami::ROUTE,
        id: "whoami",
        summary: "Whose token this is and what it allows.",
        access: Access::AnyToken,
        request: Request::Nothing,
        query: &[],
        answers: &[(200, "the user and the token", Answer::Json("Whoami"))],
        handler: get(serve),
    }]
}

async fn serve(State(app): State<AppState>, Known(caller): Known) -> Result<Json<whoami::Response>, Error> {
    let scopes = app.store.scopes_of(caller.user()).await?;
    Ok(Json(whoami::Response { user: caller.user().to_owned(), scopes, token: caller.token().info() }))
}
