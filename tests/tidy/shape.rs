//! Sizes, and words that must not be left lying about.

use crate::sources::{self, none};

/// Lines at which a file is split.
const MAX_LINES: usize = 400;

/// Files that are longer, each with its reason.
const LONGER: &[(&str, &str)] = &[];

#[test]
fn files_are_split_at_four_hundred_lines() {
    let long: Vec<String> = sources::files(".rs")
        .iter()
        .filter(|source| !LONGER.iter().any(|(path, _)| *path == source.path))
        .map(|source| (source.text.lines().count(), &source.path))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    none(&long, "split these files");
}

#[test]
fn no_exception_outlives_its_file() {
    for (path, reason) in LONGER {
        assert!(sources::read(path).lines().count() > MAX_LINES, "{path} is short by now: drop it from LONGER");
        assert!(!reason.is_empty());
    }
}

#[test]
fn nothing_is_left_for_later() {
    // Written in two parts, so that this file does not find itself.
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("todo", "!"),
        concat!("unimplemented", "!"),
    ];
    let found: Vec<String> = [".rs", ".md", ".sql", ".sh", ".toml"]
        .iter()
        .flat_map(|ending| sources::files(ending))
        .flat_map(|file| {
            file.text
                .lines()
                .enumerate()
                .filter(|(_, line)| words.iter().any(|word| sources::has_word(line, word)))
                .map(|(n, line)| format!("{}:{}: {}", file.path, n + 1, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect();
    none(&found, "do it or leave it out");
}

#[test]
fn every_file_of_the_product_says_what_it_is_for() {
    let silent: Vec<String> =
        sources::product().into_iter().filter(|file| !file.text.starts_with("//! ")).map(|file| file.path).collect();
    none(&silent, "files that do not begin with //!");
}

#[test]
fn every_library_says_what_it_is() {
    for krate in ["schema", "bundle", "engine", "client", "registry"] {
        let lib = sources::read(&format!("{krate}/src/lib.rs"));
        assert!(lib.starts_with("//! ") && lib.len() > 100, "{krate}/src/lib.rs has no text at its top");
    }
}
