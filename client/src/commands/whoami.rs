//! `skill whoami`: whose token is used, and what it allows.

use serde::Serialize;
use skill_schema::{
    Fault,
    api::whoami::Response,
    codes::{self, escape},
};

use crate::{config::credentials, context::Context};

/// Show as whom you are signed in, and what your token allows.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill whoami
  skill whoami --registry acme --json")]
pub struct Args {}

#[derive(Serialize)]
struct Result {
    registry: String,
    url: String,
    #[serde(flatten)]
    who: Response,
}

/// Runs `skill whoami`.
///
/// # Errors
/// [`codes::UNAUTHENTICATED`] without a token; what the registry refuses.
pub async fn run(_: Args, context: &Context) -> anyhow::Result<()> {
    let registry = context.default_registry()?;
    if credentials::token(context, &registry)?.is_none() {
        return Err(Fault::new(codes::UNAUTHENTICATED).at(registry.label()).into());
    }
    let who = context.api(&registry)?.whoami().await?;
    let result = Result { registry: registry.label().to_owned(), url: registry.url.clone(), who };
    context.output.result_or("skill.whoami/1", &result, |out| {
        let who = &result.who;
        let scopes = if who.scopes.is_empty() { "none".to_owned() } else { who.scopes.join(", ") };
        let permissions: Vec<&str> = who.token.permissions.iter().map(|permission| permission.as_str()).collect();
        let rows = [
            ("user", who.user.clone()),
            ("registry", format!("{} ({})", result.registry, result.url)),
            ("scopes", scopes),
            ("token", format!("{} ({})", who.token.name, who.token.id)),
            ("allows", format!("{} on {}", permissions.join(", "), who.token.pattern)),
            ("expires", who.token.expires.to_string()),
        ];
        out.table(&["what", "value"], &rows.map(|(what, value)| vec![what.to_owned(), escape(&value)]));
    });
    Ok(())
}
