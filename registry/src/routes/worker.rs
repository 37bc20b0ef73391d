//! The routes of `/api/skill/v1/leases`: what a verifier does.

use std::time::Duration;

use axum::{
    Json,
    extract::{DefaultBodyLimit, Path, Request as HttpRequest, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use skill_bundle::{
    envelope::Envelope,
    keys::{PublicKey, random},
    statement::eval_tree,
};
use skill_engine::gate::Policy;
use skill_schema::{
    Digest, Fault, Limits,
    api::{eval, token::Permission, worker},
    codes,
    statement::{Eval, EvalKind},
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request, eval as attempts};
use crate::{
    auth::{Caller, Writer},
    body, clock,
    error::{Error, blocking},
    gate,
    limits::JSON_BODY,
    log::sequencer::Order,
    measured,
    sealed::{self, Examined},
    state::AppState,
    store::{
        attempt::{Attempt, NewResult},
        batch::{Write, Written},
        event::NewStatement,
        job::{Claiming, Held, Offer},
        verification::Ending,
    },
    upload,
    vault::Kept,
    verifiers::Verifier,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let access = Access::Permission("eval:verify");
    let archive = &[(200, "the archive", Answer::Bytes("application/octet-stream"))];
    let endpoint = |method, path, id, summary, request, answers, handler| Endpoint {
        method,
        path,
        id,
        summary,
        access,
        request,
        query: &[],
        answers,
        handler,
    };
    vec![
        endpoint(
            HttpMethod::Post,
            worker::ROUTE,
            "worker",
            "A verifier claims a job.",
            Request::Json("Claim"),
            &[(200, "a job, if there is one", Answer::Json("Claimed"))],
            post(claim),
        ),
        endpoint(
            HttpMethod::Post,
            worker::LEASE_ROUTE,
            "worker_beat",
            "Prolongs a lease, and says under which conditions is measured.",
            Request::Json("Beat"),
            &[(200, "it is prolonged", Answer::Json("Held"))],
            post(beat),
        ),
        endpoint(
            HttpMethod::Delete,
            worker::LEASE_ROUTE,
            "worker_release",
            "Gives a job back.",
            Request::Nothing,
            &[(204, "somebody else may claim it", Answer::Nothing)],
            axum::routing::delete(release),
        ),
        endpoint(
            HttpMethod::Get,
            worker::PART_ROUTE,
            "worker_part",
            "The sealed suite or the candidate of a lease.",
            Request::Nothing,
            archive,
            get(part),
        ),
        endpoint(
            HttpMethod::Put,
            worker::RESULT_ROUTE,
            "worker_result",
            "Ends a job with its result.",
            Request::Form("VerifiedForm"),
            &[(201, "it is logged", Answer::Json("AttemptEnded"))],
            put(result).layer(DefaultBodyLimit::max(upload::limit(&Limits::V1))),
        ),
    ]
}

fn check(caller: &Caller) -> Result<(), Error> {
    caller.check(&[Permission::EvalVerify], &caller.token().pattern)
}

fn lease(named: &str) -> Result<Digest, Error> {
    Ok(named.parse().map_err(|_| Fault::new(codes::LEASE))?)
}

async fn claim(
    State(app): State<AppState>,
    Writer(caller): Writer,
    request: HttpRequest,
) -> Result<Json<worker::Answer>, Error> {
    check(&caller)?;
    let (parts, body) = request.into_parts();
    let claim: worker::Claim = body::read_json(&app.config.limits, &parts.headers, body, 2 * JSON_BODY).await?;
    if claim.suites.len() > worker::MAX_SUITES {
        return Err(Fault::new(codes::BAD_REQUEST).at("suites").detail("too many").into());
    }
    let verifier = Verifier::claiming(&app, &caller, &claim)?;
    let now = app.clock.micros();
    let offers = app.store.offers((&verifier.user, &claim.key), claim.recheck, now).await?;
    let mut refused = None;
    for offer in offers.into_iter().filter(|offer| offer.has_suite || claim.suites.contains(&offer.suite)) {
        if caller.check(&[Permission::EvalVerify], &offer.skill.to_string()).is_err() {
            continue;
        }
        if let Err(error) = verifier.check(&app, &offer.skill).await {
            refused.get_or_insert(error);
            continue;
        }
        let lease = Digest(random()?);
        let until = now + micros(app.config.limits.lease);
        let claiming = Claiming { lease: &lease, user: &verifier.user, key: &claim.key, until };
        if app.store.claim(&offer.attempt, claiming, claim.recheck, now).await? {
            tracing::info!(attempt = %offer.attempt, verifier = %verifier.key.keyid(), "claimed");
            return described(&app, &lease, &verifier.user, offer).await;
        }
    }
    refused.map_or_else(|| Ok(Json(worker::Answer { lease: None })), Err)
}

async fn described(app: &AppState, lease: &Digest, user: &str, offer: Offer) -> Result<Json<worker::Answer>, Error> {
    let held = app.store.held(lease, user, app.clock.micros()).await?;
    let attempt = known(app, &held).await?;
    let lease = worker::Lease {
        lease: *lease,
        until: clock::timestamp(held.until),
        attempt: held.attempt,
        nonce: held.nonce,
        skill: attempt.skill,
        version: attempt.entry.version,
        tree: attempt.entry.tree,
        parent: attempt.entry.parent,
        suite: attempt.entry.suite,
        holdout: attempt.holdout,
        has_suite: offer.has_suite,
        record: attempt.entry.record.filter(|_| held.recheck),
    };
    Ok(Json(worker::Answer { lease: Some(lease) }))
}

async fn known(app: &AppState, held: &Held) -> Result<Attempt, Error> {
    let attempt = app.store.attempt(&held.attempt).await?;
    attempt.ok_or_else(|| Error::Damaged(format!("the job {} has no attempt", held.attempt)))
}

async fn beat(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path(named): Path<String>,
    request: HttpRequest,
) -> Result<Json<worker::Held>, Error> {
    check(&caller)?;
    let lease = lease(&named)?;
    let (parts, body) = request.into_parts();
    let beat: worker::Beat = body::read_json(&app.config.limits, &parts.headers, body, JSON_BODY).await?;
    let now = app.clock.micros();
    let until = now + micros(app.config.limits.lease);
    app.store.prolong(&lease, caller.user(), until, now).await?;
    if let Some(conditions) = &beat.conditions {
        app.store.set_conditions(&lease, conditions).await?;
    }
    let held = app.store.held(&lease, caller.user(), now).await?;
    let scope = measured::policy(&app, &known(&app, &held).await?.skill).await?;
    let terms = held
        .conditions
        .is_some()
        .then_some(worker::Terms { strict: held.terms.strict || scope == Policy::Strict, ..held.terms });
    Ok(Json(worker::Held { until: clock::timestamp(until), terms }))
}

async fn release(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path(named): Path<String>,
) -> Result<StatusCode, Error> {
    check(&caller)?;
    app.store.release(&lease(&named)?, caller.user()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn part(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path((named, part)): Path<(String, String)>,
) -> Result<Response, Error> {
    check(&caller)?;
    let held = app.store.held(&lease(&named)?, caller.user(), app.clock.micros()).await?;
    let bytes = match part.as_str() {
        "candidate" => sealed::candidate(&app, &held).await?,
        "suite" => {
            let suite = known(&app, &held).await?.entry.suite;
            let vault = app.vault.clone();
            let found = blocking(move || vault.get(Kept::Suite, &suite)).await?;
            found.ok_or_else(|| Fault::new(codes::NOT_FOUND).at("suite"))?.into()
        }
        _ => return Err(Fault::new(codes::NOT_FOUND).at(part).into()),
    };
    let mut response = bytes.into_response();
    // Nobody on the way keeps it.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn result(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path(named): Path<String>,
    request: HttpRequest,
) -> Result<(StatusCode, Json<eval::Ended>), Error> {
    check(&caller)?;
    let lease = lease(&named)?;
    let packages = app.config.packages;
    gate::announced(request.headers(), &packages)?;
    let (statement, record) = upload::receive_verified(request, &app.config.limits, &packages).await?;
    let envelope = Envelope::parse(&statement)?;
    if let Some(log) = app.store.leaf_of(&envelope.digest()).await? {
        let verdict = envelope.statement::<Eval>()?.predicate.summary.map(|summary| summary.verdict);
        return attempts::ended(&app, log, verdict.unwrap_or_default()).await;
    }
    let held = app.store.held(&lease, caller.user(), app.clock.micros()).await?;
    let attempt = known(&app, &held).await?;
    let verifier = Verifier { key: PublicKey::from_text(&held.key)?, user: caller.user().to_owned() };
    verifier.check(&app, &attempt.skill).await?;
    let says = agrees(&app, &envelope, (&attempt, &held), &verifier, &skill_bundle::hash::sha256(&record))?;
    let examined = sealed::examine(&app, &attempt, &held, record.clone()).await?;
    let word = kept_word(&says, &examined, held.recheck)?;
    let blobs = app.blobs.clone();
    blocking(move || blobs.put(&record).map(drop)).await?;
    let ending = Ending {
        lease,
        kind: if says.kind == EvalKind::Refute { "refute" } else { "result" },
        key: held.key.clone(),
        user: verifier.user,
        model: says.model.id.clone(),
    };
    // In a task of its own: a client that goes away must not leave it half done.
    let accepted = tokio::spawn(accept(app.clone(), envelope, says, (attempt, held), examined, ending));
    let log = accepted.await.map_err(|e| Error::Damaged(e.to_string()))??;
    attempts::ended(&app, log, word.to_owned()).await
}

/// What the statement says came out: the verdict, and whether it is what the first verifier found.
fn kept_word(says: &Eval, examined: &Examined, recheck: bool) -> Result<&'static str, Error> {
    let said = says.summary.as_ref().map(|summary| summary.verdict.as_str()).unwrap_or_default();
    gate::equal("statement: verdict", &said, &examined.word)?;
    let kind = if recheck && !examined.reproduces { EvalKind::Refute } else { EvalKind::Result };
    gate::equal("statement: kind", &says.kind, &kind)?;
    Ok(examined.word)
}

/// The statement ends this attempt, under the conditions of the lease, and is signed by its verifier.
fn agrees(
    app: &AppState,
    envelope: &Envelope,
    (attempt, held): (&Attempt, &Held),
    verifier: &Verifier,
    record: &Digest,
) -> Result<Eval, Error> {
    let statement = envelope.statement::<Eval>()?;
    let tree = eval_tree(&statement)?;
    let says = statement.predicate;
    if says.runner != verifier.key.keyid() || envelope.signers().ne([says.runner]) {
        return Err(Fault::new(codes::VERIFIER)
            .at(says.runner.to_string())
            .detail("the lease is another key's")
            .into());
    }
    envelope.verify(&verifier.key)?;
    gate::origin(&says.origin, &app.identity.origin)?;
    gate::freshness(says.created, app.clock.timestamp())?;
    gate::equal("statement: record", &says.record, &Some(*record))?;
    let entry = &attempt.entry;
    let same =
        (says.attempt, says.parent, says.suite, tree) == (Some(entry.attempt), entry.parent, entry.suite, entry.tree);
    if !same || says.kind == EvalKind::Attempt {
        return Err(Fault::new(codes::ATTEMPT_OTHER).at(entry.attempt.to_string()).into());
    }
    let named = held.conditions.as_ref();
    if named.is_none_or(|named| (named.score_key, &named.weights) != (says.score_key, &says.model.weights)) {
        return Err(Fault::new(codes::SCORE_KEY).at("statement: scoreKey").into());
    }
    Ok(says)
}

async fn accept(
    app: AppState,
    envelope: Envelope,
    says: Eval,
    (attempt, held): (Attempt, Held),
    examined: Examined,
    ending: Ending,
) -> Result<u64, Error> {
    let id = attempt.skill.clone();
    let published = app.store.tree_of(&id, &attempt.entry.version).await? == Some(attempt.entry.tree);
    let subject = format!("{id}@{}", attempt.entry.version);
    let new = NewResult {
        statement: NewStatement::new(&envelope, &says, subject),
        record: examined.record,
        published: (published && attempt.entry.parent.is_none()).then(|| (id.clone(), attempt.entry.version.clone())),
        verifier: (!held.recheck).then(|| ending.clone()),
    };
    let write = if held.recheck { Write::Again(Box::new(new), Box::new(ending)) } else { Write::Ended(Box::new(new)) };
    let Written::Ended(log, index) = app.write(Order::Write(write), &[&id.to_string()]).await? else {
        return Err(Error::Damaged("a result was written as something else".to_owned()));
    };
    if let Some(index) = index {
        app.index_changed(&id, &index);
    }
    if !held.recheck {
        let (vault, candidate) = (app.vault.clone(), held.candidate);
        blocking(move || {
            sealed::forget(&vault, &candidate);
            Ok(())
        })
        .await?;
    }
    Ok(log)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
