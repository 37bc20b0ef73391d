//! `POST` and `GET /api/skill/v1/skills/{scope}/{name}/proposals`, `GET /api/skill/v1/proposals`, and one by its number.

mod new;

use axum::{
    Json,
    body::Body,
    extract::{DefaultBodyLimit, Path, Query, Request as HttpRequest, State, rejection::QueryRejection},
    http::header,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, put},
};
use skill_schema::{
    Fault, Limits, SkillId,
    api::{
        proposal::{self, State as Becomes},
        token::Permission,
    },
    codes,
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{
    auth::{Caller, Reader, Writer},
    body,
    error::Error,
    gate::equal,
    limits::JSON_BODY,
    state::AppState,
    upload,
};

/// Media type of archives.
const ARCHIVE: &str = "application/vnd.skill.archive.v1+gzip";
const QUERY: &[(&str, &str)] = &[
    ("state", "open, accepted, rejected or withdrawn"),
    ("author", "a user's name"),
    ("before", "only those with a lower number"),
];

const LIST: &[(u16, &str, Answer)] = &[(200, "at most 100, newest first", Answer::Json("Proposals"))];
const ONE: &[(u16, &str, Answer)] = &[(200, "the proposal", Answer::Json("Proposal"))];

pub(super) fn endpoints() -> Vec<Endpoint> {
    let read = |path, id, summary, query, answers, handler: MethodRouter<AppState>| Endpoint {
        method: HttpMethod::Get,
        path,
        id,
        summary,
        access: Access::Readers,
        request: Request::Nothing,
        query,
        answers,
        handler,
    };
    let all = get(list);
    vec![
        read(
            proposal::SKILL_ROUTE,
            "proposal_list_skill",
            "The proposals to a skill.",
            QUERY,
            LIST,
            get(list_of_skill),
        ),
        new::endpoint(),
        read(proposal::ROUTE, "proposal_list", "The proposals to all skills.", QUERY, LIST, all),
        read(proposal::ONE_ROUTE, "proposal", "A proposal.", &[], ONE, get(show)),
        read(
            proposal::ARCHIVE_ROUTE,
            "proposal_archive",
            "The archive of an open proposal.",
            &[],
            &[(200, "the bytes", Answer::Bytes(ARCHIVE))],
            get(archive),
        ),
        Endpoint {
            method: HttpMethod::Put,
            path: proposal::STATE_ROUTE,
            id: "proposal_state",
            summary: "Accepts, rejects or withdraws a proposal.",
            access: Access::Permission("publish:update, or publish:new for one's own,"),
            request: Request::Json("ProposalState"),
            query: &[],
            answers: ONE,
            handler: put(change),
        },
    ]
}

/// The limit of a request that makes a proposal.
fn body_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(upload::proposal::limit(&Limits::V1))
}

type Asked = Result<Query<proposal::Query>, QueryRejection>;

fn asked(query: Asked) -> Result<proposal::Query, Error> {
    let bad = |e: QueryRejection| Fault::new(codes::BAD_REQUEST).at("query").detail(e.body_text());
    Ok(query.map_err(bad)?.0)
}

async fn list(State(app): State<AppState>, reader: Reader, query: Asked) -> Result<Json<proposal::List>, Error> {
    // They are of all scopes.
    reader.check("")?;
    Ok(Json(proposal::List { items: app.store.proposals(None, &asked(query)?).await? }))
}

async fn list_of_skill(
    State(app): State<AppState>,
    reader: Reader,
    Path((scope, name)): Path<(String, String)>,
    query: Asked,
) -> Result<Json<proposal::List>, Error> {
    let id = SkillId { scope: scope.parse()?, name: name.parse()? };
    reader.check_skill(&id)?;
    if !app.store.skill_exists(&id).await? {
        return Err(Fault::new(codes::NOT_FOUND).at(id.to_string()).into());
    }
    Ok(Json(proposal::List { items: app.store.proposals(Some(&id), &asked(query)?).await? }))
}

/// The proposal of a number in an address.
async fn find(app: &AppState, number: &str) -> Result<proposal::Response, Error> {
    let unknown = || Fault::new(codes::NOT_FOUND).at(format!("proposal {number}"));
    let parsed = number.parse().map_err(|_| unknown())?;
    Ok(app.store.proposal(parsed).await?.ok_or_else(unknown)?)
}

async fn show(
    State(app): State<AppState>,
    reader: Reader,
    Path(number): Path<String>,
) -> Result<Json<proposal::Response>, Error> {
    reader.check_any()?;
    let found = find(&app, &number).await?;
    reader.check_skill(&found.skill)?;
    Ok(Json(found))
}

async fn archive(State(app): State<AppState>, reader: Reader, Path(number): Path<String>) -> Result<Response, Error> {
    reader.check_any()?;
    let found = find(&app, &number).await?;
    reader.check_skill(&found.skill)?;
    if found.state != Becomes::Open {
        let detail = format!("it is {}, and its archive is not kept", found.state.as_str());
        return Err(Fault::new(codes::PROPOSAL_CLOSED).at(number).detail(detail).into());
    }
    let bytes = app.proposals.read(found.archive).await?;
    let bytes = bytes.ok_or_else(|| Error::Damaged(format!("the archive of proposal {number} is missing")))?;
    Ok(([(header::CONTENT_TYPE, ARCHIVE)], Body::from(bytes)).into_response())
}

async fn change(
    State(app): State<AppState>,
    Writer(caller): Writer,
    Path(number): Path<String>,
    request: HttpRequest,
) -> Result<Json<proposal::Response>, Error> {
    let (parts, body) = request.into_parts();
    let wanted: proposal::Change = body::read_json(&app.config.limits, &parts.headers, body, JSON_BODY).await?;
    if wanted.note.len() > proposal::MAX_NOTE {
        let detail = format!("at most {} bytes", proposal::MAX_NOTE);
        return Err(Fault::new(codes::BAD_REQUEST).at("note").detail(detail).into());
    }
    let found = find(&app, &number).await?;
    check_may(&app, &caller, &found, wanted.state).await?;
    if wanted.state == Becomes::Accepted {
        check_published(&app, &found).await?;
    }
    let (now, by) = (app.clock.micros(), caller.user());
    let after = app.store.close_proposal(found.number, wanted.state, by, &wanted.note, now).await?;
    let _turn = app.proposals.turn().await;
    if !app.store.is_proposed(&after.archive).await? {
        app.proposals.remove(after.archive).await?;
    }
    tracing::info!(number = after.number, skill = %after.skill, state = after.state.as_str(), "a proposal has ended");
    Ok(Json(after))
}

/// An author withdraws; owners accept and reject; whoever administers the registry rejects what should not lie here.
async fn check_may(app: &AppState, caller: &Caller, found: &proposal::Response, state: Becomes) -> Result<(), Error> {
    let skill = found.skill.to_string();
    match state {
        Becomes::Open => {
            Err(Fault::new(codes::BAD_REQUEST).at("state").detail("a proposal is not opened again").into())
        }
        Becomes::Withdrawn if found.author != caller.user() => {
            Err(Fault::new(codes::NOT_AUTHOR).at(found.number.to_string()).into())
        }
        Becomes::Withdrawn => {
            caller.check(&[Permission::PublishNew, Permission::PublishUpdate], &found.source.to_string())
        }
        Becomes::Rejected if caller.has(Permission::Admin) => caller.check(&[Permission::Admin], &skill),
        Becomes::Rejected | Becomes::Accepted => {
            caller.check(&[Permission::PublishUpdate], &skill)?;
            caller.check_owner(app, &found.skill.scope).await
        }
    }
}

/// What is called accepted is published, with exactly these files.
async fn check_published(app: &AppState, found: &proposal::Response) -> Result<(), Error> {
    let place = format!("{}@{}", found.skill, found.version);
    let tree = app.store.tree_of(&found.skill, &found.version).await?;
    let missing = || Fault::new(codes::NO_VERSION).at(place).detail("publish what is proposed first");
    equal("tree of the published version", &tree.ok_or_else(missing)?, &found.tree)
}
