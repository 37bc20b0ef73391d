//! `skill key rotate`.

use serde::Serialize;
use skill_bundle::keys::PublicKey;
use skill_schema::{
    Digest, Fault, Scope, codes,
    statement::{Role, ScopeKeys},
    time::Timestamp,
};

use super::change::{
    self, Delivery, Outcome,
    owners::{ByFlags, Owners},
};
use crate::{
    context::Context,
    signing::{self, KeyArgs},
    statements::{self, Signing},
};

/// Replace a key of a scope by a new one with the same roles.
///
/// What the old key signed stays valid; it signs nothing more. For a key that was lost or stolen, use skill key revoke and skill key
/// enroll. Where the old key is no owner, an owner key agrees.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key new laptop
  skill key rotate acme --to laptop                    in place of the key that is enrolled
  skill key rotate acme --key ci --to ci2 --by ada     an owner's agreement for a key that only publishes
  skill key rotate acme --to laptop --out rotate.json  for other owners to sign")]
pub struct Args {
    /// The scope.
    scope: Scope,
    /// The key that is replaced; otherwise the one that is enrolled.
    #[arg(long, value_name = "OLD")]
    key: Option<String>,
    /// The key that takes its place.
    #[arg(long, value_name = "NEW")]
    to: String,
    /// Read the new key's passphrase from the first line of this file.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<std::path::PathBuf>,
    #[command(flatten)]
    owners: ByFlags,
    #[command(flatten)]
    delivery: Delivery,
}

#[derive(Serialize)]
struct Result {
    old: Digest,
    new: Digest,
    roles: Vec<Role>,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Replaces a key.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let signing = Signing::start(context, &args.scope, None).await?;
    let (old, roles) = old(&args, context, &signing)?;
    let stored = signing::find(&context.env, &args.to)?;
    if args.delivery.sends() {
        statements::check_signed_in(context, &signing.source.registry)?;
    }
    let owners = Owners::from(&args.owners).first(Some(old));
    let chosen = owners.choose(context, &signing, &args.delivery).await?;
    let opening = KeyArgs { key: None, passphrase_file: args.passphrase_file.clone() };
    let new = stored.public_key(context, &opening)?;
    let make = |chain: &_, now| {
        change::draft(chain, now, |next| {
            change::check_new(chain, &stored.name, new.keyid())?;
            replace(next, old, &new, now)
        })
    };
    let signers = |chain: &_| {
        let mut signers = owners.open(context, &chosen, chain)?;
        signers.push(stored.open(context, &opening)?);
        Ok(signers)
    };
    let outcome = change::deliver(context, &args.scope, signing, &args.delivery, signers, make).await?;
    let result = Result { old, new: new.keyid(), roles, outcome };
    context.output.result_or("skill.key.rotate/1", &result, |out| {
        let roles = statements::role_names(&result.roles);
        let done = format!(
            "{}: key {} ({}) in place of {} ({roles})",
            args.scope,
            stored.name,
            result.new.short(),
            result.old.short()
        );
        result.outcome.say(out, "Rotated", &done);
    });
    Ok(())
}

/// The key that is replaced, and its roles.
fn old(args: &Args, context: &Context, signing: &Signing) -> std::result::Result<(Digest, Vec<Role>), Fault> {
    let chain = signing.chain();
    change::latest(chain)?;
    let enrolled: Vec<Digest> = chain.keys().keys().copied().collect();
    let which = KeyArgs { key: args.key.clone(), passphrase_file: None };
    let stored = signing::choose_enrolled(&context.env, &which, &args.scope, &enrolled)?;
    let unknown = || Fault::new(codes::KEY_UNKNOWN).at(format!("key {}", stored.name));
    let id = stored.keyid().ok_or_else(unknown)?;
    let key = chain.keys().get(&id).ok_or_else(unknown)?;
    Ok((id, key.roles.clone()))
}

/// Puts the new key where the old one stands.
fn replace(next: &mut ScopeKeys, old: Digest, new: &PublicKey, now: Timestamp) -> std::result::Result<(), Fault> {
    let place = next.keys.iter_mut().find(|key| super::trust::read_key(&key.key) == Ok(old));
    let place = place.ok_or_else(|| Fault::new(codes::KEY_UNKNOWN).at(old.to_string()))?;
    (place.key, place.valid_from) = (new.to_text(), now.max(place.valid_from));
    Ok(())
}
