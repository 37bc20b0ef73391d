//! `skill key threshold`.

use skill_bundle::chain::Chain;
use skill_schema::{Fault, Scope, codes, time::Timestamp};

use super::change::{
    self, Delivery,
    describe::owner_keys,
    owners::{KeyFlags, Owners},
};
use crate::{
    context::Context,
    statements::{self, Signing},
};

/// Say how many owner keys must sign a change of the scope.
///
/// With more than one, a single stolen key cannot take the scope over. Releases and yanks still need one key each. Keep a recovery key
/// (skill key recovery), or as many owner keys to spare as you can afford to lose.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key threshold acme 2                    two of the owner keys from now on
  skill key threshold acme 1 --out change.json  for the other owners to sign: skill key cosign change.json")]
pub struct Args {
    /// The scope.
    scope: Scope,
    /// How many, from 1 to the number of owner keys.
    #[arg(value_name = "N")]
    threshold: u64,
    #[command(flatten)]
    owners: KeyFlags,
    #[command(flatten)]
    delivery: Delivery,
}

/// Sets the threshold.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let signing = Signing::start(context, &args.scope, None).await?;
    let now = context.clock.now();
    check(&args, signing.chain(), now)?;
    if args.delivery.sends() {
        statements::check_signed_in(context, &signing.source.registry)?;
    }
    let irreplaceable = signing.chain().owners(now).count() as u64 == args.threshold
        && signing.chain().recovery_keys().next().is_none();
    let owners = Owners::from(&args.owners);
    let chosen = owners.choose(context, &signing, &args.delivery).await?;
    let signers = |chain: &_| owners.open(context, &chosen, chain);
    let make = |chain: &_, now| {
        check(&args, chain, now)?;
        change::draft(chain, now, |next| {
            next.policy.threshold = args.threshold;
            Ok(())
        })
    };
    let outcome = change::deliver(context, &args.scope, signing, &args.delivery, signers, make).await?;
    context.output.result_or("skill.key.threshold/1", &outcome, |out| {
        outcome.say(out, "Changed", &format!("{}: {} must sign a change", args.scope, owner_keys(args.threshold)));
        if args.threshold > 1 && irreplaceable {
            out.warn(format!("whoever loses one of its owner keys cannot change {} any more", args.scope));
            out.hint(format!("skill key recovery add {} KEY", args.scope));
        }
    });
    Ok(())
}

/// There are as many owner keys, and it is another number than now.
fn check(args: &Args, chain: &Chain, now: Timestamp) -> Result<(), Fault> {
    let latest = change::latest(chain)?;
    let owners = chain.owners(now).count() as u64;
    if !(1..=owners).contains(&args.threshold) {
        let detail = format!("a number from 1 to {owners} is expected: {} has as many owner keys", args.scope);
        return Err(Fault::new(codes::USAGE).at(args.threshold.to_string()).detail(detail));
    }
    if latest.policy.threshold == args.threshold {
        let detail = format!("{} asks for that number already", args.scope);
        return Err(Fault::new(codes::USAGE).at(args.threshold.to_string()).detail(detail));
    }
    Ok(())
}
