//! The program `skill-registry`: everything is in the library.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    skill_registry::cli::run(skill_registry::cli::Cli::parse()).await
}
