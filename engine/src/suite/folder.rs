//! A suite's folder: finding `evals.json`, and reading files by the paths that cases name, without ever leaving it.
//!
//! Paths in a suite count from the folder that holds `evals/`. Each component is opened by itself and no link is followed, so that
//! neither a planted link nor one that is swapped in meanwhile leads elsewhere.

use std::{
    fs::File,
    io::Read,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, openat},
    io::Errno,
};
use serde_json::Value;
use skill_bundle::{archive::path, hash::Hasher};
use skill_schema::{Digest, Fault, Limits, codes};

use super::{Lock, Split, Suite, bounds::Bounds, source::Source};

/// The folder of a suite beside a skill.
pub const EVALS: &str = "evals";
/// The suite's file.
pub const FILE: &str = "evals.json";
/// The lock of its split.
pub const LOCK: &str = "split.lock";

/// A folder that paths of a suite count from.
#[derive(Debug)]
pub struct Folder {
    handle: OwnedFd,
    path: PathBuf,
    /// Whether this is the folder of the suite itself, which then need not be called `evals`: the first component of paths is left out.
    bare: bool,
}

/// A suite that was read from a folder.
#[derive(Debug)]
pub struct Opened {
    /// The suite.
    pub suite: Suite,
    /// Its text, and where everything stands in it.
    pub source: Source,
    /// Where its files are.
    pub folder: Folder,
    /// Its own path in that folder: `evals/evals.json`.
    pub file: String,
}

impl Suite {
    /// Reads the suite at a path: the folder of a skill, the folder of a suite, or a file.
    ///
    /// # Errors
    /// [`codes::NO_SUITE`] if there is none; [`codes::SUITE`] if it cannot be read; [`codes::SYMLINK`] if it is reached by a link
    /// inside the folder; [`codes::IO`].
    pub fn read(at: &Path) -> Result<Opened, Fault> {
        let (folder, file) = find(at)?;
        let bytes = folder.read(&file, Bounds::V1.bytes)?;
        let (suite, source) = Self::parse_source(&bytes).map_err(|fault| within(fault, &file))?;
        Ok(Opened { suite, source, folder, file })
    }
}

impl Opened {
    /// Reads the lock of the split beside the suite; an empty one if there is none.
    ///
    /// # Errors
    /// [`codes::SPLIT_LOCK`] if it is not what the rule of the split gives; [`codes::IO`].
    pub fn lock(&self) -> Result<Lock, Fault> {
        let place = format!("{EVALS}/{LOCK}");
        match self.folder.read(&place, Bounds::V1.lock) {
            Ok(bytes) => Lock::parse(&bytes, &self.suite.settings.salt).map_err(|fault| within(fault, &place)),
            Err(fault) if fault.code == codes::NO_PATH => Ok(Lock::default()),
            Err(fault) => Err(fault),
        }
    }

    /// The suite without the cases of one part: whoever must not know them cannot. Its text goes too, since they stand in it.
    #[must_use]
    pub fn without(mut self, part: Split, lock: &Lock) -> Self {
        self.suite.cases.retain(|case| lock.get(&case.id).is_some_and(|split| split != part));
        self.suite.document = Value::Null;
        self.source = Source { text: String::new(), value: Value::Null, ..self.source };
        self
    }

    /// The path of the lock in the file system.
    pub fn lock_path(&self) -> PathBuf {
        self.folder.path_of(&format!("{EVALS}/{LOCK}"))
    }

    /// The folder that holds `evals.json`, in the file system.
    pub fn evals_path(&self) -> PathBuf {
        if self.folder.bare { self.folder.path.clone() } else { self.folder.path.join(EVALS) }
    }
}

/// Puts the file before the place that a fault has inside of it.
fn within(fault: Fault, file: &str) -> Fault {
    let place = fault.place.as_ref().map_or_else(|| file.to_owned(), |place| format!("{file}: {place}"));
    fault.at(place)
}

/// The folder that paths count from, and the suite's path in it.
fn find(at: &Path) -> Result<(Folder, String), Fault> {
    let none = || Fault::new(codes::NO_SUITE).at(at.display().to_string());
    let real = at.canonicalize().map_err(|_| none())?;
    if real.is_dir() {
        let beside = real.join(EVALS).join(FILE);
        if beside.symlink_metadata().is_ok() {
            return Ok((Folder::open(&real, false)?, format!("{EVALS}/{FILE}")));
        }
        if real.join(FILE).symlink_metadata().is_ok() {
            return around(&real, FILE).ok_or_else(none)?;
        }
        return Err(none());
    }
    let name = real.file_name().and_then(|name| name.to_str()).ok_or_else(none)?;
    around(real.parent().ok_or_else(none)?, name).ok_or_else(none)?
}

/// A suite's file in its own folder: if that is called `evals`, paths count from the folder above.
fn around(folder: &Path, name: &str) -> Option<Result<(Folder, String), Fault>> {
    let bare = folder.file_name().is_none_or(|name| name != EVALS);
    let root = if bare { folder } else { folder.parent()? };
    Some(Folder::open(root, bare).map(|folder| (folder, format!("{EVALS}/{name}"))))
}

impl Folder {
    /// Opens a folder that paths count from; `bare` if it is the suite's own folder under whatever name.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn open(path: &Path, bare: bool) -> Result<Self, Fault> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = openat(CWD, path, flags, Mode::empty()).map_err(|e| failed(&path.display().to_string(), e))?;
        Ok(Self { handle, path: path.to_owned(), bare })
    }

    /// Reads a file of at most `max` bytes.
    ///
    /// # Errors
    /// A path that may not stand in a package, [`codes::NO_PATH`], [`codes::SYMLINK`], [`codes::SPECIAL_FILE`],
    /// [`codes::FILE_SIZE`], [`codes::IO`].
    pub fn read(&self, path: &str, max: usize) -> Result<Vec<u8>, Fault> {
        let file = self.file(path)?;
        let mut bytes = Vec::new();
        file.take(max as u64 + 1).read_to_end(&mut bytes).map_err(|e| io(path, &e))?;
        if bytes.len() > max {
            return Err(Fault::new(codes::FILE_SIZE).at(path).detail(format!("more than {max} bytes")));
        }
        Ok(bytes)
    }

    /// SHA-256 of a file that a case names.
    ///
    /// # Errors
    /// As [`Folder::read`], with the limit of a file in a package.
    pub fn digest(&self, path: &str) -> Result<Digest, Fault> {
        let file = self.file(path)?;
        let mut hasher = Hasher::new();
        let limit = Limits::V1.file as u64;
        let copied = std::io::copy(&mut file.take(limit + 1), &mut hasher).map_err(|e| io(path, &e))?;
        if copied > limit {
            return Err(Fault::new(codes::FILE_SIZE).at(path).detail(format!("more than {limit} bytes")));
        }
        Ok(hasher.finish())
    }

    /// Whether there is a file or folder at this path, reached without a link.
    pub fn holds(&self, path: &str) -> bool {
        self.file(path).is_ok() || self.open_at(path, OFlags::DIRECTORY).is_ok()
    }

    /// Where a path of the suite is in the file system, for messages and for tools that are given it.
    pub fn path_of(&self, path: &str) -> PathBuf {
        self.path.join(self.inner(path))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn inner<'p>(&self, path: &'p str) -> &'p str {
        if self.bare { path.strip_prefix("evals/").unwrap_or(path) } else { path }
    }

    fn file(&self, path: &str) -> Result<File, Fault> {
        let file = File::from(self.open_at(path, OFlags::NONBLOCK)?);
        if !file.metadata().map_err(|e| io(path, &e))?.is_file() {
            return Err(Fault::new(codes::SPECIAL_FILE).at(path));
        }
        Ok(file)
    }

    /// Opens a path component by component, following no link.
    fn open_at(&self, path: &str, kind: OFlags) -> Result<OwnedFd, Fault> {
        path::check(path.as_bytes(), &Limits::V1)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut components = self.inner(path).split('/').peekable();
        let mut parent: Option<OwnedFd> = None;
        while let Some(component) = components.next() {
            let last = components.peek().is_none();
            let flags = flags | if last { kind } else { OFlags::DIRECTORY };
            let handle = parent.as_ref().unwrap_or(&self.handle);
            let opened = openat(handle, component, flags, Mode::empty());
            parent = Some(opened.map_err(|e| if is_link(handle, component) { link(path) } else { failed(path, e) })?);
        }
        parent.ok_or_else(|| Fault::new(codes::NO_PATH).at(path))
    }
}

fn is_link(parent: &OwnedFd, name: &str) -> bool {
    let stat = rustix::fs::statat(parent, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
    stat.is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_symlink())
}

fn link(path: &str) -> Fault {
    Fault::new(codes::SYMLINK).at(path)
}

fn failed(path: &str, error: Errno) -> Fault {
    match error {
        Errno::NOENT | Errno::NOTDIR => Fault::new(codes::NO_PATH).at(path),
        Errno::LOOP => link(path),
        other => Fault::new(codes::IO).at(path).detail(other.to_string()),
    }
}

fn io(path: &str, error: &std::io::Error) -> Fault {
    Fault::new(codes::IO).at(path).detail(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    const SUITE: &str = r#"{"skill_name":"s","evals":[{"id":1,"prompt":"p","files":["evals/files/a.txt"]}]}"#;

    fn skill() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("s/evals/files")).unwrap();
        fs::write(home.path().join("s/evals/evals.json"), SUITE).unwrap();
        fs::write(home.path().join("s/evals/files/a.txt"), "abc").unwrap();
        fs::write(home.path().join("secret"), "s").unwrap();
        home
    }

    #[test]
    fn a_suite_is_found_from_the_skill_its_own_folder_and_its_file() {
        let home = skill();
        let hashes = ["s", "s/evals", "s/evals/evals.json"].map(|at| {
            let opened = Suite::read(&home.path().join(at)).unwrap();
            assert_eq!(opened.file, "evals/evals.json");
            assert_eq!(opened.evals_path(), home.path().canonicalize().unwrap().join("s/evals"));
            opened.suite.case_hashes(&opened.folder).unwrap()
        });
        assert!(hashes[0] == hashes[1] && hashes[1] == hashes[2]);
        fs::rename(home.path().join("s/evals"), home.path().join("other")).unwrap();
        let bare = Suite::read(&home.path().join("other")).unwrap();
        assert_eq!(bare.suite.case_hashes(&bare.folder).unwrap(), hashes[0]);
        assert!(bare.lock_path().ends_with("other/split.lock"));
        assert_eq!(Suite::read(&home.path().join("s")).unwrap_err().code, codes::NO_SUITE);
        assert_eq!(Suite::read(&home.path().join("none")).unwrap_err().code, codes::NO_SUITE);
    }

    #[test]
    fn nothing_is_read_through_a_link_or_from_outside() {
        let home = skill();
        let evals = home.path().join("s/evals");
        symlink("../../secret", evals.join("files/link.txt")).unwrap();
        symlink("../..", evals.join("up")).unwrap();
        let folder = Suite::read(&home.path().join("s")).unwrap().folder;
        assert_eq!(folder.digest("evals/files/a.txt").unwrap(), skill_bundle::hash::sha256(b"abc"));
        for (path, code) in [
            ("evals/files/link.txt", codes::SYMLINK),
            ("evals/up/secret", codes::SYMLINK),
            ("../secret", codes::PATH_PARENT),
            ("evals/../../secret", codes::PATH_PARENT),
            ("/etc/passwd", codes::PATH_ABSOLUTE),
            ("evals/none", codes::NO_PATH),
            ("evals/files/a.txt/b", codes::NO_PATH),
            ("evals/files", codes::SPECIAL_FILE),
            ("", codes::PATH_EMPTY),
        ] {
            assert_eq!(folder.read(path, 10).unwrap_err().code, code, "{path}");
        }
        assert!(folder.holds("evals/files") && folder.holds("evals/files/a.txt") && !folder.holds("evals/up"));
        fs::remove_file(evals.join("evals.json")).unwrap();
        symlink("../../secret", evals.join("evals.json")).unwrap();
        assert_eq!(Suite::read(&home.path().join("s")).unwrap_err().code, codes::SYMLINK);
    }

    #[test]
    fn the_size_of_a_file_is_limited_at_both_sides() {
        let home = skill();
        let folder = Suite::read(&home.path().join("s")).unwrap().folder;
        assert_eq!(folder.read("evals/files/a.txt", 3).unwrap(), b"abc");
        assert_eq!(folder.read("evals/files/a.txt", 2).unwrap_err().code, codes::FILE_SIZE);
    }

    #[test]
    fn a_fault_names_the_file_and_the_place_in_it() {
        let home = skill();
        fs::write(home.path().join("s/evals/evals.json"), r#"{"evals":[{"id":[]}]}"#).unwrap();
        let fault = Suite::read(&home.path().join("s")).unwrap_err();
        assert_eq!(fault.place.as_deref(), Some("evals/evals.json: evals[0].id"));
    }
}
