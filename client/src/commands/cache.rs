//! `skill cache`: what was fetched and can be fetched again.

use serde::Serialize;

use crate::context::Context;

/// Look at and tidy up the cache.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show where downloads are kept.
    #[command(after_help = "Example:\n  skill cache dir")]
    Dir,
}

#[derive(Serialize)]
struct Dir {
    cache: String,
    store: String,
}

/// Runs `skill cache`.
///
/// # Errors
/// [`skill_schema::codes::IO`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Command::Dir => dir(context),
    }
    Ok(())
}

fn dir(context: &Context) {
    let result = Dir {
        cache: context.env.cache_dir.display().to_string(),
        store: context.env.data_dir.join("store").display().to_string(),
    };
    context.output.result_or("skill.cache.dir/1", &result, |out| out.data(&result.cache));
}
