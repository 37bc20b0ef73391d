//! Suites from elsewhere: another folder, a file of skill-creator, a list of queries, or a workspace of skill-creator.

mod workspace;

use std::{collections::HashSet, path::Path};

use serde_json::{Map, Value, json};
use skill_bundle::pack::Owned;
use skill_schema::{Fault, Limits, codes};

use super::{
    Case, Folder, Suite,
    folder::{EVALS, FILE, LOCK},
};

/// What was found elsewhere, in our format.
#[derive(Debug)]
pub struct Imported {
    /// The suite: always an object with `evals`.
    pub suite: Suite,
    /// Files to put under `evals/`, with paths from there.
    pub files: Vec<Owned>,
    /// What could not be taken along, one sentence each.
    pub notes: Vec<String>,
}

/// Reads a suite from elsewhere: a skill's or suite's folder, a file, or a workspace of skill-creator.
///
/// # Errors
/// [`codes::NO_SUITE`] if there is nothing to import; [`codes::SUITE`]; [`codes::IO`].
pub fn import(from: &Path) -> Result<Imported, Fault> {
    let opened = match Suite::read(from) {
        Err(fault) if fault.code == codes::NO_SUITE && from.is_dir() => {
            let suite = workspace::read(from)?;
            return Ok(Imported { suite: suite.ok_or(fault)?, files: Vec::new(), notes: Vec::new() });
        }
        other => other?,
    };
    let mut imported = Imported { suite: as_object(opened.suite)?, files: Vec::new(), notes: Vec::new() };
    let whole = opened.file == format!("{EVALS}/{FILE}");
    if whole {
        let (files, skipped) =
            skill_bundle::pack::read_dir(skill_bundle::Kind::Suite, &opened.folder.path_of(EVALS), &Limits::V1)?;
        imported.files = files.into_iter().filter(|file| file.path != FILE && file.path != LOCK).collect();
        imported.notes =
            skipped.iter().map(|file| format!("{} was left out: {}", file.path, file.why.as_str())).collect();
    }
    imported.take_files(&opened.folder)?;
    Ok(imported)
}

/// The suite as an object with `evals`, whose cases have ids.
fn as_object(suite: Suite) -> Result<Suite, Fault> {
    let mut head = match suite.document {
        Value::Object(head) => head,
        _ => Map::new(),
    };
    let cases = suite.cases.into_iter().map(|case| {
        let mut raw = case.raw;
        raw.entry("id").or_insert_with(|| Value::from(case.id));
        Value::Object(raw)
    });
    head.insert("evals".to_owned(), cases.collect());
    Suite::from_value(Value::Object(head))
}

impl Imported {
    /// Brings input files that lie outside of `evals/` into `evals/files/`, and names them so in the cases.
    fn take_files(&mut self, folder: &Folder) -> Result<(), Fault> {
        let mut cases = Vec::with_capacity(self.suite.cases.len());
        for case in std::mem::take(&mut self.suite.cases) {
            let mut raw = case.raw;
            if let Some(Value::Array(files)) = raw.get_mut("files") {
                for file in files {
                    self.take(file, folder);
                }
            }
            cases.push(Value::Object(raw));
        }
        let mut document = self.suite.document.clone();
        document["evals"] = Value::Array(cases);
        self.suite = Suite::from_value(document)?;
        Ok(())
    }

    fn take(&mut self, file: &mut Value, folder: &Folder) {
        let Some(path) = file.as_str().or_else(|| file.get("path")?.as_str()).map(str::to_owned) else { return };
        let inside = path.strip_prefix("evals/");
        if inside.is_some_and(|inside| self.files.iter().any(|file| file.path == inside)) {
            return;
        }
        let content = match folder.read(&path, Limits::V1.file) {
            Ok(content) => content,
            Err(fault) => return self.notes.push(fault.sentence()),
        };
        let name = inside.map_or_else(|| self.free(&path, &content), str::to_owned);
        let named = Value::from(format!("{EVALS}/{name}"));
        match file {
            Value::Object(map) => drop(map.insert("path".to_owned(), named)),
            other => *other = named,
        }
        if self.files.iter().all(|file| file.path != name) {
            self.files.push(Owned { path: name, content, executable: false });
        }
    }

    /// A path under `files/` that no other content has.
    fn free(&self, path: &str, content: &[u8]) -> String {
        let name = path.rsplit('/').next().unwrap_or(path);
        let numbered = |n: usize| if n == 1 { format!("files/{name}") } else { format!("files/{n}-{name}") };
        let taken = |path: &str| self.files.iter().any(|file| file.path == path && file.content != content);
        (1..=self.files.len() + 1).map(numbered).find(|path| !taken(path)).unwrap_or_else(|| numbered(1))
    }
}

impl Suite {
    /// Adds the cases of another suite at the end. A case that is there already, as it is, is not added; one whose id another case
    /// has gets a new id. Returns the ids that were added, in their order.
    ///
    /// # Errors
    /// [`codes::SUITE`] if that makes too many cases.
    pub fn absorb(&mut self, other: &Self) -> Result<Vec<String>, Fault> {
        let mut ids: HashSet<String> = self.cases.iter().map(|case| case.id.clone()).collect();
        let mut added = Vec::new();
        let mut document = self.to_value();
        for case in &other.cases {
            if self.cases.iter().any(|mine| same(mine, case)) {
                continue;
            }
            let numbered = |n: usize| if n == 1 { case.id.clone() } else { format!("{}-{n}", case.id) };
            let id = (1..=ids.len() + 1).map(numbered).find(|id| !ids.contains(id)).unwrap_or_default();
            let mut raw = case.raw.clone();
            if id != case.id || !raw.contains_key("id") {
                raw.insert("id".to_owned(), json!(id));
            }
            ids.insert(id.clone());
            added.push(id);
            let list = if document.is_array() { &mut document } else { &mut document["evals"] };
            if let Value::Array(list) = list {
                list.push(Value::Object(raw));
            }
        }
        *self = Self::from_value(document)?;
        Ok(added)
    }
}

/// Whether two cases are the same but for the spelling of their id.
fn same(a: &Case, b: &Case) -> bool {
    let rest = |case: &Case| {
        let mut raw = case.raw.clone();
        raw.remove("id");
        raw
    };
    a.id == b.id && rest(a) == rest(b)
}

#[cfg(test)]
mod tests;
