//! `skill key submit`.

use std::path::PathBuf;

use super::change::{
    self, Outcome, describe,
    request::{self, Request},
};
use crate::{
    context::Context,
    statements::{self, Signing},
};

/// Send a change of a scope that all who must have signed.
///
/// It must be the scope's next statement: if anything was published to the scope since it was made, it has to be made anew. The
/// registry takes it for a week.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key submit change.json
  skill key submit change.json --dry-run    checks it and sends nothing")]
pub struct Args {
    /// The file, as --out wrote it and skill key cosign signed it.
    file: PathBuf,
    /// Check it and show what it changes.
    #[arg(long)]
    dry_run: bool,
}

/// Sends a file.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let Request { envelope, wanted, scope } = request::read(&args.file)?;
    let signing = Signing::start(context, &scope, None).await?;
    let missing = request::missing(signing.chain(), &envelope, &wanted)?;
    missing.check(&scope)?;
    let mut outcome = Outcome {
        scope: scope.to_string(),
        seq: wanted.seq,
        changes: describe::changes(change::latest(signing.chain())?, &wanted),
        log: None,
        out: None,
        missing: Some(missing),
        dry_run: args.dry_run,
    };
    if !args.dry_run {
        statements::check_signed_in(context, &signing.source.registry)?;
        outcome.log = Some(signing.source.api()?.scope(&scope, envelope.bytes()).await?.log);
    }
    context.output.result_or("skill.key.submit/1", &outcome, |out| {
        let verb = if outcome.dry_run { "Would send" } else { "Sent" };
        out.status(verb, format!("statement {} of {}", outcome.seq, outcome.scope));
        outcome.changes.iter().for_each(|change| out.status("Changes", change));
    });
    Ok(())
}
