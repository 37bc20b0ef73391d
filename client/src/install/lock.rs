//! Decides what will be locked: the lock as it stands if it fits, otherwise a new resolution.

use std::collections::{BTreeMap, BTreeSet};

use skill_schema::{
    Fault, SkillId, codes,
    index::LineStatus,
    lock::{Lock, Locked, Signed},
};

use super::{Unlock, Wish};
use crate::{
    catalogue::{Catalogue, Entry},
    context::Context,
    output::count,
    report::Note,
    resolve::{self, Problem},
    workspace::{self, Root, Workspace, lock_problem},
};

/// The lock that the wish leads to.
pub(super) async fn decide(
    context: &Context,
    workspace: &Workspace,
    catalogue: &Catalogue<'_>,
    wish: &Wish,
) -> anyhow::Result<Lock> {
    let base = base(workspace, wish);
    let lock = chosen(context, workspace, catalogue, wish, base.as_ref()).await?;
    wish.local.values().try_for_each(|opened| opened.check_needs(&lock, &wish.roots))?;
    Ok(lock)
}

/// The present lock, with what was opened from paths as it is now.
fn base(workspace: &Workspace, wish: &Wish) -> Option<Lock> {
    if wish.local.is_empty() {
        return workspace.lock.clone();
    }
    let mut lock = workspace.lock.clone().unwrap_or_default();
    lock.skills.retain(|locked| !wish.local.contains_key(&locked.name));
    lock.skills.extend(wish.local.values().map(|opened| opened.locked.clone()));
    lock.skills.sort_by(|a, b| a.name.cmp(&b.name));
    Some(lock)
}

async fn chosen(
    context: &Context,
    workspace: &Workspace,
    catalogue: &Catalogue<'_>,
    wish: &Wish,
    base: Option<&Lock>,
) -> anyhow::Result<Lock> {
    if let Some(lock) = pruned(base, wish).filter(|_| !context.global.locked) {
        return Ok(with_wishes(lock, wish));
    }
    let problem = match base {
        _ if workspace.lock.is_none() && context.global.locked && !wish.roots.is_empty() => {
            return Err(Fault::new(codes::LOCK_MISSING).into());
        }
        Some(lock) => lock_problem(&wish.roots, lock),
        None if wish.roots.is_empty() => return Ok(Lock::default()),
        None => Some("there is none".to_owned()),
    };
    let lock = match (base, problem) {
        (Some(lock), None) if wish.unlock == Unlock::Nothing => with_wishes(lock.clone(), wish),
        (_, Some(problem)) if context.global.locked => {
            return Err(Fault::new(codes::LOCK_OUTDATED).detail(problem).into());
        }
        // A frozen lock is not questioned: nothing moves, and the registry is not asked whether something could.
        (Some(lock), _) if context.global.frozen => with_wishes(lock.clone(), wish),
        _ => resolved(context, workspace, catalogue, wish, base).await?,
    };
    match &workspace.lock {
        Some(before) if context.global.locked && before.to_string() != lock.to_string() => {
            Err(Fault::new(codes::LOCK_OUTDATED).detail("newer choices are possible").into())
        }
        _ => Ok(lock),
    }
}

/// The present lock without what nothing needs any more, if that is all that is wrong with it: taking a skill out needs no registry.
fn pruned(base: Option<&Lock>, wish: &Wish) -> Option<Lock> {
    let mut lock = base.cloned().filter(|_| wish.unlock == Unlock::Nothing)?;
    let needed: BTreeSet<SkillId> = wish.roots.keys().flat_map(|id| workspace::reachable(&lock, id)).cloned().collect();
    lock.skills.retain(|locked| needed.contains(&locked.name));
    lock_problem(&wish.roots, &lock).is_none().then_some(lock)
}

/// A lock with what the wish says about one-off installs.
fn with_wishes(mut lock: Lock, wish: &Wish) -> Lock {
    for locked in &mut lock.skills {
        let root = wish.roots.get(&locked.name).filter(|root| root.one_off);
        locked.requirement = root.map(|root| root.req.clone());
        locked.agents = root.and_then(|root| root.agents.clone());
        locked.copy = root.is_some_and(|root| root.copy);
    }
    lock
}

async fn resolved(
    context: &Context,
    workspace: &Workspace,
    catalogue: &Catalogue<'_>,
    wish: &Wish,
    base: Option<&Lock>,
) -> anyhow::Result<Lock> {
    // No registry knows the skills from paths: they stay out of the resolution.
    let is_one_off = |id: &SkillId| wish.roots.get(id).is_some_and(|root| root.one_off);
    let skills = base.into_iter().flat_map(|lock| &lock.skills);
    let local: Vec<&Locked> = skills.filter(|locked| locked.path().is_some() && is_one_off(&locked.name)).collect();
    let roots = || wish.roots.iter().filter(|(id, _)| local.iter().all(|locked| locked.name != **id));
    let registries: BTreeMap<SkillId, Option<String>> =
        roots().map(|(id, root)| (id.clone(), root.registry.clone())).collect();
    if !registries.is_empty() {
        let verb = if context.global.offline { "from what was fetched before" } else { "and what they need" };
        context.output.status("Resolving", format!("{} {verb}", count(registries.len(), "skill")));
    }
    let entries = catalogue.reachable(&registries).await?;
    if context.global.offline {
        say_as_of(context, entries.values()).await?;
    }
    let keep = |locked: &&Locked| match &wish.unlock {
        Unlock::Nothing => true,
        Unlock::Some(moving) => !moving.contains(&locked.name),
        Unlock::Everything => false,
    };
    let problem = Problem {
        roots: roots().map(|(id, root)| (id.clone(), root.req.clone())).collect(),
        catalogue: entries.iter().map(|(id, entry)| (id.clone(), entry.candidates())).collect(),
        locked: workspace
            .locked()
            .filter(keep)
            .map(|locked| (locked.name.clone(), locked.version.clone()))
            .chain(wish.prefer.clone())
            .collect(),
    };
    let solution = resolve::resolve(&problem).map_err(|unsolved| {
        let error = anyhow::Error::from(unsolved.fault);
        if unsolved.explanation.is_empty() { error } else { error.context(Note(unsolved.explanation)) }
    })?;
    let mut lock = Lock::default();
    for (id, version) in &solution {
        let entry = &entries[id];
        let root = wish.roots.get(id).filter(|root| root.one_off);
        lock.skills.push(locked(id, version, entry, root)?);
        warn(context, entry, version);
    }
    for locked in local {
        if solution.contains_key(&locked.name) {
            let detail = format!("it is installed from {}, and another skill needs it from a registry", locked.origin);
            return Err(Fault::new(codes::NO_SOLUTION).at(locked.name.to_string()).detail(detail).into());
        }
        lock.skills.push(locked.clone());
    }
    lock.skills.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(with_wishes(lock, wish))
}

/// Without a network, says how old what is known of each registry is.
async fn say_as_of(context: &Context, entries: impl Iterator<Item = &Entry>) -> anyhow::Result<()> {
    let mut said = BTreeSet::new();
    for source in entries.map(|entry| &entry.source) {
        if said.insert(source.origin.clone())
            && let Some(time) = source.as_of(&*source.operator(context).await?)
        {
            context.output.status("As of", format!("{time} ({}); later yanks not visible", source.origin));
        }
    }
    Ok(())
}

fn locked(id: &SkillId, version: &skill_schema::Version, entry: &Entry, root: Option<&Root>) -> Result<Locked, Fault> {
    let (line, published) =
        entry.version(version).ok_or_else(|| Fault::new(codes::NO_VERSION).at(format!("{id}@{version}")))?;
    Ok(Locked {
        name: id.clone(),
        version: version.clone(),
        origin: entry.source.origin.clone(),
        tree: line.tree,
        archive: line.sha256,
        // The leaf of the release itself: a later yank must not change the lock.
        signed: Some(Signed { statement: line.stmt, log: entry.chain.log(published.release.seq).unwrap_or(line.log) }),
        dependencies: line.deps.iter().map(|(id, _)| id.clone()).collect(),
        requirement: root.map(|root| root.req.clone()),
        agents: root.and_then(|root| root.agents.clone()),
        copy: root.is_some_and(|root| root.copy),
    })
}

fn warn(context: &Context, entry: &Entry, version: &skill_schema::Version) {
    use skill_schema::index::PackageStatus;
    let id = &entry.index.header.pkg;
    match entry.index.header.status {
        PackageStatus::Deprecated => {
            context.output.warn(format!("{id} is deprecated by its owners; skill info {id} says why"));
        }
        PackageStatus::Archived => context.output.warn(format!("{id} is archived: no further versions will come")),
        PackageStatus::Active | PackageStatus::Quarantined => {}
    }
    if entry.index.line(version).is_some_and(|line| entry.status(line) == LineStatus::Yanked) {
        context.output.warn(format!("{id} {version} was yanked; it stays because skills.lock names it"));
    }
}
