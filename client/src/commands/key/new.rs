//! `skill key new`.

use std::path::PathBuf;

use serde::Serialize;
use skill_bundle::keys::SecretKey;
use skill_schema::{Digest, Fault};

use crate::{
    context::Context,
    signing::{self, DEFAULT},
};

/// Make a signing key (Ed25519).
///
/// It lies in the configuration folder as keys/NAME.pem, readable by you alone, encrypted if you give a passphrase. An existing key is
/// never overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key new                            the key `default`; asks for a passphrase
  skill key new ci --no-passphrase         a key for a machine
  skill key new work --passphrase-file F   with the passphrase in the first line of F")]
pub struct Args {
    /// How to call the key.
    #[arg(default_value = DEFAULT)]
    name: String,
    /// Read the passphrase from the first line of this file.
    #[arg(long, value_name = "FILE", conflicts_with = "no_passphrase")]
    passphrase_file: Option<PathBuf>,
    /// Do not encrypt the key.
    #[arg(long)]
    no_passphrase: bool,
    /// Show what would be made.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    name: String,
    path: String,
    keyid: Option<Digest>,
    public: Option<String>,
    encrypted: bool,
    dry_run: bool,
}

/// Makes the key.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    signing::check_free(&context.env, &args.name)?;
    if args.dry_run {
        let path = signing::folder(&context.env).join(format!("{}.pem", args.name)).display().to_string();
        let encrypted = !args.no_passphrase;
        let made = Made { name: args.name.clone(), path, keyid: None, public: None, encrypted, dry_run: true };
        context.output.result_or("skill.key.new/1", &made, |out| out.status("Would make", &made.path));
        return Ok(());
    }
    let passphrase = passphrase(args, context)?;
    let secret = SecretKey::generate()?;
    let stored = signing::store(&context.env, &args.name, &secret, passphrase.as_deref())?;
    let made = Made {
        name: stored.name,
        path: stored.path.display().to_string(),
        keyid: Some(secret.keyid()),
        public: Some(secret.public().to_text()),
        encrypted: stored.encrypted,
        dry_run: false,
    };
    context.output.result_or("skill.key.new/1", &made, |out| {
        out.status("Made", format!("key {} with id {}", made.name, secret.keyid()));
        out.status("Kept", format!("{}{}", made.path, if made.encrypted { ", encrypted" } else { ", not encrypted" }));
        out.hint("skill key enroll SCOPE   to sign releases of a scope with it");
    });
    Ok(())
}

fn passphrase(args: &Args, context: &Context) -> Result<Option<String>, Fault> {
    if args.no_passphrase {
        return Ok(None);
    }
    if let Some(path) = &args.passphrase_file {
        return signing::read_passphrase(path).map(Some);
    }
    let question = "Passphrase, empty for none";
    let typed = context.secret(question, "--passphrase-file or --no-passphrase", true)?;
    Ok((!typed.is_empty()).then_some(typed))
}
