//! One file per operation, under the name that its contract in [`skill_schema::api`] has. Each lists its endpoints: the handler and
//! what the API document says of it, in one place.

pub mod blob;
pub mod deprecate;
pub mod eval;
pub mod health;
pub mod index;
pub mod info;
pub mod job;
pub mod leaderboard;
pub mod lineage;
pub mod log;
pub mod metrics;
pub mod openapi;
pub mod owner;
pub mod proposal;
pub mod publish;
pub mod quarantine;
pub mod scope;
pub mod search;
pub mod snapshot;
pub mod suite;
pub mod token;
pub mod well_known;
pub mod whoami;
pub mod worker;
pub mod yank;

use axum::{Router, routing::MethodRouter};
use utoipa::openapi::path::HttpMethod;

use crate::state::AppState;

/// A route: its handler and what the document says of it.
pub struct Endpoint {
    /// The method. `Get` answers `HEAD` too.
    pub method: HttpMethod,
    /// The path, with `{names}`.
    pub path: &'static str,
    /// Name of the operation: its file, or its file and what it does there.
    pub id: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Who may use it.
    pub access: Access,
    /// The body of the request.
    pub request: Request,
    /// Query parameters: name and description.
    pub query: &'static [(&'static str, &'static str)],
    /// The answers that are not problems: status, description, body.
    pub answers: &'static [(u16, &'static str, Answer)],
    /// What does it.
    pub handler: MethodRouter<AppState>,
}

/// Who may use an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Anybody,
    /// Anybody, or where reading needs a token whoever has `read:private`.
    Readers,
    /// Whoever has a valid token.
    AnyToken,
    /// Whoever has a token with one of these permissions.
    Permission(&'static str),
}

/// The body that an endpoint takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// None.
    Nothing,
    /// JSON of a named schema.
    Json(&'static str),
    /// The envelope of a statement, byte for byte.
    Statement,
    /// A form of a named schema.
    Form(&'static str),
}

/// The body that an endpoint answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// None.
    Nothing,
    /// JSON of a named schema.
    Json(&'static str),
    /// Another media type.
    Bytes(&'static str),
}

/// All endpoints of the public listener.
pub fn endpoints() -> Vec<Endpoint> {
    [
        well_known::endpoints(),
        index::endpoints(),
        blob::endpoints(),
        log::endpoints(),
        snapshot::endpoints(),
        publish::endpoints(),
        suite::endpoints(),
        eval::endpoints(),
        job::endpoints(),
        worker::endpoints(),
        yank::endpoints(),
        quarantine::endpoints(),
        deprecate::endpoints(),
        info::endpoints(),
        lineage::endpoints(),
        proposal::endpoints(),
        search::endpoints(),
        leaderboard::endpoints(),
        scope::endpoints(),
        owner::endpoints(),
        token::endpoints(),
        whoami::endpoints(),
        openapi::endpoints(),
        health::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The router of the public listener.
pub fn router() -> Router<AppState> {
    endpoints().into_iter().fold(Router::new(), |router, endpoint| router.route(endpoint.path, endpoint.handler))
}
