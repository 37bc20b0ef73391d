//! `skill config`: the configuration, and where each value comes from.

mod change;
mod list;

use crate::context::Context;

/// Show and change the configuration.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Get(list::GetArgs),
    Set(change::SetArgs),
    Unset(change::UnsetArgs),
    #[command(visible_alias = "ls")]
    List(list::Args),
    Edit(change::EditArgs),
    Path(list::PathArgs),
}

impl Args {
    /// Whether it helps to find and repair a damaged configuration.
    pub fn works_without_config(&self) -> bool {
        matches!(self.command, Command::Edit(_) | Command::Path(_))
    }
}

/// Runs `skill config`.
///
/// # Errors
/// [`skill_schema::codes::CONFIG`], [`skill_schema::codes::IO`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Command::Get(args) => list::get(&args, context),
        Command::Set(args) => change::set(&args, context),
        Command::Unset(args) => change::unset(&args, context),
        Command::List(args) => list::list(&args, context),
        Command::Edit(args) => change::edit(&args, context),
        Command::Path(_) => {
            list::path(context);
            Ok(())
        }
    }
}
