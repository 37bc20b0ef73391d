//! A family as the publishers signed it: the registry's list says only which indexes to read.

use std::collections::{BTreeMap, BTreeSet};

use skill_schema::{SkillId, api::lineage::Response, index::Line, manifest::Release};

use super::{Node, Shown};
use crate::catalogue::{Catalogue, Entry};

/// The verified indexes of a family, without those that are not what the registry says: served by another registry, unknown, or forked
/// from something else.
pub(super) async fn verified(
    catalogue: &Catalogue<'_>,
    asked: &Entry,
    registry: Option<&str>,
    family: &Response,
) -> anyhow::Result<BTreeMap<SkillId, Entry>> {
    let context = catalogue.context();
    let here = |id: &SkillId| {
        context.registry_for(id, registry).is_ok_and(|registry| registry.url == asked.source.registry.url)
    };
    let ids = family.nodes.iter().map(|node| &node.id).filter(|id| here(id));
    let ids = ids.map(|id| (id.clone(), registry.map(str::to_owned))).collect();
    let mut entries = catalogue.entries(&ids).await?;
    let said: BTreeMap<&SkillId, Option<&str>> =
        family.nodes.iter().map(|node| (&node.id, node.fork_of.as_deref())).collect();
    entries.retain(|id, entry| said.get(id) == Some(&fork_of(entry)));
    Ok(entries)
}

/// What the first version of a skill was forked from.
fn fork_of(entry: &Entry) -> Option<&str> {
    let own = format!("{}@", entry.index.header.pkg);
    entry.index.lines.first()?.parent.as_deref().filter(|parent| !parent.starts_with(&own))
}

/// The tree below a skill; `None` if it is not among the entries.
pub(super) fn tree(root: &SkillId, entries: &BTreeMap<SkillId, Entry>, depth: usize) -> Option<Node> {
    let mut seen = BTreeSet::new();
    node(root, entries, depth, None, &mut seen)
}

fn node(
    id: &SkillId,
    entries: &BTreeMap<SkillId, Entry>,
    depth: usize,
    inherited: Option<&Shown>,
    seen: &mut BTreeSet<SkillId>,
) -> Option<Node> {
    let entry = entries.get(id).filter(|_| seen.insert(id.clone()))?;
    let index = &entry.index;
    let score = own_score(entry).or_else(|| inherited.cloned());
    let mut forks = Vec::new();
    for (fork, other) in entries.iter().filter(|_| depth > 1) {
        let Some(of) = fork_of(other).and_then(|text| text.parse::<Release>().ok()).filter(|of| of.id == *id) else {
            continue;
        };
        // What the fork started with: the score of exactly that version, or what that skill inherited itself.
        let start = index.line(&of.version).and_then(|line| shown(entry, line));
        let start = start.map(|shown| Shown { inherited: true, ..shown }).or_else(|| inherited.cloned());
        forks.extend(node(fork, entries, depth - 1, start.as_ref(), seen));
    }
    Some(Node {
        id: id.clone(),
        fork_of: fork_of(entry).map(str::to_owned),
        latest: index.header.tags.latest.clone(),
        versions: index.lines.len(),
        score,
        forks,
    })
}

/// The score of the best version, else of the latest one that has any.
fn own_score(entry: &Entry) -> Option<Shown> {
    let index = &entry.index;
    let best = index.header.tags.best.as_ref().and_then(|version| index.line(version));
    best.and_then(|line| shown(entry, line)).or_else(|| index.lines.iter().rev().find_map(|line| shown(entry, line)))
}

fn shown(entry: &Entry, line: &Line) -> Option<Shown> {
    let score = line.score.clone()?;
    Some(Shown { version: format!("{}@{}", entry.index.header.pkg, line.vers), inherited: false, score })
}
