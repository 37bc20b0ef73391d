//! `skill-registry admin`: what the operator does, on the data folder and the database directly, also while the server runs.

pub mod key;
pub mod scope;
pub mod token;
pub mod user;

use std::io::Write;

use clap::{Args, Subcommand};

use crate::{
    clock::{Clock, SystemClock},
    config::{Config, DataArgs},
    data::{self, Identity},
    error::Error,
    store::Store,
    telemetry,
};

/// Flags of `admin`.
#[derive(Debug, Args)]
pub struct AdminArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Users: who tokens and scopes belong to.
    #[command(subcommand)]
    User(user::Command),
    /// API tokens of any user.
    #[command(subcommand)]
    Token(token::Command),
    /// Scopes.
    #[command(subcommand)]
    Scope(scope::Command),
    /// The registry's keys.
    #[command(subcommand)]
    Key(key::Command),
}

/// What every command works on.
pub struct Context {
    /// The database.
    pub store: Store,
    /// The registry's name and keys.
    pub identity: Identity,
    /// The time, in microseconds.
    pub now: i64,
}

/// Runs a command. What it answers goes to standard output, one line each.
pub async fn run(args: AdminArgs) -> Result<(), Error> {
    let mut config = Config::for_data(args.data)?;
    if config.log.filter == "info" {
        "warn".clone_into(&mut config.log.filter);
    }
    telemetry::log(&config.log)?;
    let (store, identity) = data::open(&config).await?;
    let context = Context { store, identity, now: SystemClock.micros() };
    let lines = match args.command {
        Command::User(command) => user::run(command, &context).await?,
        Command::Token(command) => token::run(command, &context).await?,
        Command::Scope(command) => scope::run(command, &context).await?,
        Command::Key(command) => key::run(&command, &context),
    };
    context.store.close().await;
    let mut out = std::io::stdout().lock();
    lines.iter().try_for_each(|line| writeln!(out, "{line}")).map_err(Error::io("standard output"))
}
