//! A change of a scope on its way: signed with the keys that are here, sent, or written to a file for others to sign.

pub(super) mod describe;
pub(super) mod owners;
pub(super) mod request;

use std::path::PathBuf;

use serde::Serialize;
use skill_bundle::{
    chain::Chain,
    envelope::{self, Envelope},
    keys::SecretKey,
    statement,
};
use skill_schema::{Digest, Fault, Scope, codes, statement::ScopeKeys, time::Timestamp};

use crate::{
    context::Context,
    files::{self, Durable, Mode},
    output::Output,
    statements::{Attempts, Signing},
};
use request::Missing;

/// Where a statement goes.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Delivery {
    /// Write the statement to this file, for others to sign, and send nothing.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Show what would be signed.
    #[arg(long)]
    pub dry_run: bool,
}

impl Delivery {
    /// Whether the registry is to be asked for something.
    pub fn sends(&self) -> bool {
        self.out.is_none() && !self.dry_run
    }
}

/// What became of a change.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    /// The scope.
    pub scope: String,
    /// The statement's number in the scope's chain.
    pub seq: u64,
    /// All that the statement changes, a sentence each.
    pub changes: Vec<String>,
    /// The number of the event in the registry's log, if it was sent.
    pub log: Option<u64>,
    /// The file that it was written to.
    pub out: Option<String>,
    /// Signatures that it still needs. Unknown for a dry run, which signs nothing.
    pub missing: Option<Missing>,
    /// Whether nothing was signed.
    pub dry_run: bool,
}

/// The statement that comes next: as the last one, with what `edit` makes of it.
pub(super) fn draft(
    chain: &Chain,
    now: Timestamp,
    edit: impl FnOnce(&mut ScopeKeys) -> Result<(), Fault>,
) -> Result<ScopeKeys, Fault> {
    let before = latest(chain)?;
    let (seq, prev) = chain.next();
    let mut next = ScopeKeys { created: now, seq, prev, ..before.clone() };
    edit(&mut next)?;
    Ok(next)
}

/// The scope's last statement about itself.
pub(super) fn latest(chain: &Chain) -> Result<&ScopeKeys, Fault> {
    chain.latest().ok_or_else(|| Fault::new(codes::SCOPE_UNKNOWN).at(chain.scope().as_str()))
}

/// Whether a key can be added: it is not listed, and was not revoked.
pub(super) fn check_new(chain: &Chain, name: &str, keyid: Digest) -> Result<(), Fault> {
    let place = || format!("key {name} ({})", keyid.short());
    if chain.is_revoked(keyid, chain.next().0) {
        return Err(Fault::new(codes::KEY_REVOKED).at(place()).detail("a revoked key never comes back"));
    }
    if chain.keys().contains_key(&keyid) {
        let detail = format!("it is enrolled for {} already; a new one is expected", chain.scope());
        return Err(Fault::new(codes::USAGE).at(place()).detail(detail));
    }
    Ok(())
}

/// Makes the next statement with `make`, signs it, and sends it or writes it to a file; makes it again if the chain has moved on. A dry
/// run opens no key.
pub(super) async fn deliver(
    context: &Context,
    scope: &Scope,
    mut signing: Signing,
    delivery: &Delivery,
    signers: impl FnOnce(&Chain) -> Result<Vec<SecretKey>, Fault>,
    make: impl Fn(&Chain, Timestamp) -> Result<ScopeKeys, Fault>,
) -> anyhow::Result<Outcome> {
    let mut next = make(signing.chain(), context.clock.now())?;
    let mut outcome = Outcome {
        scope: scope.to_string(),
        seq: next.seq,
        changes: describe::changes(latest(signing.chain())?, &next),
        log: None,
        out: delivery.out.as_ref().map(|path| path.display().to_string()),
        missing: None,
        dry_run: delivery.dry_run,
    };
    if delivery.dry_run {
        return Ok(outcome);
    }
    let signers = signers(signing.chain())?;
    let signers: Vec<&SecretKey> = signers.iter().collect();
    let mut attempts = Attempts::default();
    loop {
        let bytes = envelope::sign(&statement::scope(next.clone()), &signers)?;
        let missing = request::missing(signing.chain(), &Envelope::parse(&bytes)?, &next)?;
        outcome.seq = next.seq;
        if let Some(path) = &delivery.out {
            files::replace(path, &bytes, Mode::Normal, Durable::Yes)?;
            outcome.missing = Some(missing);
            return Ok(outcome);
        }
        missing.check(scope)?;
        match signing.source.api()?.scope(scope, &bytes).await {
            Ok(response) => {
                (outcome.log, outcome.missing) = (Some(response.log), Some(missing));
                return Ok(outcome);
            }
            Err(refusal) => attempts.after(refusal).await?,
        }
        signing = Signing::again(context, scope, None).await?;
        next = make(signing.chain(), context.clock.now())?;
    }
}

impl Outcome {
    /// Tells a person: what was done if it was sent, otherwise what the statement would change and what comes next.
    pub fn say(&self, out: &Output, verb: &str, done: &str) {
        if self.log.is_some() {
            out.status(verb, done);
            return;
        }
        match &self.out {
            _ if self.dry_run => out.status("Would sign", format!("statement {} of {}", self.seq, self.scope)),
            Some(path) => out.status("Wrote", format!("{path}: statement {} of {}", self.seq, self.scope)),
            None => {}
        }
        for change in &self.changes {
            out.status("Changes", change);
        }
        if let (Some(path), Some(missing)) = (&self.out, &self.missing) {
            missing.say(out, path);
        }
    }
}
