//! The archive profile `skill-archive/v1`: gzip, tar headers, paths, limits.
use super::codes;

codes! {
    EMPTY = "E_EMPTY", Integrity, 422, "the package is empty",
        "pack the skill again with skill pack",
        "A package has at least a SKILL.md; a file of zero bytes, or a gzip of nothing, is a failed download or a mistake.";
    NOT_GZIP = "E_NOT_GZIP", Integrity, 422, "the package is not a gzip file",
        "packages are made with skill pack; another compression (zip, zstd, xz) is not accepted",
        "The archive profile allows exactly one container: a single gzip member (RFC 1952) around a POSIX ustar archive.";
    GZIP_FLAGS = "E_GZIP_FLAGS", Integrity, 422, "the gzip header carries optional fields",
        "pack the skill again with skill pack",
        "The gzip header must be `1f 8b 08 00`, with zero time: a file name, comment, extra field or time in it would make equal contents different bytes, and a place to hide text.";
    GZIP_CRC = "E_GZIP_CRC", Integrity, 422, "the package is damaged (checksum mismatch)",
        "download or pack it again",
        "The CRC-32 or the length at the end of the gzip stream does not match what was inflated.";
    TRUNCATED = "E_TRUNCATED", Integrity, 422, "the package ends too early",
        "download or pack it again",
        "The gzip stream or the tar archive stops in the middle of a header or a file.";
    TRAILING = "E_TRAILING", Integrity, 422, "there are bytes after the end of the package",
        "pack the skill again with skill pack",
        "Exactly one gzip member is allowed and nothing may follow it: tools disagree on whether to read a second member, so two readers would see two packages.";
    BOMB = "E_BOMB", Integrity, 422, "the package unpacks to more than the limit",
        "keep large data outside of the skill and download it from the instructions",
        "A package may unpack to at most 32 MiB. Inflating stops at the limit, so a decompression bomb costs nothing.";
    TAR_CHECKSUM = "E_TAR_CHECKSUM", Integrity, 422, "a tar header is damaged (checksum mismatch)",
        "pack the skill again with skill pack",
        "Each 512-byte tar header carries the sum of its own bytes.";
    ENTRY_TYPE = "E_ENTRY_TYPE", Integrity, 422, "the package contains something other than a regular file",
        "replace links by copies; folders need no entry of their own",
        "Only regular files are allowed: no links, devices, folders, pax or GNU extension records. Most archive attacks (writing through a link, renaming by pax header) need one of those.";
    TAR_FORMAT = "E_TAR_FORMAT", Integrity, 422, "a tar header is not POSIX ustar",
        "pack the skill again with skill pack",
        "Every header carries the magic `ustar` NUL `00`; older and vendor formats are read differently by different tools.";
    TAR_NUMBER = "E_TAR_NUMBER", Integrity, 422, "a number in a tar header is not written as the profile asks",
        "pack the skill again with skill pack",
        "Sizes are eleven octal digits and a NUL. Base-256, signs, spaces and garbage are refused, since tools read them differently.";
    MODE = "E_MODE", Integrity, 422, "a file has a mode other than 0644 or 0755",
        "pack the skill again with skill pack",
        "A file is plain (0644) or executable (0755). Set-uid, sticky and world-writable bits are never installed.";
    PATH_EMPTY = "E_PATH_EMPTY", Integrity, 422, "a file in the package has no name", "pack the skill again with skill pack",
        "An entry with an empty path cannot be extracted.";
    PATH_NUL = "E_PATH_NUL", Integrity, 422, "a path contains bytes after its NUL", "pack the skill again with skill pack",
        "Bytes behind the terminating NUL of a name are invisible to some tools and part of the name for others.";
    PATH_ENCODING = "E_PATH_ENCODING", Integrity, 422, "a path is not valid UTF-8", "rename the file with plain ASCII characters",
        "A path that is not valid UTF-8 has different names on different systems.";
    PATH_ABSOLUTE = "E_PATH_ABSOLUTE", Integrity, 422, "a path is absolute", "paths in a package are relative to the skill folder",
        "A path that starts with `/` would be written outside of the skill folder.";
    PATH_PARENT = "E_PATH_PARENT", Integrity, 422, "a path climbs out of the skill folder", "paths in a package are relative to the skill folder",
        "A `..` component would be written outside of the skill folder.";
    PATH_COMPONENT = "E_PATH_COMPONENT", Integrity, 422, "a path has an empty or overlong component", "write paths with single slashes and components of 1 to 100 characters",
        "Components are 1 to 100 bytes: `a//b`, `./a` and `a/` are other spellings of a path that must have one spelling only.";
    PATH_CHARS = "E_PATH_CHARS", Integrity, 422, "a path has a character that is not allowed",
        "rename the file with letters, digits and - . _ + @ = , # % ( ) [ ] { } ~ ! & $ ^ or space",
        "Paths are ASCII, from a set that every file system can store and no shell or terminal mistakes for something else. Backslash and colon are separators on Windows.";
    PATH_HIDDEN = "E_PATH_HIDDEN", Integrity, 422, "a path has a hidden component", "rename the file so that no part of its path starts with a dot",
        "Files and folders that start with a dot (`.git`, `.claude`) can change how an agent or a tool behaves without being seen.";
    PATH_EDGE = "E_PATH_EDGE", Integrity, 422, "a path component starts or ends with a character that is not allowed there",
        "a component must not start with a space, - or ~, nor end with a space or a dot",
        "A leading `-` is an option to a shell command, a leading `~` a home folder, and Windows drops trailing dots and spaces.";
    PATH_RESERVED = "E_PATH_RESERVED", Integrity, 422, "a path uses a reserved device name", "rename the file",
        "`con`, `prn`, `aux`, `nul`, `com1`-`com9` and `lpt1`-`lpt9` are devices on Windows, with any extension.";
    PATH_DEPTH = "E_PATH_DEPTH", Integrity, 422, "a path is too deep or too long", "use at most 10 levels and 240 bytes",
        "Deep and long paths cannot be extracted on every system.";
    DUPLICATE = "E_DUPLICATE", Integrity, 422, "two files have the same path", "rename one of them so that they differ in more than case",
        "Two paths that are equal after lower-casing are one file on macOS and Windows: which of the two would win depends on the tool.";
    FILE_AND_DIR = "E_FILE_AND_DIR", Integrity, 422, "a file is also used as a folder", "rename the file or the folder",
        "`a` and `a/b` cannot both exist.";
    TAR_END = "E_TAR_END", Integrity, 422, "the archive has no end marker", "pack the skill again with skill pack",
        "A tar archive ends with exactly two blocks of zeros.";
    NOT_CANONICAL = "E_NOT_CANONICAL", Integrity, 422, "the archive is not in canonical form", "pack the skill again with skill pack",
        "After decoding, the archive is encoded again and must give the same bytes: sorted, padded with zeros, no times, no owners, ended by exactly two zero blocks. So one content has one archive.";
    NO_SKILL_MD = "E_NO_SKILL_MD", Failed, 422, "there is no SKILL.md", "add a SKILL.md at the top of the folder; skill new writes one",
        "A skill is a folder with a file called exactly `SKILL.md` at its root.";
    TOO_MANY = "E_TOO_MANY", Integrity, 422, "the package has too many files", "keep it at or under 1,000 files",
        "A package may hold at most 1,000 files.";
    TOO_BIG = "E_TOO_BIG", Integrity, 413, "the package is too large", "keep it at or under 10 MiB compressed and 32 MiB unpacked",
        "A package may have at most 10 MiB compressed and 32 MiB unpacked.";
    FILE_SIZE = "E_FILE_SIZE", Integrity, 422, "a file is too large", "keep files at or under 8 MiB, SKILL.md at or under 256 KiB",
        "A file may have at most 8 MiB; SKILL.md, which an agent reads whole, at most 256 KiB.";
    SYMLINK = "E_SYMLINK", Failed, 422, "the folder contains a symbolic link", "replace the link by a copy of the file, or name it in .skillignore",
        "A link would be something else on every machine; a package holds regular files only.";
    SPECIAL_FILE = "E_SPECIAL_FILE", Failed, 422, "the folder contains a device, socket or pipe", "remove it, or name it in .skillignore",
        "A package holds regular files only.";
}
