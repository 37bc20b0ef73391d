//! `skill key`: signing keys, and which keys a scope may sign with.

mod change;
mod cosign;
mod enroll;
mod list;
mod new;
mod public;
mod recover;
mod recovery;
mod revoke;
mod rotate;
mod submit;
mod threshold;
mod trust;
mod verifier;

use crate::context::Context;

/// Make signing keys, say who signs for a scope, and trust keys of others.
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
    Rotate(rotate::Args),
    Revoke(revoke::Args),
    Threshold(threshold::Args),
    Recovery(recovery::Args),
    Recover(recover::Args),
    Cosign(cosign::Args),
    Submit(submit::Args),
    Verifier(verifier::Args),
    Trust(trust::Args),
}

/// Runs `skill key`.
///
/// # Errors
/// Faults of key files and of the scope's chain; what the registry refuses.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Command::New(args) => new::run(&args, context),
        Command::Ls(args) => list::run(&args, context).await,
        Command::Export(args) => list::export(&args, context),
        Command::Enroll(args) => enroll::run(args, context).await,
        Command::Rotate(args) => rotate::run(args, context).await,
        Command::Revoke(args) => revoke::run(args, context).await,
        Command::Threshold(args) => threshold::run(args, context).await,
        Command::Recovery(args) => recovery::run(args, context).await,
        Command::Recover(args) => recover::run(args, context).await,
        Command::Cosign(args) => cosign::run(args, context).await,
        Command::Submit(args) => submit::run(args, context).await,
        Command::Verifier(args) => verifier::run(args, context).await,
        Command::Trust(args) => trust::run(&args, context),
    }
}
