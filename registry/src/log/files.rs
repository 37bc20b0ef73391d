//! The log's files in `log/` of the data folder: laid out as they are served, so that any web server could serve the folder.
//!
//! A file is written beside the others, made durable, renamed, and its folder made durable. Bytes that a head covers are never
//! replaced by others.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use skill_bundle::log::tile::{MAX_BUNDLE, Tile};
use tempfile::NamedTempFile;

use super::edge::TileFile;
use crate::error::Error;

/// Name of the checkpoint.
const CHECKPOINT: &str = "checkpoint";
/// Bytes of a checkpoint that is worth reading.
const MAX_CHECKPOINT: u64 = 64 * 1024;

/// The folder. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LogFiles {
    folder: PathBuf,
}

impl LogFiles {
    /// The folder of a data folder; nothing is made yet.
    pub fn new(data: &Path) -> Self {
        Self { folder: data.join("log") }
    }

    /// The bytes of a tile or bundle, if it is there. Blocks.
    pub fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, Error> {
        read(&self.folder.join(tile.to_string()), MAX_BUNDLE as u64)
    }

    /// The checkpoint, if there is one. Blocks.
    pub fn checkpoint(&self) -> Result<Option<Vec<u8>>, Error> {
        read(&self.folder.join(CHECKPOINT), MAX_CHECKPOINT)
    }

    /// Publishes a checkpoint, durably. Blocks.
    pub fn put_checkpoint(&self, text: &str) -> Result<(), Error> {
        self.make(&self.folder)?;
        self.write(&self.folder.join(CHECKPOINT), text.as_bytes())?;
        sync(&self.folder)
    }

    /// Writes files, durably. One that differs from what a log of `covered` leaves has is an error; beyond, a file is what a
    /// transaction left that did not come to its end. Blocks.
    pub fn put(&self, files: &[TileFile], covered: u64) -> Result<(), Error> {
        let mut folders = BTreeSet::new();
        for (tile, bytes) in files {
            let path = self.folder.join(tile.to_string());
            match read(&path, MAX_BUNDLE as u64)? {
                Some(found) if found == *bytes => {}
                Some(_) if tile.size() <= covered => {
                    return Err(Error::Damaged(format!("{}: a signed file would change", path.display())));
                }
                _ => self.place(&path, bytes)?,
            }
            folders.extend(path.parent().map(Path::to_owned));
        }
        folders.iter().try_for_each(|folder| sync(folder))
    }

    /// Replaces files that were lost or damaged; the caller knows from the signed root that these bytes are right. Blocks.
    pub fn repair(&self, files: &[TileFile]) -> Result<u64, Error> {
        let mut repaired = 0;
        for (tile, bytes) in files {
            let path = self.folder.join(tile.to_string());
            if read(&path, MAX_BUNDLE as u64)?.as_ref() != Some(bytes) {
                self.place(&path, bytes)?;
                path.parent().map_or(Ok(()), sync)?;
                repaired += 1;
            }
        }
        Ok(repaired)
    }

    /// Removes the partial forms of a full tile: whoever asks for one gets the beginning of the full one. Blocks.
    pub fn drop_partial(&self, tile: Tile) -> Result<(), Error> {
        let folder = self.folder.join(format!("{tile}.p"));
        match fs::remove_dir_all(&folder) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&folder)(e)),
            _ => Ok(()),
        }
    }

    fn place(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        if let Some(folder) = path.parent() {
            self.make(folder)?;
        }
        self.write(path, bytes)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let mut file = NamedTempFile::with_prefix_in(".new-", &self.folder).map_err(Error::io(&self.folder))?;
        file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(Error::io(path))?;
        file.persist(path).map_err(|e| Error::io(path)(e.error))?;
        Ok(())
    }

    /// Makes a folder and those above it, each durable in the one above.
    fn make(&self, folder: &Path) -> Result<(), Error> {
        if folder.is_dir() {
            return Ok(());
        }
        let above = folder.parent().unwrap_or(folder);
        if folder != self.folder {
            self.make(above)?;
        }
        match fs::create_dir(folder) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(Error::io(folder)(e)),
            _ => sync(above),
        }
    }

    /// Removes what an interrupted write left. Only for the one server that owns the folder.
    pub fn clean(&self) -> Result<(), Error> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Ok(()) };
        for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(".new-")) {
            fs::remove_file(entry.path()).map_err(Error::io(entry.path()))?;
        }
        Ok(())
    }
}

/// A file's bytes, if it exists and is not absurdly long.
fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > limit => Ok(Some(Vec::new())),
        Ok(_) => fs::read(path).map(Some).map_err(Error::io(path)),
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => Ok(None),
        Err(e) => Err(Error::io(path)(e)),
    }
}

fn sync(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(path: &str) -> Tile {
        path.parse().unwrap()
    }

    #[test]
    fn signed_files_do_not_change_and_unsigned_ones_may() {
        let dir = tempfile::tempdir().unwrap();
        let files = LogFiles::new(dir.path());
        let five = tile("tile/0/x001/000.p/5");
        files.put(&[(five, vec![1; 160])], 0).unwrap();
        files.put(&[(five, vec![1; 160])], five.size()).unwrap();
        files.put(&[(five, vec![2; 160])], five.size() - 1).unwrap();
        assert!(matches!(files.put(&[(five, vec![3; 160])], five.size()), Err(Error::Damaged(_))));
        assert_eq!(files.tile(five).unwrap(), Some(vec![2; 160]));
        assert_eq!(
            (files.repair(&[(five, vec![3; 160])]).unwrap(), files.tile(five).unwrap()),
            (1, Some(vec![3; 160]))
        );
        files.drop_partial(five.full()).unwrap();
        assert_eq!(files.tile(five).unwrap(), None);
        files.drop_partial(five.full()).unwrap();
    }

    #[test]
    fn a_checkpoint_is_replaced_as_a_whole_and_leftovers_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let files = LogFiles::new(dir.path());
        assert_eq!(files.checkpoint().unwrap(), None);
        files.put_checkpoint("one").unwrap();
        files.put_checkpoint("two").unwrap();
        assert_eq!(files.checkpoint().unwrap().unwrap(), b"two");
        fs::write(dir.path().join("log/.new-x"), "half").unwrap();
        files.clean().unwrap();
        assert!(!dir.path().join("log/.new-x").exists() && dir.path().join("log/checkpoint").exists());
    }
}
