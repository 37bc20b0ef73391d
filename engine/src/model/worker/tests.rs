//! The client against programs that are no good workers; the real one is tested with itself.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use futures::StreamExt;

use super::{Options, Worker};
use crate::model::{
    CaseRequest, Constraint, Engine, EngineError, GroupRequest, Message, Mode, Role, Sampling, protocol::Open,
};

const HELLO: &str = r#"{"type":"hello","protocol":1,"version":"1","build":"b","devices":[],"sandbox":{"files":true,"network":true,"programs":true}}"#;
const OPENED: &str = r#"{"type":"opened","sha256":"aa","name":"","quantisation":"F32","build":"b","device":"cpu","context":100,"parallel":2}"#;
const ANSWER: &str = r#"{"type":"answer","id":1,"index":1,"outcome":{"ok":{"text":"t","finish":"stop","prompt_tokens":1,"cached_tokens":0,"output_tokens":1,"ms":1,"cost_micros":0}}}"#;
const DONE: &str = r#"{"type":"done","id":1,"counters":{"prefix_evaluated":1,"prefix_restored":0,"prefix_shared":0,"prompt_evaluated":0,"prompt_shared":0,"generated":0,"decodes":0,"restarts":0,"ms":0}}"#;

/// A program that says these lines, reading one of ours before each but the first.
fn program(folder: &Path, lines: &[&str], end: &str) -> Options {
    let path = folder.join("worker");
    let mut script = String::from("#!/bin/sh\n");
    for (n, line) in lines.iter().enumerate() {
        if n > 0 {
            script.push_str("read -r line || exit 0\n");
        }
        script.extend(["printf '%s\\n' '", line, "'\n"]);
    }
    script.push_str(end);
    script.push('\n');
    fs::write(&path, script).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("made a program");
    Options { program: path, model: "m.gguf".into(), open: Open::default(), ..Options::default() }
}

fn group(cases: usize) -> GroupRequest {
    let case = CaseRequest {
        messages: vec![Message::new(Role::User, "a")],
        sampling: Sampling::default(),
        seed: 0,
        stop: vec![],
        constraint: Constraint::None,
    };
    GroupRequest { prefix: vec![], cases: vec![case; cases], mode: Mode::Throughput }
}

async fn answers(worker: &Worker, cases: usize) -> Vec<(usize, Result<String, EngineError>)> {
    let stream = worker.run_group(group(cases)).map(|(index, answer)| (index, answer.map(|output| output.text)));
    let mut found: Vec<_> = tokio::time::timeout(Duration::from_secs(30), stream.collect()).await.expect("it ends");
    found.sort_by_key(|(index, _)| *index);
    found
}

#[tokio::test]
async fn programs_that_are_no_workers_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let other_version = HELLO.replace("\"protocol\":1", "\"protocol\":2");
    let cases: [(&[&str], &str, &str); 6] = [
        (&[], "exit 3", "ends at once (exit status: 3)"),
        (&[], "printf 'GGML_ASSERT(x)\\nmore\\n' >&2; exit 1", "GGML_ASSERT(x)"),
        (&["hello"], "cat", "is no worker"),
        (&[&other_version], "cat", "version 2"),
        (&[HELLO, "garbage"], "", "something else than agreed"),
        (
            &[HELLO, r#"{"type":"failed","id":0,"error":{"refused":true,"message":"no such model"}}"#],
            "",
            "no such model",
        ),
    ];
    for (lines, end, words) in cases {
        let error = Worker::start(program(folder.path(), lines, end)).await.expect_err("refused");
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

#[tokio::test]
async fn each_case_is_answered_once_whatever_the_worker_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let infra = |answer: &Result<String, EngineError>| matches!(answer, Err(EngineError::Infra { .. }));
    let other = ANSWER.replace("\"index\":1", "\"index\":7");
    let failed = r#"{"type":"failed","id":1,"error":{"refused":true,"message":"no"}}"#;
    let both = format!("{ANSWER}\n{ANSWER}\n{other}\n{DONE}");
    let then_failed = format!("{ANSWER}\n{failed}");
    // Answered twice and out of range, then done; died after one; refused after one.
    for (line, end) in [(both.as_str(), "read -r line"), (ANSWER, "exit 1"), (then_failed.as_str(), "read -r line")] {
        let worker = Worker::start(program(folder.path(), &[HELLO, OPENED, line], end)).await.expect("a worker");
        let found = answers(&worker, 3).await;
        assert_eq!(found.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(found[1].1, Ok("t".to_owned()));
        if line == then_failed {
            assert_eq!(found[0].1, Err(EngineError::Refused("no".to_owned())));
        } else {
            assert!(infra(&found[0].1) && infra(&found[2].1), "{found:?}");
        }
    }
}

/// Waits until the process is gone.
async fn gone(worker: &Worker) {
    while worker.process_id().await.is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_a_dead_worker_took_still_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let both = format!("{ANSWER}\n{DONE}");
    let worker = Worker::start(program(folder.path(), &[HELLO, OPENED, &both], "exit 1")).await.expect("a worker");
    for lives in 1..=2 {
        answers(&worker, 2).await;
        gone(&worker).await;
        assert_eq!(worker.counters().await.expect("counted").prefix_evaluated, lives);
    }
}

#[tokio::test]
async fn a_worker_that_is_another_one_after_its_restart_is_not_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = program(folder.path(), &[HELLO, OPENED], "exit 0");
    let worker = Worker::start(options).await.expect("a worker");
    program(folder.path(), &[HELLO, &OPENED.replace("\"aa\"", "\"bb\"")], "read -r line");
    gone(&worker).await;
    let found = answers(&worker, 1).await;
    assert!(matches!(&found[0].1, Err(EngineError::Refused(text)) if text.contains("another one")), "{found:?}");
}
