//! Checks that run programs.

use std::{fs, time::Duration};

use serde_json::json;

use super::{
    super::{MAX_OUTPUT, ScriptEnd, ScriptRequest, ScriptRunner},
    Bed, PlainRunner, refused,
};

/// A bed whose suite holds this shell script as `evals/checks/c.sh`.
fn with(script: &str) -> Bed {
    let bed = Bed::new("the answer");
    bed.file("suite/evals/checks/c.sh", script).file("outputs/made.txt", "made");
    bed
}

#[test]
fn exit_statuses_decide_and_others_are_missing_data() {
    let script = json!({"kind": "script", "run": "evals/checks/c.sh one"});
    let rows = [
        ("exit 0", 1),
        ("exit 1", 0),
        ("exit 2", -1),
        ("exit 139", -1),
        ("kill -9 $$", -1),
        ("test \"$1\" = one", 1),
        ("test \"$1\" = two", 0),
        ("grep -q made made.txt", 1),
        ("grep -q answer \"$SKILL_FINAL\"", 1),
        ("grep -q '\"type\":\"answer\"' \"$SKILL_TRANSCRIPT\"", 1),
        ("test -f \"$SKILL_SUITE/evals/checks/c.sh\"", 1),
        ("test -z \"$CARGO_TARGET_DIR$USER\"", 1),
        ("echo '{\"score\": 2}'", -1),
        ("echo '{\"score\": 1}'; exit 1", -1),
        ("echo no JSON", 1),
    ];
    for (text, expected) in rows {
        with(text).table(&[(script.clone(), expected)]);
    }
    Bed::new("x").table(&[(json!({"kind": "script", "run": "evals/none.sh"}), -1)]);
}

#[test]
fn a_script_gives_a_score_and_its_evidence() {
    let script = json!({"kind": "script", "run": "evals/checks/c.sh"});
    for (text, value) in [("exit 0", [250_000, 1_000_000]), ("exit 1", [250_000, 1_000_000])] {
        let bed =
            with(&format!("echo noise\nprintf '%s\\n' '{{\"score\": 0.25, \"evidence\": \"one of\\tfour\"}}'\n{text}"));
        let result = bed.check(&script);
        assert_eq!((result.value, result.evidence.as_str()), (Some(value), "one of\\u{9}four"));
    }
}

#[test]
fn a_script_changes_only_a_copy() {
    let bed = with("rm made.txt; echo x > new.txt; exit 0");
    bed.table(&[(json!({"kind": "script", "run": "evals/checks/c.sh"}), 1)]);
    assert!(bed.path("outputs/made.txt").exists() && !bed.path("outputs/new.txt").exists());
}

#[test]
fn a_script_that_takes_too_long_is_ended_with_its_children() {
    let bed = with("sleep 60 & echo $! > \"$SKILL_SUITE/pid\"; wait");
    let result = bed.check(&json!({"kind": "script", "run": "evals/checks/c.sh", "timeout_s": 1}));
    assert_eq!(result.value, None);
    assert!(result.evidence.contains("time was over"), "{}", result.evidence);
    let pid = fs::read_to_string(bed.path("suite/pid")).expect("the script wrote it");
    let status = fs::read_to_string(format!("/proc/{}/status", pid.trim())).unwrap_or_default();
    assert!(status.is_empty() || status.contains("zombie"), "{status}");
}

#[test]
fn hidden_tests_are_copied_in_and_win() {
    let bed = Bed::new("x");
    bed.file("suite/evals/hidden/test.sh", "grep -q good made.txt").file("suite/evals/dir/a/b.txt", "b");
    bed.file("outputs/made.txt", "good").file("outputs/test.sh", "exit 0");
    let test = |run: &str| json!({"kind": "test_command", "run": run, "files": ["evals/hidden/test.sh", "evals/dir"], "timeout_s": 1});
    bed.table(&[
        (test("sh test.sh"), 1),
        (test("test -f dir/a/b.txt"), 1),
        (test("false"), 0),
        (test("no-such-program-here"), -1),
        (test("sleep 30"), 0),
        (json!({"kind": "test_command", "run": "test -f tests/test.sh", "files": ["evals/hidden/test.sh"], "into": "outputs/tests"}), 1),
        (json!({"kind": "test_command", "run": "true", "files": ["evals/gone"]}), -1),
    ]);
    bed.file("outputs/made.txt", "bad");
    bed.table(&[(test("sh test.sh"), 0)]);
    assert!(!bed.path("outputs/dir").exists());
}

#[test]
fn command_lines_are_words_and_not_shell() {
    let script = |run: &str| json!({"kind": "script", "run": run});
    refused(&[
        (script(""), "E_CHECK_PARAM"),
        (script("a | b"), "E_CHECK_PARAM"),
        (script("a; b"), "E_CHECK_PARAM"),
        (script("a 'b c'"), "E_CHECK_PARAM"),
        (script("../a.sh"), "E_CHECK_GLOB"),
        (script("/bin/sh"), "E_CHECK_GLOB"),
        (script(&"a ".repeat(65)), "E_CHECK_PARAM"),
        (json!({"kind": "script", "run": "a", "timeout_s": 0}), "E_CHECK_PARAM"),
        (json!({"kind": "script", "run": "a", "timeout_s": 3601}), "E_CHECK_PARAM"),
        (json!({"kind": "test_command", "run": "a", "files": ["../x"]}), "E_CHECK_GLOB"),
        (json!({"kind": "test_command", "run": "a", "into": "../x"}), "E_CHECK_GLOB"),
    ]);
}

#[test]
fn a_metric_is_the_last_number_that_the_pattern_finds() {
    let bed = with("echo 'loss: 0.9'; echo 'loss: 0.45'");
    let metric = |goal: &str, bound: f64| json!({"kind": "metric", "run": "evals/checks/c.sh", "pattern": "^loss:\\s+([0-9.]+)", "goal": goal, "bound": bound});
    bed.table(&[
        (metric("minimize", 0.45), 1),
        (metric("minimize", 0.44), 0),
        (metric("maximize", 0.45), 1),
        (metric("maximize", 0.46), 0),
    ]);
    with("exit 3").table(&[(metric("minimize", 1.0), 0)]);
    with("echo none").table(&[(metric("minimize", 1.0), 0)]);
    refused(&[(json!({"kind": "metric", "run": "x", "pattern": "x"}), "E_CHECK_PARAM")]);
}

#[test]
fn the_plain_runner_keeps_what_fits() {
    let bed = Bed::new("x");
    let command = ["sh", "-c", "yes | head -c 1000000; echo err >&2; exit 7"].map(str::to_owned).to_vec();
    let folder = bed.path("outputs");
    let (timeout, readable, env) = (Duration::from_secs(20), Vec::new(), Vec::new());
    let outcome = PlainRunner.run(ScriptRequest { command, workdir: folder.clone(), folder, readable, timeout, env });
    assert_eq!(
        (outcome.end, outcome.stdout.len(), outcome.stderr.as_slice()),
        (ScriptEnd::Exited(7), MAX_OUTPUT, b"err\n".as_slice())
    );
}
