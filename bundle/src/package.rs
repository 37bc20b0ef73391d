//! A packed skill in memory, checked against the archive profile.

use skill_schema::{Digest, Fault, Limits, codes};

use crate::{
    archive::{self, Entry, File},
    hash::sha256,
    tree,
};

/// What a package holds. All kinds share the archive profile and differ in the file that stands at the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A skill: `skill-archive/v1`, with SKILL.md.
    Skill,
    /// A suite: `skill-suite/v1`, with evals.json.
    Suite,
}

impl Kind {
    /// The file at the root.
    pub fn root(self) -> &'static str {
        match self {
            Self::Skill => "SKILL.md",
            Self::Suite => "evals.json",
        }
    }

    /// The media type of the `.tar.gz`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Skill => archive::MEDIA_TYPE,
            Self::Suite => "application/vnd.skill.suite.v1+gzip",
        }
    }

    fn require_root(self, entries: &[Entry]) -> Result<(), Fault> {
        let root = self.root();
        if entries.iter().any(|entry| entry.path == root) {
            return Ok(());
        }
        let fault = Fault::new(match self {
            Self::Skill => codes::NO_SKILL_MD,
            Self::Suite => codes::NO_SUITE,
        });
        let other = entries.iter().find(|entry| entry.path.eq_ignore_ascii_case(root));
        Err(other.map_or(fault.clone(), |other| fault.detail(format!("the file is called {}", other.path))))
    }
}

/// A package, whose archive profile holds. Content rules are a matter of [`crate::check`].
///
/// Holds the tar and where the files are in it: contents are never copied.
#[derive(Debug, Clone)]
pub struct Package {
    tar: Vec<u8>,
    entries: Vec<Entry>,
    digest: Digest,
    size: usize,
    tree: Digest,
}

impl Package {
    /// Opens a skill's `.tar.gz`: gzip, tar, paths, limits, and a SKILL.md at the root. The compressed bytes are given up as soon as
    /// they are inflated, so that memory stays under the two limits together.
    pub fn open<B: AsRef<[u8]>>(bytes: B, limits: &Limits) -> Result<Self, Fault> {
        Self::open_as(Kind::Skill, bytes, limits)
    }

    /// Opens a package of this kind: as [`Package::open`], with the kind's own file at the root.
    pub fn open_as<B: AsRef<[u8]>>(kind: Kind, bytes: B, limits: &Limits) -> Result<Self, Fault> {
        let tar = archive::gunzip(bytes.as_ref(), limits)?;
        let (digest, size) = (sha256(bytes.as_ref()), bytes.as_ref().len());
        drop(bytes);
        let entries = archive::decode(&tar, limits)?;
        kind.require_root(&entries)?;
        let tree = tree::digest_of(files(&tar, &entries).map(tree::Entry::of));
        Ok(Self { tar, entries, digest, size, tree })
    }

    /// The files, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = File<'_>> + Clone {
        files(&self.tar, &self.entries)
    }

    /// One file.
    pub fn file(&self, path: &str) -> Option<File<'_>> {
        self.files().find(|file| file.path == path)
    }

    /// The tree digest: the identity of the version.
    pub fn tree(&self) -> Digest {
        self.tree
    }

    /// SHA-256 of the `.tar.gz`.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Bytes of the `.tar.gz`.
    pub fn size(&self) -> u64 {
        self.size as u64
    }

    /// Bytes of the tar.
    pub fn unpacked_size(&self) -> u64 {
        self.tar.len() as u64
    }

    /// How many files there are.
    pub fn file_count(&self) -> u64 {
        self.entries.len() as u64
    }
}

fn files<'a>(tar: &'a [u8], entries: &'a [Entry]) -> impl Iterator<Item = File<'a>> + Clone {
    entries.iter().map(|entry| File {
        path: &entry.path,
        content: &tar[entry.content.clone()],
        executable: entry.executable,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(files: &[(&str, &[u8])]) -> Vec<u8> {
        let files = files.iter().map(|(path, content)| File { path, content, executable: false });
        archive::gzip(&archive::encode(files).unwrap()).unwrap()
    }

    #[test]
    fn a_package_knows_its_files() {
        let bytes = pack(&[("SKILL.md", b"text"), ("a/b.txt", b"more")]);
        let package = Package::open(&bytes, &Limits::V1).unwrap();
        assert_eq!(package.files().map(|f| f.path).collect::<Vec<_>>(), ["SKILL.md", "a/b.txt"]);
        assert_eq!(package.file("a/b.txt").unwrap().content, b"more");
        assert!(package.file("a").is_none());
        assert_eq!((package.digest(), package.size()), (sha256(&bytes), bytes.len() as u64));
        assert_eq!((package.unpacked_size(), package.file_count()), (6 * 512, 2));
    }

    #[test]
    fn a_suite_has_an_evals_json_at_its_root_and_a_skill_is_no_suite() {
        let limits = Limits::V1;
        let open =
            |files: &[(&str, &[u8])]| Package::open_as(Kind::Suite, pack(files), &limits).map_err(|fault| fault.code);
        assert_eq!(open(&[("evals.json", b"[]"), ("files/a", b"")]).unwrap().file_count(), 2);
        assert_eq!(open(&[("SKILL.md", b"")]).unwrap_err(), codes::NO_SUITE);
        assert_eq!(open(&[("evals/evals.json", b"")]).unwrap_err(), codes::NO_SUITE);
        assert_eq!(Package::open(pack(&[("evals.json", b"")]), &limits).unwrap_err().code, codes::NO_SKILL_MD);
    }

    #[test]
    fn a_package_has_a_skill_md_at_its_root() {
        for files in [[("skill.md", b"".as_slice())], [("a/SKILL.md", b"")], [("SKILL.MD", b"")]] {
            let fault = Package::open(pack(&files), &Limits::V1).unwrap_err();
            assert_eq!(fault.code, codes::NO_SKILL_MD);
        }
    }
}
