//! `skill key revoke`.

use serde::Serialize;
use skill_bundle::chain::Chain;
use skill_schema::{
    Digest, Fault, Scope, codes,
    statement::{Revoked, Role, ScopeKeys},
    time::Timestamp,
};

use super::{
    change::{
        self, Delivery, Outcome,
        describe::owner_keys,
        owners::{KeyFlags, Owners},
    },
    trust::read_key,
};
use crate::{
    context::Context,
    statements::{self, Signing},
};

/// Take a key's force away, for a key that was lost or stolen. This cannot be undone.
///
/// What it signs from now on counts for nothing. With --from-seq, neither does what it signed since that statement: the versions of a
/// thief are gone for everybody, also where a lock file names them. It is also how owners object to a recovery: the key that it adds is
/// revoked before it counts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key revoke acme 9a4a…                   from now on
  skill key revoke acme 9a4a… --from-seq 41     and everything since statement 41 of the scope")]
pub struct Args {
    /// The scope.
    scope: Scope,
    /// The id (64 hex digits) or the public text of the key.
    #[arg(value_name = "KEY", value_parser = read_key)]
    revoked: Digest,
    /// The first statement of the scope at which the key no longer counts.
    #[arg(long, value_name = "N")]
    from_seq: Option<u64>,
    #[command(flatten)]
    owners: KeyFlags,
    #[command(flatten)]
    delivery: Delivery,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result {
    keyid: Digest,
    from_seq: u64,
    /// Versions that nobody can install any more.
    lost: Vec<String>,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Revokes a key.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let signing = Signing::again(context, &args.scope, None).await?;
    statements::warn_of_recovery(context, signing.chain(), Some(args.revoked));
    check(&args, signing.chain(), context.clock.now())?;
    let lost = lost(&args, signing.chain());
    let owners = Owners::from(&args.owners).without(args.revoked);
    let chosen = owners.choose(context, &signing, &args.delivery).await?;
    if args.delivery.sends() {
        statements::check_signed_in(context, &signing.source.registry)?;
    }
    if !args.delivery.dry_run && !context.confirm_name(&question(&args, &lost), args.scope.as_str())? {
        return Err(context.cancelled());
    }
    let make = |chain: &Chain, now| {
        check(&args, chain, now)?;
        change::draft(chain, now, |next| {
            revoke(next, args.revoked, args.from_seq);
            Ok(())
        })
    };
    let signers = |chain: &_| owners.open(context, &chosen, chain);
    let outcome = change::deliver(context, &args.scope, signing, &args.delivery, signers, make).await?;
    let result = Result { keyid: args.revoked, from_seq: args.from_seq.unwrap_or(outcome.seq), lost, outcome };
    context.output.result_or("skill.key.revoke/1", &result, |out| {
        let done = format!("key {} for {} from statement {} on", result.keyid, args.scope, result.from_seq);
        result.outcome.say(out, "Revoked", &done);
        for version in &result.lost {
            out.status_warn("Lost", format!("{version}: nobody can install it any more"));
        }
    });
    Ok(())
}

fn question(args: &Args, lost: &[String]) -> String {
    let lost = match lost {
        [] => String::new(),
        versions => format!(" Nobody can install {} any more.", versions.join(", ")),
    };
    format!("Revoke the key {} for {}? This cannot be undone.{lost}", args.revoked, args.scope)
}

/// The key is there, and enough owner keys stay to change the scope.
fn check(args: &Args, chain: &Chain, now: Timestamp) -> std::result::Result<(), Fault> {
    let scope = args.scope.as_str();
    let threshold = change::latest(chain)?.policy.threshold;
    let key = chain.keys().get(&args.revoked);
    let key = key.ok_or_else(|| Fault::new(codes::NOT_FOUND).at(scope).detail("no such key is enrolled for it now"))?;
    let others = chain.owners(now).filter(|id| *id != args.revoked).count() as u64;
    if key.roles.contains(&Role::Owner) && others < threshold {
        let detail = match threshold {
            1 => "it is the last owner key; enrol another one first".to_owned(),
            _ => format!("{} would be left of {threshold} that must sign; enrol another one first", owner_keys(others)),
        };
        return Err(Fault::new(codes::LAST_OWNER).at(scope).detail(detail));
    }
    let next = chain.next().0;
    match args.from_seq {
        Some(from) if !(1..=next).contains(&from) => {
            Err(Fault::new(codes::USAGE).at("--from-seq").detail(format!("a number from 1 to {next} is expected")))
        }
        _ => Ok(()),
    }
}

/// The versions that only this key signed, at or after the given statement.
fn lost(args: &Args, chain: &Chain) -> Vec<String> {
    let Some(from) = args.from_seq else { return Vec::new() };
    let releases = chain.releases().filter(|(_, _, published)| {
        let release = &published.release;
        release.seq >= from && release.signers.iter().all(|signer| *signer == args.revoked)
    });
    releases.map(|(name, version, _)| format!("{}/{name}@{version}", args.scope)).collect()
}

/// Takes the key out of the scope, and its force away.
fn revoke(next: &mut ScopeKeys, keyid: Digest, from_seq: Option<u64>) {
    next.keys.retain(|key| read_key(&key.key) != Ok(keyid));
    next.revoked.push(Revoked { from_seq: from_seq.unwrap_or(next.seq), keyid });
}

#[cfg(test)]
mod tests {
    use skill_bundle::{
        envelope::{self, Envelope},
        keys::SecretKey,
        statement,
    };
    use skill_schema::statement::{Gate, Policy, ScopeKey};

    use super::*;

    fn push(chain: &mut Chain, statement: ScopeKeys, signers: &[&SecretKey]) {
        let bytes = envelope::sign(&statement::scope(statement), signers).expect("signed");
        chain.push(&Envelope::parse(&bytes).expect("an envelope")).expect("accepted");
    }

    fn args(revoked: Digest, from_seq: Option<u64>) -> Args {
        let scope = "acme".parse().expect("a scope");
        Args { scope, revoked, from_seq, owners: KeyFlags::default(), delivery: Delivery::default() }
    }

    #[test]
    fn a_revoked_key_is_gone_and_the_last_owner_stays() {
        let (one, two) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let created = Timestamp::from_unix(1_000_000);
        let listed = |key: &SecretKey| ScopeKey {
            key: key.public().to_text(),
            roles: vec![Role::Owner, Role::Publish],
            valid_from: created,
        };
        let mut chain = Chain::new("acme".parse().expect("a scope"), "skills.example/log");
        let first = ScopeKeys {
            created,
            keys: vec![listed(&one), listed(&two)],
            origin: "skills.example/log".into(),
            policy: Policy { cooldown_hours: 0, gate: Gate::Standard, threshold: 1, verifiers: vec![] },
            prev: Digest::ZERO,
            recovery: vec![],
            revoked: vec![],
            scope: "acme".into(),
            seq: 1,
        };
        push(&mut chain, first, &[&one, &two]);
        let code =
            |chain: &Chain, key: &SecretKey, from| check(&args(key.keyid(), from), chain, created).map_err(|f| f.code);
        assert_eq!(code(&chain, &SecretKey::from_seed(&[3; 32]), None), Err(codes::NOT_FOUND));
        assert_eq!(code(&chain, &two, Some(3)), Err(codes::USAGE));
        assert_eq!(code(&chain, &two, Some(2)), Ok(()));
        let revoked = |next: &mut ScopeKeys| {
            revoke(next, two.keyid(), None);
            Ok(())
        };
        let next = change::draft(&chain, created, revoked).expect("a statement");
        push(&mut chain, next, &[&one]);
        assert_eq!(chain.keys().keys().collect::<Vec<_>>(), [&one.keyid()]);
        assert!(chain.is_revoked(two.keyid(), 2) && !chain.is_revoked(two.keyid(), 1));
        assert_eq!(code(&chain, &one, None), Err(codes::LAST_OWNER));
    }
}
