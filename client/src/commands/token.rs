//! `skill token`: API tokens.

mod list;
mod new;
mod revoke;

use crate::context::Context;

/// Make, show and revoke API tokens.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    New(new::Args),
    #[command(visible_alias = "list")]
    Ls(list::Args),
    Revoke(revoke::Args),
}

/// Runs `skill token`.
///
/// # Errors
/// What the registry refuses.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Command::New(args) => new::run(args, context).await,
        Command::Ls(args) => list::run(args, context).await,
        Command::Revoke(args) => revoke::run(args, context).await,
    }
}
