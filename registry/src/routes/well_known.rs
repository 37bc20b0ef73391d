//! `GET /.well-known/skill-registry`.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header},
    routing::get,
};
use skill_schema::{
    Version,
    api::{BASE, well_known},
};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{http::fixed, state::AppState};

/// The oldest client that understands this registry.
const MIN_CLIENT: Version = Version::new(0, 1, 0);

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint {
        method: HttpMethod::Get,
        path: well_known::ROUTE,
        id: "well_known",
        summary: "What a client must know before it talks to the registry.",
        access: Access::Anybody,
        request: Request::Nothing,
        query: &[],
        answers: &[(200, "the document", Answer::Json("WellKnown"))],
        handler: get(serve),
    }]
}

async fn serve(State(app): State<AppState>) -> (HeaderMap, Json<well_known::Response>) {
    let response = well_known::Response {
        v: 1,
        api: format!("{}{BASE}", app.base),
        origin: app.identity.origin.clone(),
        log: vec![app.identity.log_key.to_string()],
        witnesses: app.config.witnesses.iter().map(|witness| witness.key.to_string()).collect(),
        quorum: app.config.quorum,
        auth: app.config.policy.auth,
        limits: app.config.packages.into(),
        min_client: MIN_CLIENT,
    };
    (fixed([(header::CACHE_CONTROL, "public, max-age=300")]), Json(response))
}
