//! Executors with the real sandbox. Linux alone has one.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "the helpers of tests may panic as tests do")]

use std::{
    fmt, fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use skill_engine::{
    executor::{Execution, Executor, Job, Marks, Skill, Taint, agent::Agent, metric, sandbox::Helper},
    model::{
        Caps, CaseOutput, Engine, EngineError, Fingerprint, Finish, GroupRequest, GroupStream, Message, Mode, Sampling,
        Sharing,
    },
    run::{Arm, Status, TranscriptEvent},
    suite::{Case, Limits, Task},
};

/// Stands in the suite and nowhere else.
const CANARY: &str = "CANARY-5f3a9b27";

fn helper() -> Arc<Helper> {
    Arc::new(Helper { program: PathBuf::from(env!("CARGO_BIN_EXE_skill-sandbox")), args: Vec::new() })
}

/// Answers from a list.
struct Listed {
    answers: Mutex<Vec<String>>,
    caps: Caps,
    fingerprint: Fingerprint,
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listed")
    }
}

impl Listed {
    fn new(actions: &[serde_json::Value]) -> Arc<Self> {
        let text = |text: &str| text.to_owned();
        Arc::new(Self {
            answers: Mutex::new(actions.iter().rev().map(ToString::to_string).collect()),
            caps: Caps {
                prefix_sharing: Sharing::None,
                constraints: false,
                seed: true,
                exact: true,
                max_parallel: 1,
                context: 8192,
                device: text("none"),
            },
            fingerprint: Fingerprint {
                model: text("listed"),
                weights: text("listed"),
                quantisation: text("unknown"),
                engine: text("listed"),
                build: text("1"),
                device: text("none"),
            },
        })
    }
}

impl Engine for Listed {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    fn count_tokens<'a>(&'a self, _: &'a [Message]) -> BoxFuture<'a, Result<usize, EngineError>> {
        async { Ok(1) }.boxed()
    }

    fn run_group(&self, _: GroupRequest) -> GroupStream<'_> {
        let text = self.answers.lock().unwrap().pop().expect("an answer");
        let answer = CaseOutput {
            text,
            finish: Finish::Stop,
            prompt_tokens: 1,
            cached_tokens: 0,
            output_tokens: 1,
            ms: 1,
            cost_micros: 0,
        };
        stream::iter([(0, Ok(answer))]).boxed()
    }
}

/// A suite's folder with a secret and an input, and a skill with a script.
struct World {
    suite: tempfile::TempDir,
    skill: Arc<Skill>,
}

impl World {
    fn new() -> Self {
        let suite = tempfile::tempdir().unwrap();
        fs::create_dir_all(suite.path().join("evals/files")).unwrap();
        fs::write(suite.path().join("evals/evals.json"), CANARY).unwrap();
        fs::write(suite.path().join("evals/files/numbers.txt"), "1\n2\n3\n").unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("scripts")).unwrap();
        fs::write(
            folder.path().join("SKILL.md"),
            "---\nname: sums\ndescription: Adds numbers.\n---\nRun scripts/sum.sh.",
        )
        .unwrap();
        fs::write(folder.path().join("scripts/sum.sh"), "awk '{ s += $1 } END { print s }' \"$1\"\n").unwrap();
        let skill = Arc::new(Skill::load(folder.path()).unwrap());
        Self { suite, skill }
    }

    fn job(&self, skilled: bool, task: Task) -> Job {
        let text = |text: &str| text.to_owned();
        let case = Case {
            id: text("sum-1"),
            name: text("sum-1"),
            category: text("default"),
            group: text("sum-1"),
            critical: false,
            task,
            raw: serde_json::Map::new(),
        };
        Job {
            skill: skilled.then(|| Arc::clone(&self.skill)),
            case: Arc::new(case),
            suite: self.suite.path().to_owned(),
            arm: if skilled { Arm::Cand } else { Arm::Base },
            repeat: 0,
            limits: Limits::default(),
            sampling: Sampling::default(),
            seed: 1,
            network: false,
            marks: Arc::new(Marks::new(
                vec![self.suite.path().display().to_string()],
                vec![CANARY.to_owned()],
                Vec::new(),
            )),
        }
    }

    async fn agent(&self, skilled: bool, actions: &[serde_json::Value]) -> Execution {
        let agent =
            Agent { engine: Listed::new(actions), mode: Mode::Throughput, shell: helper(), distractors: Vec::new() };
        let (prompt, files) = ("Add the numbers.".to_owned(), vec!["evals/files/numbers.txt".to_owned()]);
        let task = Task::Prompt {
            prompt,
            files,
            expected_output: String::new(),
            expectations: Vec::new(),
            checks: Vec::new(),
        };
        agent.run(&self.job(skilled, task)).await
    }
}

fn results(run: &Execution) -> Vec<(String, bool)> {
    let result = |event: &TranscriptEvent| match event {
        TranscriptEvent::ToolResult { output, failed, .. } => Some((output.clone(), *failed)),
        _ => None,
    };
    run.transcript.events.iter().filter_map(result).collect()
}

#[tokio::test]
async fn an_agent_runs_the_skills_script_on_its_input_and_leaves_a_file() {
    let actions = [
        serde_json::json!({"tool": "skill", "name": "sums"}),
        serde_json::json!({"tool": "run", "command": "sh skills/sums/scripts/sum.sh numbers.txt | tee sum.txt"}),
        serde_json::json!({"tool": "read", "path": "sum.txt"}),
        serde_json::json!({"tool": "write", "path": "report/note.md", "content": "6"}),
        serde_json::json!({"tool": "run", "command": "cat report/note.md; echo more >>report/note.md"}),
        serde_json::json!({"tool": "final", "answer": "The sum is 6."}),
    ];
    let run = World::new().agent(true, &actions).await;
    assert_eq!((run.status, run.taint), (Status::Ok, Taint::Clean), "{:?}", run.transcript);
    let results = results(&run);
    assert_eq!(results[1], ("6".to_owned(), false));
    assert_eq!(results[2], ("6\n".to_owned(), false));
    let place = run.place.as_ref().unwrap();
    assert_eq!(fs::read_to_string(place.work().join("report/note.md")).unwrap(), "6more\n");
    assert_eq!(fs::read_to_string(place.inputs().join("numbers.txt")).unwrap(), "1\n2\n3\n");
    assert!(!place.work().join("skills").exists());
}

#[tokio::test]
async fn an_agent_that_goes_looking_finds_neither_suite_nor_skill_of_the_other_arm() {
    let world = World::new();
    let suite = world.suite.path().display().to_string();
    let skill = world.skill.folder().display().to_string();
    let look = format!(
        "cat {suite}/evals/evals.json {skill}/SKILL.md; grep -rl CANARY / 2>/dev/null; grep -rl 'Adds numbers' /tmp /home 2>/dev/null; true"
    );
    let actions = [
        serde_json::json!({"tool": "run", "command": look}),
        serde_json::json!({"tool": "run", "command": "ln -s /proc/1/environ e; ln -s / root; cat e"}),
        serde_json::json!({"tool": "read", "path": "root/etc/passwd"}),
        serde_json::json!({"tool": "final", "answer": "nothing"}),
    ];
    // The names are given away by the test itself, so that only contents would be new: the marks are those of the canary alone.
    let agent =
        Agent { engine: Listed::new(&actions), mode: Mode::Throughput, shell: helper(), distractors: Vec::new() };
    let (prompt, expected_output) = ("Look.".to_owned(), String::new());
    let task =
        Task::Prompt { prompt, files: Vec::new(), expected_output, expectations: Vec::new(), checks: Vec::new() };
    let mut job = world.job(false, task);
    job.marks = Arc::new(Marks::new(vec![], vec![CANARY.to_owned()], vec![]));
    let run = agent.run(&job).await;
    assert_eq!((run.status, run.taint), (Status::Ok, Taint::Clean), "{:?}", run.transcript);
    let results = results(&run);
    assert!(!results[0].0.contains("CANARY") && !results[0].0.contains("Adds numbers"), "{results:?}");
    assert!(results[1].1 && results[2].1, "{results:?}");
    // With the suite's path among the marks the same run is void: naming it is knowing it.
    let engine = Listed::new(&actions);
    let agent = Agent { engine, mode: Mode::Throughput, shell: helper(), distractors: Vec::new() };
    job.marks = Arc::new(Marks::new(vec![suite], vec![], vec![]));
    assert_eq!(agent.run(&job).await.status, Status::Tainted);
}

#[tokio::test]
async fn a_metric_is_the_last_number_of_the_command() {
    let world = World::new();
    let metric = |run: &str| Task::Metric {
        run: run.to_owned(),
        pattern: r"^sum:\s+([0-9.]+)".to_owned(),
        minimize: false,
        budget_s: 20,
    };
    let shell: Arc<dyn skill_engine::executor::sandbox::Shell> = helper();
    let command = "echo sum: 1; printf '2\\n3.5\\n' >n; echo \"sum: $(sh scripts/sum.sh n)\"";
    let run = metric::run(&shell, &world.job(true, metric(command))).await;
    assert_eq!((run.status, run.metric.as_deref()), (Status::Ok, Some("5.5")), "{:?}", run.transcript);
    let run = metric::run(&shell, &world.job(false, metric("echo sum: 1; false"))).await;
    assert_eq!((run.status, run.metric, run.exit), (Status::Crash, None, 1));
}

#[tokio::test]
async fn the_tide_example_measures_a_better_model_as_better() {
    let example = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/tide-forecast");
    let text = fs::read_to_string(example.join("evals/evals.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let case = &document["evals"][0];
    let member = |name: &str| case[name].as_str().unwrap().to_owned();
    let task = Task::Metric { run: member("run"), pattern: member("pattern"), minimize: true, budget_s: 60 };
    let shell: Arc<dyn skill_engine::executor::sandbox::Shell> = helper();
    let (mut errors, periods) = (Vec::new(), "PERIODS = [12.42]");
    for (file, from, to) in [
        ("model.py", periods, periods),
        ("model.py", periods, "PERIODS = [12.42, 12.0]"),
        ("model.py", "import math", "import math, os"),
        ("measure.py", "rmse_cm: ", "rmse_cm: 0"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("scripts")).unwrap();
        for name in ["SKILL.md", "scripts/model.py", "scripts/measure.py"] {
            fs::copy(example.join(name), folder.path().join(name)).unwrap();
        }
        let changed = folder.path().join("scripts").join(file);
        let before = fs::read_to_string(&changed).unwrap();
        assert!(before.contains(from), "{file} has {from}");
        fs::write(&changed, before.replace(from, to)).unwrap();
        let world = World { skill: Arc::new(Skill::load(folder.path()).unwrap()), ..World::new() };
        let run = metric::run(&shell, &world.job(true, task.clone())).await;
        errors.push(run.metric.as_deref().map(|number| number.parse::<f64>().unwrap()));
    }
    let [Some(moon), Some(sun), None, None] = errors[..] else { panic!("{errors:?}") };
    assert!(sun < 0.9 * moon, "{errors:?}");
}
