//! `skill-registry admin key show`.

use clap::Subcommand;

use super::Context;

/// What to do with the registry's keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the key that clients pin: `skill registry add NAME URL --key KEY`.
    Show,
}

/// Runs a command.
pub fn run(command: &Command, context: &Context) -> Vec<String> {
    match command {
        Command::Show => vec![context.identity.log_key.to_string()],
    }
}
