//! Simulates the gate: how often it publishes candidates that are no better, beside other rules, and how often it finds those that
//! are. `just gate-sim`; `cargo run --release -p skill-engine --example gate_sim [LOOPS]`.
#![expect(clippy::print_stdout, reason = "it is a program")]

mod sim;

use std::{process::ExitCode, thread, time::Instant};

use sim::Published;

/// Seeds: of the equal candidates, of the better ones.
const SEEDS: [u64; 2] = [20_251, 77_003];
/// Threads.
const THREADS: u64 = 2;
/// Largest share of loops that may publish anything, in percent.
const MOST_PUBLISHED: f64 = 8.0;
/// Least share of better candidates that are found, in percent.
const LEAST_FOUND: f64 = 75.0;

fn main() -> ExitCode {
    let loops: u64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2000);
    let begun = Instant::now();
    let (cases, runs, attempts) = (sim::CASES, sim::RUNS, sim::ATTEMPTS);
    println!("{loops} loops of {attempts} equally good candidates, {cases} cases × {runs} runs, seed {}", SEEDS[0]);
    let published =
        parts(loops, |index| sim::equal_candidates(SEEDS[0], index)).fold(Published::default(), Published::plus);
    let gate = row("the gate, standard: exact test, level halved by each failure", published.gate, loops);
    row("the gate, strict", published.strict, loops);
    row("exact paired test at 5 %", published.exact, loops);
    row("parameter-free Ladder", published.ladder, loops);
    row("candidate > recorded score", published.above_recorded, loops);
    println!();
    println!("{loops} first candidates that are 16 points better, {cases} cases × {runs} runs, seed {}", SEEDS[1]);
    let mut least = 100.0_f64;
    for (name, is_even) in [("evenly", true), ("every second case by 32 points", false)] {
        let found: Vec<[bool; 2]> = parts(loops, |index| sim::better_candidate(SEEDS[1], index, is_even)).collect();
        for (which, policy) in ["standard", "strict"].into_iter().enumerate() {
            let count = u32::try_from(found.iter().filter(|accepted| accepted[which]).count()).unwrap_or(u32::MAX);
            let share = row(&format!("{name}, {policy}"), count, loops);
            if which == 0 {
                least = least.min(share);
            }
        }
    }
    println!();
    println!("{:.1} s", begun.elapsed().as_secs_f64());
    if gate > MOST_PUBLISHED || least < LEAST_FOUND {
        println!("FAILED: at most {MOST_PUBLISHED} % may publish, at least {LEAST_FOUND} % must be found by standard");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Prints how many of the loops, and gives it in percent.
fn row(name: &str, count: u32, loops: u64) -> f64 {
    let share = 100.0 * f64::from(count) / f64::from(u32::try_from(loops).unwrap_or(u32::MAX)).max(1.0);
    println!("  {name:<62} {share:5.1} %");
    share
}

/// What each loop gives, worked out by all threads; the same whatever their number.
fn parts<T: Send>(loops: u64, one: impl Fn(u64) -> T + Sync) -> impl Iterator<Item = T> {
    let of = |thread: u64| (0..loops).filter(|index| index % THREADS == thread).map(&one).collect::<Vec<T>>();
    let all: Vec<Vec<T>> = thread::scope(|scope| {
        let running: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || of(thread))).collect();
        running.into_iter().map(|thread| thread.join().expect("no loop fails")).collect()
    });
    all.into_iter().flatten()
}
