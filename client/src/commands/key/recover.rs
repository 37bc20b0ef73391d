//! `skill key recover`.

use serde::Serialize;
use skill_bundle::{chain::Chain, keys::PublicKey};
use skill_schema::{
    Digest, Fault, Scope, codes,
    statement::{Role, ScopeKey},
    time::Timestamp,
};

use super::{
    change::{self, Delivery, Outcome},
    public,
};
use crate::{
    context::Context,
    signing::{self, KeyArgs},
    statements::{self, Signing},
};

/// Add keys to a scope with one of its recovery keys, after the owner keys were lost.
///
/// The new keys count once the recovery key's delay has passed. Until then whoever has the owner keys can object, by taking the new
/// keys out again. Nothing else about the scope changes; when the new keys count, they can revoke the old ones.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key new fresh
  skill key recover acme --recovery-key rescue --to fresh
  skill key recover acme --recovery-key rescue --to ada,bob   where two owners must sign
  skill key recover acme --recovery-key rescue --to ada --to ed25519:iojj… --out recovery.json
  skill key ls acme                                           says from when the new key counts")]
pub struct Args {
    /// The scope.
    scope: Scope,
    /// The recovery key.
    #[arg(long, value_name = "NAME")]
    recovery_key: String,
    /// Read the recovery key's passphrase from the first line of this file.
    #[arg(long, value_name = "FILE")]
    recovery_passphrase_file: Option<std::path::PathBuf>,
    /// The key to add: the name of a key of yours, or ed25519: and its base64 for one that signs elsewhere; can be repeated.
    #[arg(long, value_name = "NEW", required = true, value_delimiter = ',')]
    to: Vec<String>,
    /// Read the new keys' passphrase from the first line of this file.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<std::path::PathBuf>,
    #[command(flatten)]
    delivery: Delivery,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result {
    recovery_key: Digest,
    keyids: Vec<Digest>,
    delay_hours: u64,
    valid_from: Timestamp,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Recovers a scope.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let signing = Signing::start(context, &args.scope, None).await?;
    let threshold = change::latest(signing.chain())?.policy.threshold;
    if args.delivery.sends() {
        statements::check_signed_in(context, &signing.source.registry)?;
    }
    let opening = KeyArgs { key: None, passphrase_file: args.recovery_passphrase_file.clone() };
    let opening_new = KeyArgs { key: None, passphrase_file: args.passphrase_file.clone() };
    let recovery = signing::find(&context.env, &args.recovery_key)?;
    let recovery_id = recovery.public_key(context, &opening)?.keyid();
    let delay = delay(signing.chain(), &args, recovery_id)?;
    let new = args.to.iter().map(|text| public::read(text, context));
    let new: Vec<PublicKey> = new.collect::<std::result::Result<_, _>>()?;
    let make = |chain: &Chain, now: Timestamp| {
        let valid_from = after(now, delay);
        change::draft(chain, now, |next| {
            for (key, name) in new.iter().zip(&args.to) {
                change::check_new(chain, name, key.keyid())?;
                let roles = vec![Role::Owner, Role::Publish, Role::Yank];
                next.keys.push(ScopeKey { key: key.to_text(), roles, valid_from });
            }
            Ok(())
        })
    };
    let valid_from = after(context.clock.now(), delay);
    let signers = |_: &_| {
        let here = args.to.iter().filter_map(|name| signing::find(&context.env, name).ok());
        let new = here.map(|stored| stored.open(context, &opening_new));
        std::iter::once(recovery.open(context, &opening)).chain(new).collect()
    };
    let outcome = change::deliver(context, &args.scope, signing, &args.delivery, signers, make).await?;
    let keyids: Vec<Digest> = new.iter().map(PublicKey::keyid).collect();
    let result = Result { recovery_key: recovery_id, keyids, delay_hours: delay, valid_from, outcome };
    context.output.result_or("skill.key.recover/1", &result, |out| {
        let names = args.to.join(", ");
        let done = format!("{}: {names} counts as an owner from {}", args.scope, result.valid_from);
        result.outcome.say(out, "Recovering", &done);
        out.note(format!("until then, {} hours long, the present owners can object", result.delay_hours));
        if (result.keyids.len() as u64) < threshold {
            out.warn(format!(
                "{} asks for {threshold} owner keys: recover with as many, or find the others",
                args.scope
            ));
        }
        if result.outcome.log.is_some() {
            out.hint(format!("skill key revoke {} OLD   once the time has come", args.scope));
        }
    });
    Ok(())
}

/// Hours later.
fn after(time: Timestamp, hours: u64) -> Timestamp {
    Timestamp::from_unix(time.unix() + hours * 3_600)
}

/// The hours that the recovery key must wait.
fn delay(chain: &Chain, args: &Args, key: Digest) -> std::result::Result<u64, Fault> {
    chain.recovery_delay(key).ok_or_else(|| {
        let detail =
            format!("it is no recovery key of {}; skill key recovery ls {} shows these", args.scope, args.scope);
        Fault::new(codes::KEY_ROLE).at(format!("key {} ({})", args.recovery_key, key.short())).detail(detail)
    })
}
