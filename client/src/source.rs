//! A skill that a person names by a path: its folder, or a packed `.tar.gz`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use skill_bundle::{Package, pack};
use skill_schema::{Fault, Limits, codes, skill_md};

use crate::files;

/// A skill on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Local {
    /// Its folder.
    Folder(PathBuf),
    /// A packed one.
    Archive(PathBuf),
}

impl Local {
    /// What stands at the path. The path of a SKILL.md means its folder.
    ///
    /// # Errors
    /// [`codes::NO_PATH`] if nothing does, [`codes::SPECIAL_FILE`] for a pipe, socket or device, [`codes::IO`].
    pub fn find(path: &Path) -> Result<Self, Fault> {
        let metadata = fs::metadata(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Fault::new(codes::NO_PATH).at(path.display().to_string())
            }
            _ => files::fault(path, &error),
        })?;
        if metadata.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        if !metadata.is_file() {
            return Err(Fault::new(codes::SPECIAL_FILE).at(path.display().to_string()));
        }
        if path.file_name().is_some_and(|name| name == skill_md::FILE) {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            return Ok(Self::Folder(parent.unwrap_or(Path::new(".")).to_owned()));
        }
        Ok(Self::Archive(path.to_owned()))
    }

    /// The path.
    pub fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Archive(path) => path,
        }
    }

    /// Its files: a folder's as they would be packed.
    ///
    /// # Errors
    /// The archive profile's codes, [`codes::IO`].
    pub fn open(&self) -> Result<Package, Fault> {
        match self {
            Self::Folder(folder) => Ok(pack::pack_dir(folder, &Limits::V1)?.package),
            Self::Archive(file) => Package::open(read_archive(file)?, &Limits::V1),
        }
    }
}

/// Reads a packed skill. A file that is too large to be one is refused before it is read.
///
/// # Errors
/// [`codes::TOO_BIG`], [`codes::IO`].
pub fn read_archive(file: &Path) -> Result<Vec<u8>, Fault> {
    let limit = Limits::V1.archive;
    let size = fs::metadata(file).map_err(|e| files::fault(file, &e))?.len();
    if size > limit as u64 {
        return Err(Fault::new(codes::TOO_BIG).detail(format!("{size} bytes compressed, at most {limit} are allowed")));
    }
    files::read(file, limit)?.ok_or_else(|| Fault::new(codes::NO_PATH).at(file.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_folder_an_archive_or_nothing() {
        let home = tempfile::tempdir().expect("a folder");
        let at = |name: &str| home.path().join(name);
        fs::write(at("SKILL.md"), "x").expect("written");
        fs::write(at("a.tar.gz"), "x").expect("written");
        assert_eq!(Local::find(home.path()), Ok(Local::Folder(home.path().to_owned())));
        assert_eq!(Local::find(&at("SKILL.md")), Ok(Local::Folder(home.path().to_owned())));
        assert_eq!(Local::find(&at("a.tar.gz")), Ok(Local::Archive(at("a.tar.gz"))));
        assert_eq!(Local::find(&at("none")).map_err(|f| f.code), Err(codes::NO_PATH));
        assert_eq!(Local::find(&at("a.tar.gz/x")).map_err(|f| f.code), Err(codes::NO_PATH));
        assert_eq!(Local::find(Path::new("/dev/null")).map_err(|f| f.code), Err(codes::SPECIAL_FILE));
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join("big.tar.gz");
        let file = fs::File::create(&path).expect("made");
        file.set_len(1 << 40).expect("a sparse file of a tebibyte");
        assert_eq!(read_archive(&path).map_err(|f| f.code), Err(codes::TOO_BIG));
    }
}
