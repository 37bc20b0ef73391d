//! Finished runs, kept by what they depend on: finished work is never done twice, and a stopped eval goes on where it was.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use skill_bundle::hash::sha256;
use skill_schema::Digest;

use crate::run::{Run, Transcript};

/// Version of the file's form; a file of another form is not read.
const FORMAT: u32 = 1;
/// Bytes of one kept run at most: outputs are cut before they are kept, so a larger file is not ours.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// A finished run with what can be looked at afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The run as it stands in the record.
    pub run: Run,
    /// What happened.
    pub transcript: Transcript,
    /// The files that it left, within the limits of [`OutputFile`].
    pub outputs: Vec<OutputFile>,
}

/// A file that a run left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputFile {
    /// Path below the outputs folder, with `/`.
    pub path: String,
    /// Size of the whole file in bytes.
    pub size: u64,
    /// SHA-256 of the whole file.
    pub sha256: Digest,
    /// Its beginning as text; empty for a binary file.
    pub text: String,
}

/// What a file of the cache holds: the run, and a digest over it, since a process that is killed may leave anything.
#[derive(Serialize, Deserialize)]
struct Stored {
    format: u32,
    key: Digest,
    digest: Digest,
    kept: String,
}

/// A folder of finished runs. Several processes may use it at once: a file appears whole or not at all, and two that write the
/// same run write the same thing.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache in this folder, which is made when the first run is kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The run that was kept under this key. A file that is damaged counts as none.
    pub fn get(&self, key: &Digest) -> Option<Kept> {
        let path = self.path(key);
        if fs::metadata(&path).ok()?.len() > MAX_FILE {
            return None;
        }
        let stored: Stored = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let whole = stored.format == FORMAT && stored.key == *key && sha256(stored.kept.as_bytes()) == stored.digest;
        if whole { serde_json::from_str(&stored.kept).ok() } else { None }
    }

    /// Keeps a run. It is not synced to the disk: a run that a power cut takes is done again.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn put(&self, key: &Digest, kept: &Kept) -> io::Result<()> {
        let kept = serde_json::to_string(kept)?;
        let stored = Stored { format: FORMAT, key: *key, digest: sha256(kept.as_bytes()), kept };
        // A file is not buffered: written piece by piece it would cost some hundred system calls.
        let bytes = serde_json::to_vec(&stored)?;
        let path = self.path(key);
        let folder = path.parent().unwrap_or(&self.folder);
        let mut file = match tempfile::NamedTempFile::new_in(folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(folder)?;
                tempfile::NamedTempFile::new_in(folder)?
            }
            made => made?,
        };
        file.write_all(&bytes)?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    }

    fn path(&self, key: &Digest) -> PathBuf {
        let hex = key.to_string();
        self.folder.join(&hex[..2]).join(format!("{hex}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Arm, Status, Usage};

    fn kept() -> Kept {
        let run = Run {
            arm: Arm::Cand,
            case: "a".into(),
            repeat: 0,
            seed: 7,
            status: Status::Ok,
            score: Some(500),
            checks: vec![],
            usage: Usage::default(),
            transcript: Digest::ZERO,
        };
        Kept { run, transcript: Transcript::default(), outputs: vec![] }
    }

    #[test]
    fn what_was_kept_is_found_under_its_key_only() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("runs"));
        let key = sha256(b"one");
        assert_eq!(cache.get(&key), None);
        cache.put(&key, &kept()).unwrap();
        assert_eq!(cache.get(&key), Some(kept()));
        assert_eq!(cache.get(&sha256(b"two")), None);
    }

    #[test]
    fn a_damaged_moved_or_cut_file_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        let (key, other) = (sha256(b"one"), sha256(b"two"));
        cache.put(&key, &kept()).unwrap();
        let bytes = fs::read(cache.path(&key)).unwrap();
        fs::create_dir_all(cache.path(&other).parent().unwrap()).unwrap();
        fs::write(cache.path(&other), &bytes).unwrap();
        assert_eq!(cache.get(&other), None, "under another key");
        for cut in 0..bytes.len() {
            fs::write(cache.path(&key), &bytes[..cut]).unwrap();
            assert_eq!(cache.get(&key), None, "cut at {cut}");
        }
        let changed = String::from_utf8(bytes).unwrap().replace("500", "900");
        fs::write(cache.path(&key), changed).unwrap();
        assert_eq!(cache.get(&key), None, "a changed score");
    }
}
