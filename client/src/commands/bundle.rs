//! `skill bundle`: skills with their proofs in one file, for machines without a network.

mod export;
mod import;
mod verify;

use crate::context::Context;

/// Carry skills, with their signatures and proofs, to machines without a network.
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Export(export::Args),
    Verify(verify::Args),
    Import(import::Args),
}

/// Runs `skill bundle`.
///
/// # Errors
/// As the commands below it say.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Command::Export(args) => export::run(args, context).await,
        Command::Verify(args) => verify::run(&args, context),
        Command::Import(args) => import::run(&args, context),
    }
}
