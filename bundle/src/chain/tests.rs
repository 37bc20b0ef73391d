//! Chains that hold, and every way in which one can break.

mod recovery;
mod suites;

use skill_schema::{
    Code, SkillId,
    statement::{Gate, Parent, Policy, Revoked, ScopeKey},
    time::Timestamp,
};

use super::*;
use crate::{envelope, hash::sha256, keys::SecretKey};

const ORIGIN: &str = "skills.example/log";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn time(seconds: u64) -> Timestamp {
    Timestamp::from_unix(1_000_000 + seconds)
}

fn listed(key: &SecretKey, roles: &[Role]) -> ScopeKey {
    ScopeKey { key: key.public().to_text(), roles: roles.to_vec(), valid_from: time(0) }
}

const ALL: &[Role] = &[Role::Owner, Role::Publish, Role::Yank];

/// A chain under construction: statements are made to fit and then spoilt on purpose.
struct World {
    chain: Chain,
}

impl World {
    /// A chain whose first statement lists key 1 with all roles.
    fn new() -> Self {
        let mut world = Self { chain: Chain::new("acme".parse().unwrap(), ORIGIN) };
        let first = world.scope(&[listed(&key(1), ALL)]);
        world.push(&first, &[&key(1)]).unwrap();
        world
    }

    fn scope(&self, keys: &[ScopeKey]) -> ScopeKeys {
        let (seq, prev) = self.chain.next();
        let policy = Policy { cooldown_hours: 0, gate: Gate::Standard, threshold: 1, verifiers: vec![] };
        ScopeKeys {
            created: time(seq),
            keys: keys.to_vec(),
            origin: ORIGIN.into(),
            policy,
            prev,
            recovery: vec![],
            revoked: vec![],
            scope: "acme".into(),
            seq,
        }
    }

    fn release(&self, version: &str) -> Release {
        let (seq, prev) = self.chain.next();
        Release {
            created: time(seq),
            evals: vec![],
            files: 1,
            license: None,
            name: "notes".into(),
            origin: ORIGIN.into(),
            parent: None,
            prev,
            scope: "acme".into(),
            seq,
            size: 100,
            suite: None,
            unpacked_size: 2048,
            version: version.into(),
        }
    }

    fn status(&self, state: State) -> Status {
        let (seq, prev) = self.chain.next();
        Status {
            created: time(seq),
            note: String::new(),
            origin: ORIGIN.into(),
            prev,
            reason: "other".into(),
            scope: "acme".into(),
            seq,
            state,
        }
    }

    fn push(&mut self, scope: &ScopeKeys, keys: &[&SecretKey]) -> Result<Kind, &'static Code> {
        self.push_bytes(&envelope::sign(&statement::scope(scope.clone()), keys).unwrap())
    }

    fn publish(&mut self, release: Release, keys: &[&SecretKey]) -> Result<Kind, &'static Code> {
        let (archive, tree) = (sha256(release.version.as_bytes()), sha256(b"tree"));
        self.push_bytes(&envelope::sign(&statement::release(release, archive, tree), keys).unwrap())
    }

    fn set(&mut self, status: Status, version: &str, keys: &[&SecretKey]) -> Result<Kind, &'static Code> {
        let id: SkillId = "acme/notes".parse().unwrap();
        let (archive, tree) = (sha256(version.as_bytes()), sha256(b"tree"));
        let statement = statement::status(status, &id, &version.parse().unwrap(), archive, tree);
        self.push_bytes(&envelope::sign(&statement, keys).unwrap())
    }

    /// Pushes, and checks that a refused statement changes nothing.
    fn push_bytes(&mut self, bytes: &[u8]) -> Result<Kind, &'static Code> {
        let before = self.chain.clone();
        let result = Envelope::parse(bytes).and_then(|envelope| self.chain.push(&envelope));
        if result.is_err() {
            assert_eq!(self.chain, before);
        }
        result.map_err(|fault| fault.code)
    }

    fn state(&self, version: &str) -> Result<State, &'static Code> {
        let published = self.chain.release(&"notes".parse().unwrap(), &version.parse().unwrap()).unwrap();
        self.chain.state(published).map_err(|fault| fault.code)
    }
}

#[test]
fn a_chain_records_releases_and_their_states() {
    let mut world = World::new();
    world.publish(world.release("1.0.0"), &[&key(1)]).unwrap();
    world.publish(world.release("1.1.0"), &[&key(1)]).unwrap();
    world.set(world.status(State::Yanked), "1.0.0", &[&key(1)]).unwrap();
    assert_eq!((world.state("1.0.0"), world.state("1.1.0")), (Ok(State::Yanked), Ok(State::Active)));
    world.set(world.status(State::Active), "1.0.0", &[&key(1)]).unwrap();
    assert_eq!(world.state("1.0.0"), Ok(State::Active));
    assert_eq!(world.chain.head().unwrap().seq, 5);
    assert_eq!(world.chain.releases().count(), 2);
}

#[test]
fn the_first_statement_says_who_may_sign_and_is_signed_by_each_of_them() {
    let mut world = World { chain: Chain::new("acme".parse().unwrap(), ORIGIN) };
    assert_eq!(world.publish(world.release("1.0.0"), &[&key(1)]), Err(codes::CHAIN));
    let two = world.scope(&[listed(&key(1), ALL), listed(&key(2), &[Role::Publish])]);
    assert_eq!(world.push(&two, &[&key(1)]), Err(codes::KEY_UNKNOWN), "key 2 does not prove that it is held");
    assert_eq!(world.push(&two, &[&key(3)]), Err(codes::KEY_UNKNOWN));
    let no_owner = world.scope(&[listed(&key(1), &[Role::Publish])]);
    assert_eq!(world.push(&no_owner, &[&key(1)]), Err(codes::STATEMENT));
    assert_eq!(world.push(&two, &[&key(1), &key(2)]), Ok(Kind::Scope));
    assert_eq!(world.chain.keys().len(), 2);
}

#[test]
fn the_operator_signs_the_first_statement_where_operators_are_known() {
    let operator = key(9);
    let chain = Chain::new("acme".parse().unwrap(), ORIGIN).with_operators(vec![operator.public()]);
    let mut world = World { chain };
    let first = world.scope(&[listed(&key(1), ALL)]);
    assert_eq!(world.push(&first, &[&key(1)]), Err(codes::KEY_UNKNOWN));
    assert_eq!(world.push(&first, &[&key(1), &key(8)]), Err(codes::KEY_UNKNOWN));
    let shared = world.scope(&[listed(&operator, ALL)]);
    assert_eq!(world.push(&shared, &[&operator]), Err(codes::STATEMENT), "no key serves two roles");
    assert_eq!(world.push(&first, &[&key(1), &operator]), Ok(Kind::Scope));
    let later = world.release("1.0.0");
    assert_eq!(
        world.publish(later, &[&key(1), &operator]),
        Err(codes::KEY_UNKNOWN),
        "later ones are not the operator's"
    );

    let mut without = World { chain: Chain::new("acme".parse().unwrap(), ORIGIN) };
    assert_eq!(without.push(&first, &[&key(1), &key(8), &operator]), Err(codes::KEY_UNKNOWN));
    assert_eq!(without.push(&first, &[&key(1), &operator]), Ok(Kind::Scope));
}

#[test]
fn numbers_and_links_have_no_gap_and_no_fork() {
    let mut world = World::new();
    let release = world.release("1.0.0");
    let spoil = |change: &dyn Fn(&mut Release)| {
        let mut spoilt = release.clone();
        change(&mut spoilt);
        spoilt
    };
    for spoilt in [
        spoil(&|r| r.seq = 3),
        spoil(&|r| {
            r.seq = 1;
            r.prev = Digest::ZERO;
        }),
        spoil(&|r| r.prev = sha256(b"other")),
        spoil(&|r| r.origin = "other.example/log".into()),
        spoil(&|r| r.scope = "evil".into()),
    ] {
        assert_eq!(world.publish(spoilt.clone(), &[&key(1)]), Err(codes::CHAIN), "{spoilt:?}");
    }
    assert_eq!(world.publish(spoil(&|r| r.prev = Digest::ZERO), &[&key(1)]), Err(codes::STATEMENT));
    assert_eq!(world.publish(release.clone(), &[&key(1)]), Ok(Kind::Release));
    assert_eq!(world.publish(release, &[&key(1)]), Err(codes::CHAIN), "the same statement again");
}

#[test]
fn a_statement_needs_a_known_key_with_the_role() {
    let mut world = World::new();
    let keys = [listed(&key(1), &[Role::Owner]), listed(&key(2), &[Role::Publish]), listed(&key(3), &[Role::Yank])];
    let change = world.scope(&keys);
    world.push(&change, &[&key(1), &key(2), &key(3)]).unwrap();
    let release = world.release("1.0.0");
    assert_eq!(world.publish(release.clone(), &[&key(4)]), Err(codes::KEY_UNKNOWN));
    assert_eq!(world.publish(release.clone(), &[&key(2), &key(4)]), Err(codes::KEY_UNKNOWN));
    assert_eq!(world.publish(release.clone(), &[&key(1)]), Err(codes::KEY_ROLE));
    assert_eq!(world.publish(release, &[&key(2)]), Ok(Kind::Release));
    let yank = world.status(State::Yanked);
    assert_eq!(world.set(yank.clone(), "1.0.0", &[&key(2)]), Err(codes::KEY_ROLE));
    assert_eq!(world.set(yank, "1.0.0", &[&key(3)]), Ok(Kind::Status));
    let change = world.scope(&keys);
    assert_eq!(world.push(&change, &[&key(2)]), Err(codes::KEY_ROLE));
}

#[test]
fn a_key_counts_from_its_time_on() {
    let mut world = World::new();
    let mut late = listed(&key(2), &[Role::Publish]);
    late.valid_from = time(1000);
    let change = world.scope(&[listed(&key(1), ALL), late]);
    world.push(&change, &[&key(1), &key(2)]).unwrap();
    let mut release = world.release("1.0.0");
    assert_eq!(world.publish(release.clone(), &[&key(2)]), Err(codes::KEY_ROLE));
    release.created = time(1000);
    assert_eq!(world.publish(release, &[&key(2)]), Ok(Kind::Release));
}

#[test]
fn a_threshold_counts_the_owners_of_before() {
    let mut world = World::new();
    let owners = [listed(&key(1), ALL), listed(&key(2), ALL), listed(&key(3), ALL)];
    let mut change = world.scope(&owners);
    change.policy.threshold = 2;
    world.push(&change, &[&key(1), &key(2), &key(3)]).unwrap();
    let alone = world.scope(&owners[..1]);
    assert_eq!(world.push(&alone, &[&key(1)]), Err(codes::THRESHOLD));
    let mut newcomer = world.scope(&[listed(&key(1), ALL), listed(&key(4), ALL)]);
    assert_eq!(world.push(&newcomer, &[&key(1), &key(4)]), Err(codes::THRESHOLD), "a new owner does not count yet");
    newcomer.policy.threshold = 3;
    assert_eq!(world.push(&newcomer, &[&key(1), &key(2), &key(4)]), Err(codes::STATEMENT), "cannot be met");
    assert_eq!(world.push(&alone, &[&key(1), &key(3)]), Ok(Kind::Scope));
}

#[test]
fn an_added_key_proves_that_it_is_held() {
    let mut world = World::new();
    let change = world.scope(&[listed(&key(1), ALL), listed(&key(2), ALL)]);
    assert_eq!(world.push(&change, &[&key(1)]), Err(codes::KEY_UNKNOWN));
    assert_eq!(world.push(&change, &[&key(2)]), Err(codes::KEY_ROLE));
    assert_eq!(world.push(&change, &[&key(1), &key(2)]), Ok(Kind::Scope));
}

#[test]
fn a_revoked_key_counts_for_nothing_from_its_number_on() {
    let mut world = World::new();
    let both = [listed(&key(1), ALL), listed(&key(2), ALL)];
    let change = world.scope(&both);
    world.push(&change, &[&key(1), &key(2)]).unwrap();
    world.publish(world.release("1.0.0"), &[&key(2)]).unwrap(); // number 3
    world.publish(world.release("1.1.0"), &[&key(2)]).unwrap(); // number 4
    world.publish(world.release("1.2.0"), &[&key(1), &key(2)]).unwrap(); // number 5
    world.set(world.status(State::Yanked), "1.0.0", &[&key(2)]).unwrap(); // number 6

    let mut revocation = world.scope(&both);
    revocation.revoked = vec![Revoked { from_seq: 4, keyid: key(2).keyid() }];
    assert_eq!(world.push(&revocation, &[&key(1)]), Err(codes::STATEMENT), "a revoked key is not listed");
    revocation.keys.pop();
    revocation.revoked[0].from_seq = 8;
    assert_eq!(world.push(&revocation, &[&key(1)]), Err(codes::STATEMENT), "not in the future");
    revocation.revoked[0].from_seq = 4;
    assert_eq!(world.push(&revocation, &[&key(1)]), Ok(Kind::Scope));

    assert_eq!(world.state("1.0.0"), Ok(State::Active), "the release stands, the thief's yank does not");
    assert_eq!(world.state("1.1.0"), Err(codes::KEY_REVOKED));
    assert_eq!(world.state("1.2.0"), Ok(State::Active), "another key signed it too");
    assert_eq!(world.publish(world.release("1.3.0"), &[&key(2)]), Err(codes::KEY_REVOKED));

    let forgotten = world.scope(&both[..1]);
    assert_eq!(world.push(&forgotten, &[&key(1)]), Err(codes::STATEMENT), "a revocation is never taken back");
    let mut later = world.scope(&both[..1]);
    later.revoked = vec![Revoked { from_seq: 5, keyid: key(2).keyid() }];
    assert_eq!(world.push(&later, &[&key(1)]), Err(codes::STATEMENT));
}

#[test]
fn a_version_is_published_once() {
    let mut world = World::new();
    world.publish(world.release("1.0.0"), &[&key(1)]).unwrap();
    assert_eq!(world.publish(world.release("1.0.0"), &[&key(1)]), Err(codes::VERSION_EXISTS));
}

#[test]
fn a_status_is_about_a_version_of_the_chain_and_within_the_publisher_s_power() {
    let mut world = World::new();
    world.publish(world.release("1.0.0"), &[&key(1)]).unwrap();
    assert_eq!(world.set(world.status(State::Yanked), "2.0.0", &[&key(1)]), Err(codes::STATEMENT));
    for state in [State::Quarantined, State::Removed] {
        assert_eq!(world.set(world.status(state), "1.0.0", &[&key(1)]), Err(codes::KEY_ROLE));
    }
    let id = "acme/notes".parse().unwrap();
    let status = statement::status(
        world.status(State::Yanked),
        &id,
        &"1.0.0".parse().unwrap(),
        sha256(b"other"),
        sha256(b"tree"),
    );
    let bytes = envelope::sign(&status, &[&key(1)]).unwrap();
    assert_eq!(world.push_bytes(&bytes), Err(codes::STATEMENT));
}

#[test]
fn a_parent_in_the_same_scope_is_a_version_of_the_chain() {
    let mut world = World::new();
    world.publish(world.release("1.0.0"), &[&key(1)]).unwrap();
    let mut release = world.release("1.1.0");
    let mut with_parent = |reference: &str, tree| {
        release.parent = Some(Parent { reference: reference.into(), tree });
        release.clone()
    };
    let (missing, other_tree) =
        (with_parent("acme/notes@0.9.0", sha256(b"tree")), with_parent("acme/notes@1.0.0", sha256(b"x")));
    let good = with_parent("acme/notes@1.0.0", sha256(b"tree"));
    assert_eq!(world.publish(missing, &[&key(1)]), Err(codes::STATEMENT));
    assert_eq!(world.publish(other_tree, &[&key(1)]), Err(codes::STATEMENT));
    assert_eq!(world.publish(good, &[&key(1)]), Ok(Kind::Release));
    let mut foreign = world.release("1.2.0");
    foreign.parent = Some(Parent { reference: "other/notes@1.0.0".into(), tree: sha256(b"x") });
    assert_eq!(world.publish(foreign, &[&key(1)]), Ok(Kind::Release));
}
