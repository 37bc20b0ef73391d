//! Files that cannot be reviewed, known by their first bytes: bytecode, native programs, archives.

use skill_schema::{Code, codes};

use super::zip;

/// What a file is, if it may not be in a skill: rule, code, and a sentence.
pub(super) fn forbidden(path: &str, content: &[u8]) -> Option<(&'static str, &'static Code, String)> {
    if let Some(kind) = bytecode(content) {
        return Some(("content.bytecode", codes::BYTECODE, format!("{kind}, which cannot be reviewed")));
    }
    if let Some(kind) = executable(content) {
        return Some(("content.executable", codes::EXECUTABLE, format!("{kind}, which cannot be reviewed")));
    }
    archive(path, content)
        .map(|kind| ("content.archive", codes::NESTED_ARCHIVE, format!("{kind}, whose contents no check sees")))
}

fn bytecode(content: &[u8]) -> Option<&'static str> {
    const KINDS: &[(&[u8], &str)] = &[
        (b"\0asm", "WebAssembly"),
        (b"\x1bLua", "Lua bytecode"),
        (b"\x1bLJ", "LuaJIT bytecode"),
        (b"BC\xc0\xde", "LLVM bitcode"),
        (b"dex\n0", "Android bytecode"),
        (b"FOR1", "Erlang bytecode"),
    ];
    if is_java_class(content) {
        return Some("a Java class");
    }
    if is_python_bytecode(content) {
        return Some("Python bytecode");
    }
    starts(content, KINDS)
}

/// `ca fe ba be`, then minor and major version; the major version of Java classes starts at 45. Fat Mach-O files start alike, with a
/// small count of architectures in the same place.
fn is_java_class(content: &[u8]) -> bool {
    content.starts_with(b"\xca\xfe\xba\xbe")
        && content.get(4..8).is_some_and(|v| u16::from_be_bytes([v[2], v[3]]) >= 45)
}

/// A magic number of two bytes, then CR LF: 20121 to 62211 of Python 1 and 2, 3000 to 3999 of Python 3 (CPython's `Lib/importlib`).
fn is_python_bytecode(content: &[u8]) -> bool {
    let Some([low, high, b'\r', b'\n']) = content.first_chunk::<4>() else { return false };
    matches!(u16::from_le_bytes([*low, *high]), 3000..=3999 | 50_823 | 60_202 | 60_717 | 62_011..=62_211)
        && content.len() >= 8
}

fn executable(content: &[u8]) -> Option<&'static str> {
    const KINDS: &[(&[u8], &str)] = &[
        (b"\x7fELF", "a native program or library (ELF)"),
        (b"\xfe\xed\xfa\xce", "a native program or library (Mach-O)"),
        (b"\xfe\xed\xfa\xcf", "a native program or library (Mach-O)"),
        (b"\xce\xfa\xed\xfe", "a native program or library (Mach-O)"),
        (b"\xcf\xfa\xed\xfe", "a native program or library (Mach-O)"),
        (b"\xca\xfe\xba\xbe", "a native program or library (Mach-O)"),
        (b"\xca\xfe\xba\xbf", "a native program or library (Mach-O)"),
        (b"\xbe\xba\xfe\xca", "a native program or library (Mach-O)"),
    ];
    // A text may start with MZ; a program has a NUL in its header.
    if content.starts_with(b"MZ") && content.len() >= 64 && content[..64].contains(&0) {
        return Some("a Windows program or library (PE)");
    }
    starts(content, KINDS)
}

fn archive(path: &str, content: &[u8]) -> Option<&'static str> {
    const KINDS: &[(&[u8], &str)] = &[
        (b"\x1f\x8b", "a gzip file"),
        (b"\x1f\x9d", "a compress file"),
        (b"\xfd7zXZ\0", "an xz file"),
        (b"\x28\xb5\x2f\xfd", "a zstd file"),
        (b"\x04\x22\x4d\x18", "an lz4 file"),
        (b"LZIP\x01", "an lzip file"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"MSCF\0\0\0\0", "a cabinet archive"),
        (b"xar!\0", "a xar archive"),
        (b"!<arch>\n", "an ar archive"),
        (b"\xed\xab\xee\xdb", "an RPM package"),
    ];
    // bzip2: a digit for the block size, then π for a block or √π for the end of an empty stream.
    let is_bzip2 = content.starts_with(b"BZh")
        && content.get(4..10).is_some_and(|magic| magic == b"1AY&SY" || magic == b"\x17rE8P\x90");
    if is_bzip2 {
        return Some("a bzip2 file");
    }
    if content.get(257..262) == Some(b"ustar") {
        return Some("a tar archive");
    }
    if let Some(kind) = starts(content, KINDS) {
        return Some(kind);
    }
    (zip::is_zip(content) && !zip::is_office_document(path, content)).then_some("a zip archive")
}

fn starts(content: &[u8], kinds: &[(&[u8], &'static str)]) -> Option<&'static str> {
    kinds.iter().find(|(magic, _)| content.starts_with(magic)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(content: &[u8]) -> Option<&'static Code> {
        forbidden("assets/x", content).map(|(_, code, _)| code)
    }

    #[test]
    fn known_formats_are_told_apart() {
        let padded = |start: &[u8]| [start, &[0; 300]].concat();
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        for (content, expected) in [
            (b"\xcb\x0d\r\n\0\0\0\0".to_vec(), codes::BYTECODE),
            (b"\x03\xf3\r\n\0\0\0\0".to_vec(), codes::BYTECODE),
            (b"\xca\xfe\xba\xbe\0\0\0\x41".to_vec(), codes::BYTECODE),
            (padded(b"\0asm\x01"), codes::BYTECODE),
            (b"\xca\xfe\xba\xbe\0\0\0\x02".to_vec(), codes::EXECUTABLE),
            (padded(b"\x7fELF\x02"), codes::EXECUTABLE),
            (padded(b"MZ\x90"), codes::EXECUTABLE),
            (padded(b"\xcf\xfa\xed\xfe"), codes::EXECUTABLE),
            (padded(b"PK\x03\x04"), codes::NESTED_ARCHIVE),
            (padded(b"\x1f\x8b\x08"), codes::NESTED_ARCHIVE),
            (b"BZh91AY&SYxxxx".to_vec(), codes::NESTED_ARCHIVE),
            (padded(b"\xfd7zXZ\0"), codes::NESTED_ARCHIVE),
            (padded(b"\x28\xb5\x2f\xfd"), codes::NESTED_ARCHIVE),
            (padded(b"7z\xbc\xaf\x27\x1c"), codes::NESTED_ARCHIVE),
            (tar, codes::NESTED_ARCHIVE),
        ] {
            assert_eq!(code(&content), Some(expected), "{:?}", &content[..8]);
        }
    }

    #[test]
    fn texts_and_media_are_not_mistaken_for_programs() {
        let long_text = format!("MZ is how it starts. {}", "word ".repeat(40));
        for content in [
            long_text.as_bytes(),
            b"BZh is no archive",
            b"PK",
            b"#!/bin/sh\n",
            b"\x89PNG\r\n\x1a\n\0\0",
            b"%PDF-1.7\n",
            b"RIFF\0\0\0\0WEBP",
            b"ab\r\n12345678",
            b"",
        ] {
            assert_eq!(code(content), None, "{:?}", String::from_utf8_lossy(content));
        }
    }
}
