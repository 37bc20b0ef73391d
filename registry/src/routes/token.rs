//! `GET` and `POST /api/skill/v1/tokens`, `DELETE /api/skill/v1/tokens/{id}`.

use axum::{
    Json,
    extract::{Path, Request as HttpRequest, State},
    http::StatusCode,
    routing::{delete, get, post},
};
use skill_schema::{
    Fault,
    api::token::{self, Permission},
    codes,
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{
    auth::{Caller, Known, Writer},
    body,
    error::Error,
    limits::JSON_BODY,
    state::AppState,
    store::token::TokenRow,
    tokens,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let endpoint = |method, path, id, summary, request, answers, handler| Endpoint {
        method,
        path,
        id,
        summary,
        access: Access::AnyToken,
        request,
        query: &[],
        answers,
        handler,
    };
    vec![
        endpoint(
            HttpMethod::Get,
            token::ROUTE,
            "token_list",
            "The caller's tokens, newest first.",
            Request::Nothing,
            &[(200, "the tokens", Answer::Json("Tokens"))],
            get(list),
        ),
        endpoint(
            HttpMethod::Post,
            token::ROUTE,
            "token_new",
            "Makes a token that allows at most what the caller's does.",
            Request::Json("NewToken"),
            &[(201, "the token; its text is shown this once", Answer::Json("CreatedToken"))],
            post(new),
        ),
        endpoint(
            HttpMethod::Delete,
            token::ID_ROUTE,
            "token_revoke",
            "Revokes one of the caller's tokens.",
            Request::Nothing,
            &[(204, "it is revoked", Answer::Nothing)],
            delete(revoke),
        ),
    ]
}

async fn list(State(app): State<AppState>, Known(caller): Known) -> Result<Json<token::Response>, Error> {
    let tokens = app.store.tokens(caller.user()).await?;
    Ok(Json(token::Response { tokens: tokens.iter().map(TokenRow::info).collect() }))
}

async fn new(
    State(app): State<AppState>,
    Writer(caller): Writer,
    request: HttpRequest,
) -> Result<(StatusCode, Json<token::Created>), Error> {
    let (parts, body) = request.into_parts();
    let wanted: token::Request = body::read_json(&app.config.limits, &parts.headers, body, JSON_BODY).await?;
    check_no_more(&caller, &wanted.permissions, &wanted.pattern)?;
    let created = tokens::create(&app.store, caller.user(), wanted, app.clock.micros()).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

async fn revoke(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    app.store.revoke_token(&id, Some(caller.user()), app.clock.micros()).await?;
    app.tokens.invalidate_all();
    Ok(StatusCode::NO_CONTENT)
}

/// A token cannot make one that allows more than itself.
fn check_no_more(caller: &Caller, permissions: &[Permission], pattern: &str) -> Result<(), Error> {
    if let Some(more) = permissions.iter().find(|permission| !caller.has(**permission)) {
        let detail = format!("it has no {} itself", more.as_str());
        return Err(Fault::new(codes::TOKEN_SCOPE).detail(detail).into());
    }
    let own = &caller.token().pattern;
    let within = match own.strip_suffix('*') {
        // Whatever the new pattern covers begins with what stands before its own star.
        Some(prefix) => pattern.trim_end_matches('*').starts_with(prefix),
        None => own == pattern,
    };
    if within {
        return Ok(());
    }
    Err(Fault::new(codes::TOKEN_SCOPE).at(pattern).detail(format!("it is for {own} only")).into())
}
