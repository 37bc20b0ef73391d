//! What the tests of executors and graders share: a scripted model, a shell that runs nothing, jobs and skills.

use std::{
    collections::VecDeque,
    fmt, fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use serde_json::Map;
use skill_schema::Fault;
use tempfile::TempDir;

use super::{
    Job, Marks, Skill,
    sandbox::{End, Mechanism, Outcome, Shell, Spec},
};
use crate::{
    model::{
        Caps, CaseOutput, CaseRequest, Engine, EngineError, Fingerprint, Finish, GroupRequest, GroupStream, Message,
        Sampling, Sharing,
    },
    run::Arm,
    suite::{Case, Limits, Task},
};

type Answer = dyn Fn(&[Message], &CaseRequest) -> Result<String, EngineError> + Send + Sync;

/// A model whose answers are computed from the whole conversation and the request.
pub(crate) struct Scripted {
    answer: Box<Answer>,
    caps: Caps,
    fingerprint: Fingerprint,
    pub groups: Mutex<Vec<GroupRequest>>,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

impl Scripted {
    pub fn new(
        answer: impl Fn(&[Message], &CaseRequest) -> Result<String, EngineError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Self::named("scripted-8B", answer)
    }

    pub fn named(
        model: &str,
        answer: impl Fn(&[Message], &CaseRequest) -> Result<String, EngineError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let text = |text: &str| text.to_owned();
        Arc::new(Self {
            answer: Box::new(answer),
            caps: Caps {
                prefix_sharing: Sharing::None,
                constraints: false,
                seed: true,
                exact: true,
                max_parallel: 4,
                context: 32_768,
                device: text("none"),
            },
            fingerprint: Fingerprint {
                model: text(model),
                weights: text(model),
                quantisation: text("unknown"),
                engine: text("scripted"),
                build: text("1"),
                device: text("none"),
            },
            groups: Mutex::default(),
        })
    }

    /// The same as [`Self::list`] for a model that honours constraints.
    pub fn able(answers: &[&str]) -> Arc<Self> {
        let mut able = Arc::into_inner(Self::list(answers)).unwrap();
        able.caps.constraints = true;
        Arc::new(able)
    }

    /// Answers of a fixed list, one a call, and then a failure.
    pub fn list(answers: &[&str]) -> Arc<Self> {
        let queue: Mutex<VecDeque<String>> = Mutex::new(answers.iter().map(|&text| text.to_owned()).collect());
        Self::new(move |_, _| {
            let failure = EngineError::Infra { message: "no more answers".to_owned(), retry_after_ms: None };
            queue.lock().unwrap().pop_front().ok_or(failure)
        })
    }
}

impl Engine for Scripted {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn count_tokens<'a>(&'a self, messages: &'a [Message]) -> BoxFuture<'a, Result<usize, EngineError>> {
        let bytes: usize = messages.iter().map(|message| message.content.len()).sum();
        async move { Ok(bytes.div_ceil(4)) }.boxed()
    }

    fn run_group(&self, request: GroupRequest) -> GroupStream<'_> {
        self.groups.lock().unwrap().push(request.clone());
        let mut results = Vec::new();
        for (index, case) in request.cases.iter().enumerate() {
            let messages = [request.prefix.clone(), case.messages.clone()].concat();
            let output = (self.answer)(&messages, case).map(|text| CaseOutput {
                output_tokens: text.len().div_ceil(4) as u64,
                text,
                finish: Finish::Stop,
                prompt_tokens: 10,
                cached_tokens: 0,
                ms: 1,
                cost_micros: 0,
            });
            results.push((index, output));
        }
        results.reverse();
        stream::iter(results).boxed()
    }
}

/// A shell that answers from a closure and keeps what it was asked.
pub(crate) struct FakeShell<F> {
    answer: F,
    pub specs: Mutex<Vec<Spec>>,
}

impl<F> fmt::Debug for FakeShell<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeShell")
    }
}

impl<F: Fn(&Spec) -> Result<Outcome, Fault> + Send + Sync> FakeShell<F> {
    pub fn new(answer: F) -> Arc<Self> {
        Arc::new(Self { answer, specs: Mutex::default() })
    }
}

impl<F: Fn(&Spec) -> Result<Outcome, Fault> + Send + Sync> Shell for FakeShell<F> {
    fn run(&self, spec: &Spec) -> Result<Outcome, Fault> {
        self.specs.lock().unwrap().push(spec.clone());
        (self.answer)(spec)
    }
}

/// An outcome with this end and output.
pub(crate) fn outcome(end: End, stdout: &str) -> Outcome {
    Outcome {
        end,
        stdout: stdout.as_bytes().to_vec(),
        stderr: Vec::new(),
        ms: 7,
        mechanism: Mechanism::None,
        left_behind: 0,
    }
}

/// A folder named after the skill, as a skill's folder is.
pub(crate) fn skill_folder(name: &str, description: &str, body: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("SKILL.md"), format!("---\nname: {name}\ndescription: {description}\n---\n{body}"))
        .unwrap();
    folder
}

pub(crate) fn skill(name: &str, description: &str, body: &str) -> Arc<Skill> {
    Arc::new(Skill::load(skill_folder(name, description, body).path()).unwrap())
}

pub(crate) fn case(id: &str, task: Task) -> Case {
    let text = |text: &str| text.to_owned();
    Case {
        id: text(id),
        name: text(id),
        category: text("default"),
        group: text(id),
        critical: false,
        task,
        raw: Map::new(),
    }
}

pub(crate) fn prompt(text: &str, files: &[&str]) -> Task {
    Task::Prompt {
        prompt: text.to_owned(),
        files: files.iter().map(|&file| file.to_owned()).collect(),
        expected_output: "EXPECTED".to_owned(),
        expectations: vec!["EXPECTATION".to_owned()],
        checks: Vec::new(),
    }
}

pub(crate) fn job(skill: Option<Arc<Skill>>, task: Task) -> Job {
    Job {
        arm: if skill.is_some() { Arm::Cand } else { Arm::Base },
        skill,
        case: Arc::new(case("case-1", task)),
        suite: PathBuf::from("/nonexistent"),
        repeat: 0,
        limits: Limits::default(),
        sampling: Sampling::default(),
        seed: 7,
        network: false,
        marks: Arc::new(Marks::default()),
    }
}
