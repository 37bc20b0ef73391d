//! `PUT /api/skill/v1/scopes/{scope}`.

use axum::{
    Json,
    extract::{Path, Request as HttpRequest, State},
    http::StatusCode,
    routing::put,
};
use skill_bundle::envelope::Envelope;
use skill_schema::{
    Scope,
    api::{scope, token::Permission},
    statement::ScopeKeys,
    time::Timestamp,
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{
    auth::{Caller, Writer},
    body,
    error::{Error, blocking},
    gate,
    state::AppState,
    store::event::NewStatement,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: HttpMethod::Put,
        path: scope::ROUTE,
        id: "scope",
        summary: "Creates a scope with its first keys, or changes its keys.",
        access: Access::Permission("owners"),
        request: Request::Statement,
        query: &[],
        answers: &[(201, "the statement is in the scope's chain", Answer::Json("ScopeChanged"))],
        handler: put(serve),
    }]
}

async fn serve(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path(scope): Path<String>,
    request: HttpRequest,
) -> Result<(StatusCode, Json<scope::Response>), Error> {
    let scope: Scope = scope.parse()?;
    caller.check(&[Permission::Owners], &format!("{scope}/"))?;
    app.store.check_scope(&scope, caller.user(), app.config.policy.open_scopes).await?;
    let (parts, body) = request.into_parts();
    body::check_json(&parts.headers)?;
    let bytes = body::read(&app.config.limits, &parts.headers, body, app.config.packages.envelope).await?;
    let mut envelope = Envelope::parse(&bytes)?;
    let change = envelope.statement::<ScopeKeys>()?.predicate;
    gate::equal("statement: scope", &change.scope.as_str(), &scope.as_str())?;
    gate::origin(&change.origin, &app.identity.origin)?;
    gate::own_keys(&change, &app.identity)?;
    if change.seq == 1 {
        envelope.cosign(&app.identity.operator)?;
    }
    let statement = NewStatement {
        scope: change.scope,
        seq: change.seq,
        prev: change.prev,
        stmt: envelope.digest(),
        kind: "scope",
        subject: scope.to_string(),
    };
    if let Some(log) = app.store.leaf_of(&statement.stmt).await? {
        return Ok((StatusCode::CREATED, Json(scope::Response { log, stmt: statement.stmt })));
    }
    let accepted = tokio::spawn(accept(app, caller, scope, statement, change.created, envelope));
    // In a task of its own: a client that goes away must not leave it half done.
    let response = accepted.await.map_err(|e| Error::Damaged(e.to_string()))??;
    Ok((StatusCode::CREATED, Json(response)))
}

async fn accept(
    app: AppState,
    caller: Caller,
    scope: Scope,
    statement: NewStatement,
    created: Timestamp,
    envelope: Envelope,
) -> Result<scope::Response, Error> {
    let mut chain = app.chains.hold(&scope, &app.store, &app.blobs, &app.identity).await?;
    gate::scope_freshness(created, app.clock.timestamp(), chain.is_by_owners(&envelope))?;
    chain.push(&envelope, &statement)?;
    let blobs = app.blobs.clone();
    blocking(move || blobs.put(envelope.bytes())).await?;
    let open = app.config.policy.open_scopes;
    let log = app.store.put_scope(&scope, &statement, caller.user(), open, app.clock.micros()).await?;
    app.chain_changed(scope.as_str(), statement.seq);
    tracing::info!(%scope, seq = statement.seq, "scope changed");
    Ok(scope::Response { log, stmt: statement.stmt })
}
