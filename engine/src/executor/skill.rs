//! The skill as an executor sees it: a copy without `evals/`, with what its SKILL.md says.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use skill_schema::{Fault, codes, skill_md::SkillMd};
use tempfile::TempDir;

/// Files that a skill may have; a package's own limits are stricter.
const MAX_FILES: usize = 5_000;

/// Bytes of all files together, as in a package.
const MAX_BYTES: u64 = 32 << 20;

/// Folders in folders.
const MAX_DEPTH: usize = 32;

/// The folder of the suite in a skill's folder.
const EVALS: &str = "evals";

/// A skill that was copied to a folder of its own, readable by anybody and without its `evals/`. The copy goes with the value.
#[derive(Debug)]
pub struct Skill {
    /// Its name; that of its folder if SKILL.md has none.
    pub name: String,
    /// When to use it.
    pub description: String,
    /// The instructions after the frontmatter.
    pub body: String,
    /// All files but those of `evals/`, as paths from the skill's folder, sorted by bytes.
    pub files: Vec<String>,
    copy: TempDir,
}

impl Skill {
    /// Reads and copies a skill's folder. Links and special files are left out. `E_SKILL_UNREADABLE`, also over the limits.
    pub fn load(folder: &Path) -> Result<Self, Fault> {
        let unreadable =
            |detail: String| Fault::new(codes::SKILL_UNREADABLE).at(folder.display().to_string()).detail(detail);
        let content = fs::read(folder.join(skill_schema::skill_md::FILE)).map_err(|e| unreadable(e.to_string()))?;
        let text = SkillMd::read(&content).map_err(|findings| {
            unreadable(findings.first().map_or_else(String::new, |finding| finding.message.clone()))
        })?;
        let own = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = text
            .name
            .or_else(own)
            .filter(|name| is_plain(name))
            .ok_or_else(|| unreadable("it has no usable name".to_owned()))?;
        let copy =
            tempfile::Builder::new().prefix("").rand_bytes(20).tempdir().map_err(|e| unreadable(e.to_string()))?;
        let mut copied = Copied { files: Vec::new(), bytes: 0 };
        copied.folder(folder, &copy.path().join(&name), "", 0).map_err(|e| unreadable(e.to_string()))?;
        copied.files.sort();
        Ok(Self { name, description: text.description, body: text.body, files: copied.files, copy })
    }

    /// The copy of the skill; its last component is the skill's name.
    pub fn folder(&self) -> PathBuf {
        self.copy.path().join(&self.name)
    }
}

/// Whether a name can be a folder's.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

struct Copied {
    files: Vec<String>,
    bytes: u64,
}

impl Copied {
    fn folder(&mut self, from: &Path, to: &Path, prefix: &str, depth: usize) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(io::Error::other("its folders are nested too deep"));
        }
        fs::create_dir_all(to)?;
        open_to_all(to, 0o755)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let (name, kind) = (entry.file_name(), entry.file_type()?);
            let Some(name) = name.to_str() else { continue };
            if prefix.is_empty() && name == EVALS {
                continue;
            }
            let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
            if kind.is_dir() {
                self.folder(&entry.path(), &to.join(name), &path, depth + 1)?;
            } else if kind.is_file() {
                self.file(&entry, &to.join(name), path)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, entry: &fs::DirEntry, to: &Path, path: String) -> io::Result<()> {
        self.bytes += entry.metadata()?.len();
        if self.bytes > MAX_BYTES || self.files.len() >= MAX_FILES {
            return Err(io::Error::other("it is larger than a package may be"));
        }
        fs::copy(entry.path(), to)?;
        open_to_all(to, if is_executable(entry)? { 0o755 } else { 0o644 })?;
        self.files.push(path);
        Ok(())
    }
}

#[cfg(unix)]
fn open_to_all(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn open_to_all(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn is_executable(entry: &fs::DirEntry) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(entry.metadata()?.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
fn is_executable(_entry: &fs::DirEntry) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::super::testing::skill_folder;
    use super::*;

    #[test]
    fn the_copy_has_everything_but_the_evals() {
        let folder = skill_folder("notes", "Writes notes.", "# Notes\n");
        for (path, text) in [("evals/evals.json", "{}"), ("references/a.md", "A"), ("references/evals/kept.md", "B")] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        let skill = Skill::load(folder.path()).unwrap();
        assert_eq!((skill.name.as_str(), skill.description.as_str()), ("notes", "Writes notes."));
        assert_eq!(skill.files, ["SKILL.md", "references/a.md", "references/evals/kept.md"]);
        assert!(skill.folder().ends_with("notes") && !skill.folder().join("evals").exists());
        assert!(!skill.folder().join("link").exists());
        let copy = skill.folder();
        drop(skill);
        assert!(!copy.exists());
    }

    #[test]
    fn a_folder_without_a_usable_skill_md_is_refused() {
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(Skill::load(empty.path()).unwrap_err().code.id, "E_SKILL_UNREADABLE");
        let folder = skill_folder("../up", "Climbs.", "x");
        assert_eq!(Skill::load(folder.path()).unwrap_err().code.id, "E_SKILL_UNREADABLE");
    }
}
