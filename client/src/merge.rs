//! The three-way merge of a skill's files: what changed from the base to theirs comes into ours.
//!
//! File by file, as git does it: what only one side changed is taken; a text that both changed is merged by its lines; where that is not
//! possible a person decides, and ours stays. Files that were moved are a removed one and a new one. Nothing here writes.

pub mod lines;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use skill_bundle::pack::Owned;

use lines::Labels;

/// Files by path.
pub type Files = BTreeMap<String, Owned>;

/// What became of a file that theirs changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// It is new.
    Added,
    /// Ours had not changed it: it is theirs now.
    Changed,
    /// Ours had not changed it, and theirs removed it.
    Removed,
    /// Both changed it, in different lines.
    Merged,
    /// Both changed the same lines; markers show where.
    Conflict,
    /// Both changed it, and it is no text. Ours stays.
    Binary,
    /// Ours removed it, theirs changed it: theirs is there.
    RemovedHere,
    /// Theirs removed it, ours changed it: ours stays.
    RemovedThere,
    /// It is a file on one side and a folder on the other. Ours stays.
    FileAndFolder,
}

impl What {
    /// Whether a person has to decide.
    pub fn is_conflict(self) -> bool {
        !matches!(self, Self::Added | Self::Changed | Self::Removed | Self::Merged)
    }
}

/// What is to be done with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// Ours stays.
    Keep,
    /// It gets this content.
    Write(Owned),
    /// It goes.
    Remove,
}

/// A file that theirs changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its path.
    pub path: String,
    /// What became of it.
    pub what: What,
    /// What is to be done.
    pub then: Then,
}

/// The changes that bring theirs into ours, sorted by path. Files that need none are not listed.
pub fn merge(base: &Files, ours: &Files, theirs: &Files, labels: Labels<'_>) -> Vec<Step> {
    let paths: BTreeSet<&String> = base.keys().chain(theirs.keys()).collect();
    let steps = paths.into_iter().filter_map(|path| {
        let (what, then) = one(base.get(path), ours.get(path), theirs.get(path), labels)?;
        Some(Step { path: path.clone(), what, then })
    });
    apart(steps.collect(), ours)
}

fn one(base: Option<&Owned>, ours: Option<&Owned>, theirs: Option<&Owned>, labels: Labels<'_>) -> Option<(What, Then)> {
    if theirs == base || theirs == ours {
        return None;
    }
    let take = |theirs: &Owned| Then::Write(theirs.clone());
    Some(match (base, ours, theirs) {
        (_, _, None) if ours == base => (What::Removed, Then::Remove),
        (_, _, None) => (What::RemovedThere, Then::Keep),
        (None, None, Some(theirs)) => (What::Added, take(theirs)),
        (Some(_), None, Some(theirs)) => (What::RemovedHere, take(theirs)),
        (_, Some(_), Some(theirs)) if ours == base => (What::Changed, take(theirs)),
        (_, Some(ours), Some(theirs)) => both(base, ours, theirs, labels),
    })
}

/// Both sides have it and changed it.
fn both(base: Option<&Owned>, ours: &Owned, theirs: &Owned, labels: Labels<'_>) -> (What, Then) {
    let executable = match base {
        Some(base) if base.executable == ours.executable => theirs.executable,
        _ => ours.executable,
    };
    let before = base.map_or(&[][..], |base| &base.content);
    let (content, what) = if ours.content == theirs.content || before == theirs.content {
        (ours.content.clone(), What::Merged)
    } else if before == ours.content {
        (theirs.content.clone(), What::Merged)
    } else if ![before, &ours.content, &theirs.content].into_iter().all(is_text) {
        return (What::Binary, Then::Keep);
    } else {
        let merged = lines::merge(before, &ours.content, &theirs.content, labels);
        let what = if merged.conflicts == 0 { What::Merged } else { What::Conflict };
        (merged.text, what)
    };
    (what, Then::Write(Owned { path: ours.path.clone(), content, executable }))
}

fn is_text(content: &[u8]) -> bool {
    std::str::from_utf8(content).is_ok_and(|text| !text.contains('\0'))
}

/// Keeps a file from being written where ours has a folder, or below what is a file of ours.
fn apart(mut steps: Vec<Step>, ours: &Files) -> Vec<Step> {
    let gone: BTreeSet<&str> =
        steps.iter().filter(|step| step.then == Then::Remove).map(|step| step.path.as_str()).collect();
    let staying: BTreeSet<String> = ours.keys().filter(|path| !gone.contains(path.as_str())).cloned().collect();
    let meets = |path: &str| {
        let below = format!("{path}/");
        let above = path.match_indices('/').any(|(at, _)| staying.contains(&path[..at]));
        above || staying.range(below.clone()..).next().is_some_and(|other| other.starts_with(&below))
    };
    for step in &mut steps {
        if matches!(step.then, Then::Write(_)) && meets(&step.path) {
            (step.what, step.then) = (What::FileAndFolder, Then::Keep);
        }
    }
    steps
}

/// The number of the first line that marks a conflict, counted from 1.
pub fn marker(content: &[u8]) -> Option<usize> {
    let marks = |line: &[u8]| line.starts_with(b"<<<<<<< ") || line.starts_with(b">>>>>>> ");
    content.split(|byte| *byte == b'\n').position(marks).map(|at| at + 1)
}

#[cfg(test)]
mod tests;
