//! Writing a merge: first every check, then what is replaced is kept, then file by file, the manifest last.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use skill_bundle::pack::Owned;
use skill_schema::{Fault, codes, manifest};

use crate::{
    files::{self, Durable, Mode},
    git::State,
    merge::Files,
};

/// Turns the files of a folder from `before` into `after`. Without a state of git only the checks are made. What git does not have is
/// kept beside the folder, and its place returned.
///
/// A run that is killed leaves each file whole, old or new, and the manifest with the old origin: the next run goes on.
///
/// # Errors
/// [`codes::IN_THE_WAY`] before anything is written; [`codes::IO`].
pub(super) fn apply(
    folder: &Path,
    before: &Files,
    after: &Files,
    state: Option<State>,
) -> Result<Option<PathBuf>, Fault> {
    let mut writes: Vec<&Owned> = after.values().filter(|file| before.get(&file.path) != Some(file)).collect();
    // Also the record of where the fork is: it must not be ahead of the files.
    writes.sort_by_key(|file| file.path == manifest::FILE);
    let removes: Vec<&String> = before.keys().filter(|path| !after.contains_key(*path)).collect();
    for file in &writes {
        check_way(folder, &file.path, before)?;
    }
    let Some(state) = state else { return Ok(None) };
    let replaced: Vec<&String> =
        writes.iter().map(|file| &file.path).filter(|path| before.contains_key(*path)).chain(removes.clone()).collect();
    let kept = if state == State::Clean || replaced.is_empty() { None } else { Some(keep(folder, before, &replaced)?) };
    // A file may have to go before a folder of its name can be made.
    for path in removes {
        remove(folder, path)?;
    }
    for file in writes {
        write(&folder.join(&file.path), file)?;
    }
    Ok(kept)
}

/// Whether a file can be written without touching what is not part of the skill, and without following a link.
fn check_way(folder: &Path, path: &str, before: &Files) -> Result<(), Fault> {
    let in_the_way = |at: &str| Err(Fault::new(codes::IN_THE_WAY).at(folder.join(at).display().to_string()));
    for (at, _) in path.match_indices('/') {
        match folder.join(&path[..at]).symlink_metadata() {
            Ok(found) if found.is_dir() || before.contains_key(&path[..at]) => {}
            Ok(_) => return in_the_way(&path[..at]),
            Err(_) => return Ok(()),
        }
    }
    let found = folder.join(path).symlink_metadata();
    let is_empty_way =
        found.as_ref().is_ok_and(fs::Metadata::is_dir) && before.keys().any(|p| p.starts_with(&format!("{path}/")));
    if before.contains_key(path) || found.is_err() || is_empty_way { Ok(()) } else { in_the_way(path) }
}

/// Copies what is about to be replaced to a new folder beside this one.
fn keep(folder: &Path, before: &Files, paths: &[&String]) -> Result<PathBuf, Fault> {
    let folder = folder.canonicalize().map_err(|e| files::fault(folder, &e))?;
    let name = |n: u32| {
        let mut name = folder.as_os_str().to_owned();
        name.push(format!(".backup-{n}"));
        PathBuf::from(name)
    };
    let mut n = 1;
    let place = loop {
        match fs::create_dir(name(n)) {
            Ok(()) => break name(n),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => n += 1,
            Err(e) => return Err(files::fault(&name(n), &e)),
        }
    };
    for path in paths {
        if let Some(file) = before.get(*path) {
            write(&place.join(path), file)?;
        }
    }
    Ok(place)
}

fn write(path: &Path, file: &Owned) -> Result<(), Fault> {
    use std::os::unix::fs::PermissionsExt;
    if path.is_dir() {
        // Its files were part of the skill and are gone; anything else keeps it from being removed.
        fs::remove_dir(path).map_err(|e| files::fault(path, &e))?;
    }
    files::replace(path, &file.content, Mode::Normal, Durable::Yes)?;
    if file.executable {
        let failed = |e: io::Error| files::fault(path, &e);
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        // Whoever may read it may run it, as the umask left it.
        let mode = mode | (mode & 0o444) >> 2;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed)?;
    }
    Ok(())
}

/// Removes a file, and the folders that it leaves empty.
fn remove(folder: &Path, path: &str) -> Result<(), Fault> {
    let file = folder.join(path);
    fs::remove_file(&file).map_err(|e| files::fault(&file, &e))?;
    for (at, _) in path.rmatch_indices('/') {
        if fs::remove_dir(folder.join(&path[..at])).is_err() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn files(all: &[(&str, &str)]) -> Files {
        let file = |(path, text): &(&str, &str)| {
            let path = (*path).to_owned();
            (path.clone(), Owned { path, content: text.as_bytes().to_vec(), executable: text.starts_with("#!") })
        };
        all.iter().map(file).collect()
    }

    fn on_disk(all: &Files) -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("notes");
        fs::create_dir(&folder).expect("made");
        for file in all.values() {
            write(&folder.join(&file.path), file).expect("written");
        }
        (home, folder)
    }

    #[test]
    fn what_git_does_not_have_is_kept_beside_the_folder() {
        let before = files(&[("a", "1"), ("b/c", "2"), ("d", "3"), ("e", "4")]);
        let after = files(&[("a", "#!new"), ("b", "now a file"), ("e", "4"), ("f/g", "5")]);
        let (home, folder) = on_disk(&before);
        assert_eq!(apply(&folder, &before, &after, None), Ok(None));
        assert!(folder.join("d").exists(), "a dry run writes nothing");
        let kept = apply(&folder, &before, &after, Some(State::Unknown)).expect("written").expect("kept");
        assert_eq!(kept.file_name().and_then(|n| n.to_str()), Some("notes.backup-1"));
        let found = |path: &Path| fs::read_to_string(path).ok();
        assert_eq!(found(&kept.join("b/c")).as_deref(), Some("2"));
        assert_eq!((found(&kept.join("a")), found(&kept.join("e"))), (Some("1".to_owned()), None));
        assert_eq!(found(&folder.join("b")).as_deref(), Some("now a file"));
        assert!(!folder.join("d").exists() && folder.join("f/g").exists());
        let mode = fs::metadata(folder.join("a")).expect("there").permissions().mode();
        assert_eq!(mode & 0o100, 0o100);
        assert_eq!(fs::read_dir(home.path()).expect("read").count(), 2);
        assert_eq!(apply(&folder, &after, &before, Some(State::Clean)), Ok(None), "git has it");
    }

    #[test]
    fn what_is_not_part_of_the_skill_is_not_touched() {
        let before = files(&[("a", "1")]);
        let (home, folder) = on_disk(&before);
        fs::write(folder.join("ignored.log"), "mine").expect("written");
        fs::create_dir(home.path().join("elsewhere")).expect("made");
        symlink(home.path().join("elsewhere"), folder.join("link")).expect("linked");
        for path in ["ignored.log", "link/x", "ignored.log/x"] {
            let after = files(&[("a", "2"), (path, "theirs")]);
            let refused = apply(&folder, &before, &after, Some(State::Unknown)).map_err(|fault| fault.code);
            assert_eq!(refused, Err(codes::IN_THE_WAY), "{path}");
        }
        assert_eq!(fs::read_to_string(folder.join("a")).expect("read"), "1");
        assert_eq!(fs::read_dir(home.path().join("elsewhere")).expect("read").count(), 0);
    }
}
