//! What the commands that look at installed skills have in common: each locked skill with the state of each of its entries.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde::Serialize;
use skill_schema::{Digest, Fault, SkillId, lock::Locked};

use crate::{
    agents::Agents,
    context::Context,
    install::{Found, look},
    store::{State, Store},
    workspace::{Root, Workspace},
};

/// A locked skill and where it is.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The lock's entry.
    pub locked: Locked,
    /// What `skills.toml` or the one-off asks for; `None` for what only other skills need.
    pub root: Option<Root>,
    /// Its entries in agents' folders.
    pub entries: Vec<Entry>,
    /// Its content in the store.
    pub store: State,
}

/// An entry of an agent's folder.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The link or folder.
    pub path: PathBuf,
    /// The agents that read it.
    pub agents: Vec<String>,
    /// What is there.
    pub found: Found,
}

/// The state of an entry, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryState {
    /// As locked.
    Ok,
    /// Not there.
    Missing,
    /// Another version.
    Other,
    /// Changed since it was installed.
    Changed,
    /// Not ours.
    Foreign,
}

impl EntryState {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Other => "other version",
            Self::Changed => "changed",
            Self::Foreign => "not ours",
        }
    }
}

impl Installed {
    /// The state of one of its entries.
    pub fn state(&self, entry: &Entry) -> EntryState {
        match entry.found {
            Found::Absent => EntryState::Missing,
            Found::Link(tree) if tree == self.locked.tree => match self.store {
                State::Intact => EntryState::Ok,
                State::Missing => EntryState::Missing,
                State::Damaged => EntryState::Changed,
            },
            Found::Copy(tree) if tree == self.locked.tree => EntryState::Ok,
            Found::Link(_) | Found::Copy(_) | Found::Elsewhere => EntryState::Other,
            Found::Changed => EntryState::Changed,
            Found::Foreign => EntryState::Foreign,
        }
    }
}

/// Everything locked, sorted by name.
///
/// # Errors
/// [`skill_schema::codes::AGENT_UNKNOWN`], [`skill_schema::codes::IO`].
pub fn installed(context: &Context, workspace: &Workspace) -> Result<Vec<Installed>, Fault> {
    let store = Store::new(&context.env);
    let table = Agents::load(&context.config)?;
    let roots = workspace.roots(&context.config);
    let agents = workspace.agents_of(context, &roots, None);
    let mut known: BTreeSet<Digest> = workspace.locked().map(|locked| locked.tree).collect();
    known.extend(workspace.inventory.entries().iter().map(|placed| placed.tree));
    let ours: BTreeSet<&PathBuf> = workspace.inventory.entries().iter().map(|placed| &placed.path).collect();
    let mut all = Vec::new();
    for locked in workspace.locked() {
        let names = agents.get(&locked.name).map_or(&[][..], Vec::as_slice);
        let mut entries = Vec::new();
        for (folder, agents) in workspace.folders(&table, names)? {
            let path = folder.join(locked.name.name.as_str());
            let found = look(&store, &known, &path, ours.contains(&path))?;
            entries.push(Entry { path, agents, found });
        }
        let root = roots.get(&locked.name).cloned();
        all.push(Installed { store: store.state(&locked.tree)?, locked: locked.clone(), root, entries });
    }
    all.sort_by(|a, b| a.locked.name.cmp(&b.locked.name));
    Ok(all)
}

/// Who needs each locked skill.
pub fn dependents(workspace: &Workspace) -> BTreeMap<SkillId, Vec<SkillId>> {
    let mut dependents: BTreeMap<SkillId, Vec<SkillId>> = BTreeMap::new();
    for locked in workspace.locked() {
        for needed in &locked.dependencies {
            dependents.entry(needed.clone()).or_default().push(locked.name.clone());
        }
    }
    dependents
}
