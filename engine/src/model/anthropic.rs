//! Anthropic's messages, at Anthropic or at a server that speaks like it.
//!
//! The prefix is marked for the provider's cache. There are no seeds, and no grammars; a JSON schema is asked for as the input of
//! a tool that must be used.

use std::{sync::Arc, time::Instant};

use futures::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};

use super::{
    Caps, CaseOutput, CaseRequest, Constraint, Engine, EngineError, Fingerprint, Finish, GroupRequest, GroupStream,
    Message, Prices, Retry, Role, Secret, Sharing, estimate_tokens,
    http::{Failure, Http, Used, first_alone, said},
};

/// The interface's version.
const VERSION: &str = "2023-06-01";
/// Tokens of context.
const CONTEXT: usize = 200_000;
/// The tool whose input is the answer.
const TOOL: &str = "answer";

/// How to reach a model.
#[derive(Debug, Clone)]
pub struct Options {
    /// The interface's address without its version: `https://api.anthropic.com`.
    pub base: String,
    /// The model's name there, with its date.
    pub model: String,
    /// The key, if the server wants one.
    pub key: Option<Secret>,
    /// Requests at the same time at most.
    pub parallel: usize,
    /// What tokens cost.
    pub prices: Prices,
    /// How patiently requests are repeated.
    pub retry: Retry,
}

/// A model behind Anthropic's interface.
#[derive(Debug)]
pub struct Anthropic {
    options: Options,
    http: Http,
    caps: Caps,
    fingerprint: Fingerprint,
}

impl Anthropic {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if the system's certificates cannot be read.
    pub fn new(options: Options) -> Result<Self, EngineError> {
        let http = Http::new(&options.base, options.key.clone(), options.retry, options.parallel)?;
        let caps = Caps {
            prefix_sharing: Sharing::Explicit,
            constraints: false,
            seed: false,
            exact: false,
            max_parallel: options.parallel,
            context: CONTEXT,
            device: "remote".to_owned(),
        };
        let fingerprint = Fingerprint {
            model: options.model.clone(),
            weights: options.model.clone(),
            quantisation: "unknown".to_owned(),
            engine: "anthropic".to_owned(),
            build: format!("{VERSION} {}", options.base),
            device: "remote".to_owned(),
        };
        Ok(Self { options, http, caps, fingerprint })
    }

    fn request(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        let request = self.http.post(&format!("{}{path}", self.options.base), body);
        let request = request.header("anthropic-version", VERSION);
        match self.http.key() {
            Some(key) => request.header("x-api-key", key),
            None => request,
        }
    }

    async fn answer(&self, group: Arc<GroupRequest>, index: usize) -> Result<CaseOutput, EngineError> {
        let begun = Instant::now();
        let case = &group.cases[index];
        let body = body(&self.options.model, &group.prefix, case)?;
        let once = || async {
            let response = self.http.send(self.request("/v1/messages", &body)).await?;
            let mut answer = Answer::default();
            self.http.events(response, |data| answer.take(data)).await?;
            answer.complete()
        };
        let (text, finish, used) = self.http.trying(once).await?;
        Ok(CaseOutput {
            text,
            finish,
            prompt_tokens: used.prompt,
            cached_tokens: used.cached,
            output_tokens: used.output,
            ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            cost_micros: self.options.prices.cost(&used),
        })
    }

    async fn count(&self, messages: &[Message]) -> Result<usize, EngineError> {
        let (system, turns) = split(&[], messages)?;
        let body = json!({"model": self.options.model, "system": system, "messages": turns});
        let once = || async {
            let response = self.http.send(self.request("/v1/messages/count_tokens", &body)).await?;
            self.http.json(response).await
        };
        let counted = self.http.trying(once).await?;
        let tokens = counted.get("input_tokens").and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
        Ok(tokens.unwrap_or_else(|| estimate_tokens(messages)))
    }
}

/// Standing instructions and turns. The last block of the prefix is marked: everything up to it is cached.
fn split(prefix: &[Message], messages: &[Message]) -> Result<(Vec<Value>, Vec<Value>), EngineError> {
    let (mut system, mut turns) = (Vec::new(), Vec::new());
    let all = prefix.iter().chain(messages);
    for (n, message) in all.enumerate() {
        let mut block = json!({"type": "text", "text": message.content});
        if n + 1 == prefix.len() {
            block["cache_control"] = json!({"type": "ephemeral"});
        }
        match message.role {
            Role::System => system.push(block),
            Role::User => turns.push(json!({"role": "user", "content": [block]})),
            Role::Assistant => turns.push(json!({"role": "assistant", "content": [block]})),
        }
    }
    if turns.is_empty() {
        return Err(EngineError::Refused("a conversation in which the user says nothing".to_owned()));
    }
    Ok((system, turns))
}

fn body(model: &str, prefix: &[Message], case: &CaseRequest) -> Result<Value, EngineError> {
    let (system, turns) = split(prefix, &case.messages)?;
    let mut body = json!({
        "model": model,
        "max_tokens": case.sampling.max_tokens.max(1),
        "temperature": case.sampling.temperature.clamp(0.0, 1.0),
        "messages": turns,
        "stream": true,
    });
    if !system.is_empty() {
        body["system"] = json!(system);
    }
    // Newer models take only one of the two.
    if case.sampling.top_p < 1.0 {
        body["top_p"] = case.sampling.top_p.into();
        body.as_object_mut().and_then(|body| body.remove("temperature"));
    }
    let stops: Vec<&String> = case.stop.iter().filter(|stop| !stop.trim().is_empty()).collect();
    if !stops.is_empty() {
        body["stop_sequences"] = json!(stops);
    }
    if let Constraint::JsonSchema(schema) = &case.constraint {
        body["tools"] = json!([{"name": TOOL, "description": "Gives the answer.", "input_schema": schema}]);
        body["tool_choice"] = json!({"type": "tool", "name": TOOL});
    }
    Ok(body)
}

/// An answer as it arrives.
#[derive(Debug, Default)]
struct Answer {
    text: String,
    /// The input of the tool, if it is used.
    input: String,
    finish: Option<String>,
    used: Used,
}

impl Answer {
    /// Takes one event; whether it was the last.
    fn take(&mut self, data: &str) -> Result<bool, Failure> {
        let event: Value = serde_json::from_str(data)
            .map_err(|e| Failure::Again(format!("an event that is not as it must be: {e}"), None))?;
        match event.get("type").and_then(Value::as_str).unwrap_or_default() {
            "message_start" => self.count(event.pointer("/message/usage")),
            "content_block_delta" => {
                let part = |name: &str| event.pointer(name).and_then(Value::as_str).unwrap_or_default();
                self.text.push_str(part("/delta/text"));
                self.input.push_str(part("/delta/partial_json"));
            }
            "message_delta" => {
                self.count(event.get("usage"));
                self.finish = event.pointer("/delta/stop_reason").and_then(Value::as_str).map(str::to_owned);
            }
            "message_stop" => return Ok(true),
            "error" => return Err(Failure::Again(format!("the model server breaks off: {}", said(data)), None)),
            // `ping`, and kinds that are added later.
            _ => {}
        }
        Ok(false)
    }

    /// Later numbers replace earlier ones; the prompt's are sent once.
    fn count(&mut self, usage: Option<&Value>) {
        let number = |name: &str| usage.and_then(|usage| usage.get(name)).and_then(Value::as_u64);
        if let Some(input) = number("input_tokens") {
            self.used.cached = number("cache_read_input_tokens").unwrap_or(self.used.cached);
            self.used.written = number("cache_creation_input_tokens").unwrap_or(self.used.written);
            self.used.prompt = input.saturating_add(self.used.cached).saturating_add(self.used.written);
        }
        self.used.output = number("output_tokens").unwrap_or(self.used.output);
    }

    fn complete(self) -> Result<(String, Finish, Used), Failure> {
        let finish = match self.finish.as_deref() {
            None => return Err(Failure::Again("the answer breaks off".to_owned(), None)),
            Some("max_tokens") => Finish::Length,
            Some(_) => Finish::Stop,
        };
        let text = if self.input.is_empty() { self.text } else { self.input };
        Ok((text, finish, self.used))
    }
}

impl Engine for Anthropic {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn count_tokens<'a>(&'a self, messages: &'a [Message]) -> BoxFuture<'a, Result<usize, EngineError>> {
        self.count(messages).boxed()
    }

    fn run_group(&self, request: GroupRequest) -> GroupStream<'_> {
        first_alone(request, self.options.parallel, move |group, index| self.answer(group, index))
    }
}

#[cfg(test)]
mod tests;
