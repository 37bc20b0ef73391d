//! `PUT /api/skill/v1/skills/{scope}/{name}/{version}`.

use axum::{
    Json,
    extract::{DefaultBodyLimit, Path, Request as HttpRequest, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::put,
};
use skill_bundle::envelope::Envelope;
use skill_schema::{Digest, Fault, Limits, api::publish, codes, statement::Release};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{
    auth::{Caller, Writer},
    error::{Error, blocking},
    gate::{self, Checked, Rights, Target},
    log::sequencer::Order,
    measured::{self, Proof, Wanted},
    state::AppState,
    store::{
        batch::{Write, Written},
        event::NewStatement,
        publish::{Content, NewRelease, Published},
    },
    upload::{self, Upload},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: HttpMethod::Put,
        path: publish::ROUTE,
        id: "publish",
        summary: "Publishes a version.",
        access: Access::Permission("publish:new or publish:update"),
        request: Request::Form("PublishForm"),
        query: &[],
        answers: &[
            (201, "it is published", Answer::Json("Published")),
            (200, "it had been published before, with the same files", Answer::Json("Published")),
        ],
        handler: put(serve).layer(DefaultBodyLimit::max(upload::limit(&Limits::V1))),
    }]
}

/// First what costs nothing, then the body, then what costs a processor, then the disk, then the one transaction.
async fn serve(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path((scope, name, version)): Path<(String, String, String)>,
    request: HttpRequest,
) -> Result<Response, Error> {
    let target = gate::target(&scope, &name, &version)?;
    let rights = gate::rights(&app, &caller, &target.id).await?;
    let packages = app.config.packages;
    gate::announced(request.headers(), &packages)?;

    let busy = || Error::Wait { fault: Fault::new(codes::UNAVAILABLE).detail("too many uploads"), seconds: 2 };
    let _place = app.uploads.try_acquire().map_err(|_| busy())?;
    let upload = upload::receive(request, &app.blobs, &app.config.limits, &packages).await?;
    let (envelope, statement) = gate::release(&upload.statement, &target)?;
    let (mut upload, checked) = check_package(&app, upload, &target).await?;
    gate::agreement(&statement, &checked.content)?;
    gate::origin(&statement.predicate.origin, &app.identity.origin)?;
    gate::fork(&statement.predicate, &checked.content)?;
    gate::parent(&app, &statement.predicate).await?;
    let wanted = Wanted {
        id: target.id.clone(),
        version: target.version.clone(),
        tree: checked.content.tree,
        suite: statement.predicate.suite,
        maintenance: upload.meta.maintenance,
    };
    // What was published before is not examined again: its attempt has its result.
    let is_new = app.store.tree_of(&target.id, &target.version).await?.is_none();
    let examined = if is_new {
        let (sent, package) = (upload.evidence.take(), upload.archive.bytes()?);
        measured::examine(&app, &wanted, &statement.predicate, upload.meta.attempt, sent, package).await?
    } else {
        None
    };

    let release = new_release(&caller, rights, target, &upload, &envelope, statement.predicate, checked.content);
    let accepted = tokio::spawn(accept(app.clone(), release, envelope, upload, wanted, examined));
    // In a task of its own: a client that goes away must not leave it half done.
    let (status, mut response) = match accepted.await.map_err(|e| Error::Damaged(e.to_string()))?? {
        Published::Before(response) => (StatusCode::OK, response),
        Published::Now { response, .. } => {
            (StatusCode::CREATED, publish::Response { warnings: checked.warnings, ..response })
        }
    };
    response.proof = Some(app.log.proof(response.log).await?.to_string());
    Ok((status, Json(response)).into_response())
}

/// Runs [`gate::package`] where it may block, as many at a time as the limits say.
async fn check_package(app: &AppState, upload: Upload, target: &Target) -> Result<(Upload, Checked), Error> {
    let _place = app.checks.acquire().await.map_err(|_| Fault::new(codes::UNAVAILABLE))?;
    let (target, limits) = (target.clone(), app.config.packages);
    blocking(move || {
        let checked = gate::package(&upload.archive, &upload.digest, &target, &limits)?;
        Ok((upload, checked))
    })
    .await
}

fn new_release(
    caller: &Caller,
    rights: Rights,
    target: Target,
    upload: &Upload,
    envelope: &Envelope,
    release: Release,
    content: Content,
) -> NewRelease {
    NewRelease {
        statement: NewStatement::new(envelope, &release, format!("{}@{}", target.id, target.version)),
        created: release.created,
        parent: release.parent.map(|parent| parent.reference),
        keyid: Digest::ZERO, // Known once the signature is verified.
        publisher: caller.user().to_owned(),
        may_create: rights.create,
        may_update: rights.update,
        expected_head: upload.meta.expected_head,
        if_absent: upload.meta.if_absent,
        content,
        suite: release.suite,
        record: None,
        verified: None,
        inherited: None,
        tried: upload.tried.as_deref().map(skill_bundle::hash::sha256),
        id: target.id,
        version: target.version,
    }
}

/// Verifies the signature at the chain's end, makes the archive durable, and has the log write it.
///
/// A repeated request shows by being late, by a place in the chain that is taken, or by a version that exists: then, and only then, the
/// stored answer is looked up.
async fn accept(
    app: AppState,
    mut release: NewRelease,
    envelope: Envelope,
    upload: Upload,
    wanted: Wanted,
    examined: Option<measured::Checked>,
) -> Result<Published, Error> {
    let mut chain = app.chains.hold(&release.id.scope, &app.store, &app.identity).await?;
    let signed =
        gate::freshness(release.created, app.clock.timestamp()).and_then(|()| chain.push_release(&envelope, &release));
    release.keyid = match signed {
        Ok(keyid) => keyid,
        Err(error) if [codes::CLOCK, codes::SEQ, codes::VERSION_EXISTS].contains(&error.code()) => {
            let before = app.store.published(&release.id, &release.version, &release.content.tree).await?;
            return before.map(Published::Before).ok_or(error);
        }
        Err(error) => return Err(error),
    };
    release.inherited = measured::rules(&app, &wanted, examined.as_ref().map(|checked| &checked.attempt)).await?;
    let blobs = app.blobs.clone();
    blocking(move || {
        if let Some(tried) = &upload.tried {
            blobs.put(tried)?;
        }
        blobs.keep(upload.archive, &upload.digest)
    })
    .await?;
    if let Some(checked) = examined {
        match checked.evidence {
            Proof::Sent(evidence) => {
                measured::keep(&app, evidence.sent).await?;
                release.record = Some(Box::new(evidence.record));
            }
            Proof::Verified(record, score) => release.verified = Some((record, score)),
        }
    }
    let (id, version, seq) = (release.id.clone(), release.version.clone(), release.statement.seq);
    let order = Order::Write(Write::Release(Box::new(release)));
    let Written::Release(published) = app.write(order, &[&id.to_string(), id.scope.as_str()]).await? else {
        return Err(Error::Damaged("a release was written as something else".to_owned()));
    };
    if let Published::Now { index, .. } = &published {
        app.index_changed(&id, index);
        app.chain_changed(id.scope.as_str(), seq);
        metrics::counter!("skill_published_total").increment(1);
        tracing::info!(skill = %id, %version, "published");
    }
    Ok(published)
}
