//! `PUT /api/skill/v1/skills/{scope}/{name}/{version}/quarantine`.

use axum::{
    Json,
    extract::{Path, Request as HttpRequest, State},
    routing::put,
};
use skill_schema::{
    Fault,
    api::{
        quarantine::{self, Action},
        token::Permission,
    },
    codes,
    statement::State as Wanted,
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{
    auth::Writer,
    body,
    error::{Error, blocking},
    gate,
    limits::JSON_BODY,
    log::{operator::Hold, sequencer::Order},
    state::AppState,
    store::batch::Written,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: HttpMethod::Put,
        path: quarantine::ROUTE,
        id: "quarantine",
        summary: "Withholds a version, removes it, or gives it back, by the operator's word.",
        access: Access::Permission("admin"),
        request: Request::Json("Quarantine"),
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
) -> Result<Json<quarantine::Response>, Error> {
    let target = gate::target(&scope, &name, &version)?;
    caller.check(&[Permission::Admin], &target.id.to_string())?;
    let (parts, body) = request.into_parts();
    body::check_json(&parts.headers)?;
    let bytes = body::read(&app.config.limits, &parts.headers, body, JSON_BODY).await?;
    let word: quarantine::Request =
        serde_json::from_slice(&bytes).map_err(|e| Fault::new(codes::BAD_REQUEST).detail(e.to_string()))?;
    let (archive, tree) = app.store.digests_of(&target.id, &target.version).await?;
    let state = match word.action {
        Action::Quarantine => Wanted::Quarantined,
        Action::Remove => Wanted::Removed,
        Action::Lift => Wanted::Active,
    };
    let gate::Target { id, version } = target;
    let hold = Hold { id: id.clone(), version, archive, tree, state, reason: word.reason, note: word.note };
    let accepted = tokio::spawn(accept(app.clone(), hold));
    // In a task of its own: a client that goes away must not leave it half done.
    let mut response = accepted.await.map_err(|e| Error::Damaged(e.to_string()))??;
    response.proof = Some(app.log.proof(response.log).await?.to_string());
    Ok(Json(response))
}

async fn accept(app: AppState, hold: Hold) -> Result<quarantine::Response, Error> {
    let (id, archive, state) = (hold.id.clone(), hold.archive, hold.state);
    let written = app.write(Order::Hold(hold), &[&id.to_string(), skill_schema::name::OPERATOR]).await?;
    let Written::Status(response, index) = written else {
        return Err(Error::Damaged("a status was written as something else".to_owned()));
    };
    app.index_changed(&id, &index);
    // A leaf's number is at least its number in the chain: no chain without it is kept.
    app.chain_changed(skill_schema::name::OPERATOR, response.log + 1);
    tracing::info!(skill = %id, ?state, "the operator has spoken");
    if state == Wanted::Removed && !app.store.is_needed(&archive).await? {
        let blobs = app.blobs.clone();
        blocking(move || blobs.remove(&archive)).await?;
    }
    Ok(response)
}
