//! What the largest and the most tiresome inputs cost: `skill check` on a hostile file takes neither time nor memory.

use std::{fs, io::Write, process::Command, time::Duration};

use skill_bundle::{File, archive, check};
use skill_schema::{Limits, lint::Level};

use crate::hostile;

/// The most processor time that a check may take, and the most memory above what the process had before it read the file.
const TIME: Duration = Duration::from_secs(2);
const MEMORY_KIB: u64 = 64 * 1024;

const MIB: usize = 1024 * 1024;

/// Packs files of the same size that together nearly fill the limits.
fn full_of(extension: &str, piece: &[u8]) -> Vec<u8> {
    let skill_md = b"---\nname: demo\ndescription: A skill.\n---\n";
    let content: Vec<u8> = piece.iter().copied().cycle().take(7 * MIB).collect();
    let paths: Vec<_> = (0..4).map(|i| format!("d/{i}.{extension}")).collect();
    let files = paths.iter().map(|path| File { path, content: &content, executable: true });
    let first = File { path: "SKILL.md", content: skill_md, executable: false };
    archive::gzip(&archive::encode(std::iter::once(first).chain(files)).unwrap()).unwrap()
}

/// Nearly 10 MiB that cannot be compressed, and zeros up to 31 MiB.
fn largest() -> Vec<u8> {
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    })
    .take(4 * MIB + MIB / 2)
    .collect();
    let zeros = vec![0; 7 * MIB];
    let files = ["SKILL.md", "a", "b", "c", "d", "e"].into_iter().enumerate().map(|(i, path)| {
        let content = match i {
            0 => b"---\nname: demo\ndescription: A skill.\n---\n".as_slice(),
            1 | 2 => &noise,
            _ => &zeros,
        };
        File { path, content, executable: false }
    });
    archive::gzip(&archive::encode(files).unwrap()).unwrap()
}

fn inputs() -> Vec<(&'static str, Vec<u8>)> {
    let skill_md = |line: &str| {
        let text = format!("---\nname: demo\ndescription: A skill.\n---\n{}", line.repeat(200_000 / line.len()));
        archive::gzip(
            &archive::encode([File { path: "SKILL.md", content: text.as_bytes(), executable: false }]).unwrap(),
        )
        .unwrap()
    };
    vec![
        ("a bomb", hostile::archive("80-gz-bomb").unwrap()),
        ("the largest package", largest()),
        ("blank lines", full_of("txt", b"\n")),
        ("short lines", full_of("sh", b"curl x\n")),
        ("hidden characters", full_of("md", "\u{200b}\n".as_bytes())),
        ("carriage returns", full_of("md", b"\r")),
        ("one line of links", full_of("md", b"](")),
        ("brackets", full_of("md", b"[[](")),
        ("links in lines", full_of("md", "[a.com](http://b.com)".repeat(3000).as_bytes())),
        ("ends of links in lines", full_of("md", format!("{}\n", "](http://b.com".repeat(3000)).as_bytes())),
        ("schemes", full_of("py", format!("{}\n", "http://".repeat(9000)).as_bytes())),
        ("hosts", full_of("py", b"https://a.b ")),
        ("users", full_of("md", b"the user ")),
        ("pipes", full_of("sh", format!("curl {}\n", "|".repeat(60_000)).as_bytes())),
        ("ends of zip files", full_of("bin", b"PK\x05\x06")),
        ("entries of zip files", full_of("docx", b"PK\x01\x02")),
        ("comments in SKILL.md", skill_md("<!--")),
        ("brackets in SKILL.md", skill_md("[")),
        ("links in SKILL.md", skill_md("[a](b)")),
        ("backticks in SKILL.md", skill_md("`")),
        ("fences in SKILL.md", skill_md("```\n")),
        ("headings in SKILL.md", skill_md("#")),
    ]
}

/// Run by the test below in a process of its own, in a folder with a file `input`: says what checking it cost.
#[test]
#[ignore = "only a part of hostile_input_costs_neither_time_nor_memory"]
fn check_the_input() {
    let (before, started) = (peak(), busy());
    let report = check::check_bytes(fs::read("input").unwrap(), &Limits::V1, Level::Strict);
    let line =
        format!("cost {} {} {}\n", busy().saturating_sub(started).as_millis(), peak() - before, report.findings.len());
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

/// How long this thread has been on a processor: other work on the machine does not count.
fn busy() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// The most memory that this process has had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn hostile_input_costs_neither_time_nor_memory() {
    let mut wrong = String::new();
    for (name, bytes) in inputs() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("input"), bytes).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "cost::check_the_input", "--ignored", "--nocapture"]).current_dir(folder.path());
        let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let costs =
            output.lines().find_map(|line| line.strip_prefix("cost ")).unwrap_or_else(|| panic!("{name}: {output}"));
        let costs: Vec<u64> = costs.split(' ').map(|number| number.parse().unwrap()).collect();
        let line = format!("{name}: {} ms, {} KiB, {} findings\n", costs[0], costs[1], costs[2]);
        std::io::stdout().write_all(line.as_bytes()).unwrap();
        if Duration::from_millis(costs[0]) > TIME || costs[1] > MEMORY_KIB {
            wrong.push_str(&line);
        }
    }
    assert!(wrong.is_empty(), "too slow or too large:\n{wrong}");
}
