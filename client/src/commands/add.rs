//! `skill add`: into `skills.toml`, locked and installed.

use skill_schema::{Fault, codes, project};

use crate::{
    catalogue::Catalogue,
    context::Context,
    install::{self, Unlock, Wish},
    installing::{self, AgentArgs, CopyArgs, WriteArgs},
    local,
    workspace::{Access, Manifest, Workspace},
};

/// Put skills into skills.toml, lock them and install them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill add cisco/codeguard                from its highest release on, as ^1.4.0
  skill add cisco/codeguard@^1.3 acme/notes
  skill add acme/notes --agent codex       for one agent only
  skill add acme/notes --pin               exactly this version")]
pub struct Args {
    /// What to add: [registry:]scope/name[@version].
    #[arg(value_name = "SPEC", required = true)]
    specs: Vec<String>,
    /// For all projects of this user.
    #[arg(long, short)]
    global: bool,
    #[command(flatten)]
    agent: AgentArgs,
    #[command(flatten)]
    copy: CopyArgs,
    /// Require exactly the chosen version.
    #[arg(long)]
    pin: bool,
    /// Write skills.toml and skills.lock, and leave the agents' folders alone.
    #[arg(long)]
    no_install: bool,
    /// Take the place of a skill of the same name from another scope.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    write: WriteArgs,
}

/// Runs `skill add`.
///
/// # Errors
/// As [`install::run`].
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    if let Some(path) = args.specs.iter().find(|text| local::is_path(text)) {
        let detail = format!("a project can require published skills only; skill install {path} installs it by itself");
        return Err(Fault::new(codes::USAGE).at(path).detail(detail).into());
    }
    let mut specs = installing::specs(&args.specs)?;
    // A registry that was named on the command line must be in skills.toml too, or the next command would ask another one.
    if let Some(name) = context.global.registry.as_ref().filter(|name| !name.contains("://")) {
        for spec in &mut specs {
            spec.registry.get_or_insert_with(|| name.clone());
        }
    }
    let agents = args.agent.names(context)?;
    let mut workspace = Workspace::open(context, args.global, Access::Write)?;
    let catalogue = Catalogue::new(context);
    let mut manifest =
        workspace.manifest.clone().unwrap_or_else(|| Manifest::empty(workspace.root.join(project::FILE)));
    let mut wish = Wish {
        roots: workspace.roots(&context.config),
        force: args.write.force,
        dry_run: args.write.dry_run,
        lock_only: args.no_install,
        ..Wish::default()
    };
    for spec in &specs {
        installing::refuse_both(&workspace, &wish, &spec.id)?;
        let req = installing::wanted(&catalogue, spec, args.pin).await?;
        let before = wish.roots.get(&spec.id).and_then(|root| root.agents.clone());
        let root = installing::root(spec, req, agents.clone().or(before), args.copy.copy, false);
        manifest.put(&spec.id, &root)?;
        wish.roots.insert(spec.id.clone(), root);
    }
    wish.manifest = Some(manifest);
    for (id, root) in specs.iter().filter_map(|spec| wish.roots.get_key_value(&spec.id)) {
        context.output.status("Adding", format!("{id} {} to {}", root.req, project::FILE));
    }
    let ids: Vec<_> = specs.iter().map(|spec| spec.id.clone()).collect();
    if args.replace {
        installing::replace_clashes(&mut wish, &workspace, &ids)?;
    }
    wish.unlock = Unlock::Some(ids.into_iter().collect());
    let outcome = install::run(&catalogue, &mut workspace, wish).await?;
    installing::show(context, &workspace, "skill.add/1", &outcome, args.write.dry_run);
    if !args.write.dry_run {
        context.output.hint("skill list   to see what each agent gets");
    }
    Ok(())
}
