//! The environment, read once. The only file of the client that does.
#![expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]

use std::{ffi::OsString, path::PathBuf};

use etcetera::{BaseStrategy, base_strategy::Xdg};
use skill_schema::{Fault, codes, time::Timestamp};

use crate::clock::Clock;

/// What the environment says. Flags win over it, it wins over configuration files.
#[derive(Debug, Clone, Default)]
pub struct Env {
    /// The user's home folder: where agents have their global skills.
    pub home: PathBuf,
    /// `$XDG_CONFIG_HOME/skill`: configuration, credentials, keys.
    pub config_dir: PathBuf,
    /// `$XDG_CACHE_HOME/skill` or `SKILL_CACHE_DIR`: what can be fetched again.
    pub cache_dir: PathBuf,
    /// `$XDG_DATA_HOME/skill`: the store, and what this machine has seen of each registry.
    pub data_dir: PathBuf,
    /// `SKILL_CONFIG`: the user's configuration file, instead of `config.toml` in the configuration folder.
    pub config_file: Option<PathBuf>,
    /// `SKILL_REGISTRY`: name or address of the registry to use.
    pub registry: Option<String>,
    /// `SKILL_TOKEN`: an API token.
    pub token: Option<String>,
    /// `SKILL_TOKEN_FILE`: a file that holds an API token.
    pub token_file: Option<PathBuf>,
    /// `SKILL_OFFLINE`: as `--offline`.
    pub offline: bool,
    /// `SKILL_LOCKED`: as `--locked`.
    pub locked: bool,
    /// `SKILL_AGENT`: agents to install for, separated by commas.
    pub agents: Vec<String>,
    /// `SKILL_COLOR`: as `--color`.
    pub color: Option<String>,
    /// `SKILL_JSON`: as `--json`.
    pub json: bool,
    /// `SKILL_NO_INPUT`, or `CI`: as `--no-input`.
    pub no_input: bool,
    /// `SKILL_JOBS`: as `--jobs`.
    pub jobs: Option<usize>,
    /// `SKILL_LOG`: `info` as `-v`, `debug` as `-vv`.
    pub verbose: u8,
    /// `SKILL_HTTP_TIMEOUT`: seconds without a byte after which a connection is given up.
    pub http_timeout: Option<u64>,
    /// `CI`: no animation, one line per finished item, no questions.
    pub ci: bool,
    /// `TERM=dumb`: no animation.
    pub dumb_terminal: bool,
    /// `PAGER`.
    pub pager: Option<String>,
    /// `VISUAL` or `EDITOR`.
    pub editor: Option<String>,
    /// `SOURCE_DATE_EPOCH`: the time to write into files and statements.
    pub source_date_epoch: Option<Timestamp>,
    /// `PATH`.
    pub path: Option<OsString>,
    /// The file of this program.
    pub program: Option<PathBuf>,
    /// `SKILL_ENGINE`: the program that runs embedded models.
    pub engine: Option<PathBuf>,
    /// `OPENAI_API_KEY`: the key of servers that speak like OpenAI's. Never printed.
    pub openai_key: Option<Key>,
    /// `ANTHROPIC_API_KEY`. Never printed.
    pub anthropic_key: Option<Key>,
    /// `SSL_CERT_FILE`.
    pub ssl_cert_file: Option<PathBuf>,
    /// Proxy variables that are set, by name.
    pub proxies: Vec<String>,
}

/// A key of the environment. Its debug form hides it.
#[derive(Clone)]
pub struct Key(pub String);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Env {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// [`codes::USAGE`] for a variable that does not hold what it should.
    pub fn from_process() -> Result<Self, Fault> {
        let xdg = Xdg::new().map_err(|e| Fault::new(codes::IO).at("HOME").detail(e.to_string()))?;
        let root = path("SKILL_HOME");
        let folder = |own: &str, xdg: PathBuf| match &root {
            Some(root) => root.join(own),
            None => xdg.join("skill"),
        };
        let ci = flag("CI")?;
        Ok(Self {
            home: xdg.home_dir().to_path_buf(),
            config_dir: folder("config", xdg.config_dir()),
            cache_dir: path("SKILL_CACHE_DIR").unwrap_or_else(|| folder("cache", xdg.cache_dir())),
            data_dir: folder("data", xdg.data_dir()),
            config_file: path("SKILL_CONFIG"),
            registry: text("SKILL_REGISTRY")?,
            token: text("SKILL_TOKEN")?,
            token_file: path("SKILL_TOKEN_FILE"),
            offline: flag("SKILL_OFFLINE")?,
            locked: flag("SKILL_LOCKED")?,
            agents: text("SKILL_AGENT")?.map(|t| list(&t)).unwrap_or_default(),
            color: text("SKILL_COLOR")?,
            json: flag("SKILL_JSON")?,
            no_input: flag("SKILL_NO_INPUT")? || ci,
            jobs: number("SKILL_JOBS")?.map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
            verbose: match text("SKILL_LOG")?.as_deref() {
                None | Some("off" | "error" | "warn") => 0,
                Some("info") => 1,
                Some("debug" | "trace") => 2,
                Some(_) => return Err(bad("SKILL_LOG", "off, info or debug is expected")),
            },
            http_timeout: number("SKILL_HTTP_TIMEOUT")?,
            ci,
            dumb_terminal: text("TERM")?.is_some_and(|t| t == "dumb"),
            pager: text("PAGER")?,
            editor: text("VISUAL")?.or(text("EDITOR")?),
            source_date_epoch: number("SOURCE_DATE_EPOCH")?.map(Timestamp::from_unix),
            path: std::env::var_os("PATH"),
            program: std::env::current_exe().ok(),
            engine: path("SKILL_ENGINE"),
            openai_key: text("OPENAI_API_KEY")?.map(Key),
            anthropic_key: text("ANTHROPIC_API_KEY")?.map(Key),
            ssl_cert_file: path("SSL_CERT_FILE"),
            proxies: ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "NO_PROXY"]
                .into_iter()
                .filter(|name| std::env::var_os(name).is_some())
                .map(str::to_owned)
                .collect(),
        })
    }

    /// A variable that a flag names, to be handed on; none if it is not set or empty.
    ///
    /// # Errors
    /// [`codes::USAGE`] if it is not valid UTF-8.
    pub fn named(name: &str) -> Result<Option<String>, Fault> {
        text(name)
    }

    /// The clock that the environment asks for.
    pub fn clock(&self) -> Clock {
        self.source_date_epoch.map_or(Clock::System, Clock::Fixed)
    }

    /// The user's configuration file.
    pub fn user_config(&self) -> PathBuf {
        self.config_file.clone().unwrap_or_else(|| self.config_dir.join("config.toml"))
    }
}

fn bad(name: &str, what: &str) -> Fault {
    Fault::new(codes::USAGE).at(format!("the environment variable {name}")).detail(what)
}

/// A variable that is set and not empty.
fn text(name: &str) -> Result<Option<String>, Fault> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(bad(name, "it is not valid UTF-8")),
    }
}

fn path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn number(name: &str) -> Result<Option<u64>, Fault> {
    text(name)?.map(|t| t.parse().map_err(|_| bad(name, "a whole number is expected"))).transpose()
}

fn flag(name: &str) -> Result<bool, Fault> {
    Ok(text(name)?.is_some_and(|t| !matches!(t.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off")))
}

/// Splits a list at commas.
fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned).collect()
}
