//! `skill model`: the models of this machine.

mod bench;
mod list;
mod pull;
mod remove;

use crate::context::Context;

/// Fetch, list and remove the models that evals run on.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  skill model pull ./SmolLM2.gguf                           add a file
  skill model pull https://…/model.gguf --sha256 b179c9…    fetch one
  skill model list
  skill model bench                                         how fast it is here"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Pull(pull::Args),
    #[command(visible_alias = "ls")]
    List(list::Args),
    #[command(visible_alias = "rm")]
    Remove(remove::Args),
    Bench(bench::Args),
}

/// Runs `skill model`.
///
/// # Errors
/// As the commands below it say.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Command::Pull(args) => pull::run(&args, context).await,
        Command::List(args) => list::run(&args, context),
        Command::Remove(args) => remove::run(&args, context),
        Command::Bench(args) => bench::run(&args, context).await,
    }
}
