//! `skill key enroll`.

mod statement;

use std::path::{Path, PathBuf};

use serde::Serialize;
use skill_bundle::{envelope::Envelope, keys::SecretKey};
use skill_schema::{
    Digest, Fault, Limits, Scope, codes,
    statement::{Role, ScopeKeys},
};

use super::change::{
    Delivery,
    owners::{ByFlags, Owners},
};
use crate::{
    context::Context,
    files::{self, Durable, Mode},
    signing::{self, KeyArgs},
    statements::{self, Attempts, Signing},
};

/// Let a key sign for a scope. The first key creates the scope.
///
/// A further key needs the signatures of the key itself and of a present owner key. If both are here, one command does it. If not, whoever
/// has the new key writes a request, and an owner adds their signature and sends it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill key enroll acme                                    your key; creates the scope if need be
  skill key enroll acme --key ci --role publish            a key that can only publish
  skill key enroll acme --key bob --request bob.json       bob asks; sends nothing
  skill key enroll acme --cosign bob.json                  an owner agrees, and sends it")]
pub struct Args {
    /// The scope.
    scope: Scope,
    /// The key to enrol; otherwise `default`, the one called as the scope, or the only one.
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// Read the new key's passphrase from the first line of this file.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// What the key may sign; can be repeated. Everything, if not given.
    #[arg(long, value_delimiter = ',', value_name = "ROLE", value_parser = read_role)]
    role: Vec<Role>,
    #[command(flatten)]
    owners: ByFlags,
    /// Write the request to this file, signed by the new key alone, and send nothing.
    #[arg(long, visible_alias = "out", value_name = "FILE", conflicts_with = "cosign")]
    request: Option<PathBuf>,
    /// Sign the request in this file as a present owner, and send it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "role", "passphrase_file"])]
    cosign: Option<PathBuf>,
    /// Show what would be signed.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Enrolled {
    scope: String,
    keyid: Digest,
    key: Option<String>,
    roles: Vec<Role>,
    seq: u64,
    log: Option<u64>,
    changed: bool,
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
}

/// Enrols a key.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    if let Some(path) = &args.cosign {
        return cosign(&args, path, context).await;
    }
    let own = KeyArgs { key: args.key.clone(), passphrase_file: args.passphrase_file.clone() };
    let stored = signing::choose(&context.env, &own, &args.scope)?;
    let signing = Signing::start(context, &args.scope, None).await?;
    let known = stored.keyid().and_then(|id| Some((id, signing.chain().keys().get(&id)?)));
    let mut enrolled = Enrolled {
        scope: args.scope.to_string(),
        keyid: Digest::ZERO,
        key: Some(stored.name.clone()),
        roles: roles(&args.role),
        seq: signing.chain().next().0,
        log: None,
        changed: true,
        dry_run: args.dry_run,
        request: args.request.as_ref().map(|path| path.display().to_string()),
    };
    match known {
        Some((id, key)) if key.roles == enrolled.roles || args.role.is_empty() => {
            let seq = enrolled.seq - 1;
            enrolled = Enrolled { keyid: id, roles: key.roles.clone(), seq, changed: false, ..enrolled };
        }
        _ => {
            if !args.dry_run && args.request.is_none() {
                statements::check_signed_in(context, &signing.source.registry)?;
            }
            let secret = stored.open(context, &own)?;
            enrolled.keyid = secret.keyid();
            if signing.chain().is_revoked(enrolled.keyid, enrolled.seq) {
                let fault = Fault::new(codes::KEY_REVOKED).at(stored.name);
                return Err(fault.detail("a revoked key never comes back").into());
            }
            if let Some(path) = &args.request {
                request(&args, path, context, &signing, &secret, &enrolled.roles)?;
            } else {
                (enrolled.seq, enrolled.log) = send(&args, context, signing, &secret, &enrolled.roles).await?;
            }
        }
    }
    say(context, &enrolled);
    Ok(())
}

/// Writes a request, signed by the new key alone.
fn request(
    args: &Args,
    path: &Path,
    context: &Context,
    signing: &Signing,
    secret: &SecretKey,
    roles: &[Role],
) -> Result<(), Fault> {
    let (_, envelope) = statement::add(signing, secret, roles, context.clock.now(), &[secret])?;
    if args.dry_run { Ok(()) } else { files::replace(path, &envelope, Mode::Normal, Durable::Yes) }
}

/// Signs with the new key and, but for the first one, with a present owner key, and sends it; again if the chain has moved on.
async fn send(
    args: &Args,
    context: &Context,
    mut signing: Signing,
    secret: &SecretKey,
    roles: &[Role],
) -> anyhow::Result<(u64, Option<u64>)> {
    let mut signers = vec![secret.clone()];
    if signing.chain().head().is_some() {
        signers.extend(owner_keys(args, context, &signing, secret).await?);
    }
    let signers: Vec<&SecretKey> = signers.iter().collect();
    let mut attempts = Attempts::default();
    loop {
        let (seq, envelope) = statement::add(&signing, secret, roles, context.clock.now(), &signers)?;
        if args.dry_run {
            return Ok((seq, None));
        }
        match signing.source.api()?.scope(&args.scope, &envelope).await {
            Ok(response) => return Ok((seq, Some(response.log))),
            Err(refusal) => attempts.after(refusal).await?,
        }
        signing = Signing::again(context, &args.scope, None).await?;
    }
}

/// The present owner keys that agree, opened. The new key itself is one of them, if its roles change and it is an owner.
async fn owner_keys(
    args: &Args,
    context: &Context,
    signing: &Signing,
    new: &SecretKey,
) -> anyhow::Result<Vec<SecretKey>> {
    let owners = Owners::from(&args.owners).first(Some(new.keyid()));
    let delivery = Delivery { out: None, dry_run: args.dry_run };
    match owners.choose(context, signing, &delivery).await {
        Ok(chosen) => Ok(owners.open(context, &chosen, signing.chain())?),
        Err(error) if error.downcast_ref::<Fault>().is_some_and(|fault| fault.code == codes::NOT_OWNER) => {
            Err(Fault::new(codes::SCOPE_TAKEN).at(args.scope.as_str()).into())
        }
        Err(error) => Err(error),
    }
}

/// Adds an owner's signature to a request, and sends it once there are enough.
async fn cosign(args: &Args, path: &Path, context: &Context) -> anyhow::Result<()> {
    let missing = || Fault::new(codes::IO).at(path.display().to_string()).detail("there is no such file");
    let bytes = files::read(path, Limits::V1.envelope)?.ok_or_else(missing)?;
    let mut envelope = Envelope::parse(&bytes).map_err(|fault| fault.at(path.display().to_string()))?;
    let wanted = envelope.statement::<ScopeKeys>().map_err(|fault| fault.at(path.display().to_string()))?.predicate;
    let signing = Signing::start(context, &args.scope, None).await?;
    let change = statement::read_request(signing.chain(), &wanted)?;
    if !args.dry_run {
        statements::check_signed_in(context, &signing.source.registry)?;
    }
    let by = KeyArgs { key: args.owners.by.first().cloned(), passphrase_file: args.owners.by_passphrase_file.clone() };
    let stored = statements::choose(context, &by, &signing, Role::Owner).await?;
    let roles = statements::role_names(&change.roles);
    if !args.dry_run {
        let question = format!("Let the key {} sign for {} ({roles})?", change.keyid, args.scope);
        if !context.confirm(&question)? {
            return Err(context.cancelled());
        }
    }
    envelope.cosign(&statements::open(context, &by, &stored, signing.chain(), Role::Owner)?)?;
    // The same check that the registry makes, before anything is sent; with a threshold it may still lack signatures.
    let log = match signing.chain().clone().push(&envelope) {
        Err(fault) if fault.code == codes::THRESHOLD => {
            files::replace(path, envelope.bytes(), Mode::Normal, Durable::Yes)?;
            return Err(fault.detail("your signature was added to the file; pass it to the next owner").into());
        }
        Err(fault) => return Err(fault.into()),
        Ok(_) if args.dry_run => None,
        Ok(_) => Some(signing.source.api()?.scope(&args.scope, envelope.bytes()).await?.log),
    };
    let enrolled = Enrolled {
        scope: args.scope.to_string(),
        keyid: change.keyid,
        key: None,
        roles: change.roles,
        seq: wanted.seq,
        log,
        changed: true,
        dry_run: args.dry_run,
        request: None,
    };
    say(context, &enrolled);
    Ok(())
}

fn say(context: &Context, enrolled: &Enrolled) {
    context.output.result_or("skill.key.enroll/1", enrolled, |out| {
        let roles = statements::role_names(&enrolled.roles);
        let name = enrolled.key.as_ref().map(|name| format!("{name} ")).unwrap_or_default();
        let what = format!("key {name}({}) for {}: {roles}", enrolled.keyid.short(), enrolled.scope);
        match (enrolled.changed, enrolled.dry_run, &enrolled.request) {
            (false, _, _) => out.status("Enrolled", format!("already: {what}")),
            (true, true, _) => out.status("Would enrol", format!("{what} (statement {} of the scope)", enrolled.seq)),
            (true, false, Some(path)) => {
                out.status("Requested", format!("{what}, in {path}"));
                out.hint(format!("an owner runs skill key enroll {} --cosign {path}", enrolled.scope));
            }
            (true, false, None) => {
                out.status("Enrolled", what);
                out.hint("skill publish PATH");
            }
        }
    });
}

/// The wanted roles, sorted, each once; all of them if none is named.
fn roles(wanted: &[Role]) -> Vec<Role> {
    let mut roles = if wanted.is_empty() { vec![Role::Owner, Role::Publish, Role::Yank] } else { wanted.to_vec() };
    roles.sort();
    roles.dedup();
    roles
}

fn read_role(text: &str) -> Result<Role, String> {
    match text {
        "owner" => Ok(Role::Owner),
        "publish" => Ok(Role::Publish),
        "yank" => Ok(Role::Yank),
        _ => Err("owner, publish or yank".to_owned()),
    }
}
