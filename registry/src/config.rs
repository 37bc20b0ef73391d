//! What the operator can set: flags, environment variables and `registry.toml`, in this order of precedence.
//!
//! The only file of the registry that reads the environment. `docs/registry.md` has the table for operators.

mod file;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::Deserialize;
use skill_schema::{Limits, api::well_known::Auth};
use url::Url;

use crate::{error::Error, limits::ServerLimits, log::witnesses::Witness};

/// Name of the configuration file in the data folder.
pub const FILE: &str = "registry.toml";

/// Everything a server needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// Where the state is kept.
    pub database: DatabaseConfig,
    /// Where the server listens and how it is reached.
    pub http: HttpConfig,
    /// Who may do what.
    pub policy: PolicyConfig,
    /// How often one client may ask.
    pub rates: RateConfig,
    /// How it logs.
    pub log: LogConfig,
    /// What a package may be.
    pub packages: Limits,
    /// Bounds of the server itself.
    pub limits: ServerLimits,
    /// Who cosigns the log's checkpoints.
    pub witnesses: Vec<Witness>,
    /// Keys of verifiers that the root statement lists, `ed25519:` and base64.
    pub verifiers: Vec<String>,
    /// How many of them clients are told to ask for.
    pub quorum: u64,
}

/// Where the state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseConfig {
    /// `postgres://…`; `None` for `registry.db` (SQLite) in the data folder.
    pub url: Option<String>,
    /// Connections that read.
    pub readers: u32,
    /// Connections that write; SQLite always has one.
    pub writers: u32,
}

/// Where the server listens and how it is reached.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// The address for everybody.
    pub listen: SocketAddr,
    /// The address for metrics; none, no metrics.
    pub admin_listen: Option<SocketAddr>,
    /// The address under which clients reach it; `None` for `http://` and the bound address.
    pub public_url: Option<Url>,
    /// A file that gets the bound address as soon as the server answers.
    pub ready_file: Option<PathBuf>,
    /// How many proxies of the operator's stand in front: the client's address is this entry of `X-Forwarded-For`, from the right.
    pub proxies: usize,
}

/// Who may do what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyConfig {
    /// Name of the log; `None` for the stored one, or on first start one made from the public address or the log's key.
    pub origin: Option<String>,
    /// Whether users may create scopes.
    pub open_scopes: bool,
    /// Whether reading needs a token.
    pub auth: Auth,
}

/// How often one client (a token, or else an address) may ask. Zero stands for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateConfig {
    /// Reads a second in the long run.
    pub reads: u32,
    /// Reads at once.
    pub read_burst: u32,
    /// Writes a second in the long run.
    pub writes: u32,
    /// Writes at once.
    pub write_burst: u32,
}

/// How it logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// Text for people or JSON for machines.
    pub format: LogFormat,
    /// A `tracing` filter, such as `info` or `skill_registry=debug`.
    pub filter: String,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A switch on the command line: `yes` or `no`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Switch {
    /// On.
    Yes,
    /// Off.
    No,
}

/// Which registry: flags that every command has.
#[derive(Debug, Clone, clap::Args)]
pub struct DataArgs {
    /// The data folder; made and initialised if it does not exist.
    #[arg(long, value_name = "DIR", env = "SKILL_REGISTRY_DATA")]
    pub data: PathBuf,
    /// postgres://… to keep the state in PostgreSQL instead of registry.db in the data folder.
    #[arg(long, value_name = "URL", env = "SKILL_REGISTRY_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Name of the log, for example skills.example/log; fixed at the first start.
    #[arg(long, value_name = "NAME", env = "SKILL_REGISTRY_ORIGIN")]
    pub origin: Option<String>,
    /// The address under which clients reach the registry [default: http:// and the bound address].
    #[arg(long, value_name = "URL", env = "SKILL_REGISTRY_PUBLIC_URL")]
    pub public_url: Option<Url>,
    /// Form of the log on standard error [default: text].
    #[arg(long, value_name = "FORM", value_enum, env = "SKILL_REGISTRY_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
    /// What to log, for example info or skill_registry=debug [default: info].
    #[arg(long, value_name = "FILTER", env = "SKILL_REGISTRY_LOG")]
    pub log: Option<String>,
}

/// Flags of `serve`.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// Which registry.
    #[command(flatten)]
    pub data: DataArgs,
    /// Where to listen [default: 127.0.0.1:8080]; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", env = "SKILL_REGISTRY_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Where to serve /metrics, /healthz and /readyz for the operator [default: nowhere].
    #[arg(long, value_name = "ADDR", env = "SKILL_REGISTRY_ADMIN_LISTEN")]
    pub admin_listen: Option<SocketAddr>,
    /// Write the bound address to this file once the server answers (a second line has the admin address).
    #[arg(long, value_name = "FILE", env = "SKILL_REGISTRY_READY_FILE")]
    pub ready_file: Option<PathBuf>,
    /// Whether users may create scopes [default: yes].
    #[arg(long, value_name = "YES|NO", value_enum, env = "SKILL_REGISTRY_OPEN_SCOPES")]
    pub open_scopes: Option<Switch>,
    /// Whether reading needs a token [default: no].
    #[arg(long, value_name = "YES|NO", value_enum, env = "SKILL_REGISTRY_AUTH_REQUIRED")]
    pub auth_required: Option<Switch>,
    /// Reads a second for each token or address, 0 for no limit [default: 100].
    #[arg(long, value_name = "N", env = "SKILL_REGISTRY_READ_RATE")]
    pub read_rate: Option<u32>,
    /// Writes a second for each token or address, 0 for no limit [default: 5].
    #[arg(long, value_name = "N", env = "SKILL_REGISTRY_WRITE_RATE")]
    pub write_rate: Option<u32>,
    /// How many proxies of yours stand in front and append to X-Forwarded-For [default: 0].
    #[arg(long, value_name = "N", env = "SKILL_REGISTRY_PROXIES")]
    pub proxies: Option<usize>,
}

impl Default for RateConfig {
    fn default() -> Self {
        Self { reads: 100, read_burst: 1_000, writes: 5, write_burst: 100 }
    }
}

impl RateConfig {
    /// No limits.
    pub const OFF: Self = Self { reads: 0, read_burst: 0, writes: 0, write_burst: 0 };
}

impl Config {
    /// What everything is unless it is set.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            database: DatabaseConfig { url: None, readers: 4, writers: 8 },
            http: HttpConfig {
                listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
                admin_listen: None,
                public_url: None,
                ready_file: None,
                proxies: 0,
            },
            policy: PolicyConfig { origin: None, open_scopes: true, auth: Auth::Public },
            rates: RateConfig::default(),
            log: LogConfig { format: LogFormat::Text, filter: "info".to_owned() },
            packages: Limits::V1,
            limits: ServerLimits::default(),
            witnesses: Vec::new(),
            verifiers: Vec::new(),
            quorum: 0,
        }
    }

    /// For tests: a free port, no rate limits, a name for the log that does not change, short deadlines.
    pub fn for_testing(data: impl Into<PathBuf>) -> Self {
        let mut config = Self::new(data);
        config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.policy.origin = Some("registry.test/log".to_owned());
        config.rates = RateConfig::OFF;
        config.limits.header_time = Duration::from_secs(2);
        config.limits.body_silence = Duration::from_secs(1);
        config.limits.shutdown = Duration::from_secs(5);
        config
    }

    /// From the flags of `serve`, which clap has merged with the environment, over `registry.toml`, over the defaults.
    pub fn for_serve(args: ServeArgs) -> Result<Self, Error> {
        let mut config = Self::for_data(args.data)?;
        set(&mut config.http.listen, args.listen);
        config.http.admin_listen = args.admin_listen.or(config.http.admin_listen);
        config.http.ready_file = args.ready_file;
        set(&mut config.http.proxies, args.proxies);
        set(&mut config.policy.open_scopes, args.open_scopes.map(|s| s == Switch::Yes));
        set(&mut config.policy.auth, args.auth_required.map(auth));
        if let Some(rate) = args.read_rate {
            (config.rates.reads, config.rates.read_burst) = (rate, rate.saturating_mul(10));
        }
        if let Some(rate) = args.write_rate {
            (config.rates.writes, config.rates.write_burst) = (rate, rate.saturating_mul(20));
        }
        Ok(config)
    }

    /// From the flags that every command has, over `registry.toml`, over the defaults.
    pub fn for_data(args: DataArgs) -> Result<Self, Error> {
        let file = file::read(&args.data.join(FILE))?;
        let mut config = Self::new(args.data);
        config.apply(file)?;
        config.database.url = args.database_url.or(config.database.url);
        config.policy.origin = args.origin.or(config.policy.origin);
        config.http.public_url = args.public_url.or(config.http.public_url);
        set(&mut config.log.format, args.log_format);
        set(&mut config.log.filter, args.log);
        if let Some(url) = &config.http.public_url
            && !(matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.query().is_none())
        {
            return Err(Error::Start(format!("public-url: {url} is not an http or https address")));
        }
        Ok(config)
    }
}

fn auth(required: Switch) -> Auth {
    match required {
        Switch::Yes => Auth::Required,
        Switch::No => Auth::Public,
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn args(data: &Path) -> DataArgs {
        DataArgs {
            data: data.to_owned(),
            database_url: None,
            origin: None,
            public_url: None,
            log_format: None,
            log: None,
        }
    }

    #[test]
    fn flags_go_before_the_file_and_the_file_before_the_defaults() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join(FILE),
            "origin = \"a.example/log\"\nlog = \"debug\"\nauth = \"required\"\n[rates]\nwrites = 9\n[limits]\narchive = 1000\n",
        )
        .unwrap();
        let config = Config::for_data(DataArgs { log: Some("warn".into()), ..args(dir.path()) }).unwrap();
        assert_eq!(config.policy.origin.as_deref(), Some("a.example/log"));
        assert_eq!(config.policy.auth, Auth::Required);
        assert_eq!(config.log.filter, "warn");
        assert_eq!((config.rates.writes, config.rates.reads), (9, 100));
        assert_eq!(config.packages.archive, 1000);
    }

    #[test]
    fn unknown_keys_and_larger_package_limits_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for (text, word) in [
            ("opn-scopes = true\n", "opn-scopes"),
            ("[limits]\nfiles = 2000\n", "limits.files"),
            ("auth = 1\n", "auth"),
        ] {
            std::fs::write(dir.path().join(FILE), text).unwrap();
            let error = Config::for_data(args(dir.path())).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
