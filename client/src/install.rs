//! Makes agents' folders hold what is wanted. Every command that installs, updates or removes goes through [`run`].
//!
//! The order makes a run that is killed anywhere harmless: check every conflict before anything is written; fill the store (whole
//! skills appear by rename); write `skills.toml`, then `skills.lock`; then swap each entry of an agent's folder, one rename each.
//! Whatever is missing after that, `skill sync` completes from the lock.

mod activate;
mod evidence;
mod fetch;
mod lock;
mod single;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use skill_schema::{
    Fault, SkillId, Version, codes,
    lock::{Lock, Locked},
};

pub(crate) use activate::look;
pub use activate::{Found, Step, Target, copy as copy_out};
pub use evidence::{Chains, Evidence, check as check_evidence};
pub use single::{Single, requirement, single};

use crate::{
    agents::Agents,
    catalogue::Catalogue,
    context::Context,
    local::{self, Opened},
    store::Store,
    workspace::{self, Manifest, Placed, Root, Workspace},
};

/// What a command wants to be true afterwards.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Everything wanted directly.
    pub roots: BTreeMap<SkillId, Root>,
    /// Which locked versions need not stay.
    pub unlock: Unlock,
    /// Versions to choose if they are allowed.
    pub prefer: BTreeMap<SkillId, Version>,
    /// Skills of this machine, as they are now; [`Self::roots`] has them too.
    pub local: BTreeMap<SkillId, Opened>,
    /// The new `skills.toml`, if it changes.
    pub manifest: Option<Manifest>,
    /// Agents for this run, instead of those that the project names.
    pub agents: Option<Vec<String>>,
    /// Replace folders that are not ours and skills that were changed; copies are kept.
    pub force: bool,
    /// Change nothing, only say what would be done.
    pub dry_run: bool,
    /// Write the lock and leave agents' folders alone.
    pub lock_only: bool,
}

/// Which locked versions need not stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Unlock {
    /// All stay where they can.
    #[default]
    Nothing,
    /// These move.
    Some(BTreeSet<SkillId>),
    /// All move.
    Everything,
}

/// What a run did, or with `dry_run` would do.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The lock.
    pub lock: Lock,
    /// Differences to the lock before, sorted by name.
    pub changes: Vec<Change>,
    /// What was done in agents' folders.
    pub steps: Vec<Step>,
    /// The agents of each locked skill.
    pub agents: BTreeMap<SkillId, Vec<String>>,
    /// The skills that were brought into the store, or would be.
    pub fetched: BTreeSet<SkillId>,
}

/// A skill that came, went or moved to another version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The skill.
    pub id: SkillId,
    /// The version before.
    pub from: Option<Version>,
    /// The version now.
    pub to: Option<Version>,
}

/// A skill in an agent's folder, as it should be.
#[derive(Debug, Clone)]
pub(crate) struct Desired {
    pub entry: PathBuf,
    pub locked: Locked,
    pub copy: bool,
}

/// Resolves, fetches, verifies, locks and places, as far as each is needed.
///
/// # Errors
/// Any fault of the parts. Nothing in the project or in agents' folders has changed then, unless a file could not be written.
pub async fn run(catalogue: &Catalogue<'_>, workspace: &mut Workspace, wish: Wish) -> anyhow::Result<Outcome> {
    let context = catalogue.context();
    let store = Store::new(&context.env);
    let lock = lock::decide(context, workspace, catalogue, &wish).await?;
    let agents = workspace::agents_of(&lock, &wish.roots, wish.agents.as_ref(), &workspace.default_agents(context));
    let desired = desired(context, workspace, &wish, &lock, &agents)?;
    let changes = changes(workspace, &lock);
    let mut steps = if wish.lock_only { Vec::new() } else { activate::plan(&store, workspace, &desired, wish.force)? };
    if wish.agents.is_some() {
        // Agents for one run: what the others have stays.
        steps.retain(|step| step.target.is_some());
    }
    let missing = fetch::missing(&store, catalogue, &wish.roots, &lock).await?;
    let opened = local::missing(context, &store, workspace, &lock, &wish.local)?;
    let fetched = missing.iter().map(fetch::Missing::id).chain(opened.iter().map(|o| o.locked.name.clone())).collect();
    if !wish.dry_run {
        announce(context, &lock, &changes);
        fetch::all(context, &store, missing).await?;
        opened.iter().try_for_each(|opened| local::keep(context, &store, opened))?;
        if let Some(manifest) = &wish.manifest {
            manifest.save()?;
        }
        if !wish.lock_only {
            let mut entries: Vec<Placed> = workspace.inventory.entries().to_vec();
            entries.extend(placed(&desired));
            workspace.inventory.save(entries)?;
        }
        workspace.save_lock(&lock)?;
        if !wish.lock_only {
            activate::apply(context, &store, &mut steps)?;
            if wish.agents.is_none() {
                workspace.inventory.save(placed(&desired).collect())?;
            }
        }
    }
    steps.retain(|step| !step.is_noop());
    Ok(Outcome { lock, changes, steps, agents, fetched })
}

/// Says what is going to be locked, before the downloads.
fn announce(context: &Context, lock: &Lock, changes: &[Change]) {
    for (id, version) in changes.iter().filter_map(|change| Some((&change.id, change.to.as_ref()?))) {
        let origin = lock.get(id).map(|locked| match locked.path() {
            Some(_) => format!("   ({}, not signed)", locked.origin),
            None => format!("   ({}, signed by {})", locked.origin, id.scope),
        });
        context.output.status("Locking", format!("{id} {version}{}", origin.unwrap_or_default()));
    }
}

fn placed(desired: &[Desired]) -> impl Iterator<Item = Placed> {
    desired.iter().map(|d| Placed { path: d.entry.clone(), tree: d.locked.tree })
}

/// Every entry of every agent's folder, as it should be. Two skills of one name in one folder are a conflict.
fn desired(
    context: &Context,
    workspace: &Workspace,
    wish: &Wish,
    lock: &Lock,
    agents: &BTreeMap<SkillId, Vec<String>>,
) -> Result<Vec<Desired>, Fault> {
    let table = Agents::load(&context.config)?;
    let copies: BTreeSet<&SkillId> =
        wish.roots.iter().filter(|(_, root)| root.copy).flat_map(|(id, _)| workspace::reachable(lock, id)).collect();
    let copy_all = context.config.flag("install.copy").unwrap_or(false);
    let mut entries: BTreeMap<PathBuf, Desired> = BTreeMap::new();
    for locked in &lock.skills {
        let copy = copy_all || copies.contains(&locked.name);
        let names = agents.get(&locked.name).map_or(&[][..], Vec::as_slice);
        for folder in workspace.folders(&table, names)?.into_keys() {
            let entry = folder.join(locked.name.name.as_str());
            if let Some(other) = entries.get(&entry) {
                return Err(clash(&entry, wish, &other.locked.name, &locked.name));
            }
            entries.insert(entry.clone(), Desired { entry, locked: locked.clone(), copy });
        }
    }
    Ok(entries.into_values().collect())
}

fn clash(entry: &Path, wish: &Wish, a: &SkillId, b: &SkillId) -> Fault {
    let needed = [a, b].into_iter().find(|id| !wish.roots.contains_key(id));
    let why = needed.map(|id| format!("; {id} is there because another skill needs it, so --replace cannot swap it"));
    let detail = format!("{a} and {b}{}", why.unwrap_or_default());
    Fault::new(codes::NAME_CLASH).at(entry.display().to_string()).detail(detail)
}

fn changes(workspace: &Workspace, lock: &Lock) -> Vec<Change> {
    let before: BTreeMap<&SkillId, &Locked> = workspace.locked().map(|locked| (&locked.name, locked)).collect();
    let mut changes: Vec<Change> = lock
        .skills
        .iter()
        .filter(|now| {
            before.get(&now.name).is_none_or(|before| before.tree != now.tree || before.version != now.version)
        })
        .map(|now| Change {
            id: now.name.clone(),
            from: before.get(&now.name).map(|before| before.version.clone()),
            to: Some(now.version.clone()),
        })
        .collect();
    let gone = before.values().filter(|before| lock.get(&before.name).is_none());
    changes.extend(gone.map(|before| Change { id: before.name.clone(), from: Some(before.version.clone()), to: None }));
    changes.sort_by(|a, b| a.id.cmp(&b.id));
    changes
}
