//! The tree of a folder on disk.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use skill_schema::{Digest, Fault, codes};

use super::{Entry, digest_of};
use crate::hash::Hasher;

/// The tree digest of every file in a folder, hidden ones included. Links and special files are refused: an installed skill has none.
pub fn digest_dir(folder: &Path) -> Result<Digest, Fault> {
    Ok(digest_of(entries_of_dir(folder)?))
}

/// Every file of a folder, sorted by path, so that two trees can be compared file by file.
///
/// Fails with [`codes::SYMLINK`] or [`codes::SPECIAL_FILE`] for what no package can contain, [`codes::PATH_ENCODING`] for a name that is
/// not UTF-8, and [`codes::IO`].
pub fn entries_of_dir(folder: &Path) -> Result<Vec<Entry>, Fault> {
    let mut entries = Vec::new();
    visit(folder, "", &mut entries)?;
    entries.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    Ok(entries)
}

fn visit(folder: &Path, prefix: &str, entries: &mut Vec<Entry>) -> Result<(), Fault> {
    let failed = |e: io::Error| Fault::new(codes::IO).at(folder.display().to_string()).detail(e.to_string());
    for item in fs::read_dir(folder).map_err(failed)? {
        let item = item.map_err(failed)?;
        let path = match item.file_name().to_str() {
            Some(name) => format!("{prefix}{name}"),
            None => return Err(Fault::new(codes::PATH_ENCODING).at(item.path().display().to_string())),
        };
        let kind = item.file_type().map_err(failed)?;
        if kind.is_dir() {
            visit(&item.path(), &format!("{path}/"), entries)?;
        } else if kind.is_file() {
            entries.push(read(&item.path(), path)?);
        } else {
            let code = if kind.is_symlink() { codes::SYMLINK } else { codes::SPECIAL_FILE };
            return Err(Fault::new(code).at(path));
        }
    }
    Ok(())
}

fn read(file: &Path, path: String) -> Result<Entry, Fault> {
    let failed = |e: io::Error| Fault::new(codes::IO).at(file.display().to_string()).detail(e.to_string());
    // Should the file be swapped for a link after it was listed, opening fails rather than follows.
    let mut options = fs::OpenOptions::new();
    options.read(true).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    let mut file = options.open(file).map_err(failed)?;
    let executable = file.metadata().map_err(failed)?.mode() & 0o100 != 0;
    let mut hasher = Hasher::new();
    let size = io::copy(&mut file, &mut hasher).map_err(failed)?;
    Ok(Entry { path, digest: hasher.finish(), size, executable })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::hash::sha256;

    #[test]
    fn a_folder_has_the_tree_of_its_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("scripts")).unwrap();
        fs::write(folder.path().join("SKILL.md"), "text").unwrap();
        fs::write(folder.path().join("scripts/run.sh"), "#!").unwrap();
        fs::set_permissions(folder.path().join("scripts/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        let expected = [
            Entry { path: "SKILL.md".into(), digest: sha256(b"text"), size: 4, executable: false },
            Entry { path: "scripts/run.sh".into(), digest: sha256(b"#!"), size: 2, executable: true },
        ];
        assert_eq!(entries_of_dir(folder.path()).unwrap(), expected);
        assert_eq!(digest_dir(folder.path()).unwrap(), digest_of(expected));
        fs::write(folder.path().join(".hidden"), "").unwrap();
        assert_eq!(entries_of_dir(folder.path()).unwrap().len(), 3);
    }

    #[test]
    fn links_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        symlink("/etc/passwd", folder.path().join("a")).unwrap();
        assert_eq!(digest_dir(folder.path()).unwrap_err().code, codes::SYMLINK);
        assert_eq!(digest_dir(&folder.path().join("none")).unwrap_err().code, codes::IO);
    }
}
