//! The worker as its client sees it: the real program with a model that is written here, and, where it is there, with a real one.

mod answers;
mod faults;
mod sharing;
mod smollm;
mod tiny;

use std::{fs, path::Path};

use futures::StreamExt;
use skill_engine::model::{
    CaseOutput, CaseRequest, Constraint, EngineError, GroupRequest, Message, Mode, Role, Sampling,
    protocol::Open,
    worker::{Options, Worker},
};

/// A folder with the model, and what a worker for it needs.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// Writes the model.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("tiny.gguf"), tiny::model()).expect("written");
        Self { folder }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// How a worker is started: one thread, as tests share the machine.
    pub(crate) fn options(&self) -> Options {
        Options {
            program: env!("CARGO_BIN_EXE_skill-engine-worker").into(),
            model: self.path().join("tiny.gguf"),
            open: Open { threads: 1, context: 2048, parallel: 16, ..Open::default() },
            ..Options::default()
        }
    }

    /// A worker.
    pub(crate) async fn worker(&self) -> Worker {
        Worker::start(self.options()).await.expect("a worker")
    }
}

/// A case with greedy choice.
pub(crate) fn case(text: &str, max_tokens: u32) -> CaseRequest {
    CaseRequest {
        messages: vec![Message::new(Role::User, text)],
        sampling: Sampling { temperature: 0.0, top_p: 1.0, max_tokens },
        seed: 1,
        stop: vec![],
        constraint: Constraint::None,
    }
}

/// A group behind a system message.
pub(crate) fn group(prefix: &str, cases: Vec<CaseRequest>, mode: Mode) -> GroupRequest {
    GroupRequest { prefix: vec![Message::new(Role::System, prefix)], cases, mode }
}

/// All answers in the order of the cases; answers go on to `max_tokens`.
pub(crate) async fn all(worker: &Worker, request: GroupRequest) -> Vec<Result<CaseOutput, EngineError>> {
    let count = request.cases.len();
    let mut found: Vec<_> = worker.run_to_the_end(request).collect().await;
    found.sort_by_key(|(index, _)| *index);
    assert!(found.iter().map(|(index, _)| *index).eq(0..count), "each case is answered once");
    found.into_iter().map(|(_, answer)| answer).collect()
}

/// The texts of all answers.
pub(crate) async fn texts(worker: &Worker, request: GroupRequest) -> Vec<String> {
    all(worker, request).await.into_iter().map(|answer| answer.expect("an answer").text).collect()
}

/// Sixteen cases of different lengths, every other one with chance.
pub(crate) fn sixteen() -> Vec<CaseRequest> {
    (0..16)
        .map(|n: u32| {
            let mut case = case(&"word ".repeat(1 + 3 * n as usize), 24);
            case.messages[0].content.push_str(&n.to_string());
            case.sampling.temperature = if n.is_multiple_of(2) { 0.0 } else { 1.0 };
            case.seed = u64::from(n);
            case
        })
        .collect()
}
