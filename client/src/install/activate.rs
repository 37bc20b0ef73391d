//! Places skills in agents' folders: links into the store, or copies. Each entry changes by one rename, so that an agent sees the
//! old skill or the new one; nothing that we did not put there is ever lost.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use skill_bundle::tree;
use skill_schema::{Digest, Fault, SkillId, Version, codes};

use super::Desired;
use crate::{
    context::Context,
    files::{self, Mode},
    store::Store,
    workspace::Workspace,
};

/// How the names of entries in the making start. They stand beside the agent's folder and not in it, where an agent could read them.
const MAKING: &str = ".skill-new-";
/// How the names start under which entries are swapped: whole, and after the swap what was there before.
const SWAPPING: &str = ".skill-old-";

/// What is at an entry of an agent's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Absent,
    /// A link into the store.
    Link(Digest),
    /// A link into another store: of a colleague who committed it, or of this one before it moved. There is nothing to lose in it.
    Elsewhere,
    /// An unchanged copy of a skill that we know.
    Copy(Digest),
    /// A copy that we made, changed since.
    Changed,
    /// Something that we did not make.
    Foreign,
}

/// What is done to one entry.
#[derive(Debug, Clone)]
pub struct Step {
    /// The entry.
    pub entry: PathBuf,
    /// What was there.
    pub found: Found,
    /// What is to be there; `None` to remove it.
    pub target: Option<Target>,
    /// Where what was there is kept, if it was not ours to throw away.
    pub kept: Option<PathBuf>,
    force: bool,
}

/// What is to be at an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The skill.
    pub id: SkillId,
    /// Its version.
    pub version: Version,
    /// Its tree.
    pub tree: Digest,
    /// A copy rather than a link.
    pub copy: bool,
}

impl Step {
    /// Whether everything is as it should be.
    pub fn is_noop(&self) -> bool {
        match &self.target {
            Some(target) => self.found == target.as_found(),
            None => matches!(self.found, Found::Absent | Found::Elsewhere | Found::Foreign) || self.kept_changed(),
        }
    }

    /// Whether an entry that is no longer wanted stays because somebody changed it.
    fn kept_changed(&self) -> bool {
        self.target.is_none() && self.found == Found::Changed && !self.force
    }
}

impl Target {
    fn as_found(&self) -> Found {
        if self.copy { Found::Copy(self.tree) } else { Found::Link(self.tree) }
    }
}

/// Looks at every entry and decides what to do. Nothing is written.
///
/// # Errors
/// [`codes::FOREIGN_FOLDER`] and [`codes::MODIFIED`], unless `force`.
pub(super) fn plan(store: &Store, workspace: &Workspace, desired: &[Desired], force: bool) -> Result<Vec<Step>, Fault> {
    let mut known: BTreeSet<Digest> = workspace.locked().map(|locked| locked.tree).collect();
    known.extend(desired.iter().map(|d| d.locked.tree));
    known.extend(workspace.inventory.entries().iter().map(|placed| placed.tree));
    let placed: BTreeSet<&Path> = workspace.inventory.entries().iter().map(|placed| placed.path.as_path()).collect();
    let mut steps = Vec::new();
    for d in desired {
        let locked = &d.locked;
        let target =
            Target { id: locked.name.clone(), version: locked.version.clone(), tree: locked.tree, copy: d.copy };
        let found = look(store, &known, &d.entry, placed.contains(d.entry.as_path()))?;
        let code = match found {
            Found::Foreign => Some(codes::FOREIGN_FOLDER),
            Found::Changed => Some(codes::MODIFIED),
            _ => None,
        };
        if let Some(code) = code.filter(|_| !force) {
            return Err(Fault::new(code).at(d.entry.display().to_string()).detail(locked.name.to_string()));
        }
        steps.push(Step { entry: d.entry.clone(), found, target: Some(target), kept: None, force });
    }
    let wanted: BTreeSet<&Path> = desired.iter().map(|d| d.entry.as_path()).collect();
    for placed in workspace.inventory.entries().iter().filter(|placed| !wanted.contains(placed.path.as_path())) {
        let found = match look(store, &known, &placed.path, true)? {
            // Another project put something else there since.
            Found::Link(tree) if tree != placed.tree => Found::Foreign,
            found => found,
        };
        steps.push(Step { entry: placed.path.clone(), found, target: None, kept: None, force });
    }
    Ok(steps)
}

/// What is at an entry now.
///
/// # Errors
/// [`codes::IO`].
pub(crate) fn look(store: &Store, known: &BTreeSet<Digest>, entry: &Path, ours: bool) -> Result<Found, Fault> {
    let io = |e: io::Error| files::fault(entry, &e);
    let metadata = match fs::symlink_metadata(entry) {
        Ok(metadata) => metadata,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Found::Absent);
        }
        Err(e) => return Err(io(e)),
    };
    if metadata.is_symlink() {
        let target = fs::read_link(entry).map_err(io)?;
        return Ok(match store.linked(&target) {
            Some(tree) => Found::Link(tree),
            None if Store::looks_like(&target) => Found::Elsewhere,
            None => Found::Foreign,
        });
    }
    let other = if ours { Found::Changed } else { Found::Foreign };
    if !metadata.is_dir() {
        return Ok(other);
    }
    match tree::digest_dir(entry) {
        Ok(tree) if known.contains(&tree) || store.has(&tree) => Ok(Found::Copy(tree)),
        Err(fault) if fault.code == codes::IO => Err(fault),
        _ => Ok(other),
    }
}

/// Does what was planned. The store holds every target.
///
/// # Errors
/// [`codes::IO`]; [`codes::FOREIGN_FOLDER`] if something appeared in the meantime.
pub(super) fn apply(context: &Context, store: &Store, steps: &mut [Step]) -> Result<(), Fault> {
    for step in steps.iter_mut() {
        let place = Place::of(step)?;
        place.tidy(store)?;
        if step.kept_changed() {
            let entry = step.entry.display();
            context.output.warn(format!("{entry} was changed and is kept; it is no longer managed by skill"));
        }
        if step.is_noop() {
            continue;
        }
        files::make_folder(&place.folder, Mode::Normal)?;
        match &step.target {
            Some(target) => place.put(store, step, target)?,
            None => rename(&step.entry, &place.swapping)?,
        }
        step.kept = place.dispose(store, step)?;
    }
    Ok(())
}

/// The names around an entry.
struct Place {
    folder: PathBuf,
    name: String,
    making: PathBuf,
    swapping: PathBuf,
}

impl Place {
    fn of(step: &Step) -> Result<Self, Fault> {
        let nowhere = || Fault::new(codes::IO).at(step.entry.display().to_string()).detail("it is in no folder");
        let folder = step.entry.parent().ok_or_else(nowhere)?;
        let name = step.entry.file_name().ok_or_else(nowhere)?.display().to_string();
        let beside = folder.parent().unwrap_or(folder);
        Ok(Self {
            folder: folder.to_path_buf(),
            making: beside.join(format!("{MAKING}{name}")),
            swapping: beside.join(format!("{SWAPPING}{name}")),
            name,
        })
    }

    /// Clears what a killed run left: what was being made is worth nothing, what was being swapped may be somebody's work.
    fn tidy(&self, store: &Store) -> Result<(), Fault> {
        remove(&self.making)?;
        match look(store, &BTreeSet::new(), &self.swapping, false)? {
            Found::Absent => Ok(()),
            Found::Link(_) | Found::Elsewhere | Found::Copy(_) => remove(&self.swapping),
            Found::Changed | Found::Foreign => self.keep().map(drop),
        }
    }

    /// Makes the target beside the folder and swaps it in. Afterwards the swapping name holds what was there before, if anything.
    fn put(&self, store: &Store, step: &Step, target: &Target) -> Result<(), Fault> {
        let source = store.path(&target.tree);
        if target.copy {
            copy(&source, &self.making)?;
        } else {
            std::os::unix::fs::symlink(&source, &self.making).map_err(|e| files::fault(&self.making, &e))?;
        }
        if step.found != Found::Absent {
            rename(&self.making, &self.swapping)?;
            return exchange(&self.swapping, &step.entry);
        }
        renameat_with(CWD, &self.making, CWD, &step.entry, RenameFlags::NOREPLACE).map_err(|errno| {
            if errno == rustix::io::Errno::EXIST {
                return Fault::new(codes::FOREIGN_FOLDER).at(step.entry.display().to_string());
            }
            files::fault(&step.entry, &errno.into())
        })
    }

    /// Throws away what was swapped out, if it is ours and still what the plan saw; otherwise keeps it.
    fn dispose(&self, store: &Store, step: &Step) -> Result<Option<PathBuf>, Fault> {
        let ours = match step.found {
            Found::Absent | Found::Link(_) | Found::Elsewhere => true,
            Found::Copy(tree) => look(store, &BTreeSet::from([tree]), &self.swapping, false)? == Found::Copy(tree),
            Found::Changed | Found::Foreign => false,
        };
        if ours {
            remove(&self.swapping)?;
            return Ok(None);
        }
        self.keep().map(Some)
    }

    /// Moves what was swapped out to a folder beside the agent's.
    fn keep(&self) -> Result<PathBuf, Fault> {
        let mut backup = self.folder.as_os_str().to_owned();
        backup.push(".backup");
        let backup = PathBuf::from(backup);
        files::make_folder(&backup, Mode::Normal)?;
        let kept = (1..u32::MAX)
            .map(|n| backup.join(format!("{}-{n}", self.name)))
            .find(|path| fs::symlink_metadata(path).is_err())
            .unwrap_or_else(|| backup.join(&self.name));
        rename(&self.swapping, &kept)?;
        Ok(kept)
    }
}

/// Swaps two names. File systems without that operation get two renames, between which the entry is missing.
fn exchange(swapping: &Path, entry: &Path) -> Result<(), Fault> {
    use rustix::io::Errno;
    match renameat_with(CWD, swapping, CWD, entry, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            let new = swapping.with_extension("new");
            remove(&new)?;
            rename(swapping, &new)?;
            rename(entry, swapping)?;
            rename(&new, entry)
        }
        Err(errno) => Err(files::fault(entry, &errno.into())),
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), Fault> {
    fs::rename(from, to).map_err(|e| files::fault(from, &e))
}

/// Removes a link, file or folder, if it is there.
fn remove(path: &Path) -> Result<(), Fault> {
    let result = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    };
    match result {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(files::fault(path, &e)),
        _ => Ok(()),
    }
}

/// Copies a skill out of the store, sharing blocks where the file system can; the copy is writable.
///
/// # Errors
/// [`codes::IO`].
pub fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    use std::os::unix::fs::PermissionsExt;
    files::make_folder(to, Mode::Normal)?;
    let io = |e: io::Error| files::fault(from, &e);
    for item in fs::read_dir(from).map_err(io)? {
        let item = item.map_err(io)?;
        let (source, target) = (item.path(), to.join(item.file_name()));
        let metadata = item.metadata().map_err(io)?;
        if metadata.is_dir() {
            copy(&source, &target)?;
            continue;
        }
        reflink_copy::reflink_or_copy(&source, &target).map_err(|e| files::fault(&target, &e))?;
        let mode = if metadata.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 };
        fs::set_permissions(&target, fs::Permissions::from_mode(mode)).map_err(|e| files::fault(&target, &e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
