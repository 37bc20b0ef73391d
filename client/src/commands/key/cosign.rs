//! `skill key cosign`.

use std::{collections::BTreeSet, path::PathBuf};

use serde::Serialize;
use skill_bundle::chain::Chain;
use skill_schema::{Digest, Fault, codes};

use super::change::{
    self, describe,
    request::{self, Missing, Request},
};
use crate::{
    context::Context,
    files::{self, Durable, Mode},
    signing::{self, DEFAULT, KeyArgs, Stored},
    statements::Signing,
};

/// Add your signature to a change of a scope that somebody else wrote to a file.
///
/// Shows all that the statement changes, and asks. Nothing is sent: skill key submit does that once all who must have signed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key cosign change.json
  skill key cosign change.json --key work --yes
  skill key cosign change.json --dry-run         only shows what it changes and who must still sign")]
pub struct Args {
    /// The file, as --out wrote it.
    file: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
    /// Show what would be signed.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result {
    scope: String,
    seq: u64,
    file: String,
    changes: Vec<String>,
    key: String,
    keyid: Option<Digest>,
    /// False if the key had signed it before.
    changed: bool,
    missing: Missing,
    dry_run: bool,
}

/// Signs a file.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let Request { mut envelope, wanted, scope } = request::read(&args.file)?;
    let signing = Signing::start(context, &scope, None).await?;
    let chain = signing.chain();
    let mut missing = request::missing(chain, &envelope, &wanted)?;
    let changes = describe::changes(change::latest(chain)?, &wanted);
    let wished = &request::added(chain, &wanted)? | &request::authorities(chain, &envelope, wanted.created);
    let signed: BTreeSet<Digest> = envelope.signers().collect();
    let stored = choose(context, &args, chain, &[&wished - &signed, signed.clone()])?;
    let changed = stored.keyid().is_none_or(|id| !signed.contains(&id));
    if changed && !args.dry_run {
        context.output.talk(format!("Statement {} of {scope}:", wanted.seq));
        for change in &changes {
            context.output.status("Changes", change);
        }
        if !context.confirm(&format!("Sign it with the key {}?", stored.name))? {
            return Err(context.cancelled());
        }
        let secret = stored.open(context, &args.key)?;
        if !wished.contains(&secret.keyid()) {
            return Err(useless(&stored.name, chain).into());
        }
        envelope.cosign(&secret)?;
        missing = request::missing(chain, &envelope, &wanted)?;
        files::replace(&args.file, envelope.bytes(), Mode::Normal, Durable::Yes)?;
    }
    let result = Result {
        scope: scope.to_string(),
        seq: wanted.seq,
        file: args.file.display().to_string(),
        changes,
        key: stored.name.clone(),
        keyid: stored.keyid(),
        changed,
        missing,
        dry_run: args.dry_run,
    };
    context.output.result_or("skill.key.cosign/1", &result, |out| {
        if !result.changed {
            out.status("Signed", format!("already: {} with key {}", result.file, result.key));
        } else if result.dry_run {
            out.status("Would sign", format!("statement {} of {} with key {}", result.seq, result.scope, result.key));
            result.changes.iter().for_each(|change| out.status("Changes", change));
        } else {
            out.status("Signed", format!("{} with key {}", result.file, result.key));
        }
        result.missing.say(out, &result.file);
    });
    Ok(())
}

/// The named key, or one of ours whose signature the statement could use, or has already: `candidates` in the order of preference.
fn choose(
    context: &Context,
    args: &Args,
    chain: &Chain,
    candidates: &[BTreeSet<Digest>; 2],
) -> std::result::Result<Stored, Fault> {
    if let Some(name) = &args.key.key {
        let stored = signing::find(&context.env, name)?;
        return match stored.keyid() {
            Some(id) if !candidates.iter().any(|ids| ids.contains(&id)) => Err(useless(name, chain)),
            _ => Ok(stored),
        };
    }
    let mut ours = signing::list(&context.env)?;
    ours.sort_by_key(|key| (key.name != DEFAULT, key.name != chain.scope().as_str()));
    let one_of = |ids: &BTreeSet<Digest>| ours.iter().find(|key| key.keyid().is_some_and(|id| ids.contains(&id)));
    let none = || Fault::new(codes::NOT_ENROLLED).at(chain.scope().as_str());
    candidates.iter().find_map(one_of).cloned().ok_or_else(none)
}

fn useless(name: &str, chain: &Chain) -> Fault {
    let detail = format!("it is no owner key of {}, and not one that is added", chain.scope());
    Fault::new(codes::KEY_ROLE).at(format!("key {name}")).detail(detail)
}
