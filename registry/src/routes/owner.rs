//! `GET /api/skill/v1/scopes/{scope}/owners`, and `PUT` or `DELETE …/{user}`.

use axum::{
    Json,
    extract::{Path, State},
    routing::{delete, get, put},
};
use skill_schema::{
    Fault, Scope,
    api::{owner, token::Permission},
    codes,
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{
    auth::{Caller, Reader, Writer},
    error::Error,
    state::AppState,
};

const ANSWERS: &[(u16, &str, Answer)] = &[(200, "the owners from now on", Answer::Json("Owners"))];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let change = |method, id, summary, handler| Endpoint {
        method,
        path: owner::USER_ROUTE,
        id,
        summary,
        access: Access::Permission("owners"),
        request: Request::Nothing,
        query: &[],
        answers: ANSWERS,
        handler,
    };
    vec![
        Endpoint {
            method: HttpMethod::Get,
            path: owner::ROUTE,
            id: "owner_list",
            summary: "The owners of a scope.",
            access: Access::Readers,
            request: Request::Nothing,
            query: &[],
            answers: ANSWERS,
            handler: get(list),
        },
        change(HttpMethod::Put, "owner_add", "Adds an owner.", put(add)),
        change(HttpMethod::Delete, "owner_remove", "Removes an owner; one stays.", delete(remove)),
    ]
}

async fn list(
    State(app): State<AppState>,
    reader: Reader,
    Path(scope): Path<String>,
) -> Result<Json<owner::Response>, Error> {
    reader.check_any()?;
    Ok(Json(owner::Response { owners: app.store.owners(&scope.parse()?).await? }))
}

async fn add(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path(names): Path<(String, String)>,
) -> Result<Json<owner::Response>, Error> {
    let (scope, user) = change(&app, &caller, names).await?;
    Ok(Json(owner::Response { owners: app.store.add_owner(&scope, &user, app.clock.micros()).await? }))
}

async fn remove(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path(names): Path<(String, String)>,
) -> Result<Json<owner::Response>, Error> {
    let (scope, user) = change(&app, &caller, names).await?;
    Ok(Json(owner::Response { owners: app.store.remove_owner(&scope, &user).await? }))
}

/// The scope and the user, if the caller may change who owns the scope.
async fn change(app: &AppState, caller: &Caller, names: (String, String)) -> Result<(Scope, String), Error> {
    let scope: Scope = names.0.parse()?;
    caller.check(&[Permission::Owners], &format!("{scope}/"))?;
    caller.check_owner(app, &scope).await?;
    let user: Scope = names.1.parse().map_err(|_| Fault::new(codes::USER_UNKNOWN).at(names.1.as_str()))?;
    Ok((scope, user.to_string()))
}
