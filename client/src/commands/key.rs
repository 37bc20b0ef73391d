//! `skill key`: signing keys, and which keys a scope may sign with.

mod enroll;
mod list;
mod new;
mod revoke;
mod trust;

use crate::context::Context;

/// Make and show signing keys, enrol them for a scope, and trust those of others.
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
    Export(list::ExportArgs),
    Enroll(enroll::Args),
    Revoke(revoke::Args),
    Trust(trust::Args),
}

/// Runs `skill key`.
///
/// # Errors
/// Faults of key files and of the scope's chain; what the registry refuses.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Command::New(args) => new::run(&args, context),
        Command::Ls(args) => list::run(&args, context),
        Command::Export(args) => list::export(&args, context),
        Command::Enroll(args) => enroll::run(args, context).await,
        Command::Revoke(args) => revoke::run(args, context).await,
        Command::Trust(args) => trust::run(&args, context),
    }
}
