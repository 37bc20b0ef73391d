//! What answers prompts: the [`Engine`] trait around groups of cases that share one prefix, and the types that go through it.
//!
//! Many runs share one long beginning, the skill. The local worker evaluates it once and shares its state across all cases;
//! an HTTP back end orders its requests so that the server's own prefix cache hits. So the unit is the group, not the request.

pub mod anthropic;
pub mod gbnf;
pub mod gguf;
mod http;
pub mod mock;
pub mod open;
pub mod openai;
pub mod protocol;
pub mod replay;
mod request_key;
mod secret;
mod sse;
pub mod store;
pub mod worker;

use std::fmt;

use futures::{FutureExt, future::BoxFuture, stream::BoxStream};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use http::{Prices, Retry};
pub use protocol::Counters;
pub use secret::Secret;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Standing instructions: the skill, the grader's rules.
    System,
    /// The one who asks; also the result of a tool.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said, as text.
    pub content: String,
}

impl Message {
    /// A message of this role.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }
}

/// How tokens are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: f64,
    /// Nucleus: the smallest set of tokens with this much probability; 1 is all.
    pub top_p: f64,
    /// Tokens generated at most.
    pub max_tokens: u32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.7, top_p: 1.0, max_tokens: 4096 }
    }
}

/// What the answer must look like.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constraint {
    /// Any text.
    #[default]
    None,
    /// Exactly one of these texts.
    Choice(Vec<String>),
    /// JSON that satisfies this schema (2020-12).
    JsonSchema(Value),
    /// Text of this GBNF grammar.
    Gbnf(String),
}

/// One case of a group: what follows the prefix, and how to answer it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseRequest {
    /// Messages after the prefix; the model answers the last.
    pub messages: Vec<Message>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Seed of the choice; a back end without seeds ignores it and says so in [`Caps::seed`].
    pub seed: u64,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// What the answer must look like.
    pub constraint: Constraint,
}

/// Whether the answer may depend on what else is in the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As many cases a second as possible.
    #[default]
    Throughput,
    /// The answer of a case is the same to the bit whatever runs beside it.
    Exact,
}

/// One shared prefix and the cases that follow it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupRequest {
    /// What all cases begin with, usually one system message that holds the skill; may be empty.
    pub prefix: Vec<Message>,
    /// The cases.
    pub cases: Vec<CaseRequest>,
    /// Whether answers may depend on the batch.
    pub mode: Mode,
}

/// How a back end shares a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// We ask for it and count it.
    Explicit,
    /// The server does it by itself if the order is good.
    Automatic,
    /// Not at all.
    None,
}

/// What a back end can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Caps {
    /// How a prefix is shared.
    pub prefix_sharing: Sharing,
    /// Whether [`Constraint`]s are enforced while generating; else the caller checks the answer and asks again.
    pub constraints: bool,
    /// Whether seeds are honoured.
    pub seed: bool,
    /// Whether [`Mode::Exact`] is honoured.
    pub exact: bool,
    /// Cases in flight at most.
    pub max_parallel: usize,
    /// Tokens of prefix, messages and answer together at most.
    pub context: usize,
    /// The device, in words: `cpu`, `cuda: NVIDIA H100`, `remote`.
    pub device: String,
}

/// Exactly which model on which engine: part of the score key and of every record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The model, for people: a file's name or the provider's model id.
    pub model: String,
    /// SHA-256 of the weights in hex; for a provider's model its id and date.
    pub weights: String,
    /// Quantisation of the weights, as `Q8_0`; `unknown` for a provider's model.
    pub quantisation: String,
    /// Name of the engine: `llama.cpp`, `openai`, `anthropic`, `replay`.
    pub engine: String,
    /// Build of the engine and everything about it that changes low bits (flash attention, KV layout, batch sizes).
    pub build: String,
    /// The device, in words.
    pub device: String,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// The model ended it, or a stop text.
    Stop,
    /// `max_tokens` or the context was reached.
    Length,
}

/// The answer to one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseOutput {
    /// The text.
    pub text: String,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens of prefix and messages.
    pub prompt_tokens: u64,
    /// Those of them that were not evaluated again.
    pub cached_tokens: u64,
    /// Tokens generated.
    pub output_tokens: u64,
    /// Milliseconds from admission to the last token.
    pub ms: u64,
    /// What the provider asks for it, in millionths of a dollar, where prices are configured.
    pub cost_micros: u64,
}

/// Why a case has no answer. An infrastructure fault is not the skill's: it is tried again, and never scored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The machine, the network or the provider failed; trying again may help. `retry_after_ms` if the peer said when.
    #[error("{message}")]
    Infra {
        /// What happened, in one sentence.
        message: String,
        /// Milliseconds after which the peer asked to be tried again.
        retry_after_ms: Option<u64>,
    },
    /// The request cannot be served as it is: it does not fit the context, the key is wrong, the model is unknown.
    #[error("{0}")]
    Refused(String),
}

impl EngineError {
    /// A fault of the machinery, of which nobody said when to try again.
    pub fn infra(message: impl Into<String>) -> Self {
        Self::Infra { message: message.into(), retry_after_ms: None }
    }
}

impl GroupRequest {
    /// All messages of one case: the prefix, then its own.
    pub fn messages(&self, case: &CaseRequest) -> Vec<Message> {
        self.prefix.iter().chain(&case.messages).cloned().collect()
    }
}

/// The estimate of tokens where a back end cannot count: one for every four bytes, rounded up.
pub fn estimate_tokens(messages: &[Message]) -> usize {
    messages.iter().map(|message| message.content.len().div_ceil(4)).sum()
}

/// Results of a group as they finish: the index of the case, and its answer.
pub type GroupStream<'a> = BoxStream<'a, (usize, Result<CaseOutput, EngineError>)>;

/// A model opened on a back end. Groups may be run concurrently.
pub trait Engine: Send + Sync + fmt::Debug {
    /// What it can do.
    fn caps(&self) -> &Caps;

    /// Exactly what it is.
    fn fingerprint(&self) -> &Fingerprint;

    /// How many tokens these messages are; an estimate of four bytes a token where the back end cannot count.
    fn count_tokens<'a>(&'a self, messages: &'a [Message]) -> BoxFuture<'a, Result<usize, EngineError>> {
        async move { Ok(estimate_tokens(messages)) }.boxed()
    }

    /// Answers all cases of a group, each exactly once, in any order.
    fn run_group(&self, request: GroupRequest) -> GroupStream<'_>;

    /// What all groups that have ended took since this engine was opened; `None` where the back end does not count it.
    fn counters(&self) -> BoxFuture<'_, Option<Counters>> {
        async { None }.boxed()
    }
}
