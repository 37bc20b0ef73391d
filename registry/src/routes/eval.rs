//! `POST /api/skill/v1/evals`, `POST /api/skill/v1/evals/{attempt}` and `GET /api/skill/v1/skills/{scope}/{name}/evals`.

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
use skill_engine::gate::Policy;
use skill_schema::{
    Digest, Fault, Limits, SkillId, Version,
    api::eval,
    codes,
    statement::{Eval, EvalKind, Role, SuiteState},
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{
    auth::{Caller, Reader, Writer},
    body,
    error::Error,
    gate,
    log::sequencer::Order,
    measured,
    state::AppState,
    store::{
        attempt::{Attempt, NewAttempt, NewResult},
        batch::{Write, Written},
        event::NewStatement,
        job::NewJob,
    },
    upload,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint {
            method: HttpMethod::Post,
            path: eval::ROUTE,
            id: "eval",
            summary: "Logs an attempt to beat a skill's head, before it is measured.",
            access: Access::Permission("publish:new or publish:update"),
            request: Request::Statement,
            query: &[],
            answers: &[(201, "it is logged", Answer::Json("Attempt"))],
            handler: post(attempt),
        },
        Endpoint {
            method: HttpMethod::Post,
            path: eval::RESULT_ROUTE,
            id: "eval_result",
            summary: "Ends an attempt with its result.",
            access: Access::Permission("publish:new or publish:update"),
            request: Request::Form("ResultForm"),
            query: &[],
            answers: &[(201, "it is logged", Answer::Json("AttemptEnded"))],
            handler: post(result).layer(DefaultBodyLimit::max(upload::limit(&Limits::V1))),
        },
        Endpoint {
            method: HttpMethod::Get,
            path: eval::LIST_ROUTE,
            id: "eval_list",
            summary: "All attempts of a skill, newest first.",
            access: Access::Readers,
            request: Request::Nothing,
            query: &[],
            answers: &[(200, "the attempts", Answer::Json("Attempts"))],
            handler: get(list),
        },
        Endpoint {
            method: HttpMethod::Get,
            path: eval::SUITE_ROUTE,
            id: "eval_of_suite",
            summary: "All attempts that were made with a suite, newest first.",
            access: Access::Readers,
            request: Request::Nothing,
            query: &[],
            answers: &[(200, "the attempts", Answer::Json("Attempts"))],
            handler: get(of_suite),
        },
    ]
}

async fn of_suite(
    State(app): State<AppState>,
    reader: Reader,
    Path(named): Path<String>,
) -> Result<Json<eval::List>, Error> {
    reader.check_any()?;
    let unknown = || Fault::new(codes::SUITE_UNKNOWN).at(&named);
    let digest: Digest = named.parse().map_err(|_| unknown())?;
    let suite = app.store.suite(&digest).await?.ok_or_else(unknown)?;
    reader.check_skill(&suite.id)?;
    Ok(Json(eval::List { attempts: app.store.attempts_with(&digest).await? }))
}

async fn list(
    State(app): State<AppState>,
    reader: Reader,
    Path((scope, name)): Path<(String, String)>,
) -> Result<Json<eval::List>, Error> {
    let id = SkillId { scope: scope.parse()?, name: name.parse()? };
    reader.check_skill(&id)?;
    Ok(Json(eval::List { attempts: app.store.attempts(&id).await? }))
}

async fn attempt(
    State(app): State<AppState>,
    Writer(caller): Writer,
    request: HttpRequest,
) -> Result<(StatusCode, Json<eval::Attempt>), Error> {
    let (parts, body) = request.into_parts();
    body::check_json(&parts.headers)?;
    let bytes = body::read(&app.config.limits, &parts.headers, body, app.config.packages.envelope).await?;
    let envelope = Envelope::parse(&bytes)?;
    let statement = envelope.statement::<Eval>()?;
    let (skill, version) = parse_reference(&subject(&statement)?.name)?;
    let tree = eval_tree(&statement)?;
    let says = statement.predicate;
    if says.kind != EvalKind::Attempt {
        return Err(Fault::new(codes::STATEMENT).at("kind").detail("an attempt is expected").into());
    }
    gate::rights(&app, &caller, &skill).await?;
    let suite = measured::known(&app, &says.suite).await?;
    if suite.state == SuiteState::Commit {
        return Err(Fault::new(codes::SEALED).at(format!("{}@{}", suite.id, suite.version)).into());
    }
    log(&app, &caller, &envelope, (skill, version, tree), says, suite.holdout, None).await
}

/// Logs an attempt, with its job if the suite is sealed.
pub(super) async fn log(
    app: &AppState,
    caller: &Caller,
    envelope: &Envelope,
    (skill, version, tree): (SkillId, Version, Digest),
    says: Eval,
    holdout: Digest,
    job: Option<NewJob>,
) -> Result<(StatusCode, Json<eval::Attempt>), Error> {
    gate::origin(&says.origin, &app.identity.origin)?;
    let subject = format!("{skill}@{version}");
    let new = NewAttempt {
        statement: NewStatement::new(envelope, &says, subject),
        skill: skill.clone(),
        version,
        tree,
        parent: says.parent,
        suite: says.suite,
        holdout,
        job,
        score_key: says.score_key,
        model: says.model.id,
        weights: says.model.weights,
        runner: says.runner,
        publisher: caller.user().to_owned(),
    };
    let stmt = new.statement.stmt;
    if app.store.attempt(&stmt).await?.is_none() {
        gate::freshness(says.created, app.clock.timestamp())?;
        signed_by(app, &skill, envelope, &new.runner, says.created).await?;
        // In a task of its own: a client that goes away must not leave it half done.
        let order = Order::Write(Write::Attempt(Box::new(new)));
        let app = app.clone();
        let written = tokio::spawn(async move { app.write(order, &[]).await });
        written.await.map_err(|e| Error::Damaged(e.to_string()))??;
    }
    logged(app, &stmt, &skill).await
}

/// The answer for an attempt that is logged.
pub(super) async fn logged(
    app: &AppState,
    stmt: &Digest,
    skill: &SkillId,
) -> Result<(StatusCode, Json<eval::Attempt>), Error> {
    let logged = app.store.attempt(stmt).await?.ok_or_else(|| Error::Damaged("an attempt is lost".to_owned()))?;
    let policy = match measured::policy(app, skill).await? {
        Policy::Standard => "standard",
        Policy::Strict => "strict",
    };
    let log = logged.entry.log;
    let answer = eval::Attempt {
        attempt: *stmt,
        log,
        proof: Some(app.log.proof(log).await?.to_string()),
        failed: logged.entry.failed,
        recorded: logged.recorded,
        policy: policy.to_owned(),
    };
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The envelope is signed by the key that it names, which is one of the scope's for publishing.
async fn signed_by(
    app: &AppState,
    id: &SkillId,
    envelope: &Envelope,
    runner: &Digest,
    created: skill_schema::time::Timestamp,
) -> Result<(), Error> {
    let chain = app.chains.hold(&id.scope, &app.store, &app.identity).await?;
    let signers = chain.signers(envelope, Role::Publish, created)?;
    if signers.contains(runner) {
        return Ok(());
    }
    Err(Fault::new(codes::KEY_UNKNOWN).at(runner.to_string()).detail("the runner did not sign").into())
}

async fn result(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path(named): Path<String>,
    request: HttpRequest,
) -> Result<(StatusCode, Json<eval::Ended>), Error> {
    let named: Digest = named.parse().map_err(|_| Fault::new(codes::NO_ATTEMPT).at(&named))?;
    let packages = app.config.packages;
    gate::announced(request.headers(), &packages)?;
    let (statement, sent) = upload::receive_result(request, &app.config.limits, &packages).await?;
    let envelope = Envelope::parse(&statement)?;
    if let Some(log) = app.store.leaf_of(&envelope.digest()).await? {
        let before = app.store.attempt(&named).await?.and_then(|attempt| attempt.entry.verdict);
        return ended(&app, log, before.unwrap_or_default()).await;
    }
    let attempt = measured::open_attempt(&app, Some(named)).await?;
    gate::rights(&app, &caller, &attempt.skill).await?;
    let says = agrees(&app, &envelope, &attempt, &crate::evidence::digest(&sent))?;
    signed_by(&app, &attempt.skill, &envelope, &attempt.runner, says.created).await?;
    gate::freshness(says.created, app.clock.timestamp())?;
    let evidence = measured::compare(&app, &attempt, None, None, sent).await?;
    if evidence.verdict.as_ref().is_some_and(skill_engine::gate::Verdict::is_accept) {
        let detail = "it is an accept, which is published with its version";
        return Err(Fault::new(codes::ATTEMPT_OTHER).at(named.to_string()).detail(detail).into());
    }
    let summary = says.summary.as_ref().map(|summary| summary.verdict.clone()).unwrap_or_default();
    gate::equal("statement: verdict", &summary.as_str(), &evidence.record.verdict)?;
    let published = app.store.tree_of(&attempt.skill, &attempt.entry.version).await? == Some(attempt.entry.tree);
    let new = NewResult {
        statement: NewStatement::new(&envelope, &says, format!("{}@{}", attempt.skill, attempt.entry.version)),
        published: (published && attempt.entry.parent.is_none())
            .then(|| (attempt.skill.clone(), attempt.entry.version.clone())),
        record: evidence.record,
        verifier: None,
    };
    measured::keep(&app, evidence.sent).await?;
    // In a task of its own: a client that goes away must not leave it half done.
    let accepted = tokio::spawn(accept(app.clone(), new, attempt.skill.clone()));
    let log = accepted.await.map_err(|e| Error::Damaged(e.to_string()))??;
    ended(&app, log, summary).await
}

/// The statement is the result of the attempt, and names the record that was sent.
fn agrees(app: &AppState, envelope: &Envelope, attempt: &Attempt, record: &Digest) -> Result<Eval, Error> {
    let statement = envelope.statement::<Eval>()?;
    let tree = eval_tree(&statement)?;
    let says = statement.predicate;
    let entry = &attempt.entry;
    if says.kind != EvalKind::Result {
        return Err(Fault::new(codes::STATEMENT).at("kind").detail("a result is expected").into());
    }
    gate::origin(&says.origin, &app.identity.origin)?;
    gate::equal("statement: record", &says.record, &Some(*record))?;
    let same = (says.attempt, says.parent, says.suite, says.score_key, says.runner, tree, &says.model.weights)
        == (
            Some(entry.attempt),
            entry.parent,
            entry.suite,
            entry.score_key,
            attempt.runner,
            entry.tree,
            &attempt.weights,
        );
    if same { Ok(says) } else { Err(Fault::new(codes::ATTEMPT_OTHER).at(entry.attempt.to_string()).into()) }
}

async fn accept(app: AppState, new: NewResult, id: SkillId) -> Result<u64, Error> {
    let key = id.to_string();
    let Written::Ended(log, index) = app.write(Order::Write(Write::Ended(Box::new(new))), &[&key]).await? else {
        return Err(Error::Damaged("a result was written as something else".to_owned()));
    };
    if let Some(index) = index {
        app.index_changed(&id, &index);
    }
    Ok(log)
}

pub(super) async fn ended(app: &AppState, log: u64, verdict: String) -> Result<(StatusCode, Json<eval::Ended>), Error> {
    let proof = Some(app.log.proof(log).await?.to_string());
    Ok((StatusCode::CREATED, Json(eval::Ended { log, proof, verdict })))
}
