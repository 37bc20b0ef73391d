//! What a hostile run or suite may try.

use std::{fs, os::unix::fs::symlink};

use proptest::prelude::*;
use serde_json::json;

use super::{
    super::{evidence, folder, rows},
    Bed, of, parse,
};

#[test]
fn links_are_never_followed() {
    let bed = Bed::new("x");
    bed.file("secret/key.txt", "secret").file("outputs/plain.txt", "plain");
    symlink(bed.path("secret/key.txt"), bed.path("outputs/link.txt")).unwrap();
    symlink(bed.path("secret"), bed.path("outputs/folder")).unwrap();
    symlink("/etc/passwd", bed.path("outputs/abs.txt")).unwrap();
    symlink(".", bed.path("outputs/loop")).unwrap();
    bed.table(&[
        (json!({"kind": "file_contains", "glob": "outputs/*.txt", "value": "secret"}), 0),
        (json!({"kind": "file_exists", "glob": "outputs/link.txt"}), 0),
        (json!({"kind": "file_exists", "glob": "outputs/folder/key.txt"}), 0),
        (json!({"kind": "file_absent", "glob": "outputs/link.txt"}), 0),
        (json!({"kind": "contains", "value": "root", "target": "outputs/abs.txt"}), 0),
        (json!({"kind": "script", "run": "test ! -e link.txt"}), 1),
        (json!({"kind": "script", "run": "test ! -e folder"}), 1),
        (json!({"kind": "script", "run": "test -f plain.txt"}), 1),
    ]);
    for path in ["link.txt", "folder/key.txt", "../secret/key.txt", "loop/plain.txt", "", "/etc/passwd", "."] {
        assert!(folder::read(&bed.path("outputs"), path).is_err(), "{path}");
    }
    assert_eq!(folder::read(&bed.path("outputs"), "plain.txt").unwrap(), b"plain");
}

#[test]
fn a_pipe_does_not_stop_a_check() {
    let bed = Bed::new("x");
    let made = std::process::Command::new("mkfifo").arg(bed.path("outputs/pipe.txt")).status().unwrap();
    assert!(made.success());
    bed.table(&[
        (json!({"kind": "contains", "value": "x", "target": "outputs/pipe.txt"}), 0),
        (json!({"kind": "file_exists", "glob": "outputs/pipe.txt"}), 0),
        (json!({"kind": "file_absent", "glob": "outputs/pipe.txt"}), 0),
    ]);
}

#[test]
fn too_large_too_deep_and_too_many_is_the_runs_fault_even_inside_not() {
    let bed = Bed::new("x");
    let size = usize::try_from(folder::MAX_FILE).unwrap();
    bed.file("outputs/full.bin", vec![0; size]).file("outputs/over.bin", vec![0; size + 1]);
    let contains = |glob: &str| json!({"kind": "not", "check": {"kind": "file_contains", "glob": glob, "value": "x"}});
    bed.table(&[(contains("outputs/full.bin"), 1), (contains("outputs/over.bin"), 0)]);
    let deep = |levels: usize| {
        let bed = Bed::new("x");
        fs::create_dir_all(bed.path("outputs").join(vec!["d"; levels].join("/"))).unwrap();
        bed.passes(&json!({"kind": "file_absent", "glob": "outputs/x"}))
    };
    assert_eq!([deep(32), deep(33)], [Some(true), Some(false)]);
}

#[test]
fn twenty_thousand_entries_are_looked_at_and_no_more() {
    let bed = Bed::new("x");
    for n in 0..20_000 {
        fs::write(bed.path("outputs").join(n.to_string()), "").unwrap();
    }
    let absent = json!({"kind": "file_absent", "glob": "outputs/x"});
    assert_eq!(bed.passes(&absent), Some(true));
    bed.file("outputs/one-more", "");
    assert_eq!(bed.passes(&absent), Some(false));
}

#[test]
fn evidence_is_short_and_fit_to_print() {
    let bed = Bed::new(&format!("\u{1b}[31m{}\u{202e}", "x".repeat(5_000)));
    let result = bed.check(&json!({"kind": "regex", "pattern": "(?s).*"}));
    assert!(result.evidence.chars().count() <= evidence::MAX_CHARS, "{}", result.evidence.len());
    assert!(
        !result.evidence.chars().any(char::is_control) && result.evidence.contains("\\u{1b}"),
        "{}",
        result.evidence
    );
    assert_eq!(evidence::printable(&"é".repeat(1_000)).chars().count(), 1_000);
    assert_eq!(evidence::printable(&"\u{7}".repeat(1_000)).chars().count(), 1_000);
    assert!(evidence::printable(&"\u{7}".repeat(1_000)).ends_with('…'));
}

#[test]
fn text_that_is_too_long_is_not_counted_in() {
    let count = json!({"kind": "regex", "pattern": "x", "max": 1_000_000});
    assert_eq!(Bed::new(&"x".repeat(128 * 1024)).passes(&count), Some(true));
    assert_eq!(Bed::new(&"x".repeat(128 * 1024 + 1)).passes(&count), Some(false));
    let any = json!({"kind": "regex", "pattern": "x"});
    assert_eq!(Bed::new(&"x".repeat(4 * 1024 * 1024)).passes(&any), Some(true));
    assert_eq!(Bed::new(&"x".repeat(4 * 1024 * 1024 + 1)).passes(&any), Some(false));
}

proptest! {
    #[test]
    fn no_text_breaks_a_reader(text in "[\\PC\n\t\"|,`~#/*-]{0,200}", kind in 0..super::super::KINDS.len()) {
        let bed = Bed::new(&text);
        for format in [rows::Format::Csv, rows::Format::Tsv, rows::Format::Markdown] {
            let _ = rows::read(&text, format);
        }
        for part in ["all", "code", "fenced", "prose"] {
            bed.check(&json!({"kind": "regex", "pattern": ".", "part": part}));
        }
        // Every parameter is the text: whatever is accepted can be made.
        let names = ["value", "pattern", "path", "glob", "tool", "text", "skill", "expected"];
        let mut check = json!({"kind": super::super::KINDS[kind], "values": [text], "globs": [text], "max": 3});
        for name in names {
            check[name] = json!(text);
        }
        bed.check(&check);
    }

    #[test]
    fn no_pattern_of_paths_breaks_the_matcher(glob in "[a-c*?\\[\\]{},!/é^-]{1,24}", path in "[a-cé/]{1,16}") {
        let bed = Bed::new("x");
        if parse(&of(&json!({"kind": "file_exists", "glob": glob}))).is_ok() {
            let path = path.trim_matches('/').replace("//", "/");
            if !path.is_empty() && !path.contains("//") {
                bed.file(&format!("outputs/{path}"), "");
            }
            bed.check(&json!({"kind": "file_exists", "glob": glob}));
        }
    }
}
