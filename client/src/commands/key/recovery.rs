//! `skill key recovery`: the keys with which a scope is recovered.

mod delay;

use serde::Serialize;
use skill_bundle::{chain::Chain, keys::PublicKey};
use skill_schema::{
    Digest, Fault, Scope, codes,
    statement::{RecoveryKey, ScopeKeys},
};

use super::{
    change::{
        self, Delivery, Outcome,
        owners::{KeyFlags, Owners},
    },
    public,
    trust::read_key,
};
use crate::{
    context::Context,
    statements::{self, Signing},
};

/// Show, add and remove the recovery keys of a scope.
///
/// A recovery key lies somewhere safe and signs nothing in everyday life. If all owner keys are lost, it adds new ones (skill key
/// recover), which count after a delay. Until then the owners, if there still are any, can object.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    #[command(visible_alias = "list")]
    Ls(ListArgs),
    Add(AddArgs),
    #[command(visible_alias = "remove")]
    Rm(RemoveArgs),
}

/// Show the recovery keys of a scope.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key recovery ls acme
  skill key recovery ls acme --json")]
struct ListArgs {
    /// The scope.
    scope: Scope,
}

/// Add a recovery key, or change its delay.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key recovery add acme ed25519:iojj… --delay 7d    as skill key export prints it
  skill key recovery add acme rescue.pub                  the same from a file
  skill key recovery add acme rescue                      a key of yours; then move its file to a safe place")]
struct AddArgs {
    /// The scope.
    scope: Scope,
    /// The key: ed25519: and its base64, a file with that, or the name of a key of yours.
    #[arg(value_name = "KEY")]
    recovery_key: String,
    /// How long the owners can object: hours or days, from 24h to 90d.
    #[arg(long, value_name = "TIME", default_value = "72h", value_parser = delay::read)]
    delay: u64,
    #[command(flatten)]
    owners: KeyFlags,
    #[command(flatten)]
    delivery: Delivery,
}

/// Remove a recovery key.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key recovery rm acme 9a4a…")]
struct RemoveArgs {
    /// The scope.
    scope: Scope,
    /// The id (64 hex digits) or the public text of the key.
    #[arg(value_name = "KEY", value_parser = read_key)]
    recovery_key: Digest,
    #[command(flatten)]
    owners: KeyFlags,
    #[command(flatten)]
    delivery: Delivery,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    keyid: Digest,
    public: String,
    delay_hours: u64,
}

#[derive(Serialize)]
struct List {
    scope: String,
    items: Vec<Item>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    keyid: Digest,
    /// Missing where the key was removed.
    delay_hours: Option<u64>,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Runs `skill key recovery`.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Command::Ls(args) => list(&args, context).await,
        Command::Add(args) => add(args, context).await,
        Command::Rm(args) => remove(args, context).await,
    }
}

async fn list(args: &ListArgs, context: &Context) -> anyhow::Result<()> {
    let signing = Signing::start(context, &args.scope, None).await?;
    change::latest(signing.chain())?;
    let item = |(key, delay_hours): (PublicKey, u64)| Item { keyid: key.keyid(), public: key.to_text(), delay_hours };
    let list = List { scope: args.scope.to_string(), items: signing.chain().recovery_keys().map(item).collect() };
    context.output.result_or("skill.key.recovery.ls/1", &list, |out| {
        if list.items.is_empty() {
            out.status("Nothing", format!("can recover {}: whoever loses all owner keys loses the scope", list.scope));
            out.hint(format!("skill key recovery add {} KEY", list.scope));
            return;
        }
        let row = |item: &Item| vec![item.keyid.to_string(), format!("{} hours", item.delay_hours)];
        out.table(&["key id", "delay"], &list.items.iter().map(row).collect::<Vec<_>>());
    });
    Ok(())
}

async fn add(args: AddArgs, context: &Context) -> anyhow::Result<()> {
    let key = public::read(&args.recovery_key, context)?;
    let entry = RecoveryKey { key: key.to_text(), delay_hours: args.delay };
    let edit = |chain: &Chain, next: &mut ScopeKeys| {
        if next.recovery.contains(&entry) {
            return Err(Fault::new(codes::USAGE)
                .at(key.keyid().to_string())
                .detail("it is one already, with this delay"));
        }
        if chain.keys().contains_key(&key.keyid()) || chain.is_revoked(key.keyid(), next.seq) {
            let detail = "a recovery key is a key of its own: it is not enrolled and was not revoked";
            return Err(Fault::new(codes::USAGE).at(key.keyid().to_string()).detail(detail));
        }
        next.recovery.retain(|old| old.key != entry.key);
        next.recovery.push(entry.clone());
        Ok(())
    };
    let outcome = deliver(context, &args.scope, &args.owners, &args.delivery, edit).await?;
    let result = Changed { keyid: key.keyid(), delay_hours: Some(args.delay), outcome };
    context.output.result_or("skill.key.recovery/1", &result, |out| {
        let done = format!("recovery key {} for {}, with a delay of {} hours", result.keyid, args.scope, args.delay);
        result.outcome.say(out, "Added", &done);
        if result.outcome.log.is_some() {
            out.note("keep it apart from your owner keys, where it is found when those are lost");
        }
    });
    Ok(())
}

async fn remove(args: RemoveArgs, context: &Context) -> anyhow::Result<()> {
    let edit = |chain: &Chain, next: &mut ScopeKeys| {
        if chain.recovery_delay(args.recovery_key).is_none() {
            let detail = format!("{} has no such recovery key", args.scope);
            return Err(Fault::new(codes::NOT_FOUND).at(args.recovery_key.to_string()).detail(detail));
        }
        next.recovery.retain(|old| read_key(&old.key) != Ok(args.recovery_key));
        Ok(())
    };
    let outcome = deliver(context, &args.scope, &args.owners, &args.delivery, edit).await?;
    let result = Changed { keyid: args.recovery_key, delay_hours: None, outcome };
    context.output.result_or("skill.key.recovery/1", &result, |out| {
        result.outcome.say(out, "Removed", &format!("recovery key {} of {}", result.keyid, args.scope));
    });
    Ok(())
}

/// Signs and sends a change of the recovery keys.
async fn deliver(
    context: &Context,
    scope: &Scope,
    flags: &KeyFlags,
    delivery: &Delivery,
    edit: impl Fn(&Chain, &mut ScopeKeys) -> Result<(), Fault>,
) -> anyhow::Result<Outcome> {
    let signing = Signing::start(context, scope, None).await?;
    let make = |chain: &_, now| change::draft(chain, now, |next| edit(chain, next));
    make(signing.chain(), context.clock.now())?;
    if delivery.sends() {
        statements::check_signed_in(context, &signing.source.registry)?;
    }
    let owners = Owners::from(flags);
    let chosen = owners.choose(context, &signing, delivery).await?;
    let signers = |chain: &_| owners.open(context, &chosen, chain);
    change::deliver(context, scope, signing, delivery, signers, make).await
}
