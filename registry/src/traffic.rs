//! Counting requests. Looking a metric up costs more than answering a read from memory, so the handles are kept.

use std::{
    array,
    collections::HashMap,
    sync::{LazyLock, OnceLock},
    time::Duration,
};

use axum::http::{Method, StatusCode};
use metrics::{Counter, Histogram};

use crate::routes;

/// The methods that are told apart; others are `other`.
const METHODS: [&str; 6] = ["GET", "HEAD", "PUT", "POST", "DELETE", "other"];
/// Status codes begin at 100 and end below 600.
const STATUSES: usize = 500;

/// Handles for one route.
struct Route {
    path: &'static str,
    seconds: Histogram,
    requests: [Vec<OnceLock<Counter>>; METHODS.len()],
}

impl Route {
    fn new(path: &'static str) -> Self {
        let requests = array::from_fn(|_| (0..STATUSES).map(|_| OnceLock::new()).collect());
        Self { path, seconds: metrics::histogram!("skill_request_seconds", "route" => path), requests }
    }
}

/// Counts a request of a route. Paths that are no route of ours are one class, so that clients cannot fill the memory.
pub fn count(route: &str, method: &Method, status: StatusCode, took: Duration) {
    static ROUTES: LazyLock<HashMap<&'static str, Route>> = LazyLock::new(|| {
        let paths = routes::endpoints().into_iter().map(|endpoint| endpoint.path);
        paths.chain(["/metrics", "none"]).map(|path| (path, Route::new(path))).collect()
    });
    let Some(route) = ROUTES.get(route).or_else(|| ROUTES.get("none")) else { return };
    route.seconds.record(took.as_secs_f64());
    let place = METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(METHODS.len() - 1);
    let code = usize::from(status.as_u16()).saturating_sub(100).min(STATUSES - 1);
    let counter = route.requests[place][code].get_or_init(|| {
        let (path, method, status) = (route.path, METHODS[place], status.as_u16().to_string());
        metrics::counter!("skill_requests_total", "route" => path, "method" => method, "status" => status)
    });
    counter.increment(1);
}
