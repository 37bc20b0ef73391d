//! Copies of folders that strangers wrote: regular files only, within limits.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use super::folder::{self, Kind, Trouble};

/// Bytes of all files of one copy: a check is made for every run, and the disk is shared.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// Copies all regular files; links and what else there may be are left out.
pub(super) fn tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let mut left = MAX_BYTES;
    for entry in folder::list(from).map_err(trouble)? {
        match entry.kind {
            Kind::Folder => fs::create_dir_all(to.join(&entry.path))?,
            Kind::File => file(from, &entry.path, &to.join(&entry.path), &mut left)?,
            Kind::Other => {}
        }
    }
    Ok(())
}

/// Copies a file, or a folder with all it holds, under its own name into a folder that a copy already holds.
pub(super) fn into(root: &Path, path: &str, folder: &Path) -> io::Result<()> {
    let name = path.rsplit('/').next().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let source = root.join(path);
    if fs::symlink_metadata(&source)?.is_dir() {
        return tree(&source, &folder.join(name));
    }
    let target = folder.join(name);
    // The run may have left a file or folder of this name: the hidden test wins.
    match fs::symlink_metadata(&target) {
        Ok(old) if old.is_dir() => fs::remove_dir_all(&target)?,
        Ok(_) => fs::remove_file(&target)?,
        Err(_) => {}
    }
    file(root, path, &target, &mut MAX_BYTES.clone())
}

fn file(root: &Path, path: &str, to: &Path, left: &mut u64) -> io::Result<()> {
    let source = folder::open(root, path).map_err(trouble)?;
    let mode = if source.metadata()?.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 };
    let mut target = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(to)?;
    let copied = io::copy(&mut source.take(*left + 1), &mut target)?;
    *left = left.checked_sub(copied).ok_or_else(|| io::Error::other(format!("more than {MAX_BYTES} bytes")))?;
    Ok(())
}

fn trouble(trouble: Trouble) -> io::Error {
    io::Error::other(trouble)
}
