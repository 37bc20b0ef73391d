//! `PUT /api/skill/v1/suites/{scope}/{name}/{version}` and `GET /api/skill/v1/suites/{digest}`.

use axum::{
    Json,
    extract::{DefaultBodyLimit, Path, Request as HttpRequest, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, put},
};
use skill_bundle::{envelope::Envelope, statement::suite_digest};
use skill_engine::suite::{
    hash::Digests,
    pack::{self, Contents},
};
use skill_schema::{
    Digest, Fault, Limits,
    api::suite,
    codes,
    statement::{Statement, Suite, SuiteState},
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{
    auth::{Reader, Writer},
    blobs::Received,
    error::{Error, blocking},
    gate,
    log::sequencer::Order,
    state::AppState,
    store::{
        batch::{Write, Written},
        event::NewStatement,
        suite::NewSuite,
    },
    upload,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint {
            method: HttpMethod::Put,
            path: suite::ROUTE,
            id: "suite",
            summary: "Publishes a suite.",
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
    let (statement, archive, digest) =
        upload::receive_suite(request, &app.blobs, &app.config.limits, &packages).await?;
    let envelope = Envelope::parse(&statement)?;
    let statement = envelope.statement::<Suite>()?;
    let named = format!("{}/{}@{}", statement.predicate.scope, statement.predicate.suite, statement.predicate.version);
    gate::equal("statement: suite", &named, &format!("{}@{}", target.id, target.version))?;
    gate::origin(&statement.predicate.origin, &app.identity.origin)?;
    let all = suite_digest(&statement)?;
    if let Some((before, log, stmt)) = app.store.suite_named(&target.id, &target.version).await? {
        gate::equal("suite: its cases", &before, &all).map_err(|_| Fault::new(codes::VERSION_EXISTS).at(named))?;
        return answer(&app, StatusCode::OK, log, stmt).await;
    }
    let _place = app.checks.acquire().await.map_err(|_| Fault::new(codes::UNAVAILABLE))?;
    let (archive, checked) = check(archive, digest, &statement, all).await?;
    let blobs = app.blobs.clone();
    blocking(move || blobs.keep(archive, &digest)).await?;
    let new = NewSuite {
        statement: NewStatement::new(&envelope, &statement.predicate, named),
        info: suite::Info {
            suite: all,
            id: target.id,
            version: target.version,
            train: checked.train,
            holdout: checked.holdout,
            cases: statement.predicate.cases,
            state: statement.predicate.state,
            archive: digest,
        },
        publisher: caller.user().to_owned(),
    };
    let stmt = new.statement.stmt;
    // In a task of its own: a client that goes away must not leave it half done.
    let accepted = tokio::spawn(accept(app.clone(), new, envelope, statement));
    let log = accepted.await.map_err(|e| Error::Damaged(e.to_string()))??;
    answer(&app, StatusCode::CREATED, log, stmt).await
}

/// The archive is a suite, whole, with the digests of the statement.
async fn check(
    archive: Received,
    digest: Digest,
    statement: &Statement<Suite>,
    all: Digest,
) -> Result<(Received, Digests), Error> {
    let says = &statement.predicate;
    if says.state != SuiteState::Open {
        return Err(Fault::new(codes::STATEMENT).at("state").detail("a suite is published open here").into());
    }
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let stated = Digests {
        suite: all,
        train: says.train,
        holdout: says.holdout,
        train_cases: size(says.cases.train),
        holdout_cases: size(says.cases.holdout),
    };
    blocking(move || {
        let bytes = archive.bytes()?;
        gate::equal("archive: digest of what was received", &skill_bundle::hash::sha256(&bytes), &digest)?;
        let sealed = pack::open(&bytes)?;
        match sealed.verify(&stated)? {
            Contents::Whole => Ok((archive, stated)),
            Contents::Train => Err(Fault::new(codes::SUITE_DIGEST).detail("the holdout is not in the archive").into()),
        }
    })
    .await
}

async fn accept(app: AppState, suite: NewSuite, envelope: Envelope, statement: Statement<Suite>) -> Result<u64, Error> {
    let scope = suite.info.id.scope.clone();
    let mut chain = app.chains.hold(&scope, &app.store, &app.identity).await?;
    gate::freshness(statement.predicate.created, app.clock.timestamp())?;
    chain.push(&envelope, &suite.statement)?;
    let seq = suite.statement.seq;
    let Written::Leaf(log) = app.write(Order::Write(Write::Suite(Box::new(suite))), &[scope.as_str()]).await? else {
        return Err(Error::Damaged("a suite was written as something else".to_owned()));
    };
    app.chain_changed(scope.as_str(), seq);
    tracing::info!(%scope, seq, "suite published");
    Ok(log)
}

async fn answer(app: &AppState, status: StatusCode, log: u64, stmt: Digest) -> Result<Response, Error> {
    let proof = Some(app.log.proof(log).await?.to_string());
    Ok((status, Json(suite::Response { log, proof, stmt })).into_response())
}
