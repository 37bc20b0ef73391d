//! What a recovery key can do, and all that it cannot.

use skill_schema::statement::{MAX_RECOVERY_DELAY, MIN_RECOVERY_DELAY, RecoveryKey};

use super::*;

/// Seconds in an hour.
const HOUR: u64 = 3_600;

fn recovery_key(key: &SecretKey, delay_hours: u64) -> RecoveryKey {
    RecoveryKey { key: key.public().to_text(), delay_hours }
}

/// Statement 2 of a scope whose owner is key 1, with the recovery keys 8 (48 hours) and 9 (72 hours).
fn world() -> World {
    let mut world = World::new();
    let mut change = world.scope(&[listed(&key(1), ALL)]);
    change.recovery = vec![recovery_key(&key(8), 48), recovery_key(&key(9), 72)];
    world.push(&change, &[&key(1)]).unwrap();
    world
}

/// The next statement: as it is, at time 10, with one more key that is valid so many seconds later.
fn recovery(world: &World, new: &SecretKey, after: u64) -> ScopeKeys {
    let (seq, prev) = world.chain.next();
    let mut next = ScopeKeys { created: time(10), seq, prev, ..world.chain.latest().unwrap().clone() };
    next.keys.push(ScopeKey { valid_from: time(10 + after), ..listed(new, ALL) });
    next
}

/// The same chain, whose last statement gives these keys and is made later by an owner.
fn by_owners(world: &World, keys: &[ScopeKey], seconds: u64) -> ScopeKeys {
    let (seq, prev) = world.chain.next();
    let created = time(seconds);
    ScopeKeys { created, keys: keys.to_vec(), seq, prev, ..world.chain.latest().unwrap().clone() }
}

#[test]
fn a_recovered_key_counts_once_the_delay_has_passed() {
    let mut world = world();
    let change = recovery(&world, &key(2), 72 * HOUR);
    assert_eq!(world.push(&change, &[&key(9), &key(2)]), Ok(Kind::Scope));
    assert_eq!(world.chain.owners(time(9 + 72 * HOUR)).count(), 1);
    let alone = [world.chain.latest().unwrap().keys[1].clone()];
    let early = by_owners(&world, &alone, 9 + 72 * HOUR);
    assert_eq!(world.push(&early, &[&key(2)]), Err(codes::KEY_ROLE));
    let mut release = world.release("1.0.0");
    release.created = time(9 + 72 * HOUR);
    assert_eq!(world.publish(release.clone(), &[&key(2)]), Err(codes::KEY_ROLE));
    let late = by_owners(&world, &alone, 10 + 72 * HOUR);
    assert_eq!(world.push(&late, &[&key(2)]), Ok(Kind::Scope), "the scope is taken over");
    assert_eq!(world.publish(release, &[&key(1)]), Err(codes::CHAIN));
    assert_eq!(world.chain.owners(time(10 + 72 * HOUR)).collect::<Vec<_>>(), [key(2).keyid()]);
}

#[test]
fn the_delay_is_the_smallest_of_the_recovery_keys_that_signed() {
    let mut world = world();
    let early = |hours: u64| hours * HOUR - 1;
    let refused = recovery(&world, &key(2), early(72));
    assert_eq!(world.push(&refused, &[&key(9), &key(2)]), Err(codes::STATEMENT));
    let refused = recovery(&world, &key(2), early(48));
    assert_eq!(world.push(&refused, &[&key(8), &key(9), &key(2)]), Err(codes::STATEMENT));
    let accepted = recovery(&world, &key(2), 48 * HOUR);
    assert_eq!(world.push(&accepted, &[&key(9), &key(2)]), Err(codes::STATEMENT));
    assert_eq!(world.push(&accepted, &[&key(8), &key(9), &key(2)]), Ok(Kind::Scope));
}

#[test]
fn a_delay_is_not_cut_short_by_the_end_of_time() {
    let mut world = world();
    let mut change = recovery(&world, &key(2), 0);
    let end = Timestamp::from_unix(u64::MAX);
    (change.created, change.keys[1].valid_from) = (end, end);
    assert_eq!(world.push(&change, &[&key(8), &key(2)]), Err(codes::STATEMENT));
}

#[test]
fn the_owners_can_object_until_then() {
    let mut world = world();
    let change = recovery(&world, &key(2), 72 * HOUR);
    world.push(&change, &[&key(9), &key(2)]).unwrap();
    let mut objection = by_owners(&world, &[listed(&key(1), ALL)], 71 * HOUR);
    objection.recovery.pop();
    objection.revoked = vec![Revoked { from_seq: objection.seq, keyid: key(2).keyid() }];
    assert_eq!(world.push(&objection, &[&key(1)]), Ok(Kind::Scope));
    let again = recovery(&world, &key(3), 72 * HOUR);
    assert_eq!(world.push(&again, &[&key(9), &key(3)]), Err(codes::KEY_UNKNOWN), "it is no recovery key any more");
    let again = recovery(&world, &key(2), 72 * HOUR);
    assert_eq!(world.push(&again, &[&key(8), &key(2)]), Err(codes::STATEMENT), "a revoked key never comes back");
}

#[test]
fn a_recovery_only_adds_keys() {
    let mut world = world();
    let good = recovery(&world, &key(2), 72 * HOUR);
    let spoil = |change: &dyn Fn(&mut ScopeKeys)| {
        let mut spoilt = good.clone();
        change(&mut spoilt);
        spoilt
    };
    for spoilt in [
        spoil(&|s| drop(s.keys.remove(0))),
        spoil(&|s| s.keys[0].roles = vec![Role::Publish]),
        spoil(&|s| s.keys[0].valid_from = time(1)),
        spoil(&|s| s.policy.threshold = 2),
        spoil(&|s| s.policy.cooldown_hours = 1),
        spoil(&|s| s.recovery.truncate(1)),
        spoil(&|s| s.recovery[1].delay_hours = 24),
        spoil(&|s| s.revoked = vec![Revoked { from_seq: 1, keyid: key(7).keyid() }]),
    ] {
        assert_eq!(world.push(&spoilt, &[&key(9), &key(2)]), Err(codes::STATEMENT), "{spoilt:?}");
    }
    let nothing = spoil(&|s| drop(s.keys.pop()));
    assert_eq!(world.push(&nothing, &[&key(9)]), Err(codes::STATEMENT), "it adds no key");
    let third = ScopeKey { valid_from: time(10), ..listed(&key(3), &[Role::Publish]) };
    let sooner = spoil(&|s| s.keys.push(third.clone()));
    assert_eq!(world.push(&sooner, &[&key(9), &key(2), &key(3)]), Err(codes::STATEMENT), "each key waits");
    assert_eq!(world.push(&good, &[&key(9), &key(2)]), Ok(Kind::Scope));
}

#[test]
fn only_recovery_keys_and_the_added_keys_sign_a_recovery() {
    let mut world = world();
    let change = recovery(&world, &key(2), 72 * HOUR);
    assert_eq!(world.push(&change, &[&key(9)]), Err(codes::KEY_UNKNOWN), "the new key does not prove that it is held");
    assert_eq!(world.push(&change, &[&key(2)]), Err(codes::KEY_ROLE), "no recovery key signed");
    assert_eq!(world.push(&change, &[&key(9), &key(2), &key(1)]), Err(codes::KEY_ROLE), "an owner signed");
    assert_eq!(world.push(&change, &[&key(9), &key(2), &key(5)]), Err(codes::KEY_UNKNOWN), "a stranger signed");
    world.push(&change, &[&key(9), &key(2)]).unwrap();
    let second = recovery(&world, &key(3), 72 * HOUR);
    assert_eq!(world.push(&second, &[&key(9), &key(3), &key(2)]), Err(codes::KEY_ROLE), "the first is listed by now");
    assert_eq!(world.push(&second, &[&key(9), &key(3)]), Ok(Kind::Scope));
}

#[test]
fn a_recovery_key_signs_nothing_else() {
    let mut world = world();
    assert_eq!(world.publish(world.release("1.0.0"), &[&key(9)]), Err(codes::KEY_ROLE));
    assert_eq!(world.publish(world.release("1.0.0"), &[&key(1), &key(9)]), Err(codes::KEY_ROLE));
    let mut promoted = by_owners(&world, &[listed(&key(1), ALL), listed(&key(9), ALL)], 10);
    assert_eq!(world.push(&promoted, &[&key(1), &key(9)]), Err(codes::STATEMENT), "no key serves two roles");
    promoted.recovery.pop();
    assert_eq!(world.push(&promoted, &[&key(1), &key(9)]), Err(codes::KEY_ROLE));
}

#[test]
fn a_threshold_is_reached_by_a_recovery_that_adds_as_many_keys() {
    let mut world = world();
    let mut two = by_owners(&world, &[listed(&key(1), ALL), listed(&key(4), ALL)], 5);
    two.policy.threshold = 2;
    world.push(&two, &[&key(1), &key(4)]).unwrap();
    let mut change = recovery(&world, &key(2), 72 * HOUR);
    change.keys.push(ScopeKey { valid_from: time(10 + 72 * HOUR), ..listed(&key(3), ALL) });
    world.push(&change, &[&key(9), &key(2), &key(3)]).unwrap();
    let new = change.keys[2..].to_vec();
    let takeover = by_owners(&world, &new, 10 + 72 * HOUR);
    assert_eq!(world.push(&takeover, &[&key(2)]), Err(codes::THRESHOLD));
    assert_eq!(world.push(&takeover, &[&key(2), &key(3)]), Ok(Kind::Scope));
}

#[test]
fn a_delay_is_from_a_day_to_ninety_days() {
    let mut world = World::new();
    for (hours, good) in [
        (0, false),
        (MIN_RECOVERY_DELAY - 1, false),
        (MIN_RECOVERY_DELAY, true),
        (MAX_RECOVERY_DELAY, true),
        (MAX_RECOVERY_DELAY + 1, false),
        ((1 << 53) - 1, false),
    ] {
        let mut change = world.scope(&[listed(&key(1), ALL)]);
        change.recovery = vec![recovery_key(&key(9), hours)];
        assert_eq!(world.push(&change, &[&key(1)]).is_ok(), good, "{hours}");
    }
}
