//! The command line of `skill-registry`.

use std::{io::Write, process::ExitCode, sync::Arc};

use clap::{Parser, Subcommand};
use tokio::{net::TcpListener, signal::unix::SignalKind};

use crate::{
    admin::{self, AdminArgs},
    clock::SystemClock,
    config::{Config, ServeArgs},
    error::Error,
    fsck::{self, FsckArgs},
    server::serve,
    telemetry,
    witness::{self, WitnessArgs},
};

/// A registry for agent skills.
#[derive(Debug, Parser)]
#[command(name = "skill-registry", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the registry of a data folder.
    Serve(Box<ServeArgs>),
    /// Operate a registry: users, tokens, scopes, keys. Works while the server runs.
    Admin(Box<AdminArgs>),
    /// Sign the checkpoints of logs that only ever grow (C2SP tlog-witness).
    Witness(Box<WitnessArgs>),
    /// Check that everything a registry stores is what its signed statements lead to. Reads only; works while the server runs.
    Fsck(Box<FsckArgs>),
}

/// Runs the program.
pub async fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Serve(args) => start(*args).await,
        Command::Admin(args) => admin::run(*args).await,
        Command::Witness(args) => watch(*args).await,
        Command::Fsck(args) => check(*args).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::from(error.exit() as u8)
        }
    }
}

/// Talk goes to standard error, as in the client: `error[CODE]: sentence`, then the hint.
#[allow(clippy::print_stderr)] // The one place where the program reports its own failure.
fn report(error: &Error) {
    let code = error.code();
    eprintln!("error[{}]: {error}", code.id);
    if !code.help.is_empty() && matches!(error, Error::Fault(_) | Error::Unsound(_)) {
        eprintln!("help: {}", code.help);
    }
}

/// Prints the report of a check; what is wrong is an error.
async fn check(args: FsckArgs) -> Result<(), Error> {
    let json = args.json;
    let report = fsck::check(&Config::for_fsck(args)?).await?;
    let text = if json { report.to_json() } else { report.to_string() };
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(Error::io("standard output"))?;
    match report.wrong {
        Some(wrong) => Err(Error::Unsound(wrong)),
        None => Ok(()),
    }
}

async fn start(args: ServeArgs) -> Result<(), Error> {
    let config = Config::for_serve(args)?;
    telemetry::log(&config.log)?;
    let address = config.http.listen;
    let listener = TcpListener::bind(address).await.map_err(Error::io(address.to_string()))?;
    serve(listener, config, Arc::new(SystemClock), stop()?).await
}

/// Prints the witness's key, and serves unless only that was asked for.
async fn watch(args: WitnessArgs) -> Result<(), Error> {
    telemetry::log(&Config::new(&args.data).log)?;
    let cosigner = witness::open(&args, Arc::new(SystemClock))?;
    writeln!(std::io::stdout().lock(), "{}", cosigner.key()).map_err(Error::io("standard output"))?;
    if args.show_key { Ok(()) } else { witness::serve(&args, cosigner, stop()?).await }
}

/// Ends at the first SIGTERM or SIGINT.
fn stop() -> Result<impl Future<Output = ()>, Error> {
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate()).map_err(Error::io("SIGTERM"))?;
    let mut interrupt = tokio::signal::unix::signal(SignalKind::interrupt()).map_err(Error::io("SIGINT"))?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
