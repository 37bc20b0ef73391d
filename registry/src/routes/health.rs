//! `GET /healthz` (the process answers) and `GET /readyz` (the database answers too).

use axum::{extract::State, routing::get};
use utoipa::openapi::path::HttpMethod;

use super::{Access, Answer, Endpoint, Request};
use crate::{error::Error, state::AppState};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let endpoint = |path, id, summary, handler| Endpoint {
        method: HttpMethod::Get,
        path,
        id,
        summary,
        access: Access::Anybody,
        request: Request::Nothing,
        query: &[],
        answers: &[(200, "ok", Answer::Bytes("text/plain"))],
        handler,
    };
    vec![
        endpoint("/healthz", "health_live", "Whether the process answers.", get(live)),
        endpoint("/readyz", "health_ready", "Whether the registry can work: its database answers.", get(ready)),
    ]
}

async fn live() -> &'static str {
    "ok\n"
}

async fn ready(State(app): State<AppState>) -> Result<&'static str, Error> {
    app.store.ping().await?;
    Ok("ok\n")
}
