//! `skill version`: which build this is.

use serde::Serialize;

use crate::context::Context;

/// Show the version of this program.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill version
  skill version --json")]
pub struct Args {}

#[derive(Serialize)]
struct Result {
    version: &'static str,
}

/// Runs `skill version`.
///
/// # Errors
/// None.
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(_: Args, context: &Context) -> anyhow::Result<()> {
    let result = Result { version: env!("CARGO_PKG_VERSION") };
    context.output.result_or("skill.version/1", &result, |out| out.data(format!("skill {}", result.version)));
    Ok(())
}
