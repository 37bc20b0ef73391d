//! Which files of a folder go into its package.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use ignore::WalkBuilder;
use skill_schema::{Fault, Limits, codes};

use super::{Skipped, Why};
use crate::Kind;

/// What the folder holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// To be packed, sorted by the bytes of their paths.
    pub files: Vec<String>,
    /// Left out, sorted by path.
    pub skipped: Vec<Skipped>,
}

/// Lists the files to pack and what is left out. Never follows a link.
pub(super) fn files(package: Kind, folder: &Path, limits: &Limits) -> Result<Found, Fault> {
    if !fs::metadata(folder).is_ok_and(|m| m.is_dir()) {
        return Err(Fault::new(codes::IO).at(folder.display().to_string()).detail("not a folder"));
    }
    let mut found = Found::default();
    let mut kept = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    for item in walker(package, folder) {
        let item = item.map_err(|e| Fault::new(codes::IO).detail(e.to_string()))?;
        let path = item.path().strip_prefix(folder).unwrap_or(item.path()).to_owned();
        if path.as_os_str().is_empty() {
            continue;
        }
        let name = text(&path)?;
        match item.file_type() {
            Some(kind) if kind.is_dir() => folders.push(path.clone()),
            Some(kind) if kind.is_file() => found.files.push(name),
            Some(kind) if kind.is_symlink() => return Err(Fault::new(codes::SYMLINK).at(name)),
            _ => return Err(Fault::new(codes::SPECIAL_FILE).at(name)),
        }
        kept.insert(path);
        if found.files.len() > limits.files {
            return Err(Fault::new(codes::TOO_MANY).detail(format!("more than {}", limits.files)));
        }
    }
    found.files.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    found.skipped = skipped(package, folder, &folders, &kept)?;
    Ok(found)
}

fn walker(package: Kind, folder: &Path) -> ignore::Walk {
    WalkBuilder::new(folder)
        .standard_filters(false)
        .git_ignore(true)
        .require_git(false)
        .add_custom_ignore_filename(".skillignore")
        .filter_entry(move |item| {
            item.depth() == 0
                || by_name(package, item.depth(), item.file_name().as_encoded_bytes(), is_dir(item)).is_none()
        })
        .build()
}

fn is_dir(item: &ignore::DirEntry) -> bool {
    item.file_type().is_some_and(|kind| kind.is_dir())
}

/// Whether the name alone keeps something out.
fn by_name(package: Kind, depth: usize, name: &[u8], is_dir: bool) -> Option<Why> {
    if name.starts_with(b".") {
        return Some(Why::Hidden);
    }
    (package == Kind::Skill && depth == 1 && is_dir && name == b"evals").then_some(Why::Evals)
}

/// What stands in the visited folders and was not kept.
fn skipped(package: Kind, folder: &Path, visited: &[PathBuf], kept: &BTreeSet<PathBuf>) -> Result<Vec<Skipped>, Fault> {
    let failed = |e: io::Error| Fault::new(codes::IO).at(folder.display().to_string()).detail(e.to_string());
    let mut skipped = Vec::new();
    for parent in visited {
        for item in fs::read_dir(folder.join(parent)).map_err(failed)? {
            let item = item.map_err(failed)?;
            let path = parent.join(item.file_name());
            if kept.contains(&path) {
                continue;
            }
            let is_dir = item.file_type().map_err(failed)?.is_dir();
            let depth = path.components().count();
            let why = by_name(package, depth, item.file_name().as_encoded_bytes(), is_dir).unwrap_or(Why::Ignored);
            let slash = if is_dir { "/" } else { "" };
            skipped.push(Skipped { path: format!("{}{slash}", path.to_string_lossy()), why });
        }
    }
    skipped.sort();
    Ok(skipped)
}

fn text(path: &Path) -> Result<String, Fault> {
    path.to_str().map(str::to_owned).ok_or_else(|| Fault::new(codes::PATH_ENCODING).at(path.to_string_lossy()))
}
