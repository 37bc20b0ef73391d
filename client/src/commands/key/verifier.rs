//! `skill key verifier`.

use skill_bundle::{chain::Chain, keys::PublicKey};
use skill_schema::{Digest, Fault, Scope, codes};

use super::change::{
    self, Delivery,
    owners::{KeyFlags, Owners},
};
use crate::{
    context::Context,
    statements::{self, Signing},
};

/// Say whose measurements of a scope's skills on sealed suites count, beside those of the registry's own verifiers.
///
/// A verifier's key is no key of the scope, and its user owns nothing of it: otherwise the registry refuses what it measures.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key verifier acme ed25519:…            what skill key export prints for the verifier
  skill key verifier acme KEYID --remove       no longer from now on")]
pub struct Args {
    /// The scope.
    scope: Scope,
    /// The verifier's key: its id, or ed25519: and base64.
    #[arg(value_name = "KEY")]
    verifier: String,
    /// Take it off the list.
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    owners: KeyFlags,
    #[command(flatten)]
    delivery: Delivery,
}

/// Changes the list of verifiers.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let keyid = keyid(&args.verifier)?;
    let signing = Signing::start(context, &args.scope, None).await?;
    listed(&args, signing.chain(), keyid)?;
    if args.delivery.sends() {
        statements::check_signed_in(context, &signing.source.registry)?;
    }
    let owners = Owners::from(&args.owners);
    let chosen = owners.choose(context, &signing, &args.delivery).await?;
    let signers = |chain: &_| owners.open(context, &chosen, chain);
    let make = |chain: &_, now| {
        let verifiers = listed(&args, chain, keyid)?;
        change::draft(chain, now, |next| {
            next.policy.verifiers = verifiers;
            Ok(())
        })
    };
    let outcome = change::deliver(context, &args.scope, signing, &args.delivery, signers, make).await?;
    context.output.result_or("skill.key.verifier/1", &outcome, |out| {
        let what = if args.remove { "is no verifier any more" } else { "is a verifier" };
        outcome.say(out, "Changed", &format!("{}: key {} {what}", args.scope, keyid.short()));
    });
    Ok(())
}

/// A key's id, from itself or from the key.
fn keyid(text: &str) -> Result<Digest, Fault> {
    if let Ok(keyid) = text.parse() {
        return Ok(keyid);
    }
    Ok(PublicKey::from_text(text)?.keyid())
}

/// The list as it is to be.
fn listed(args: &Args, chain: &Chain, keyid: Digest) -> Result<Vec<Digest>, Fault> {
    let mut verifiers = change::latest(chain)?.policy.verifiers.clone();
    let refused = |detail: &str| Err(Fault::new(codes::USAGE).at(args.verifier.clone()).detail(detail));
    match (verifiers.iter().position(|known| *known == keyid), args.remove) {
        (None, true) => return refused("it is not on the list"),
        (Some(_), false) => return refused("it is on the list already"),
        (Some(place), true) => drop(verifiers.remove(place)),
        (None, false) if chain.keys().contains_key(&keyid) => return refused("it is a key of the scope itself"),
        (None, false) => verifiers.push(keyid),
    }
    verifiers.sort_unstable();
    Ok(verifiers)
}
