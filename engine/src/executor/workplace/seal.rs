//! Readying what a run left for those who look at it. No process of the run lives any more, so that nothing changes meanwhile.

use std::{fs, io, path::Path};

/// Files and folders that are looked at.
const MAX_ENTRIES: usize = 200_000;

/// Folders in folders that are looked at.
const MAX_DEPTH: usize = 64;

/// Where agents of other tools put results; what is in it counts as lying beside it.
const OUTPUTS: &str = "outputs";

/// Does it, and says in words what it removed.
pub(super) fn seal(work: &Path) -> io::Result<Vec<String>> {
    let mut removed = Removed { entries: 0, count: 0 };
    removed.clean(work, 0)?;
    lift(work)?;
    Ok(match removed.count {
        0 => Vec::new(),
        count => vec![format!("{count} links and special files were removed from the outputs")],
    })
}

struct Removed {
    entries: usize,
    count: usize,
}

impl Removed {
    fn clean(&mut self, folder: &Path, depth: usize) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(io::Error::other("the outputs are nested too deep"));
        }
        allow(folder, 0o700)?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(io::Error::other("there are too many outputs"));
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.clean(&entry.path(), depth + 1)?;
            } else if kind.is_file() {
                allow(&entry.path(), 0o600)?;
            } else {
                fs::remove_file(entry.path())?;
                self.count += 1;
            }
        }
        Ok(())
    }
}

/// Adds these permissions to a file or folder that is no link.
#[cfg(unix)]
fn allow(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = path.symlink_metadata()?.permissions();
    if permissions.mode() & mode == mode {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(permissions.mode() | mode))
}

#[cfg(not(unix))]
fn allow(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Moves what is in `outputs/` up, unless something of that name is there.
fn lift(work: &Path) -> io::Result<()> {
    let outputs = work.join(OUTPUTS);
    if !outputs.is_dir() {
        return Ok(());
    }
    let mut left = false;
    for entry in fs::read_dir(&outputs)? {
        let entry = entry?;
        let to = work.join(entry.file_name());
        if to.symlink_metadata().is_ok() {
            left = true;
        } else {
            fs::rename(entry.path(), to)?;
        }
    }
    if left { Ok(()) } else { fs::remove_dir(outputs) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_lifted_unless_something_is_in_their_way() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("outputs/sub")).unwrap();
        for path in ["kept.txt", "outputs/kept.txt", "outputs/new.txt", "outputs/sub/deep.txt"] {
            fs::write(at(path), path).unwrap();
        }
        assert!(seal(folder.path()).unwrap().is_empty());
        for (path, text) in [
            ("kept.txt", "kept.txt"),
            ("outputs/kept.txt", "outputs/kept.txt"),
            ("new.txt", "outputs/new.txt"),
            ("sub/deep.txt", "outputs/sub/deep.txt"),
        ] {
            assert_eq!(fs::read_to_string(at(path)).unwrap(), text);
        }
    }

    #[test]
    #[cfg(unix)]
    fn links_pipes_and_closed_folders_do_not_reach_those_who_look() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("closed")).unwrap();
        fs::write(at("closed/file"), "x").unwrap();
        symlink("/etc/passwd", at("closed/link")).unwrap();
        symlink("/etc", at("outputs")).unwrap();
        std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        fs::set_permissions(at("closed/file"), fs::Permissions::from_mode(0o000)).unwrap();
        fs::set_permissions(at("closed"), fs::Permissions::from_mode(0o000)).unwrap();
        let notes = seal(folder.path()).unwrap();
        assert_eq!(notes, ["3 links and special files were removed from the outputs"]);
        assert_eq!(fs::read_to_string(at("closed/file")).unwrap(), "x");
        assert!(!at("outputs").exists() && at("closed").is_dir());
    }
}
