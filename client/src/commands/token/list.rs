//! `skill token ls`.

use serde::Serialize;
use skill_schema::{api::token::Info, codes::escape, time::Timestamp};

use crate::context::Context;

/// Show your API tokens.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill token ls
  skill token ls --all --json")]
pub struct Args {
    /// Show expired and revoked ones too.
    #[arg(long)]
    all: bool,
}

#[derive(Serialize)]
struct List {
    registry: String,
    items: Vec<Info>,
}

/// Lists tokens, newest first.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let registry = context.default_registry()?;
    let now = context.clock.now();
    let mut tokens = context.api(&registry)?.tokens().await?.tokens;
    tokens.retain(|token| args.all || state(token, now) == "valid");
    let list = List { registry: registry.label().to_owned(), items: tokens };
    context.output.result_or("skill.token.ls/1", &list, |out| {
        let rows: Vec<Vec<String>> = list.items.iter().map(|token| row(token, now)).collect();
        out.table(&["id", "name", "allows", "on", "expires", "last used", "state"], &rows);
    });
    Ok(())
}

fn row(token: &Info, now: Timestamp) -> Vec<String> {
    let permissions: Vec<&str> = token.permissions.iter().map(|permission| permission.as_str()).collect();
    vec![
        escape(&token.id),
        escape(&token.name),
        permissions.join(","),
        escape(&token.pattern),
        token.expires.to_string(),
        token.last_used.map_or_else(|| "never".to_owned(), |time| time.to_string()),
        state(token, now).to_owned(),
    ]
}

fn state(token: &Info, now: Timestamp) -> &'static str {
    match token.revoked {
        Some(_) => "revoked",
        None if token.expires <= now => "expired",
        None => "valid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revoked_token_is_revoked_also_after_its_end() {
        let time = Timestamp::from_unix;
        let mut token = Info {
            id: "1".into(),
            name: "ci".into(),
            permissions: Vec::new(),
            pattern: "*".into(),
            created: time(1),
            expires: time(10),
            last_used: None,
            revoked: None,
        };
        assert_eq!((state(&token, time(9)), state(&token, time(10))), ("valid", "expired"));
        token.revoked = Some(time(5));
        assert_eq!(state(&token, time(20)), "revoked");
    }
}
