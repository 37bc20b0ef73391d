//! `skill key revoke`.

use serde::Serialize;
use skill_bundle::{chain::Chain, envelope, keys::SecretKey, statement};
use skill_schema::{
    Digest, Fault, Scope, codes,
    statement::{Revoked, Role, ScopeKeys},
    time::Timestamp,
};

use super::trust::read_key;
use crate::{
    context::Context,
    signing::KeyArgs,
    statements::{self, Attempts, Signing},
};

/// Take a key's force away, for a key that was lost or stolen. This cannot be undone.
///
/// What it signs from now on counts for nothing. With --from-seq, neither does what it signed since that statement: the versions of a
/// thief are gone for everybody, also where a lock file names them.
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
    owner: KeyArgs,
    /// Show what would be signed.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result {
    scope: String,
    keyid: Digest,
    from_seq: u64,
    /// Versions that nobody can install any more.
    lost: Vec<String>,
    log: Option<u64>,
    dry_run: bool,
}

/// Revokes a key.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let mut signing = Signing::start(context, &args.scope, None).await?;
    check(&args, signing.chain())?;
    let lost = lost(&args, signing.chain());
    let stored = statements::choose_but(context, &args.owner, &signing, Role::Owner, Some(args.revoked)).await?;
    let from = |chain: &Chain| args.from_seq.unwrap_or(chain.next().0);
    let mut result = Result {
        scope: args.scope.to_string(),
        keyid: args.revoked,
        from_seq: from(signing.chain()),
        lost,
        log: None,
        dry_run: args.dry_run,
    };
    if !args.dry_run {
        statements::check_signed_in(context, &signing.source.registry)?;
        if !context.confirm_name(&question(&result), args.scope.as_str())? {
            return Err(context.cancelled());
        }
        let secret = statements::open(context, &args.owner, &stored, signing.chain(), Role::Owner)?;
        let mut attempts = Attempts::default();
        result.log = loop {
            check(&args, signing.chain())?;
            let envelope = sign(&args, signing.chain(), &secret, context.clock.now())?;
            match signing.source.api()?.scope(&args.scope, &envelope).await {
                Ok(response) => break Some(response.log),
                Err(refusal) => attempts.after(refusal).await?,
            }
            signing = Signing::start(context, &args.scope, None).await?;
        };
    }
    context.output.result_or("skill.key.revoke/1", &result, |out| {
        let verb = if result.dry_run { "Would revoke" } else { "Revoked" };
        out.status(verb, format!("key {} for {} from statement {} on", result.keyid, result.scope, result.from_seq));
        for version in &result.lost {
            out.status_warn("Lost", format!("{version}: nobody can install it any more"));
        }
    });
    Ok(())
}

fn question(result: &Result) -> String {
    let lost = match result.lost.as_slice() {
        [] => String::new(),
        versions => format!(" Nobody can install {} any more.", versions.join(", ")),
    };
    format!("Revoke the key {} for {}? This cannot be undone.{lost}", result.keyid, result.scope)
}

/// The key is there, and is not the last one that could change the scope.
fn check(args: &Args, chain: &Chain) -> std::result::Result<(), Fault> {
    let scope = args.scope.as_str();
    if chain.head().is_none() {
        return Err(Fault::new(codes::SCOPE_UNKNOWN).at(scope));
    }
    let key = chain.keys().get(&args.revoked);
    let key = key.ok_or_else(|| Fault::new(codes::NOT_FOUND).at(scope).detail("no such key is enrolled for it now"))?;
    let threshold = chain.latest().map_or(1, |latest| latest.policy.threshold);
    let owners = statements::with_role(chain, Role::Owner).len() as u64;
    if threshold > 1 {
        let detail = format!("{threshold} owners must sign, which one command cannot do");
        return Err(Fault::new(codes::USAGE).at(scope).detail(detail));
    }
    if key.roles.contains(&Role::Owner) && owners <= threshold {
        return Err(Fault::new(codes::LAST_OWNER)
            .at(scope)
            .detail("it is the last owner key; enrol another one first"));
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

fn sign(args: &Args, chain: &Chain, owner: &SecretKey, created: Timestamp) -> std::result::Result<Vec<u8>, Fault> {
    let latest = chain.latest().ok_or_else(|| Fault::new(codes::SCOPE_UNKNOWN).at(args.scope.as_str()))?;
    let next = without(latest, args.revoked, args.from_seq, chain.next(), created);
    envelope::sign(&statement::scope(next), &[owner])
}

/// The scope's next statement: as it is, without the key.
fn without(
    latest: &ScopeKeys,
    keyid: Digest,
    from_seq: Option<u64>,
    (seq, prev): (u64, Digest),
    created: Timestamp,
) -> ScopeKeys {
    let mut next = ScopeKeys { created, seq, prev, ..latest.clone() };
    next.keys.retain(|key| read_key(&key.key) != Ok(keyid));
    next.revoked.push(Revoked { from_seq: from_seq.unwrap_or(seq), keyid });
    next
}

#[cfg(test)]
mod tests {
    use skill_bundle::envelope::Envelope;
    use skill_schema::statement::{Gate, Policy, ScopeKey};

    use super::*;

    fn push(chain: &mut Chain, statement: ScopeKeys, signers: &[&SecretKey]) {
        let bytes = envelope::sign(&statement::scope(statement), signers).expect("signed");
        chain.push(&Envelope::parse(&bytes).expect("an envelope")).expect("accepted");
    }

    fn args(revoked: Digest, from_seq: Option<u64>) -> Args {
        Args { scope: "acme".parse().expect("a scope"), revoked, from_seq, owner: KeyArgs::default(), dry_run: false }
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
        let code = |chain: &Chain, key: &SecretKey, from| check(&args(key.keyid(), from), chain).map_err(|f| f.code);
        assert_eq!(code(&chain, &SecretKey::from_seed(&[3; 32]), None), Err(codes::NOT_FOUND));
        assert_eq!(code(&chain, &two, Some(3)), Err(codes::USAGE));
        assert_eq!(code(&chain, &two, Some(2)), Ok(()));
        let latest = chain.latest().cloned().expect("a statement");
        let next = without(&latest, two.keyid(), None, chain.next(), created);
        push(&mut chain, next, &[&one]);
        assert_eq!(chain.keys().keys().collect::<Vec<_>>(), [&one.keyid()]);
        assert!(chain.is_revoked(two.keyid(), 2) && !chain.is_revoked(two.keyid(), 1));
        assert_eq!(code(&chain, &one, None), Err(codes::LAST_OWNER));
    }
}
