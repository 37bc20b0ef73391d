//! Statements as they must be: building them, and checking what a signed payload says.
//!
//! [`skill_schema::statement`] has the members; here are the rules between them. A statement that passes [`Body::check`] names its
//! subject consistently, and every text in it has the form that its member asks for.

mod measured;

use std::collections::{BTreeMap, BTreeSet};

use skill_schema::{
    Digest, Fault, Scope, SkillId, Version, codes,
    name::OPERATOR,
    statement::{
        MAX_NOTE, MAX_RECOVERY_DELAY, MIN_RECOVERY_DELAY, Parent, Predicate, REASONS, Release, Root, SKILL_TREE_V1,
        STATEMENT_TYPE, ScopeKeys, Snapshot, Statement, Status, Subject,
    },
    version::parse_version,
};

pub use measured::{eval, eval_tree, suite, suite_digest};

use crate::{hash::sha256, keys::PublicKey, note::VerifierKey};

/// Name of the digest of the archive, or of a scope's name, in `subject.digest`.
const SHA_256: &str = "sha256";
/// Entries of any list in a statement: more do not fit into an envelope anyway.
const MAX_LIST: usize = 256;
/// Bytes of a text without a form of its own (licence, origin).
const MAX_TEXT: usize = 256;

/// A predicate whose statements can be checked by themselves.
pub trait Body: Predicate {
    /// Checks every rule that needs nothing but the statement ([`codes::STATEMENT`]).
    fn check(statement: &Statement<Self>) -> Result<(), Fault>
    where
        Self: Sized;
}

/// The statement that a version was published. `archive` is the digest of the `.tar.gz`, `tree` that of its files.
pub fn release(predicate: Release, archive: Digest, tree: Digest) -> Statement<Release> {
    let name = format!("{}/{}@{}", predicate.scope, predicate.name, predicate.version);
    wrap(predicate, name, version_digests(archive, tree))
}

/// The statement of who may sign for a scope.
pub fn scope(predicate: ScopeKeys) -> Statement<ScopeKeys> {
    let name = predicate.scope.clone();
    let digest = BTreeMap::from([(SHA_256.to_owned(), sha256(name.as_bytes()))]);
    wrap(predicate, name, digest)
}

/// The statement that a version changed its state; digests as in its release.
pub fn status(predicate: Status, id: &SkillId, version: &Version, archive: Digest, tree: Digest) -> Statement<Status> {
    wrap(predicate, format!("{id}@{version}"), version_digests(archive, tree))
}

/// The statement of what the registry offered at a size of its log.
pub fn snapshot(predicate: Snapshot) -> Statement<Snapshot> {
    let name = format!("{}@{}", predicate.origin, predicate.size);
    let digest = BTreeMap::from([(SHA_256.to_owned(), predicate.digest)]);
    wrap(predicate, name, digest)
}

/// The statement of who operates a registry.
pub fn root(predicate: Root) -> Statement<Root> {
    let (name, digest) = (predicate.origin.clone(), root_digest(&predicate));
    wrap(predicate, name, digest)
}

fn root_digest(root: &Root) -> BTreeMap<String, Digest> {
    let key = root.logs.first().map_or("", String::as_str);
    BTreeMap::from([(SHA_256.to_owned(), sha256(key.as_bytes()))])
}

fn version_digests(archive: Digest, tree: Digest) -> BTreeMap<String, Digest> {
    BTreeMap::from([(SHA_256.to_owned(), archive), (SKILL_TREE_V1.to_owned(), tree)])
}

fn wrap<P: Predicate>(predicate: P, name: String, digest: BTreeMap<String, Digest>) -> Statement<P> {
    Statement {
        kind: STATEMENT_TYPE.to_owned(),
        predicate,
        predicate_type: P::KIND.predicate_type().to_owned(),
        subject: vec![Subject { digest, name }],
    }
}

/// The one subject of a statement.
pub fn subject<P: Predicate>(statement: &Statement<P>) -> Result<&Subject, Fault> {
    match statement.subject.as_slice() {
        [subject] => Ok(subject),
        _ => Err(wrong("subject: exactly one is expected")),
    }
}

/// The digests of a version's subject: of the archive, and of the tree.
pub fn digests<P: Predicate>(statement: &Statement<P>) -> Result<(Digest, Digest), Fault> {
    let digest = &subject(statement)?.digest;
    match (digest.len(), digest.get(SHA_256), digest.get(SKILL_TREE_V1)) {
        (2, Some(archive), Some(tree)) => Ok((*archive, *tree)),
        _ => Err(wrong("subject.digest: exactly sha256 and skillTreeV1 are expected")),
    }
}

/// Splits `scope/name@version`.
pub fn parse_reference(text: &str) -> Result<(SkillId, Version), Fault> {
    let (id, version) = text.split_once('@').ok_or_else(|| wrong("expected scope/name@version"))?;
    Ok((id.parse()?, parse_version(version)?))
}

fn wrong(detail: impl Into<String>) -> Fault {
    Fault::new(codes::STATEMENT).detail(detail)
}

fn ensure(holds: bool, detail: &str) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(wrong(detail)) }
}

/// What every statement has in common.
fn check_common<P: Predicate>(statement: &Statement<P>) -> Result<(), Fault> {
    ensure(statement.kind == STATEMENT_TYPE, "_type")?;
    ensure(statement.predicate_type == P::KIND.predicate_type(), "predicateType")?;
    subject(statement)?;
    let origin = statement.predicate.origin();
    check_text(origin, "origin")?;
    ensure(!origin.is_empty(), "origin: empty")?;
    let Some(link) = statement.predicate.link() else { return Ok(()) };
    ensure(link.seq > 0, "seq: the first is 1")?;
    ensure((link.seq == 1) == (link.prev == Digest::ZERO), "prev: zero for seq 1 and only there")
}

/// Text without a form of its own: short, and without control characters.
fn check_text(text: &str, member: &str) -> Result<(), Fault> {
    ensure(
        text.len() <= MAX_TEXT && !text.contains(char::is_control),
        &format!("{member}: too long, or control characters"),
    )
}

impl Body for Release {
    fn check(statement: &Statement<Self>) -> Result<(), Fault> {
        check_common(statement)?;
        let release = &statement.predicate;
        let (id, version) = parse_reference(&subject(statement)?.name)?;
        ensure(id.scope.as_str() == release.scope, "scope differs from the subject's")?;
        ensure(id.name.as_str() == release.name, "name differs from the subject's")?;
        ensure(version.to_string() == release.version, "version differs from the subject's")?;
        digests(statement)?;
        check_text(release.license.as_deref().unwrap_or_default(), "license")?;
        ensure(release.evals.len() <= MAX_LIST, "evals: too many")?;
        if let Some(Parent { reference, .. }) = &release.parent {
            parse_reference(reference)?;
        }
        Ok(())
    }
}

impl Body for Status {
    fn check(statement: &Statement<Self>) -> Result<(), Fault> {
        check_common(statement)?;
        let status = &statement.predicate;
        let (id, _) = parse_reference(&subject(statement)?.name)?;
        let is_operator = status.scope == OPERATOR;
        ensure(is_operator || id.scope.as_str() == status.scope, "scope differs from the subject's")?;
        digests(statement)?;
        ensure(status.note.len() <= MAX_NOTE, "note: too long")?;
        ensure(REASONS.contains(&status.reason.as_str()), "reason: not one of the known ones")
    }
}

impl Body for ScopeKeys {
    fn check(statement: &Statement<Self>) -> Result<(), Fault> {
        check_common(statement)?;
        let scope = &statement.predicate;
        let name: Scope = scope.scope.parse()?;
        let subject = subject(statement)?;
        let digest = BTreeMap::from([(SHA_256.to_owned(), sha256(name.as_str().as_bytes()))]);
        ensure(
            subject.name == name.as_str() && subject.digest == digest,
            "subject: the scope and the SHA-256 of its name",
        )?;
        let lists = [scope.keys.len(), scope.recovery.len(), scope.revoked.len(), scope.policy.verifiers.len()];
        ensure(lists.into_iter().all(|n| n <= MAX_LIST), "a list is too long")?;
        check_keys(scope)
    }
}

impl Body for Snapshot {
    fn check(statement: &Statement<Self>) -> Result<(), Fault> {
        check_common(statement)?;
        let (snapshot, subject) = (&statement.predicate, subject(statement)?);
        ensure(snapshot.scope == OPERATOR, "scope: the operator's")?;
        ensure(subject.name == format!("{}@{}", snapshot.origin, snapshot.size), "subject: the origin and the size")?;
        ensure(subject.digest == BTreeMap::from([(SHA_256.to_owned(), snapshot.digest)]), "subject: the file's digest")
    }
}

impl Body for Root {
    fn check(statement: &Statement<Self>) -> Result<(), Fault> {
        check_common(statement)?;
        let (root, subject) = (&statement.predicate, subject(statement)?);
        ensure(root.scope == OPERATOR, "scope: the operator's")?;
        ensure(
            subject.name == root.origin && subject.digest == root_digest(root),
            "subject: the origin and the log key",
        )?;
        let lists = [root.keys.len(), root.logs.len(), root.operators.len(), root.verifiers.len()];
        ensure(lists.into_iter().all(|n| n <= MAX_LIST), "a list is too long")?;
        ensure(!root.logs.is_empty() && !root.operators.is_empty(), "logs, operators: empty")?;
        ensure((1..=root.keys.len() as u64).contains(&root.threshold), "threshold: from 1 to the number of root keys")?;
        let mut seen = BTreeSet::new();
        for log in &root.logs {
            let key: VerifierKey = log.parse()?;
            ensure(key.name() == root.origin, "logs: a key of another log")?;
            ensure(seen.insert(key.key().keyid()), "logs: a key serves two roles")?;
        }
        for text in root.keys.iter().chain(&root.operators).chain(&root.verifiers) {
            ensure(seen.insert(PublicKey::from_text(text)?.keyid()), "keys: one serves two roles")?;
        }
        Ok(())
    }
}

/// Keys are sound and listed once, roles are sorted, and the threshold can be met.
fn check_keys(scope: &ScopeKeys) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for key in &scope.keys {
        ensure(seen.insert(PublicKey::from_text(&key.key)?.keyid()), "keys: one is listed twice")?;
        ensure(!key.roles.is_empty() && key.roles.is_sorted_by(|a, b| a < b), "roles: not sorted, repeated or empty")?;
    }
    for recovery in &scope.recovery {
        ensure(seen.insert(PublicKey::from_text(&recovery.key)?.keyid()), "recovery: a key serves two roles")?;
        let sensible = (MIN_RECOVERY_DELAY..=MAX_RECOVERY_DELAY).contains(&recovery.delay_hours);
        ensure(sensible, "recovery: delayHours is not from 24 (a day) to 2160 (90 days)")?;
    }
    let mut revoked = BTreeSet::new();
    for entry in &scope.revoked {
        ensure(revoked.insert(entry.keyid), "revoked: one is listed twice")?;
        ensure(!seen.contains(&entry.keyid), "revoked: the key is still listed")?;
    }
    let owners =
        scope.keys.iter().filter(|key| key.roles.contains(&skill_schema::statement::Role::Owner)).count() as u64;
    ensure((1..=owners).contains(&scope.policy.threshold), "policy.threshold: from 1 to the number of owner keys")
}
