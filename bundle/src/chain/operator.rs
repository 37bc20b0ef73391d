//! The operator's chain, folded in order: who operates the registry, what the operator said of versions, and when last.
//!
//! Its statements have the scope `_operator`. It begins with a `root` statement, which the log's key vouches for by having it in the
//! log; each later one is signed by enough of the root keys of before and of its own.

use std::collections::BTreeMap;

use skill_schema::{
    Digest, Fault, codes,
    name::OPERATOR,
    statement::{Kind, Root, Snapshot, State, Statement, Status},
    time::Timestamp,
};

use super::{Head, Signed, continued};
use crate::{
    envelope::Envelope,
    keys::PublicKey,
    statement::{self, Body},
};

/// A folded operator's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    origin: String,
    head: Option<Head>,
    roots: Vec<Signed<Root>>,
    statuses: BTreeMap<String, Signed<Status>>,
    snapshot: Option<Signed<Snapshot>>,
    latest: Option<Timestamp>,
}

impl Operator {
    /// The empty chain of a log.
    pub fn new(origin: impl Into<String>) -> Self {
        let (roots, statuses) = (Vec::new(), BTreeMap::new());
        Self { origin: origin.into(), head: None, roots, statuses, snapshot: None, latest: None }
    }

    /// Checks the next statement and adds it; nothing changes on an error. Codes as [`super::Chain::push`].
    pub fn push(&mut self, envelope: &Envelope) -> Result<Kind, Fault> {
        let kind = envelope.kind()?;
        if self.roots.is_empty() && kind != Kind::Root {
            return Err(chain_fault("the first statement must say who operates the registry"));
        }
        let created = match kind {
            Kind::Root => self.push_root(envelope)?,
            Kind::Snapshot => {
                let statement: Statement<Snapshot> = self.read(envelope)?;
                let signed = self.by_operator(envelope, statement.predicate)?;
                if self.snapshot.as_ref().is_some_and(|before| before.predicate.size > signed.predicate.size) {
                    return Err(chain_fault("a snapshot of a smaller log than the one before"));
                }
                self.snapshot.insert(signed).predicate.created
            }
            Kind::Status => self.push_status(envelope)?,
            Kind::Release | Kind::Scope | Kind::Suite | Kind::Eval => {
                return Err(chain_fault(&format!("{} statements are a publisher's", kind.as_str())));
            }
        };
        self.latest = self.latest.max(Some(created));
        self.head = Some(Head { seq: self.next().0, digest: envelope.digest() });
        Ok(kind)
    }

    /// What the next statement must carry: `seq` and `prev`.
    pub fn next(&self) -> (u64, Digest) {
        self.head.map_or((1, Digest::ZERO), |head| (head.seq + 1, head.digest))
    }

    /// The last statement, if there is one.
    pub fn head(&self) -> Option<Head> {
        self.head
    }

    /// Who operates the registry now.
    pub fn root(&self) -> Option<&Root> {
        self.roots.last().map(|root| &root.predicate)
    }

    /// Every key that was ever an operator's: what one of them signed once stays signed.
    pub fn operators(&self) -> Vec<PublicKey> {
        let texts = self.roots.iter().flat_map(|root| &root.predicate.operators);
        let mut keys: Vec<PublicKey> = Vec::new();
        for key in texts.filter_map(|text| PublicKey::from_text(text).ok()) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// The operator's last word on `scope/name@version`, if there is one.
    pub fn status(&self, reference: &str) -> Option<&Signed<Status>> {
        self.statuses.get(reference)
    }

    /// The last snapshot.
    pub fn snapshot(&self) -> Option<&Signed<Snapshot>> {
        self.snapshot.as_ref()
    }

    /// The latest time that one of the statements gives itself: so long ago at the most was the log alive.
    pub fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    fn read<P: Body>(&self, envelope: &Envelope) -> Result<Statement<P>, Fault> {
        continued(envelope, OPERATOR, &self.origin, self.next())
    }

    fn push_root(&mut self, envelope: &Envelope) -> Result<Timestamp, Fault> {
        let statement: Statement<Root> = self.read(envelope)?;
        let root = statement.predicate;
        let before = self.root();
        let known: Vec<PublicKey> = before.into_iter().chain([&root]).flat_map(|root| keys(&root.keys)).collect();
        verify_all(envelope, &known)?;
        for root in before.into_iter().chain([&root]) {
            let listed = keys(&root.keys);
            let signed = listed.iter().filter(|key| envelope.signers().any(|id| id == key.keyid())).count() as u64;
            if signed < root.threshold {
                let detail = format!("signed by {signed} root keys of at least {}", root.threshold);
                return Err(Fault::new(codes::KEY_ROLE).at(OPERATOR).detail(detail));
            }
        }
        let created = root.created;
        self.roots.push(self.signed(envelope, root));
        Ok(created)
    }

    fn push_status(&mut self, envelope: &Envelope) -> Result<Timestamp, Fault> {
        let statement: Statement<Status> = self.read(envelope)?;
        let reference = statement::subject(&statement)?.name.clone();
        if statement.predicate.state == State::Yanked {
            return Err(Fault::new(codes::KEY_ROLE).at(reference).detail("only its publisher yanks a version"));
        }
        let removed = self.statuses.get(&reference).is_some_and(|last| last.predicate.state == State::Removed);
        if removed && statement.predicate.state != State::Removed {
            return Err(Fault::new(codes::STATEMENT).at(reference).detail("what was removed does not come back"));
        }
        let signed = self.by_operator(envelope, statement.predicate)?;
        let created = signed.predicate.created;
        self.statuses.insert(reference, signed);
        Ok(created)
    }

    /// A statement that an operator of now signed, and nobody else.
    fn by_operator<P>(&self, envelope: &Envelope, predicate: P) -> Result<Signed<P>, Fault> {
        let operators: Vec<PublicKey> = self.root().into_iter().flat_map(|root| keys(&root.operators)).collect();
        verify_all(envelope, &operators)?;
        Ok(self.signed(envelope, predicate))
    }

    fn signed<P>(&self, envelope: &Envelope, predicate: P) -> Signed<P> {
        let (seq, signers) = (self.next().0, envelope.signers().collect());
        Signed { predicate, seq, envelope: envelope.digest(), signers }
    }
}

/// Keys that [`Body::check`] has found to be sound.
fn keys(texts: &[String]) -> Vec<PublicKey> {
    texts.iter().filter_map(|text| PublicKey::from_text(text).ok()).collect()
}

/// Every signature is by one of these keys and verifies.
fn verify_all(envelope: &Envelope, known: &[PublicKey]) -> Result<(), Fault> {
    for keyid in envelope.signers() {
        let key = known.iter().find(|key| key.keyid() == keyid);
        envelope.verify(key.ok_or_else(|| Fault::new(codes::KEY_UNKNOWN).at(keyid.to_string()))?)?;
    }
    Ok(())
}

fn chain_fault(detail: &str) -> Fault {
    Fault::new(codes::CHAIN).at(OPERATOR).detail(detail)
}

#[cfg(test)]
mod tests {
    use skill_schema::{Version, statement::Freshness};

    use super::*;
    use crate::{
        envelope,
        hash::sha256,
        keys::SecretKey,
        note::{Algorithm, VerifierKey},
    };

    const ORIGIN: &str = "a.test/log";

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed(&[seed; 32])
    }

    fn text(seed: u8) -> String {
        key(seed).public().to_text()
    }

    fn root(chain: &Operator, keys: &[u8], threshold: u64, operators: &[u8]) -> Root {
        let (seq, prev) = chain.next();
        Root {
            created: Timestamp::from_unix(1_000 * seq),
            freshness: Freshness { hours: 72 },
            keys: keys.iter().copied().map(text).collect(),
            logs: vec![VerifierKey::new(ORIGIN, Algorithm::Ed25519, key(2).public()).unwrap().to_string()],
            operators: operators.iter().copied().map(text).collect(),
            origin: ORIGIN.into(),
            prev,
            scope: OPERATOR.into(),
            seq,
            threshold,
            verifiers: vec![],
        }
    }

    fn signed_root(root: Root, signers: &[u8]) -> Envelope {
        let secrets: Vec<SecretKey> = signers.iter().copied().map(key).collect();
        let bytes = envelope::sign(&statement::root(root), &secrets.iter().collect::<Vec<_>>()).unwrap();
        Envelope::parse(&bytes).unwrap()
    }

    fn begun() -> Operator {
        let mut chain = Operator::new(ORIGIN);
        chain.push(&signed_root(root(&chain, &[10, 11, 12], 2, &[20]), &[10, 11])).unwrap();
        chain
    }

    fn status(chain: &Operator, state: State, signer: u8) -> Envelope {
        let (seq, prev) = chain.next();
        let status = Status {
            created: Timestamp::from_unix(5_000),
            note: String::new(),
            origin: ORIGIN.into(),
            prev,
            reason: "malicious".into(),
            scope: OPERATOR.into(),
            seq,
            state,
        };
        let id = "acme/demo".parse().unwrap();
        let statement = statement::status(status, &id, &Version::new(1, 0, 0), sha256(b"a"), sha256(b"t"));
        Envelope::parse(&envelope::sign(&statement, &[&key(signer)]).unwrap()).unwrap()
    }

    fn snapshot(chain: &Operator, size: u64, signer: u8) -> Envelope {
        let (seq, prev) = chain.next();
        let (origin, scope) = (ORIGIN.to_owned(), OPERATOR.to_owned());
        let created = Timestamp::from_unix(9_000);
        let snapshot = Snapshot { created, digest: sha256(b"file"), origin, prev, scope, seq, size };
        Envelope::parse(&envelope::sign(&statement::snapshot(snapshot), &[&key(signer)]).unwrap()).unwrap()
    }

    #[test]
    fn a_root_needs_enough_keys_of_before_and_of_its_own() {
        let mut chain = Operator::new(ORIGIN);
        let first = root(&chain, &[10, 11, 12], 2, &[20]);
        assert_eq!(chain.push(&signed_root(first.clone(), &[10])).unwrap_err().code, codes::KEY_ROLE);
        assert_eq!(chain.push(&signed_root(first.clone(), &[10, 11, 99])).unwrap_err().code, codes::KEY_UNKNOWN);
        chain.push(&signed_root(first, &[10, 12])).unwrap();
        let next = root(&chain, &[30], 1, &[20, 21]);
        for few in [&[10, 30][..], &[10, 11], &[30]] {
            assert_eq!(chain.push(&signed_root(next.clone(), few)).unwrap_err().code, codes::KEY_ROLE, "{few:?}");
        }
        chain.push(&signed_root(next, &[10, 11, 30])).unwrap();
        assert_eq!(chain.root().unwrap().threshold, 1);
        chain.push(&signed_root(root(&chain, &[30], 1, &[21]), &[30])).unwrap();
        assert_eq!(chain.operators(), [key(20).public(), key(21).public()]);
        assert_eq!(chain.push(&snapshot(&chain, 3, 20)).unwrap_err().code, codes::KEY_UNKNOWN, "no operator any more");
    }

    #[test]
    fn only_an_operator_quarantines_and_what_was_removed_stays_removed() {
        let mut chain = begun();
        assert_eq!(chain.push(&status(&chain, State::Quarantined, 10)).unwrap_err().code, codes::KEY_UNKNOWN);
        assert_eq!(chain.push(&status(&chain, State::Yanked, 20)).unwrap_err().code, codes::KEY_ROLE);
        for state in [State::Quarantined, State::Active, State::Removed] {
            chain.push(&status(&chain, state, 20)).unwrap();
            assert_eq!(chain.status("acme/demo@1.0.0").unwrap().predicate.state, state);
        }
        assert_eq!(chain.push(&status(&chain, State::Active, 20)).unwrap_err().code, codes::STATEMENT);
        assert_eq!(chain.status("acme/demo@2.0.0"), None);
    }

    #[test]
    fn a_snapshot_shows_that_the_log_is_alive_and_never_shrinks() {
        let mut chain = begun();
        assert_eq!(chain.latest(), Some(Timestamp::from_unix(1_000)));
        chain.push(&snapshot(&chain, 8, 20)).unwrap();
        assert_eq!((chain.latest(), chain.snapshot().unwrap().predicate.size), (Some(Timestamp::from_unix(9_000)), 8));
        assert_eq!(chain.push(&snapshot(&chain, 7, 20)).unwrap_err().code, codes::CHAIN);
        let head = chain.head();
        assert_eq!(chain.push(&snapshot(&begun(), 9, 20)).unwrap_err().code, codes::CHAIN, "not its place");
        assert_eq!(chain.head(), head);
    }

    #[test]
    fn a_chain_begins_with_its_root_and_keeps_to_its_kinds() {
        let mut chain = Operator::new(ORIGIN);
        assert_eq!(chain.push(&snapshot(&chain, 1, 20)).unwrap_err().code, codes::CHAIN);
        let mut twice = root(&chain, &[10, 10], 1, &[20]);
        let sealed = |root: Root| envelope::sign(&statement::root(root), &[&key(10)]).unwrap();
        for (spoil, what) in [(10, "a key twice"), (2, "the log's key"), (20, "the operator's key")] {
            twice.keys[1] = text(spoil);
            let envelope = Envelope::parse(&sealed(twice.clone())).unwrap();
            assert_eq!(chain.push(&envelope).unwrap_err().code, codes::STATEMENT, "{what}");
        }
    }
}
