//! The archives of open proposals: files of their own, apart from the blobs, since they are not published and do not stay.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use skill_schema::Digest;
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    blobs::{Blob, Blobs, Received},
    error::{Error, blocking},
};

/// Where they lie.
#[derive(Debug)]
pub struct Proposals {
    folder: PathBuf,
    turn: Mutex<()>,
}

impl Proposals {
    /// Those of a data folder.
    pub fn new(data: &Path) -> Self {
        Self { folder: data.join("proposals"), turn: Mutex::default() }
    }

    /// Held from the moment that an archive is kept until a row names it, and while one that no row names is removed: otherwise the end of
    /// one proposal could take the archive of another that is just being made.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Keeps an archive.
    pub async fn keep(&self, archive: Received, digest: Digest) -> Result<(), Error> {
        let folder = self.folder.clone();
        blocking(move || open(&folder)?.keep(archive, &digest)).await
    }

    /// An archive's bytes; `None` if it is not kept.
    pub async fn read(&self, digest: Digest) -> Result<Option<Bytes>, Error> {
        let folder = self.folder.clone();
        blocking(move || {
            Ok(match open(&folder)?.open_blob(&digest)? {
                None => None,
                Some(Blob::Small(bytes)) => Some(bytes),
                Some(Blob::Large(mut file, _)) => {
                    let mut bytes = Vec::new();
                    std::io::Read::read_to_end(&mut file, &mut bytes).map_err(Error::io(&folder))?;
                    Some(bytes.into())
                }
            })
        })
        .await
    }

    /// Removes an archive.
    pub async fn remove(&self, digest: Digest) -> Result<(), Error> {
        let folder = self.folder.clone();
        blocking(move || open(&folder)?.remove(&digest)).await
    }
}

/// Without a cache: they are read a few times each.
fn open(folder: &Path) -> Result<Blobs, Error> {
    Blobs::open(folder, 0)
}

#[cfg(test)]
mod tests {
    use skill_bundle::hash::sha256;

    use super::*;

    #[tokio::test]
    async fn an_archive_is_kept_until_it_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let proposals = Proposals::new(dir.path());
        for bytes in [vec![1; 10], vec![2; 200_000]] {
            let digest = sha256(&bytes);
            proposals.keep(Received::Memory(bytes.clone().into()), digest).await.unwrap();
            assert_eq!(proposals.read(digest).await.unwrap().unwrap(), bytes);
            proposals.remove(digest).await.unwrap();
            assert!(proposals.read(digest).await.unwrap().is_none());
        }
    }
}
