//! Reading a folder that a stranger's program wrote: no link is followed, nothing is unbounded.

use std::{fs::File, io::Read as _, path::Path};

use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, openat, statat},
};

/// Files and folders looked at: more than any answer has, and seconds to walk.
const MAX_ENTRIES: usize = 20_000;

/// Folders in folders.
const MAX_DEPTH: usize = 32;

/// Bytes of a file that a check reads: it is held in memory.
pub(super) const MAX_FILE: u64 = 8 * 1024 * 1024;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// A link, a pipe, a socket or a device: seen, never opened.
    Other,
}

/// One entry of a folder, with its path from there, parts joined by `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub path: String,
    pub kind: Kind,
    pub size: u64,
}

/// Why a folder or file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("there are more than {MAX_ENTRIES} files")]
    TooMany,
    #[error("folders are nested more than {MAX_DEPTH} deep")]
    TooDeep,
    #[error("`{0}` is larger than {MAX_FILE} bytes")]
    TooLarge(String),
    #[error("`{0}` is not a regular file in this folder")]
    NotAFile(String),
    #[error("`{0}` cannot be read: {1}")]
    Io(String, String),
}

/// Everything in the folder, sorted by the bytes of the paths. A folder that is not there is empty.
pub(super) fn list(root: &Path) -> Result<Vec<Entry>, Trouble> {
    let Some(root) = open_root(root)? else { return Ok(Vec::new()) };
    let mut entries = Vec::new();
    walk(root.as_fd(), "", 0, &mut entries)?;
    entries.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    Ok(entries)
}

/// The bytes of one regular file of the folder, at most [`MAX_FILE`].
pub(super) fn read(root: &Path, path: &str) -> Result<Vec<u8>, Trouble> {
    let file = open(root, path)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|e| Trouble::Io(path.to_owned(), e.to_string()))?;
    if bytes.len() as u64 > MAX_FILE { Err(Trouble::TooLarge(path.to_owned())) } else { Ok(bytes) }
}

/// Opens one regular file of the folder for reading. No part of the path may be a link.
pub(super) fn open(root: &Path, path: &str) -> Result<File, Trouble> {
    let not_there = || Trouble::NotAFile(path.to_owned());
    let mut folder = open_root(root)?.ok_or_else(not_there)?;
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        if part.is_empty() || part == "." || part == ".." {
            return Err(not_there());
        }
        if parts.peek().is_some() {
            folder = openat(&folder, part, FOLDER, Mode::empty()).map_err(|_| not_there())?;
            continue;
        }
        // A pipe would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&folder, part, flags, Mode::empty()).map_err(|_| not_there())?;
        let stat = fstat(&file).map_err(|e| Trouble::Io(path.to_owned(), e.to_string()))?;
        return match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok(File::from(file)),
            _ => Err(not_there()),
        };
    }
    Err(not_there())
}

/// How folders are opened: only folders, never through a link.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The folder itself, which may be reached by a link: its place is ours. `None` if it is not there.
fn open_root(root: &Path) -> Result<Option<OwnedFd>, Trouble> {
    match rustix::fs::open(root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(folder) => Ok(Some(folder)),
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(Trouble::Io(".".to_owned(), error.to_string())),
    }
}

fn walk(folder: BorrowedFd<'_>, prefix: &str, depth: usize, entries: &mut Vec<Entry>) -> Result<(), Trouble> {
    if depth > MAX_DEPTH {
        return Err(Trouble::TooDeep);
    }
    let failed = |error: rustix::io::Errno| Trouble::Io(format!("{prefix}."), error.to_string());
    for entry in Dir::read_from(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if entries.len() >= MAX_ENTRIES {
            return Err(Trouble::TooMany);
        }
        let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        let path = format!("{prefix}{}", name.to_string_lossy());
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            _ => Kind::Other,
        };
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        entries.push(Entry { path: path.clone(), kind, size });
        if kind == Kind::Folder {
            let inner = openat(folder, name, FOLDER, Mode::empty()).map_err(failed)?;
            walk(inner.as_fd(), &format!("{path}/"), depth + 1, entries)?;
        }
    }
    Ok(())
}
