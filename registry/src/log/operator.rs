//! The statements that the registry itself signs: who operates it, what it offered when, and which versions it withholds.

use std::fmt::Write;

use skill_bundle::{envelope, envelope::Envelope, statement};
use skill_schema::{
    Digest, SkillId, Version,
    index::LineStatus,
    name::OPERATOR,
    statement::{Freshness, Root, Snapshot, State, Status},
    time::Timestamp,
};

use crate::{
    data::Identity,
    error::Error,
    store::{
        batch::SnapshotRow,
        event::{Head, NewStatement},
        yank::NewStatus,
    },
};

/// Hours that a client believes a log without a new statement of the operator: three times what passes between two heartbeats.
const FRESH_HOURS: u64 = 72;

/// What the operator says of a version.
#[derive(Debug, Clone)]
pub struct Hold {
    /// The skill.
    pub id: SkillId,
    /// The version.
    pub version: Version,
    /// SHA-256 of its archive.
    pub archive: Digest,
    /// Its tree digest.
    pub tree: Digest,
    /// Quarantined, removed, or active again.
    pub state: State,
    /// A reason code.
    pub reason: String,
    /// For people.
    pub note: String,
}

/// The statement of who operates the registry, after those of the operator's chain. Needs the root key, which is in the data folder until
/// the operator moves it away.
pub fn root(identity: &Identity, after: Head, verifiers: &[String], created: Timestamp) -> Result<NewStatement, Error> {
    let missing = || Error::Start("root.pem is needed to say who operates the registry and who verifies".to_owned());
    let key = identity.root.as_ref().ok_or_else(missing)?;
    let root = Root {
        created,
        freshness: Freshness { hours: FRESH_HOURS },
        keys: vec![key.public().to_text()],
        logs: vec![identity.log_key.to_string()],
        operators: vec![identity.operator.public().to_text()],
        origin: identity.origin.clone(),
        prev: after.stmt,
        scope: OPERATOR.to_owned(),
        seq: after.seq + 1,
        threshold: 1,
        verifiers: verifiers.to_vec(),
    };
    let envelope = Envelope::parse(&envelope::sign(&statement::root(root.clone()), &[key])?)?;
    Ok(NewStatement::new(&envelope, &root, OPERATOR))
}

/// The file of a snapshot: a line of JSON per skill, sorted by name. Names need no escaping.
pub fn snapshot_file(rows: &[SnapshotRow]) -> String {
    rows.iter().fold(String::new(), |mut text, (pkg, log, sha256)| {
        let _ = writeln!(text, "{{\"log\":{log},\"pkg\":\"{pkg}\",\"sha256\":\"{sha256}\"}}");
        text
    })
}

/// The statement that a snapshot's file was what the registry offered at a size of its log.
pub fn snapshot(
    identity: &Identity,
    after: Head,
    size: u64,
    digest: Digest,
    created: Timestamp,
) -> Result<NewStatement, Error> {
    let (origin, scope) = (identity.origin.clone(), OPERATOR.to_owned());
    let snapshot = Snapshot { created, digest, origin, prev: after.stmt, scope, seq: after.seq + 1, size };
    let bytes = envelope::sign(&statement::snapshot(snapshot.clone()), &[&identity.operator])?;
    let subject = format!("{}@{size}", identity.origin);
    Ok(NewStatement::new(&Envelope::parse(&bytes)?, &snapshot, subject))
}

/// The statement by which the operator withholds a version or gives it back.
pub fn hold(identity: &Identity, after: Head, hold: &Hold, created: Timestamp) -> Result<NewStatus, Error> {
    let status = Status {
        created,
        note: hold.note.clone(),
        origin: identity.origin.clone(),
        prev: after.stmt,
        reason: hold.reason.clone(),
        scope: OPERATOR.to_owned(),
        seq: after.seq + 1,
        state: hold.state,
    };
    let statement = statement::status(status.clone(), &hold.id, &hold.version, hold.archive, hold.tree);
    let envelope = Envelope::parse(&envelope::sign(&statement, &[&identity.operator])?)?;
    // Signed by us, but checked like anybody else's.
    let status = envelope.statement::<Status>()?.predicate;
    Ok(NewStatus {
        statement: NewStatement::new(&envelope, &status, format!("{}@{}", hold.id, hold.version)),
        id: hold.id.clone(),
        version: hold.version.clone(),
        status: match hold.state {
            State::Active => LineStatus::Ok,
            State::Removed => LineStatus::Gone,
            State::Quarantined | State::Yanked => LineStatus::Quarantined,
        },
        note: hold.note.clone(),
    })
}

#[cfg(test)]
mod tests {
    use skill_bundle::chain::Operator;

    use super::*;
    use crate::{config::Config, data};

    #[tokio::test]
    async fn what_the_registry_signs_is_a_chain() {
        let dir = tempfile::tempdir().unwrap();
        let (store, identity) = data::open(&Config::for_testing(dir.path())).await.unwrap();
        store.close().await;
        let mut chain = Operator::new(&identity.origin);
        let mut push = |statement: &NewStatement| {
            chain.push(&Envelope::parse(statement.envelope.as_bytes()).unwrap()).unwrap();
            Head { seq: statement.seq, stmt: statement.stmt }
        };
        let now = Timestamp::from_unix(1_000_000);
        let nothing = Head { seq: 0, stmt: Digest::ZERO };
        let head = push(&root(&identity, nothing, &[], now).unwrap());
        let verifier = skill_bundle::keys::SecretKey::from_seed(&[9; 32]).public().to_text();
        let head = push(&root(&identity, head, &[verifier], now).unwrap());
        let head = push(&snapshot(&identity, head, 256, Digest([1; 32]), now).unwrap());
        let word = Hold {
            id: "acme/notes".parse().unwrap(),
            version: Version::new(1, 0, 0),
            archive: Digest([2; 32]),
            tree: Digest([3; 32]),
            state: State::Quarantined,
            reason: "malicious".to_owned(),
            note: "reads keys".to_owned(),
        };
        push(&hold(&identity, head, &word, now).unwrap().statement);
        let unknown = Hold { reason: "because".to_owned(), ..word };
        assert!(hold(&identity, head, &unknown, now).unwrap_err().is_refusal());
    }

    #[test]
    fn a_snapshot_is_a_line_per_skill() {
        let rows = [("a/b".to_owned(), 7, Digest([1; 32])), ("a/c".to_owned(), 9, Digest([2; 32]))];
        let text = snapshot_file(&rows);
        let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!((line["log"].as_u64(), line["pkg"].as_str(), text.lines().count()), (Some(7), Some("a/b"), 2));
        assert_eq!(line["sha256"], Digest([1; 32]).to_string());
    }
}
