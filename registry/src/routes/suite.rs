//! `PUT /api/skill/v1/suites/{scope}/{name}/{version}` and `GET /api/skill/v1/suites/{digest}`.

use axum::{
    Json,
    extract::{DefaultBodyLimit, Path, Request as HttpRequest, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, put},
};
use skill_bundle::{envelope::Envelope, statement::suite_digest};
use skill_schema::{
    Digest, Fault, Limits,
    api::suite,
    codes,
    statement::{Statement, Suite},
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{
    auth::{Reader, Writer},
    error::Error,
    gate,
    log::sequencer::Order,
    state::AppState,
    store::{
        batch::{Write, Written},
        event::NewStatement,
        suite::NewSuite,
    },
    suites::{self, Parts},
    upload,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint {
            method: HttpMethod::Put,
            path: suite::ROUTE,
            id: "suite",
            summary: "Publishes a suite, or changes what becomes of its holdout.",
            access: Access::Permission("publish:new or publish:update"),
            request: Request::Form("SuiteForm"),
            query: &[],
            answers: &[
                (201, "it is published", Answer::Json("SuitePublished")),
                (200, "it had been published before, with the same cases", Answer::Json("SuitePublished")),
            ],
            handler: put(serve).layer(DefaultBodyLimit::max(upload::limit(&Limits::V1))),
        },
        Endpoint {
            method: HttpMethod::Get,
            path: suite::INFO_ROUTE,
            id: "suite_info",
            summary: "What is known of the suite with these cases.",
            access: Access::Readers,
            request: Request::Nothing,
            query: &[],
            answers: &[(200, "the suite", Answer::Json("Suite"))],
            handler: get(info),
        },
    ]
}

async fn info(
    State(app): State<AppState>,
    reader: Reader,
    Path(digest): Path<String>,
) -> Result<Json<suite::Info>, Error> {
    reader.check_any()?;
    let unknown = || Fault::new(codes::SUITE_UNKNOWN).at(&digest);
    let parsed: Digest = digest.parse().map_err(|_| unknown())?;
    let info = app.store.suite(&parsed).await?.ok_or_else(unknown)?;
    reader.check_skill(&info.id)?;
    Ok(Json(info))
}

async fn serve(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path((scope, name, version)): Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<Response, Error> {
    let target = gate::target(&scope, &name, &version)?;
    gate::rights(&app, &caller, &target.id).await?;
    let packages = app.config.packages;
    gate::announced(request.headers(), &packages)?;
    let _place = app.uploads.try_acquire().map_err(|_| busy())?;
    let upload = upload::receive_suite(request, &app.blobs, &app.config.limits, &packages).await?;
    let envelope = Envelope::parse(&upload.statement)?;
    let statement = envelope.statement::<Suite>()?;
    let named = format!("{}/{}@{}", statement.predicate.scope, statement.predicate.suite, statement.predicate.version);
    gate::equal("statement: suite", &named, &format!("{}@{}", target.id, target.version))?;
    gate::origin(&statement.predicate.origin, &app.identity.origin)?;
    let all = suite_digest(&statement)?;
    let before = app.store.suite(&all).await?;
    if let Some((digest, log, stmt)) = app.store.suite_named(&target.id, &target.version).await? {
        gate::equal("suite: its cases", &digest, &all).map_err(|_| Fault::new(codes::VERSION_EXISTS).at(&named))?;
        if before.as_ref().is_some_and(|info| info.state == statement.predicate.state) {
            return answer(&app, StatusCode::OK, log, stmt).await;
        }
    }
    let change = before.is_some();
    let new = NewSuite {
        statement: NewStatement::new(&envelope, &statement.predicate, named),
        has_holdout: upload.sealed.is_some(),
        info: suite::Info {
            suite: all,
            id: target.id,
            version: target.version,
            train: statement.predicate.train,
            holdout: statement.predicate.holdout,
            cases: statement.predicate.cases,
            state: statement.predicate.state,
            archive: before.as_ref().map_or(Digest::ZERO, |info| info.archive),
        },
        publisher: caller.user().to_owned(),
    };
    let parts = suites::check(&app, new, upload).await?;
    let stmt = parts.suite.statement.stmt;
    // In a task of its own: a client that goes away must not leave it half done.
    let accepted = tokio::spawn(accept(app.clone(), parts, change, envelope, statement));
    let log = accepted.await.map_err(|e| Error::Damaged(e.to_string()))??;
    answer(&app, StatusCode::CREATED, log, stmt).await
}

fn busy() -> Error {
    Error::Wait { fault: Fault::new(codes::UNAVAILABLE).detail("too many uploads"), seconds: 2 }
}

async fn accept(
    app: AppState,
    parts: Parts,
    change: bool,
    envelope: Envelope,
    statement: Statement<Suite>,
) -> Result<u64, Error> {
    let scope = parts.suite.info.id.scope.clone();
    let mut chain = app.chains.hold(&scope, &app.store, &app.identity).await?;
    gate::freshness(statement.predicate.created, app.clock.timestamp())?;
    chain.push(&envelope, &parts.suite.statement)?;
    // Only now: what is revealed is public from here on, and what is sealed is kept.
    let suite = suites::keep(&app, parts).await?;
    let (seq, digest, state) = (suite.statement.seq, suite.info.suite, suite.info.state);
    let write = if change { Write::SuiteState(Box::new(suite)) } else { Write::Suite(Box::new(suite)) };
    let Written::Leaf(log) = app.write(Order::Write(write), &[scope.as_str()]).await? else {
        return Err(Error::Damaged("a suite was written as something else".to_owned()));
    };
    app.chain_changed(scope.as_str(), seq);
    if change {
        suites::forget(&app, digest).await;
    }
    tracing::info!(%scope, seq, ?state, "suite");
    Ok(log)
}

async fn answer(app: &AppState, status: StatusCode, log: u64, stmt: Digest) -> Result<Response, Error> {
    let proof = Some(app.log.proof(log).await?.to_string());
    Ok((status, Json(suite::Response { log, proof, stmt })).into_response())
}
