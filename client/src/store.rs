//! What is kept on this machine: skills by tree digest, statements by envelope digest, archives by their own.
//!
//! The store's content is addressed by what it is, so it is never changed, only added, repaired and collected.

mod seal;

use std::path::{Path, PathBuf};

use skill_bundle::{Package, extract, hash::sha256, tree};
use skill_schema::{Digest, Fault, Limits, codes};

use crate::{
    env::Env,
    files::{self, Durable, Mode},
};

/// The folders of the store.
#[derive(Debug, Clone)]
pub struct Store {
    skills: PathBuf,
    seals: PathBuf,
    statements: PathBuf,
    archives: PathBuf,
}

/// What the store holds for a tree digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Missing,
    /// The skill.
    Intact,
    /// A folder that is not the skill any more: somebody wrote into it, perhaps through a link.
    Damaged,
}

impl Store {
    /// The store of this user.
    pub fn new(env: &Env) -> Self {
        Self {
            skills: env.data_dir.join("store"),
            seals: env.data_dir.join("seals"),
            statements: env.data_dir.join("statements"),
            archives: env.cache_dir.join("archives"),
        }
    }

    /// Where the skills are.
    pub fn folder(&self) -> &Path {
        &self.skills
    }

    /// Where archives are kept.
    pub fn archives(&self) -> &Path {
        &self.archives
    }

    /// Where a skill is, or would be.
    pub fn path(&self, tree: &Digest) -> PathBuf {
        self.skills.join(tree.to_string())
    }

    /// Where an archive is, or would be.
    pub fn archive(&self, digest: &Digest) -> PathBuf {
        self.archives.join(format!("{digest}.tar.gz"))
    }

    /// The tree that a link's target names, if it leads into the store (whether or not anything is there).
    pub fn linked(&self, target: &Path) -> Option<Digest> {
        target.strip_prefix(&self.skills).ok()?.to_str()?.parse().ok()
    }

    /// Whether a link's target is named as a skill of some store is: `…/store/<tree digest>`.
    pub fn looks_like(target: &Path) -> bool {
        let is_tree =
            target.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.parse::<Digest>().is_ok());
        is_tree && target.parent().and_then(Path::file_name).is_some_and(|name| name == "store")
    }

    /// Whether a folder of this tree exists, unchecked.
    pub fn has(&self, tree: &Digest) -> bool {
        self.path(tree).is_dir()
    }

    /// What the store holds. Hashes only what [`seal`] cannot prove unchanged.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn state(&self, tree: &Digest) -> Result<State, Fault> {
        let path = self.path(tree);
        let Some(stamp) = seal::Stamp::of(&path)? else { return Ok(State::Missing) };
        if seal::holds(&self.seal(tree), &stamp)? {
            return Ok(State::Intact);
        }
        let state = self.hashed(tree)?;
        if state == State::Intact {
            seal::write(&self.seal(tree), &stamp)?;
        }
        Ok(state)
    }

    /// What the store holds, by hashing every byte: for `skill verify`.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn hashed(&self, tree: &Digest) -> Result<State, Fault> {
        let path = self.path(tree);
        if !path.is_dir() {
            return Ok(State::Missing);
        }
        match tree::digest_dir(&path) {
            Ok(found) if found == *tree => Ok(State::Intact),
            Err(fault) if fault.code == codes::IO => Err(fault),
            // Other files; or a link, device or odd name, which was not put there by us.
            _ => Ok(State::Damaged),
        }
    }

    /// Adds a skill, read-only. Does nothing if it is there; a damaged folder is moved aside, and its new place returned.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn add(&self, package: &Package) -> Result<Option<PathBuf>, Fault> {
        let tree = package.tree();
        files::make_folder(&self.skills, Mode::Normal)?;
        let aside = match self.state(&tree)? {
            State::Intact => return Ok(None),
            State::Missing => None,
            State::Damaged => Some(self.move_aside(&tree)?),
        };
        match extract::extract_with(package, &self.skills, &tree.to_string(), extract::Access::ReadOnly) {
            // Somebody else was faster, with the same content.
            Err(fault) if fault.code == codes::EXISTS => {}
            other => other?,
        }
        if let Some(stamp) = seal::Stamp::of(&self.path(&tree))? {
            seal::write(&self.seal(&tree), &stamp)?;
        }
        Ok(aside)
    }

    fn move_aside(&self, tree: &Digest) -> Result<PathBuf, Fault> {
        let from = self.path(tree);
        let to = (1..u32::MAX)
            .map(|n| self.skills.join(format!("changed-{}-{n}", tree.short())))
            .find(|path| !path.exists())
            .unwrap_or_else(|| self.skills.join("changed"));
        std::fs::rename(&from, &to).map_err(|e| files::fault(&from, &e))?;
        Ok(to)
    }

    fn seal(&self, tree: &Digest) -> PathBuf {
        self.seals.join(tree.to_string())
    }

    /// Removes a skill and its seal.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn remove(&self, tree: &Digest) -> Result<(), Fault> {
        let path = self.path(tree);
        // Renamed first, so that nobody sees it half gone.
        let gone = self.skills.join(format!("{}{tree}", files::TEMPORARY));
        std::fs::rename(&path, &gone).map_err(|e| files::fault(&path, &e))?;
        std::fs::remove_dir_all(&gone).map_err(|e| files::fault(&gone, &e))?;
        let _ = std::fs::remove_file(self.seal(tree)); // without its skill a seal proves nothing
        Ok(())
    }

    /// All trees in the store, sorted.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn trees(&self) -> Result<Vec<Digest>, Fault> {
        Ok(names(&self.skills)?.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// The envelope of a statement, if it is here and is what its name says.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn statement(&self, digest: &Digest) -> Result<Option<Vec<u8>>, Fault> {
        let bytes = files::read(&self.statements.join(format!("{digest}.json")), Limits::V1.envelope)?;
        Ok(bytes.filter(|bytes| sha256(bytes) == *digest))
    }

    /// Keeps an envelope.
    ///
    /// # Errors
    /// [`codes::IO`].
    pub fn put_statement(&self, digest: &Digest, bytes: &[u8]) -> Result<(), Fault> {
        files::replace(&self.statements.join(format!("{digest}.json")), bytes, Mode::Normal, Durable::No)
    }
}

/// The names in a folder, sorted; none if it does not exist.
///
/// # Errors
/// [`codes::IO`].
pub fn names(folder: &Path) -> Result<Vec<String>, Fault> {
    let items = match std::fs::read_dir(folder) {
        Ok(items) => items,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(files::fault(folder, &e)),
    };
    let mut names: Vec<String> = items.filter_map(|item| item.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use skill_bundle::archive::{self, File};

    use super::*;

    fn package() -> Package {
        let files = [
            File { path: "SKILL.md", content: b"text", executable: false },
            File { path: "a/b.txt", content: b"more", executable: false },
        ];
        let bytes = archive::gzip(&archive::encode(files).expect("a tar")).expect("a gzip");
        Package::open(bytes, &Limits::V1).expect("a package")
    }

    #[test]
    fn a_skill_is_added_once_and_a_change_is_noticed_and_repaired() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let env = Env { data_dir: dir.path().join("data"), cache_dir: dir.path().join("cache"), ..Env::default() };
        let (store, package) = (Store::new(&env), package());
        let tree = package.tree();
        assert_eq!(store.state(&tree), Ok(State::Missing));
        assert_eq!(store.add(&package), Ok(None));
        assert_eq!(store.add(&package), Ok(None));
        assert_eq!(store.state(&tree), Ok(State::Intact));
        let file = store.path(&tree).join("a/b.txt");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("writable");
        std::fs::write(&file, "MORE").expect("written");
        assert_eq!(store.state(&tree), Ok(State::Damaged));
        let aside = store.add(&package).expect("repaired").expect("moved aside");
        assert_eq!(std::fs::read(aside.join("a/b.txt")).expect("kept"), b"MORE");
        assert_eq!((store.state(&tree), store.trees()), (Ok(State::Intact), Ok(vec![tree])));
        store.remove(&tree).expect("removed");
        assert_eq!(store.state(&tree), Ok(State::Missing));
    }

    #[test]
    fn only_links_into_the_store_are_ours() {
        let env = Env { data_dir: "/d".into(), ..Env::default() };
        let (store, tree) = (Store::new(&env), Digest([7; 32]));
        assert_eq!(store.linked(&store.path(&tree)), Some(tree));
        for other in ["/d/store", "/d/store/x", &format!("/e/store/{tree}"), &format!("/d/store/{tree}/a")] {
            assert_eq!(store.linked(Path::new(other)), None, "{other}");
        }
    }
}
