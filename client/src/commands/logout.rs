//! `skill logout`: forgets the API token for a registry.

use serde::Serialize;

use crate::{config::credentials, context::Context};

/// Forget your API token for a registry. The token itself stays valid: skill token revoke ends it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill logout
  skill logout --registry acme")]
pub struct Args {
    /// Show what would be forgotten.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignedOut {
    registry: String,
    url: String,
    /// Whether there was a token.
    removed: bool,
    dry_run: bool,
}

/// Runs `skill logout`.
///
/// # Errors
/// [`skill_schema::codes::REGISTRY_UNKNOWN`], [`skill_schema::codes::IO`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let registry = context.default_registry()?;
    let removed = if args.dry_run {
        credentials::stored(&context.env, &registry.url)?.is_some()
    } else {
        credentials::store(&context.env, &registry.url, None)?
    };
    let signed_out =
        SignedOut { registry: registry.label().to_owned(), url: registry.url.clone(), removed, dry_run: args.dry_run };
    context.output.result_or("skill.logout/1", &signed_out, |out| {
        let place = format!("{} ({})", signed_out.registry, signed_out.url);
        match (removed, args.dry_run) {
            (false, _) => out.status("Nothing", format!("was kept for {place}")),
            (true, true) => out.status("Would forget", format!("the token for {place}")),
            (true, false) => out.status("Signed out", format!("of {place}; the token itself stays valid")),
        }
    });
    Ok(())
}
