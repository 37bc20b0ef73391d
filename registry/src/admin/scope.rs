//! `skill-registry admin scope reserve`.

use clap::Subcommand;
use skill_schema::Scope;

use super::Context;
use crate::error::Error;

/// What to do with scopes.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reserve a scope for a user, who enrols its first key with `skill key enroll SCOPE`.
    Reserve {
        /// The scope.
        scope: Scope,
        /// Its first owner.
        #[arg(long)]
        owner: String,
    },
}

/// Runs a command.
pub async fn run(command: Command, context: &Context) -> Result<Vec<String>, Error> {
    let Command::Reserve { scope, owner } = command;
    context.store.reserve_scope(&scope, &owner, context.now).await?;
    Ok(Vec::new())
}
