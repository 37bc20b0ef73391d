//! `PUT /api/skill/v1/scopes/{scope}`.

use axum::{
    Json,
    extract::{Path, Request as HttpRequest, State},
    http::StatusCode,
    routing::put,
};
use skill_bundle::envelope::Envelope;
use skill_schema::{
    Digest, Scope,
    api::{scope, token::Permission},
    statement::ScopeKeys,
    time::Timestamp,
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{
    auth::Writer,
    body,
    error::Error,
    gate,
    log::sequencer::Order,
    state::AppState,
    store::{
        batch::{Write, Written},
        event::NewStatement,
        scope::NewScope,
    },
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
    let statement = NewStatement::new(&envelope, &change, scope.to_string());
    if let Some(log) = app.store.leaf_of(&statement.stmt).await? {
        return answer(&app, log, statement.stmt).await;
    }
    let created = change.created;
    let change = NewScope { scope, statement, user: caller.user().to_owned(), open: app.config.policy.open_scopes };
    let (stmt, accepted) = (change.statement.stmt, tokio::spawn(accept(app.clone(), change, created, envelope)));
    // In a task of its own: a client that goes away must not leave it half done.
    let log = accepted.await.map_err(|e| Error::Damaged(e.to_string()))??;
    answer(&app, log, stmt).await
}

async fn answer(app: &AppState, log: u64, stmt: Digest) -> Result<(StatusCode, Json<scope::Response>), Error> {
    let proof = Some(app.log.proof(log).await?.to_string());
    Ok((StatusCode::CREATED, Json(scope::Response { log, proof, stmt })))
}

/// Verifies the signatures at the chain's end and has the log write the statement; answers its leaf.
async fn accept(app: AppState, change: NewScope, created: Timestamp, envelope: Envelope) -> Result<u64, Error> {
    let mut chain = app.chains.hold(&change.scope, &app.store, &app.identity).await?;
    gate::scope_freshness(created, app.clock.timestamp(), chain.is_by_owners(&envelope))?;
    chain.push(&envelope, &change.statement)?;
    let (scope, seq) = (change.scope.clone(), change.statement.seq);
    let order = Order::Write(Write::Scope(change));
    let Written::Leaf(log) = app.write(order, &[scope.as_str()]).await? else {
        return Err(Error::Damaged("a scope was written as something else".to_owned()));
    };
    app.chain_changed(scope.as_str(), seq);
    tracing::info!(%scope, seq, "scope changed");
    Ok(log)
}
