//! `skill owner`: who may publish to and manage a scope.

use serde::Serialize;
use skill_schema::{Scope, codes::escape};

use crate::context::Context;

/// Show, add and remove the owners of a scope.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Ls(ListArgs),
    Add(ChangeArgs),
    Rm(RemoveArgs),
}

/// Show the owners of a scope.
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "list",
    after_help = "\
Examples:
  skill owner ls acme
  skill owner ls acme --json"
)]
struct ListArgs {
    /// The scope.
    scope: Scope,
}

/// Let a user publish to and manage a scope. Signing needs an enrolled key as well: skill key enroll.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill owner add acme bob
  skill owner add acme bob --dry-run")]
struct ChangeArgs {
    /// The scope.
    scope: Scope,
    /// The user.
    user: Scope,
    /// Show what would change.
    #[arg(long)]
    dry_run: bool,
}

/// Take a scope away from a user. A scope keeps at least one owner.
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "remove",
    after_help = "\
Examples:
  skill owner rm acme bob
  skill owner rm acme bob --yes"
)]
struct RemoveArgs {
    #[command(flatten)]
    change: ChangeArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    scope: String,
    owners: Vec<String>,
    dry_run: bool,
}

#[derive(Serialize)]
struct List {
    scope: String,
    items: Vec<String>,
}

/// Runs `skill owner`.
///
/// # Errors
/// What the registry refuses; [`skill_schema::codes::NEEDS_INPUT`] if a removal cannot be confirmed.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Command::Ls(args) => list(&args.scope, context).await,
        Command::Add(args) => add(args, context).await,
        Command::Rm(args) => remove(args.change, context).await,
    }
}

async fn list(scope: &Scope, context: &Context) -> anyhow::Result<()> {
    let owners = context.api(&context.registry_of(scope)?)?.owners(scope).await?.owners;
    let list = List { scope: scope.to_string(), items: owners };
    context.output.result_or("skill.owner.ls/1", &list, |out| {
        for owner in &list.items {
            out.data(escape(owner));
        }
    });
    Ok(())
}

async fn add(args: ChangeArgs, context: &Context) -> anyhow::Result<()> {
    let api = context.api(&context.registry_of(&args.scope)?)?;
    let mut owners = api.owners(&args.scope).await?.owners;
    if args.dry_run {
        owners.push(args.user.to_string());
        owners.sort();
        owners.dedup();
    } else {
        owners = api.add_owner(&args.scope, &args.user).await?.owners;
    }
    let result = Answer { scope: args.scope.to_string(), owners, dry_run: args.dry_run };
    context.output.result_or("skill.owner.add/1", &result, |out| {
        let verb = if args.dry_run { "Would add" } else { "Added" };
        out.status(verb, format!("{} to {}; its owners: {}", args.user, args.scope, escape(&result.owners.join(", "))));
        if !args.dry_run {
            out.hint(format!(
                "skill key enroll {} --request FILE   run by {}, to sign for it as well",
                args.scope, args.user
            ));
        }
    });
    Ok(())
}

async fn remove(args: ChangeArgs, context: &Context) -> anyhow::Result<()> {
    let api = context.api(&context.registry_of(&args.scope)?)?;
    let mut owners = api.owners(&args.scope).await?.owners;
    if args.dry_run {
        owners.retain(|owner| owner != args.user.as_str());
    } else {
        let question = format!("Take the scope {} away from {}?", args.scope, args.user);
        if !context.confirm(&question)? {
            return Err(context.cancelled());
        }
        owners = api.remove_owner(&args.scope, &args.user).await?.owners;
    }
    let result = Answer { scope: args.scope.to_string(), owners, dry_run: args.dry_run };
    context.output.result_or("skill.owner.rm/1", &result, |out| {
        let verb = if args.dry_run { "Would remove" } else { "Removed" };
        out.status(
            verb,
            format!("{} from {}; its owners: {}", args.user, args.scope, escape(&result.owners.join(", "))),
        );
    });
    Ok(())
}
