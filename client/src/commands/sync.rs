//! `skill sync`: the agents' folders as `skills.lock` says.

use std::collections::BTreeSet;

use skill_schema::{Fault, codes};

use crate::{
    catalogue::Catalogue,
    context::Context,
    install::{self, Wish},
    installing::{self, WriteArgs},
    output::count,
    workspace::{Access, Workspace},
};

/// Make the agents' folders match skills.lock.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill sync                               after a checkout, or after somebody changed a file
  skill sync --check                       only say whether something differs (exit code 5)
  skill sync --force                       also replace skills that were changed; copies are kept")]
pub struct Args {
    /// What is installed for all projects.
    #[arg(long, short)]
    global: bool,
    /// Change nothing; fail if something differs.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    write: WriteArgs,
}

/// Runs `skill sync`.
///
/// # Errors
/// [`codes::DRIFT`] with `--check`; as [`install::run`].
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let access = if args.check { Access::Read } else { Access::Write };
    let mut workspace = Workspace::open_existing(context, args.global, access)?;
    let wish = Wish {
        roots: workspace.roots(&context.config),
        force: args.write.force,
        dry_run: args.write.dry_run || args.check,
        ..Wish::default()
    };
    let outcome = install::run(&Catalogue::new(context), &mut workspace, wish).await?;
    if args.check && !(outcome.steps.is_empty() && outcome.changes.is_empty() && outcome.fetched.is_empty()) {
        let entries = outcome.steps.iter().map(|step| step.entry.display().to_string());
        let skills = outcome.changes.iter().map(|change| &change.id).chain(&outcome.fetched).map(ToString::to_string);
        let all: BTreeSet<String> = entries.chain(skills).collect();
        let detail = format!("{}: {}", count(all.len(), "difference"), Vec::from_iter(all).join(", "));
        return Err(Fault::new(codes::DRIFT).detail(detail).into());
    }
    installing::show(context, &workspace, "skill.sync/1", &outcome, args.write.dry_run || args.check);
    Ok(())
}
