//! `skill registry add`.

use serde::Serialize;
use skill_bundle::note::{Algorithm, VerifierKey};
use skill_schema::{Fault, Scope, api::well_known, codes, name};

use super::check_ours;
use crate::{
    api::Api,
    config::{Registry, Value, edit::Edit, normal_url},
    context::Context,
    first_contact,
};

/// Characters of a registry's name.
const MAX_NAME: usize = 64;

/// Add a registry and pin its key.
///
/// The key comes from the registry's operator, by a way that you trust. With --trust-on-first-use the one that the registry shows now is
/// taken; from then on another key is refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill registry add main https://skills.example --key skills.example/log+240433c1+AYE5… --default
  skill registry add acme https://skills.acme.example --trust-on-first-use --scope acme
  skill registry add main https://skills.example --key VKEY --witness VKEY --witness VKEY --quorum 1")]
pub struct Args {
    /// How to call it.
    name: String,
    /// Its address.
    url: String,
    /// The verifier key of its log, from its operator.
    #[arg(long, value_name = "VKEY", conflicts_with = "trust_on_first_use")]
    key: Option<String>,
    /// Take the key that the registry shows.
    #[arg(long)]
    trust_on_first_use: bool,
    /// A witness whose signature counts, by its verifier key; can be repeated.
    #[arg(long, value_name = "VKEY")]
    witness: Vec<String>,
    /// How many of the witnesses must have signed what the registry shows.
    #[arg(long, value_name = "N", requires = "witness", default_value_t = 0)]
    quorum: u64,
    /// Let it answer for all scopes that no other registry answers for.
    #[arg(long)]
    default: bool,
    /// Let it answer for this scope; can be repeated.
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    scope: Vec<Scope>,
    /// Show what would be written.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Added {
    name: String,
    url: String,
    key: String,
    /// `given`, or `first-use`.
    trust: &'static str,
    witnesses: Vec<String>,
    quorum: u64,
    scopes: Vec<String>,
    changed: bool,
    dry_run: bool,
}

/// Adds the registry to the user's configuration.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    if !name::follows_rule(&args.name, MAX_NAME) {
        let rule = "a registry is named with lower-case letters, digits and single inner hyphens";
        return Err(Fault::new(codes::USAGE).at(&args.name).detail(rule).into());
    }
    let url = normal_url(&args.url).map_err(|fault| Fault { code: codes::USAGE, ..fault })?;
    warn_plain_http(context, &url);
    check_witnesses(&args)?;
    let key = decide_key(&args, context, &url).await?;
    check_free(&args, context, &url, &key)?;
    let mut scopes: Vec<String> = args.scope.iter().map(ToString::to_string).collect();
    scopes.extend(args.default.then(|| "*".to_owned()));
    let path = context.env.user_config();
    let mut edit = Edit::open(&path)?;
    edit.set(&format!("registries.{}.url", args.name), &Value::Text(url.clone()))?;
    edit.set(&format!("registries.{}.key", args.name), &Value::Text(key.clone()))?;
    if !args.witness.is_empty() {
        edit.set(&format!("registries.{}.witnesses", args.name), &Value::List(args.witness.clone()))?;
        edit.set(&format!("registries.{}.quorum", args.name), &Value::Number(args.quorum))?;
    }
    super::change::map(context, &mut edit, &args.name, &scopes)?;
    let added = Added {
        name: args.name,
        url,
        key,
        trust: if args.key.is_some() { "given" } else { "first-use" },
        witnesses: args.witness,
        quorum: args.quorum,
        scopes,
        changed: edit.changed(),
        dry_run: args.dry_run,
    };
    if !args.dry_run {
        edit.save()?;
    }
    context.output.result_or("skill.registry.add/1", &added, |out| {
        let what = format!("{} {}", added.name, added.url);
        out.status(if added.dry_run { "Would add" } else { "Added" }, what);
        out.status(if added.dry_run { "Would pin" } else { "Pinned" }, &added.key);
        super::change::say_mapped(out, &added.name, &added.scopes, added.dry_run);
        if added.scopes.is_empty() && !added.dry_run {
            out.hint(format!("skill registry use {}   to make it the default", added.name));
        }
    });
    Ok(())
}

/// Witnesses are named by their keys, and there are as many as must sign.
fn check_witnesses(args: &Args) -> Result<(), Fault> {
    for text in &args.witness {
        let key: VerifierKey = text.parse()?;
        if key.algorithm() != Algorithm::Cosignature {
            return Err(Fault::new(codes::VKEY).at(text).detail("not the key of a witness"));
        }
    }
    if args.quorum > args.witness.len() as u64 {
        let detail = format!("{} of {} witnesses", args.quorum, args.witness.len());
        return Err(Fault::new(codes::USAGE).at("--quorum").detail(detail));
    }
    Ok(())
}

/// The key to pin: the given one, which the registry must show; or the one that it shows, if that was agreed to.
async fn decide_key(args: &Args, context: &Context, url: &str) -> anyhow::Result<String> {
    if let Some(text) = &args.key {
        let key: VerifierKey = text.parse()?;
        if !context.global.offline {
            let answer = ask(context, url).await?;
            first_contact::check_key(url, text, &answer)?;
        }
        return Ok(key.to_string());
    }
    let answer = ask(context, url).await?;
    let key = first_contact::shown_key(&answer)?.to_string();
    if args.trust_on_first_use {
        return Ok(key);
    }
    let fault = Fault::new(codes::REGISTRY_UNTRUSTED).at(url).detail(format!("it shows {key}"));
    if !context.interactive() || !context.confirm(&format!("{url} shows the key {key}. Trust it?"))? {
        return Err(fault.into());
    }
    Ok(key)
}

async fn ask(context: &Context, url: &str) -> anyhow::Result<well_known::Response> {
    let registry = Registry::unknown(url.to_owned());
    if context.global.offline {
        return Err(Fault::new(codes::OFFLINE).at(url).into());
    }
    // Nobody gets a token before their key is known.
    let answer = Api::new(context, &registry, None)?.well_known().await?;
    first_contact::check_client(&answer)?;
    Ok(answer)
}

/// A name is not given to another registry; the same one may be added again.
fn check_free(args: &Args, context: &Context, url: &str, key: &str) -> Result<(), Fault> {
    let Ok(known) = context.config.registry(&args.name) else { return Ok(()) };
    check_ours(context, &format!("registries.{}.url", args.name))?;
    if known.url == url && known.key.as_deref().is_none_or(|pinned| pinned == key) {
        return Ok(());
    }
    let detail = format!("it is {} with another address or key; skill registry remove {} first", known.url, args.name);
    Err(Fault::new(codes::EXISTS).at(&args.name).detail(detail))
}

fn warn_plain_http(context: &Context, url: &str) {
    let Ok(url) = url::Url::parse(url) else { return };
    let local = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() == "http" && !local {
        context.output.warn("plain http: whoever is in between can read your token");
    }
}
