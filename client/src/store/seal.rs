//! Proof by `stat` that a folder has not changed since it was hashed.
//!
//! A stamp is a digest over path, kind, mode, size, inode, modification and change time of everything in a folder. The change time
//! (`ctime`) is set by the kernel at every change of content or metadata, and no program can set it, so an equal stamp means equal
//! content, but for one gap: a change within the clock's granularity of the last one before the stamp was taken. A seal therefore
//! counts only if the seal file itself is clearly younger than every change time in the folder (git's "racily clean" rule). What is
//! not proved is hashed. `skill verify` does not use seals: whoever can write here could write seals too.

use std::{fmt::Write, fs, os::unix::fs::MetadataExt, path::Path};

use skill_bundle::hash::sha256;
use skill_schema::Fault;

use crate::files::{self, Durable, Mode};

/// How much younger than the last change a seal must be, in nanoseconds: ten times the coarsest usual clock tick (10 ms).
const MARGIN: i128 = 100_000_000;
/// Bytes of a seal.
const MAX_SEAL: usize = 64;
const NANOS: i128 = 1_000_000_000;

/// What `stat` says of a folder.
pub(super) struct Stamp {
    text: String,
    last_change: i128,
}

impl Stamp {
    /// Takes the stamp of a folder; `None` if there is none.
    pub(super) fn of(folder: &Path) -> Result<Option<Self>, Fault> {
        if !folder.is_dir() {
            return Ok(None);
        }
        let mut stamp = Self { text: String::new(), last_change: 0 };
        stamp.add(folder, "")?;
        stamp.text = sha256(stamp.text.as_bytes()).to_string();
        Ok(Some(stamp))
    }

    fn add(&mut self, path: &Path, name: &str) -> Result<(), Fault> {
        let io = |e: std::io::Error| files::fault(path, &e);
        let m = fs::symlink_metadata(path).map_err(io)?;
        let change = i128::from(m.ctime()) * NANOS + i128::from(m.ctime_nsec());
        self.last_change = self.last_change.max(change);
        let facts = [u64::from(m.mode()), m.size(), m.ino(), m.dev()];
        // Writing into a String cannot fail.
        let _ = writeln!(self.text, "{facts:?} {} {} {change} {name:?}", m.mtime(), m.mtime_nsec());
        if m.is_dir() {
            let mut items: Vec<_> = fs::read_dir(path).and_then(Iterator::collect).map_err(io)?;
            items.sort_by_key(fs::DirEntry::file_name);
            for item in items {
                self.add(&item.path(), &format!("{name}/{}", item.file_name().display()))?;
            }
        }
        Ok(())
    }
}

/// Whether a seal proves this stamp.
pub(super) fn holds(seal: &Path, stamp: &Stamp) -> Result<bool, Fault> {
    let Some(text) = files::read_text(seal, MAX_SEAL)? else { return Ok(false) };
    if text != stamp.text {
        return Ok(false);
    }
    let m = fs::metadata(seal).map_err(|e| files::fault(seal, &e))?;
    Ok(i128::from(m.mtime()) * NANOS + i128::from(m.mtime_nsec()) > stamp.last_change + MARGIN)
}

/// Seals a stamp that was taken before the folder was hashed and found right.
pub(super) fn write(seal: &Path, stamp: &Stamp) -> Result<(), Fault> {
    files::replace(seal, stamp.text.as_bytes(), Mode::Normal, Durable::No)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_seal_holds_until_something_changes_and_not_right_after_a_change() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (folder, seal) = (dir.path().join("f"), dir.path().join("s"));
        assert!(Stamp::of(&folder).expect("readable").is_none());
        fs::create_dir(&folder).expect("folder");
        fs::write(folder.join("a"), "1").expect("written");
        let now = || Stamp::of(&folder).expect("readable").expect("there");
        write(&seal, &now()).expect("sealed");
        assert!(!holds(&seal, &now()).expect("readable"), "too fresh to prove anything");
        std::thread::sleep(Duration::from_millis(150));
        write(&seal, &now()).expect("sealed");
        assert!(holds(&seal, &now()).expect("readable"));
        let old = fs::metadata(folder.join("a")).expect("file").modified().expect("time");
        fs::write(folder.join("a"), "2").expect("written");
        let file = fs::File::options().write(true).open(folder.join("a")).expect("file");
        file.set_modified(old).expect("time set back");
        assert!(!holds(&seal, &now()).expect("readable"), "same size and modification time, other content");
    }
}
