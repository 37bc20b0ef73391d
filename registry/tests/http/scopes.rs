//! Scopes and their keys.

use skill_bundle::keys::SecretKey;
use skill_registry::{
    clock::{DAY, HOUR, SECOND},
    data,
};
use skill_schema::{
    api::token::Permission,
    statement::{RecoveryKey, Revoked, Role, ScopeKey, ScopeKeys},
    time::Timestamp,
};

use crate::world::{Publisher, World};

#[test]
fn a_first_statement_creates_the_scope_and_carries_the_operators_signature() {
    let world = World::new();
    let token = world.user("acme");
    let acme = Publisher::new(&world, "acme", &token);
    let reply = acme.enrol();
    assert_eq!((reply.status, reply.json()["log"].as_u64()), (201, Some(1)), "{}", reply.text());
    let chain = acme.chain();
    assert_eq!(reply.json()["stmt"], chain[0].stmt.to_string());
    let bytes = world.get(&format!("/blob/sha256/{}", chain[0].stmt)).body;
    let envelope = skill_bundle::envelope::Envelope::parse(&bytes).expect("an envelope");
    let (store, identity) = world.block_on(data::open(&world.config)).expect("opened");
    world.block_on(store.close());
    envelope.verify(&identity.operator.public()).expect("the operator signed");
    envelope.verify(&acme.key.public()).expect("the owner signed");
    let owners = world.get("/api/skill/v1/scopes/acme/owners").json();
    assert_eq!(owners["owners"], serde_json::json!(["acme"]));
}

#[test]
fn a_repeated_first_statement_gets_the_same_answer() {
    let world = World::new();
    let acme = world.publisher("acme");
    let mut first = acme.scope_keys();
    (first.seq, first.prev) = (1, skill_schema::Digest::ZERO);
    let again = acme.put_scope(first, &[&acme.key]);
    assert_eq!((again.status, again.json()["log"].as_u64()), (201, Some(1)), "{}", again.text());
    assert_eq!(acme.chain().len(), 1);
}

#[test]
fn a_key_needs_to_prove_its_possession() {
    let world = World::new();
    let token = world.user("acme");
    let acme = Publisher::new(&world, "acme", &token);
    let other = SecretKey::from_seed(&[9; 32]);
    let mut keys = acme.scope_keys();
    keys.keys[0].key = other.public().to_text();
    let reply = acme.put_scope(keys, &[&acme.key]);
    assert!(reply.status == 403 || reply.status == 422, "{}", reply.text());
    assert!(acme.chain().is_empty());
}

#[test]
fn keys_are_added_and_revoked_by_the_owners_keys() {
    let world = World::new();
    let acme = world.publisher("acme");
    let second = SecretKey::from_seed(&[8; 32]);
    let mut keys = acme.scope_keys();
    keys.keys.push(ScopeKey { key: second.public().to_text(), roles: vec![Role::Publish], valid_from: acme.now() });
    assert_eq!(acme.put_scope(keys.clone(), &[&acme.key, &second]).status, 201);

    let mut ci = Publisher::new(&world, "acme", &acme.token);
    ci.key = second.clone();
    assert_eq!(ci.publish("acme/notes", "1.0.0", "text").status, 201);
    assert_eq!(ci.set_status("acme/notes", "1.0.0", skill_schema::statement::State::Yanked).code(), "E_KEY_ROLE");

    let mut keys = acme.scope_keys();
    keys.revoked = vec![Revoked { from_seq: keys.seq, keyid: second.keyid() }];
    let reply = acme.put_scope(keys, &[&acme.key]);
    assert_eq!(reply.status, 201, "{}", reply.text());
    let reply = ci.publish("acme/notes", "1.1.0", "text");
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert!(["E_KEY_REVOKED", "E_KEY_UNKNOWN"].contains(&reply.code().as_str()));
    assert_eq!(acme.publish("acme/notes", "1.1.0", "text").status, 201);
}

#[test]
fn only_its_owner_writes_to_a_scope() {
    let world = World::new();
    world.publisher("acme");
    let token = world.user("mallory");
    let mallory = Publisher::new(&world, "acme", &token);
    let reply = mallory.enrol();
    assert_eq!((reply.status, reply.code().as_str()), (409, "E_SCOPE_TAKEN"));
    let reply = mallory.publish("acme/notes", "1.0.0", "text");
    assert_eq!((reply.status, reply.code().as_str()), (403, "E_NOT_OWNER"));
    let limited = world.token("acme", &[Permission::PublishNew], "*", 1);
    assert_eq!(Publisher::new(&world, "acme", &limited).enrol().code(), "E_TOKEN_SCOPE");
    let elsewhere = world.token("acme", &[Permission::Owners], "other/*", 1);
    assert_eq!(Publisher::new(&world, "acme", &elsewhere).enrol().code(), "E_TOKEN_SCOPE");
}

#[test]
fn lookalike_and_reserved_scopes_are_refused() {
    let world = World::new();
    let acme = world.publisher("acme-one");
    let alike = Publisher::new(&world, "acme-0ne", &acme.token);
    let reply = alike.enrol();
    assert_eq!((reply.status, reply.code().as_str()), (409, "E_NAME_TAKEN"));
    let envelope = b"{}";
    for (scope, code) in
        [("api", "E_NAME_RESERVED"), ("_operator", "E_NAME_RESERVED"), ("A", "E_NAME"), ("..", "E_NAME")]
    {
        let reply = world.call(&acme.token, "PUT", &format!("/api/skill/v1/scopes/{scope}"), envelope);
        assert_eq!(reply.code(), code, "{scope}");
    }
}

#[test]
fn a_closed_registry_takes_only_reserved_scopes() {
    let world = World::with(|config| config.policy.open_scopes = false);
    let token = world.user("acme");
    let acme = Publisher::new(&world, "acme", &token);
    let reply = acme.enrol();
    assert_eq!((reply.status, reply.code().as_str()), (403, "E_SCOPE_CLOSED"));
    world.block_on(async {
        let (store, _) = data::open(&world.config).await.expect("opened");
        store.reserve_scope(&"acme".parse().expect("a scope"), "acme", 1).await.expect("reserved");
        store.close().await;
    });
    let early = acme.publish("acme/notes", "1.0.0", "text");
    assert_eq!((early.status, early.code().as_str()), (403, "E_NO_KEY"));
    assert_eq!(acme.enrol().status, 201);
    assert_eq!(acme.publish("acme/notes", "1.0.0", "text").status, 201);
}

#[test]
fn the_registrys_own_keys_cannot_be_a_scopes() {
    let world = World::new();
    let token = world.user("acme");
    let acme = Publisher::new(&world, "acme", &token);
    let (store, identity) = world.block_on(data::open(&world.config)).expect("opened");
    world.block_on(store.close());
    let mut keys = acme.scope_keys();
    keys.keys[0].key = identity.operator.public().to_text();
    let reply = acme.put_scope(keys, &[&acme.key]);
    assert_eq!((reply.status, reply.code().as_str()), (422, "E_KEY_MIXED"));
}

/// The next statement: as the last one, with a recovery key and further keys.
fn change(acme: &Publisher<'_>, since: &ScopeKeys, recovery: &SecretKey, added: &[ScopeKey]) -> ScopeKeys {
    let (seq, prev) = acme.next();
    let mut next = ScopeKeys { created: acme.now(), seq, prev, ..since.clone() };
    next.recovery = vec![RecoveryKey { key: recovery.public().to_text(), delay_hours: 72 }];
    next.keys.extend_from_slice(added);
    next
}

fn owner(key: &SecretKey, valid_from: Timestamp) -> ScopeKey {
    ScopeKey { key: key.public().to_text(), roles: vec![Role::Owner, Role::Publish, Role::Yank], valid_from }
}

fn later(time: Timestamp, hours: u64) -> Timestamp {
    Timestamp::from_unix(time.unix() + hours * 3600)
}

#[test]
fn a_change_that_owners_sign_may_be_a_week_old() {
    let world = World::new();
    let acme = world.publisher("acme");
    let mut keys = acme.scope_keys();
    keys.policy.cooldown_hours = 1;
    world.clock.advance(7 * DAY + SECOND);
    let reply = acme.put_scope(keys.clone(), &[&acme.key]);
    assert_eq!((reply.status, reply.code().as_str()), (422, "E_CLOCK"));
    keys.created = later(keys.created, 1);
    let reply = acme.put_scope(keys.clone(), &[&acme.key]);
    assert_eq!(reply.status, 201, "{}", reply.text());
    keys.policy.cooldown_hours = 2;
    assert_eq!(
        acme.put_scope(keys, &[&acme.key]).code(),
        "E_SEQ",
        "its number, not its time, keeps it from coming again"
    );
}

#[test]
fn a_first_statement_and_a_recovery_are_of_now() {
    let world = World::new();
    let token = world.user("bob");
    let bob = Publisher::new(&world, "bob", &token);
    let first = bob.scope_keys();
    let acme = world.publisher("acme");
    let (recovery, new) = (SecretKey::from_seed(&[7; 32]), SecretKey::from_seed(&[8; 32]));
    let now = change(&acme, &acme.scope_keys(), &recovery, &[]);
    assert_eq!(acme.put_scope(now.clone(), &[&acme.key]).status, 201);
    let backdated = change(&acme, &now, &recovery, &[owner(&new, later(acme.now(), 72))]);
    world.clock.advance(16 * 60 * SECOND);
    assert_eq!(bob.put_scope(first, &[&bob.key]).code(), "E_CLOCK");
    assert_eq!(acme.put_scope(backdated, &[&recovery, &new]).code(), "E_CLOCK");
    let honest = change(&acme, &now, &recovery, &[owner(&new, later(acme.now(), 72))]);
    let reply = acme.put_scope(honest, &[&recovery, &new]);
    assert_eq!(reply.status, 201, "{}", reply.text());
}

#[test]
fn a_recovered_key_takes_the_scope_over_after_its_delay() {
    let world = World::new();
    let acme = world.publisher("acme");
    let (recovery, new) = (SecretKey::from_seed(&[7; 32]), SecretKey::from_seed(&[8; 32]));
    let before = change(&acme, &acme.scope_keys(), &recovery, &[]);
    assert_eq!(acme.put_scope(before.clone(), &[&acme.key]).status, 201);
    let early = change(&acme, &before, &recovery, &[owner(&new, later(acme.now(), 71))]);
    assert_eq!(acme.put_scope(early, &[&recovery, &new]).code(), "E_STATEMENT");
    let recovered = change(&acme, &before, &recovery, &[owner(&new, later(acme.now(), 72))]);
    assert_eq!(acme.put_scope(recovered.clone(), &[&recovery, &new]).status, 201);

    let mut renewed = Publisher::new(&world, "acme", &acme.token);
    renewed.key = new.clone();
    let takeover = || {
        let mut next = change(&acme, &recovered, &recovery, &[]);
        next.keys.remove(0);
        next
    };
    world.clock.advance(72 * HOUR - SECOND);
    assert_eq!(acme.put_scope(takeover(), &[&new]).code(), "E_KEY_ROLE");
    assert_eq!(renewed.publish("acme/notes", "1.0.0", "text").code(), "E_KEY_ROLE");
    world.clock.advance(SECOND);
    assert_eq!(renewed.publish("acme/notes", "1.0.0", "text").status, 201);
    assert_eq!(acme.put_scope(takeover(), &[&new]).status, 201);
    assert_eq!(acme.publish("acme/notes", "1.1.0", "text").code(), "E_KEY_UNKNOWN");
}

#[test]
fn owners_object_to_a_recovery_before_its_delay_is_over() {
    let world = World::new();
    let acme = world.publisher("acme");
    let (recovery, thief) = (SecretKey::from_seed(&[7; 32]), SecretKey::from_seed(&[8; 32]));
    let before = change(&acme, &acme.scope_keys(), &recovery, &[]);
    assert_eq!(acme.put_scope(before.clone(), &[&acme.key]).status, 201);
    let stolen = change(&acme, &before, &recovery, &[owner(&thief, later(acme.now(), 72))]);
    assert_eq!(acme.put_scope(stolen.clone(), &[&recovery, &thief]).status, 201);
    world.clock.advance(71 * HOUR);
    let mut objection = change(&acme, &before, &recovery, &[]);
    objection.recovery.clear();
    assert_eq!(acme.put_scope(objection.clone(), &[&acme.key]).status, 201);
    world.clock.advance(2 * HOUR);
    let takeover = change(&acme, &stolen, &recovery, &[]);
    assert_eq!(acme.put_scope(takeover, &[&thief]).code(), "E_KEY_ROLE");
    assert_eq!(acme.publish("acme/notes", "1.0.0", "text").status, 201);
}
