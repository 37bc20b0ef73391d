//! Packing a folder: which files go in, and the one archive that they make.

mod walk;

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use skill_schema::{Fault, Limits, codes};

use crate::{
    Kind, Package,
    archive::{self, File, Writer, path},
};

/// What [`pack_dir`] made.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The `.tar.gz`.
    pub archive: Vec<u8>,
    /// The same, opened: its profile was checked as a reader would.
    pub package: Package,
    /// What was left out.
    pub skipped: Vec<Skipped>,
}

/// Something in the folder that does not go into the package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// Relative to the folder, with `/`; a folder's ends with one and stands for all in it.
    pub path: String,
    /// Why.
    pub why: Why,
}

/// Why something does not go into the package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Its name starts with a dot.
    Hidden,
    /// It is the `evals/` folder: suites are published by themselves.
    Evals,
    /// `.gitignore` or `.skillignore` inside the folder names it.
    Ignored,
}

impl Why {
    /// For people: `.env (hidden)`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Evals => "evaluation suite",
            Self::Ignored => "ignored",
        }
    }
}

/// Packs a skill's folder. The result depends on the paths, contents and owner's execute bits of its files and on nothing else.
///
/// Left out are hidden files, `evals/`, and what `.gitignore` and `.skillignore` inside the folder name (never global ones, nor those of
/// folders above). A symbolic link is an error, since it would be something else on every machine.
pub fn pack_dir(folder: &Path, limits: &Limits) -> Result<Packed, Fault> {
    let found = walk::files(Kind::Skill, folder, limits)?;
    let mut tar = Writer::default();
    for path in &found.files {
        path::check(path.as_bytes(), limits)?;
        let (content, executable) = read(&folder.join(path), path, limits)?;
        add(&mut tar, File { path, content: &content, executable }, limits)?;
    }
    seal(Kind::Skill, tar, limits, found.skipped)
}

/// A file that was read, to be packed by [`pack_files`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// Relative to the folder, with `/`.
    pub path: String,
    /// Its bytes.
    pub content: Vec<u8>,
    /// 0755 rather than 0644.
    pub executable: bool,
}

/// Reads the files that would be packed from a folder, sorted by path, and says what is left out. The rules are those of
/// [`pack_dir`]; only a skill leaves out `evals/`.
pub fn read_dir(kind: Kind, folder: &Path, limits: &Limits) -> Result<(Vec<Owned>, Vec<Skipped>), Fault> {
    let found = walk::files(kind, folder, limits)?;
    let mut files = Vec::with_capacity(found.files.len());
    let mut sum = 0;
    for path in found.files {
        path::check(path.as_bytes(), limits)?;
        let (content, executable) = read(&folder.join(&path), &path, limits)?;
        sum += content.len();
        if sum > limits.unpacked {
            return Err(too_big(format!("more than {} bytes unpacked", limits.unpacked)));
        }
        files.push(Owned { path, content, executable });
    }
    Ok((files, found.skipped))
}

/// Packs files that are in memory, in the order of their paths.
pub fn pack_files(kind: Kind, files: &[Owned], limits: &Limits) -> Result<Packed, Fault> {
    let mut sorted: Vec<&Owned> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    let mut tar = Writer::default();
    for Owned { path, content, executable } in sorted {
        path::check(path.as_bytes(), limits)?;
        add(&mut tar, File { path, content, executable: *executable }, limits)?;
    }
    seal(kind, tar, limits, Vec::new())
}

fn add(tar: &mut Writer, file: File<'_>, limits: &Limits) -> Result<(), Fault> {
    tar.add(file)?;
    if tar.len() + 2 * archive::BLOCK > limits.unpacked {
        return Err(too_big(format!("more than {} bytes unpacked", limits.unpacked)));
    }
    Ok(())
}

fn seal(kind: Kind, tar: Writer, limits: &Limits, skipped: Vec<Skipped>) -> Result<Packed, Fault> {
    let archive = archive::gzip(&tar.finish())?;
    if archive.len() > limits.archive {
        return Err(too_big(format!("{} bytes compressed, at most {} are allowed", archive.len(), limits.archive)));
    }
    let package = Package::open_as(kind, &archive, limits)?;
    Ok(Packed { archive, package, skipped })
}

fn too_big(detail: String) -> Fault {
    Fault::new(codes::TOO_BIG).detail(detail)
}

fn read(file: &Path, path: &str, limits: &Limits) -> Result<(Vec<u8>, bool), Fault> {
    let failed = |e: io::Error| Fault::new(codes::IO).at(path).detail(e.to_string());
    // Should the file be swapped for a link after it was listed, opening fails rather than follows.
    let mut options = fs::OpenOptions::new();
    options.read(true).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    let file = options.open(file).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    archive::check_size(path, size, limits)?;
    let mut content = Vec::with_capacity(size);
    // The file may grow while it is read; the limit holds all the same.
    file.take(limits.file as u64 + 1).read_to_end(&mut content).map_err(failed)?;
    archive::check_size(path, content.len(), limits)?;
    Ok((content, metadata.mode() & 0o100 != 0))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    fn code(folder: &tempfile::TempDir, limits: &Limits) -> &'static skill_schema::Code {
        pack_dir(folder.path(), limits).unwrap_err().code
    }

    #[test]
    fn hidden_ignored_and_evaluation_files_stay_out_and_are_named() {
        let folder = folder(&[
            ("SKILL.md", "text"),
            ("skill.toml", ""),
            (".env", "SECRET=1"),
            (".git/config", ""),
            ("evals/evals.json", "{}"),
            ("docs/evals/kept.md", ""),
            (".gitignore", "*.log\n/build/\n"),
            (".skillignore", "drafts\n!keep.log\n"),
            ("keep.log", ""),
            ("build/out.o", ""),
            ("docs/note.log", ""),
            ("docs/drafts/a.md", ""),
            ("docs/.gitignore", "*.tmp\n"),
            ("docs/x.tmp", ""),
            ("x.tmp", ""),
        ]);
        let packed = pack_dir(folder.path(), &Limits::V1).unwrap();
        let names: Vec<_> = packed.package.files().map(|f| f.path).collect();
        assert_eq!(names, ["SKILL.md", "docs/evals/kept.md", "keep.log", "skill.toml", "x.tmp"]);
        let skipped: Vec<_> = packed.skipped.iter().map(|s| (s.path.as_str(), s.why)).collect();
        assert_eq!(
            skipped,
            [
                (".env", Why::Hidden),
                (".git/", Why::Hidden),
                (".gitignore", Why::Hidden),
                (".skillignore", Why::Hidden),
                ("build/", Why::Ignored),
                ("docs/.gitignore", Why::Hidden),
                ("docs/drafts/", Why::Ignored),
                ("docs/note.log", Why::Ignored),
                ("docs/x.tmp", Why::Ignored),
                ("evals/", Why::Evals),
            ]
        );
    }

    #[test]
    fn a_skill_never_holds_its_suite_whatever_the_ignore_files_say() {
        let files = [
            ("SKILL.md", ""),
            (".skillignore", "!evals\n!/evals/\n!evals/**\n"),
            (".gitignore", "!evals/evals.json\n"),
            ("evals/evals.json", "{}"),
            ("evals/split.lock", ""),
            ("evals/files/a.txt", ""),
        ];
        let packed = pack_dir(folder(&files).path(), &Limits::V1).unwrap();
        assert_eq!(packed.package.files().map(|f| f.path).collect::<Vec<_>>(), ["SKILL.md"]);
    }

    #[test]
    fn a_suite_s_folder_is_packed_by_the_same_rules_with_its_own_root() {
        let suite = folder(&[("evals.json", "[]"), ("files/b", "b"), ("evals/kept", ""), (".hidden", "")]);
        let (files, skipped) = read_dir(Kind::Suite, suite.path(), &Limits::V1).unwrap();
        assert_eq!((files.len(), skipped.len()), (3, 1));
        let backwards: Vec<Owned> = files.iter().rev().cloned().collect();
        let packed = pack_files(Kind::Suite, &backwards, &Limits::V1).unwrap();
        assert_eq!(packed.archive, pack_files(Kind::Suite, &files, &Limits::V1).unwrap().archive);
        assert_eq!(packed.package.files().map(|f| f.path).collect::<Vec<_>>(), ["evals.json", "evals/kept", "files/b"]);
        assert_eq!(pack_files(Kind::Skill, &files, &Limits::V1).unwrap_err().code, codes::NO_SKILL_MD);
        assert_eq!(pack_files(Kind::Suite, &files[1..], &Limits::V1).unwrap_err().code, codes::NO_SUITE);
        let small = |unpacked| read_dir(Kind::Suite, suite.path(), &Limits { unpacked, ..Limits::V1 }).map(|_| ());
        assert_eq!(small(3), Ok(()));
        assert_eq!(small(2).unwrap_err().code, codes::TOO_BIG);
    }

    #[test]
    fn ignore_files_above_the_folder_do_not_count() {
        let outer = folder(&[(".gitignore", "*.md"), (".skillignore", "*"), ("skill/SKILL.md", "")]);
        fs::create_dir(outer.path().join(".git")).unwrap();
        assert_eq!(pack_dir(&outer.path().join("skill"), &Limits::V1).unwrap().package.file_count(), 1);
    }

    #[test]
    fn a_link_is_an_error_unless_it_is_left_out() {
        let folder = folder(&[("SKILL.md", "")]);
        symlink("SKILL.md", folder.path().join("link.md")).unwrap();
        let fault = pack_dir(folder.path(), &Limits::V1).unwrap_err();
        assert_eq!((fault.code, fault.place.as_deref()), (codes::SYMLINK, Some("link.md")));
        fs::write(folder.path().join(".skillignore"), "link.md").unwrap();
        assert_eq!(pack_dir(folder.path(), &Limits::V1).unwrap().package.file_count(), 1);
    }

    #[test]
    fn the_folder_itself_may_be_reached_by_a_link_and_be_hidden() {
        let home = tempfile::tempdir().unwrap();
        let hidden = home.path().join(".skills");
        fs::create_dir(&hidden).unwrap();
        fs::write(hidden.join("SKILL.md"), "").unwrap();
        symlink(&hidden, home.path().join("link")).unwrap();
        for folder in [hidden.clone(), home.path().join("link"), hidden.join("../.skills/.")] {
            let packed = pack_dir(&folder, &Limits::V1).unwrap();
            assert_eq!(packed.package.file_count(), 1, "{}", folder.display());
        }
        assert_eq!(pack_dir(&hidden.join("SKILL.md"), &Limits::V1).unwrap_err().code, codes::IO);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_pipe_is_an_error() {
        let folder = folder(&[("SKILL.md", "")]);
        rustix::fs::mknodat(
            rustix::fs::CWD,
            folder.path().join("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        assert_eq!(code(&folder, &Limits::V1), codes::SPECIAL_FILE);
    }

    #[test]
    fn only_the_owner_s_execute_bit_counts() {
        let folder = folder(&[("SKILL.md", ""), ("run.sh", "")]);
        for (mode, executable) in [(0o644, false), (0o611, false), (0o700, true), (0o777, true), (0o500, true)] {
            fs::set_permissions(folder.path().join("run.sh"), fs::Permissions::from_mode(mode)).unwrap();
            let packed = pack_dir(folder.path(), &Limits::V1).unwrap();
            assert_eq!(packed.package.file("run.sh").unwrap().executable, executable, "{mode:o}");
        }
    }

    #[test]
    fn limits_are_checked_while_packing() {
        let skill = folder(&[("SKILL.md", "12"), ("a", "123")]);
        let ok = Limits { file: 3, skill_md: 2, files: 2, ..Limits::V1 };
        assert!(pack_dir(skill.path(), &ok).is_ok());
        assert_eq!(code(&skill, &Limits { file: 2, ..ok }), codes::FILE_SIZE);
        assert_eq!(code(&skill, &Limits { skill_md: 1, ..ok }), codes::FILE_SIZE);
        assert_eq!(code(&skill, &Limits { files: 1, ..ok }), codes::TOO_MANY);
        assert_eq!(code(&skill, &Limits { unpacked: 6 * 512 - 1, ..ok }), codes::TOO_BIG);
        assert_eq!(code(&skill, &Limits { archive: 20, ..ok }), codes::TOO_BIG);
        assert_eq!(code(&folder(&[("README.md", "")]), &ok), codes::NO_SKILL_MD);
        assert_eq!(code(&folder(&[]), &ok), codes::NO_SKILL_MD);
        assert_eq!(code(&folder(&[("SKILL.md", ""), ("é", "")]), &ok), codes::PATH_CHARS);
    }
}
