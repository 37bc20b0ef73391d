//! A real model, small: SmolLM2 135M, which `scripts/engine-tools.sh` fetches. Without it these tests say that they are skipped; in
//! CI that is an error.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use futures::StreamExt;
use skill_engine::model::{
    Constraint, Engine, Finish, Mode,
    protocol::Open,
    worker::{Options, Worker},
};

use crate::{case, group, texts};

/// The model as it is fetched.
const FETCHED: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// The model, if it is there.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
#[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the product")]
fn model() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/models").join(FETCHED);
    if path.is_file() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing", path.display());
    eprintln!("skipped: {} is not there; scripts/engine-tools.sh fetches it", path.display());
    None
}

async fn worker(model: PathBuf) -> Worker {
    let options = Options {
        program: env!("CARGO_BIN_EXE_skill-engine-worker").into(),
        model,
        open: Open { threads: 1, context: 1024, parallel: 16, ..Open::default() },
        ..Options::default()
    };
    Worker::start(options).await.expect("a worker")
}

#[tokio::test]
async fn a_real_model_answers_a_question_and_keeps_to_a_grammar() {
    let Some(path) = model() else { return };
    let worker = worker(path).await;
    assert_eq!(worker.fingerprint().quantisation, "Q4_1");
    let mut verdict = case("Is the capital of France Paris?", 20);
    verdict.constraint =
        Constraint::Gbnf("root ::= \"{\\\"verdict\\\": \\\"\" (\"pass\"|\"fail\") \"\\\"}\"".to_owned());
    let cases = vec![case("Is the capital of France Paris?", 20), verdict];
    let mut request = group("", cases, Mode::Exact);
    request.prefix.clear();
    let mut answers: Vec<_> = worker.run_group(request).collect().await;
    answers.sort_by_key(|(index, _)| *index);
    let outputs: Vec<_> = answers.into_iter().map(|(_, answer)| answer.expect("an answer")).collect();
    assert!(outputs[0].text.contains("Paris"), "{outputs:?}");
    assert_eq!(outputs[0].finish, Finish::Stop);
    assert!(["{\"verdict\": \"pass\"}", "{\"verdict\": \"fail\"}"].contains(&outputs[1].text.as_str()), "{outputs:?}");
}

#[tokio::test]
async fn a_real_quantised_model_is_exact_too() {
    let Some(path) = model() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let quantised = folder.path().join("model.gguf");
    let program = env!("CARGO_BIN_EXE_skill-engine-worker");
    let status = Command::new(program).arg("quantize").args([&path, &quantised]).arg("Q8_0").status().expect("it runs");
    assert!(status.success());
    let worker = worker(quantised).await;
    assert_eq!(worker.fingerprint().quantisation, "Q8_0");
    let prefix = "Answer briefly and kindly, and give a reason for what you say. ".repeat(10);
    let questions = ["rain", "bread", "the sea", "a mountain", "music", "winter", "glass", "time"];
    let cases: Vec<_> = questions.iter().map(|about| case(&format!("Tell me about {about}."), 24)).collect();
    let together = texts(&worker, group(&prefix, cases.clone(), Mode::Exact)).await;
    for (case, text) in cases.into_iter().zip(together) {
        assert_eq!(texts(&worker, group(&prefix, vec![case], Mode::Exact)).await, [text]);
    }
}
