//! What a statement changes, in words: whoever signs it sees all of it.

use skill_bundle::keys::PublicKey;
use skill_schema::{
    Digest,
    codes::escape,
    statement::{Gate, ScopeKeys},
};

use crate::statements::role_names;

/// All that differs between two statements of a scope, a sentence each.
pub(in super::super) fn changes(before: &ScopeKeys, after: &ScopeKeys) -> Vec<String> {
    let mut found = Vec::new();
    keys(before, after, &mut found);
    recovery(before, after, &mut found);
    let revoked = after.revoked.iter().filter(|entry| !before.revoked.contains(entry));
    found.extend(revoked.map(|entry| format!("revokes key {} from statement {} on", entry.keyid, entry.from_seq)));
    policy(before, after, &mut found);
    if found.is_empty() {
        found.push("nothing".to_owned());
    }
    found
}

/// `1 owner key`, `2 owner keys`.
pub(in super::super) fn owner_keys(n: u64) -> String {
    format!("{n} owner key{}", if n == 1 { "" } else { "s" })
}

/// A key's id; its text, escaped, if it is no key.
fn id(text: &str) -> String {
    PublicKey::from_text(text).map_or_else(|_| escape(text), |key| key.keyid().to_string())
}

fn keys(before: &ScopeKeys, after: &ScopeKeys, found: &mut Vec<String>) {
    for key in &after.keys {
        let roles = role_names(&key.roles);
        let from = if key.valid_from > after.created { format!(", from {}", key.valid_from) } else { String::new() };
        match before.keys.iter().find(|old| old.key == key.key) {
            None => found.push(format!("adds key {} ({roles}{from})", id(&key.key))),
            Some(old) if old.roles != key.roles => {
                let old = role_names(&old.roles);
                found.push(format!("key {} gets the roles {roles} instead of {old}", id(&key.key)));
            }
            Some(_) => {}
        }
        if before.keys.iter().any(|old| old.key == key.key && old.valid_from != key.valid_from) {
            found.push(format!("key {} is valid from {}", id(&key.key), key.valid_from));
        }
    }
    for old in before.keys.iter().filter(|old| !after.keys.iter().any(|key| key.key == old.key)) {
        found.push(format!("drops key {} ({})", id(&old.key), role_names(&old.roles)));
    }
}

fn recovery(before: &ScopeKeys, after: &ScopeKeys, found: &mut Vec<String>) {
    for key in &after.recovery {
        match before.recovery.iter().find(|old| old.key == key.key) {
            None => found.push(format!("adds recovery key {} with a delay of {} hours", id(&key.key), key.delay_hours)),
            Some(old) if old.delay_hours != key.delay_hours => found.push(format!(
                "recovery key {} gets a delay of {} hours instead of {}",
                id(&key.key),
                key.delay_hours,
                old.delay_hours
            )),
            Some(_) => {}
        }
    }
    for old in before.recovery.iter().filter(|old| !after.recovery.iter().any(|key| key.key == old.key)) {
        found.push(format!("drops recovery key {}", id(&old.key)));
    }
}

fn policy(before: &ScopeKeys, after: &ScopeKeys, found: &mut Vec<String>) {
    let (old, new) = (&before.policy, &after.policy);
    if old.threshold != new.threshold {
        found.push(format!("{} must sign a change instead of {}", owner_keys(new.threshold), old.threshold));
    }
    if old.cooldown_hours != new.cooldown_hours {
        found.push(format!("a release waits {} hours instead of {}", new.cooldown_hours, old.cooldown_hours));
    }
    if old.gate != new.gate {
        let name = |gate| if gate == Gate::Strict { "strict" } else { "standard" };
        found.push(format!("improved versions pass the {} gate instead of the {}", name(new.gate), name(old.gate)));
    }
    if old.verifiers != new.verifiers {
        let ids: Vec<String> = new.verifiers.iter().map(Digest::to_string).collect();
        found.push(format!("the verifiers are {}", if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }));
    }
}

#[cfg(test)]
mod tests {
    use skill_bundle::keys::SecretKey;
    use skill_schema::{
        statement::{Policy, RecoveryKey, Revoked, Role, ScopeKey},
        time::Timestamp,
    };

    use super::*;

    fn key(seed: u8) -> ScopeKey {
        let key = SecretKey::from_seed(&[seed; 32]).public().to_text();
        ScopeKey { key, roles: vec![Role::Owner], valid_from: Timestamp::from_unix(1) }
    }

    fn statement() -> ScopeKeys {
        ScopeKeys {
            created: Timestamp::from_unix(2),
            keys: vec![key(1), key(2)],
            origin: "skills.example/log".into(),
            policy: Policy { cooldown_hours: 0, gate: Gate::Standard, threshold: 1, verifiers: vec![] },
            prev: Digest::ZERO,
            recovery: vec![RecoveryKey { key: key(8).key, delay_hours: 48 }],
            revoked: vec![],
            scope: "acme".into(),
            seq: 1,
        }
    }

    #[test]
    fn every_member_that_differs_is_named() {
        let before = statement();
        let said = |change: &dyn Fn(&mut ScopeKeys)| {
            let mut after = statement();
            change(&mut after);
            changes(&before, &after).join("; ")
        };
        assert_eq!(said(&|_| ()), "nothing");
        for (text, said) in [
            ("adds key", said(&|s| s.keys.push(key(3)))),
            ("(owner, from 1970-01-01T00:00:09Z)", {
                let late = ScopeKey { valid_from: Timestamp::from_unix(9), ..key(3) };
                said(&|s| s.keys.push(late.clone()))
            }),
            ("drops key", said(&|s| drop(s.keys.pop()))),
            ("gets the roles publish instead of owner", said(&|s| s.keys[0].roles = vec![Role::Publish])),
            ("is valid from 1970-01-01T00:00:00Z", said(&|s| s.keys[0].valid_from = Timestamp::from_unix(0))),
            ("2 owner keys must sign a change instead of 1", said(&|s| s.policy.threshold = 2)),
            ("a release waits 5 hours", said(&|s| s.policy.cooldown_hours = 5)),
            ("the strict gate", said(&|s| s.policy.gate = Gate::Strict)),
            ("the verifiers are 0000", said(&|s| s.policy.verifiers = vec![Digest::ZERO])),
            ("gets a delay of 24 hours instead of 48", said(&|s| s.recovery[0].delay_hours = 24)),
            ("drops recovery key", said(&|s| s.recovery.clear())),
            ("adds recovery key", said(&|s| s.recovery.push(RecoveryKey { key: key(9).key, delay_hours: 72 }))),
            ("from statement 1 on", said(&|s| s.revoked.push(Revoked { from_seq: 1, keyid: Digest::ZERO }))),
        ] {
            assert!(said.contains(text) && !said.contains("; "), "{text}: {said}");
        }
    }
}
