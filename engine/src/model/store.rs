//! The models of this machine, each a file named by the SHA-256 of its bytes, with what is known about it beside it.
//!
//! ```text
//! <folder>/<sha256>.gguf    the weights, never changed
//! <folder>/<sha256>.json    name, source, what its header says
//! <folder>/<sha256>.part    what is there of a download
//! ```

mod pull;

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use skill_bundle::hash::Hasher;
use skill_schema::Digest;

use super::{
    EngineError,
    gguf::{self, About},
};

/// Bytes of a model at most, unless the caller knows better: the largest that one machine runs.
pub const MAX_MODEL: u64 = 512 * 1024 * 1024 * 1024;
/// Bytes of what is known about a model at most.
const MAX_INFO: u64 = 64 * 1024;
/// Hex digits of a digest by which a model may be named at least.
const MIN_DIGITS: usize = 6;

/// A folder of models.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    limit: u64,
}

/// One model of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// SHA-256 of its file.
    pub sha256: Digest,
    /// The name by which it is asked for.
    pub name: String,
    /// Where it came from: an address, or a file's name.
    pub source: String,
    /// Bytes of its file.
    pub bytes: u64,
    /// What it says about itself.
    pub about: About,
}

type Result<T> = std::result::Result<T, EngineError>;

impl Store {
    /// The store in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if it cannot be made.
    pub fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|e| about(folder, &e))?;
        Ok(Self { folder: folder.to_owned(), limit: MAX_MODEL })
    }

    /// The same with another limit for the bytes of a model.
    #[must_use]
    pub fn with_limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// All models, by name.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if the folder cannot be read. A model about which nothing can be read is left out.
    pub fn list(&self) -> Result<Vec<Info>> {
        let entries = fs::read_dir(&self.folder).map_err(|e| about(&self.folder, &e))?;
        let infos = entries.filter_map(|entry| {
            let path = entry.ok()?.path();
            let digest: Digest = path.file_name()?.to_str()?.strip_suffix(".json")?.parse().ok()?;
            self.info(&digest)
        });
        let mut infos: Vec<Info> = infos.collect();
        infos.sort_by(|a, b| (&a.name, a.sha256).cmp(&(&b.name, b.sha256)));
        Ok(infos)
    }

    /// The model with this name, or whose digest begins with these (at least six) hex digits.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if there is none, or more than one.
    pub fn find(&self, wanted: &str) -> Result<Info> {
        let wanted = wanted.strip_prefix("sha256:").unwrap_or(wanted);
        let is_digest = wanted.len() >= MIN_DIGITS && wanted.bytes().all(|b| b.is_ascii_hexdigit());
        let mut all = self.list()?;
        let names: Vec<String> = all.iter().map(|info| info.name.clone()).collect();
        all.retain(|info| info.name == wanted || (is_digest && info.sha256.to_string().starts_with(wanted)));
        match all.len() {
            1 => Ok(all.remove(0)),
            0 if names.is_empty() => Err(EngineError::Refused(format!("no model {wanted:?}: none is installed"))),
            0 => Err(EngineError::Refused(format!("no model {wanted:?}; there are {}", names.join(", ")))),
            count => Err(EngineError::Refused(format!("{wanted:?} may be any of {count} models: use its digest"))),
        }
    }

    /// The file of a model.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{digest}.gguf"))
    }

    /// Copies a file into the store. An empty name becomes the file's own without its ending.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if it is no GGUF, is larger than the limit, or has another digest than expected.
    pub fn add_file(&self, path: &Path, name: &str, expected: Option<&Digest>) -> Result<Info> {
        let mut from = fs::File::open(path).map_err(|e| about(path, &e))?;
        let mut temporary = tempfile::NamedTempFile::new_in(&self.folder).map_err(|e| about(&self.folder, &e))?;
        let digest = copy(&mut from, temporary.as_file_mut(), self.limit).map_err(|e| about(path, &e))?;
        if let Some(expected) = expected.filter(|expected| **expected != digest) {
            return Err(EngineError::Refused(format!("{}: its SHA-256 is {digest}, not {expected}", path.display())));
        }
        let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = if name.is_empty() { file_name.trim_end_matches(".gguf") } else { name };
        self.place(temporary.into_temp_path(), &digest, name, &file_name)
    }

    /// Removes a model.
    ///
    /// # Errors
    /// [`EngineError::Refused`] if it cannot be removed.
    pub fn remove(&self, digest: &Digest) -> Result<()> {
        for path in [self.info_path(digest), self.path(digest)] {
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(about(&path, &e)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Gives a complete file its place: first the weights, then what is known, which makes it appear.
    fn place(&self, file: tempfile::TempPath, digest: &Digest, name: &str, source: &str) -> Result<Info> {
        let header = fs::File::open(&file).map_err(|e| about(&file, &e))?;
        let bytes = header.metadata().map_err(|e| about(&file, &e))?.len();
        let said = gguf::read(io::BufReader::new(header)).map_err(|e| EngineError::Refused(e.to_string()))?;
        let info = Info { sha256: *digest, name: name.to_owned(), source: source.to_owned(), bytes, about: said };
        let path = self.path(digest);
        file.persist(&path).map_err(|e| about(&path, &e.error))?;
        let mut temporary = tempfile::NamedTempFile::new_in(&self.folder).map_err(|e| about(&self.folder, &e))?;
        let json = serde_json::to_vec_pretty(&info).map_err(|e| EngineError::Refused(e.to_string()))?;
        temporary.write_all(&json).map_err(|e| about(&self.folder, &e))?;
        temporary.persist(self.info_path(digest)).map_err(|e| about(&self.folder, &e.error))?;
        Ok(info)
    }

    fn info(&self, digest: &Digest) -> Option<Info> {
        let mut text = String::new();
        fs::File::open(self.info_path(digest)).ok()?.take(MAX_INFO).read_to_string(&mut text).ok()?;
        let info: Info = serde_json::from_str(&text).ok()?;
        let size = fs::metadata(self.path(digest)).ok()?.len();
        (info.sha256 == *digest && size == info.bytes).then_some(info)
    }

    fn info_path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{digest}.json"))
    }
}

/// A fault with a file.
fn about(path: &Path, error: &io::Error) -> EngineError {
    EngineError::Refused(format!("{}: {error}", path.display()))
}

/// Copies up to a limit, and hashes.
fn copy(from: &mut impl Read, to: &mut impl Write, limit: u64) -> io::Result<Digest> {
    let (mut hasher, mut total) = (Hasher::new(), 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.finish());
        }
        total += count as u64;
        if total > limit {
            return Err(io::Error::other(format!("more than {limit} bytes")));
        }
        hasher.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::gguf::tests::header;

    #[test]
    fn a_model_is_found_by_name_and_by_digest() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("models")).expect("a store");
        let file = folder.path().join("tiny.gguf");
        fs::write(&file, header("Tiny")).expect("written");
        assert!(store.find("tiny").is_err_and(|e| e.to_string().contains("none is installed")));
        let info = store.add_file(&file, "", None).expect("added");
        assert_eq!((info.name.as_str(), info.about.name.as_str()), ("tiny", "Tiny"));
        assert_eq!(fs::read(store.path(&info.sha256)).expect("there"), header("Tiny"));
        let digest = info.sha256.to_string();
        for wanted in ["tiny", &digest, &digest[..6], &format!("sha256:{digest}")] {
            assert_eq!(store.find(wanted).expect("found"), info, "{wanted}");
        }
        assert!(store.find(&digest[..5]).is_err());
        assert!(store.find("other").is_err_and(|e| e.to_string().contains("tiny")));
        store.remove(&info.sha256).expect("removed");
        assert_eq!(store.list(), Ok(vec![]));
        store.remove(&info.sha256).expect("removing twice is removing");
    }

    #[test]
    fn what_is_not_as_expected_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("models")).expect("a store");
        let file = folder.path().join("m.gguf");
        fs::write(&file, header("m")).expect("written");
        let size = header("m").len() as u64;
        assert!(store.add_file(&file, "", Some(&Digest::ZERO)).is_err());
        assert!(store.clone().with_limit(size - 1).add_file(&file, "", None).is_err());
        fs::write(folder.path().join("text.gguf"), "no model").expect("written");
        assert!(store.add_file(&folder.path().join("text.gguf"), "", None).is_err());
        assert_eq!(fs::read_dir(folder.path().join("models")).expect("a folder").count(), 0);
        assert!(store.with_limit(size).add_file(&file, "", None).is_ok());
    }
}
