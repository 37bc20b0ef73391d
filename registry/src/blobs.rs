//! Bytes by content: archives and snapshots, one file each, under the name of their SHA-256. A blob never changes.
//!
//! A blob is written to `tmp/`, made durable, renamed into `blobs/sha256/ab/<hex>`, and its folder made durable: what the database
//! names is on the disk. A blob that no row names is harmless; it is left by a publish that was refused at the very end.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use moka::sync::Cache;
use skill_bundle::hash::sha256;
use skill_schema::Digest;
use tempfile::NamedTempFile;

use crate::{error::Error, limits::SMALL_BLOB};

/// The blob store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    folders: Arc<Folders>,
    /// Small blobs that were read lately: statements are read by every installation.
    small: Cache<Digest, Bytes>,
}

#[derive(Debug)]
struct Folders {
    blobs: PathBuf,
    tmp: PathBuf,
    /// Folders of blobs, by their first byte, that this process knows to be durable.
    ready: Mutex<HashSet<u8>>,
}

/// Where a blob lies in a data folder.
pub fn path_in(data: &Path, digest: &Digest) -> PathBuf {
    file_in(&data.join("blobs").join("sha256"), digest)
}

fn file_in(blobs: &Path, digest: &Digest) -> PathBuf {
    let hex = digest.to_string();
    blobs.join(&hex[..2]).join(hex)
}

/// An upload that is not a blob yet.
#[derive(Debug)]
pub enum Received {
    /// A small one.
    Memory(Bytes),
    /// A large one, in `tmp/`.
    File(NamedTempFile),
}

impl Received {
    /// All its bytes. Blocks.
    pub fn bytes(&self) -> Result<Bytes, Error> {
        match self {
            Self::Memory(bytes) => Ok(bytes.clone()),
            Self::File(file) => fs::read(file.path()).map(Bytes::from).map_err(Error::io(file.path())),
        }
    }
}

/// A blob that was found.
#[derive(Debug)]
pub enum Blob {
    /// Its bytes.
    Small(Bytes),
    /// The open file and its length.
    Large(File, u64),
}

impl Blob {
    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Small(bytes) => bytes.len() as u64,
            Self::Large(_, length) => *length,
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Blobs {
    /// Opens the store of a data folder, makes its folders, and removes what an interrupted upload left in `tmp/`. `cache` bounds the
    /// bytes kept in memory.
    pub fn open(data: &Path, cache: u64) -> Result<Self, Error> {
        let folders =
            Folders { blobs: data.join("blobs").join("sha256"), tmp: data.join("tmp"), ready: Mutex::default() };
        fs::create_dir_all(&folders.blobs).map_err(Error::io(&folders.blobs))?;
        fs::create_dir_all(&folders.tmp).map_err(Error::io(&folders.tmp))?;
        let weigh = |_: &Digest, bytes: &Bytes| u32::try_from(bytes.len() + 64).unwrap_or(u32::MAX);
        Ok(Self { folders: Arc::new(folders), small: Cache::builder().max_capacity(cache).weigher(weigh).build() })
    }

    /// Removes what interrupted uploads left. Only for the one server that owns the folder.
    pub fn clean(&self) -> Result<(), Error> {
        for entry in fs::read_dir(&self.folders.tmp).map_err(Error::io(&self.folders.tmp))?.flatten() {
            fs::remove_file(entry.path()).map_err(Error::io(entry.path()))?;
        }
        Ok(())
    }

    /// A new file for an upload; it is gone when it is dropped.
    pub fn upload(&self) -> Result<NamedTempFile, Error> {
        NamedTempFile::new_in(&self.folders.tmp).map_err(Error::io(&self.folders.tmp))
    }

    /// Keeps an upload under its digest, durably. The caller has hashed it. Blocks.
    pub fn keep(&self, upload: Received, digest: &Digest) -> Result<(), Error> {
        let (path, folder) = (self.path(digest), self.folder(digest)?);
        if path.exists() {
            // Whoever put it there may have been stopped before its name was on the disk.
            return sync_folder(&folder);
        }
        let upload = match upload {
            Received::File(file) => file,
            Received::Memory(bytes) => {
                let mut file = self.upload()?;
                file.write_all(&bytes).map_err(Error::io(&self.folders.tmp))?;
                file
            }
        };
        upload.as_file().sync_all().map_err(Error::io(&path))?;
        upload.persist(&path).map_err(|e| Error::io(&path)(e.error))?;
        sync_folder(&folder)
    }

    /// Keeps small bytes under their digest, durably. Blocks.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let (digest, bytes) = (sha256(bytes), Bytes::copy_from_slice(bytes));
        self.keep(Received::Memory(bytes.clone()), &digest)?;
        self.small.insert(digest, bytes);
        Ok(digest)
    }

    /// A blob that is in memory.
    pub fn cached(&self, digest: &Digest) -> Option<Bytes> {
        self.small.get(digest)
    }

    /// Opens a blob; `None` if there is none. Blocks.
    pub fn open_blob(&self, digest: &Digest) -> Result<Option<Blob>, Error> {
        if let Some(bytes) = self.small.get(digest) {
            return Ok(Some(Blob::Small(bytes)));
        }
        let path = self.path(digest);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(&path)(e)),
        };
        let length = file.metadata().map_err(Error::io(&path))?.len();
        if length > SMALL_BLOB {
            return Ok(Some(Blob::Large(file, length)));
        }
        let bytes = Bytes::from(fs::read(&path).map_err(Error::io(&path))?);
        self.small.insert(*digest, bytes.clone());
        Ok(Some(Blob::Small(bytes)))
    }

    /// Keeps small bytes in memory only: they are stored elsewhere.
    pub fn remember(&self, digest: Digest, bytes: Bytes) -> Bytes {
        self.small.insert(digest, bytes.clone());
        bytes
    }

    /// Deletes a blob that nobody may have any more. Blocks.
    pub fn remove(&self, digest: &Digest) -> Result<(), Error> {
        self.small.invalidate(digest);
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&path)(e)),
            _ => path.parent().map_or(Ok(()), sync_folder),
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        file_in(&self.folders.blobs, digest)
    }

    /// The folder of a blob. The first to use one makes it durable; others wait, since their blobs would be lost with it.
    fn folder(&self, digest: &Digest) -> Result<PathBuf, Error> {
        let folder = self.folders.blobs.join(&digest.to_string()[..2]);
        let mut ready = self.folders.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.contains(&digest.0[0]) {
            return Ok(folder);
        }
        match fs::create_dir(&folder) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(Error::io(&folder)(e)),
            _ => sync_folder(&self.folders.blobs)?,
        }
        ready.insert(digest.0[0]);
        Ok(folder)
    }
}

fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_found_by_its_digest_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path(), 1_000_000).unwrap();
        let digest = blobs.put(b"hello").unwrap();
        assert_eq!(digest, sha256(b"hello"));
        assert_eq!(blobs.put(b"hello").unwrap(), digest);
        assert!(matches!(blobs.open_blob(&digest).unwrap(), Some(Blob::Small(bytes)) if bytes == "hello"));
        assert!(blobs.open_blob(&Digest::ZERO).unwrap().is_none());
        assert!(dir.path().join("blobs/sha256/2c").join(digest.to_string()).is_file());
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn a_large_blob_is_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path(), 0).unwrap();
        let large = vec![7; usize::try_from(SMALL_BLOB).unwrap() + 1];
        let digest = blobs.put(&large).unwrap();
        blobs.small.invalidate_all();
        assert!(matches!(blobs.open_blob(&digest).unwrap(), Some(Blob::Large(_, n)) if n == large.len() as u64));
    }

    #[test]
    fn an_interrupted_upload_is_removed_when_the_server_starts() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path(), 0).unwrap();
        fs::write(dir.path().join("tmp/left"), b"half").unwrap();
        blobs.clean().unwrap();
        assert!(!dir.path().join("tmp/left").exists());
    }
}
