//! Who must have signed a statement of a scope's chain.

use std::collections::BTreeMap;

use skill_schema::{
    Digest, Fault, codes,
    statement::{Role, ScopeKeys},
    time::Timestamp,
};

use super::{Chain, Key};
use crate::{envelope::Envelope, keys::PublicKey};

/// The keys that a scope statement lists, by their ids.
pub(super) fn keys_of(scope: &ScopeKeys) -> Result<BTreeMap<Digest, Key>, Fault> {
    let mut keys = BTreeMap::new();
    for key in &scope.keys {
        let public = PublicKey::from_text(&key.key)?;
        keys.insert(public.keyid(), Key { public, roles: key.roles.clone(), valid_from: key.valid_from });
    }
    Ok(keys)
}

pub(super) fn unknown(keyid: Digest) -> Fault {
    Fault::new(codes::KEY_UNKNOWN).at(keyid.to_string())
}

impl Chain {
    /// The signers of a statement that have the role. Every signature must verify and belong to a key of the scope that is valid at the time;
    /// at least one must have the role.
    ///
    /// # Errors
    /// [`codes::KEY_UNKNOWN`], [`codes::KEY_REVOKED`], [`codes::KEY_ROLE`], [`codes::SIGNATURE`].
    pub fn signers_with(&self, envelope: &Envelope, role: Role, created: Timestamp) -> Result<Vec<Digest>, Fault> {
        let mut with_role = Vec::new();
        for keyid in envelope.signers() {
            let seq = self.next().0;
            let Some(key) = self.keys.get(&keyid) else {
                return Err(if self.is_revoked(keyid, seq) {
                    Fault::new(codes::KEY_REVOKED).at(keyid.to_string())
                } else if self.recovery_delay(keyid).is_some() {
                    Fault::new(codes::KEY_ROLE).at(keyid.to_string()).detail("a recovery key signs only recoveries")
                } else {
                    unknown(keyid)
                });
            };
            envelope.verify(&key.public)?;
            if created < key.valid_from {
                let detail = format!("valid only from {}", key.valid_from);
                return Err(Fault::new(codes::KEY_ROLE).at(keyid.to_string()).detail(detail));
            }
            if key.roles.contains(&role) {
                with_role.push(keyid);
            }
        }
        if with_role.is_empty() {
            let detail = format!("{role:?} is needed").to_lowercase();
            return Err(Fault::new(codes::KEY_ROLE).detail(detail));
        }
        Ok(with_role)
    }

    /// The first statement: signed by every key it lists, and by the operator.
    pub(super) fn check_first(
        &self,
        envelope: &Envelope,
        scope: &ScopeKeys,
        keys: &BTreeMap<Digest, Key>,
    ) -> Result<(), Fault> {
        let operators: BTreeMap<_, _> = self.operators.iter().map(|key| (key.keyid(), key)).collect();
        if let Some(keyid) = keys.keys().find(|keyid| operators.contains_key(*keyid)) {
            return Err(Fault::new(codes::STATEMENT).at(keyid.to_string()).detail("keys: one belongs to the operator"));
        }
        let (mut by_operator, mut strangers) = (false, 0);
        for keyid in envelope.signers() {
            if let Some(key) = operators.get(&keyid) {
                envelope.verify(key)?;
                by_operator = true;
            } else if !keys.contains_key(&keyid) {
                strangers += 1;
                if !operators.is_empty() || strangers > 1 {
                    return Err(unknown(keyid));
                }
            }
        }
        if !operators.is_empty() && !by_operator {
            return Err(Fault::new(codes::KEY_UNKNOWN).detail("the operator did not sign the scope's first statement"));
        }
        self.check_possession(envelope, keys)?;
        check_owners(envelope, scope, keys, scope.policy.threshold)
    }

    /// A later statement: signed by as many owners as the scope asked for before, and by every key that it adds; by nobody else.
    pub(super) fn check_change(
        &self,
        envelope: &Envelope,
        scope: &ScopeKeys,
        keys: &BTreeMap<Digest, Key>,
        before: &ScopeKeys,
    ) -> Result<(), Fault> {
        for keyid in envelope.signers() {
            let key = self.keys.get(&keyid).or_else(|| keys.get(&keyid)).ok_or_else(|| unknown(keyid))?;
            envelope.verify(&key.public)?;
        }
        check_owners(envelope, scope, &self.keys, before.policy.threshold)?;
        self.check_possession(envelope, keys)
    }

    /// Every key that was not listed before signs for itself: nobody can enrol a key that is not theirs.
    pub(super) fn check_possession(&self, envelope: &Envelope, keys: &BTreeMap<Digest, Key>) -> Result<(), Fault> {
        for (_, key) in keys.iter().filter(|(keyid, _)| !self.keys.contains_key(*keyid)) {
            envelope.verify(&key.public).map_err(|fault| fault.detail("a new key must sign for itself"))?;
        }
        Ok(())
    }

    /// A revocation starts at this statement or before it, and is never taken back or moved later.
    pub(super) fn check_revocations(&self, scope: &ScopeKeys) -> Result<(), Fault> {
        let wrong =
            |keyid: Digest, detail: &str| Err(Fault::new(codes::STATEMENT).at(keyid.to_string()).detail(detail));
        let now: BTreeMap<_, _> = scope.revoked.iter().map(|entry| (entry.keyid, entry.from_seq)).collect();
        if let Some(entry) = scope.revoked.iter().find(|entry| !(1..=scope.seq).contains(&entry.from_seq)) {
            return wrong(entry.keyid, "revoked: fromSeq is not from 1 to this statement's number");
        }
        let before = self.latest.iter().flat_map(|scope| &scope.revoked);
        for entry in before {
            if now.get(&entry.keyid).is_none_or(|from| *from > entry.from_seq) {
                return wrong(entry.keyid, "revoked: a revocation was taken back");
            }
        }
        Ok(())
    }
}

/// Whether enough owners signed.
fn check_owners(
    envelope: &Envelope,
    scope: &ScopeKeys,
    keys: &BTreeMap<Digest, Key>,
    threshold: u64,
) -> Result<(), Fault> {
    let mut owners = 0;
    for keyid in envelope.signers() {
        let Some(key) = keys.get(&keyid) else { continue };
        if key.roles.contains(&Role::Owner) && key.valid_from <= scope.created {
            envelope.verify(&key.public)?;
            owners += 1;
        }
    }
    if owners >= threshold {
        return Ok(());
    }
    let code = if owners == 0 { codes::KEY_ROLE } else { codes::THRESHOLD };
    let detail = format!("signed by {owners} owner keys of at least {threshold}");
    Err(Fault::new(code).at(scope.scope.as_str()).detail(detail))
}
