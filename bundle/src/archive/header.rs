//! One tar header of the profile, written and read. Offsets are those of POSIX ustar (IEEE 1003.1-1988, `pax` §"ustar
//! Interchange Format"); the field names come from the `tar` crate.

use skill_schema::{Fault, Limits, codes};
use tar::Header;

use super::{BLOCK, path};

/// Bytes of the name field: a longer path is split at a `/`.
const NAME: usize = 100;
/// Bytes of the prefix field.
const PREFIX: usize = 155;

/// What a header says, after every check that needs no other header.
#[derive(Debug)]
pub(super) struct Parsed {
    pub path: String,
    pub size: usize,
    pub executable: bool,
}

impl Parsed {
    /// Bytes of the content with its padding.
    pub fn padded_size(&self) -> usize {
        self.size.next_multiple_of(BLOCK)
    }
}

/// The one header that the profile allows for this file.
pub(super) fn write(path: &str, size: usize, executable: bool) -> Result<[u8; BLOCK], Fault> {
    let (prefix, name) = split(path)
        .ok_or_else(|| Fault::new(codes::PATH_DEPTH).at(path).detail("no place to split it for the tar header"))?;
    let mut block = [0; BLOCK];
    put(&mut block, 0, name.as_bytes());
    put(&mut block, 100, if executable { b"0000755\0" } else { b"0000644\0" });
    put(&mut block, 108, b"0000000\0"); // uid
    put(&mut block, 116, b"0000000\0"); // gid
    put(&mut block, 124, format!("{size:011o}\0").as_bytes());
    put(&mut block, 136, b"00000000000\0"); // mtime
    put(&mut block, 156, b"0"); // type: regular file
    put(&mut block, 257, b"ustar\x0000"); // magic and version
    put(&mut block, 329, b"0000000\0"); // device, major
    put(&mut block, 337, b"0000000\0"); // device, minor
    put(&mut block, 345, prefix.as_bytes());
    seal(&mut block);
    Ok(block)
}

fn put(block: &mut [u8; BLOCK], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Writes the checksum: six octal digits, NUL, space.
pub(super) fn seal(block: &mut [u8; BLOCK]) {
    let sum = checksum(block);
    put(block, 148, format!("{sum:06o}\0 ").as_bytes());
}

/// The sum of all bytes, with the checksum's own field counted as spaces.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|b| u32::from(*b)).sum::<u32>();
    sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..])
}

/// Splits at the right-most `/` that leaves prefix and name within their fields.
fn split(path: &str) -> Option<(&str, &str)> {
    if path.len() <= NAME {
        return Some(("", path));
    }
    path.match_indices('/')
        .rev()
        .map(|(slash, _)| (&path[..slash], &path[slash + 1..]))
        .find(|(prefix, name)| prefix.len() <= PREFIX && (1..=NAME).contains(&name.len()))
}

/// Reads one header: checksum, type, magic, numbers, mode, path, in this order.
pub(super) fn read(block: &[u8; BLOCK], limits: &Limits) -> Result<Parsed, Fault> {
    let header = Header::from_byte_slice(block);
    let old = header.as_old();
    // The path as far as it can be read, so that a message can name the file whose header is bad.
    let shown = String::from_utf8_lossy(until_nul(&old.name)).into_owned();
    let fault = |code| Fault::new(code).at(shown.clone());

    if parse_checksum(old.cksum) != Some(checksum(block)) {
        return Err(fault(codes::TAR_CHECKSUM));
    }
    let is_ustar = block[257..265] == *b"ustar\x0000";
    match old.linkflag[0] {
        b'0' => {}
        // In the format before POSIX a regular file has the type NUL: there the format is what is wrong.
        0 if !is_ustar => {}
        other => return Err(fault(codes::ENTRY_TYPE).detail(kind(other))),
    }
    if !is_ustar {
        return Err(fault(codes::TAR_FORMAT));
    }
    let numbers = [octal(&old.mode), octal(&old.uid), octal(&old.gid), octal(&old.size)];
    let [Some(mode), Some(_), Some(_), Some(size)] = numbers else {
        return Err(fault(codes::TAR_NUMBER));
    };
    let executable = match mode {
        0o644 => false,
        0o755 => true,
        other => return Err(fault(codes::MODE).detail(format!("{other:04o}"))),
    };
    let path = join(&old.name, &block[345..500])?;
    let path = path::check(&path, limits)?.to_owned();
    let size = usize::try_from(size).map_err(|_| fault(codes::TRUNCATED))?;
    Ok(Parsed { path, size, executable })
}

/// Octal digits that fill the field up to one NUL at its end; nothing else.
fn octal(field: &[u8]) -> Option<u64> {
    let (last, digits) = field.split_last()?;
    if *last != 0 {
        return None;
    }
    digits.iter().try_fold(0_u64, |n, digit| matches!(digit, b'0'..=b'7').then(|| n * 8 + u64::from(digit - b'0')))
}

/// The checksum as any tar writes it: octal digits between spaces and NULs. Another spelling than ours fails later, as not canonical.
fn parse_checksum(field: [u8; 8]) -> Option<u32> {
    let text = std::str::from_utf8(&field).ok()?.trim_matches([' ', '\0']);
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    u32::from_str_radix(text, 8).ok()
}

fn until_nul(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    &field[..end]
}

/// Prefix and name as one path. Bytes after a field's NUL are refused.
fn join(name: &[u8], prefix: &[u8]) -> Result<Vec<u8>, Fault> {
    let (name_text, prefix_text) = (until_nul(name), until_nul(prefix));
    let mut path = prefix_text.to_vec();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name_text);
    if path.is_empty() {
        return Err(Fault::new(codes::PATH_EMPTY));
    }
    let has_tail = |field: &[u8], text: &[u8]| field[text.len()..].iter().any(|b| *b != 0);
    if has_tail(name, name_text) || has_tail(prefix, prefix_text) {
        return Err(Fault::new(codes::PATH_NUL).at(String::from_utf8_lossy(&path)));
    }
    Ok(path)
}

/// What the type of an entry that is no regular file is called.
fn kind(flag: u8) -> String {
    match flag {
        b'1' => "a hard link".into(),
        b'2' => "a symbolic link".into(),
        b'3' => "a character device".into(),
        b'4' => "a block device".into(),
        b'5' => "a folder".into(),
        b'6' => "a pipe".into(),
        b'7' => "a contiguous file".into(),
        b'g' | b'x' => "a pax header".into(),
        b'L' | b'K' => "a GNU long name".into(),
        b'S' => "a GNU sparse file".into(),
        other => format!("type {}", char::from(other).escape_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_is_split_at_the_right_most_slash_that_fits() {
        assert_eq!(split("a/b"), Some(("", "a/b")));
        let long = format!("{}/{}/{}", "a".repeat(60), "b".repeat(60), "c".repeat(30));
        let prefix = format!("{}/{}", "a".repeat(60), "b".repeat(60));
        assert_eq!(split(&long), Some((prefix.as_str(), "c".repeat(30).as_str())));
        assert_eq!(split(&"x".repeat(101)), None);
        // The right-most slash would leave a prefix of 160 bytes; the one before it is taken.
        let deep = format!("{}/{}/{}", "a".repeat(99), "b".repeat(60), "c".repeat(30));
        assert_eq!(split(&deep).map(|(prefix, name)| (prefix.len(), name.len())), Some((99, 91)));
    }

    #[test]
    fn every_field_of_a_header_is_where_posix_puts_it() {
        let block = write("scripts/run.sh", 18, true).unwrap();
        let header = Header::from_byte_slice(&block);
        let ustar = header.as_ustar().unwrap();
        assert_eq!(header.path_bytes().as_ref(), b"scripts/run.sh");
        assert_eq!((header.mode().unwrap(), header.size().unwrap(), header.mtime().unwrap()), (0o755, 18, 0));
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
        assert_eq!(header.cksum().unwrap(), checksum(&block));
        assert_eq!((ustar.typeflag, ustar.magic, ustar.version), ([b'0'], *b"ustar\0", *b"00"));
        assert_eq!((&ustar.uname, &ustar.gname), (&[0; 32], &[0; 32]));
    }

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(octal(b"0000644\0"), Some(0o644));
        for bad in [b"0000644 ", b" 000644\0", b"-000644\0", b"0000648\0", b"644\0\0\0\0\0", b"\x80\0\0\0\0\0\0\x01"] {
            assert_eq!(octal(bad), None, "{bad:?}");
        }
    }
}
