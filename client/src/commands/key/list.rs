//! `skill key ls` and `skill key export`.

mod scope;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Serialize;
use skill_bundle::keys::PublicKey;
use skill_schema::{Digest, Fault, Scope, codes};

use crate::{
    context::Context,
    pins,
    signing::{self, DEFAULT, KeyArgs, Stored},
};

/// Show your signing keys and the keys that you trust for scopes, or the keys of a scope.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key ls
  skill key ls acme          who may sign for acme, its threshold, and its recovery keys
  skill key ls --json")]
pub struct Args {
    /// Show the keys of this scope rather than yours.
    scope: Option<Scope>,
}

/// Print the public half of a key.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key export                    one line: ed25519: and the base64 of the key
  skill key export work --pem         for openssl
  skill key export --json             both, and the key's id")]
pub struct ExportArgs {
    /// The key.
    #[arg(default_value = DEFAULT)]
    name: String,
    /// Print PEM (SubjectPublicKeyInfo).
    #[arg(long)]
    pem: bool,
    /// Read the key's passphrase from the first line of this file; needed only if NAME.pub is missing.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<std::path::PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    items: Vec<Item>,
    trusted: Vec<Trusted>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    name: String,
    path: String,
    keyid: Option<Digest>,
    public: Option<String>,
    encrypted: bool,
    problem: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trusted {
    scope: String,
    keyids: Vec<Digest>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    name: String,
    keyid: Digest,
    public: String,
    pem: String,
}

impl From<Stored> for Item {
    fn from(key: Stored) -> Self {
        Self {
            path: key.path.display().to_string(),
            keyid: key.keyid(),
            public: key.public.map(|public| public.to_text()),
            encrypted: key.encrypted,
            problem: key.problem.map(|fault| fault.sentence()),
            name: key.name,
        }
    }
}

/// Lists keys and pins, or a scope's keys.
pub(super) async fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    if let Some(scope) = &args.scope {
        return scope::run(scope, context).await;
    }
    let items: Vec<Item> = signing::list(&context.env)?.into_iter().map(Item::from).collect();
    let trusted = pins::all(&context.env)?.into_iter().map(|(scope, keyids)| Trusted { scope, keyids }).collect();
    let list = List { items, trusted };
    context.output.result_or("skill.key.ls/1", &list, |out| {
        let rows = list.items.iter().map(|key| {
            let id = key.keyid.map_or_else(|| "-".to_owned(), |id| id.to_string());
            let note = if key.encrypted { "encrypted" } else { "not encrypted" };
            vec![key.name.clone(), id, key.problem.clone().unwrap_or_else(|| note.to_owned())]
        });
        let trusted = list.trusted.iter().flat_map(|pin| {
            pin.keyids.iter().map(|id| vec!["-".to_owned(), id.to_string(), format!("trusted for {}", pin.scope)])
        });
        let rows: Vec<Vec<String>> = rows.chain(trusted).collect();
        if rows.is_empty() {
            out.hint("skill key new   makes your first key");
        } else {
            out.table(&["name", "key id", "state"], &rows);
        }
    });
    Ok(())
}

/// Prints a public key.
pub(super) fn export(args: &ExportArgs, context: &Context) -> anyhow::Result<()> {
    let stored = signing::find(&context.env, &args.name)?;
    let public = stored.public_key(context, &KeyArgs { key: None, passphrase_file: args.passphrase_file.clone() })?;
    let export = Export { name: stored.name, keyid: public.keyid(), public: public.to_text(), pem: pem(&public)? };
    context.output.result_or("skill.key.export/1", &export, |out| {
        out.data(if args.pem { export.pem.trim_end() } else { &export.public });
    });
    Ok(())
}

/// SubjectPublicKeyInfo as PEM (RFC 7468): 44 bytes, one line.
fn pem(public: &PublicKey) -> Result<String, Fault> {
    let der = public.to_der();
    if der.is_empty() {
        return Err(Fault::new(codes::KEY_WEAK));
    }
    Ok(format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", BASE64_STANDARD.encode(der)))
}

#[cfg(test)]
mod tests {
    use skill_bundle::keys::SecretKey;

    use super::*;

    #[test]
    fn the_public_pem_is_what_openssl_writes() {
        // openssl pkey -pubout of the key whose seed is 32 times 1.
        let public = SecretKey::from_seed(&[1; 32]).public();
        let expected = "-----BEGIN PUBLIC KEY-----\n\
            MCowBQYDK2VwAyEAiojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=\n-----END PUBLIC KEY-----\n";
        assert_eq!(pem(&public).expect("a key"), expected);
    }
}
