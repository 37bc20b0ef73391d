//! `skill tried`: what was tried on a skill already, and what came of it.

mod ledger;

use skill_schema::spec::Spec;

use crate::context::Context;

/// Show what was already tried to improve a published skill, and what came of it.
///
/// Attempts are what the log has: each was logged before it was measured. Experiments are the log of skill improve, if one was published
/// with a version: its publisher sent it, and nothing signs it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill tried acme/notes
  skill tried acme/notes --json")]
pub struct Args {
    /// The skill: [registry:]scope/name.
    #[arg(value_name = "SPEC")]
    skill: Spec,
}

/// Runs `skill tried`.
///
/// # Errors
/// [`skill_schema::codes::NOT_FOUND`], and what the network and the registry refuse.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    ledger::run(&args.skill, context).await
}
