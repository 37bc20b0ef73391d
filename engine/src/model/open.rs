//! From the words of a user to an engine.
//!
//! | specification | what answers |
//! |---|---|
//! | `embedded:NAME`, `embedded:DIGEST`, `embedded:./FILE.gguf` | a model on this machine, in a worker |
//! | `openai:MODEL`, `openai:MODEL@URL` | a server that speaks OpenAI's chat completions |
//! | `llamacpp:MODEL@URL`, `vllm:MODEL@URL` | the same, with the extensions of these servers |
//! | `anthropic:MODEL`, `anthropic:MODEL@URL` | Anthropic's messages |
//! | `replay:FILE` | a cassette |

use std::{ffi::OsString, path::PathBuf};

use super::{
    Engine, EngineError, Prices, Retry, Secret,
    anthropic::{self, Anthropic},
    openai::{self, Dialect, OpenAi},
    protocol::Open,
    replay::Replay,
    store::Store,
    worker::{self, Worker},
};

/// Requests at the same time to a server unless said otherwise.
const PARALLEL: usize = 8;

/// A parsed specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spec {
    /// A model of the store by name or digest, or a file.
    Embedded(String),
    /// A server that speaks OpenAI's chat completions: model, address, extensions.
    OpenAi(String, String, Dialect),
    /// Anthropic's messages: model, address.
    Anthropic(String, String),
    /// A cassette.
    Replay(PathBuf),
}

impl Spec {
    /// Reads a specification.
    ///
    /// # Errors
    /// [`EngineError::Refused`] with the forms that there are.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        let refused = |what: &str| {
            let forms =
                "embedded:NAME, openai:MODEL@URL, llamacpp:MODEL@URL, vllm:MODEL@URL, anthropic:MODEL, replay:FILE";
            EngineError::Refused(format!("{text:?} {what}; a model is named as {forms}"))
        };
        let (kind, rest) = text.split_once(':').ok_or_else(|| refused("names no kind of engine"))?;
        if rest.is_empty() {
            return Err(refused("names no model"));
        }
        // A model's name may have an @ of its own.
        let (model, url) = match rest.rfind("@http") {
            Some(at) => (&rest[..at], Some(rest[at + 1..].trim_end_matches('/'))),
            None => (rest, None),
        };
        if model.is_empty() {
            return Err(refused("names no model"));
        }
        if url.is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
            return Err(refused("has an address that is neither http nor https"));
        }
        let with =
            |default: Option<&str>| url.or(default).map(str::to_owned).ok_or_else(|| refused("names no address"));
        let openai = |default, dialect| Ok(Self::OpenAi(model.to_owned(), with(default)?, dialect));
        match kind {
            "embedded" => Ok(Self::Embedded(rest.to_owned())),
            "replay" => Ok(Self::Replay(rest.into())),
            "openai" => openai(Some("https://api.openai.com/v1"), Dialect::Plain),
            "llamacpp" => openai(None, Dialect::LlamaCpp),
            "vllm" => openai(None, Dialect::Vllm),
            "anthropic" => Ok(Self::Anthropic(model.to_owned(), with(Some("https://api.anthropic.com"))?)),
            _ => Err(refused("is of no known kind")),
        }
    }
}

/// What engines need to know about where they are: read from configuration and environment by whoever opens them.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The program `skill-engine-worker`, if it was found.
    pub worker: Option<PathBuf>,
    /// The environment that a worker gets.
    pub worker_environment: Vec<(OsString, OsString)>,
    /// The folder of models.
    pub models: PathBuf,
    /// The folder of evaluated prefixes, and how many bytes it may hold.
    pub prefixes: Option<(PathBuf, u64)>,
    /// How a model is opened: context, threads, places. The digest is that of the store.
    pub open: Open,
    /// The key of servers that speak like OpenAI's.
    pub openai_key: Option<Secret>,
    /// Anthropic's key.
    pub anthropic_key: Option<Secret>,
    /// What tokens cost.
    pub prices: Prices,
    /// Requests at the same time to a server; 0: eight.
    pub parallel: usize,
    /// How patiently requests to servers are repeated.
    pub retry: Retry,
}

/// Opens what a specification names.
///
/// # Errors
/// [`EngineError::Refused`] if there is no such thing, [`EngineError::Infra`] if it cannot be reached now.
pub async fn open(spec: &str, around: &Surroundings) -> Result<Box<dyn Engine>, EngineError> {
    let parallel = if around.parallel == 0 { PARALLEL } else { around.parallel };
    Ok(match Spec::parse(spec)? {
        Spec::Embedded(name) => Box::new(embedded(&name, around).await?),
        Spec::Replay(path) => Box::new(Replay::open(&path)?),
        Spec::OpenAi(model, base, dialect) => {
            let options = openai::Options {
                base,
                model,
                key: around.openai_key.clone(),
                dialect,
                parallel,
                prices: around.prices,
                retry: around.retry,
                weights: None,
            };
            Box::new(OpenAi::connect(options).await?)
        }
        Spec::Anthropic(model, base) => {
            let key = around.anthropic_key.clone();
            let (prices, retry) = (around.prices, around.retry);
            Box::new(Anthropic::new(anthropic::Options { base, model, key, parallel, prices, retry })?)
        }
    })
}

async fn embedded(name: &str, around: &Surroundings) -> Result<Worker, EngineError> {
    let program = around.worker.clone().ok_or_else(|| {
        EngineError::Refused("the program skill-engine-worker is not there: it runs embedded models".to_owned())
    })?;
    let mut open = around.open.clone();
    let is_file = std::path::Path::new(name).extension().is_some_and(|ending| ending == "gguf")
        || name.contains(std::path::MAIN_SEPARATOR);
    let (model, name) = if is_file {
        (PathBuf::from(name), String::new())
    } else {
        let store = Store::open(&around.models)?;
        let info = store.find(name)?;
        open.sha256 = info.sha256.to_string();
        (store.path(&info.sha256), info.name)
    };
    let (cache, cache_limit) = around.prefixes.clone().unzip();
    let environment = around.worker_environment.clone();
    Worker::start(worker::Options { program, environment, model, name, cache, cache_limit, open }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_names_kind_model_and_address() {
        let parse = |text: &str| Spec::parse(text).ok();
        let openai = |model: &str, url: &str, dialect| Some(Spec::OpenAi(model.to_owned(), url.to_owned(), dialect));
        assert_eq!(parse("embedded:qwen3:4b"), Some(Spec::Embedded("qwen3:4b".to_owned())));
        assert_eq!(parse("replay:a/b.jsonl"), Some(Spec::Replay("a/b.jsonl".into())));
        assert_eq!(parse("openai:gpt"), openai("gpt", "https://api.openai.com/v1", Dialect::Plain));
        assert_eq!(parse("openai:a@b@http://h:1/v1/"), openai("a@b", "http://h:1/v1", Dialect::Plain));
        assert_eq!(parse("vllm:org/m@https://h/v1"), openai("org/m", "https://h/v1", Dialect::Vllm));
        assert_eq!(parse("llamacpp:m@http://h/v1"), openai("m", "http://h/v1", Dialect::LlamaCpp));
        let anthropic = Spec::Anthropic("claude".to_owned(), "https://api.anthropic.com".to_owned());
        assert_eq!(parse("anthropic:claude"), Some(anthropic));
        for bad in ["", "gpt", "openai:", "vllm:m", "openai:@http://h", "gemini:x", "openai:m@httpx://h"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_said() {
        let around = Surroundings::default();
        let error = open("embedded:m", &around).await.expect_err("no worker");
        assert!(error.to_string().contains("skill-engine-worker"), "{error}");
        assert!(matches!(open("replay:/nowhere", &around).await, Err(EngineError::Refused(_))));
    }
}
