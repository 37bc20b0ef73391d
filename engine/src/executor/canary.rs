//! Canaries: random text in places where no run may look. A run that shows one has seen more than its own folders.
//!
//! Where a canary stands nobody but an executor that left its sandbox reads it, so it changes no transcript but that of a run
//! that is void anyway. It is no part of any key.

use std::{
    fs::{self, File, TryLockError},
    io::Write as _,
    path::Path,
};

use skill_schema::{Fault, codes};
use tempfile::NamedTempFile;

/// How the names of its files begin.
const PREFIX: &str = "canary-";

/// Files of a folder that are looked at for what dead evals left; a folder of ours never has so many.
const MAX_LEFT: usize = 100_000;

/// The canary of one eval, and the files that hold it. The files go with the value.
#[derive(Debug)]
pub struct Canary {
    text: String,
    /// Locked as long as this lives, so that nobody takes them for left behind.
    files: Vec<NamedTempFile>,
}

impl Canary {
    /// A canary from random bytes.
    pub fn new(random: [u8; 16]) -> Self {
        Self { text: format!("skill-canary-{}", hex::encode(random)), files: Vec::new() }
    }

    /// The text that must not turn up in any run.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Puts the canary into a folder, which is made if it is missing, and removes those of evals that were killed.
    ///
    /// # Errors
    /// `E_IO` if the folder cannot be written.
    pub fn plant(&mut self, folder: &Path) -> Result<(), Fault> {
        let fault = |e: std::io::Error| Fault::new(codes::IO).at(folder.display().to_string()).detail(e.to_string());
        fs::create_dir_all(folder).map_err(fault)?;
        remove_left(folder);
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(".txt");
        // As readable as what lies beside it: an executor of another user that reads that must read this.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        let mut file = builder.tempfile_in(folder).map_err(fault)?;
        // Where a file cannot be locked the worst is that another eval removes it.
        let _ = file.as_file().try_lock();
        file.write_all(content(&self.text).as_bytes()).map_err(fault)?;
        self.files.push(file);
        Ok(())
    }
}

/// What a file with a canary holds.
pub(super) fn content(text: &str) -> String {
    format!("No run of skill eval can read this file. One whose answer shows the next line is void.\n{text}\n")
}

/// Removes the files of evals that live no more: nobody holds their lock.
fn remove_left(folder: &Path) {
    let Ok(entries) = folder.read_dir() else { return };
    for entry in entries.flatten().take(MAX_LEFT) {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let path = entry.path();
        if let Ok(file) = File::open(&path)
            && !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
        {
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_canary_stands_in_its_folders_as_long_as_it_lives() {
        let home = tempfile::tempdir().unwrap();
        let mut canary = Canary::new([7; 16]);
        assert!(canary.text().len() > 32 && canary.text() != Canary::new([8; 16]).text());
        for folder in ["a", "b/c"] {
            canary.plant(&home.path().join(folder)).unwrap();
            let file = fs::read_dir(home.path().join(folder)).unwrap().next().unwrap().unwrap();
            assert!(fs::read_to_string(file.path()).unwrap().contains(canary.text()));
        }
        drop(canary);
        assert_eq!((names(&home.path().join("a")), names(&home.path().join("b/c"))), (0, 0));
    }

    #[test]
    fn what_a_killed_eval_left_is_removed_and_what_is_not_ours_stays() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("canary-1.txt"), "left").unwrap();
        fs::write(home.path().join("record.json"), "{}").unwrap();
        let alive = File::create(home.path().join("canary-2.txt")).unwrap();
        alive.try_lock().unwrap();
        let mut canary = Canary::new([1; 16]);
        canary.plant(home.path()).unwrap();
        assert!(!home.path().join("canary-1.txt").exists());
        assert!(home.path().join("canary-2.txt").exists() && home.path().join("record.json").exists());
        assert!(canary.plant(&home.path().join("record.json")).is_err(), "no folder");
    }
}
