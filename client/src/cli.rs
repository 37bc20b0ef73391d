//! The command line: global flags, and which command it is. A command takes its own `Args`; this file only matches.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::{
    commands,
    context::Context,
    global::{Color, Global},
};

/// Help begins with what most readers came for: the examples, which commands keep in `after_help`.
const TEMPLATE: &str = "{about}{after-help}\n\n{usage-heading} {usage}\n\n{all-args}\n";
/// Find, install, check and publish agent skills.
#[derive(Debug, Parser)]
#[command(name = "skill", version, arg_required_else_help = true, disable_help_subcommand = true, after_help = EXAMPLES)]
pub struct Cli {
    /// The flags that every command has.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  skill search pdf forms                  find skills
  skill add cisco/codeguard               install one into this project
  skill sync                              install what skills.lock names
  skill new pdf-forms                     start a skill of your own
  skill publish                           check, sign and publish it";

/// What to do.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "a comment here would replace the one on the command's own arguments")]
pub enum Command {
    Add(commands::add::Args),
    #[command(visible_alias = "i")]
    Install(commands::install::Args),
    #[command(visible_aliases = ["rm", "uninstall"])]
    Remove(commands::remove::Args),
    Sync(commands::sync::Args),
    Lock(commands::lock::Args),
    #[command(visible_alias = "up")]
    Update(commands::update::Args),
    Outdated(commands::outdated::Args),
    #[command(visible_alias = "ls")]
    List(commands::list::Args),
    Status(commands::status::Args),
    Tree(commands::tree::Args),
    Why(commands::why::Args),
    Verify(commands::verify::Args),
    Use(commands::use_::Args),
    Run(commands::run::Args),
    Benchmark(commands::benchmark::Args),
    Compare(commands::compare::Args),
    Eval(commands::eval::Args),
    Improve(commands::improve::Args),
    Leaderboard(commands::leaderboard::Args),
    Create(commands::create::Args),
    Model(commands::model::Args),
    Report(commands::report::Args),
    Reproduce(commands::reproduce::Args),
    Tried(commands::tried::Args),
    Bundle(commands::bundle::Args),
    Cache(commands::cache::Args),
    Check(commands::check::Args),
    Completions(commands::completions::Args),
    Config(commands::config::Args),
    Deprecate(commands::deprecate::Args),
    Doctor(commands::doctor::Args),
    Diff(commands::diff::Args),
    Explain(commands::explain::Args),
    Fork(commands::fork::Args),
    Help(commands::help::Args),
    Key(commands::key::Args),
    Login(commands::login::Args),
    Logout(commands::logout::Args),
    Init(commands::init::Args),
    Info(commands::info::Args),
    Lineage(commands::lineage::Args),
    Man(commands::man::Args),
    Owner(commands::owner::Args),
    Proposal(commands::proposal::Args),
    Propose(commands::propose::Args),
    Publish(commands::publish::Args),
    PullUpstream(commands::pull_upstream::Args),
    Quarantine(commands::quarantine::Args),
    Registry(commands::registry::Args),
    Token(commands::token::Args),
    New(commands::new::Args),
    Pack(commands::pack::Args),
    Schema(commands::schema::Args),
    Search(commands::search::Args),
    Suite(commands::suite::Args),
    Version(commands::version::Args),
    Whoami(commands::whoami::Args),
    Worker(Box<commands::worker::Args>),
    Yank(commands::yank::Args),
}

impl Command {
    /// Whether it helps to find and repair a damaged configuration.
    fn works_without_config(&self) -> bool {
        match self {
            Self::Config(args) => args.works_without_config(),
            Self::Doctor(_)
            | Self::Check(_)
            | Self::New(_)
            | Self::Pack(_)
            | Self::Explain(_)
            | Self::Help(_)
            | Self::Man(_)
            | Self::Schema(_)
            | Self::Suite(_)
            | Self::Completions(_)
            | Self::Version(_) => true,
            _ => false,
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// Whatever the command could not do; [`crate::report`] words it.
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        if let Some(fault) = context.damaged.as_ref().filter(|_| !self.works_without_config()) {
            return Err(fault.clone().into());
        }
        match self {
            Self::Add(args) => commands::add::run(args, context).await,
            Self::Install(args) => commands::install::run(args, context).await,
            Self::Remove(args) => commands::remove::run(args, context).await,
            Self::Sync(args) => commands::sync::run(args, context).await,
            Self::Lock(args) => commands::lock::run(args, context).await,
            Self::Update(args) => commands::update::run(args, context).await,
            Self::Outdated(args) => commands::outdated::run(args, context).await,
            Self::List(args) => commands::list::run(args, context).await,
            Self::Status(args) => commands::status::run(args, context).await,
            Self::Tree(args) => commands::tree::run(args, context).await,
            Self::Why(args) => commands::why::run(args, context).await,
            Self::Verify(args) => commands::verify::run(args, context).await,
            Self::Use(args) => commands::use_::run(args, context).await,
            Self::Run(args) => commands::run::run(args, context).await,
            Self::Benchmark(args) => commands::benchmark::run(args, context).await,
            Self::Compare(args) => commands::compare::run(args, context).await,
            Self::Eval(args) => commands::eval::run(args, context).await,
            Self::Improve(args) => commands::improve::run(args, context).await,
            Self::Leaderboard(args) => commands::leaderboard::run(args, context).await,
            Self::Create(args) => commands::create::run(args, context).await,
            Self::Model(args) => commands::model::run(args, context).await,
            Self::Report(args) => commands::report::run(args, context).await,
            Self::Reproduce(args) => commands::reproduce::run(args, context).await,
            Self::Tried(args) => commands::tried::run(args, context).await,
            Self::Bundle(args) => commands::bundle::run(args, context).await,
            Self::Cache(args) => commands::cache::run(args, context).await,
            Self::Check(args) => commands::check::run(args, context).await,
            Self::Completions(args) => commands::completions::run(args, context).await,
            Self::Config(args) => commands::config::run(args, context).await,
            Self::Deprecate(args) => commands::deprecate::run(args, context).await,
            Self::Doctor(args) => commands::doctor::run(args, context).await,
            Self::Diff(args) => commands::diff::run(args, context).await,
            Self::Explain(args) => commands::explain::run(args, context).await,
            Self::Fork(args) => commands::fork::run(args, context).await,
            Self::Help(args) => commands::help::run(args, context).await,
            Self::Key(args) => commands::key::run(args, context).await,
            Self::Login(args) => commands::login::run(args, context).await,
            Self::Logout(args) => commands::logout::run(args, context).await,
            Self::Init(args) => commands::init::run(args, context).await,
            Self::Info(args) => commands::info::run(args, context).await,
            Self::Lineage(args) => commands::lineage::run(args, context).await,
            Self::Man(args) => commands::man::run(args, context).await,
            Self::Owner(args) => commands::owner::run(args, context).await,
            Self::Proposal(args) => commands::proposal::run(args, context).await,
            Self::Propose(args) => commands::propose::run(args, context).await,
            Self::Publish(args) => commands::publish::run(args, context).await,
            Self::PullUpstream(args) => commands::pull_upstream::run(args, context).await,
            Self::Quarantine(args) => commands::quarantine::run(args, context).await,
            Self::Registry(args) => commands::registry::run(args, context).await,
            Self::Token(args) => commands::token::run(args, context).await,
            Self::New(args) => commands::new::run(args, context).await,
            Self::Pack(args) => commands::pack::run(args, context).await,
            Self::Schema(args) => commands::schema::run(args, context).await,
            Self::Search(args) => commands::search::run(args, context).await,
            Self::Suite(args) => commands::suite::run(args, context).await,
            Self::Version(args) => commands::version::run(args, context).await,
            Self::Whoami(args) => commands::whoami::run(args, context).await,
            Self::Worker(args) => commands::worker::run(*args, context).await,
            Self::Yank(args) => commands::yank::run(args, context).await,
        }
    }
}

/// The whole command line, as clap sees it: for parsing, help, completions and man pages.
pub fn command() -> clap::Command {
    commands::help::grouped(with_template(Cli::command())).max_term_width(100)
}

fn with_template(command: clap::Command) -> clap::Command {
    let command = if command.get_after_help().is_some() { command.help_template(TEMPLATE) } else { command };
    command.disable_help_subcommand(true).mut_subcommands(with_template)
}

/// Parses the arguments of a process.
///
/// # Errors
/// clap's error, which is also how `--help` and `--version` end.
pub fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    // Errors and help are printed while parsing, so the colour choice must be known before.
    if let Some(color) = early_color(args) {
        color.apply();
    }
    Cli::from_arg_matches(&command().try_get_matches_from(args)?)
}

/// Whether `--json` is among the arguments of a command line that could not be parsed.
pub fn wants_json(args: &[OsString]) -> bool {
    args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json")
}

fn early_color(args: &[OsString]) -> Option<Color> {
    let position = args.iter().position(|arg| arg.to_str().is_some_and(|a| a.starts_with("--color")))?;
    let text = match args[position].to_str()?.strip_prefix("--color=") {
        Some(value) => value,
        None => args.get(position + 1)?.to_str()?,
    };
    Color::from_str(text, true).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_command_starts_its_help_with_examples() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path} says nothing about itself");
            if command.get_subcommands().next().is_none() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Example"), "{path} has no examples");
            }
            command.get_subcommands().filter(|c| c.get_name() != "help").for_each(|c| check(c, &path));
        }
        check(&command(), "");
    }
}
