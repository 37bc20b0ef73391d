//! Checks of the files that a run left: `file_exists`, `file_absent`, `file_contains`, `file_sha256`, `unchanged`.

use std::collections::BTreeSet;

use regex::Regex;
use skill_bundle::hash::sha256;
use skill_schema::{Digest, Fault};

use super::{
    Rule, Scene, evidence,
    folder::{self, Entry, Kind},
    glob::Glob,
    params::Params,
    value::Finding,
};

#[derive(Debug)]
struct Files {
    glob: Glob,
    test: Test,
}

#[derive(Debug)]
enum Test {
    /// How many regular files match.
    Count(u64, u64),
    /// Nothing matches, not even a folder or a link.
    Absent,
    /// One of the files contains a text.
    Contains(String),
    /// One of the files matches.
    Matches(Regex),
    /// One of the files has this digest.
    Sha256(Digest),
}

/// Reads `glob` and `min`, `max`; or `value`, `pattern`; or `sha256`.
pub(super) fn parse(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    let glob = Glob::param(params, "glob")?;
    let test = match params.kind {
        "file_exists" => {
            let (min, max) = params.range(1)?;
            Test::Count(min, max)
        }
        "file_absent" => Test::Absent,
        "file_contains" => match (params.get("value"), params.get("pattern")) {
            (Some(_), None) => Test::Contains(params.filled_text("value")?.to_owned()),
            (None, Some(_)) => Test::Matches(params.regex("pattern", |_| ())?),
            _ => return Err(params.one_of(&["value", "pattern"])),
        },
        _ => {
            let digest = params.text("sha256")?.parse();
            Test::Sha256(digest.map_err(|error| params.wrong("sha256", format!("{error}")))?)
        }
    };
    Ok(Box::new(Files { glob, test }))
}

impl Rule for Files {
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        let entries = match folder::list(scene.run.outputs) {
            Ok(entries) => entries,
            Err(trouble) => return Finding::broken(trouble.to_string()),
        };
        let files = self.glob.files(&entries);
        match &self.test {
            Test::Count(min, max) => {
                Finding::of((*min..=*max).contains(&(files.len() as u64)), names(&files, self.glob.text()))
            }
            Test::Absent => match entries.iter().find(|entry| self.glob.matches(&entry.path)) {
                Some(entry) => Finding::fail(format!("outputs/{} is there", entry.path)),
                None => Finding::pass(format!("nothing matches outputs/{}", self.glob.text())),
            },
            _ if files.is_empty() => Finding::broken(format!("no file matches outputs/{}", self.glob.text())),
            test => any_file(scene, &files, test),
        }
    }
}

/// Whether one of the files is as wanted. A file that cannot be read ends the search: it may have been the one.
fn any_file(scene: &Scene<'_>, files: &[&Entry], test: &Test) -> Finding {
    for file in files {
        let bytes = match folder::read(scene.run.outputs, &file.path) {
            Ok(bytes) => bytes,
            Err(trouble) => return Finding::broken(trouble.to_string()),
        };
        let found = match test {
            Test::Sha256(digest) => (sha256(&bytes) == *digest).then(|| digest.to_string()),
            Test::Contains(value) => {
                let text = String::from_utf8_lossy(&bytes);
                text.find(value).map(|at| evidence::around(&text, at, at + value.len()))
            }
            Test::Matches(regex) => {
                let text = String::from_utf8_lossy(&bytes);
                regex.find(&text).map(|found| evidence::around(&text, found.start(), found.end()))
            }
            Test::Count(..) | Test::Absent => None,
        };
        if let Some(found) = found {
            return Finding::pass(format!("outputs/{}: {found}", file.path));
        }
    }
    Finding::fail(format!("in none of {}", names(files, "")))
}

/// How many files, and the first of them.
fn names(files: &[&Entry], glob: &str) -> String {
    let first: Vec<&str> = files.iter().take(5).map(|file| file.path.as_str()).collect();
    match first.as_slice() {
        [] => format!("no file matches outputs/{glob}"),
        first => format!("{} files: {}", files.len(), first.join(", ")),
    }
}

#[derive(Debug)]
struct Unchanged(Vec<Glob>);

/// Reads `globs`.
pub(super) fn parse_unchanged(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    let globs = params.texts("globs")?.into_iter().map(|text| Glob::new(params, "globs", text));
    Ok(Box::new(Unchanged(globs.collect::<Result<_, _>>()?)))
}

impl Rule for Unchanged {
    /// Files that match are the same in the inputs and in the outputs: none changed, none gone, none new.
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        let chosen = |root| {
            folder::list(root).map(|entries| {
                let is_chosen = |entry: &Entry| self.0.iter().any(|glob| glob.matches(&entry.path));
                entries.into_iter().filter(|entry| entry.kind != Kind::Folder && is_chosen(entry)).collect::<Vec<_>>()
            })
        };
        let before = match chosen(scene.run.inputs) {
            Ok(before) if before.is_empty() => return Finding::missing("no input file matches"),
            Ok(before) => before,
            Err(trouble) => return Finding::missing(trouble.to_string()),
        };
        let after = match chosen(scene.run.outputs) {
            Ok(after) => after,
            Err(trouble) => return Finding::broken(trouble.to_string()),
        };
        let paths = |entries: &[Entry]| entries.iter().map(|entry| entry.path.clone()).collect::<BTreeSet<_>>();
        if let Some(path) = paths(&before).symmetric_difference(&paths(&after)).next() {
            return Finding::fail(format!("{path} was added or removed"));
        }
        for entry in &before {
            let Ok(old) = folder::read(scene.run.inputs, &entry.path) else {
                return Finding::missing(format!("the input {} cannot be read", entry.path));
            };
            match folder::read(scene.run.outputs, &entry.path) {
                Ok(new) if new == old => {}
                Ok(_) => return Finding::fail(format!("{} was changed", entry.path)),
                Err(trouble) => return Finding::broken(trouble.to_string()),
            }
        }
        Finding::pass(format!("{} files are as they were", before.len()))
    }
}
