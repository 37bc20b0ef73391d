//! What the harness of an eval costs: 500 cases on a model that answers each after 50 ms, 32 at a time. `just bench-evals`
//!
//! The model is a process of its own, so that its CPU time is nobody's; each harness begins with empty caches and a fresh model.
//! Beside ours: the latency alone, and Inspect and promptfoo on the same cases with the same width, where `scripts/eval-peers.sh`
//! could install them. They take turns, and medians count. CPU time is user and system time of the process and its children.

mod mock;
mod peers;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use skill_tests::{Person, measured, programs};

use crate::table::{Row, Table};
use mock::Mock;

pub use mock::serve as model_server;

/// Cases, each of them run once and with the skill alone: so many requests.
const CASES: usize = 500;
/// Requests at once.
const WIDTH: usize = 32;
/// What the model takes for an answer.
const LATENCY: Duration = Duration::from_millis(50);
/// Measurements of each harness.
const RUNS: usize = 3;
/// Times a program: when it began, its exit status, and bash's own `times`, which are those of `getrusage`.
const TIMED: &str = r#"TIMEFORMAT='%3R %3U %3S'; begun=$EPOCHREALTIME
{ time "$@" >said 2>&1; } 2>times; echo "$? $begun $(cat times)""#;

/// From the address of the model's interface to arguments.
type Arguments = dyn Fn(&str) -> Vec<String>;

/// A program that runs the cases.
struct Harness {
    name: &'static str,
    program: PathBuf,
    environment: Vec<(String, String)>,
    /// Its arguments.
    args: Box<Arguments>,
}

/// What a measurement gave, in seconds.
#[derive(Clone, Copy)]
struct Figures {
    /// From its start to its end.
    wall: f64,
    /// User and system time.
    cpu: f64,
    /// From its start until the model is asked for the first case.
    start: f64,
}

/// The harnesses, ours first. Each is made for a person and the folder of the cases; one that is not installed is none.
const HARNESSES: [fn(&Person, &Path) -> Option<Harness>; 3] = [ours, peers::inspect, peers::promptfoo];

/// Measures, and adds three rows for each harness beside ours.
pub fn run(table: &mut Table) {
    // Everybody's files stay until the end: a file system that is cleaning up would be measured too.
    let mut people = Vec::new();
    let mut measured: [(&str, Vec<Figures>); 3] = Default::default();
    for _ in 0..RUNS {
        for (make, (name, figures)) in HARNESSES.iter().zip(&mut measured) {
            let nina = Person::alone("nina");
            let project = nina.project("cases");
            measured::write(&project, CASES);
            if let Some(harness) = make(&nina, &project.folder) {
                *name = harness.name;
                figures.push(measure(&harness, &project.folder));
            }
            people.push(nina);
        }
    }
    let medians: Vec<(&str, Figures)> = measured
        .iter()
        .filter(|(_, figures)| !figures.is_empty())
        .map(|(name, figures)| (*name, median(figures)))
        .collect();
    let ours = medians[0].1;
    let what = format!("{CASES} cases, {WIDTH} at a time, {} ms each", LATENCY.as_millis());
    let least = Figures { wall: (LATENCY * u32::try_from(CASES.div_ceil(WIDTH)).expect("few")).as_secs_f64(), ..ours };
    rows(table, &what, ours, "the latency alone", least, &[Kind::Wall]);
    for (name, theirs) in &medians[1..] {
        rows(table, &what, ours, name, *theirs, &[Kind::Wall, Kind::Cpu, Kind::Start]);
    }
    if medians.len() == 1 {
        println!("no other harness is installed: scripts/eval-peers.sh says why");
        rows(table, &what, ours, "nothing", ours, &[Kind::Cpu, Kind::Start]);
    }
}

/// What a row is about.
enum Kind {
    Wall,
    Cpu,
    Start,
}

fn rows(table: &mut Table, what: &str, ours: Figures, beside: &str, theirs: Figures, kinds: &[Kind]) {
    let cases = f64::from(u32::try_from(CASES).expect("few"));
    for kind in kinds {
        let (what, of, goal): (String, fn(&Figures) -> f64, _) = match kind {
            Kind::Wall => (what.to_owned(), |figures| figures.wall, "≤ 1000 ms"),
            Kind::Cpu => ("CPU time a case".to_owned(), |figures| figures.cpu, "≤ 1 ms"),
            Kind::Start => ("start until the first case is asked".to_owned(), |figures| figures.start, "≤ 50 ms"),
        };
        let count = if matches!(kind, Kind::Cpu) { cases } else { 1.0 };
        let shown = |figures: &Figures| format!("{:.2} ms", of(figures) * 1e3 / count);
        let (ours_shown, theirs_shown) = (shown(&ours), shown(&theirs));
        let ratio = of(&ours) / of(&theirs);
        table.add(Row { what: &what, ours: ours_shown, beside, theirs: theirs_shown, ratio, goal });
    }
}

#[allow(clippy::unnecessary_wraps, reason = "one of the harnesses, of which others may be missing")]
fn ours(person: &Person, _cases: &Path) -> Option<Harness> {
    let args = |base: &str| {
        let model = format!("openai:mock@{base}");
        let width = WIDTH.to_string();
        let args = ["eval", "shout", "--alone", "-k", "1", "--width", &width, "--model", &model];
        args.map(str::to_owned).into()
    };
    let (program, environment) = (programs::skill(), person.environment().to_vec());
    Some(Harness { name: "skill", program, environment, args: Box::new(args) })
}

/// One measurement, in a home where nothing was measured before.
fn measure(harness: &Harness, cases: &Path) -> Figures {
    let mut model = Mock::start(LATENCY);
    let output = Command::new("bash")
        .args(["-c", TIMED, "bash"])
        .arg(&harness.program)
        .args((harness.args)(&model.base))
        .current_dir(cases)
        .env_clear()
        .envs(harness.environment.iter().map(|(key, value)| (key, value)))
        .output()
        .expect("bash starts");
    let seen = model.seen();
    let said = || fs::read_to_string(cases.join("said")).unwrap_or_default();
    let line = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [status, begun, wall, user, system] = numbers[..] else { panic!("five numbers, not {line:?}: {}", said()) };
    assert!(
        status == 0.0 && seen.asked == CASES,
        "{}: status {status}, {} asked\n{}",
        harness.name,
        seen.asked,
        said()
    );
    let figures = Figures { wall, cpu: user + system, start: seen.first - begun };
    println!(
        "{}: {wall:.3} s, {:.3} s of CPU time, start {:.3} s, {} at a time",
        harness.name, figures.cpu, figures.start, seen.widest
    );
    figures
}

/// The median of each figure by itself.
fn median(figures: &[Figures]) -> Figures {
    let of = |one: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = figures.iter().map(one).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Figures { wall: of(|one| one.wall), cpu: of(|one| one.cpu), start: of(|one| one.start) }
}
