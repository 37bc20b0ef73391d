//! The flags that every command has.

use std::path::PathBuf;

use clap::ValueEnum;
use skill_schema::{Fault, codes};

use crate::env::Env;

/// The heading of the global flags in `--help`; `-h` leaves them out.
pub const HEADING: &str = "Global options (every command)";

/// The flags that every command has.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = HEADING)]
pub struct Global {
    /// Print results (and errors) as JSON on stdout.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print errors only; twice: nothing.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, hide_short_help = true)]
    pub quiet: u8,
    /// Show requests; twice: timings too.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, hide_short_help = true)]
    pub verbose: u8,
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", hide_short_help = true)]
    pub color: Option<Color>,
    /// Draw no progress bar.
    #[arg(long, global = true, hide_short_help = true)]
    pub no_progress: bool,
    /// Ask nothing: a question is an error that names the flag which answers it.
    #[arg(long, global = true, hide_short_help = true)]
    pub no_input: bool,
    /// Answer yes to every question.
    #[arg(short, long, global = true, hide_short_help = true)]
    pub yes: bool,
    /// Use only what is in the store and the cache.
    #[arg(long, global = true, hide_short_help = true)]
    pub offline: bool,
    /// Fail if skills.lock would change.
    #[arg(long, global = true, hide_short_help = true)]
    pub locked: bool,
    /// As --locked, and look for nothing newer.
    #[arg(long, global = true, hide_short_help = true)]
    pub frozen: bool,
    /// Use this registry, whatever the configuration says.
    #[arg(long, global = true, value_name = "NAME|URL", hide_short_help = true)]
    pub registry: Option<String>,
    /// Read the API token from this file.
    #[arg(long, global = true, value_name = "PATH", hide_short_help = true)]
    pub token_file: Option<PathBuf>,
    /// Work as if started in this folder.
    #[arg(short = 'C', long, global = true, value_name = "DIR", hide_short_help = true)]
    pub directory: Option<PathBuf>,
    /// Read a further configuration file, or set one key.
    #[arg(long, global = true, value_name = "PATH|KEY=VAL", hide_short_help = true)]
    pub config: Vec<String>,
    /// Downloads at the same time.
    #[arg(long, global = true, value_name = "N", hide_short_help = true)]
    pub jobs: Option<usize>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Makes it the choice for all streams of this process.
    pub(crate) fn apply(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

impl Global {
    /// Adds what the environment says where no flag does.
    pub(crate) fn add_env(&mut self, env: &Env) -> Result<(), Fault> {
        self.json |= env.json;
        self.no_input |= env.no_input;
        self.offline |= env.offline;
        self.locked |= env.locked || self.frozen;
        self.verbose = self.verbose.max(env.verbose);
        self.jobs = self.jobs.or(env.jobs);
        self.registry = self.registry.take().or_else(|| env.registry.clone());
        if let (None, Some(text)) = (self.color, &env.color) {
            let color = Color::from_str(text, true).map_err(|_| {
                Fault::new(codes::USAGE).at("the environment variable SKILL_COLOR").detail("auto, always or never")
            })?;
            color.apply();
        }
        Ok(())
    }
}
