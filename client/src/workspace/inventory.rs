//! What we put into agents' folders, and where: so that what is no longer wanted can be found and removed, also after a project
//! changed its agents or an install was killed half way. Written before anything is placed (with old and new entries) and after.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use skill_schema::{Digest, Fault, codes};

use crate::files::{self, Durable, Mode};

/// Bytes of the file.
const MAX_FILE: usize = 16 * 1024 * 1024;

/// The entries of one project.
#[derive(Debug, Clone)]
pub struct Inventory {
    path: PathBuf,
    root: PathBuf,
    /// The entries, sorted.
    entries: Vec<Placed>,
}

/// One entry of an agent's folder that we made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Placed {
    /// The link or folder.
    pub path: PathBuf,
    /// What it holds.
    pub tree: Digest,
}

#[derive(Serialize, Deserialize)]
struct Document {
    v: u64,
    root: PathBuf,
    entries: Vec<Placed>,
}

impl Inventory {
    /// Reads the file; empty if there is none.
    ///
    /// # Errors
    /// [`codes::IO`] if it cannot be read or understood.
    pub fn read(path: &Path, root: &Path) -> Result<Self, Fault> {
        let (root, entries) = match files::read(path, MAX_FILE)? {
            None => (root.to_path_buf(), Vec::new()),
            Some(bytes) => {
                let document: Document = serde_json::from_slice(&bytes)
                    .map_err(|e| Fault::new(codes::IO).at(path.display().to_string()).detail(e.to_string()))?;
                (document.root, document.entries)
            }
        };
        Ok(Self { path: path.to_path_buf(), root, entries })
    }

    /// The folder of the project.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What we put there.
    pub fn entries(&self) -> &[Placed] {
        &self.entries
    }

    /// Records entries in place of the present ones; writes only if something changes.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn save(&mut self, mut entries: Vec<Placed>) -> Result<(), Fault> {
        entries.sort();
        entries.dedup();
        if entries == self.entries {
            return Ok(());
        }
        let document = Document { v: 1, root: self.root.clone(), entries };
        let json = serde_json::to_vec(&document).map_err(|e| Fault::new(codes::IO).detail(e.to_string()))?;
        files::replace(&self.path, &json, Mode::Normal, Durable::Yes)?;
        self.entries = document.entries;
        Ok(())
    }
}
