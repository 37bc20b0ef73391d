//! What nobody but a verifier gets: sealed suites, and candidates before they are published. It lies beside the blobs, readable by the
//! registry's own user alone, and no route serves it but those of a lease.

use std::{
    fs::{self, DirBuilder, File},
    io::Write,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use skill_schema::Digest;
use tempfile::NamedTempFile;

use crate::error::Error;

/// The folder in the data folder.
pub const FOLDER: &str = "sealed";
/// Readable by its owner alone.
const PRIVATE: u32 = 0o700;

/// What is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// A whole suite, under the digest of its cases.
    Suite,
    /// A candidate's archive, under its SHA-256.
    Candidate,
}

/// The store of what is sealed. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault(Arc<PathBuf>);

impl Vault {
    /// Opens the store of a data folder, and makes its folders.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn open(data: &Path) -> Result<Self, Error> {
        let vault = Self(Arc::new(data.join(FOLDER)));
        for folder in [vault.0.as_ref().clone(), vault.folder(Kept::Suite), vault.folder(Kept::Candidate)] {
            match DirBuilder::new().mode(PRIVATE).create(&folder) {
                Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(Error::io(&folder)(e)),
                _ => {}
            }
        }
        Ok(vault)
    }

    /// Keeps bytes, durably. Blocks.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn put(&self, kept: Kept, digest: &Digest, bytes: &[u8]) -> Result<(), Error> {
        let (folder, path) = (self.folder(kept), self.path(kept, digest));
        // Readable by its owner alone from its first moment.
        let mut file = NamedTempFile::new_in(&folder).map_err(Error::io(&folder))?;
        file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(Error::io(&path))?;
        file.persist(&path).map_err(|e| Error::io(&path)(e.error))?;
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(Error::io(&folder))
    }

    /// What is kept under a digest; none if nothing is. Blocks.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn get(&self, kept: Kept, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path(kept, digest);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io(&path)(e)),
        }
    }

    /// Deletes what nobody needs any more. Blocks.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn remove(&self, kept: Kept, digest: &Digest) -> Result<(), Error> {
        let path = self.path(kept, digest);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&path)(e)),
            _ => Ok(()),
        }
    }

    fn folder(&self, kept: Kept) -> PathBuf {
        self.0.join(match kept {
            Kept::Suite => "suites",
            Kept::Candidate => "candidates",
        })
    }

    fn path(&self, kept: Kept, digest: &Digest) -> PathBuf {
        self.folder(kept).join(digest.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_sealed_is_readable_by_its_owner_alone() {
        let data = tempfile::tempdir().unwrap();
        let vault = Vault::open(data.path()).unwrap();
        let digest = Digest([1; 32]);
        assert_eq!(vault.get(Kept::Suite, &digest).unwrap(), None);
        vault.put(Kept::Suite, &digest, b"secret").unwrap();
        assert_eq!(vault.get(Kept::Suite, &digest).unwrap().as_deref(), Some(b"secret".as_slice()));
        assert_eq!(vault.get(Kept::Candidate, &digest).unwrap(), None);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data.path().join(FOLDER)), 0o700);
        assert_eq!(mode(&data.path().join(FOLDER).join("suites").join(digest.to_string())), 0o600);
        vault.remove(Kept::Suite, &digest).unwrap();
        assert_eq!(vault.get(Kept::Suite, &digest).unwrap(), None);
        Vault::open(data.path()).unwrap();
    }
}
