//! The archive codec `skill-archive/v1`: a canonical POSIX ustar archive of regular files in a single gzip member.
//!
//! One content has one archive. [`decode`] reads headers and judges them, then [`encode`]s what it read again and compares byte by
//! byte while it goes, so that nothing is copied: entries are ranges of the tar. The order of checks is fixed, so that an archive that
//! breaks several rules always gets the same code: gzip; then for each header checksum, type, magic, numbers, mode, path; then
//! duplicates, the end, the canonical form.

mod canonical;
mod gzip;
mod header;
pub mod path;

use std::{collections::HashMap, ops::Range};

use skill_schema::{Fault, Limits, codes};

pub use gzip::{gunzip, gzip};

/// The media type of a packed skill.
pub const MEDIA_TYPE: &str = "application/vnd.skill.archive.v1+gzip";

/// Bytes of a tar block.
pub(crate) const BLOCK: usize = 512;

/// One file of a skill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File<'a> {
    /// Relative to the skill's folder, with `/`.
    pub path: &'a str,
    /// Its bytes.
    pub content: &'a [u8],
    /// 0755 rather than 0644.
    pub executable: bool,
}

/// One file of a decoded archive: where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the skill's folder, with `/`.
    pub path: String,
    /// Where its content stands in the tar.
    pub content: Range<usize>,
    /// 0755 rather than 0644.
    pub executable: bool,
}

/// The tar of these files, which must be sorted by path. Fails where a path cannot be written (over 255 bytes, or no place to split).
pub fn encode<'a>(files: impl IntoIterator<Item = File<'a>>) -> Result<Vec<u8>, Fault> {
    let mut writer = Writer::default();
    for file in files {
        writer.add(file)?;
    }
    Ok(writer.finish())
}

/// Builds a tar file by file.
#[derive(Debug, Default)]
pub struct Writer {
    tar: Vec<u8>,
}

impl Writer {
    /// Adds a file; the caller adds them sorted by path.
    pub fn add(&mut self, file: File<'_>) -> Result<(), Fault> {
        self.tar.extend_from_slice(&header::write(file.path, file.content.len(), file.executable)?);
        self.tar.extend_from_slice(file.content);
        self.tar.resize(self.tar.len().next_multiple_of(BLOCK), 0);
        Ok(())
    }

    /// Bytes so far, without the end marker.
    pub fn len(&self) -> usize {
        self.tar.len()
    }

    /// Whether nothing was added yet.
    pub fn is_empty(&self) -> bool {
        self.tar.is_empty()
    }

    /// Adds the end marker, two blocks of zeros.
    pub fn finish(mut self) -> Vec<u8> {
        self.tar.resize(self.tar.len() + 2 * BLOCK, 0);
        self.tar
    }
}

/// The files of a tar, in their order. Everything of the archive profile that concerns the tar is checked; whether there is a
/// SKILL.md is not, since other archives share the profile.
pub fn decode(tar: &[u8], limits: &Limits) -> Result<Vec<Entry>, Fault> {
    if tar.is_empty() {
        return Err(Fault::new(codes::EMPTY));
    }
    let (entries, ended) = read_entries(tar, limits)?;
    refuse_duplicates(&entries)?;
    if !ended {
        return Err(Fault::new(codes::TAR_END));
    }
    canonical::check(tar, &entries)?;
    Ok(entries)
}

/// Reads headers up to the first block of zeros. The flag says whether there was one.
fn read_entries(tar: &[u8], limits: &Limits) -> Result<(Vec<Entry>, bool), Fault> {
    let mut entries = Vec::new();
    let mut at = 0;
    while at < tar.len() {
        let Some(block) = tar[at..].first_chunk::<BLOCK>() else {
            return Err(Fault::new(codes::TRUNCATED).detail("in the middle of a header"));
        };
        if block.iter().all(|byte| *byte == 0) {
            return Ok((entries, true));
        }
        if entries.len() == limits.files {
            return Err(Fault::new(codes::TOO_MANY).detail(format!("more than {}", limits.files)));
        }
        let header = header::read(block, limits)?;
        let start = at + BLOCK;
        let (Some(end), Some(next)) = (start.checked_add(header.size), start.checked_add(header.padded_size())) else {
            return Err(Fault::new(codes::TRUNCATED).at(header.path));
        };
        if next > tar.len() {
            return Err(Fault::new(codes::TRUNCATED).at(header.path).detail("in the middle of a file"));
        }
        check_size(&header.path, header.size, limits)?;
        entries.push(Entry { path: header.path, content: start..end, executable: header.executable });
        at = next;
    }
    Ok((entries, false))
}

/// Whether a file of this many bytes may be in a package.
pub(crate) fn check_size(path: &str, size: usize, limits: &Limits) -> Result<(), Fault> {
    let limit = if path == "SKILL.md" { limits.skill_md } else { limits.file };
    if size > limit {
        return Err(Fault::new(codes::FILE_SIZE).at(path).detail(format!("{size} bytes of at most {limit}")));
    }
    Ok(())
}

/// No two paths that are one file on a system that ignores case, and no file that is also a folder there.
fn refuse_duplicates(entries: &[Entry]) -> Result<(), Fault> {
    let mut seen = HashMap::with_capacity(entries.len());
    for entry in entries {
        if let Some(first) = seen.insert(entry.path.to_ascii_lowercase(), entry) {
            let fault = Fault::new(codes::DUPLICATE).at(&entry.path);
            return Err(if first.path == entry.path { fault } else { fault.detail(format!("and {}", first.path)) });
        }
    }
    for entry in entries {
        let lower = entry.path.to_ascii_lowercase();
        for (slash, _) in lower.match_indices('/') {
            if let Some(file) = seen.get(&lower[..slash]) {
                return Err(Fault::new(codes::FILE_AND_DIR).at(&file.path).detail(format!("and {}", entry.path)));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file<'a>(path: &'a str, content: &'a [u8]) -> File<'a> {
        File { path, content, executable: false }
    }

    fn decode_error(files: &[File<'_>]) -> &'static skill_schema::Code {
        decode(&encode(files.iter().copied()).unwrap(), &Limits::V1).unwrap_err().code
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let files = [file("SKILL.md", b"text"), File { path: "scripts/run.sh", content: b"", executable: true }];
        let tar = encode(files).unwrap();
        assert_eq!(tar.len(), 5 * BLOCK);
        let entries = decode(&tar, &Limits::V1).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!((entries[0].path.as_str(), &tar[entries[0].content.clone()]), ("SKILL.md", b"text".as_slice()));
        assert!(entries[1].executable && entries[1].content.is_empty());
    }

    #[test]
    fn files_that_are_one_file_on_other_systems_are_refused() {
        assert_eq!(decode_error(&[file("A", b""), file("a", b"")]), codes::DUPLICATE);
        assert_eq!(decode_error(&[file("A", b""), file("a/b", b"")]), codes::FILE_AND_DIR);
        assert_eq!(decode_error(&[file("a", b""), file("a!", b""), file("a/b", b"")]), codes::FILE_AND_DIR);
    }

    #[test]
    fn unsorted_files_are_not_canonical() {
        assert_eq!(decode_error(&[file("b", b""), file("a", b"")]), codes::NOT_CANONICAL);
    }

    #[test]
    fn limits_hold_at_both_sides() {
        let limits = Limits { files: 2, file: 3, skill_md: 2, ..Limits::V1 };
        let code = |files: &[File<'_>]| {
            decode(&encode(files.iter().copied()).unwrap(), &limits).map(|_| ()).map_err(|f| f.code)
        };
        assert_eq!(code(&[file("SKILL.md", b"12"), file("a", b"123")]), Ok(()));
        assert_eq!(code(&[file("SKILL.md", b"123")]), Err(codes::FILE_SIZE));
        assert_eq!(code(&[file("a", b"1234")]), Err(codes::FILE_SIZE));
        assert_eq!(code(&[file("a", b""), file("b", b""), file("c", b"")]), Err(codes::TOO_MANY));
    }

    #[test]
    fn a_size_that_overflows_is_a_truncated_archive() {
        let mut tar = encode([file("a", b"")]).unwrap();
        tar[124..136].copy_from_slice(b"77777777777\0");
        header::seal(tar.first_chunk_mut().unwrap());
        assert_eq!(decode(&tar, &Limits::V1).unwrap_err().code, codes::TRUNCATED);
    }
}
