//! An index that its publisher signed, and every way to change it.

use skill_schema::{
    Digest,
    index::{ChainLine, Header, PackageStatus, Tags},
    name::OPERATOR,
    statement::{Freshness, Gate, Policy, Release, Role, Root, ScopeKey, ScopeKeys, Status},
    time::Timestamp,
};

use super::*;
use crate::{
    envelope::{self, Envelope},
    keys::SecretKey,
    note::{Algorithm, VerifierKey},
    statement,
};

const ORIGIN: &str = "skills.example/log";

/// A chain with two releases of `acme/notes`, the first of them yanked, and its index. Statement `n` is leaf `10 * n`, and statement
/// `n` of the operator is leaf `10 * n + 35`.
struct World {
    chain: Chain,
    operator: Operator,
    lines: Vec<ChainLine>,
    key: SecretKey,
}

impl World {
    fn new() -> Self {
        let chain = Chain::new("acme".parse().expect("scope"), ORIGIN);
        let operator = Operator::new(ORIGIN);
        let mut world = Self { chain, operator, lines: Vec::new(), key: SecretKey::from_seed(&[1; 32]) };
        world.push_root();
        world.push_keys();
        world.release("1.0.0", 1);
        world.release("1.1.0", 2);
        world.yank("1.0.0", 1);
        world
    }

    fn push(&mut self, envelope: &[u8]) -> Digest {
        let envelope = Envelope::parse(envelope).expect("an envelope");
        self.chain.push(&envelope).expect("it continues the chain");
        let seq = self.chain.head().expect("a head").seq;
        self.lines.push(ChainLine { seq, stmt: envelope.digest(), log: seq * 10 });
        envelope.digest()
    }

    fn push_root(&mut self) {
        let text = |seed: u8| SecretKey::from_seed(&[seed; 32]).public().to_text();
        let log = VerifierKey::new(ORIGIN, Algorithm::Ed25519, SecretKey::from_seed(&[9; 32]).public());
        let root = Root {
            created: Timestamp::from_unix(90),
            freshness: Freshness { hours: 72 },
            keys: vec![text(10)],
            logs: vec![log.expect("a key").to_string()],
            operators: vec![text(20)],
            origin: ORIGIN.into(),
            prev: Digest::ZERO,
            scope: OPERATOR.into(),
            seq: 1,
            threshold: 1,
            verifiers: vec![],
        };
        let bytes = envelope::sign(&statement::root(root), &[&SecretKey::from_seed(&[10; 32])]).expect("signed");
        self.operator.push(&Envelope::parse(&bytes).expect("an envelope")).expect("it begins the chain");
    }

    /// The operator's word on version 1.1.0.
    fn operator_says(&mut self, state: State) {
        let (seq, prev) = self.operator.next();
        let status = Status {
            created: Timestamp::from_unix(100 + seq),
            note: String::new(),
            origin: ORIGIN.into(),
            prev,
            reason: "malicious".into(),
            scope: OPERATOR.into(),
            seq,
            state,
        };
        let version = "1.1.0".parse().expect("version");
        let statement = statement::status(status, &id(), &version, Digest([102; 32]), Digest([2; 32]));
        let bytes = envelope::sign(&statement, &[&SecretKey::from_seed(&[20; 32])]).expect("signed");
        self.operator.push(&Envelope::parse(&bytes).expect("an envelope")).expect("it continues the chain");
    }

    fn push_keys(&mut self) {
        let (seq, prev) = self.chain.next();
        let roles = vec![Role::Owner, Role::Publish, Role::Yank];
        let key = ScopeKey { key: self.key.public().to_text(), roles, valid_from: Timestamp::from_unix(0) };
        let keys = ScopeKeys {
            created: Timestamp::from_unix(100),
            keys: vec![key],
            origin: ORIGIN.into(),
            policy: Policy { cooldown_hours: 0, gate: Gate::Standard, threshold: 1, verifiers: vec![] },
            prev,
            recovery: vec![],
            revoked: vec![],
            scope: "acme".into(),
            seq,
        };
        let bytes = envelope::sign(&statement::scope(keys), &[&self.key]).expect("signed");
        self.push(&bytes);
    }

    fn release(&mut self, version: &str, tree: u8) {
        let (seq, prev) = self.chain.next();
        let release = Release {
            created: Timestamp::from_unix(100 + seq),
            evals: vec![],
            files: 1,
            license: None,
            name: "notes".into(),
            origin: ORIGIN.into(),
            parent: None,
            prev,
            scope: "acme".into(),
            seq,
            size: 1000 + u64::from(tree),
            suite: None,
            unpacked_size: 2048,
            version: version.into(),
        };
        let statement = statement::release(release, Digest([tree + 100; 32]), Digest([tree; 32]));
        let bytes = envelope::sign(&statement, &[&self.key]).expect("signed");
        self.push(&bytes);
    }

    fn yank(&mut self, version: &str, tree: u8) {
        let (seq, prev) = self.chain.next();
        let status = Status {
            created: Timestamp::from_unix(100 + seq),
            note: String::new(),
            origin: ORIGIN.into(),
            prev,
            reason: "broken".into(),
            scope: "acme".into(),
            seq,
            state: State::Yanked,
        };
        let version = version.parse().expect("version");
        let (archive, tree) = (Digest([tree + 100; 32]), Digest([tree; 32]));
        let statement = statement::status(status, &id(), &version, archive, tree);
        let bytes = envelope::sign(&statement, &[&self.key]).expect("signed");
        self.push(&bytes);
    }

    fn index(&self) -> Index {
        let line = |version: &str, tree: u8, seq: usize, st, log| Line {
            v: 1,
            vers: version.parse().expect("version"),
            sha256: Digest([tree + 100; 32]),
            tree: Digest([tree; 32]),
            size: 1000 + u64::from(tree),
            published: Timestamp::from_unix(100 + seq as u64),
            st,
            deps: Vec::new(),
            parent: None,
            score: None,
            stmt: self.lines[seq - 1].stmt,
            log,
        };
        let lines = vec![line("1.0.0", 1, 2, LineStatus::Yanked, 40), line("1.1.0", 2, 3, LineStatus::Ok, 30)];
        let tags = Tags { best: None, latest: latest(&lines).cloned() };
        let header = Header { v: 1, pkg: id(), status: PackageStatus::Active, tags, fork_of: None, log: 40 };
        Index { header, lines }
    }

    fn check(&self, bytes: Option<&[u8]>) -> Result<Option<Index>, Fault> {
        self.check_of(&id(), bytes)
    }

    fn check_of(&self, id: &SkillId, bytes: Option<&[u8]>) -> Result<Option<Index>, Fault> {
        let log_of = |seq: u64| self.lines.iter().find(|line| line.seq == seq).map(|line| line.log);
        check(id, bytes, &self.chain, &log_of, &self.operator, &|seq| Some(10 * seq + 35))
    }

    /// The index when version 1.1.0 has this state since this leaf.
    fn index_with(&self, st: LineStatus, log: u64) -> Index {
        let mut index = self.index();
        (index.lines[1].st, index.lines[1].log) = (st, log);
        index.header.log = log.max(40);
        index.header.tags.latest = latest(&index.lines).cloned();
        index
    }
}

fn id() -> SkillId {
    "acme/notes".parse().expect("name")
}

#[test]
fn an_index_that_says_what_was_signed_is_believed() {
    let world = World::new();
    let index = world.index();
    assert_eq!(world.check(Some(index.render().as_bytes())), Ok(Some(index)));
}

#[test]
fn any_changed_byte_is_noticed() {
    let world = World::new();
    let bytes = world.index().render().into_bytes();
    for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << bit;
        let result = world.check(Some(&changed));
        let code = result.expect_err(&format!("byte {at}, bit {bit}: {}", String::from_utf8_lossy(&changed))).code;
        assert!(code == codes::INDEX_INVALID || code == codes::INDEX_MISMATCH, "byte {at}, bit {bit}: {}", code.id);
    }
}

#[test]
fn a_missing_line_a_missing_index_and_an_older_one_are_noticed() {
    let mut world = World::new();
    let index = world.index();
    let text = index.render();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for cut in [vec![0, 1], vec![0, 2], vec![0], vec![0, 2, 1], vec![0, 1, 2, 2]] {
        let other: String = cut.iter().map(|n| lines[*n]).collect();
        assert_eq!(world.check(Some(other.as_bytes())).map_err(|f| f.code), Err(codes::INDEX_MISMATCH), "{cut:?}");
    }
    assert_eq!(world.check(None).map_err(|f| f.code), Err(codes::INDEX_MISMATCH));
    world.release("1.2.0", 3);
    assert_eq!(world.check(Some(text.as_bytes())).map_err(|f| f.code), Err(codes::INDEX_MISMATCH));
}

#[test]
fn lines_of_a_later_format_are_passed_over() {
    let world = World::new();
    let text = format!("{}{{\"v\":2,\"new\":true}}\n", world.index().render());
    assert!(world.check(Some(text.as_bytes())).is_ok());
}

#[test]
fn a_skill_that_nobody_published_has_no_index() {
    let world = World::new();
    assert_eq!(world.check_of(&"acme/other".parse().expect("name"), None), Ok(None));
}

#[test]
fn the_operators_word_goes_before_the_publishers() {
    let mut world = World::new();
    let believed = |world: &World, st, log| world.check(Some(world.index_with(st, log).render().as_bytes())).is_ok();
    assert!(believed(&world, LineStatus::Ok, 30));
    assert!(!believed(&world, LineStatus::Quarantined, 55), "the operator has not said so");
    world.operator_says(State::Quarantined);
    assert!(believed(&world, LineStatus::Quarantined, 55));
    assert!(!believed(&world, LineStatus::Ok, 30), "the quarantine is hidden");
    assert!(!believed(&world, LineStatus::Gone, 55));
    assert!(!believed(&world, LineStatus::Quarantined, 30), "not the leaf of the last word");
    world.operator_says(State::Active);
    assert!(believed(&world, LineStatus::Ok, 65), "the publisher's word stands again");
    assert!(!believed(&world, LineStatus::Quarantined, 55));
    world.operator_says(State::Removed);
    world.yank("1.1.0", 2);
    assert!(believed(&world, LineStatus::Gone, 75), "a yank neither ends a removal nor is it the last word");
    for _ in 0..4 {
        world.yank("1.1.0", 2);
    }
    assert!(believed(&world, LineStatus::Gone, 90), "the last statement about it is the publisher's");
}
