//! The registry's one error type, and how it becomes an answer: `application/problem+json`, always.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use skill_schema::{
    Code, Fault,
    codes::{self, Exit},
    problem::Problem,
};

use crate::fsck::Wrong;

/// Why a request, a command or the start of the server failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's mistake, or a state of things that the caller can do something about.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// A package was refused for what stands in it.
    #[error("{fault}")]
    Refused {
        /// The first rule that it breaks.
        fault: Fault,
        /// All findings, as `skill check --json` prints them.
        findings: Vec<serde_json::Value>,
    },
    /// The caller must wait.
    #[error("{fault}")]
    Wait {
        /// Why.
        fault: Fault,
        /// Seconds, for `Retry-After`.
        seconds: u64,
    },
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The migrations could not be applied.
    #[error("migrations: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A file could not be read or written.
    #[error("{place}: {source}")]
    Io {
        /// Which file.
        place: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// What is stored contradicts itself.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    /// A check of what is stored has found something wrong.
    #[error("{0}")]
    Unsound(Wrong),
    /// The server or a command cannot start like this.
    #[error("{0}")]
    Start(String),
}

impl Error {
    /// An I/O error at a place.
    pub fn io(place: impl AsRef<std::path::Path>) -> impl FnOnce(std::io::Error) -> Self {
        let place = place.as_ref().display().to_string();
        move |source| Self::Io { place, source }
    }

    /// Whether a request was refused, rather than something failed.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Fault(_) | Self::Refused { .. } | Self::Wait { .. })
    }

    /// The code under which callers see it.
    pub fn code(&self) -> &'static Code {
        match self {
            Self::Fault(fault) | Self::Refused { fault, .. } | Self::Wait { fault, .. } => fault.code,
            Self::Unsound(wrong) => wrong.code,
            Self::Start(_) => codes::SERVER_CONFIG,
            Self::Database(error) if is_passing(error) => codes::UNAVAILABLE,
            Self::Io { source, .. } if is_of_the_disk(source) => codes::UNAVAILABLE,
            _ => codes::INTERNAL,
        }
    }

    /// The exit status of a command that ends with it.
    pub fn exit(&self) -> Exit {
        match self {
            // Whatever rule it breaks: it was signed or stored like this.
            Self::Unsound(_) => Exit::Integrity,
            _ => self.code().exit,
        }
    }

    /// The problem that callers see. Says nothing about what failed inside.
    pub fn problem(&self) -> Problem {
        let code = self.code();
        match self {
            Self::Fault(fault) | Self::Wait { fault, .. } => Problem::new(code, fault.sentence()),
            Self::Refused { fault, findings } => {
                Problem { findings: findings.clone(), ..Problem::new(code, fault.sentence()) }
            }
            _ => Problem::new(code, code.title),
        }
    }
}

/// Whether the disk is full or fails: the same request may succeed later, and nothing was acknowledged.
fn is_of_the_disk(error: &std::io::Error) -> bool {
    /// `EIO`, which has no kind of its own.
    const FAILED: i32 = 5;
    error.kind() == std::io::ErrorKind::StorageFull || error.raw_os_error() == Some(FAILED)
}

/// Whether the database is busy or away, so that the same request may succeed later.
fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
        // SQLITE_BUSY, SQLITE_FULL, SQLITE_IOERR; PostgreSQL's connection, resource and intervention classes.
        sqlx::Error::Database(e) => e.code().is_some_and(|code| {
            ["5", "13", "10"].contains(&code.as_ref()) || ["08", "53", "57"].iter().any(|class| code.starts_with(class))
        }),
        _ => false,
    }
}

/// Runs what blocks (files, hashing) on a thread for it.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let span = tracing::Span::current();
    let task = tokio::task::spawn_blocking(move || span.in_scope(work));
    task.await.map_err(|e| Error::Damaged(format!("a task ended: {e}")))?
}

/// What went wrong, for the log: callers see only the problem.
#[derive(Debug, Clone)]
pub struct Cause(pub String);

/// Takes the problem as it is; the layer that knows the request id writes the body (see `app.rs`).
pub fn answer(problem: Problem, retry_after: Option<u64>) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = status.into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response.extensions_mut().insert(problem);
    response
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = self.problem();
        let retry_after = match &self {
            Self::Wait { seconds, .. } => Some(*seconds),
            _ if problem.status == 503 => Some(1),
            _ => None,
        };
        let mut response = answer(problem, retry_after);
        response.extensions_mut().insert(Cause(self.to_string()));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_failure_tells_callers_nothing_of_the_inside() {
        let error = Error::Damaged("row 7 of versions".to_owned());
        let problem = error.problem();
        assert_eq!((problem.status, problem.code.as_str()), (500, "E_INTERNAL"));
        assert!(!problem.detail.contains("row 7"));
    }

    #[test]
    fn a_full_disk_and_a_busy_database_are_worth_a_retry() {
        let full = Error::Io { place: "x".into(), source: std::io::ErrorKind::StorageFull.into() };
        assert_eq!(full.code(), codes::UNAVAILABLE);
        assert_eq!(Error::Database(sqlx::Error::PoolTimedOut).code(), codes::UNAVAILABLE);
        assert_eq!(Error::Database(sqlx::Error::RowNotFound).code(), codes::INTERNAL);
        let response = full.into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }
}
