//! Reading and writing files: with the name in every error, and in one piece or not at all.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use skill_schema::{Fault, codes};

/// How the names of temporary folders of the store start.
pub const TEMPORARY: &str = ".tmp-";

/// An I/O error about a path.
pub fn fault(path: &Path, error: &io::Error) -> Fault {
    Fault::new(codes::IO).at(path.display().to_string()).detail(error.to_string())
}

/// Reads a file of at most `limit` bytes; `None` if there is none.
///
/// # Errors
/// [`codes::IO`] if it cannot be read or is larger.
pub fn read(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, Fault> {
    use io::Read;
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(e) => return Err(fault(path, &e)),
    };
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|e| fault(path, &e))?;
    if bytes.len() > limit {
        return Err(Fault::new(codes::IO).at(path.display().to_string()).detail(format!("larger than {limit} bytes")));
    }
    Ok(Some(bytes))
}

/// Reads a text file of at most `limit` bytes; `None` if there is none.
///
/// # Errors
/// [`codes::IO`] if it cannot be read, is larger, or is not UTF-8.
pub fn read_text(path: &Path, limit: usize) -> Result<Option<String>, Fault> {
    read(path, limit)?
        .map(|bytes| {
            String::from_utf8(bytes)
                .map_err(|_| Fault::new(codes::IO).at(path.display().to_string()).detail("it is not valid UTF-8"))
        })
        .transpose()
}

/// Who may read a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As the umask says.
    Normal,
    /// The owner only (0600).
    Private,
}

/// Whether a write must survive a power cut before the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    /// Flush file and folder: for what cannot be made again.
    Yes,
    /// Leave it to the system: for caches, which are checked when they are read.
    No,
}

/// Replaces a file in one piece: a reader sees the old content or the new one, also after a crash. Makes missing folders.
///
/// # Errors
/// [`codes::IO`].
pub fn replace(path: &Path, content: &[u8], mode: Mode, durable: Durable) -> Result<(), Fault> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(folder, mode)?;
    let io = |e: io::Error| fault(path, &e);
    let prefix = temporary_prefix(&path.file_name().unwrap_or_default().display().to_string());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    #[cfg(unix)]
    if mode == Mode::Normal {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666)); // less the bits of the umask, as for any new file
    }
    let mut file = builder.tempfile_in(folder).map_err(io)?;
    file.write_all(content).map_err(io)?;
    if durable == Durable::Yes {
        file.as_file().sync_all().map_err(io)?;
    }
    file.persist(path).map_err(|e| fault(path, &e.error))?;
    if durable == Durable::Yes {
        sync_folder(folder)?;
    }
    Ok(())
}

/// How the names start under which [`replace`] makes a file of this name.
fn temporary_prefix(name: &str) -> String {
    format!(".{name}.tmp-")
}

/// Removes what killed runs of [`replace`] left of these files of a folder. Only for whoever keeps all others from writing them.
///
/// # Errors
/// [`codes::IO`].
pub fn tidy(folder: &Path, names: &[&str]) -> Result<(), Fault> {
    let items = match fs::read_dir(folder) {
        Ok(items) => items,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(fault(folder, &e)),
    };
    let prefixes: Vec<String> = names.iter().map(|name| temporary_prefix(name)).collect();
    for item in items.flatten() {
        let name = item.file_name();
        if prefixes.iter().any(|prefix| name.to_str().is_some_and(|name| name.starts_with(prefix))) {
            fs::remove_file(item.path()).map_err(|e| fault(&item.path(), &e))?;
        }
    }
    Ok(())
}

/// Makes a folder and its parents; private ones get mode 0700.
///
/// # Errors
/// [`codes::IO`].
pub fn make_folder(folder: &Path, mode: Mode) -> Result<(), Fault> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    if mode == Mode::Private {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder).map_err(|e| fault(folder, &e))
}

/// Flushes a folder, so that a rename in it survives a power cut.
///
/// # Errors
/// [`codes::IO`].
pub fn sync_folder(folder: &Path) -> Result<(), Fault> {
    fs::File::open(folder).and_then(|f| f.sync_all()).map_err(|e| fault(folder, &e))
}

/// Bytes of all files in a folder, or of a file.
///
/// # Errors
/// [`codes::IO`].
pub fn size(path: &Path) -> Result<u64, Fault> {
    walk(path, &|metadata| metadata.len())
}

/// How many files there are in a folder.
///
/// # Errors
/// [`codes::IO`].
pub fn count(path: &Path) -> Result<usize, Fault> {
    walk(path, &|_| 1).map(|n| usize::try_from(n).unwrap_or(usize::MAX))
}

fn walk(path: &Path, measure: &dyn Fn(&fs::Metadata) -> u64) -> Result<u64, Fault> {
    let io = |e: io::Error| fault(path, &e);
    let metadata = fs::symlink_metadata(path).map_err(io)?;
    if !metadata.is_dir() {
        return Ok(measure(&metadata));
    }
    let mut sum = 0;
    for item in fs::read_dir(path).map_err(io)? {
        sum += walk(&item.map_err(io)?.path(), measure)?;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_has_the_new_content_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("a/b.txt");
        replace(&path, b"one", Mode::Normal, Durable::Yes).expect("written");
        replace(&path, b"two", Mode::Private, Durable::No).expect("written");
        assert_eq!(read_text(&path, 10).expect("read").as_deref(), Some("two"));
        assert_eq!(fs::read_dir(dir.path().join("a")).expect("folder").count(), 1);
        fs::write(dir.path().join("a/.b.txt.tmp-x1"), "left").expect("written");
        fs::write(dir.path().join("a/.tmp-x1"), "not ours").expect("written");
        tidy(&dir.path().join("a"), &["b.txt"]).expect("tidied");
        assert_eq!(fs::read_dir(dir.path().join("a")).expect("folder").count(), 2);
        assert!(read(&path, 2).is_err());
        assert_eq!(read(&dir.path().join("none"), 2), Ok(None));
    }
}
