//! Recovery: somebody whose owner keys are lost adds new ones with a recovery key, after a delay in which the owners can object.

use std::collections::BTreeMap;

use skill_schema::{Digest, Fault, codes, statement::ScopeKeys};

use super::{Chain, Key, signers::unknown};
use crate::{envelope::Envelope, keys::PublicKey};

/// Seconds in an hour.
const HOUR: u64 = 3_600;

impl Chain {
    /// Whether a statement of the scope is a recovery: signed by a recovery key that the scope lists now. Says nothing of whether the
    /// statement is good.
    pub fn is_recovery(&self, envelope: &Envelope) -> bool {
        envelope.signers().any(|keyid| self.recovery_delay(keyid).is_some())
    }

    /// The hours that a recovery key of the scope must wait; `None` for any other key.
    pub fn recovery_delay(&self, keyid: Digest) -> Option<u64> {
        self.recovery_keys().find(|(key, _)| key.keyid() == keyid).map(|(_, delay)| delay)
    }

    /// The scope's recovery keys now, each with its delay in hours.
    pub fn recovery_keys(&self) -> impl Iterator<Item = (PublicKey, u64)> {
        let listed = self.latest.iter().flat_map(|scope| &scope.recovery);
        listed.filter_map(|entry| Some((PublicKey::from_text(&entry.key).ok()?, entry.delay_hours)))
    }

    /// A recovery: signed by recovery keys and by every key that it adds, and by nobody else. It only adds keys, and these count once
    /// the delay has passed: until then the owners can take them out again with an ordinary statement.
    pub(super) fn check_recovery(
        &self,
        envelope: &Envelope,
        scope: &ScopeKeys,
        keys: &BTreeMap<Digest, Key>,
        before: &ScopeKeys,
    ) -> Result<(), Fault> {
        let delay = self.check_recoverers(envelope, keys)?;
        let wrong = |detail: &str| Err(Fault::new(codes::STATEMENT).at(scope.scope.as_str()).detail(detail));
        let rest = (&before.policy, &before.recovery, &before.revoked);
        if rest != (&scope.policy, &scope.recovery, &scope.revoked) {
            return wrong("a recovery changes nothing but keys");
        }
        if !before.keys.iter().all(|old| scope.keys.contains(old)) {
            return wrong("a recovery leaves the keys that are listed as they are");
        }
        let mut added = keys.iter().filter(|(keyid, _)| !self.keys.contains_key(*keyid)).peekable();
        if added.peek().is_none() {
            return wrong("a recovery adds at least one key");
        }
        // Not a `Timestamp`, which ends with the year 9999 and would make the delay shorter there.
        let earliest = scope.created.unix().saturating_add(delay.saturating_mul(HOUR));
        if let Some((keyid, key)) = added.find(|(_, key)| key.valid_from.unix() < earliest) {
            let detail = format!("valid from {}, less than {delay} hours after the recovery", key.valid_from);
            return Err(Fault::new(codes::STATEMENT).at(keyid.to_string()).detail(detail));
        }
        self.check_possession(envelope, keys)
    }

    /// Everybody who signed may sign a recovery. Answers the smallest delay of the recovery keys among them, in hours.
    fn check_recoverers(&self, envelope: &Envelope, keys: &BTreeMap<Digest, Key>) -> Result<u64, Fault> {
        let recoverers: BTreeMap<_, _> = self.recovery_keys().map(|found| (found.0.keyid(), found)).collect();
        let mut smallest = u64::MAX;
        for keyid in envelope.signers() {
            if let Some((key, delay)) = recoverers.get(&keyid) {
                envelope.verify(key)?;
                smallest = smallest.min(*delay);
            } else if self.keys.contains_key(&keyid) {
                let detail = "only recovery keys and the keys that it adds sign a recovery";
                return Err(Fault::new(codes::KEY_ROLE).at(keyid.to_string()).detail(detail));
            } else if !keys.contains_key(&keyid) {
                return Err(unknown(keyid));
            }
        }
        Ok(smallest)
    }
}
