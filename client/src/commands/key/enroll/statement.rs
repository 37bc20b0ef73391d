//! The statement that adds a key to a scope, and how one that somebody else wrote is read.

use skill_bundle::{chain::Chain, envelope, keys::PublicKey, keys::SecretKey, statement};
use skill_schema::{
    Digest, Fault, codes,
    statement::{Gate, Policy, Role, ScopeKey, ScopeKeys},
    time::Timestamp,
};

use crate::statements::Signing;

/// A key and what it is to be allowed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The key.
    pub keyid: Digest,
    /// Its roles.
    pub roles: Vec<Role>,
}

/// The statement with which a scope's chain goes on: as it is, with one key added, or with other roles. Returns its number and its
/// envelope.
pub(super) fn add(
    signing: &Signing,
    key: &SecretKey,
    roles: &[Role],
    created: Timestamp,
    signers: &[&SecretKey],
) -> Result<(u64, Vec<u8>), Fault> {
    let next = next(signing.chain(), &signing.source.origin, &key.public(), roles, created);
    let seq = next.seq;
    Ok((seq, envelope::sign(&statement::scope(next), signers)?))
}

fn next(chain: &Chain, origin: &str, key: &PublicKey, roles: &[Role], created: Timestamp) -> ScopeKeys {
    let (seq, prev) = chain.next();
    let policy = Policy { cooldown_hours: 0, gate: Gate::Standard, threshold: 1, verifiers: Vec::new() };
    let mut next = chain.latest().cloned().unwrap_or_else(|| ScopeKeys {
        created,
        keys: Vec::new(),
        origin: origin.to_owned(),
        policy,
        prev,
        recovery: Vec::new(),
        revoked: Vec::new(),
        scope: chain.scope().to_string(),
        seq,
    });
    (next.created, next.seq, next.prev) = (created, seq, prev);
    let text = key.to_text();
    let valid_from = next.keys.iter().find(|old| old.key == text).map_or(created, |old| old.valid_from);
    next.keys.retain(|old| old.key != text);
    next.keys.push(ScopeKey { key: text, roles: roles.to_vec(), valid_from });
    next
}

/// What a request changes. It must continue the chain as it is now and change the roles of exactly one key: whoever agrees to it must be
/// able to see all that they agree to.
///
/// # Errors
/// [`codes::SEQ`] if the chain has moved on since, [`codes::STATEMENT`] if it changes anything else.
pub(super) fn read_request(chain: &Chain, wanted: &ScopeKeys) -> Result<Change, Fault> {
    if (wanted.seq, wanted.prev) != chain.next() {
        return Err(Fault::new(codes::SEQ).at(chain.scope().as_str()).detail("ask for a new request"));
    }
    let other = |detail: &str| Fault::new(codes::STATEMENT).at("the request").detail(detail);
    let now = chain.latest().ok_or_else(|| other("the scope has no key that could agree"))?;
    let same = (&now.origin, &now.policy, &now.recovery, &now.revoked, &now.scope)
        == (&wanted.origin, &wanted.policy, &wanted.recovery, &wanted.revoked, &wanted.scope);
    if !same {
        return Err(other("it changes more than keys"));
    }
    let changed: Vec<&ScopeKey> = wanted.keys.iter().filter(|key| !now.keys.contains(key)).collect();
    let gone = now.keys.iter().any(|old| !wanted.keys.iter().any(|key| key.key == old.key));
    match changed.as_slice() {
        [key] if !gone => Ok(Change { keyid: PublicKey::from_text(&key.key)?.keyid(), roles: key.roles.clone() }),
        _ => Err(other("it does not add or change exactly one key")),
    }
}

#[cfg(test)]
mod tests {
    use skill_bundle::envelope::Envelope;

    use super::*;

    const ALL: &[Role] = &[Role::Owner, Role::Publish, Role::Yank];

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed(&[seed; 32])
    }

    fn time(seconds: u64) -> Timestamp {
        Timestamp::from_unix(1_000_000 + seconds)
    }

    fn push(chain: &mut Chain, statement: ScopeKeys, signers: &[&SecretKey]) {
        let bytes = envelope::sign(&statement::scope(statement), signers).expect("signed");
        chain.push(&Envelope::parse(&bytes).expect("an envelope")).expect("accepted");
    }

    /// A scope whose only key is key 1.
    fn chain() -> Chain {
        let mut chain = Chain::new("acme".parse().expect("a scope"), "skills.example/log");
        let first = next(&chain, "skills.example/log", &key(1).public(), ALL, time(1));
        push(&mut chain, first, &[&key(1)]);
        chain
    }

    #[test]
    fn the_first_key_makes_a_chain_that_holds() {
        let chain = chain();
        assert_eq!(chain.keys().keys().collect::<Vec<_>>(), [&key(1).keyid()]);
    }

    #[test]
    fn a_second_key_is_added_and_the_first_one_stays() {
        let mut chain = chain();
        let second = next(&chain, "", &key(2).public(), &[Role::Publish], time(2));
        let expected = Change { keyid: key(2).keyid(), roles: vec![Role::Publish] };
        assert_eq!(read_request(&chain, &second), Ok(expected));
        push(&mut chain, second, &[&key(1), &key(2)]);
        assert_eq!(chain.keys().len(), 2);
        let change = next(&chain, "", &key(2).public(), ALL, time(3));
        assert_eq!(change.keys.iter().map(|key| key.valid_from).max(), Some(time(2)));
    }

    #[test]
    fn a_request_that_hides_something_is_refused() {
        let chain = chain();
        let fine = next(&chain, "", &key(2).public(), &[Role::Publish], time(2));
        let spoilt = |change: &dyn Fn(&mut ScopeKeys)| {
            let mut request = fine.clone();
            change(&mut request);
            read_request(&chain, &request).map_err(|fault| fault.code)
        };
        assert_eq!(spoilt(&|request| request.seq = 3), Err(codes::SEQ));
        assert_eq!(spoilt(&|request| request.policy.cooldown_hours = 1), Err(codes::STATEMENT));
        assert_eq!(spoilt(&|request| drop(request.keys.remove(0))), Err(codes::STATEMENT));
        assert_eq!(spoilt(&|request| drop(request.keys.pop())), Err(codes::STATEMENT));
        assert_eq!(spoilt(&|request| request.keys[0].roles = vec![Role::Yank]), Err(codes::STATEMENT));
        let third = ScopeKey { key: key(3).public().to_text(), roles: ALL.to_vec(), valid_from: time(2) };
        assert_eq!(spoilt(&|request| request.keys.push(third.clone())), Err(codes::STATEMENT));
    }
}
