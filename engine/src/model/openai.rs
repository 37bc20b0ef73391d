//! Servers that speak OpenAI's chat completions: OpenAI itself, llama.cpp's server, vLLM, SGLang, Ollama. When one machine is
//! outgrown, this is the door to a cluster.

use std::{sync::Arc, time::Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Caps, CaseOutput, CaseRequest, Constraint, Engine, EngineError, Fingerprint, Finish, GroupRequest, GroupStream,
    Message, Prices, Retry, Secret, Sharing, estimate_tokens, gbnf,
    http::{Failure, Http, Used, first_alone, said},
};

/// Stop texts that the interface takes; others are looked for here.
const MAX_STOPS: usize = 4;
/// Tokens of context where the server does not say.
const CONTEXT: usize = 32_768;

/// Which extensions a server understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// Only what OpenAI documents: of constraints, JSON schemas.
    #[default]
    Plain,
    /// llama.cpp's server: grammars too.
    LlamaCpp,
    /// vLLM: choices and grammars too.
    Vllm,
}

/// How to reach a model.
#[derive(Debug, Clone)]
pub struct Options {
    /// The interface's address, with its version: `https://api.openai.com/v1`.
    pub base: String,
    /// The model's name there.
    pub model: String,
    /// The key, if the server wants one.
    pub key: Option<Secret>,
    /// Which extensions are used.
    pub dialect: Dialect,
    /// Requests at the same time at most.
    pub parallel: usize,
    /// What tokens cost.
    pub prices: Prices,
    /// How patiently requests are repeated.
    pub retry: Retry,
    /// SHA-256 of the weights in hex, where the user knows it.
    pub weights: Option<String>,
}

/// A model behind a server.
#[derive(Debug)]
pub struct OpenAi {
    options: Options,
    http: Http,
    caps: Caps,
    fingerprint: Fingerprint,
}

impl OpenAi {
    /// Asks the server for its models, which also waits until it has loaded one.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if the server refuses the key or names its models and this is none of them,
    /// [`EngineError::Infra`] if it cannot be reached.
    pub async fn connect(options: Options) -> Result<Self, EngineError> {
        let http = Http::new(&options.base, options.key.clone(), options.retry, options.parallel)?;
        let url = format!("{}/models", options.base);
        let listed = http.trying(async || http.json(http.send(authorized(&http, http.get(&url))).await?).await).await;
        let about = match listed {
            Ok(listed) => find(&listed, &options.model)?,
            // Some gateways have no list.
            Err(EngineError::Refused(message)) if message.contains("404") => None,
            Err(error) => return Err(error),
        };
        let number = |pointer: &str| about.as_ref()?.pointer(pointer)?.as_u64();
        let context =
            number("/max_model_len").or_else(|| number("/meta/n_ctx")).or_else(|| number("/meta/n_ctx_train"));
        let caps = Caps {
            prefix_sharing: Sharing::Automatic,
            constraints: options.dialect != Dialect::Plain,
            seed: true,
            exact: false,
            max_parallel: options.parallel,
            context: context.and_then(|context| usize::try_from(context).ok()).unwrap_or(CONTEXT),
            device: "remote".to_owned(),
        };
        let fingerprint = Fingerprint {
            model: options.model.clone(),
            weights: options.weights.clone().unwrap_or_else(|| dated(&options, number("/created"))),
            quantisation: "unknown".to_owned(),
            engine: "openai".to_owned(),
            build: format!("{:?} {}", options.dialect, options.base).to_lowercase(),
            device: "remote".to_owned(),
        };
        Ok(Self { options, http, caps, fingerprint })
    }

    async fn answer(&self, group: Arc<GroupRequest>, index: usize) -> Result<CaseOutput, EngineError> {
        let begun = Instant::now();
        let case = &group.cases[index];
        let messages = group.messages(case);
        let body = body(&self.options, &messages, case)?;
        let url = format!("{}/chat/completions", self.options.base);
        let once = || async {
            let response = self.http.send(authorized(&self.http, self.http.post(&url, &body))).await?;
            let mut answer = Answer::default();
            self.http.events(response, |data| answer.take(data)).await?;
            answer.complete()
        };
        let (text, finish, used) = self.http.trying(once).await?;
        let (text, finish) = stopped(text, finish, &case.stop);
        let used = used.unwrap_or(Used {
            prompt: estimate_tokens(&messages) as u64,
            output: text.len().div_ceil(4) as u64,
            ..Used::default()
        });
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
}

fn authorized(http: &Http, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    match http.key() {
        Some(key) => request.bearer_auth(key),
        None => request,
    }
}

/// What the server's list says about a model; a server that lists others and not this one does not have it.
fn find(listed: &Value, model: &str) -> Result<Option<Value>, EngineError> {
    let models = listed.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let id = |about: &Value| about.get("id").and_then(Value::as_str).map(str::to_owned);
    if let Some(about) = models.iter().find(|about| id(about).as_deref() == Some(model)) {
        return Ok(Some(about.clone()));
    }
    // llama.cpp's server has one model and answers to every name.
    if let [only] = models
        && only.get("owned_by").and_then(Value::as_str) == Some("llamacpp")
    {
        return Ok(Some(only.clone()));
    }
    let known: Vec<String> = models.iter().filter_map(id).take(5).collect();
    if known.is_empty() {
        return Ok(None);
    }
    Err(EngineError::Refused(format!("the model server has no {model:?}; it has {}", known.join(", "))))
}

/// Id and date of a provider's model. Servers of one's own give the time of their start as date, which says nothing.
fn dated(options: &Options, created: Option<u64>) -> String {
    match created.filter(|_| options.base.contains("//api.openai.com/")) {
        Some(created) => format!("{}@{created}", options.model),
        None => options.model.clone(),
    }
}

fn body(options: &Options, messages: &[Message], case: &CaseRequest) -> Result<Value, EngineError> {
    let mut body = json!({
        "model": options.model,
        "messages": messages,
        "temperature": case.sampling.temperature,
        "top_p": case.sampling.top_p,
        // Servers keep it in 32 or 63 bits.
        "seed": case.seed & 0x7fff_ffff,
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    let limit = if options.base.contains("//api.openai.com/") { "max_completion_tokens" } else { "max_tokens" };
    body[limit] = case.sampling.max_tokens.into();
    let stops: Vec<&String> = case.stop.iter().filter(|stop| !stop.is_empty()).take(MAX_STOPS).collect();
    if !stops.is_empty() {
        body["stop"] = json!(stops);
    }
    match (&case.constraint, options.dialect) {
        (Constraint::JsonSchema(schema), _) => {
            let schema = json!({"name": "answer", "strict": true, "schema": schema});
            body["response_format"] = json!({"type": "json_schema", "json_schema": schema});
        }
        (Constraint::Choice(choices), Dialect::Vllm) => body["structured_outputs"] = json!({"choice": choices}),
        (Constraint::Gbnf(grammar), Dialect::Vllm) => body["structured_outputs"] = json!({"grammar": grammar}),
        (constraint, Dialect::LlamaCpp) => {
            if let Some(grammar) = gbnf::grammar(constraint)? {
                body["grammar"] = grammar.into();
            }
        }
        _ => {}
    }
    Ok(body)
}

/// The text up to the first stop text, for those that the server was not told.
fn stopped(mut text: String, finish: Finish, stops: &[String]) -> (String, Finish) {
    let end = stops.iter().filter(|stop| !stop.is_empty()).filter_map(|stop| text.find(stop.as_str())).min();
    let Some(end) = end else { return (text, finish) };
    text.truncate(end);
    (text, Finish::Stop)
}

/// An answer as it arrives.
#[derive(Debug, Default)]
struct Answer {
    text: String,
    finish: Option<String>,
    used: Option<Used>,
}

#[derive(Debug, Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Usage>,
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Delta {
    content: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    prompt_tokens_details: Option<Details>,
}

#[derive(Debug, Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
}

impl Answer {
    /// Takes one event; whether it was the last.
    fn take(&mut self, data: &str) -> Result<bool, Failure> {
        if data == "[DONE]" {
            return Ok(true);
        }
        let chunk: Chunk = serde_json::from_str(data)
            .map_err(|e| Failure::Again(format!("an event that is not as it must be: {e}"), None))?;
        if chunk.error.is_some() {
            return Err(Failure::Again(format!("the model server breaks off: {}", said(data)), None));
        }
        for choice in chunk.choices.into_iter().take(1) {
            self.text.push_str(choice.delta.content.as_deref().unwrap_or_default());
            self.finish = choice.finish_reason.or(self.finish.take());
        }
        if let Some(usage) = chunk.usage {
            let cached = usage.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0);
            self.used = Some(Used {
                prompt: usage.prompt_tokens,
                cached: cached.min(usage.prompt_tokens),
                written: 0,
                output: usage.completion_tokens,
            });
        }
        Ok(false)
    }

    fn complete(self) -> Result<(String, Finish, Option<Used>), Failure> {
        let finish = match self.finish.as_deref() {
            None => return Err(Failure::Again("the answer breaks off".to_owned(), None)),
            Some("length") => Finish::Length,
            Some(_) => Finish::Stop,
        };
        Ok((self.text, finish, self.used))
    }
}

impl Engine for OpenAi {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn run_group(&self, request: GroupRequest) -> GroupStream<'_> {
        first_alone(request, self.options.parallel, move |group, index| self.answer(group, index))
    }
}

#[cfg(test)]
mod tests;
