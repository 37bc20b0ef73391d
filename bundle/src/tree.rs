//! The tree digest `skill-tree/v1`: what a version's files are, whatever carried them.
//!
//! SHA-256 of a manifest: the line `skill-tree/v1`, then a line a file, `<sha256 hex of content> <644|755> <size> <path>`, sorted by
//! the bytes of the path. It can be computed from a package and from an installed folder alike.

mod folder;

use std::fmt::Write;

use skill_schema::Digest;

use crate::{archive::File, hash::sha256};

pub use folder::{digest_dir, entries_of_dir};

/// The first line of the manifest.
const TITLE: &str = "skill-tree/v1\n";

/// One file as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the skill's folder, with `/`.
    pub path: String,
    /// Of the content.
    pub digest: Digest,
    /// Bytes of the content.
    pub size: u64,
    /// 755 rather than 644.
    pub executable: bool,
}

impl Entry {
    /// The entry of a file in memory.
    pub fn of(file: File<'_>) -> Self {
        Self {
            path: file.path.to_owned(),
            digest: sha256(file.content),
            size: file.content.len() as u64,
            executable: file.executable,
        }
    }
}

/// The manifest of these files, in any order.
pub fn manifest(entries: impl IntoIterator<Item = Entry>) -> String {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    let mut text = String::from(TITLE);
    for Entry { path, digest, size, executable } in entries {
        let mode = if executable { "755" } else { "644" };
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{digest} {mode} {size} {path}");
    }
    text
}

/// The tree digest of these files, in any order.
pub fn digest_of(entries: impl IntoIterator<Item = Entry>) -> Digest {
    sha256(manifest(entries).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_files_does_not_matter_but_content_path_and_mode_do() {
        let file =
            |path, content: &'static str, executable| Entry::of(File { path, content: content.as_bytes(), executable });
        let digest = digest_of([file("a", "1", false), file("b", "2", true)]);
        assert_eq!(digest_of([file("b", "2", true), file("a", "1", false)]), digest);
        for other in [
            vec![file("a", "1", false)],
            vec![file("a", "1", true), file("b", "2", true)],
            vec![file("a", "2", false), file("b", "1", true)],
            vec![file("a", "1", false), file("c", "2", true)],
        ] {
            assert_ne!(digest_of(other), digest);
        }
    }
}
