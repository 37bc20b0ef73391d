//! `skill registry`: which registries there are, and which one answers for which scope.

mod add;
mod change;
mod list;
mod ping;

use skill_schema::{Fault, codes};

use crate::{
    config::{Origin, Registry},
    context::Context,
};

/// Add, show, choose and test registries.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Add(add::Args),
    #[command(visible_alias = "list")]
    Ls(list::Args),
    Use(change::UseArgs),
    #[command(visible_alias = "rm")]
    Remove(change::RemoveArgs),
    Ping(ping::Args),
}

/// Runs `skill registry`.
///
/// # Errors
/// Faults of the configuration and of the network.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Command::Add(args) => add::run(args, context).await,
        Command::Ls(args) => list::run(&args, context),
        Command::Use(args) => change::choose(&args, context),
        Command::Remove(args) => change::remove(&args, context),
        Command::Ping(args) => ping::run(args, context).await,
    }
}

/// The scopes that a registry is configured to answer for, sorted; `*` stands for all others.
fn scopes_of(context: &Context, registry: &Registry) -> Vec<String> {
    let Some(name) = &registry.name else { return Vec::new() };
    let scopes = context.config.names("scopes").into_iter();
    scopes.filter(|scope| context.config.text(&format!("scopes.{scope}")) == Some(name)).map(str::to_owned).collect()
}

/// A key of the configuration that the user's file does not decide cannot be changed there.
fn check_ours(context: &Context, key: &str) -> Result<(), Fault> {
    match context.config.get(key).map(|setting| &setting.origin) {
        None | Some(Origin::User(_)) => Ok(()),
        Some(other) => Err(Fault::new(codes::CONFIG).at(key).detail(format!("it is set in {other}; change it there"))),
    }
}
