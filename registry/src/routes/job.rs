//! `POST /api/skill/v1/jobs` and `GET /api/skill/v1/jobs/{attempt}`.

use axum::{
    Json,
    extract::{DefaultBodyLimit, Path, Request as HttpRequest, State},
    http::StatusCode,
    routing::{get, post},
};
use skill_bundle::{
    envelope::Envelope,
    statement::{eval_tree, parse_reference, subject},
};
use skill_schema::{
    Digest, Fault, Limits,
    api::{eval, job},
    codes,
    statement::{Eval, SuiteState},
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request, eval as attempts};
use crate::{
    auth::{Reader, Writer},
    blobs::Received,
    error::{Error, blocking},
    gate::{self, Target},
    measured,
    state::AppState,
    store::job::NewJob,
    upload,
    vault::Kept,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint {
            method: HttpMethod::Post,
            path: job::ROUTE,
            id: "job",
            summary: "Logs an attempt on a sealed suite and queues its candidate for a verifier.",
            access: Access::Permission("publish:new or publish:update"),
            request: Request::Form("JobForm"),
            query: &[],
            answers: &[(201, "it is logged and queued", Answer::Json("Attempt"))],
            handler: post(queue).layer(DefaultBodyLimit::max(upload::limit(&Limits::V1))),
        },
        Endpoint {
            method: HttpMethod::Get,
            path: job::STATE_ROUTE,
            id: "job_state",
            summary: "How far a verifier is with an attempt.",
            access: Access::Readers,
            request: Request::Nothing,
            query: &[],
            answers: &[(200, "the job", Answer::Json("Job"))],
            handler: get(state),
        },
    ]
}

async fn state(
    State(app): State<AppState>,
    reader: Reader,
    Path(named): Path<String>,
) -> Result<Json<job::Job>, Error> {
    reader.check_any()?;
    let unknown = || Fault::new(codes::NO_ATTEMPT).at(&named);
    let attempt: Digest = named.parse().map_err(|_| unknown())?;
    let known = app.store.attempt(&attempt).await?.ok_or_else(unknown)?;
    reader.check_skill(&known.skill)?;
    Ok(Json(app.store.job(&attempt, app.clock.micros()).await?.ok_or_else(unknown)?))
}

async fn queue(
    State(app): State<AppState>,
    Writer(caller): Writer,
    request: HttpRequest,
) -> Result<(StatusCode, Json<eval::Attempt>), Error> {
    let packages = app.config.packages;
    gate::announced(request.headers(), &packages)?;
    let upload = upload::receive_job(request, &app.config.limits, &packages).await?;
    let envelope = Envelope::parse(&upload.statement)?;
    let statement = envelope.statement::<Eval>()?;
    let (skill, version) = parse_reference(&subject(&statement)?.name)?;
    let tree = eval_tree(&statement)?;
    let says = statement.predicate;
    gate::rights(&app, &caller, &skill).await?;
    let suite = measured::known(&app, &says.suite).await?;
    if app.store.attempt(&envelope.digest()).await?.is_some() {
        return attempts::logged(&app, &envelope.digest(), &skill).await;
    }
    if suite.state != SuiteState::Commit {
        let detail = "it is open: measure it yourself";
        return Err(Fault::new(codes::SEALED).at(format!("{}@{}", suite.id, suite.version)).detail(detail).into());
    }
    let unknown = (says.score_key, says.model.id.as_str(), says.model.weights.as_str());
    if unknown != (Digest::ZERO, job::MODEL, job::MODEL) {
        let detail = "the conditions are the verifier's";
        return Err(Fault::new(codes::STATEMENT).at("scoreKey").detail(detail).into());
    }
    let candidate = keep(&app, Target { id: skill.clone(), version: version.clone() }, tree, upload.archive).await?;
    let new = NewJob {
        candidate,
        nonce: says.nonce.clone(),
        maintenance: upload.meta.maintenance,
        strict: upload.meta.strict,
    };
    attempts::log(&app, &caller, &envelope, (skill, version, tree), says, suite.holdout, Some(new)).await
}

/// Checks the candidate as if it were published, and keeps it where nobody but a verifier gets it.
async fn keep(app: &AppState, target: Target, tree: Digest, archive: Vec<u8>) -> Result<Digest, Error> {
    let _place = app.checks.acquire().await.map_err(|_| Fault::new(codes::UNAVAILABLE))?;
    let (vault, limits) = (app.vault.clone(), app.config.packages);
    blocking(move || {
        let digest = skill_bundle::hash::sha256(&archive);
        let received = Received::Memory(archive.into());
        let checked = gate::package(&received, &digest, &target, &limits)?;
        gate::equal("statement: tree", &tree, &checked.content.tree)?;
        vault.put(Kept::Candidate, &digest, &received.bytes()?)?;
        Ok(digest)
    })
    .await
}
