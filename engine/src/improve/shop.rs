//! The folder of a run: the journal, every version as a folder, what was asked of the proposer, and a repository of all that was tried.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use skill_bundle::{
    hash::sha256,
    pack::{self, Packed},
};
use skill_schema::{Digest, Fault, Limits, codes, time::Timestamp};

use super::{
    Brief, Proposed,
    git::{Commit, Git, files_of},
};

/// The journal's file.
pub const JOURNAL: &str = "journal.jsonl";
/// The log for people and for autoresearch's tools.
pub const RESULTS: &str = "results.tsv";
/// The page.
pub const PAGE: &str = "report.html";
/// Bytes of a kept answer that are read.
const MAX_ANSWER: u64 = 1 << 20;

/// The folder.
#[derive(Debug, Clone)]
pub struct Shop {
    root: PathBuf,
    /// The last component of each version's folder: the skill's own, since its name must be that.
    leaf: String,
    repository: Git,
}

/// An edit that was made, kept so that a loop that was killed does not ask twice.
#[derive(Serialize, Deserialize)]
struct Kept {
    brief: Digest,
    #[serde(flatten)]
    proposed: Proposed,
}

impl Shop {
    /// The folder of a run on a skill whose folder is called `leaf`. `path` is where programs are looked for.
    pub fn at(root: &Path, leaf: &str, path: Option<&OsString>) -> Self {
        Self { root: root.to_owned(), leaf: leaf.to_owned(), repository: Git::at(&root.join("repository.git"), path) }
    }

    /// Makes the repository and copies the start.
    ///
    /// # Errors
    /// [`codes::GIT`], [`codes::IO`].
    pub fn begin(&self, start: &Packed, when: Timestamp) -> Result<String, Fault> {
        self.repository.init()?;
        self.write(0, start)?;
        self.commit(0, start, &[], when, "The start")
    }

    /// The folder of the run.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The repository of everything that was tried: `refs/tried/N`, and the branch.
    pub fn repository(&self) -> &Git {
        &self.repository
    }

    /// The folder of the version that an experiment made; 0 is the start.
    pub fn folder(&self, exp: u32) -> PathBuf {
        self.root.join("versions").join(format!("{exp:03}")).join(&self.leaf)
    }

    /// A folder of controls.
    pub fn control(&self, name: &str) -> PathBuf {
        self.root.join("controls").join(name).join(&self.leaf)
    }

    /// Packs a version.
    ///
    /// # Errors
    /// As packing a skill.
    pub fn pack(&self, exp: u32) -> Result<Packed, Fault> {
        pack::pack_dir(&self.folder(exp), &Limits::V1)
    }

    /// Writes the files of a version.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn write(&self, exp: u32, packed: &Packed) -> Result<(), Fault> {
        write_to(&self.folder(exp), packed)
    }

    /// Takes a version's folder away.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn clear(&self, exp: u32) -> Result<(), Fault> {
        let folder = self.root.join("versions").join(format!("{exp:03}"));
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(fault(&folder, &error)),
            _ => Ok(()),
        }
    }

    /// Commits what an experiment made.
    ///
    /// # Errors
    /// [`codes::GIT`].
    pub fn commit(
        &self,
        exp: u32,
        packed: &Packed,
        parents: &[String],
        when: Timestamp,
        message: &str,
    ) -> Result<String, Fault> {
        let reference = format!("refs/tried/{exp}");
        let files = files_of(packed);
        self.repository.commit(&Commit {
            reference: &reference,
            parents,
            when,
            message,
            prefix: "",
            removed: &[],
            files: &files,
        })
    }

    /// Writes the brief of an experiment, and says under which digest an answer to it is kept.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn ask(&self, brief: &Brief) -> Result<Digest, Fault> {
        let text = serde_json::to_vec_pretty(brief).unwrap_or_default();
        let digest = sha256(&text);
        self.put(&self.proposal(brief.experiment, "brief.json"), &text)?;
        Ok(digest)
    }

    /// The answer to this very brief, if it was given before and its folder is there.
    pub fn answered(&self, exp: u32, brief: Digest) -> Option<Proposed> {
        let path = self.proposal(exp, "answer.json");
        if fs::metadata(&path).ok()?.len() > MAX_ANSWER || !self.folder(exp).is_dir() {
            return None;
        }
        let kept: Kept = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        (kept.brief == brief).then_some(kept.proposed)
    }

    /// Keeps an answer.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn answer(&self, exp: u32, brief: Digest, proposed: &Proposed) -> Result<(), Fault> {
        let kept = Kept { brief, proposed: proposed.clone() };
        self.put(&self.proposal(exp, "answer.json"), &serde_json::to_vec(&kept).unwrap_or_default())
    }

    /// Keeps the patch of an experiment.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn patch(&self, exp: u32, patch: &str) -> Result<(), Fault> {
        self.put(&self.proposal(exp, "patch.diff"), patch.as_bytes())
    }

    fn proposal(&self, exp: u32, name: &str) -> PathBuf {
        self.root.join("proposals").join(format!("{exp:03}")).join(name)
    }

    /// Writes a file whole or not at all.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn put(&self, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
        let folder = path.parent().unwrap_or(&self.root);
        let written = fs::create_dir_all(folder).and_then(|()| {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            io::Write::write_all(&mut file, bytes)?;
            file.persist(path).map(drop).map_err(|e| e.error)
        });
        written.map_err(|e| fault(path, &e))
    }
}

/// Writes the files of a packed skill into a folder, which is made anew.
///
/// # Errors
/// [`codes::IO`].
pub fn write_to(folder: &Path, packed: &Packed) -> Result<(), Fault> {
    let write = || -> io::Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        for file in packed.package.files() {
            let path = folder.join(file.path);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(&path, file.content)?;
            if file.executable {
                executable(&path)?;
            }
        }
        Ok(())
    };
    write().map_err(|e| fault(folder, &e))
}

#[cfg(unix)]
fn executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn executable(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn fault(path: &Path, error: &io::Error) -> Fault {
    Fault::new(codes::IO).at(path.display().to_string()).detail(error.to_string())
}
