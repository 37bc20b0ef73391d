//! A statement in a file, signed by some of those who must: reading it, and who is missing.

use std::{collections::BTreeSet, path::Path};

use serde::Serialize;
use skill_bundle::{chain::Chain, envelope::Envelope, keys::PublicKey};
use skill_schema::{
    Digest, Fault, Limits, Scope, codes,
    statement::{Role, ScopeKeys},
    time::Timestamp,
};

use super::{describe::owner_keys, latest};
use crate::{files, output::Output};

/// A statement about a scope that is not complete yet.
pub(in super::super) struct Request {
    /// With the signatures so far.
    pub envelope: Envelope,
    /// What it says.
    pub wanted: ScopeKeys,
    /// Whose scope it changes.
    pub scope: Scope,
}

/// Signatures that a statement still needs.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Missing {
    /// So many owner keys.
    pub owners: u64,
    /// The owner keys that have not signed, of which so many must, sorted.
    pub of: Vec<Digest>,
    /// Keys that it adds and that have not signed for themselves, sorted.
    pub keys: Vec<Digest>,
}

/// Reads a file.
///
/// # Errors
/// [`codes::IO`], [`codes::ENVELOPE`], [`codes::STATEMENT`].
pub(in super::super) fn read(path: &Path) -> Result<Request, Fault> {
    let place = || path.display().to_string();
    let missing = || Fault::new(codes::IO).at(place()).detail("there is no such file");
    let bytes = files::read(path, Limits::V1.envelope)?.ok_or_else(missing)?;
    let envelope = Envelope::parse(&bytes).map_err(|fault| fault.at(place()))?;
    let wanted = envelope.statement::<ScopeKeys>().map_err(|fault| fault.at(place()))?.predicate;
    let scope = wanted.scope.parse()?;
    Ok(Request { envelope, wanted, scope })
}

/// The keys that a statement adds, sorted.
///
/// # Errors
/// [`codes::KEY_WEAK`], [`codes::STATEMENT`].
pub(in super::super) fn added(chain: &Chain, wanted: &ScopeKeys) -> Result<BTreeSet<Digest>, Fault> {
    let listed = wanted.keys.iter().map(|key| PublicKey::from_text(&key.key).map(|key| key.keyid()));
    listed.filter(|id| !id.as_ref().is_ok_and(|id| chain.keys().contains_key(id))).collect()
}

/// The keys that may still sign for the scope itself: its recovery keys for a recovery, otherwise its owners at that time.
pub(in super::super) fn authorities(chain: &Chain, envelope: &Envelope, created: Timestamp) -> BTreeSet<Digest> {
    let signed: BTreeSet<Digest> = envelope.signers().collect();
    let all: BTreeSet<Digest> = if chain.is_recovery(envelope) {
        chain.recovery_keys().map(|(key, _)| key.keyid()).collect()
    } else {
        chain.owners(created).collect()
    };
    &all - &signed
}

/// Whose signatures a statement still needs to be the scope's next one. Makes every check of the registry that does not depend on them.
///
/// # Errors
/// [`codes::SEQ`] if the chain has moved on; everything for which the chain refuses it but missing signatures.
pub(in super::super) fn missing(chain: &Chain, envelope: &Envelope, wanted: &ScopeKeys) -> Result<Missing, Fault> {
    if (wanted.seq, wanted.prev) != chain.next() {
        let detail = "the statement was made for an earlier state of the scope; make it anew";
        return Err(Fault::new(codes::SEQ).at(chain.scope().as_str()).detail(detail));
    }
    let signed: BTreeSet<Digest> = envelope.signers().collect();
    let added = added(chain, wanted)?;
    let known =
        |id: &Digest| chain.keys().contains_key(id) || added.contains(id) || chain.recovery_delay(*id).is_some();
    if let Some(stranger) = signed.iter().find(|id| !known(id)) {
        return Err(Fault::new(codes::KEY_UNKNOWN).at(stranger.to_string()));
    }
    let keys = added.difference(&signed).copied().collect();
    let threshold = latest(chain)?.policy.threshold;
    let so_far = signed.iter().filter(|id| is_owner(chain, **id, wanted.created)).count() as u64;
    let owners = if chain.is_recovery(envelope) { 0 } else { threshold.saturating_sub(so_far) };
    let of = if owners == 0 { Vec::new() } else { authorities(chain, envelope, wanted.created).into_iter().collect() };
    let missing = Missing { owners, of, keys };
    match chain.clone().push(envelope) {
        Err(fault) if missing.is_some() && is_about_signatures(&fault) => Ok(missing),
        Err(fault) => Err(fault),
        Ok(_) => Ok(missing),
    }
}

fn is_owner(chain: &Chain, id: Digest, at: Timestamp) -> bool {
    chain.keys().get(&id).is_some_and(|key| key.roles.contains(&Role::Owner) && key.valid_from <= at)
}

fn is_about_signatures(fault: &Fault) -> bool {
    [codes::KEY_ROLE, codes::KEY_UNKNOWN, codes::THRESHOLD].contains(&fault.code)
}

impl Missing {
    /// Whether anything is missing.
    pub fn is_some(&self) -> bool {
        self.owners > 0 || !self.keys.is_empty()
    }

    /// Whether it can be sent.
    ///
    /// # Errors
    /// [`codes::THRESHOLD`].
    pub fn check(&self, scope: &Scope) -> Result<(), Fault> {
        if self.is_some() {
            return Err(Fault::new(codes::THRESHOLD).at(scope.as_str()).detail(self.sentence()));
        }
        Ok(())
    }

    /// Who must sign, as a clause.
    fn sentence(&self) -> String {
        let ids = |ids: &[Digest]| ids.iter().map(Digest::to_string).collect::<Vec<_>>().join(", ");
        let mut parts = Vec::new();
        if self.owners > 0 {
            let which = if self.of.len() as u64 == self.owners { "" } else { "of " };
            parts.push(format!("{} must sign: {which}{}", owner_keys(self.owners), ids(&self.of)));
        }
        if !self.keys.is_empty() {
            parts.push(format!("added keys must sign for themselves: {}", ids(&self.keys)));
        }
        parts.join("; ")
    }

    /// Tells a person who must sign, and the next command.
    pub fn say(&self, out: &Output, path: &str) {
        if self.is_some() {
            out.status_warn("Missing", self.sentence());
            out.hint(format!("skill key cosign {path}   run by whoever has such a key"));
        } else {
            out.status("Complete", "all who must have signed");
            out.hint(format!("skill key submit {path}"));
        }
    }
}
