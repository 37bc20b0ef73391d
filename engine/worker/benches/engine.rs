//! What sharing a prefix saves: sixteen cases that begin alike, each evaluated for itself, and all of them together.
//!
//! `just bench-engine`, or `cargo bench --profile dev --workspace --bench engine -- short` for the shorter prefix alone. Measured is the
//! CPU time of the worker with one thread, without loading the model, so a busy machine changes little. The goals are those
//! of the design; below them the run fails.
#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]

use std::{fs, path::Path};

use futures::StreamExt;
use skill_engine::model::{
    CaseRequest, Constraint, Engine, GroupRequest, Message, Mode, Role, Sampling,
    protocol::Open,
    worker::{Options, Worker},
};

/// Cases of a run, and tokens that each generates.
const CASES: usize = 16;
const ANSWER: u32 = 48;
/// Ticks of a second in `/proc`, on every Linux that there is.
const TICKS: f64 = 100.0;

/// One comparison.
struct Plan {
    name: &'static str,
    /// Tokens of the prefix, about.
    prefix: usize,
    /// Cases that are evaluated for themselves; the others are counted as these.
    naive: usize,
    /// Comparisons, of which the median counts.
    repeats: usize,
    /// How many times less CPU time the cases together must take.
    goal: f64,
}

const PLANS: [Plan; 2] = [
    Plan { name: "short", prefix: 1500, naive: CASES, repeats: 3, goal: 6.5 },
    Plan { name: "long", prefix: 4000, naive: 2, repeats: 3, goal: 9.0 },
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/models/SmolLM2-135M-Instruct.Q8_0.gguf");
    if !model.is_file() {
        println!("{} is not there: run scripts/engine-tools.sh", model.display());
        std::process::exit(1);
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut missed = false;
    for plan in PLANS.iter().filter(|plan| wanted.is_empty() || wanted.iter().any(|word| word == plan.name)) {
        missed |= !compare(&model, plan).await;
    }
    std::process::exit(i32::from(missed));
}

/// Compares, prints, and says whether the goal was reached.
async fn compare(model: &Path, plan: &Plan) -> bool {
    let prefix = prefix(&start(model).await, plan.prefix).await;
    println!("{CASES} cases × ({} + 40 → {ANSWER}), one thread, CPU seconds", plan.prefix);
    let mut ratios = Vec::new();
    for _ in 0..plan.repeats {
        let (alone, together) = (naive(model, &prefix, plan.naive).await, batched(model, &prefix).await);
        ratios.push(alone / together);
        println!("  each for itself {alone:7.1}   together {together:6.1}   ratio {:5.2}", alone / together);
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    let reached = median >= plan.goal;
    println!("  median {median:.2}, goal {}: {}", plan.goal, if reached { "reached" } else { "MISSED" });
    reached
}

/// Each case a group of its own that shares nothing. CPU seconds for all cases.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
async fn naive(model: &Path, prefix: &str, count: usize) -> f64 {
    let worker = start(model).await;
    let before = cpu(&worker).await;
    for case in cases().into_iter().take(count) {
        let mut case = case;
        case.messages.insert(0, Message::new(Role::System, prefix));
        run(&worker, GroupRequest { prefix: vec![], cases: vec![case], mode: Mode::Throughput }).await;
    }
    (cpu(&worker).await - before) * (CASES as f64 / count as f64)
}

/// All cases as one group. CPU seconds.
async fn batched(model: &Path, prefix: &str) -> f64 {
    let worker = start(model).await;
    let before = cpu(&worker).await;
    let prefix = vec![Message::new(Role::System, prefix)];
    run(&worker, GroupRequest { prefix, cases: cases(), mode: Mode::Throughput }).await;
    let spent = cpu(&worker).await - before;
    let counters = worker.last_group();
    assert_eq!(counters.generated, CASES as u64 * u64::from(ANSWER));
    assert_eq!(counters.prefix_shared, CASES as u64 * counters.prefix_evaluated, "the prefix is evaluated once");
    spent
}

async fn run(worker: &Worker, request: GroupRequest) {
    let answers: Vec<_> = worker.run_to_the_end(request).collect().await;
    for (_, answer) in answers {
        assert_eq!(answer.expect("an answer").output_tokens, u64::from(ANSWER));
    }
}

async fn start(model: &Path) -> Worker {
    let open = Open { threads: 1, parallel: 16, ..Open::default() };
    let program = env!("CARGO_BIN_EXE_skill-engine-worker").into();
    Worker::start(Options { program, model: model.to_owned(), open, ..Options::default() }).await.expect("a worker")
}

/// CPU seconds of the worker so far.
async fn cpu(worker: &Worker) -> f64 {
    let id = worker.process_id().await.expect("it lives");
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("a process");
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    // utime and stime: the 14th and 15th fields, counted from the process's number.
    fields[11..13].iter().map(|ticks| ticks.parse::<f64>().expect("a number")).sum::<f64>() / TICKS
}

/// A text like a skill's, of about this many tokens.
async fn prefix(worker: &Worker, tokens: usize) -> String {
    let sections = ["check", "rewrite", "explain", "measure", "compare", "report", "summarise", "verify"];
    let mut text = String::from("# How to review a change of a database schema\n\n");
    for n in 1.. {
        let (what, next) = (sections[n % 8], sections[(n * 3 + 1) % 8]);
        let step = format!(
            "## Step {n}: {what}\n\nBefore you {what} part {n}, read the whole statement once. Name the table, the index and \
             the rows that it touches, then {next} what would happen with ten million rows. Say so in one sentence.\n\n"
        );
        text.push_str(&step);
        let count = worker.count_tokens(&[Message::new(Role::System, text.as_str())]).await.expect("a count");
        if count >= tokens {
            break;
        }
    }
    text
}

/// Sixteen questions of about 40 tokens.
fn cases() -> Vec<CaseRequest> {
    let about = [
        "orders",
        "customers",
        "invoices",
        "sessions",
        "events",
        "products",
        "reviews",
        "payments",
        "shipments",
        "users",
        "teams",
        "messages",
        "files",
        "tags",
        "prices",
        "audits",
    ];
    let case = |name: &str| CaseRequest {
        messages: vec![Message::new(
            Role::User,
            format!(
                "Please review this: alter table {name} add column note text not null; create index on {name} (note); and say what you would change."
            ),
        )],
        sampling: Sampling { temperature: 0.0, top_p: 1.0, max_tokens: ANSWER },
        seed: 0,
        stop: vec![],
        constraint: Constraint::None,
    };
    about.into_iter().map(case).collect()
}
