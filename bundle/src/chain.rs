//! A scope's chain of statements, folded in order: who may sign now, and what was published.
//!
//! The registry folds a chain to decide whether to accept the next statement; a client folds the same chain to decide whether to believe
//! the index. Both use [`Chain::push`], which checks everything or changes nothing: form, numbering, origin, signatures, roles.

mod operator;
mod recovery;
mod signers;
mod suites;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use skill_schema::{
    Digest, Fault, Scope, SkillName, Version, codes,
    statement::{Kind, Link, Release, Role, ScopeKeys, State, Statement, Status},
    time::Timestamp,
    version::parse_version,
};

use crate::{
    envelope::Envelope,
    keys::PublicKey,
    statement::{self, Body},
};
pub use operator::Operator;
pub use suites::PublishedSuite;

/// The last statement of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Its number, from 1.
    pub seq: u64,
    /// SHA-256 of its envelope.
    pub digest: Digest,
}

/// A statement of the chain: where it stands, and who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<P> {
    /// What it says.
    pub predicate: P,
    /// Its number.
    pub seq: u64,
    /// SHA-256 of its envelope.
    pub envelope: Digest,
    /// The ids of the scope's keys whose signatures give it force: those with the role that it needs.
    pub signers: Vec<Digest>,
}

/// A published version, as its publisher signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The release statement.
    pub release: Signed<Release>,
    /// SHA-256 of the `.tar.gz`.
    pub archive: Digest,
    /// The tree digest.
    pub tree: Digest,
    /// What was said about it later, oldest first.
    pub statuses: Vec<Signed<Status>>,
}

/// A key of the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub public: PublicKey,
    /// What it may sign.
    pub roles: Vec<Role>,
    /// From when, compared with the time that a statement gives itself.
    pub valid_from: Timestamp,
}

/// A folded chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    scope: Scope,
    origin: String,
    operators: Vec<PublicKey>,
    head: Option<Head>,
    latest: Option<ScopeKeys>,
    keys: BTreeMap<Digest, Key>,
    releases: BTreeMap<(SkillName, Version), Published>,
    suites: BTreeMap<(SkillName, Version), PublishedSuite>,
}

impl Chain {
    /// The empty chain of a scope in a log.
    pub fn new(scope: Scope, origin: impl Into<String>) -> Self {
        Self {
            scope,
            origin: origin.into(),
            operators: Vec::new(),
            head: None,
            latest: None,
            keys: BTreeMap::new(),
            releases: BTreeMap::new(),
            suites: BTreeMap::new(),
        }
    }

    /// Demands that the first statement is also signed by one of these keys, those of the registry's operator. Without them, one
    /// signature by a key that the statement does not list is let pass there, unchecked and without force.
    #[must_use]
    pub fn with_operators(mut self, operators: Vec<PublicKey>) -> Self {
        self.operators = operators;
        self
    }

    /// Checks the next statement and adds it. Nothing changes on an error: [`codes::CHAIN`] for numbering, origin and scope,
    /// [`codes::KEY_UNKNOWN`], [`codes::KEY_ROLE`], [`codes::THRESHOLD`], [`codes::KEY_REVOKED`] and [`codes::SIGNATURE`] for who signed,
    /// [`codes::VERSION_EXISTS`], and [`codes::STATEMENT`] for what it says.
    pub fn push(&mut self, envelope: &Envelope) -> Result<Kind, Fault> {
        let kind = envelope.kind()?;
        match kind {
            Kind::Scope => self.push_scope(envelope)?,
            Kind::Release => self.push_release(envelope)?,
            Kind::Status => self.push_status(envelope)?,
            Kind::Suite => self.push_suite(envelope)?,
            Kind::Eval | Kind::Snapshot | Kind::Root => {
                let detail = format!("{} statements do not belong to a scope", kind.as_str());
                return Err(Fault::new(codes::CHAIN).at(self.scope.as_str()).detail(detail));
            }
        }
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

    /// Whose chain it is.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The latest statement about the scope itself: keys, policy, recovery keys, revocations.
    pub fn latest(&self) -> Option<&ScopeKeys> {
        self.latest.as_ref()
    }

    /// The scope's keys now, by their ids.
    pub fn keys(&self) -> &BTreeMap<Digest, Key> {
        &self.keys
    }

    /// The ids of the keys that count as owners at this time, sorted.
    pub fn owners(&self, now: Timestamp) -> impl Iterator<Item = Digest> {
        let owners = self.keys.iter().filter(|(_, key)| key.roles.contains(&Role::Owner));
        owners.filter(move |(_, key)| key.valid_from <= now).map(|(keyid, _)| *keyid)
    }

    /// All published versions, by name and version.
    pub fn releases(&self) -> impl Iterator<Item = (&SkillName, &Version, &Published)> {
        self.releases.iter().map(|((name, version), published)| (name, version, published))
    }

    /// One published version.
    pub fn release(&self, name: &SkillName, version: &Version) -> Option<&Published> {
        self.releases.get(&(name.clone(), version.clone()))
    }

    /// Whether a key's signatures at this number count for nothing, by what the chain says today.
    pub fn is_revoked(&self, keyid: Digest, seq: u64) -> bool {
        let revoked = self.latest.iter().flat_map(|scope| &scope.revoked);
        revoked.into_iter().any(|entry| entry.keyid == keyid && entry.from_seq <= seq)
    }

    /// The state of a version by its publisher's word today. [`codes::KEY_REVOKED`] if every key that signed the release was later
    /// revoked from that point on or before it. Statuses signed by such keys are passed over.
    pub fn state(&self, published: &Published) -> Result<State, Fault> {
        if !self.has_force(&published.release) {
            return Err(Fault::new(codes::KEY_REVOKED).at(format!(
                "{}/{}@{}",
                self.scope, published.release.predicate.name, published.release.predicate.version
            )));
        }
        let last = published.statuses.iter().rev().find(|status| self.has_force(status));
        Ok(last.map_or(State::Active, |status| status.predicate.state))
    }

    fn has_force<P>(&self, signed: &Signed<P>) -> bool {
        signed.signers.iter().any(|keyid| !self.is_revoked(*keyid, signed.seq))
    }

    fn push_scope(&mut self, envelope: &Envelope) -> Result<(), Fault> {
        let statement: Statement<ScopeKeys> = self.read(envelope)?;
        let change = statement.predicate;
        let keys = signers::keys_of(&change)?;
        self.check_revocations(&change)?;
        match &self.latest {
            None => self.check_first(envelope, &change, &keys)?,
            Some(before) if self.is_recovery(envelope) => self.check_recovery(envelope, &change, &keys, before)?,
            Some(before) => self.check_change(envelope, &change, &keys, before)?,
        }
        self.keys = keys;
        self.latest = Some(change);
        Ok(())
    }

    fn push_release(&mut self, envelope: &Envelope) -> Result<(), Fault> {
        let statement: Statement<Release> = self.read(envelope)?;
        let (archive, tree) = statement::digests(&statement)?;
        let release = statement.predicate;
        let signers = self.signers_with(envelope, Role::Publish, release.created)?;
        let key = (release.name.parse()?, parse_version(&release.version)?);
        if self.releases.contains_key(&key) {
            return Err(Fault::new(codes::VERSION_EXISTS).at(format!("{}/{}@{}", self.scope, key.0, key.1)));
        }
        self.check_parent(&release)?;
        let release = Signed { predicate: release, seq: self.next().0, envelope: envelope.digest(), signers };
        self.releases.insert(key, Published { release, archive, tree, statuses: Vec::new() });
        Ok(())
    }

    /// A parent in the same scope must be a version of this chain, with the tree that was signed for it.
    fn check_parent(&self, release: &Release) -> Result<(), Fault> {
        let Some(parent) = &release.parent else { return Ok(()) };
        let (id, version) = statement::parse_reference(&parent.reference)?;
        if id.scope != self.scope {
            return Ok(());
        }
        match self.releases.get(&(id.name, version)) {
            Some(published) if published.tree == parent.tree => Ok(()),
            _ => Err(Fault::new(codes::STATEMENT)
                .at(&parent.reference)
                .detail("parent: no such version or another tree")),
        }
    }

    fn push_status(&mut self, envelope: &Envelope) -> Result<(), Fault> {
        let statement: Statement<Status> = self.read(envelope)?;
        let digests = statement::digests(&statement)?;
        let reference = statement::subject(&statement)?.name.clone();
        let status = statement.predicate;
        let signers = self.signers_with(envelope, Role::Yank, status.created)?;
        if !matches!(status.state, State::Active | State::Yanked) {
            return Err(Fault::new(codes::KEY_ROLE).at(reference).detail("only the operator quarantines and removes"));
        }
        let (id, version) = statement::parse_reference(&reference)?;
        let seq = self.next().0;
        match self.releases.get_mut(&(id.name, version)) {
            Some(published) if (published.archive, published.tree) == digests => {
                published.statuses.push(Signed { predicate: status, seq, envelope: envelope.digest(), signers });
                Ok(())
            }
            _ => {
                Err(Fault::new(codes::STATEMENT).at(reference).detail("no such version in the chain, or other digests"))
            }
        }
    }

    /// Reads a statement of this chain that continues it.
    fn read<P: Body>(&self, envelope: &Envelope) -> Result<Statement<P>, Fault> {
        let statement = continued(envelope, self.scope.as_str(), &self.origin, self.next())?;
        if self.head.is_none() && P::KIND != Kind::Scope {
            let detail = "the first statement must say who may sign";
            return Err(Fault::new(codes::CHAIN).at(self.scope.as_str()).detail(detail));
        }
        Ok(statement)
    }
}

/// Reads a statement that must have this place in the chain of a scope: the scope's own, or the operator's ([`codes::CHAIN`]).
fn continued<P: Body>(
    envelope: &Envelope,
    own_scope: &str,
    own_origin: &str,
    (expected_seq, expected_prev): (u64, Digest),
) -> Result<Statement<P>, Fault> {
    let statement: Statement<P> = envelope.statement()?;
    let origin = statement.predicate.origin();
    let broken = |detail: String| Err(Fault::new(codes::CHAIN).at(own_scope).detail(detail));
    let Some(Link { scope, seq, prev }) = statement.predicate.link() else {
        return broken("a statement that stands in no chain".to_owned());
    };
    if scope != own_scope {
        return broken(format!("a statement of the scope {scope}"));
    }
    if origin != own_origin {
        return broken(format!("meant for {origin} rather than {own_origin}"));
    }
    if seq != expected_seq {
        return broken(format!("number {seq} where {expected_seq} is expected"));
    }
    if prev != expected_prev {
        return broken(format!("number {seq} does not name the statement before it"));
    }
    Ok(statement)
}
