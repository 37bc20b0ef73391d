//! The client **skill**: finds, installs, checks and publishes agent skills.
//!
//! A command lives in `commands/NAME.rs` with its arguments, its help and its code; [`cli`] only matches. What commands share is
//! in the [`context::Context`]: the environment ([`mod@env`]), the configuration ([`config`]), the output ([`output`]) and the clock
//! ([`clock`]). Only [`output`] and the progress bar and prompts beside it print, only [`mod@env`] reads the environment, only [`api`]
//! sends HTTP, and only [`report`] turns an error into words and an exit code.

pub mod agents;
pub mod api;
pub mod catalogue;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod context;
pub mod env;
pub mod evals;
pub mod export;
pub mod files;
pub mod findings;
pub mod first_contact;
pub mod fork;
pub mod git;
pub mod global;
pub mod install;
pub mod installing;
pub mod interrupt;
pub mod listing;
pub mod local;
pub mod log;
pub mod merge;
pub mod output;
pub mod pins;
pub mod progress;
pub mod prompt;
pub mod published;
pub mod render;
pub mod report;
pub mod resolve;
pub mod scores;
pub mod signing;
pub mod source;
pub mod statements;
pub mod store;
pub mod suggest;
pub mod workspace;

use std::process::ExitCode;

use crate::{context::Context, env::Env};

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    // Before any thread is started: a process with threads cannot enter a user namespace.
    if std::env::args_os().nth(1).is_some_and(|arg| arg == evals::SANDBOX) {
        return skill_engine::executor::sandbox::enter();
    }
    if commands::completions::answer() {
        return ExitCode::SUCCESS;
    }
    interrupt::watch();
    let args: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let cli = match cli::parse(&args) {
        Ok(cli) => cli,
        Err(error) => return report::usage(&error, cli::wants_json(&args)),
    };
    let early = output::Output::plain(cli.global.json);
    let context = match Env::from_process().and_then(|env| Context::new(env, cli.global)) {
        Ok(context) => context,
        Err(fault) => return report::finish(&fault.into(), &early),
    };
    let output = context.output.clone();
    // One thread is enough to wait for sockets; hashing and unpacking go to the blocking pool. Making this runtime takes
    // microseconds, so commands that never touch the network do not pay for it.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report::finish(&error.into(), &output),
    };
    let result = runtime.block_on(cli.command.run(&context));
    runtime.shutdown_background();
    match result.and_then(|()| Ok(output.finish()?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::finish(&error, &output),
    }
}
