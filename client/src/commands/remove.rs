//! `skill remove`: out of `skills.toml`, the lock and the agents' folders.

use std::collections::BTreeSet;

use skill_schema::{Fault, SkillId, codes, name::SkillName};

use crate::{
    catalogue::Catalogue,
    commands::cache,
    context::Context,
    install::{self, Wish},
    installing::{self, AgentArgs, WriteArgs},
    store::Store,
    workspace::{Access, Workspace},
};

/// Take skills out of skills.toml, skills.lock and the agents' folders.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill remove cisco/codeguard
  skill remove codeguard                   the name alone will do if it is clear
  skill remove acme/notes --agent codex    for one agent only")]
pub struct Args {
    /// What to remove: scope/name, or the name alone.
    #[arg(value_name = "SKILL", required = true)]
    skills: Vec<String>,
    /// From what is installed for all projects.
    #[arg(long, short)]
    global: bool,
    #[command(flatten)]
    agent: AgentArgs,
    /// Also delete it from the store, if no other project uses it.
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    write: WriteArgs,
}

/// Runs `skill remove`.
///
/// # Errors
/// [`codes::NOT_INSTALLED`]; as [`install::run`].
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let agents = args.agent.names(context)?;
    let mut workspace = Workspace::open_existing(context, args.global, Access::Write)?;
    let mut wish = Wish {
        roots: workspace.roots(&context.config),
        force: args.write.force,
        dry_run: args.write.dry_run,
        manifest: workspace.manifest.clone(),
        ..Wish::default()
    };
    for text in &args.skills {
        let id = find(&workspace, &wish.roots.keys().cloned().collect(), text)?;
        if let Some(agents) = &agents {
            narrow(context, &workspace, &mut wish, &id, agents)?;
            continue;
        }
        let listed = wish.roots.remove(&id).is_some_and(|root| !root.one_off);
        if let Some(manifest) = wish.manifest.as_mut().filter(|_| listed) {
            manifest.remove(&id)?;
        }
    }
    let trees: Vec<_> = workspace.locked().map(|locked| locked.tree).collect();
    let outcome = install::run(&Catalogue::new(context), &mut workspace, wish).await?;
    if args.purge && !args.write.dry_run {
        let used = cache::used(context)?;
        let store = Store::new(&context.env);
        for tree in trees.iter().filter(|tree| !used.contains(tree) && store.has(tree)) {
            store.remove(tree)?;
        }
    }
    installing::show(context, &workspace, "skill.remove/1", &outcome, args.write.dry_run);
    Ok(())
}

/// The wanted skill of this name.
fn find(workspace: &Workspace, roots: &BTreeSet<SkillId>, text: &str) -> Result<SkillId, Fault> {
    let missing = || Fault::new(codes::NOT_INSTALLED).at(text);
    if text.contains('/') {
        let id: SkillId = text.parse()?;
        if roots.contains(&id) {
            return Ok(id);
        }
        let needed_by = workspace.locked().find(|locked| locked.dependencies.contains(&id));
        return Err(match needed_by {
            Some(locked) => missing().detail(format!("it is there because {} needs it", locked.name)),
            None => missing(),
        });
    }
    let name: SkillName = text.parse()?;
    let found: Vec<&SkillId> = roots.iter().filter(|id| id.name == name).collect();
    match found.as_slice() {
        [] => Err(missing()),
        [only] => Ok((*only).clone()),
        many => {
            let names: Vec<String> = many.iter().map(ToString::to_string).collect();
            Err(Fault::new(codes::USAGE).at(text).detail(format!("several have that name: {}", names.join(", "))))
        }
    }
}

/// Leaves the skill to its other agents.
fn narrow(
    context: &Context,
    workspace: &Workspace,
    wish: &mut Wish,
    id: &SkillId,
    gone: &[String],
) -> Result<(), Fault> {
    let usual = workspace.default_agents(context);
    let Some(root) = wish.roots.get_mut(id) else { return Ok(()) };
    let mut left = root.agents.clone().unwrap_or(usual);
    left.retain(|name| !gone.contains(name));
    if left.is_empty() {
        let detail = "no agent would be left; leave out --agent to remove it altogether";
        return Err(Fault::new(codes::USAGE).at(id.to_string()).detail(detail));
    }
    root.agents = Some(left);
    match wish.manifest.as_mut().filter(|_| !root.one_off) {
        Some(manifest) => manifest.put(id, root),
        None => Ok(()),
    }
}
