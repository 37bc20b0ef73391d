//! `skill-registry admin token new|ls|revoke`.

use clap::Subcommand;
use skill_schema::api::token::{DEFAULT_DAYS, Permission, Request};

use super::Context;
use crate::{error::Error, tokens};

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a token for a user and print its text, this once.
    New {
        /// Whose it is.
        #[arg(long)]
        user: String,
        /// What it allows; repeat it, or separate by commas.
        #[arg(long = "permission", short, value_name = "PERMISSION", required = true, value_delimiter = ',',
              value_parser = permission, num_args = 1..)]
        permissions: Vec<Permission>,
        /// Which skills: *, scope/*, or one name.
        #[arg(long, default_value = "*")]
        pattern: String,
        /// Days until it expires.
        #[arg(long, default_value_t = DEFAULT_DAYS)]
        days: u64,
        /// What it is called in lists.
        #[arg(long, default_value = "made by the operator")]
        name: String,
    },
    /// List a user's tokens: id, name, permissions, pattern, expiry, state.
    Ls {
        /// Whose.
        #[arg(long)]
        user: String,
    },
    /// Revoke a token of any user.
    Revoke {
        /// Its id.
        id: String,
    },
}

fn permission(text: &str) -> Result<Permission, String> {
    Permission::parse(text).ok_or_else(|| {
        let known: Vec<_> = Permission::ALL.iter().map(|p| p.as_str()).collect();
        format!("expected one of {}", known.join(", "))
    })
}

/// Runs a command.
pub async fn run(command: Command, context: &Context) -> Result<Vec<String>, Error> {
    match command {
        Command::New { user, permissions, pattern, days, name } => {
            let wanted = Request { name, permissions, pattern, days };
            let created = tokens::create(&context.store, &user, wanted, context.now).await?;
            Ok(vec![created.token])
        }
        Command::Ls { user } => {
            context.store.check_user(&user).await?;
            let tokens = context.store.tokens(&user).await?;
            Ok(tokens.into_iter().map(|token| line(&token.info())).collect())
        }
        Command::Revoke { id } => {
            context.store.revoke_token(&id, None, context.now).await?;
            Ok(Vec::new())
        }
    }
}

fn line(token: &skill_schema::api::token::Info) -> String {
    let permissions: Vec<_> = token.permissions.iter().map(|p| p.as_str()).collect();
    let state = token.revoked.map_or_else(|| "valid".to_owned(), |when| format!("revoked {when}"));
    [&token.id, &token.name, &permissions.join(","), &token.pattern, &token.expires.to_string(), &state]
        .map(String::as_str)
        .join("\t")
}
