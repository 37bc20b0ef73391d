//! A packed skill in memory, checked against the archive profile.

use skill_schema::{Digest, Fault, Limits, codes};

use crate::{
    archive::{self, Entry, File},
    hash::sha256,
    tree,
};

/// A skill's package, whose archive profile holds. Content rules are a matter of [`crate::check`].
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
    /// Opens a `.tar.gz`: gzip, tar, paths, limits, and a SKILL.md at the root. The compressed bytes are given up as soon as they are
    /// inflated, so that memory stays under the two limits together.
    pub fn open<B: AsRef<[u8]>>(bytes: B, limits: &Limits) -> Result<Self, Fault> {
        let tar = archive::gunzip(bytes.as_ref(), limits)?;
        let (digest, size) = (sha256(bytes.as_ref()), bytes.as_ref().len());
        drop(bytes);
        let entries = archive::decode(&tar, limits)?;
        if !entries.iter().any(|entry| entry.path == "SKILL.md") {
            let other = entries.iter().find(|entry| entry.path.eq_ignore_ascii_case("SKILL.md"));
            let fault = Fault::new(codes::NO_SKILL_MD);
            return Err(other.map_or(fault.clone(), |other| fault.detail(format!("the file is called {}", other.path))));
        }
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
    fn a_package_has_a_skill_md_at_its_root() {
        for files in [[("skill.md", b"".as_slice())], [("a/SKILL.md", b"")], [("SKILL.MD", b"")]] {
            let fault = Package::open(pack(&files), &Limits::V1).unwrap_err();
            assert_eq!(fault.code, codes::NO_SKILL_MD);
        }
    }
}
