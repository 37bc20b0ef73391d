//! Compares the files of two packages.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use skill_bundle::{File, Package, hash::sha256};
use skill_schema::{Digest, skill_md::SkillMd};

use super::text::{self, Changed, Marks};

/// A package and what to call it.
pub(super) struct Named<'a> {
    pub name: String,
    pub package: &'a Package,
}

/// What is different.
#[derive(Debug, Serialize)]
pub(super) struct Diff {
    pub from: Version,
    pub to: Version,
    /// Whether nothing is.
    pub same: bool,
    /// Changes of the frontmatter: what the agent is told first, and what it may do.
    pub frontmatter: Vec<Field>,
    /// The files that differ, by path.
    pub files: Vec<FileDiff>,
}

/// One of the two.
#[derive(Debug, Serialize)]
pub(super) struct Version {
    pub name: String,
    pub tree: Digest,
}

/// A key of the frontmatter whose value differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Field {
    pub key: String,
    pub old: Option<String>,
    pub new: Option<String>,
}

/// A file that differs.
#[derive(Debug, Serialize)]
pub(super) struct FileDiff {
    pub path: String,
    pub status: Status,
    /// Whether one of the sides is no text.
    pub binary: bool,
    pub added: usize,
    pub removed: usize,
    pub old: Option<Facts>,
    pub new: Option<Facts>,
    /// The hunks of a unified diff.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub diff: String,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Added,
    Removed,
    Changed,
}

/// What a file is on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Facts {
    pub size: u64,
    pub digest: Digest,
    pub executable: bool,
}

/// Compares all files. Without `marks` lines are counted but not shown.
pub(super) fn compare(from: &Named<'_>, to: &Named<'_>, marks: Option<Marks>) -> Diff {
    let (old, new) = (files(from.package), files(to.package));
    let paths: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let differs = |path: &&str| match (old.get(path), new.get(path)) {
        (Some(a), Some(b)) => (a.content, a.executable) != (b.content, b.executable),
        _ => true,
    };
    let files = paths.into_iter().filter(differs).map(|path| file(path, old.get(path), new.get(path), marks)).collect();
    Diff {
        from: Version { name: from.name.clone(), tree: from.package.tree() },
        to: Version { name: to.name.clone(), tree: to.package.tree() },
        same: from.package.tree() == to.package.tree(),
        frontmatter: frontmatter(&front(from.package), &front(to.package)),
        files,
    }
}

fn files(package: &Package) -> BTreeMap<&str, File<'_>> {
    package.files().map(|file| (file.path, file)).collect()
}

fn file(path: &str, old: Option<&File<'_>>, new: Option<&File<'_>>, marks: Option<Marks>) -> FileDiff {
    let status = match (old, new) {
        (None, _) => Status::Added,
        (_, None) => Status::Removed,
        _ => Status::Changed,
    };
    let texts = (old.map_or(Some(""), as_text), new.map_or(Some(""), as_text));
    let (binary, changed) = match texts {
        (Some(old), Some(new)) => (false, text::compare(old, new, marks)),
        _ => (true, Changed::default()),
    };
    FileDiff {
        path: path.to_owned(),
        status,
        binary,
        added: changed.added,
        removed: changed.removed,
        old: old.map(facts),
        new: new.map(facts),
        diff: changed.hunks,
    }
}

fn as_text<'a>(file: &File<'a>) -> Option<&'a str> {
    std::str::from_utf8(file.content).ok().filter(|text| !text.contains('\0'))
}

fn facts(file: &File<'_>) -> Facts {
    Facts { size: file.content.len() as u64, digest: sha256(file.content), executable: file.executable }
}

/// Keys and values of the frontmatter, as an agent takes them; none if it cannot be read.
fn front(package: &Package) -> BTreeMap<String, String> {
    let read = package.file(skill_schema::skill_md::FILE).and_then(|file| SkillMd::read(file.content).ok());
    let Some(read) = read else { return BTreeMap::new() };
    let tools = Some(read.allowed_tools.join(" ")).filter(|tools| !tools.is_empty());
    let known = [
        ("name", read.name),
        ("description", Some(read.description)),
        ("license", read.license),
        ("compatibility", read.compatibility),
        ("allowed-tools", tools),
    ];
    let mut front: BTreeMap<String, String> =
        known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    front.extend(read.metadata.into_iter().map(|(key, value)| (format!("metadata.{key}"), value)));
    front
}

/// What differs; what the agent may do comes first.
fn frontmatter(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<Field> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut fields: Vec<Field> = keys
        .into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| Field { key: key.clone(), old: old.get(key).cloned(), new: new.get(key).cloned() })
        .collect();
    fields.sort_by_key(|field| field.key != "allowed-tools");
    fields
}

#[cfg(test)]
mod tests {
    use skill_bundle::archive;
    use skill_schema::Limits;

    use super::*;

    fn package(files: &[(&str, &[u8], bool)]) -> Package {
        let mut files: Vec<File<'_>> =
            files.iter().map(|(path, content, executable)| File { path, content, executable: *executable }).collect();
        files.sort_by_key(|file| file.path);
        let tar = archive::encode(files).expect("a tar");
        Package::open(archive::gzip(&tar).expect("a gzip"), &Limits::V1).expect("a package")
    }

    fn diff(old: &[(&str, &[u8], bool)], new: &[(&str, &[u8], bool)]) -> Diff {
        let (old, new) = (package(old), package(new));
        let named = |package| Named { name: "x".to_owned(), package };
        compare(&named(&old), &named(&new), Some(Marks { words: false }))
    }

    const OLD: &[u8] = b"---\nname: x\ndescription: One.\nallowed-tools: Read\n---\nbody\n";
    const NEW: &[u8] = b"---\nname: x\ndescription: Two.\nallowed-tools: Read Bash\nmetadata:\n  v: \"1\"\n---\nbody\n";

    #[test]
    fn permissions_come_first_among_the_changes_of_the_frontmatter() {
        let keys: Vec<String> = diff(&[("SKILL.md", OLD, false)], &[("SKILL.md", NEW, false)])
            .frontmatter
            .into_iter()
            .map(|f| f.key)
            .collect();
        assert_eq!(keys, ["allowed-tools", "description", "metadata.v"]);
    }

    #[test]
    fn added_removed_changed_binary_and_mode_are_told_apart() {
        let old: &[(&str, &[u8], bool)] = &[
            ("SKILL.md", OLD, false),
            ("gone.md", b"a\nb\n", false),
            ("logo.png", b"\x89P\0", false),
            ("run.sh", b"x", false),
        ];
        let new: &[(&str, &[u8], bool)] = &[
            ("SKILL.md", OLD, false),
            ("logo.png", b"\x89Q\0", false),
            ("new.md", b"a\n", false),
            ("run.sh", b"x", true),
        ];
        let diff = diff(old, new);
        let seen: Vec<_> =
            diff.files.iter().map(|f| (f.path.as_str(), f.status, f.binary, f.added, f.removed)).collect();
        assert_eq!(
            seen,
            [
                ("gone.md", Status::Removed, false, 0, 2),
                ("logo.png", Status::Changed, true, 0, 0),
                ("new.md", Status::Added, false, 1, 0),
                ("run.sh", Status::Changed, false, 0, 0),
            ]
        );
        assert!(!diff.same && diff.frontmatter.is_empty());
    }

    #[test]
    fn equal_packages_are_the_same() {
        let diff = diff(&[("SKILL.md", OLD, false)], &[("SKILL.md", OLD, false)]);
        assert!(diff.same && diff.files.is_empty());
    }
}
