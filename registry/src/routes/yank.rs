//! `PUT /api/skill/v1/skills/{scope}/{name}/{version}/status`.

use axum::{
    Json,
    extract::{Path, Request as HttpRequest, State},
    routing::put,
};
use skill_bundle::{envelope::Envelope, statement};
use skill_schema::{
    Fault,
    api::{token::Permission, yank},
    codes,
    index::LineStatus,
    statement::{State as Wanted, Status},
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
        yank::NewStatus,
    },
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: HttpMethod::Put,
        path: yank::ROUTE,
        id: "yank",
        summary: "Yanks a version or restores it.",
        access: Access::Permission("yank"),
        request: Request::Statement,
        query: &[],
        answers: &[(200, "its state has changed", Answer::Json("StatusChanged"))],
        handler: put(serve),
    }]
}

async fn serve(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path((scope, name, version)): Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<Json<yank::Response>, Error> {
    let target = gate::target(&scope, &name, &version)?;
    caller.check(&[Permission::Yank], &target.id.to_string())?;
    caller.check_owner(&app, &target.id.scope).await?;
    let (parts, body) = request.into_parts();
    body::check_json(&parts.headers)?;
    let bytes = body::read(&app.config.limits, &parts.headers, body, app.config.packages.envelope).await?;
    let envelope = Envelope::parse(&bytes)?;
    let statement = envelope.statement::<Status>()?;
    let subject = &statement::subject(&statement)?.name;
    gate::equal("statement: subject", subject, &format!("{}@{}", target.id, target.version))?;
    gate::origin(&statement.predicate.origin, &app.identity.origin)?;
    let created = statement.predicate.created;
    let change = new_status(target, &envelope, statement.predicate)?;
    let mut response = if let Some(response) = app.store.repeated_yank(&change).await? {
        response
    } else {
        gate::freshness(created, app.clock.timestamp())?;
        // In a task of its own: a client that goes away must not leave it half done.
        let accepted = tokio::spawn(accept(app.clone(), change, envelope));
        accepted.await.map_err(|e| Error::Damaged(e.to_string()))??
    };
    response.proof = Some(app.log.proof(response.log).await?.to_string());
    Ok(Json(response))
}

fn new_status(target: gate::Target, envelope: &Envelope, status: Status) -> Result<NewStatus, Error> {
    let state = match status.state {
        Wanted::Active => LineStatus::Ok,
        Wanted::Yanked => LineStatus::Yanked,
        Wanted::Quarantined | Wanted::Removed => {
            return Err(Fault::new(codes::KEY_ROLE).detail("only the operator quarantines and removes").into());
        }
    };
    Ok(NewStatus {
        statement: NewStatement::new(envelope, &status, format!("{}@{}", target.id, target.version)),
        id: target.id,
        version: target.version,
        status: state,
        note: status.note,
    })
}

async fn accept(app: AppState, change: NewStatus, envelope: Envelope) -> Result<yank::Response, Error> {
    let mut chain = app.chains.hold(&change.id.scope, &app.store, &app.identity).await?;
    app.store.check_status(&change).await?;
    chain.push(&envelope, &change.statement)?;
    let (id, seq, status) = (change.id.clone(), change.statement.seq, change.status);
    let order = Order::Write(Write::Status(change));
    let Written::Status(response, index) = app.write(order, &[&id.to_string(), id.scope.as_str()]).await? else {
        return Err(Error::Damaged("a status was written as something else".to_owned()));
    };
    app.index_changed(&id, &index);
    app.chain_changed(id.scope.as_str(), seq);
    tracing::info!(skill = %id, ?status, "status changed");
    Ok(response)
}
