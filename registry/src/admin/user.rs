//! `skill-registry admin user add|ls`.

use clap::Subcommand;
use skill_schema::Scope;

use super::Context;
use crate::{clock, error::Error};

/// What to do with users.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a user.
    Add {
        /// The user's name; the rule of scopes applies.
        name: Scope,
    },
    /// List users: name and when they were added.
    Ls,
}

/// Runs a command.
pub async fn run(command: Command, context: &Context) -> Result<Vec<String>, Error> {
    match command {
        Command::Add { name } => {
            context.store.add_user(&name, context.now).await?;
            Ok(Vec::new())
        }
        Command::Ls => {
            let users = context.store.users().await?;
            Ok(users.into_iter().map(|(name, added)| format!("{name}\t{}", clock::timestamp(added))).collect())
        }
    }
}
