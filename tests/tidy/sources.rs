//! The files of the repository, as the tidy tests read them.

use std::{fs, path::Path, path::PathBuf};

/// Folders that hold nothing of ours: build output, tools, the repository itself, and what a run left behind.
const SKIPPED: &[&str] =
    &["target", ".git", ".tools", ".skill-demo", "node_modules", "__pycache__", "artifacts", "corpus"];

/// The line before what is built for tests only.
const TEST_ONLY: &str = "#[cfg(test)]";

/// The crates of the workspace, lowest first.
pub const CRATES: &[&str] = &["schema", "bundle", "engine", "engine/worker", "client", "registry", "tests"];

/// The crate in whose folder a file lies; the inner one where one lies in another.
pub fn krate(path: &str) -> Option<&'static str> {
    let of = |krate: &&&str| path.strip_prefix(**krate).is_some_and(|rest| rest.starts_with('/'));
    CRATES.iter().filter(of).max_by_key(|krate| krate.len()).copied()
}

/// A text file, by its path from the repository's root.
pub struct Source {
    /// Path with `/`, from the root.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

impl Source {
    /// The numbered lines of Rust code that are built into the product: without comments, and without the module of tests that
    /// may stand at the end of a file.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let tests =
            lines.windows(2).position(|two| two[0] == TEST_ONLY && two[1].starts_with("mod ") && two[1].ends_with('{'));
        let end = tests.unwrap_or(lines.len());
        let numbered = lines.into_iter().take(end).enumerate().map(|(n, line)| (n + 1, line));
        numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Whether the whole file is for tests, by where it lies.
    fn lies_with_tests(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.starts_with("fuzz/")
            || self.path.contains("/tests/")
            || self.path.contains("/benches/")
    }

    /// Paths of the modules that this file declares for tests only.
    fn test_modules(&self) -> Vec<String> {
        let stem = self.path.trim_end_matches(".rs");
        let folder = match stem.rsplit_once('/') {
            Some((folder, "lib" | "main" | "mod")) => folder,
            _ => stem,
        };
        let lines: Vec<&str> = self.text.lines().collect();
        lines
            .windows(2)
            .filter(|two| two[0] == TEST_ONLY)
            .filter_map(|two| {
                two[1]
                    .trim_start_matches("pub ")
                    .trim_start_matches("pub(crate) ")
                    .strip_prefix("mod ")?
                    .strip_suffix(';')
            })
            .map(|name| format!("{folder}/{name}"))
            .collect()
    }

    /// Places of the product's code where one of the words occurs, as `path:line`.
    pub fn places(&self, words: &[&str]) -> Vec<String> {
        self.code()
            .filter(|(_, line)| words.iter().any(|word| has_word(line, word)))
            .map(|(n, line)| format!("{}:{n}: {}", self.path, line.trim()))
            .collect()
    }
}

/// Whether a line has the word, not as a part of a longer identifier. A word may end or begin with a sign, as `print!` does.
pub fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let bound_left = !word.starts_with(is_part) || !before.is_some_and(is_part);
        let bound_right = !word.ends_with(is_part) || !after.is_some_and(is_part);
        bound_left && bound_right
    })
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository's root")
}

/// One file.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// All text files whose name ends so, sorted by path.
pub fn files(ending: &str) -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root(), &root(), ending, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no file ends with {ending}");
    found
}

/// All Rust files of the product, without those that are for tests only.
pub fn product() -> Vec<Source> {
    let all = files(".rs");
    let tests: Vec<String> = all.iter().flat_map(Source::test_modules).collect();
    let is_test =
        |path: &str| tests.iter().any(|test| path == format!("{test}.rs") || path.starts_with(&format!("{test}/")));
    all.into_iter().filter(|source| !source.lies_with_tests() && !is_test(&source.path)).collect()
}

fn walk(root: &Path, folder: &Path, ending: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            walk(root, &entry.path(), ending, found);
        } else if kind.is_file() && name.ends_with(ending) {
            let path = entry.path().strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
            if let Ok(text) = fs::read_to_string(entry.path()) {
                found.push(Source { path, text });
            }
        }
    }
}

/// Fails with the list, if there is anything in it.
#[track_caller]
pub fn none(found: &[String], what: &str) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn a_file_belongs_to_the_innermost_crate() {
    assert_eq!(krate("engine/worker/src/main.rs"), Some("engine/worker"));
    assert_eq!(krate("engine/src/lib.rs"), Some("engine"));
    assert_eq!(krate("engine.rs"), None);
}

#[test]
fn a_word_is_not_found_inside_of_a_longer_one() {
    assert!(has_word("let x = env::var(name)", "env::var") && has_word("print!(1)", "print!"));
    assert!(!has_word("eprint!(1)", "print!") && !has_word("env::vars_of()", "env::var"));
}
