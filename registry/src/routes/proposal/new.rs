//! `POST /api/skill/v1/skills/{scope}/{name}/proposals`: first what costs nothing, then the body, then what costs a processor.

use axum::{
    Json,
    extract::{Path, Request as HttpRequest, State},
    http::StatusCode,
    routing::post,
};
use skill_schema::{
    Fault, SkillId,
    api::{
        proposal::{self, MAX_MESSAGE, MAX_TITLE},
        token::Permission,
        well_known::Auth,
    },
    codes,
    index::Index,
};
use utoipa::openapi::path::HttpMethod;

use super::body_limit;
use crate::{
    auth::{Caller, Writer},
    body::check_length,
    error::{Error, blocking},
    gate::{self, Checked, Target, equal},
    routes::{Access, Answer, Endpoint, Request},
    state::AppState,
    store::proposal::NewProposal,
    upload::{self, proposal::Proposal},
};

/// Who may propose: whoever may publish something of their own.
const RIGHTS: &[Permission] = &[Permission::PublishNew, Permission::PublishUpdate];

pub(super) fn endpoint() -> Endpoint {
    Endpoint {
        method: HttpMethod::Post,
        path: proposal::SKILL_ROUTE,
        id: "proposal_new",
        summary: "Offers a change to the owners of a skill.",
        access: Access::Permission("publish:new or publish:update"),
        request: Request::Form("ProposalForm"),
        query: &[],
        answers: &[
            (201, "it waits for an answer", Answer::Json("Proposal")),
            (200, "the same waits already", Answer::Json("Proposal")),
        ],
        handler: post(serve).layer(body_limit()),
    }
}

async fn serve(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path((scope, name)): Path<(String, String)>,
    request: HttpRequest,
) -> Result<(StatusCode, Json<proposal::Response>), Error> {
    let id = SkillId { scope: scope.parse()?, name: name.parse()? };
    caller.check(RIGHTS, &caller.token().pattern)?;
    if app.config.policy.auth == Auth::Required {
        caller.check(&[Permission::ReadPrivate], &id.to_string())?;
    }
    let packages = app.config.packages;
    upload::check_form(request.headers())?;
    check_length(request.headers(), upload::proposal::limit(&packages))?;

    let busy = || Error::Wait { fault: Fault::new(codes::UNAVAILABLE).detail("too many uploads"), seconds: 2 };
    let _place = app.uploads.try_acquire().map_err(|_| busy())?;
    let upload = upload::proposal::receive(request, &app.blobs, &app.config.limits, &packages).await?;
    check_meta(&upload.meta)?;
    caller.check(RIGHTS, &upload.meta.source.to_string())?;
    check_base(&app, &id, &upload.meta).await?;
    let (upload, checked) = check_package(&app, upload, &id).await?;
    let (found, is_new) = keep(&app, &caller, id, upload, checked).await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(found)))
}

fn check_meta(meta: &proposal::Request) -> Result<(), Error> {
    let wrong = |place: &str, detail: String| Fault::new(codes::BAD_REQUEST).at(place).detail(detail);
    let characters = meta.title.chars().count();
    if meta.title.trim().is_empty() || characters > MAX_TITLE || meta.title.chars().any(char::is_control) {
        return Err(wrong("title", format!("one line of 1 to {MAX_TITLE} characters")).into());
    }
    let is_text = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if meta.message.len() > MAX_MESSAGE || !meta.message.chars().all(is_text) {
        return Err(wrong("message", format!("text of at most {MAX_MESSAGE} bytes")).into());
    }
    Ok(())
}

/// What is to be improved is the latest version, and the proposal's own number is free.
async fn check_base(app: &AppState, id: &SkillId, meta: &proposal::Request) -> Result<(), Error> {
    let file = app.store.index(id).await?.ok_or_else(|| Fault::new(codes::NOT_FOUND).at(id.to_string()))?;
    let index = Index::parse(file.text.as_bytes()).map_err(|fault| Error::Damaged(fault.to_string()))?;
    let latest = index.header.tags.latest.as_ref().and_then(|version| index.line(version));
    if latest.is_none_or(|line| (&line.vers, line.tree) != (&meta.base, meta.base_tree)) {
        let latest = latest.map_or_else(|| "nothing".to_owned(), |line| line.vers.to_string());
        let detail = format!("the proposal improves {}, and latest is {latest}", meta.base);
        return Err(Fault::new(codes::HEAD_MOVED).at(id.to_string()).detail(detail).into());
    }
    if meta.version <= meta.base || index.line(&meta.version).is_some() {
        let detail = format!("{} is not a free version above {}", meta.version, meta.base);
        return Err(Fault::new(codes::VERSION_EXISTS).at(id.to_string()).detail(detail).into());
    }
    Ok(())
}

/// The checks of a publish, where they may block.
async fn check_package(app: &AppState, upload: Proposal, id: &SkillId) -> Result<(Proposal, Checked), Error> {
    let _place = app.checks.acquire().await.map_err(|_| Fault::new(codes::UNAVAILABLE))?;
    let target = Target { id: id.clone(), version: upload.meta.version.clone() };
    let limits = app.config.packages;
    blocking(move || {
        let checked = gate::package(&upload.archive, &upload.digest, &target, &limits)?;
        Ok((upload, checked))
    })
    .await
}

async fn keep(
    app: &AppState,
    caller: &Caller,
    skill: SkillId,
    upload: Proposal,
    checked: Checked,
) -> Result<(proposal::Response, bool), Error> {
    let content = checked.content;
    equal("archive", &content.archive, &upload.digest)?;
    let new = NewProposal {
        skill,
        author: caller.user().to_owned(),
        request: upload.meta,
        tree: content.tree,
        archive: content.archive,
        size: content.size,
    };
    let _turn = app.proposals.turn().await;
    app.proposals.keep(upload.archive, upload.digest).await?;
    let made = app.store.propose(&new, app.clock.micros()).await;
    if made.is_err() && !app.store.is_proposed(&new.archive).await? {
        app.proposals.remove(new.archive).await?;
    }
    let (found, is_new) = made?;
    if is_new {
        tracing::info!(number = found.number, skill = %found.skill, "a change was proposed");
    }
    Ok((found, is_new))
}
