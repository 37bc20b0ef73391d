//! Folding: any sequence of statements by fixed keys. One that is accepted continues the chain and is signed by whoever must sign it; one
//! that is refused changes nothing.

use std::sync::LazyLock;

use skill_bundle::{
    chain::{Chain, Head, Operator},
    envelope::{self, Envelope},
    hash::sha256,
    keys::SecretKey,
    note::{Algorithm, VerifierKey},
    statement,
};
use skill_schema::{
    Digest,
    name::OPERATOR,
    statement::{
        Freshness, Gate, Kind, Policy, RecoveryKey, Release, Revoked, Role, Root, ScopeKey, ScopeKeys, Snapshot, State,
        Status,
    },
    time::Timestamp,
};

const ORIGIN: &str = "skills.example/log";
/// Statements of one sequence: more only repeat.
const MOST: usize = 8;
const ALL: [Role; 3] = [Role::Owner, Role::Publish, Role::Yank];

static KEYS: LazyLock<Vec<SecretKey>> =
    LazyLock::new(|| (1..=6).map(|seed| SecretKey::from_seed(&[seed; 32])).collect());

/// Choices, byte by byte; zeros after the end.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or_default()
    }

    fn below(&mut self, bound: u8) -> u8 {
        self.byte() % bound
    }

    /// A value that is mostly the right one.
    fn mostly<T>(&mut self, right: T, wrong: T) -> T {
        if self.below(16) == 15 { wrong } else { right }
    }

    fn keys(&mut self) -> Vec<&'static SecretKey> {
        let mask = self.byte();
        KEYS.iter().enumerate().filter(|(n, _)| mask >> n & 1 == 1).map(|(_, key)| key).collect()
    }

    fn texts(&mut self) -> Vec<String> {
        self.keys().iter().map(|key| key.public().to_text()).collect()
    }

    fn time(&mut self) -> Timestamp {
        Timestamp::from_unix(1_800_000_000 + u64::from(self.byte()) * 3_600)
    }

    fn link(&mut self, (seq, prev): (u64, Digest), scope: &str) -> (u64, Digest, String, String) {
        (
            self.mostly(seq, seq + 1),
            self.mostly(prev, Digest::ZERO),
            self.mostly(ORIGIN, "other.example/log").to_owned(),
            self.mostly(scope, "other").to_owned(),
        )
    }

    fn status(&mut self, next: (u64, Digest), scope: &str) -> Option<Vec<u8>> {
        let (seq, prev, origin, scope) = self.link(next, scope);
        let state = [State::Active, State::Yanked, State::Quarantined, State::Removed][usize::from(self.below(4))];
        let (created, patch) = (self.time(), u64::from(self.below(4)));
        let reason = self.mostly("security", "because").to_owned();
        let status = Status { created, note: String::new(), origin, prev, reason, scope, seq, state };
        let (id, version) = ("acme/demo".parse().ok()?, format!("1.0.{patch}").parse().ok()?);
        let tree = self.mostly(sha256(b"tree"), Digest::ZERO);
        let statement = statement::status(status, &id, &version, sha256(b"archive"), tree);
        envelope::sign(&statement, &self.keys()).ok()
    }

    fn release(&mut self, next: (u64, Digest)) -> Option<Vec<u8>> {
        let (seq, prev, origin, scope) = self.link(next, "acme");
        let version = format!("1.0.{}", self.below(4));
        let release = Release {
            created: self.time(),
            evals: vec![],
            files: 1,
            license: None,
            name: "demo".to_owned(),
            origin,
            parent: None,
            prev,
            scope,
            seq,
            size: 1,
            suite: None,
            unpacked_size: 1,
            version,
        };
        envelope::sign(&statement::release(release, sha256(b"archive"), sha256(b"tree")), &self.keys()).ok()
    }

    fn scope(&mut self, chain: &Chain) -> Option<Vec<u8>> {
        let (seq, prev, origin, scope) = self.link(chain.next(), "acme");
        let created = self.time();
        let listed = self.keys();
        let mut scope = ScopeKeys {
            created,
            keys: vec![],
            origin,
            policy: Policy {
                cooldown_hours: 0,
                gate: Gate::Standard,
                threshold: u64::from(self.below(3)),
                verifiers: vec![],
            },
            prev,
            recovery: vec![],
            revoked: vec![],
            scope,
            seq,
        };
        for key in listed {
            let (mask, valid_from) = (self.byte(), self.time());
            let roles = ALL.into_iter().enumerate().filter(|(n, _)| mask >> n & 1 == 0).map(|(_, role)| role).collect();
            scope.keys.push(ScopeKey { key: key.public().to_text(), roles, valid_from });
        }
        if self.below(2) == 1 {
            let delay_hours = 23 + u64::from(self.below(4));
            scope.recovery.push(RecoveryKey { key: KEYS[4].public().to_text(), delay_hours });
        }
        for key in self.keys() {
            scope.revoked.push(Revoked { from_seq: u64::from(self.below(8)), keyid: key.keyid() });
        }
        // Now and then all stays as it is, as a recovery demands, but for the keys.
        if let (Some(latest), 0) = (chain.latest(), self.below(3)) {
            let added = scope.keys.into_iter().filter(|key| !latest.keys.iter().any(|old| old.key == key.key));
            scope.keys = latest.keys.iter().cloned().chain(added).collect();
            (scope.policy, scope.recovery, scope.revoked) =
                (latest.policy.clone(), latest.recovery.clone(), latest.revoked.clone());
        }
        envelope::sign(&statement::scope(scope), &self.keys()).ok()
    }

    fn root(&mut self, next: (u64, Digest)) -> Option<Vec<u8>> {
        let (seq, prev, origin, scope) = self.link(next, OPERATOR);
        let (log, secret) = (self.mostly(ORIGIN, "other.example/log"), SecretKey::from_seed(&[9; 32]));
        let root = Root {
            created: self.time(),
            freshness: Freshness { hours: 72 },
            keys: self.texts(),
            logs: vec![VerifierKey::new(log, Algorithm::Ed25519, secret.public()).ok()?.to_string()],
            operators: self.texts(),
            origin,
            prev,
            scope,
            seq,
            threshold: u64::from(self.below(4)),
            verifiers: vec![],
        };
        envelope::sign(&statement::root(root), &self.keys()).ok()
    }

    fn snapshot(&mut self, next: (u64, Digest)) -> Option<Vec<u8>> {
        let (seq, prev, origin, scope) = self.link(next, OPERATOR);
        let (created, size) = (self.time(), u64::from(self.byte()));
        let snapshot = Snapshot { created, digest: sha256(b"file"), origin, prev, scope, seq, size };
        envelope::sign(&statement::snapshot(snapshot), &self.keys()).ok()
    }
}

/// How many signers satisfy a condition on the scope's keys of before.
fn signers_with(before: &Chain, envelope: &Envelope, role: Role) -> usize {
    envelope.signers().filter(|id| before.keys().get(id).is_some_and(|key| key.roles.contains(&role))).count()
}

/// What an accepted statement of a scope must be, said again in other words.
fn check_scope(before: &Chain, after: &Chain, envelope: &Envelope, kind: Kind) {
    assert_eq!(after.head(), Some(Head { seq: before.next().0, digest: envelope.digest() }));
    assert!(before.head().is_some() || kind == Kind::Scope, "the first says who may sign");
    let (releases, was) = (after.releases().count(), before.releases().count());
    assert_eq!(releases, was + usize::from(kind == Kind::Release));
    match kind {
        Kind::Release | Kind::Suite => assert!(signers_with(before, envelope, Role::Publish) > 0),
        Kind::Status => assert!(signers_with(before, envelope, Role::Yank) > 0),
        Kind::Scope => {
            if let Some(latest) = before.latest().filter(|_| !before.is_recovery(envelope)) {
                assert!(signers_with(before, envelope, Role::Owner) as u64 >= latest.policy.threshold);
            }
            for (id, key) in after.keys().iter().filter(|(id, _)| !before.keys().contains_key(*id)) {
                assert!(envelope.verify(&key.public).is_ok(), "{id} was enrolled without its own signature");
            }
        }
        Kind::Eval => panic!("a statement of no chain in a scope's"),
        Kind::Snapshot | Kind::Root => panic!("a statement of the operator in a scope's chain"),
    }
}

/// Any sequence of statements against the chain of a scope.
pub fn scope_fold(data: &[u8]) {
    folded_scope(data);
}

/// The same, and how many were accepted.
pub fn folded_scope(data: &[u8]) -> usize {
    let mut choices = Choices(data);
    let scope = "acme".parse().expect("a scope");
    let mut chain = Chain::new(scope, ORIGIN);
    if choices.below(4) == 3 {
        chain = chain.with_operators(vec![KEYS[5].public()]);
    }
    let (empty, mut accepted) = (chain.clone(), Vec::new());
    for _ in 0..MOST.min(data.len()) {
        let next = chain.next();
        let bytes = match choices.below(8) {
            0..=3 => choices.release(next),
            4 | 5 => choices.scope(&chain),
            6 => choices.status(next, "acme"),
            _ => choices.snapshot(next),
        };
        let Some(envelope) = bytes.and_then(|bytes| Envelope::parse(&bytes).ok()) else { continue };
        let before = chain.clone();
        match chain.push(&envelope) {
            Ok(kind) => {
                check_scope(&before, &chain, &envelope, kind);
                accepted.push(envelope);
            }
            Err(_) => assert_eq!(chain, before, "a refused statement changed something"),
        }
        chain.releases().for_each(|(_, _, published)| drop(chain.state(published)));
    }
    let mut again = empty;
    for envelope in &accepted {
        again.push(envelope).expect("accepted before");
    }
    assert_eq!(again, chain);
    accepted.len()
}

/// Any sequence of statements against the operator's chain.
pub fn operator_fold(data: &[u8]) {
    folded_operator(data);
}

/// The same, and how many were accepted.
pub fn folded_operator(data: &[u8]) -> usize {
    let mut choices = Choices(data);
    let (mut chain, mut accepted) = (Operator::new(ORIGIN), Vec::new());
    for _ in 0..MOST.min(data.len()) {
        let next = chain.next();
        let bytes = match choices.below(8) {
            0..=2 => choices.root(next),
            3 | 4 => choices.snapshot(next),
            5 | 6 => choices.status(next, OPERATOR),
            _ => choices.release(next),
        };
        let Some(envelope) = bytes.and_then(|bytes| Envelope::parse(&bytes).ok()) else { continue };
        let before = chain.clone();
        match chain.push(&envelope) {
            Ok(kind) => {
                check_operator(&before, &chain, &envelope, kind);
                accepted.push(envelope);
            }
            Err(_) => assert_eq!(chain, before, "a refused statement changed something"),
        }
    }
    let mut again = Operator::new(ORIGIN);
    for envelope in &accepted {
        again.push(envelope).expect("accepted before");
    }
    assert_eq!(again, chain);
    accepted.len()
}

fn check_operator(before: &Operator, after: &Operator, envelope: &Envelope, kind: Kind) {
    assert_eq!(after.head(), Some(Head { seq: before.next().0, digest: envelope.digest() }));
    assert!(after.latest() >= before.latest());
    let signed = |texts: &[String]| {
        let listed = KEYS.iter().filter(|key| texts.contains(&key.public().to_text()));
        listed.filter(|key| envelope.verify(&key.public()).is_ok()).count() as u64
    };
    match (kind, before.root(), after.root()) {
        (Kind::Root, before, Some(after)) => {
            for root in before.into_iter().chain([after]) {
                assert!(root.threshold > 0 && signed(&root.keys) >= root.threshold);
            }
        }
        (Kind::Snapshot | Kind::Status, Some(root), _) => assert!(signed(&root.operators) > 0),
        _ => panic!("{kind:?} is not the operator's, or came before the root"),
    }
    let size = |chain: &Operator| chain.snapshot().map(|snapshot| snapshot.predicate.size);
    assert!(size(after) >= size(before));
}
