//! Faults: whatever breaks in the middle, no acknowledged publish is lost, every checkpoint stays true, and a retry succeeds.
//!
//! A short form runs with every test; `just faults` runs the long one (`SKILL_FAULTS=long`). Each test prints a row of the table: the fault, how
//! often it was tried, how often it really hit, and how often everything held afterwards, which is always or the test fails.

mod client;
mod crowd;
mod database;
mod server;
mod strace;
mod trial;

/// How often a fault is tried: in the short form, and in the long one.
fn tries(short: usize, long: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the product")]
    let is_long = std::env::var("SKILL_FAULTS").is_ok_and(|form| form == "long");
    if is_long { long } else { short }
}

/// Prints a row of the table.
#[expect(clippy::print_stdout, reason = "the table is what these tests are run for")]
fn row(fault: &str, tries: usize, hit: usize) {
    println!("fault | {fault:<60} | tries {tries:>5} | hit {hit:>5} | held {tries:>5}");
}
