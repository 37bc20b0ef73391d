//! Unpacking: a fresh private folder, filled and made durable, then renamed into place.
//!
//! Every file is created exclusively through a handle of the new folder (cap-std), so that no link, present or planted meanwhile, can
//! lead a write elsewhere. Nothing is ever merged into a folder that exists.

use std::{
    ffi::OsStr,
    io,
    path::{Component, Path},
};

use cap_std::{
    ambient_authority,
    fs::{Dir, DirBuilder, DirBuilderExt, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt},
};
use rustix::{
    fs::{RenameFlags, renameat_with},
    io::Errno,
};
use skill_schema::{Fault, codes};

use crate::{Package, archive::File};

/// Whether the files of an extracted skill can be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// 0644 and 0755: a folder of the user's own.
    #[default]
    Writable,
    /// 0444 and 0555: shared content, as in a store.
    ReadOnly,
}

/// Extracts to `parent/name`, with writable files. See [`extract_with`].
pub fn extract(package: &Package, parent: &Path, name: &str) -> Result<(), Fault> {
    extract_with(package, parent, name, Access::Writable)
}

/// Extracts to `parent/name`. The folder appears whole and durable, or not at all; if the name exists already nothing changes, and
/// the fault is [`codes::EXISTS`]. A run that is killed leaves at most a folder `.tmp-…` in `parent`.
pub fn extract_with(package: &Package, parent: &Path, name: &str, access: Access) -> Result<(), Fault> {
    let place = parent.join(name).display().to_string();
    let failed = |e: io::Error| {
        let code = if e.kind() == io::ErrorKind::AlreadyExists { codes::EXISTS } else { codes::IO };
        Fault::new(code).at(&place).detail(e.to_string())
    };
    if !matches!(Path::new(name).components().collect::<Vec<_>>()[..], [Component::Normal(only)] if only == name) {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "not the name of a folder")));
    }
    let home = Dir::open_ambient_dir(parent, ambient_authority()).map_err(failed)?;
    refuse_existing(&home, name).map_err(failed)?;
    let temporary = tempfile::Builder::new().prefix(".tmp-").tempdir_in(parent).map_err(failed)?;
    let fresh = Dir::open_ambient_dir(temporary.path(), ambient_authority()).map_err(failed)?;
    fill(&fresh, package, access).map_err(failed)?;
    rename(&home, temporary.path().file_name().unwrap_or_default(), name).map_err(failed)?;
    // The folder has its name now: there is nothing left to clean up.
    let _ = temporary.keep();
    sync(&home).map_err(failed)
}

fn refuse_existing(home: &Dir, name: &str) -> io::Result<()> {
    match home.symlink_metadata(name) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
    }
}

/// Gives the folder its name, if nothing has it. Some file systems cannot ask that in one step; there the name is looked at again
/// right before.
fn rename(home: &Dir, from: &OsStr, to: &str) -> io::Result<()> {
    match renameat_with(home, from, home, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            refuse_existing(home, to)?;
            home.rename(from, home, to)
        }
        other => other.map_err(io::Error::from),
    }
}

fn fill(folder: &Dir, package: &Package, access: Access) -> io::Result<()> {
    let mut folders = Vec::new();
    for file in package.files() {
        for (slash, _) in file.path.match_indices('/') {
            let parent = &file.path[..slash];
            // Files are sorted, so the files of a folder are not always neighbours (`a!` sorts between `a` and `a/b`).
            if !folders.contains(&parent) {
                folder.create_dir_with(parent, DirBuilder::new().mode(0o755))?;
                folder.set_permissions(parent, Permissions::from_mode(0o755))?;
                folders.push(parent);
            }
        }
        write(folder, file, access)?;
    }
    folder.set_permissions(".", Permissions::from_mode(0o755))?;
    // All is written before anything is waited for: a journal commits many files in the time of one.
    for file in package.files() {
        folder.open(file.path)?.sync_all()?;
    }
    for path in folders {
        sync(&folder.open_dir(path)?)?;
    }
    sync(folder)
}

fn write(folder: &Dir, file: File<'_>, access: Access) -> io::Result<()> {
    let mode = if file.executable { 0o755 } else { 0o644 };
    let mode = if access == Access::ReadOnly { mode & 0o555 } else { mode };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut target = folder.open_with(file.path, &options)?;
    io::Write::write_all(&mut target, file.content)?;
    // Said explicitly, so that the mode does not depend on the umask.
    target.set_permissions(Permissions::from_mode(mode))
}

/// Makes a folder's list of names durable.
fn sync(folder: &Dir) -> io::Result<()> {
    // The handle itself is a path only (O_PATH), which cannot be synced.
    folder.open(".")?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use skill_schema::Limits;

    use super::*;
    use crate::{archive, tree};

    fn package() -> Package {
        let files = [
            File { path: "SKILL.md", content: b"text", executable: false },
            File { path: "a!", content: b"", executable: false },
            File { path: "b/c/run.sh", content: b"#!/bin/sh\n", executable: true },
            File { path: "b/d", content: b"\0", executable: false },
        ];
        Package::open(archive::gzip(&archive::encode(files).unwrap()).unwrap(), &Limits::V1).unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn the_extracted_folder_has_the_package_s_tree() {
        let home = tempfile::tempdir().unwrap();
        extract(&package(), home.path(), "skill").unwrap();
        extract_with(&package(), home.path(), "shared", Access::ReadOnly).unwrap();
        for (name, plain, executable) in [("skill", 0o644, 0o755), ("shared", 0o444, 0o555)] {
            let folder = home.path().join(name);
            assert_eq!(tree::digest_dir(&folder).unwrap(), package().tree());
            assert_eq!(mode(&folder.join("SKILL.md")), plain);
            assert_eq!(mode(&folder.join("b/c/run.sh")), executable);
            assert_eq!((mode(&folder), mode(&folder.join("b/c"))), (0o755, 0o755));
        }
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2, "no temporary folder is left");
    }

    #[test]
    fn what_exists_is_never_touched() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("empty")).unwrap();
        fs::write(home.path().join("file"), "mine").unwrap();
        std::os::unix::fs::symlink("nowhere", home.path().join("link")).unwrap();
        for name in ["empty", "file", "link"] {
            assert_eq!(extract(&package(), home.path(), name).unwrap_err().code, codes::EXISTS, "{name}");
        }
        assert_eq!(fs::read_dir(home.path().join("empty")).unwrap().count(), 0);
        assert_eq!(fs::read(home.path().join("file")).unwrap(), b"mine");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 3);
        for name in ["", ".", "..", "../x", "a/b", "/x", "a/"] {
            assert_eq!(extract(&package(), &home.path().join("empty"), name).unwrap_err().code, codes::IO, "{name}");
        }
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 3);
    }
}
