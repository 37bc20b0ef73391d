//! Checks of files.

use serde_json::{Value, json};

use super::{Bed, refused};

#[test]
fn files_are_counted_by_pattern() {
    let bed = Bed::new("x");
    bed.file("outputs/a.pdf", "1").file("outputs/b.pdf", "2").file("outputs/deep/c.pdf", "3").file("outputs/d.txt", "");
    let exists = |glob: &str, min: u32, max: u32| json!({"kind": "file_exists", "glob": glob, "min": min, "max": max});
    bed.table(&[
        (json!({"kind": "file_exists", "glob": "outputs/*.pdf"}), 1),
        (json!({"kind": "file_exists", "glob": "*.pdf"}), 1),
        (json!({"kind": "file_exists", "glob": "outputs/*.docx"}), 0),
        (json!({"kind": "file_exists", "glob": "outputs/deep"}), 0),
        (exists("outputs/*.pdf", 2, 2), 1),
        (exists("outputs/*.pdf", 3, 9), 0),
        (exists("outputs/**/*.pdf", 3, 3), 1),
        (exists("outputs/{a,b}.pdf", 2, 2), 1),
        (exists("outputs/*.pdf", 0, 1), 0),
        (json!({"kind": "file_absent", "glob": "outputs/*.docx"}), 1),
        (json!({"kind": "file_absent", "glob": "outputs/d.txt"}), 0),
        (json!({"kind": "file_absent", "glob": "outputs/deep"}), 0),
    ]);
}

#[test]
fn contents_of_files_are_searched() {
    let bed = Bed::new("x");
    bed.file("outputs/a.txt", "alpha\nbeta\n").file("outputs/b.txt", "gamma").file("outputs/raw.bin", b"\xff\xfe");
    let contains = |glob: &str, value: &str| json!({"kind": "file_contains", "glob": glob, "value": value});
    let digest = "44bd7ae60f478fae1061e11a7739f4b94d1daf917982d33b6fc8a01a63f89c21";
    bed.table(&[
        (contains("outputs/*.txt", "gamma"), 1),
        (contains("outputs/a.txt", "gamma"), 0),
        (contains("outputs/none.txt", "gamma"), 0),
        (json!({"kind": "not", "check": contains("outputs/none.txt", "gamma")}), 0),
        (json!({"kind": "not", "check": contains("outputs/a.txt", "gamma")}), 1),
        (json!({"kind": "file_contains", "glob": "outputs/a.txt", "pattern": "(?m)^beta$"}), 1),
        (json!({"kind": "contains", "value": "beta", "target": "outputs/*.txt"}), 1),
        (json!({"kind": "contains", "value": "beta\ngamma", "target": "outputs/*.txt"}), 1),
        (json!({"kind": "contains", "value": "beta", "target": "outputs/none"}), 0),
        (json!({"kind": "file_sha256", "glob": "outputs/b.txt", "sha256": digest}), 0),
    ]);
    let digest = skill_bundle::hash::sha256(b"gamma").to_string();
    bed.table(&[(json!({"kind": "file_sha256", "glob": "outputs/b.txt", "sha256": digest}), 1)]);
    refused(&[
        (json!({"kind": "file_sha256", "glob": "a", "sha256": "AB"}), "E_CHECK_PARAM"),
        (json!({"kind": "file_contains", "glob": "a"}), "E_CHECK_PARAM"),
        (json!({"kind": "file_contains", "glob": "a", "value": "x", "pattern": "x"}), "E_CHECK_PARAM"),
    ]);
}

#[test]
fn patterns_that_leave_the_folder_are_refused() {
    for bad in [
        "/etc/passwd",
        "outputs/../../x",
        "..",
        "./x",
        "a//b",
        "a\\b",
        "!a",
        "{a,{b,{c,{d,{e}}}}}",
        "outputs/",
        "a\u{0}",
    ] {
        refused(&[(json!({"kind": "file_exists", "glob": bad}), "E_CHECK_GLOB")]);
    }
    refused(&[
        (json!({"kind": "file_exists", "glob": "a".repeat(241)}), "E_CHECK_GLOB"),
        (json!({"kind": "unchanged", "globs": ["ok", "../x"]}), "E_CHECK_GLOB"),
        (json!({"kind": "file_diff", "path": "outputs/a", "expected": "../b"}), "E_CHECK_GLOB"),
        (json!({"kind": "file_diff", "path": "../a", "expected": "b"}), "E_CHECK_GLOB"),
        (json!({"kind": "file_diff", "path": "outputs", "expected": "b"}), "E_CHECK_PARAM"),
        (json!({"kind": "file_diff", "path": "a", "expected": "b", "max_changed_lines": 1001}), "E_CHECK_PARAM"),
        (json!({"kind": "file_diff", "path": "a", "expected": "b", "mode": "fuzzy"}), "E_CHECK_PARAM"),
    ]);
}

fn diff(path: &str, mode: &str, max: u64) -> Value {
    json!({"kind": "file_diff", "path": path, "expected": "evals/files/want.txt", "mode": mode, "max_changed_lines": max})
}

#[test]
fn files_are_compared_with_what_was_expected() {
    let bed = Bed::new("x");
    bed.file("suite/evals/files/want.txt", "one\ntwo\nthree\n");
    bed.file("outputs/same.txt", "one\ntwo\nthree\n").file("outputs/ws.txt", "one\r\n\n  two\nthree   ");
    bed.file("outputs/changed.txt", "one\n2\nthree\n").file("outputs/more.txt", "zero\none\ntwo\nthree\nfour\n");
    bed.table(&[
        (diff("outputs/same.txt", "exact", 0), 1),
        (diff("outputs/ws.txt", "exact", 0), 0),
        (diff("outputs/ws.txt", "ws", 0), 1),
        (diff("outputs/changed.txt", "ws", 0), 0),
        (diff("outputs/changed.txt", "exact", 2), 1),
        (diff("outputs/changed.txt", "exact", 1), 0),
        (diff("outputs/more.txt", "exact", 2), 1),
        (diff("outputs/more.txt", "exact", 1), 0),
        (diff("outputs/none.txt", "exact", 0), 0),
        (json!({"kind": "file_diff", "path": "same.txt", "expected": "evals/gone.txt"}), -1),
    ]);
}

#[test]
fn folders_are_compared_file_by_file() {
    let bed = Bed::new("x");
    bed.file("suite/want/a.txt", "a").file("suite/want/d/b.txt", "b");
    bed.file("outputs/same/a.txt", "a").file("outputs/same/d/b.txt", "b");
    bed.file("outputs/less/a.txt", "a").file("outputs/other/a.txt", "a").file("outputs/other/d/b.txt", "B");
    bed.file("outputs/more/a.txt", "a").file("outputs/more/d/b.txt", "b").file("outputs/more/c", "");
    let tree = |path: &str, want: &str| json!({"kind": "file_diff", "path": path, "expected": want, "mode": "tree"});
    bed.table(&[
        (tree("outputs/same", "want"), 1),
        (tree("outputs/less", "want"), 0),
        (tree("outputs/other", "want"), 0),
        (tree("outputs/more", "want"), 0),
        (tree("outputs/none", "want"), 0),
        (tree("outputs", "want"), 0),
        (tree("outputs/same", "gone"), -1),
    ]);
}

#[test]
fn inputs_stay_as_they_were() {
    let bed = Bed::new("x");
    let unchanged = |glob: &str| json!({"kind": "unchanged", "globs": [glob]});
    bed.file("inputs/keep.cfg", "1").file("outputs/keep.cfg", "1");
    bed.file("inputs/edit.txt", "1").file("outputs/edit.txt", "2");
    bed.file("inputs/gone.md", "1");
    bed.file("inputs/lib/a.rs", "1").file("outputs/lib/a.rs", "1").file("outputs/lib/new.rs", "1");
    bed.table(&[
        (unchanged("*.cfg"), 1),
        (unchanged("*.txt"), 0),
        (unchanged("*.md"), 0),
        (unchanged("lib/**"), 0),
        (unchanged("outputs/lib/a.rs"), 1),
        (unchanged("nothing"), -1),
    ]);
}
