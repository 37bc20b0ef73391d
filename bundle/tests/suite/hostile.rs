//! Makes the hostile archives that `tests/vectors/hostile-archives.json` names, each from its name alone. Shared by the tests and by
//! `cargo run -p skill-bundle --example hostile -- FOLDER`, which writes them as files.

use std::io::Write;

use flate2::{Compression, Crc, write::DeflateEncoder};

const BLOCK: usize = 512;
const SKILL_MD: &[u8] = b"---\nname: demo\ndescription: A harmless skill for tests.\n---\n\n# Demo\n";

/// One tar entry, every field of its header free.
#[derive(Clone)]
struct Entry {
    name: Vec<u8>,
    prefix: Vec<u8>,
    mode: Vec<u8>,
    size: Vec<u8>,
    mtime: Vec<u8>,
    kind: u8,
    link: Vec<u8>,
    magic: Vec<u8>,
    content: Vec<u8>,
    padding: u8,
    bad_checksum: bool,
}

fn octal(n: usize, width: usize) -> Vec<u8> {
    format!("{n:0width$o}\0", width = width - 1).into_bytes()
}

fn file(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Entry {
    let content = content.as_ref().to_vec();
    Entry {
        name: name.as_ref().to_vec(),
        prefix: vec![],
        mode: octal(0o644, 8),
        size: octal(content.len(), 12),
        mtime: octal(0, 12),
        kind: b'0',
        link: vec![],
        magic: b"ustar\x0000".to_vec(),
        content,
        padding: 0,
        bad_checksum: false,
    }
}

impl Entry {
    fn kind(mut self, kind: u8) -> Self {
        self.kind = kind;
        self
    }

    fn link(mut self, kind: u8, target: &str) -> Self {
        self.link = target.as_bytes().to_vec();
        self.kind(kind)
    }

    fn mode(mut self, mode: usize) -> Self {
        self.mode = octal(mode, 8);
        self
    }

    fn size(mut self, field: &[u8]) -> Self {
        self.size = field.to_vec();
        self
    }

    fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.as_bytes().to_vec();
        self
    }

    fn header(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let mut put = |at: usize, width: usize, bytes: &[u8]| {
            let len = bytes.len().min(width);
            block[at..at + len].copy_from_slice(&bytes[..len]);
        };
        put(0, 100, &self.name);
        put(100, 8, &self.mode);
        put(108, 8, &octal(0, 8));
        put(116, 8, &octal(0, 8));
        put(124, 12, &self.size);
        put(136, 12, &self.mtime);
        put(148, 8, b"        ");
        put(156, 1, &[self.kind]);
        put(157, 100, &self.link);
        put(257, 8, &self.magic);
        put(329, 8, &octal(0, 8));
        put(337, 8, &octal(0, 8));
        put(345, 155, &self.prefix);
        let sum: usize = block.iter().map(|byte| usize::from(*byte)).sum::<usize>() + usize::from(self.bad_checksum);
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header().to_vec();
        bytes.extend_from_slice(&self.content);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), self.padding);
        bytes
    }
}

fn skill() -> Entry {
    file("SKILL.md", SKILL_MD)
}

/// The tar of these entries, with its end.
fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.iter().flat_map(Entry::bytes).collect();
    bytes.extend_from_slice(&[0; 2 * BLOCK]);
    bytes
}

/// SKILL.md and one more entry, in the order of their names.
fn with(entry: Entry) -> Vec<u8> {
    let mut entries = vec![skill(), entry];
    entries.sort_by(|a, b| {
        [&a.prefix, b"/".as_slice(), &a.name].concat().cmp(&[&b.prefix, b"/".as_slice(), &b.name].concat())
    });
    tar(&entries)
}

fn pax_record(key: &str, value: &str) -> String {
    let body = format!(" {key}={value}\n");
    let mut len = body.len() + 1;
    while len != body.len() + len.to_string().len() {
        len += 1;
    }
    format!("{len}{body}")
}

fn pax(kind: u8, record: &str) -> Entry {
    file("PaxHeaders/x", record).kind(kind)
}

fn gzip(data: &[u8]) -> Vec<u8> {
    gzip_of(&mut |out| out.write_all(data))
}

/// A gzip member of whatever the closure writes.
fn gzip_of(fill: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>) -> Vec<u8> {
    struct Counting {
        deflate: DeflateEncoder<Vec<u8>>,
        crc: Crc,
    }
    impl Write for Counting {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.crc.update(bytes);
            self.deflate.write_all(bytes)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let header = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut member = Counting { deflate: DeflateEncoder::new(header, Compression::new(6)), crc: Crc::new() };
    fill(&mut member).expect("writing to memory");
    let mut bytes = member.deflate.finish().expect("writing to memory");
    bytes.extend_from_slice(&member.crc.sum().to_le_bytes());
    bytes.extend_from_slice(&member.crc.amount().to_le_bytes());
    bytes
}

/// The archive of a case, as a `.tar.gz`; nothing if the name is not known.
pub fn archive(case: &str) -> Option<Vec<u8>> {
    let number: u32 = case.split('-').next()?.parse().ok()?;
    if number >= 80 {
        return gzip_case(number);
    }
    path_case(number)
        .map(with)
        .or_else(|| link_case(number))
        .or_else(|| extension_case(number))
        .or_else(|| header_case(number))
        .or_else(|| layout_case(number))
        .map(|tar| gzip(&tar))
}

/// A single file whose path is the attack.
fn path_case(number: u32) -> Option<Entry> {
    let deep = ["d"; 40].join("/") + "/f";
    let path: &[u8] = match number {
        1 => b"../evil.txt",
        2 => b"/tmp/evil.txt",
        3 => b"docs/../../evil.txt",
        4 => b"docs/./a.txt",
        5 => b"docs//a.txt",
        6 => b"..\\evil.txt",
        7 => b"C:/evil.txt",
        23 => "cafe\u{301}.txt".as_bytes(),
        26 => b"CON",
        27 => b"docs./a.txt",
        28 => "a\u{202e}txt.exe".as_bytes(),
        29 => "a\u{200b}.txt".as_bytes(),
        30 => b"a\x07.txt",
        31 => b"a\x1b[31m.txt",
        32 => b"a\xff\xfe.txt",
        33 => b"a.txt:stream",
        34 => b"",
        35 => b"a.txt\0hidden",
        63 => deep.as_bytes(),
        64 => return Some(file("evil.txt", "x").prefix("..")),
        65 => return Some(file("evil.txt", "x").prefix("/tmp")),
        68 => b"docs/",
        73 => b".git/config",
        74 => b".claude/settings.json",
        _ => return None,
    };
    Some(file(path, "x"))
}

/// Links, devices and folders, alone or with a file that would be written through them.
fn link_case(number: u32) -> Option<Vec<u8>> {
    let tar = match number {
        8 => with(file("link", "").link(b'2', "/etc/passwd")),
        9 => tar(&[skill(), file("dir", "").link(b'2', "/tmp"), file("dir/evil.txt", "x")]),
        10 => with(file("link", "").link(b'2', "../../evil")),
        11 => with(file("link", "").link(b'1', "/etc/passwd")),
        12 => tar(&[skill(), file("link", "").link(b'1', "/tmp/evil"), file("link", "x")]),
        13 => tar(&[skill(), file("dir", "").link(b'2', "/tmp"), file("dir/", "").mode(0o777).kind(b'5')]),
        14 => with(file("device", "").kind(b'3')),
        15 => with(file("device", "").kind(b'4')),
        16 => with(file("pipe", "").kind(b'6')),
        17 => with(file("contiguous", "x").kind(b'7')),
        25 => tar(&[skill(), file("x/", "").kind(b'5'), file("x", "x")]),
        66 => with(file("dir/", "data").kind(b'5')),
        67 => with(file("link", "data").link(b'2', "SKILL.md")),
        72 => tar(&[file("SKILL.md/", "").kind(b'5')]),
        _ => return None,
    };
    Some(tar)
}

/// Extension records that change what follows them.
fn extension_case(number: u32) -> Option<Vec<u8>> {
    let long = format!("../{}", "x".repeat(120));
    let gnu = |kind: u8, text: &str| file("././@LongLink", format!("{text}\0")).kind(kind);
    let entries = match number {
        36 => vec![pax(b'x', &pax_record("path", "../evil.txt")), file("a.txt", "x")],
        37 => vec![pax(b'x', &pax_record("size", "2048")), file("a.txt", "x")],
        38 => vec![pax(b'x', &pax_record("size", "0")), file("a.txt", "x".repeat(600))],
        39 => vec![pax(b'g', &pax_record("path", "../evil.txt")), file("a.txt", "x")],
        40 => vec![pax(b'x', &pax_record("linkpath", "/etc/passwd")), file("a", "").link(b'2', "b")],
        41 => vec![pax(b'x', &pax_record("path", "one")), gnu(b'L', "../two"), file("a.txt", "x")],
        42 => vec![gnu(b'L', &long), file("a.txt", "x")],
        43 => vec![gnu(b'K', "/etc/passwd"), file("a", "").link(b'2', "b")],
        44 => vec![pax(b'x', "20 path=../evil.txt"), file("a.txt", "x")],
        45 => vec![pax(b'x', "9999999 path=../evil.txt\n"), file("a.txt", "x")],
        46 => vec![file("sparse", "x").kind(b'S')],
        53 => vec![file("a.txt", "x").kind(b'Q')],
        54 => vec![file("a.txt", "x").kind(b'Z')],
        _ => return None,
    };
    Some(tar(&[vec![skill()], entries].concat()))
}

/// One field of a header that is not as it must be.
fn header_case(number: u32) -> Option<Vec<u8>> {
    let plain = file("a.txt", "x");
    let entry = match number {
        18 => plain.mode(0o4755),
        19 => plain.mode(0o666),
        47 => plain.size(b"\x80\0\0\0\0\0\0\0\0\0\0\x01"),
        48 => plain.size(b"-0000000001\0"),
        49 => plain.size(b"0000000zz1x\0"),
        50 => plain.size(b"          1\0"),
        51 => Entry { bad_checksum: true, ..plain },
        52 => Entry { magic: vec![0; 8], ..plain },
        61 => Entry { padding: 0xaa, ..plain },
        69 => plain,
        70 => Entry { mtime: b"77777777777\0".to_vec(), ..plain },
        _ => return None,
    };
    Some(with(entry))
}

/// Which entries there are, and how the archive ends.
fn layout_case(number: u32) -> Option<Vec<u8>> {
    let body = || [skill(), file("a.txt", "x")].iter().flat_map(Entry::bytes).collect::<Vec<u8>>();
    let end = [0; 2 * BLOCK];
    let bytes = match number {
        0 => tar(&[skill()]),
        20 => tar(&[skill(), file("a.txt", "one"), file("a.txt", "two")]),
        21 => tar(&[skill(), file("SKILL.md", "other")]),
        22 => tar(&[file("A.txt", "one"), skill(), file("a.txt", "two")]),
        24 => tar(&[skill(), file("a", "x"), file("a/b", "x")]),
        55 => {
            let whole = [skill().bytes(), file("b.bin", vec![7; 4000]).bytes()].concat();
            whole[..whole.len() - 2000].to_vec()
        }
        56 => [body().as_slice(), &file("b", "").header()[..200]].concat(),
        57 => body(),
        58 => [body().as_slice(), &end[..BLOCK]].concat(),
        59 => [body().as_slice(), &end, b"hidden data after the end".as_slice()].concat(),
        60 => [skill().bytes().as_slice(), &end[..BLOCK], &file("b", "x").bytes(), &end].concat(),
        62 => {
            let files = (0..1100).map(|i| file(format!("f/{i:05}"), ""));
            tar(&std::iter::once(skill()).chain(files).collect::<Vec<_>>())
        }
        71 => tar(&[file("README.md", "x")]),
        _ => return None,
    };
    Some(bytes)
}

/// The gzip layer is the attack.
fn gzip_case(number: u32) -> Option<Vec<u8>> {
    let good = gzip(&tar(&[skill()]));
    let patched = |from_end: usize| {
        let mut bytes = good.clone();
        let at = bytes.len() - from_end;
        bytes[at] ^= 0xff;
        bytes
    };
    let bytes = match number {
        80 => gzip_of(&mut |out| (0..256).try_for_each(|_| out.write_all(&vec![0; 1 << 20]))),
        81 => [good.as_slice(), b"garbage"].concat(),
        82 => [good.as_slice(), &gzip(&tar(&[file("evil.txt", "x")]))].concat(),
        83 => good[..good.len() - 20].to_vec(),
        84 => patched(1),
        85 => patched(8),
        86 => b"this is not gzip at all, only text".to_vec(),
        87 => vec![],
        88 => gzip(b""),
        89 => {
            let header = b"\x1f\x8b\x08\x18\0\0\0\0\0\xffskill.tar\0a comment\0";
            [header.as_slice(), &good[10..]].concat()
        }
        90 => [good.as_slice(), &gzip(b"")].concat(),
        91 => [b"\x28\xb5\x2f\xfd".as_slice(), &good[4..]].concat(),
        _ => return None,
    };
    Some(bytes)
}
