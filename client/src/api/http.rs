//! Sends requests: time-outs, retries, redirects, tokens, size limits, and what went wrong in our own words.

use std::{
    sync::{Arc, Once, OnceLock},
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable};
use reqwest::{Method, Response, StatusCode, header, multipart, redirect};
use serde::{Serialize, de::DeserializeOwned};
use skill_schema::{Fault, codes, problem::Problem};

use super::{Fetched, Refused};
use crate::{config::credentials::Token, context::Context, output::Output};

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a connection may be silent.
const IDLE: Duration = Duration::from_secs(30);
/// How often a request that is safe to repeat is repeated.
const RETRIES: u64 = 3;
/// The longest wait that a `Retry-After` can ask for; past it the user decides.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);
/// Redirects in a row.
const MAX_REDIRECTS: usize = 3;
/// Bytes of an error body that are read.
const MAX_PROBLEM: usize = 256 * 1024;

/// Sends requests to one registry.
#[derive(Debug, Clone)]
pub struct Http(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    base: String,
    token: Option<Token>,
    output: Output,
    settings: Settings,
    /// Made at the first request: reading the system's certificates takes milliseconds.
    client: OnceLock<reqwest::Client>,
}

#[derive(Debug)]
struct Settings {
    idle: Duration,
    retries: u64,
    certificates: Vec<reqwest::Certificate>,
}

/// One request.
pub(super) struct Call<'a> {
    pub method: Method,
    pub path: &'a str,
    pub body: Body<'a>,
    /// Whether it is safe to repeat.
    pub retry: bool,
}

/// What a request carries.
pub(super) enum Body<'a> {
    Empty,
    Json(&'a [u8]),
    /// Made anew for each attempt.
    Form(&'a (dyn Fn() -> multipart::Form + Send + Sync)),
}

/// Why one attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The network, or an answer that makes no sense.
    Fault(Fault),
    /// The registry said no.
    Refused(Box<Problem>, Option<Duration>),
}

impl From<Failure> for anyhow::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fault(fault) => fault.into(),
            Failure::Refused(problem, _) => Refused(problem).into(),
        }
    }
}

impl Failure {
    /// Whether the same request may succeed in a moment.
    pub(super) fn passing(&self) -> bool {
        match self {
            Self::Fault(fault) => fault.code == codes::NETWORK,
            Self::Refused(problem, wait) => {
                matches!(problem.status, 408 | 429 | 502 | 503 | 504) && wait.is_none_or(|w| w <= MAX_RETRY_AFTER)
            }
        }
    }

    /// How long the registry asks to wait.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Refused(_, wait) => *wait,
            Self::Fault(_) => None,
        }
    }
}

impl Http {
    pub(super) fn new(context: &Context, base: String, token: Option<Token>) -> Result<Self, Fault> {
        let idle = context.env.http_timeout.or(context.config.number("network.timeout")).map(Duration::from_secs);
        let settings = Settings {
            idle: idle.unwrap_or(IDLE),
            retries: context.config.number("network.retries").unwrap_or(RETRIES),
            certificates: certificates(context)?,
        };
        let output = context.output.clone();
        Ok(Self(Arc::new(Inner { base, token, output, settings, client: OnceLock::new() })))
    }

    /// The registry's address.
    pub(super) fn base(&self) -> &str {
        &self.0.base
    }

    /// How failed requests are repeated: after 0.2, 0.4, 0.8… seconds, with jitter.
    pub(super) fn backoff(&self) -> ExponentialBuilder {
        let retries = usize::try_from(self.0.settings.retries).unwrap_or(usize::MAX);
        ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(retries)
            .with_jitter()
    }

    /// Sends a request, repeating it where that is safe and may help; the answer's body may have `limit` bytes.
    pub(super) async fn send(&self, call: &Call<'_>, limit: usize) -> anyhow::Result<(StatusCode, Vec<u8>)> {
        let attempt = || async {
            let response = self.attempt(call, header::HeaderMap::new()).await?;
            let status = response.status();
            Ok((status, self.body(response, limit).await?))
        };
        let result = if call.retry { self.repeat(attempt).await } else { attempt().await };
        result.map_err(|failure: Failure| failure.into())
    }

    /// `GET` of a static file that may be unchanged since its `ETag` was seen.
    pub(super) async fn fetch(&self, path: &str, etag: Option<&str>, limit: usize) -> anyhow::Result<Fetched> {
        let mut headers = header::HeaderMap::new();
        if let Some(value) = etag.and_then(|etag| header::HeaderValue::from_str(etag).ok()) {
            headers.insert(header::IF_NONE_MATCH, value);
        }
        let call = Call { method: Method::GET, path, body: Body::Empty, retry: true };
        let attempt = || async {
            let response = self.attempt(&call, headers.clone()).await?;
            if response.status() == StatusCode::NOT_MODIFIED {
                return Ok(Fetched::Unchanged);
            }
            let etag = response.headers().get(header::ETAG).and_then(|v| v.to_str().ok()).map(str::to_owned);
            Ok(Fetched::New { bytes: self.body(response, limit).await?, etag })
        };
        self.repeat(attempt).await.map_err(|failure: Failure| failure.into())
    }

    async fn repeat<T, F: Future<Output = Result<T, Failure>>>(&self, attempt: impl Fn() -> F) -> Result<T, Failure> {
        attempt
            .retry(self.backoff())
            .when(Failure::passing)
            .adjust(|failure, delay| delay.map(|d| failure.wait().map_or(d, |wait| wait.max(d))))
            .notify(|failure, delay| self.say_again(failure, delay))
            .await
    }

    /// Says at `-v` that a request is repeated.
    pub(super) fn say_again(&self, failure: &Failure, delay: Duration) {
        self.0.output.trace(1, || {
            let why = match failure {
                Failure::Fault(fault) => fault.sentence(),
                Failure::Refused(problem, _) => format!("{}: {}", problem.code, problem.detail),
            };
            format!("again in {} ms: {}", delay.as_millis(), codes::escape(&why))
        });
    }

    /// One attempt: an answer with a status of success (or 304), or why not.
    pub(super) async fn attempt(&self, call: &Call<'_>, headers: header::HeaderMap) -> Result<Response, Failure> {
        let url = format!("{}{}", self.0.base, call.path);
        let mut request = self.client().map_err(Failure::Fault)?.request(call.method.clone(), &url).headers(headers);
        if let Some(token) = &self.0.token {
            request = request.bearer_auth(token.reveal());
        }
        request = match call.body {
            Body::Empty => request,
            Body::Json(bytes) => request.header(header::CONTENT_TYPE, "application/json").body(bytes.to_vec()),
            Body::Form(form) => request.multipart(form()),
        };
        let started = Instant::now();
        self.0.output.trace(1, || format!("{} {url}", call.method));
        let response = request.send().await.map_err(|e| Failure::Fault(network(&e, &self.0.base)))?;
        let status = response.status();
        self.0.output.trace(2, || format!("{status} {} {url}, {:?}", call.method, started.elapsed()));
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        if status.is_redirection() {
            return Err(Failure::Fault(unexpected(&format!("{status}"))));
        }
        Err(self.refusal(response).await)
    }

    /// Reads a body of at most `limit` bytes.
    pub(super) async fn body(&self, mut response: Response, limit: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() > limit => {
                    return Err(Failure::Fault(unexpected(&format!("more than {limit} bytes"))));
                }
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => return Ok(bytes),
                Err(e) => return Err(Failure::Fault(network(&e, &self.0.base))),
            }
        }
    }

    /// The problem that the registry describes; something else between us and it may describe nothing.
    async fn refusal(&self, response: Response) -> Failure {
        let status = response.status();
        let wait = response.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok());
        let wait = wait.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        let body = match self.body(response, MAX_PROBLEM).await {
            Ok(body) => body,
            Err(failure) => return failure,
        };
        let problem = serde_json::from_slice(&body).unwrap_or_else(|_| {
            let code = match status.as_u16() {
                401 => codes::UNAUTHENTICATED,
                404 | 410 => codes::NOT_FOUND,
                429 => codes::RATE_LIMITED,
                502..=504 => codes::UNAVAILABLE,
                _ => codes::RESPONSE,
            };
            Problem { status: status.as_u16(), ..Problem::new(code, format!("{} answers {status}", self.0.base)) }
        });
        Failure::Refused(Box::new(problem), wait)
    }

    pub(super) fn client(&self) -> Result<&reqwest::Client, Fault> {
        if let Some(client) = self.0.client.get() {
            return Ok(client);
        }
        let client = build(&self.0.settings).map_err(|e| network(&e, &self.0.base))?;
        Ok(self.0.client.get_or_init(|| client))
    }
}

/// The one place that builds HTTP clients: one crypto provider, time-outs, no redirects away from the registry.
#[expect(clippy::disallowed_methods, reason = "this is the one place that builds HTTP clients")]
fn build(settings: &Settings) -> reqwest::Result<reqwest::Client> {
    static PROVIDER: Once = Once::new();
    // It fails only if a provider is installed already, and then there is one.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("skill/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(settings.idle)
        .tcp_nodelay(true)
        .redirect(redirect::Policy::custom(follow));
    for certificate in &settings.certificates {
        builder = builder.add_root_certificate(certificate.clone());
    }
    builder.build()
}

/// A redirect to another host or to plain http could send the token to somebody else.
#[derive(Debug, thiserror::Error)]
#[error("to {0}")]
struct RedirectRefused(String);

fn follow(attempt: redirect::Attempt) -> redirect::Action {
    let safe = attempt.previous().last().is_some_and(|from| {
        let to = attempt.url();
        let same = (from.scheme(), from.port_or_known_default()) == (to.scheme(), to.port_or_known_default());
        from.host_str() == to.host_str() && (same || to.scheme() == "https")
    });
    if safe && attempt.previous().len() <= MAX_REDIRECTS {
        return attempt.follow();
    }
    let target = attempt.url().to_string();
    attempt.error(RedirectRefused(target))
}

/// Certificates of `network.ca-file`.
fn certificates(context: &Context) -> Result<Vec<reqwest::Certificate>, Fault> {
    let Some(path) = context.config.text("network.ca-file") else { return Ok(Vec::new()) };
    let fault = |detail: String| Fault::new(codes::CONFIG).at(path).detail(detail);
    let pem = std::fs::read(path).map_err(|e| fault(e.to_string()))?;
    reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| fault(e.to_string()))
}

/// A failure of the network as a fault: the innermost cause says most.
pub(super) fn network(error: &reqwest::Error, base: &str) -> Fault {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        if let Some(refused) = source.downcast_ref::<RedirectRefused>() {
            return Fault::new(codes::REDIRECT).at(base).detail(refused.to_string());
        }
        cause = source;
    }
    let detail = if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() };
    if error.is_builder() {
        let code = if detail.contains("CA certificates") { codes::CERTIFICATES } else { codes::RESPONSE };
        return Fault::new(code).at(base).detail(detail);
    }
    let hint = if detail.contains("UnknownIssuer") {
        "; name the certificate authority with SSL_CERT_FILE or network.ca-file"
    } else {
        ""
    };
    Fault::new(codes::NETWORK).at(base).detail(format!("{detail}{hint}"))
}

/// An answer that is not in the protocol.
pub(super) fn unexpected(detail: &str) -> Fault {
    Fault::new(codes::RESPONSE).detail(detail)
}

/// Reads a JSON answer.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|e| unexpected(&e.to_string()))
}

/// A path with the members of a flat structure as query string; absent ones are left out.
pub(super) fn with_query(path: &str, request: &impl Serialize) -> Result<String, Fault> {
    let value = serde_json::to_value(request).map_err(|e| unexpected(&e.to_string()))?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) => drop(query.append_pair(name, text)),
            other => drop(query.append_pair(name, &other.to_string())),
        }
    }
    Ok(format!("{path}?{}", query.finish()))
}

#[cfg(test)]
mod tests {
    use skill_schema::api::search;

    use super::*;

    #[test]
    fn a_query_string_is_escaped() {
        let request = search::Request { q: "a&b ü".into(), limit: Some(5), ..search::Request::default() };
        assert_eq!(with_query("/s", &request).expect("flat"), "/s?limit=5&q=a%26b+%C3%BC&sort=relevance");
    }
}
