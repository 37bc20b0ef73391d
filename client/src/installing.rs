//! What the commands that install have in common: flags, wishes from specifiers, and how the outcome is shown.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use skill_schema::{Fault, SkillId, Version, VersionReq, codes, index::latest, spec::Spec, version};

use crate::{
    agents::Agents,
    catalogue::Catalogue,
    context::Context,
    install::{Outcome, Wish, requirement},
    local,
    output::{Output, count},
    workspace::{Root, Workspace},
};

/// For which agents.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AgentArgs {
    /// Install for this agent; may be repeated. `auto` stands for those that are on this machine.
    #[arg(long = "agent", short = 'a', value_name = "AGENT", value_delimiter = ',')]
    pub agents: Vec<String>,
}

impl AgentArgs {
    /// The named agents, `auto` replaced; `None` if none was named.
    ///
    /// # Errors
    /// [`codes::AGENT_UNKNOWN`] if `auto` finds none.
    pub fn names(&self, context: &Context) -> Result<Option<Vec<String>>, Fault> {
        if self.agents.is_empty() {
            return Ok(None);
        }
        let mut names: Vec<String> = Vec::new();
        for name in &self.agents {
            if name != "auto" {
                names.push(name.clone());
                continue;
            }
            let table = Agents::load(&context.config)?;
            let found = table.detected(&context.env.home);
            if found.is_empty() {
                return Err(Fault::new(codes::AGENT_UNKNOWN).at("auto").detail("no agent was found on this machine"));
            }
            names.extend(found.into_iter().map(str::to_owned));
        }
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        Ok(Some(names))
    }
}

/// How to write.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct WriteArgs {
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Replace folders that skill did not install and skills that were changed; copies of them are kept.
    #[arg(long)]
    pub force: bool,
}

/// Links or copies.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct CopyArgs {
    /// Copy the skill into the agents' folders instead of linking it.
    #[arg(long)]
    pub copy: bool,
}

/// Parses all specifiers.
///
/// # Errors
/// [`codes::SPEC`] and its kin.
pub fn specs(texts: &[String]) -> Result<Vec<Spec>, Fault> {
    texts.iter().map(|text| text.parse()).collect()
}

/// The requirement for `skills.toml`: what was typed, or from the highest release on.
///
/// # Errors
/// [`codes::NOT_FOUND`], and faults of the network and of verification.
pub async fn wanted(catalogue: &Catalogue<'_>, spec: &Spec, pin: bool) -> anyhow::Result<VersionReq> {
    let entry = catalogue.require(&spec.id, spec.registry.as_deref()).await?;
    let req = requirement(&entry, &spec.which)?;
    if !req.comparators.is_empty() && !pin {
        return Ok(req);
    }
    let mut lines = entry.index.lines.clone();
    for line in &mut lines {
        line.st = entry.status(line);
    }
    lines.retain(|line| crate::resolve::satisfies(&req, &line.vers));
    Ok(match latest(&lines) {
        Some(version) if pin => version::parse_requirement(&format!("={version}"))?,
        Some(version) => version::parse_requirement(&format!("^{version}"))?,
        None => req, // nothing can be installed: the resolver says why
    })
}

/// Opens a skill of this machine and makes it a wish, for these agents (or those that it had) and as a copy or not.
///
/// # Errors
/// [`codes::USAGE`] if the skill is wanted from elsewhere; as [`local::open`].
pub fn take(
    context: &Context,
    workspace: &Workspace,
    wish: &mut Wish,
    path: &str,
    (agents, copy): (Option<&Vec<String>>, bool),
) -> anyhow::Result<()> {
    let opened = local::open(context, workspace, path)?;
    let id = opened.locked.name.clone();
    let usage = |detail: String| Err(Fault::new(codes::USAGE).at(path).detail(detail).into());
    if wish.local.contains_key(&id) {
        return usage(format!("another of these paths is {id} as well"));
    }
    if workspace.project.skills.contains_key(&id) || workspace.locked().any(|l| l.name == id && l.path().is_none()) {
        return usage(format!("{id} is installed from a registry here; skill remove it first"));
    }
    let before = wish.roots.get(&id).and_then(|root| root.agents.clone());
    wish.roots.insert(id.clone(), opened.root(agents.cloned().or(before), copy)?);
    wish.local.insert(id, opened);
    Ok(())
}

/// Refuses to take from a registry what is installed from a path.
///
/// # Errors
/// [`codes::USAGE`].
pub fn refuse_both(workspace: &Workspace, wish: &Wish, id: &SkillId) -> Result<(), Fault> {
    let locked = workspace.locked().find(|locked| locked.name == *id && locked.path().is_some());
    let origin = wish.local.get(id).map(|opened| &opened.locked).or(locked).map(|locked| &locked.origin);
    match origin {
        None => Ok(()),
        Some(origin) => {
            let detail = format!("{id} is installed from {origin}; skill remove it first");
            Err(Fault::new(codes::USAGE).at(id.to_string()).detail(detail))
        }
    }
}

/// Takes out what would share a folder with a skill of the same name from another scope: `--replace`.
pub fn replace_clashes(wish: &mut Wish, workspace: &Workspace, added: &[SkillId]) -> Result<(), Fault> {
    let clashes: Vec<SkillId> = wish
        .roots
        .keys()
        .filter(|id| added.iter().any(|new| new.name == id.name && new.scope != id.scope))
        .cloned()
        .collect();
    for id in clashes {
        let listed = wish.roots.remove(&id).is_some_and(|root| !root.one_off);
        if listed && let Some(manifest) = wish.manifest.as_mut().or(workspace.manifest.clone().as_mut()) {
            manifest.remove(&id)?;
            wish.manifest = Some(manifest.clone());
        }
    }
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    dry_run: bool,
    lock: String,
    changes: Vec<ChangeItem<'a>>,
    /// What had to be fetched, or unpacked anew.
    fetched: Vec<&'a SkillId>,
    skills: Vec<SkillItem<'a>>,
    entries: Vec<EntryItem<'a>>,
}

#[derive(Serialize)]
struct ChangeItem<'a> {
    id: &'a SkillId,
    from: Option<&'a Version>,
    to: Option<&'a Version>,
}

#[derive(Serialize)]
struct SkillItem<'a> {
    id: &'a SkillId,
    version: &'a Version,
    tree: String,
    agents: &'a [String],
}

#[derive(Serialize)]
struct EntryItem<'a> {
    path: String,
    action: &'static str,
    id: Option<&'a SkillId>,
    kept: Option<String>,
}

/// Shows what was done, or with `--dry-run` would be.
pub fn show(context: &Context, workspace: &Workspace, schema: &str, outcome: &Outcome, dry_run: bool) {
    let document = document(workspace, outcome, dry_run);
    context.output.result_or(schema, &document, |out| talk(out, outcome, dry_run));
}

fn document<'a>(workspace: &Workspace, outcome: &'a Outcome, dry_run: bool) -> Document<'a> {
    let skills = outcome.lock.skills.iter().map(|locked| SkillItem {
        id: &locked.name,
        version: &locked.version,
        tree: locked.tree.to_string(),
        agents: outcome.agents.get(&locked.name).map_or(&[], Vec::as_slice),
    });
    let entries = outcome.steps.iter().map(|step| EntryItem {
        path: step.entry.display().to_string(),
        action: step.target.as_ref().map_or("remove", |target| if target.copy { "copy" } else { "link" }),
        id: step.target.as_ref().map(|target| &target.id),
        kept: step.kept.as_ref().map(|path| path.display().to_string()),
    });
    let changes = outcome.changes.iter();
    Document {
        dry_run,
        lock: workspace.root.join(skill_schema::lock::FILE).display().to_string(),
        changes: changes.map(|c| ChangeItem { id: &c.id, from: c.from.as_ref(), to: c.to.as_ref() }).collect(),
        fetched: outcome.fetched.iter().collect(),
        skills: skills.collect(),
        entries: entries.collect(),
    }
}

fn talk(out: &Output, outcome: &Outcome, dry_run: bool) {
    let end = if dry_run { "   (dry run: nothing was changed)" } else { "" };
    let said = talk_of_skills(out, outcome, end);
    for step in &outcome.steps {
        if step.target.is_none() && outcome.changes.iter().all(|change| change.to.is_some()) {
            out.status("Removed", format!("{}{end}", step.entry.display()));
        }
        if let Some(kept) = &step.kept {
            out.note(format!("what was in {} is kept in {}", step.entry.display(), kept.display()));
        }
    }
    if !said && outcome.steps.is_empty() {
        out.status("Up to date", count(outcome.lock.skills.len(), "skill"));
    }
}

/// A line for each skill that something happened to; whether there was any.
fn talk_of_skills(out: &Output, outcome: &Outcome, end: &str) -> bool {
    let targets = outcome.steps.iter().filter_map(|step| step.target.as_ref());
    let placed: BTreeMap<&SkillId, bool> = targets.map(|target| (&target.id, target.copy)).collect();
    let audience = |id: &SkillId| {
        let agents = outcome.agents.get(id).map(|agents| agents.join(", ")).unwrap_or_default();
        match placed.get(id) {
            Some(copy) => format!(" for {agents}   ({})", if *copy { "copy" } else { "link" }),
            None => String::new(),
        }
    };
    let mut said = BTreeSet::new();
    for change in &outcome.changes {
        let id = &change.id;
        said.insert(id);
        match (&change.from, &change.to) {
            (None, Some(to)) if placed.contains_key(id) => {
                out.status("Installed", format!("{id} {to}{}{end}", audience(id)));
            }
            (None, Some(to)) => out.status("Locked", format!("{id} {to}{end}")),
            (Some(from), Some(to)) if from == to => {
                out.status("Updated", format!("{id} {to}: its files changed{}{end}", audience(id)));
            }
            (Some(from), Some(to)) => out.status("Updated", format!("{id} {from} -> {to}{}{end}", audience(id))),
            (Some(from), None) => out.status("Removed", format!("{id} {from}{end}")),
            (None, None) => {}
        }
    }
    for (id, version) in outcome.lock.skills.iter().map(|locked| (&locked.name, &locked.version)) {
        if placed.contains_key(id) && said.insert(id) {
            out.status("Placed", format!("{id} {version}{}{end}", audience(id)));
        } else if outcome.fetched.contains(id) && said.insert(id) {
            out.status("Restored", format!("{id} {version}{end}"));
        }
    }
    !said.is_empty()
}

/// A direct wish for a skill.
pub fn root(spec: &Spec, req: VersionReq, agents: Option<Vec<String>>, copy: bool, one_off: bool) -> Root {
    Root { req, registry: spec.registry.clone(), agents, copy, one_off }
}
