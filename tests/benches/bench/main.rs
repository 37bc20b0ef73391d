//! The benchmark: what the product does, beside something that does the least that could do it. `just bench` builds and runs it.
//!
//! Figures are ratios against the thing run beside them, on the same machine in the same minute; absolute times are printed so that
//! the goals can be compared with. Everything talks to loopback and is bounded in count.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]

mod evals;
mod install;
mod load;
mod publish;
mod reads;
mod restart;
mod table;

use table::Table;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if wanted.first().is_some_and(|arg| arg == "bare-server") {
        return reads::bare_server();
    }
    if wanted.first().is_some_and(|arg| arg == "model-server") {
        return evals::model_server();
    }
    let runs = |name: &str| wanted.is_empty() || wanted.iter().any(|arg| arg == name);
    let mut table = Table::default();
    if runs("publish") {
        publish::run(&mut table);
    }
    if runs("reads") {
        reads::run(&mut table);
    }
    if runs("install") {
        install::run(&mut table);
    }
    if runs("evals") {
        evals::run(&mut table);
    }
    // Only if asked for: it first publishes 100,000 versions.
    if wanted.iter().any(|arg| arg == "restart") {
        restart::run(&mut table);
    }
    table.print();
}
