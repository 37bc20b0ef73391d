//! `skill registry use` and `skill registry remove`.

use serde::Serialize;
use skill_schema::{Fault, Scope, codes};

use super::{check_ours, scopes_of};
use crate::{
    config::{Value, credentials, edit::Edit},
    context::Context,
    output::Output,
};

/// Make a registry the default, or let it answer for some scopes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill registry use main                 for all scopes that no other registry answers for
  skill registry use acme --scope acme    for one scope")]
pub struct UseArgs {
    /// The registry.
    name: String,
    /// Only for this scope; can be repeated.
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    scope: Vec<Scope>,
    /// Show what would be written.
    #[arg(long)]
    dry_run: bool,
}

/// Forget a registry, its key, and your token for it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill registry remove acme
  skill registry remove acme --yes")]
pub struct RemoveArgs {
    /// The registry.
    name: String,
    /// Show what would be removed.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    name: String,
    url: String,
    scopes: Vec<String>,
    dry_run: bool,
}

/// Maps scopes to a registry.
pub(super) fn choose(args: &UseArgs, context: &Context) -> anyhow::Result<()> {
    if args.name.contains("://") {
        return Err(Fault::new(codes::REGISTRY_UNKNOWN).at(&args.name).detail("name a configured registry").into());
    }
    let registry = context.config.registry(&args.name)?;
    let mut scopes: Vec<String> = args.scope.iter().map(ToString::to_string).collect();
    if scopes.is_empty() {
        scopes.push("*".to_owned());
    }
    let path = context.env.user_config();
    let mut edit = Edit::open(&path)?;
    map(context, &mut edit, &args.name, &scopes)?;
    if !args.dry_run {
        edit.save()?;
    }
    let changed = Changed { name: args.name.clone(), url: registry.url, scopes, dry_run: args.dry_run };
    context.output.result_or("skill.registry.use/1", &changed, |out| {
        say_mapped(out, &changed.name, &changed.scopes, changed.dry_run);
    });
    Ok(())
}

/// Sets which registry answers for these scopes.
pub(super) fn map(context: &Context, edit: &mut Edit<'_>, name: &str, scopes: &[String]) -> Result<(), Fault> {
    for scope in scopes {
        let key = format!("scopes.{scope}");
        check_ours(context, &key)?;
        edit.set(&key, &Value::Text(name.to_owned()))?;
    }
    Ok(())
}

/// Says what was mapped.
pub(super) fn say_mapped(out: &Output, name: &str, scopes: &[String], dry_run: bool) {
    let verb = if dry_run { "Would map" } else { "Mapped" };
    for scope in scopes {
        match scope.as_str() {
            "*" => out.status(verb, format!("{name} answers for all scopes that no other registry answers for")),
            scope => out.status(verb, format!("{name} answers for {scope}")),
        }
    }
}

/// Removes a registry from the user's configuration.
pub(super) fn remove(args: &RemoveArgs, context: &Context) -> anyhow::Result<()> {
    let registry = context.config.registry(&args.name)?;
    let table = format!("registries.{}", args.name);
    check_ours(context, &format!("{table}.url"))?;
    let scopes = scopes_of(context, &registry);
    let path = context.env.user_config();
    let mut edit = Edit::open(&path)?;
    if !edit.remove(&table) {
        return Err(Fault::new(codes::REGISTRY_UNKNOWN).at(&args.name).into());
    }
    for scope in &scopes {
        edit.remove(&format!("scopes.{scope}"));
    }
    if !args.dry_run {
        let question = format!("Forget the registry {} ({}), its key and your token for it?", args.name, registry.url);
        if !context.confirm_name(&question, &args.name)? {
            return Err(context.cancelled());
        }
        edit.save()?;
        let others = context.config.registries()?;
        if !others.iter().any(|other| other.url == registry.url && other.name != registry.name) {
            credentials::store(&context.env, &registry.url, None)?;
        }
    }
    let changed = Changed { name: args.name.clone(), url: registry.url, scopes, dry_run: args.dry_run };
    context.output.result_or("skill.registry.remove/1", &changed, |out| {
        let verb = if changed.dry_run { "Would remove" } else { "Removed" };
        out.status(verb, format!("{} {}", changed.name, changed.url));
        if changed.scopes.iter().any(|scope| scope == "*") {
            out.hint("skill registry use NAME   to choose another default");
        }
    });
    Ok(())
}
