//! Sending requests to model servers: one place for time-outs, repeats, keys and what goes wrong.

#[cfg(test)]
pub(super) mod testing;

use std::{
    future::Future,
    sync::{Arc, Once},
    time::Duration,
};

use futures::{StreamExt, stream};
use reqwest::{RequestBuilder, Response, StatusCode, header, redirect};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{CaseOutput, EngineError, GroupRequest, GroupStream, Secret, sse::Events};

/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a server may be silent: a long prompt on a slow machine is evaluated before the first token comes.
const SILENT: Duration = Duration::from_mins(5);
/// How long a download may stand still.
const STALLED: Duration = Duration::from_mins(1);
/// Redirects in a row.
const MAX_REDIRECTS: usize = 5;
/// Bytes of an answer at most, as sent.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// Bytes of an error's body that are read.
const MAX_ERROR: usize = 64 * 1024;
/// Characters of a server's error that are repeated to the user.
const MAX_MESSAGE: usize = 300;

/// How often and how patiently a request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Tries in all.
    pub tries: u32,
    /// The first wait; each further one is twice as long.
    pub first: Duration,
    /// The longest wait, also of those that a server asks for; past it the caller decides.
    pub longest: Duration,
    /// How long a server may load its model.
    pub loading: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            tries: 5,
            first: Duration::from_millis(500),
            longest: Duration::from_mins(1),
            loading: Duration::from_mins(10),
        }
    }
}

/// What a provider asks for, in millionths of a dollar for a million tokens: 3 dollars are 3,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// Tokens of the prompt that were not cached.
    pub prompt: u64,
    /// Tokens of the prompt that were.
    pub cached: u64,
    /// Tokens of the prompt that were put into a cache, where this costs extra.
    pub cache_write: u64,
    /// Generated tokens.
    pub output: u64,
}

/// What an answer used, as the server counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Used {
    /// All tokens of the prompt.
    pub prompt: u64,
    /// Those that were cached.
    pub cached: u64,
    /// Those that were put into a cache.
    pub written: u64,
    /// Generated.
    pub output: u64,
}

impl Prices {
    /// Millionths of a dollar, rounded up.
    pub(super) fn cost(&self, used: &Used) -> u64 {
        let plain = used.prompt.saturating_sub(used.cached).saturating_sub(used.written);
        let parts = [
            (plain, self.prompt),
            (used.cached, self.cached),
            (used.written, self.cache_write),
            (used.output, self.output),
        ];
        let sum: u128 = parts.iter().map(|(tokens, price)| u128::from(*tokens) * u128::from(*price)).sum();
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

/// Why one try failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another try may help, after this time if the server named one.
    Again(String, Option<Duration>),
    /// The server loads its model.
    Loading(String),
    /// Another try would fail as well.
    Never(String),
}

/// Sends requests to one server, with its key.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: reqwest::Client,
    key: Option<Secret>,
    retry: Retry,
    places: Arc<Semaphore>,
}

impl Http {
    /// For the server at this address; at most `parallel` requests at the same time.
    pub fn new(base: &str, key: Option<Secret>, retry: Retry, parallel: usize) -> Result<Self, EngineError> {
        let client =
            build(base.starts_with("http://")).map_err(|e| EngineError::Refused(format!("no HTTP client: {e}")))?;
        Ok(Self { client, key, retry, places: Arc::new(Semaphore::new(parallel.max(1))) })
    }

    /// A request with JSON.
    pub fn post(&self, url: &str, body: &Value) -> RequestBuilder {
        self.client.post(url).json(body)
    }

    /// A request without a body.
    pub fn get(&self, url: &str) -> RequestBuilder {
        self.client.get(url)
    }

    /// The key, for a header.
    pub fn key(&self) -> Option<&str> {
        self.key.as_ref().map(Secret::reveal)
    }

    /// Tries until it works or there is no use in trying again.
    pub async fn trying<T, F>(&self, mut once: impl FnMut() -> F) -> Result<T, EngineError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let _place = self.places.acquire().await.map_err(|_| EngineError::infra("the engine was closed"))?;
        let (mut wait, mut tries, mut loading) = (self.retry.first, 1, Duration::ZERO);
        loop {
            let (message, asked) = match once().await {
                Ok(value) => return Ok(value),
                Err(Failure::Never(message)) => return Err(EngineError::Refused(self.hide(&message))),
                Err(Failure::Loading(message)) => {
                    loading += wait;
                    tries = 1;
                    (message, (loading > self.retry.loading).then_some(Duration::MAX))
                }
                Err(Failure::Again(message, asked)) => (message, asked),
            };
            let asked = asked.unwrap_or(wait);
            if tries >= self.retry.tries || asked > self.retry.longest {
                let retry_after_ms = u64::try_from(asked.as_millis()).ok().filter(|_| asked > self.retry.longest);
                return Err(EngineError::Infra { message: self.hide(&message), retry_after_ms });
            }
            tokio::time::sleep(asked).await;
            tries += 1;
            wait = (wait * 2).min(self.retry.longest);
        }
    }

    /// Sends a request; anything but success is a failure.
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|e| network(&e))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let asked = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let asked = asked.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        let body = read(response, MAX_ERROR).await.unwrap_or_default();
        Err(refused(status, &String::from_utf8_lossy(&body), asked))
    }

    /// Reads a stream of events to its end; `each` says whether this was the last.
    pub async fn events(
        &self,
        mut response: Response,
        mut each: impl FnMut(&str) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let (mut events, mut total) = (Events::default(), 0);
        while let Some(bytes) = response.chunk().await.map_err(|e| network(&e))? {
            total += bytes.len();
            if total > MAX_ANSWER {
                return Err(Failure::Never(format!("an answer of more than {MAX_ANSWER} bytes")));
            }
            for data in events.push(&bytes).map_err(|e| Failure::Again(e.to_string(), None))? {
                if each(&data)? {
                    return Ok(());
                }
            }
        }
        Err(Failure::Again("the answer breaks off".to_owned(), None))
    }

    /// Reads a JSON answer.
    pub async fn json(&self, response: Response) -> Result<Value, Failure> {
        let body = read(response, MAX_ANSWER).await?;
        serde_json::from_slice(&body).map_err(|e| Failure::Again(format!("the answer is not JSON: {e}"), None))
    }

    fn hide(&self, message: &str) -> String {
        self.key.as_ref().map_or_else(|| message.to_owned(), |key| key.hide(message))
    }
}

/// A client for model servers: no redirects, which could send the key to somebody else. For plain servers the system's certificates,
/// some hundred files, are not read.
fn build(plain: bool) -> reqwest::Result<reqwest::Client> {
    let builder = builder().read_timeout(SILENT).redirect(redirect::Policy::none());
    if plain { builder.tls_certs_only([]).build() } else { builder.build() }
}

/// A client for public files: it has no key to lose, and follows redirects, but from https only to https.
pub(super) fn build_for_downloads() -> reqwest::Result<reqwest::Client> {
    let follow = redirect::Policy::custom(|attempt| {
        let from = attempt.previous().last().map(|url| url.scheme().to_owned());
        let falls = from.as_deref() == Some("https") && attempt.url().scheme() != "https";
        if falls || attempt.previous().len() > MAX_REDIRECTS { attempt.stop() } else { attempt.follow() }
    });
    builder().read_timeout(STALLED).redirect(follow).build()
}

#[expect(clippy::disallowed_methods, reason = "this is the engine's one place that builds HTTP clients")]
fn builder() -> reqwest::ClientBuilder {
    static PROVIDER: Once = Once::new();
    // It fails only if a provider is installed already, and then there is one.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    reqwest::Client::builder().user_agent(concat!("skill/", env!("CARGO_PKG_VERSION"))).connect_timeout(CONNECT)
}

async fn read(mut response: Response, most: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(|e| network(&e))? {
        if body.len() + bytes.len() > most {
            return Err(Failure::Never(format!("an answer of more than {most} bytes")));
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body)
}

/// What a status other than success means.
fn refused(status: StatusCode, body: &str, asked: Option<Duration>) -> Failure {
    let said = said(body);
    let message = format!("the model server answers {status}: {said}");
    let quota = said.contains("insufficient_quota") || body.contains("insufficient_quota");
    match status.as_u16() {
        401 | 403 => Failure::Never(format!("the model server does not accept the key ({status}): {said}")),
        503 if said.contains("Loading model") => Failure::Loading(message),
        429 if quota => Failure::Never(message),
        408 | 409 | 425 | 429 | 500..=599 => Failure::Again(message, asked),
        _ => Failure::Never(message),
    }
}

/// A server's own words: `error.message` where there is one; one line, cut.
pub(super) fn said(body: &str) -> String {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let text = json
        .as_ref()
        .and_then(|json| json.pointer("/error/message").or_else(|| json.get("error")).or_else(|| json.get("message")))
        .and_then(Value::as_str)
        .unwrap_or(body);
    text.chars().take(MAX_MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A failure of the network: the innermost cause says most.
fn network(error: &reqwest::Error) -> Failure {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let detail = if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() };
    let message = format!("the model server: {detail}");
    if error.is_builder() { Failure::Never(message) } else { Failure::Again(message, None) }
}

/// Answers a group in an order that fills the server's prefix cache: the first case alone, then the others side by side.
pub(super) fn first_alone<'a, F>(
    group: GroupRequest,
    parallel: usize,
    answer: impl Fn(Arc<GroupRequest>, usize) -> F + Send + Clone + 'a,
) -> GroupStream<'a>
where
    F: Future<Output = Result<CaseOutput, EngineError>> + Send + 'a,
{
    let group = Arc::new(group);
    let cases = group.cases.len();
    let one = move |index: usize| {
        let answer = answer(group.clone(), index);
        async move { (index, answer.await) }
    };
    let others = one.clone();
    let first = stream::iter(0..cases.min(1)).then(one);
    first.chain(stream::iter(1..cases).map(others).buffer_unordered(parallel.max(1))).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_counts_each_kind_of_token_once_and_rounds_up() {
        let prices = Prices { prompt: 3_000_000, cached: 300_000, cache_write: 3_750_000, output: 15_000_000 };
        let used = Used { prompt: 1000, cached: 600, written: 300, output: 10 };
        // 100 · 3 + 600 · 0.3 + 300 · 3.75 + 10 · 15
        assert_eq!(prices.cost(&used), 300 + 180 + 1125 + 150);
        assert_eq!(prices.cost(&Used { cached: 1, prompt: 1, ..Used::default() }), 1);
        assert_eq!(Prices::default().cost(&used), 0);
        assert_eq!(Prices { output: u64::MAX, ..prices }.cost(&Used { output: u64::MAX, ..used }), u64::MAX);
    }

    #[test]
    fn a_status_says_whether_another_try_may_help() {
        let kind = |status: u16, body: &str| match refused(StatusCode::from_u16(status).expect("a status"), body, None)
        {
            Failure::Again(..) => "again",
            Failure::Loading(_) => "loading",
            Failure::Never(_) => "never",
        };
        for again in [408, 429, 500, 502, 503, 529] {
            assert_eq!(kind(again, "busy"), "again", "{again}");
        }
        for never in [400, 401, 403, 404, 413, 422, 302] {
            assert_eq!(kind(never, "no"), "never", "{never}");
        }
        assert_eq!(kind(503, r#"{"error":{"message":"Loading model","code":503}}"#), "loading");
        assert_eq!(kind(429, r#"{"error":{"message":"pay","code":"insufficient_quota"}}"#), "never");
    }

    #[test]
    fn a_servers_words_are_one_short_line() {
        assert_eq!(said(r#"{"error":{"message":"a\nb"}}"#), "a b");
        assert_eq!(said(r#"{"error":"x"}"#), "x");
        assert_eq!(said(r#"{"message":"y"}"#), "y");
        assert_eq!(said(&"é".repeat(1000)).chars().count(), MAX_MESSAGE);
    }
}
