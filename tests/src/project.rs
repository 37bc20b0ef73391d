//! A project folder in which a person runs commands.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{Outcome, Person, run};

/// A project of a person: a folder, and the person's `skill` run in it.
#[derive(Debug)]
pub struct Project<'p> {
    /// Whose it is.
    pub person: &'p Person,
    /// Its folder.
    pub folder: PathBuf,
}

impl Project<'_> {
    /// Runs `skill` with these arguments in the project.
    pub fn skill(&self, args: &[&str]) -> Outcome {
        self.person.skill_in(&self.folder, args)
    }

    /// A path below the project.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Writes a file.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.path(path);
        fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
        fs::write(file, text).expect("a file");
    }

    /// Reads a file.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// Whether there is something at the path (a broken link counts as nothing).
    pub fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Everything in it, to compare with later.
    pub fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        run::contents(&self.folder)
    }

    /// The files of an installed skill, as the agent that reads this folder sees them.
    pub fn installed(&self, agents_folder: &str, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let folder = self.path(agents_folder).join(name);
        run::contents(&fs::canonicalize(folder).unwrap_or_else(|_| Path::new("/nonexistent").to_owned()))
    }
}
