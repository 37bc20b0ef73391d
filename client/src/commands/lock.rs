//! `skill lock`: `skills.lock` alone.

use crate::{
    catalogue::Catalogue,
    context::Context,
    install::{self, Wish},
    installing,
    workspace::{Access, Workspace},
};

/// Bring skills.lock up to date with skills.toml, without installing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill lock
  skill lock --locked                      only check that it is up to date (exit code 5)")]
pub struct Args {
    /// What is installed for all projects.
    #[arg(long, short)]
    global: bool,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Runs `skill lock`.
///
/// # Errors
/// As [`install::run`].
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let mut workspace = Workspace::open_existing(context, args.global, Access::Write)?;
    let wish =
        Wish { roots: workspace.roots(&context.config), dry_run: args.dry_run, lock_only: true, ..Wish::default() };
    let outcome = install::run(&Catalogue::new(context), &mut workspace, wish).await?;
    installing::show(context, &workspace, "skill.lock/1", &outcome, args.dry_run);
    Ok(())
}
