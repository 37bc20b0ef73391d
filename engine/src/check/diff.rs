//! `file_diff`: a file, or a whole folder, is as expected, but for a number of lines.

use std::{collections::HashMap, path::Path};

use skill_schema::Fault;

use super::{
    Rule, Scene,
    folder::{self, Kind},
    glob,
    params::Params,
    value::Finding,
};

/// Changed lines that a check may allow: bounds the search, which takes lines times changes.
const MAX_CHANGED: u64 = 1_000;

/// Lines of a file that is compared line by line.
const MAX_LINES: usize = 200_000;

#[derive(Debug)]
struct Diff {
    /// In the outputs; empty is their folder.
    path: String,
    /// In the suite.
    expected: String,
    mode: Mode,
    max_changed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Byte for byte, or line for line if changes are allowed.
    Exact,
    /// Runs of white space count as one space, and blank lines do not count.
    Ws,
    /// The same files with the same bytes in two folders.
    Tree,
}

/// Reads `path`, `expected`, `mode` (exact, ws, tree) and `max_changed_lines` (0).
pub(super) fn parse(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    let mode = params.choice("mode", &[("exact", Mode::Exact), ("ws", Mode::Ws), ("tree", Mode::Tree)])?;
    let max_changed = params.optional_count("max_changed_lines")?.unwrap_or(0);
    if max_changed > MAX_CHANGED {
        return Err(params.wrong("max_changed_lines", format!("at most {MAX_CHANGED} are allowed")));
    }
    if mode == Mode::Tree && max_changed > 0 {
        return Err(params.wrong("max_changed_lines", "trees are compared byte for byte"));
    }
    let path = glob::output_path(params, "path", params.filled_text("path")?)?;
    if path.is_empty() && mode != Mode::Tree {
        return Err(params.wrong("path", "a file is expected"));
    }
    let expected = glob::suite_path(params, "expected", params.filled_text("expected")?)?;
    Ok(Box::new(Diff { path, expected, mode, max_changed }))
}

impl Rule for Diff {
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        if self.mode == Mode::Tree {
            return trees(&scene.run.outputs.join(&self.path), &scene.run.suite.join(&self.expected));
        }
        let expected = match folder::read(scene.run.suite, &self.expected) {
            Ok(bytes) => bytes,
            Err(trouble) => return Finding::missing(format!("the expected file: {trouble}")),
        };
        let found = match folder::read(scene.run.outputs, &self.path) {
            Ok(bytes) => bytes,
            Err(trouble) => return Finding::broken(trouble.to_string()),
        };
        if self.mode == Mode::Exact && self.max_changed == 0 {
            return Finding::of(found == expected, difference(&found, &expected));
        }
        let (expected, found) = (lines(&expected, self.mode), lines(&found, self.mode));
        if found.len() > MAX_LINES || expected.len() > MAX_LINES {
            return Finding::broken(format!("there are more than {MAX_LINES} lines"));
        }
        match changed(&expected, &found, self.max_changed) {
            Some(count) => Finding::pass(format!("{count} lines differ")),
            None => Finding::fail(format!("more than {} lines differ", self.max_changed)),
        }
    }
}

/// The first place where two files differ.
fn difference(found: &[u8], expected: &[u8]) -> String {
    match found.iter().zip(expected).position(|(a, b)| a != b) {
        None if found.len() == expected.len() => "the files are equal".to_owned(),
        None => format!("{} bytes where {} are expected", found.len(), expected.len()),
        Some(at) => {
            let line = found[..at].split(|byte| *byte == b'\n').count();
            format!("line {line} differs")
        }
    }
}

/// The lines, with white space as the mode wants it.
fn lines(bytes: &[u8], mode: Mode) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines();
    if mode == Mode::Exact {
        return lines.map(str::to_owned).collect();
    }
    let squeezed = lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    squeezed.filter(|line| !line.is_empty()).collect()
}

/// Lines removed and added in the shortest edit from `a` to `b`, if at most `max` (Myers 1986, with the search cut at `max`).
pub(super) fn changed(a: &[String], b: &[String], max: u64) -> Option<u64> {
    let mut ids: HashMap<&str, u32> = HashMap::new();
    let mut numbers = Vec::with_capacity(a.len() + b.len());
    for line in a.iter().chain(b) {
        let next = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        numbers.push(*ids.entry(line).or_insert(next));
    }
    let (a, b) = numbers.split_at(a.len());
    let limit = usize::try_from(max).unwrap_or(usize::MAX).min(a.len() + b.len());
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    shortest(a, b, limit).map(|count| count as u64)
}

/// The greedy search: `reach[d]` is how far along `a` a diagonal was followed with the edits so far.
fn shortest(a: &[u32], b: &[u32], limit: usize) -> Option<usize> {
    let middle = limit + 1;
    let mut reach = vec![0_usize; 2 * limit + 3];
    for edits in 0..=limit {
        for diagonal in (middle - edits..=middle + edits).step_by(2) {
            let first = diagonal == middle - edits;
            let down = first || (diagonal != middle + edits && reach[diagonal - 1] < reach[diagonal + 1]);
            let mut left = if down { reach[diagonal + 1] } else { reach[diagonal - 1] + 1 };
            // A diagonal may begin outside of the square.
            let Some(mut right) = (left + middle).checked_sub(diagonal) else { continue };
            while left < a.len() && right < b.len() && a[left] == b[right] {
                left += 1;
                right += 1;
            }
            reach[diagonal] = left;
            if left >= a.len() && right >= b.len() {
                return Some(edits);
            }
        }
    }
    None
}

/// Whether two folders hold the same files.
fn trees(found: &Path, expected: &Path) -> Finding {
    let expected_files = match folder::list(expected) {
        Ok(entries) if entries.is_empty() => return Finding::missing("the expected folder is empty or not there"),
        Ok(entries) => entries,
        Err(trouble) => return Finding::missing(trouble.to_string()),
    };
    let found_files = match folder::list(found) {
        Ok(entries) => entries,
        Err(trouble) => return Finding::broken(trouble.to_string()),
    };
    let files = |entries: &[folder::Entry]| {
        let kept = entries.iter().filter(|entry| entry.kind != Kind::Folder);
        kept.map(|entry| entry.path.clone()).collect::<std::collections::BTreeSet<_>>()
    };
    let (want, have) = (files(&expected_files), files(&found_files));
    if let Some(path) = want.symmetric_difference(&have).next() {
        let what = if want.contains(path) { "is missing" } else { "is not expected" };
        return Finding::fail(format!("{path} {what}"));
    }
    for path in &want {
        match (folder::read(expected, path), folder::read(found, path)) {
            (Err(trouble), _) => return Finding::missing(trouble.to_string()),
            (_, Err(trouble)) => return Finding::broken(trouble.to_string()),
            (Ok(a), Ok(b)) if a != b => return Finding::fail(format!("{path} differs: {}", difference(&b, &a))),
            _ => {}
        }
    }
    Finding::pass(format!("{} files are equal", want.len()))
}
