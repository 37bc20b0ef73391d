//! Documents read and written again, exports, and workspaces in which something is missing.

mod random;

use std::{fs, path::Path};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    record::sample::record,
    report::sample::{details, hostile},
    run::Status,
};

fn write_json(path: &Path, value: &Value) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, serde_json::to_vec(value).unwrap()).unwrap();
}

#[test]
fn what_is_missing_is_not_counted_as_zero() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    write_json(
        &at("eval-0/with_skill/grading.json"),
        &json!({ "summary": { "passed": 1, "total": 2, "pass_rate": 0.5 } }),
    );
    write_json(&at("eval-1/with_skill/grading.json"), &json!({ "expectations": [] }));
    write_json(
        &at("eval-0/without_skill/grading.json"),
        &json!({ "expectations": [{ "text": "a", "passed": true }, { "text": "b" }] }),
    );
    write_json(&at("eval-0/without_skill/timing.json"), &json!({ "total_tokens": 10, "duration_ms": 1500 }));
    fs::create_dir_all(at("eval-1/without_skill/run-1")).unwrap();
    fs::create_dir_all(at("eval-1/without_skill/run-x")).unwrap();
    let made = aggregate(&Workspace::read(folder.path()).unwrap(), &Names::default(), None);
    let with = made.run_summary.of("with_skill").unwrap();
    assert_eq!((with.pass_rate.unwrap().mean, with.time_seconds, with.tokens), (0.5, None, None));
    let without = made.run_summary.of("without_skill").unwrap();
    assert_eq!(
        (without.pass_rate.unwrap().mean, without.time_seconds.unwrap().mean, without.tokens.unwrap().mean),
        (0.5, 1.5, 10.0)
    );
    let delta = made.run_summary.delta.unwrap();
    assert_eq!((delta.pass_rate.as_deref(), delta.time_seconds, delta.tokens), (Some("+0.00"), None, None));
    let notes = made.notes.join("\n");
    for part in ["no grading.json", "not a number after run-", "nothing was graded", "no tokens in timing.json"] {
        assert!(notes.contains(part), "{part} is missing in {notes}");
    }
}

#[test]
fn configurations_without_known_roles_have_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["haiku", "opus"] {
        let grading = json!({ "summary": { "passed": 1, "total": 2, "pass_rate": 0.5 } });
        write_json(&folder.path().join(format!("eval-a/{name}/grading.json")), &grading);
    }
    let workspace = Workspace::read(folder.path()).unwrap();
    assert_eq!(workspace.evals[0].id, Id::Text("eval-a".to_owned()));
    let made = aggregate(&workspace, &Names::default(), None);
    assert_eq!(made.run_summary.delta, None);
    let roles = Roles { candidate: "opus".to_owned(), baseline: "haiku".to_owned() };
    let made = aggregate(&workspace, &Names::default(), Some(&roles));
    assert_eq!(made.run_summary.delta.unwrap().pass_rate.as_deref(), Some("+0.00"));
    assert_eq!(made.run_summary.configurations[0].0, "opus");
}

#[test]
fn a_folder_without_evals_is_no_workspace() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Workspace::read(folder.path()).is_err());
    assert!(Workspace::read(&folder.path().join("missing")).is_err());
    fs::create_dir_all(folder.path().join("eval-0/with_skill")).unwrap();
    fs::write(folder.path().join("eval-0/with_skill/grading.json"), "{").unwrap();
    let workspace = Workspace::read(folder.path()).unwrap();
    assert_eq!((workspace.evals[0].configurations[0].runs.len(), workspace.warnings.len()), (0, 1));
}

/// Reads a document as a type and writes it again; members that we do not know stay.
#[track_caller]
fn survives<T: serde::de::DeserializeOwned + serde::Serialize>(document: &Value) {
    let read: T = read(&serde_json::to_vec(document).unwrap()).unwrap();
    let again: Value = serde_json::from_slice(&write(&read)).unwrap();
    assert_eq!(&again, document);
}

#[test]
fn documents_survive_being_read_and_written() {
    survives::<EvalMetadata>(
        &json!({ "eval_id": 0, "eval_name": "n", "prompt": "p", "assertions": ["a", { "text": "b" }], "x": 1 }),
    );
    survives::<Grading>(&json!({
        "expectations": [{ "text": "t", "passed": true, "evidence": "e", "confidence": 0.5 }],
        "summary": { "passed": 2, "failed": 1, "total": 3, "pass_rate": 0.67 },
        "timing": { "executor_duration_seconds": 165.0, "total_duration_seconds": 191.0 },
        "claims": [{ "claim": "c", "type": "factual", "verified": true, "evidence": "e" }],
        "user_notes_summary": { "uncertainties": ["u"], "needs_review": [], "workarounds": [] },
        "eval_feedback": { "suggestions": [], "overall": "o" }
    }));
    survives::<Metrics>(&json!({
        "tool_calls": { "Bash": 8, "Read": 5 }, "total_tool_calls": 13, "total_steps": 6, "files_created": ["a.pdf"],
        "errors_encountered": 0, "output_chars": 12450, "transcript_chars": 3200
    }));
    survives::<Timing>(
        &json!({ "total_tokens": 84852, "duration_ms": 23332, "total_duration_seconds": 23.3, "grader_start": "t" }),
    );
    survives::<History>(&json!({
        "started_at": "2026-01-15T10:30:00Z", "skill_name": "pdf", "current_best": "v1",
        "iterations": [{ "version": "v0", "parent": null, "expectation_pass_rate": 0.65, "grading_result": "baseline", "is_current_best": false }]
    }));
    survives::<Comparison>(&json!({ "winner": "A", "reasoning": "r", "rubric": { "A": { "overall_score": 9.0 } } }));
    survives::<Analysis>(&json!({
        "comparison_summary": { "winner": "A", "winner_skill": "a", "loser_skill": "b", "comparator_reasoning": "r" },
        "winner_strengths": ["s"], "loser_weaknesses": [], "improvement_suggestions": [{ "priority": "high" }]
    }));
    survives::<Feedback>(
        &json!({ "reviews": [{ "run_id": "eval-0-with_skill", "feedback": "f", "timestamp": "t" }], "status": "complete" }),
    );
    survives::<Benchmark>(&json!({
        "metadata": { "skill_name": "pdf", "skill_path": "/p", "executor_model": "m", "analyzer_model": "m", "timestamp": "t",
                      "evals_run": [1, 2, "x"], "runs_per_configuration": 3 },
        "runs": [{ "eval_id": 1, "eval_name": "Ocean", "configuration": "with_skill", "run_number": 1,
                   "result": { "pass_rate": 0.85, "passed": 6, "failed": 1, "total": 7, "time_seconds": 42.5, "tokens": 3800, "tool_calls": 18, "errors": 0 },
                   "expectations": [], "notes": ["n"] }],
        "run_summary": { "with_skill": { "pass_rate": { "mean": 0.85, "stddev": 0.05, "min": 0.8, "max": 0.9 } },
                         "delta": { "pass_rate": "+0.50", "time_seconds": "+13.0", "tokens": "+1700" } },
        "notes": []
    }));
}

#[test]
fn nulls_and_foreign_shapes_do_not_panic() {
    let grading: Grading = read(br#"{"expectations":null,"summary":null,"timing":null}"#).unwrap();
    assert_eq!(grading, Grading::default());
    for bad in ["", "[]", "1", r#"{"expectations":7}"#, r#"{"summary":{"passed":-1}}"#] {
        assert!(read::<Grading>(bad.as_bytes()).is_err(), "{bad}");
    }
    assert!(read::<Timing>(&vec![b' '; (32 << 20) + 1]).is_err());
}

#[test]
fn an_export_is_a_workspace_that_reads_back() {
    let (record, details) = (record(), details());
    for layout in [Layout::Runs, Layout::Flat] {
        let folder = tempfile::tempdir().unwrap();
        let files = export(&record, &details, layout);
        for (path, bytes) in &files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let workspace = Workspace::read(folder.path()).unwrap();
        assert_eq!((workspace.evals.len(), workspace.warnings.len()), (20, 0));
        let written: Benchmark = read(&files["benchmark.json"]).unwrap();
        let again = aggregate(&workspace, &Names::default(), None);
        assert_eq!(again.run_summary, written.run_summary);
        let runs = if layout == Layout::Runs { 200 } else { 40 };
        assert_eq!(written.runs.len(), runs);
        if layout == Layout::Runs {
            assert_eq!(written.run_summary.delta.unwrap().pass_rate.as_deref(), Some("+0.18"));
            assert_eq!(written.metadata.runs_per_configuration, 5);
        }
    }
    let grading: Value =
        serde_json::from_slice(&export(&record, &details, Layout::Runs)["eval-case-0/with_skill/run-2/grading.json"])
            .unwrap();
    assert_eq!(
        grading["expectations"][1],
        json!({ "text": "The PDF of case 0 has the name in field 1", "passed": true, "evidence": "field 1 holds 1000" })
    );
}

#[test]
fn an_export_has_no_missing_runs_and_no_strange_paths() {
    let mut missing = record();
    (missing.runs[0].status, missing.runs[0].score) = (Status::Tainted, None);
    let files = export(&missing, &details(), Layout::Runs);
    assert!(!files.contains_key("eval-case-0/without_skill/run-1/grading.json"));
    let (record, details) = hostile();
    let files = export(&record, &details, Layout::Runs);
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    assert!(files.keys().all(|path| path.chars().all(safe) && !path.contains("..")), "{:?}", files.keys());
    let folders = folders(&record);
    let (first, second) = (folders.values().next().unwrap(), folders.values().nth(1).unwrap());
    assert_ne!(first, second, "cases whose ids look alike have their own folders");
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused(text in "[\\[\\]{}:,\"a-z0-9. ]{0,80}") {
        let _ = read::<Grading>(text.as_bytes());
        let _ = read::<Benchmark>(text.as_bytes());
        let _ = read::<Feedback>(text.as_bytes());
    }
}
