//! `skill token revoke`.

use serde::Serialize;
use skill_schema::{
    Fault,
    codes::{self, escape},
};

use crate::{config::credentials, context::Context, output::count};

/// End API tokens. This cannot be undone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill token revoke 0198c0de-…         the id is in skill token ls
  skill token revoke ID --yes")]
pub struct Args {
    /// Ids of the tokens.
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Show what would be revoked.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Revoked {
    registry: String,
    ids: Vec<String>,
    /// Whether the token in use was among them: then it was forgotten here too.
    signed_out: bool,
    dry_run: bool,
}

/// Revokes tokens.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let registry = context.default_registry()?;
    let api = context.api(&registry)?;
    let known = api.tokens().await?.tokens;
    let mut names = Vec::new();
    for id in &args.ids {
        let token = known.iter().find(|token| token.id == *id && token.revoked.is_none());
        let fault = || Fault::new(codes::NOT_FOUND).at(id).detail("no valid token of yours has this id");
        names.push(token.ok_or_else(fault)?.name.clone());
    }
    let own = api.whoami().await?.token.id;
    let in_use = args.ids.contains(&own);
    if !args.dry_run {
        let note = if in_use { ", with the one that you are signed in with" } else { "" };
        let question = format!("Revoke {} ({}){note}?", count(names.len(), "token"), escape(&names.join(", ")));
        if !context.confirm(&question)? {
            return Err(context.cancelled());
        }
        // The one in use goes last: it is what revokes the others.
        let (last, first): (Vec<_>, Vec<_>) = args.ids.iter().partition(|id| **id == own);
        for id in first.into_iter().chain(last) {
            api.revoke_token(id).await?;
        }
        if in_use {
            credentials::store(&context.env, &registry.url, None)?;
        }
    }
    let signed_out = in_use && !args.dry_run;
    let revoked = Revoked { registry: registry.label().to_owned(), ids: args.ids, signed_out, dry_run: args.dry_run };
    context.output.result_or("skill.token.revoke/1", &revoked, |out| {
        let verb = if revoked.dry_run { "Would revoke" } else { "Revoked" };
        for (id, name) in revoked.ids.iter().zip(&names) {
            out.status(verb, format!("token {} ({})", escape(name), escape(id)));
        }
        if revoked.signed_out {
            out.hint("skill login   to sign in again");
        }
    });
    Ok(())
}
