//! `skill login`: keeps an API token for a registry.

use std::io::{IsTerminal, Read};

use serde::Serialize;
use skill_schema::{
    Fault,
    codes::{self, escape},
    time::Timestamp,
};

use crate::{
    api::Api,
    config::{
        Registry,
        credentials::{self, Token},
    },
    context::Context,
    first_contact,
};

/// Bytes of standard input that are looked at: a token has 53.
const MAX_INPUT: u64 = 4096;
/// Seconds before its end at which a token is warned about: a week.
const SOON: u64 = 7 * 24 * 60 * 60;

/// Sign in to a registry with an API token.
///
/// The token is read from standard input, from --token-file, or asked for. It is tried, then kept in credentials.toml, readable by you
/// alone, under the registry's address.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill login                                  asks for the token
  skill login --with-token < token.txt
  skill login --token-file token.txt --registry acme")]
pub struct Args {
    /// Read the token from standard input.
    #[arg(long)]
    with_token: bool,
    /// Try the token, keep nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignedIn {
    registry: String,
    url: String,
    user: String,
    scopes: Vec<String>,
    permissions: Vec<&'static str>,
    pattern: String,
    expires: Timestamp,
    dry_run: bool,
}

/// Runs `skill login`.
///
/// # Errors
/// [`codes::TOKEN_INVALID`] and other refusals of the token, [`codes::REGISTRY_UNTRUSTED`] for a registry without a pinned key,
/// [`codes::NEEDS_INPUT`].
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let registry = context.default_registry()?;
    registry.origin()?; // nobody gets a token before their key is known
    let token = read_token(&args, context, &registry)?;
    if context.global.offline {
        return Err(Fault::new(codes::OFFLINE).at(registry.label()).into());
    }
    let shown = Api::new(context, &registry, None)?.well_known().await?;
    first_contact::check_key(registry.label(), registry.key.as_deref().unwrap_or_default(), &shown)?;
    let who = Api::new(context, &registry, Some(token.clone()))?.whoami().await?;
    if !args.dry_run {
        credentials::store(&context.env, &registry.url, Some(&token))?;
    }
    let signed_in = SignedIn {
        registry: registry.label().to_owned(),
        url: registry.url.clone(),
        user: who.user,
        scopes: who.scopes,
        permissions: who.token.permissions.iter().map(|permission| permission.as_str()).collect(),
        pattern: who.token.pattern,
        expires: who.token.expires,
        dry_run: args.dry_run,
    };
    context.output.result_or("skill.login/1", &signed_in, |out| {
        let verb = if args.dry_run { "Would keep" } else { "Signed in" };
        out.status(verb, format!("as {} at {} ({})", escape(&signed_in.user), signed_in.registry, signed_in.url));
        if signed_in.expires.unix() < context.clock.now().unix() + SOON {
            out.warn(format!("the token expires on {}", signed_in.expires));
        }
        if signed_in.scopes.is_empty() {
            out.hint("skill key enroll SCOPE   to create a scope of your own");
        }
    });
    Ok(())
}

fn read_token(args: &Args, context: &Context, registry: &Registry) -> Result<Token, Fault> {
    if let Some(path) = &context.global.token_file {
        return credentials::from_file(path);
    }
    if args.with_token && !std::io::stdin().is_terminal() {
        let mut text = String::new();
        let read = std::io::stdin().lock().take(MAX_INPUT).read_to_string(&mut text);
        read.map_err(|e| Fault::new(codes::IO).at("standard input").detail(e.to_string()))?;
        if text.trim().is_empty() {
            return Err(Fault::new(codes::TOKEN_INVALID).at("standard input").detail("it is empty"));
        }
        return Token::parse(&text).map_err(|fault| fault.at("standard input"));
    }
    let question = format!("API token for {}", registry.url);
    Token::parse(&context.secret(&question, "--with-token (from standard input) or --token-file", false)?)
}
