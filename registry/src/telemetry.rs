//! Logs and metrics. Never tokens, never bodies.

use std::{io::IsTerminal, sync::OnceLock};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::{
    config::{LogConfig, LogFormat},
    error::Error,
};

/// Seconds that separate the classes of the request histogram.
const BUCKETS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// Starts logging to standard error. Called once, by the program.
pub fn log(config: &LogConfig) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&config.filter).map_err(|e| Error::Start(format!("log: {e}")))?;
    let registry = tracing_subscriber::registry().with(filter);
    let writer = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let started = match config.format {
        LogFormat::Text => registry.with(writer).try_init(),
        LogFormat::Json => registry.with(writer.json().flatten_event(true)).try_init(),
    };
    started.map_err(|e| Error::Start(format!("log: {e}")))
}

/// The process's metrics; the recorder is installed on first use.
pub fn metrics() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let builder = match builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), BUCKETS) {
            Ok(builder) => builder,
            Err(_) => PrometheusBuilder::new(), // Only an empty list of classes is refused.
        };
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder has the metrics");
        }
        describe();
        handle
    })
}

fn describe() {
    metrics::describe_counter!("skill_requests_total", "Requests by route, method and status.");
    metrics::describe_histogram!("skill_request_seconds", "Time to answer, by route.");
    metrics::describe_gauge!("skill_connections", "Open connections.");
    metrics::describe_counter!("skill_published_total", "Versions published by this process.");
    metrics::describe_counter!("skill_rate_limited_total", "Requests refused for the rate of their client.");
    metrics::describe_counter!("skill_panics_total", "Requests that ended in a bug.");
    metrics::describe_gauge!("skill_log_size", "Leaves of the log.");
}
