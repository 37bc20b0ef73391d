//! Evaluated prefixes on disk: the attention state of a prefix, so that the next run of the same skill evaluates none.
//!
//! A file is named by what it is the state of (model, build, layout, tokens) and by the digest of its own bytes, which are
//! compared before llama.cpp reads them: a file that was cut off or changed is dropped.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::llama::{Context, Seq, Token};

/// The ending of files that are ours, so that nothing else in the folder is ever removed.
const ENDING: &str = ".prefix";

/// A folder of kept prefixes.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    limit: u64,
    /// Digest of the model, build and layout.
    scope: Vec<u8>,
}

impl Cache {
    /// A folder that holds `limit` bytes at most. `scope` names everything beside the tokens that the state depends on.
    pub fn new(folder: PathBuf, limit: u64, scope: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        for part in scope {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Self { folder, limit, scope: hasher.finalize().to_vec() }
    }

    /// Fills an empty sequence with the state of these tokens, if it was kept.
    pub fn restore(&self, context: &mut Context, seq: Seq, tokens: &[Token]) -> bool {
        let key = self.key(tokens);
        let Some((path, digest)) = self.find(&key) else { return false };
        let intact = hash(&path).is_ok_and(|found| found == digest);
        if intact && context.restore(seq, tokens, &path) {
            touch(&path);
            return true;
        }
        drop(fs::remove_file(&path));
        false
    }

    /// Keeps the state of a sequence that holds exactly these tokens. What cannot be kept is not: it is only a saving.
    pub fn keep(&self, context: &mut Context, seq: Seq, tokens: &[Token]) {
        if self.limit == 0 {
            return;
        }
        let key = self.key(tokens);
        if self.find(&key).is_some() {
            return;
        }
        let temporary = self.folder.join(format!("{key}.{}.new", std::process::id()));
        let kept = context.save(seq, tokens, &temporary).is_ok() && self.place(&key, &temporary).is_ok();
        if !kept {
            drop(fs::remove_file(&temporary));
        }
    }

    fn place(&self, key: &str, temporary: &Path) -> io::Result<()> {
        let size = fs::metadata(temporary)?.len();
        if size > self.limit {
            return Err(io::Error::other("larger than the limit"));
        }
        self.shrink(self.limit - size)?;
        let digest = hash(temporary)?;
        fs::rename(temporary, self.folder.join(format!("{key}.{digest}{ENDING}")))
    }

    /// Removes the files that were used longest ago until the others are at most this many bytes.
    fn shrink(&self, limit: u64) -> io::Result<()> {
        let mut files: Vec<_> = self
            .files()?
            .filter_map(|path| {
                let about = fs::metadata(&path).ok()?;
                Some((about.modified().ok()?, about.len(), path))
            })
            .collect();
        files.sort();
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in files {
            if total <= limit {
                break;
            }
            fs::remove_file(path)?;
            total -= size;
        }
        Ok(())
    }

    fn files(&self) -> io::Result<impl Iterator<Item = PathBuf>> {
        let ours = |path: &PathBuf| path.to_str().is_some_and(|path| path.ends_with(ENDING));
        Ok(fs::read_dir(&self.folder)?.filter_map(|entry| Some(entry.ok()?.path())).filter(ours))
    }

    fn find(&self, key: &str) -> Option<(PathBuf, String)> {
        self.files().ok()?.find_map(|path| {
            let name = path.file_name()?.to_str()?;
            let digest = name.strip_prefix(key)?.strip_prefix('.')?.strip_suffix(ENDING)?.to_owned();
            Some((path, digest))
        })
    }

    fn key(&self, tokens: &[Token]) -> String {
        let mut hasher = Sha256::new();
        hasher.update(&self.scope);
        for token in tokens {
            hasher.update(token.to_le_bytes());
        }
        hex::encode(hasher.finalize())
    }
}

/// SHA-256 of a file, in hex.
pub fn hash(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut file = fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}

/// Makes a file the one used last.
fn touch(path: &Path) {
    #[cfg(unix)]
    {
        use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let _ = utimensat(CWD, path, &Timestamps { last_access: now, last_modification: now }, AtFlags::empty());
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_folder_loses_what_was_used_longest_ago() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(folder.path().to_owned(), 100, &["model"]);
        let write = |name: &str| fs::write(folder.path().join(name), [0; 40]).expect("written");
        for name in ["a.1.prefix", "b.1.prefix", "other.txt"] {
            write(name);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        touch(&folder.path().join("a.1.prefix"));
        write("new");
        cache.place("c", &folder.path().join("new")).expect("placed");
        let mut left: Vec<_> =
            cache.files().expect("a folder").map(|path| path.file_name().expect("a name").to_owned()).collect();
        left.sort();
        assert_eq!(left.len(), 2, "{left:?}");
        assert_eq!(left[0], "a.1.prefix");
        assert!(folder.path().join("other.txt").exists());
        assert_eq!(cache.find("c").map(|(_, digest)| digest.len()), Some(64));
    }

    #[test]
    fn everything_that_the_state_depends_on_is_in_the_name() {
        let key = |scope: &[&str], tokens: &[Token]| Cache::new(PathBuf::new(), 1, scope).key(tokens);
        let one = key(&["ab", "c"], &[1, 2]);
        assert_eq!(one, key(&["ab", "c"], &[1, 2]));
        for other in [key(&["a", "bc"], &[1, 2]), key(&["ab", "d"], &[1, 2]), key(&["ab", "c"], &[1])] {
            assert_ne!(one, other);
        }
    }
}
