//! `skill install`: what `skills.toml` lists, or one skill more.

use std::collections::BTreeSet;

use crate::{
    catalogue::Catalogue,
    context::Context,
    install::{self, Unlock, Wish},
    installing::{self, AgentArgs, CopyArgs, WriteArgs},
    local,
    workspace::{Access, Workspace},
};
use skill_schema::{Fault, codes, spec::Which};

/// Install what skills.toml lists, or one skill more (recorded in skills.lock alone).
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill install                            everything in skills.toml, as locked
  skill install cisco/codeguard            the highest release, for the usual agents
  skill install cisco/codeguard@^1.4 --agent claude-code --agent codex
  skill install -g cisco/codeguard         for all projects of this user
  skill install ./notes                    from a folder or a .tar.gz: local, not signed
  skill install --locked                   fail if skills.lock is not up to date")]
pub struct Args {
    /// What to install: [registry:]scope/name[@version], or a path (./notes, ../notes.tar.gz, path:notes).
    #[arg(value_name = "SPEC")]
    specs: Vec<String>,
    /// For all projects of this user.
    #[arg(long, short)]
    global: bool,
    #[command(flatten)]
    agent: AgentArgs,
    #[command(flatten)]
    copy: CopyArgs,
    /// Take the place of a skill of the same name from another scope.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    write: WriteArgs,
}

/// Runs `skill install`.
///
/// # Errors
/// As [`install::run`].
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let (paths, specs): (Vec<_>, Vec<_>) = args.specs.iter().cloned().partition(|text| local::is_path(text));
    let specs = installing::specs(&specs)?;
    let agents = args.agent.names(context)?;
    let mut workspace = if args.specs.is_empty() {
        Workspace::open_existing(context, args.global, Access::Write)?
    } else {
        Workspace::open(context, args.global, Access::Write)?
    };
    let catalogue = Catalogue::new(context);
    let mut wish = Wish {
        roots: workspace.roots(&context.config),
        force: args.write.force,
        dry_run: args.write.dry_run,
        agents: if args.specs.is_empty() { agents.clone() } else { None },
        ..Wish::default()
    };
    for path in &paths {
        installing::take(context, &workspace, &mut wish, path, (agents.as_ref(), args.copy.copy))?;
    }
    for spec in &specs {
        installing::refuse_both(&workspace, &wish, &spec.id)?;
        let listed = wish.roots.get(&spec.id).is_some_and(|root| !root.one_off);
        if listed && spec.which == Which::Latest {
            continue; // skills.toml says which version
        }
        if listed {
            let detail = format!("{} is in skills.toml; skill add changes it", spec.id);
            return Err(Fault::new(codes::USAGE).detail(detail).into());
        }
        // `latest` stays a wish for whatever is newest; what was typed is kept as it was typed.
        let entry = catalogue.require(&spec.id, spec.registry.as_deref()).await?;
        let req = install::requirement(&entry, &spec.which)?;
        let before = wish.roots.get(&spec.id).and_then(|root| root.agents.clone());
        let root = installing::root(spec, req, agents.clone().or(before), args.copy.copy, true);
        wish.roots.insert(spec.id.clone(), root);
    }
    let moving: BTreeSet<_> = specs.iter().map(|spec| spec.id.clone()).collect();
    if args.replace {
        let added: Vec<_> = moving.iter().chain(wish.local.keys()).cloned().collect();
        installing::replace_clashes(&mut wish, &workspace, &added)?;
    }
    if !context.global.locked && !moving.is_empty() {
        wish.unlock = Unlock::Some(moving);
    }
    let outcome = install::run(&catalogue, &mut workspace, wish).await?;
    installing::show(context, &workspace, "skill.install/1", &outcome, args.write.dry_run);
    if !args.write.dry_run && !outcome.changes.is_empty() {
        context.output.hint("skill verify   to check every file against its publisher's signature");
    }
    Ok(())
}
