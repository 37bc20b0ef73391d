//! `skill key trust`.

use serde::Serialize;
use skill_bundle::keys::PublicKey;
use skill_schema::{Digest, Fault, Scope, codes};

use crate::{context::Context, pins};

/// Trust a scope only with a key that you know.
///
/// From then on every command refuses the scope unless one of the keys that you named stands in its chain of statements. The file is
/// trusted-keys.toml in the configuration folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key trust acme 9a4a…          the key's id, from the owner's page or by telephone
  skill key trust acme ed25519:iojj…  the key itself, as skill key export prints it
  skill key trust acme 9a4a… --undo")]
pub struct Args {
    /// The scope.
    scope: Scope,
    /// The id (64 hex digits) or the public text of a key.
    #[arg(value_name = "KEY", value_parser = read_key)]
    key: Digest,
    /// Do not trust it any more.
    #[arg(long)]
    undo: bool,
    /// Show what would change.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result {
    scope: String,
    keyid: Digest,
    trusted: bool,
    changed: bool,
    dry_run: bool,
}

/// Pins a key or takes that back.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let known = pins::of(&context.env, &args.scope)?.contains(&args.key);
    let changed = known == args.undo;
    if changed && !args.dry_run {
        pins::set(&context.env, &args.scope, args.key, !args.undo)?;
    }
    let result =
        Result { scope: args.scope.to_string(), keyid: args.key, trusted: !args.undo, changed, dry_run: args.dry_run };
    let key = format!("key {}", args.key);
    context.output.result_or("skill.key.trust/1", &result, |out| {
        let (verb, message) = match (changed, args.dry_run, args.undo) {
            (false, _, false) => ("Trusted", format!("already: {} only with {key}", args.scope)),
            (false, _, true) => ("Nothing", format!("to undo: {key} is not pinned for {}", args.scope)),
            (true, true, false) => ("Would trust", format!("{} only with {key}", args.scope)),
            (true, true, true) => ("Would undo", format!("trust in {key} for {}", args.scope)),
            (true, false, false) => ("Trusted", format!("{} only with {key}", args.scope)),
            (true, false, true) => ("Removed", format!("trust in {key} for {}", args.scope)),
        };
        out.status(verb, message);
    });
    Ok(())
}

/// Reads a key's id, or computes it from the key's public text.
pub(super) fn read_key(text: &str) -> std::result::Result<Digest, Fault> {
    if text.starts_with("ed25519:") {
        return PublicKey::from_text(text).map(|key| key.keyid());
    }
    let detail = "a key id is 64 hex digits; a key is ed25519: and its base64";
    text.parse().map_err(|_| Fault::new(codes::USAGE).at(text).detail(detail))
}

#[cfg(test)]
mod tests {
    use skill_bundle::keys::SecretKey;

    use super::*;

    #[test]
    fn a_key_and_its_id_name_the_same() {
        let key = SecretKey::from_seed(&[1; 32]).public();
        assert_eq!(read_key(&key.to_text()), Ok(key.keyid()));
        assert_eq!(read_key(&key.keyid().to_string()), Ok(key.keyid()));
        for bad in ["", "12", "ed25519:AAAA", &key.keyid().to_string().to_uppercase()] {
            assert!(read_key(bad).is_err(), "{bad}");
        }
    }
}
