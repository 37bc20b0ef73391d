//! Groups that are taken back, workers that die, models that are none.

use std::time::Duration;

use futures::StreamExt;
use rustix::process::{Pid, Signal, kill_process};
use skill_engine::model::{Engine, EngineError, Mode, worker::Worker};

use crate::{Place, all, case, group, texts};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_mins(1);

async fn kill(worker: &Worker) {
    let id = worker.process_id().await.and_then(|id| Pid::from_raw(id.try_into().ok()?)).expect("it lives");
    kill_process(id, Signal::KILL).expect("killed");
    let gone = async {
        while worker.process_id().await.is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("it is gone");
}

#[tokio::test]
async fn a_group_that_is_dropped_is_not_worked_on_any_longer() {
    let place = Place::new();
    let worker = place.worker().await;
    let mut cases = vec![case("endless", 2000); 16];
    cases[0].sampling.max_tokens = 2;
    let mut stream = worker.run_to_the_end(group("s", cases, Mode::Throughput));
    let (index, answer) = stream.next().await.expect("the short one");
    assert_eq!((index, answer.is_ok()), (0, true));
    drop(stream);
    all(&worker, group("s", vec![case("short", 2)], Mode::Throughput)).await;
    let counters = worker.counters().await.expect("counted");
    // What is counted is what was answered: the short ones.
    assert!(counters.generated <= 4 && counters.decodes < 1900, "{counters:?}");
}

#[tokio::test]
async fn a_worker_that_dies_takes_its_open_answers_with_it_and_is_started_again_once() {
    let place = Place::new();
    let worker = place.worker().await;
    let request = || group("s", vec![case("question", 6)], Mode::Exact);
    let before = texts(&worker, request()).await;
    let mut cases = vec![case("endless", 2000); 4];
    cases[0].sampling.max_tokens = 2;
    let mut stream = worker.run_to_the_end(group("s", cases, Mode::Throughput));
    assert_eq!(stream.next().await.expect("the short one").0, 0);
    kill(&worker).await;
    let rest: Vec<_> = tokio::time::timeout(PATIENCE, stream.collect()).await.expect("it ends");
    let mut indices: Vec<usize> = rest.iter().map(|(index, _)| *index).collect();
    indices.sort_unstable();
    assert_eq!(indices, [1, 2, 3]);
    for (_, answer) in rest {
        assert!(
            matches!(&answer, Err(EngineError::Infra { message, .. }) if message.contains("signal: 9")),
            "{answer:?}"
        );
    }
    assert_eq!(texts(&worker, request()).await, before, "it was started again");
    // Six tokens in each of its two lives; of a group that has not ended nothing is known.
    assert_eq!(worker.counters().await.expect("counted").generated, 12);
    kill(&worker).await;
    assert_eq!(texts(&worker, request()).await, before, "it had answered, so it is started again");
    kill(&worker).await;
    // Started again, and killed before it has answered anything.
    assert!(worker.count_tokens(&[]).await.is_ok());
    kill(&worker).await;
    let answer = all(&worker, request()).await.remove(0);
    assert!(matches!(&answer, Err(EngineError::Infra { message, .. }) if message.contains("died twice")), "{answer:?}");
}

#[tokio::test]
async fn a_model_that_is_another_or_none_is_refused() {
    let place = Place::new();
    let start = async |change: &dyn Fn(&mut skill_engine::model::worker::Options)| {
        let mut options = place.options();
        change(&mut options);
        Worker::start(options).await.expect_err("refused").to_string()
    };
    let other = start(&|options| options.open.sha256 = "00".repeat(32)).await;
    assert!(other.contains("SHA-256"), "{other}");
    std::fs::write(place.path().join("text.gguf"), "no model").expect("written");
    let none = start(&|options| options.model = place.path().join("text.gguf")).await;
    assert!(none.contains("cannot load"), "{none}");
    let missing = start(&|options| options.model = place.path().join("missing.gguf")).await;
    assert!(missing.contains("missing.gguf"), "{missing}");
    let program = start(&|options| options.program = "/bin/cat".into()).await;
    assert!(program.contains("/bin/cat") || program.contains("ends at once"), "{program}");
}

#[tokio::test]
async fn a_hostile_file_costs_a_worker_and_nothing_else() {
    let place = Place::new();
    let whole = crate::tiny::model();
    let step = whole.len() / 37;
    for n in 0..37 {
        let mut bytes = whole.clone();
        // Cut off, or with a number that is as large as can be.
        if n % 2 == 0 {
            bytes.truncate(n * step);
        } else {
            let at = 8 + n * 61;
            bytes[at..at + 8].fill(0xff);
        }
        std::fs::write(place.path().join("tiny.gguf"), bytes).expect("written");
        match Worker::start(place.options()).await {
            // It can still be a model: then it answers, or fails to.
            Ok(worker) => drop(all(&worker, group("s", vec![case("a", 2)], Mode::Throughput)).await),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_worker_shuts_itself_in() {
    let place = Place::new();
    let worker = place.worker().await;
    let sandbox = worker.hello().sandbox;
    assert!(sandbox.network, "{sandbox:?}");
    // Older kernels have no landlock; the worker then says that it could not.
    let locked = std::fs::read_to_string("/sys/kernel/security/lsm").is_ok_and(|list| list.contains("landlock"));
    assert!(sandbox.files || !locked, "{sandbox:?}");
    let id = worker.process_id().await.expect("it lives");
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("a status");
    assert!(status.contains("Seccomp:\t2"), "{status}");
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    assert_eq!(std::fs::read(format!("/proc/{id}/environ")).expect("readable"), b"", "it gets no environment");
    assert_eq!(worker.fingerprint().engine, "llama.cpp");
}
