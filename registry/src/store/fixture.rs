//! For the tests of the store: every database that there is, with a user in it.

use std::sync::atomic::{AtomicU64, Ordering};

use skill_bundle::hash::sha256;
use skill_schema::{Digest, Scope, SkillId, Version, api::yank::Response, index::LineStatus};

use super::{
    Store,
    batch::{Write, Written},
    event::NewStatement,
    index::IndexFile,
    publish::{Content, NewRelease, Published},
    scope::NewScope,
    yank::NewStatus,
};
use crate::{clock::SECOND, config::DatabaseConfig, error::Error, postgres::Postgres};

/// The user that every fixture has.
pub const USER: &str = "alice";

/// A fresh database.
pub struct Db {
    /// Which one, for messages.
    pub name: &'static str,
    /// The store on it.
    pub store: Store,
    _dir: tempfile::TempDir,
}

/// A fresh database of each kind: SQLite always, PostgreSQL where its programs are installed.
#[allow(clippy::print_stdout)] // So that nobody believes that both were tested.
pub async fn all() -> Vec<Db> {
    let mut all = vec![open("sqlite", None).await];
    match Postgres::shared() {
        Ok(server) => all.push(open("postgres", Some(server.fresh_database())).await),
        Err(reason) => println!("not tested on PostgreSQL: {reason}"),
    }
    all
}

async fn open(name: &'static str, url: Option<String>) -> Db {
    let dir = tempfile::tempdir().unwrap();
    let config = DatabaseConfig { url, readers: 2, writers: 4 };
    let store = Store::open(&config, dir.path()).await.unwrap();
    store.add_user(&USER.parse().unwrap(), SECOND).await.unwrap();
    Db { name, store, _dir: dir }
}

/// A digest that no other call answers.
fn digest() -> Digest {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    sha256(&NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes())
}

fn statement(scope: &str, seq: u64, prev: Digest, kind: &'static str, subject: String) -> NewStatement {
    let stmt = digest();
    NewStatement { scope: scope.to_owned(), seq, prev, stmt, envelope: format!("envelope {stmt}"), kind, subject }
}

/// A `scope/v1` statement as the store sees it.
pub fn scope_statement(scope: &str, seq: u64, prev: Digest) -> NewStatement {
    statement(scope, seq, prev, "scope", scope.to_owned())
}

impl Db {
    /// A scope of the fixture's user.
    pub async fn scope(&self, name: &str) -> Scope {
        let scope = name.parse().unwrap();
        let statement = scope_statement(name, 1, Digest::ZERO);
        self.put_scope(&scope, &statement, USER, true).await.unwrap();
        scope
    }

    /// Writes one statement as the log does, but for its files.
    async fn write(&self, write: Write) -> Result<Written, Error> {
        let mut batch = self.store.batch().await?;
        let written = batch.apply(&write, SECOND).await?;
        if !batch.leaves().is_empty() {
            batch.seal(digest(), SECOND).await?;
        }
        batch.commit().await?;
        Ok(written)
    }

    /// Adds a statement to a scope's chain; answers its leaf.
    pub async fn put_scope(
        &self,
        scope: &Scope,
        statement: &NewStatement,
        user: &str,
        open: bool,
    ) -> Result<u64, Error> {
        let change = NewScope { scope: scope.clone(), statement: statement.clone(), user: user.to_owned(), open };
        match self.write(Write::Scope(change)).await? {
            Written::Leaf(leaf) => Ok(leaf),
            other => panic!("{other:?}"),
        }
    }

    /// Publishes a version that may be refused.
    pub async fn publish(&self, release: &NewRelease) -> Result<Published, Error> {
        match self.write(Write::Release(Box::new(release.clone()))).await? {
            Written::Release(published) => Ok(published),
            other => panic!("{other:?}"),
        }
    }

    /// Changes the state of a version; may be refused.
    pub async fn set(&self, change: &NewStatus) -> Result<(Response, IndexFile), Error> {
        match self.write(Write::Status(change.clone())).await? {
            Written::Status(response, index) => Ok((response, index)),
            other => panic!("{other:?}"),
        }
    }

    async fn next(&self, id: &SkillId, version: &Version, kind: &'static str) -> NewStatement {
        let head = self.store.head(id.scope.as_str()).await.unwrap().unwrap();
        statement(id.scope.as_str(), head.seq + 1, head.stmt, kind, format!("{id}@{version}"))
    }

    /// A release that would be accepted now.
    pub async fn new_release(&self, id: &str, version: &str) -> NewRelease {
        let (id, version): (SkillId, Version) = (id.parse().unwrap(), version.parse().unwrap());
        NewRelease {
            statement: self.next(&id, &version, "release").await,
            created: "2026-11-23T05:00:00Z".parse().unwrap(),
            parent: None,
            keyid: digest(),
            publisher: USER.to_owned(),
            may_create: true,
            may_update: true,
            expected_head: None,
            if_absent: false,
            content: Content {
                tree: digest(),
                archive: digest(),
                size: 1_000,
                unpacked_size: 10_240,
                files: 3,
                dependencies: vec![("acme/base".parse().unwrap(), "^1".parse().unwrap())],
                fork_of: None,
                description: format!("The skill {}", id.name),
                keywords: vec!["testing".to_owned()],
                repository: None,
                license: Some("MIT".to_owned()),
                readme: "# Read me\n".to_owned(),
            },
            id,
            version,
            suite: None,
            record: None,
            verified: None,
            inherited: None,
            tried: None,
        }
    }

    /// Publishes a version.
    pub async fn release(&self, id: &str, version: &str) -> Result<Published, Error> {
        let release = self.new_release(id, version).await;
        self.publish(&release).await
    }

    /// A change of state that would be accepted now.
    pub async fn new_status(&self, id: &str, version: &str, status: LineStatus) -> NewStatus {
        let (id, version): (SkillId, Version) = (id.parse().unwrap(), version.parse().unwrap());
        NewStatus {
            statement: self.next(&id, &version, "status").await,
            id,
            version,
            status,
            note: "a test".to_owned(),
        }
    }

    /// Changes the state of a version.
    pub async fn set_status(&self, id: &str, version: &str, status: LineStatus) -> Result<(), Error> {
        let change = self.new_status(id, version, status).await;
        self.set(&change).await.map(|_| ())
    }

    /// Yanks a version.
    pub async fn yank(&self, id: &str, version: &str) -> Result<(), Error> {
        self.set_status(id, version, LineStatus::Yanked).await
    }
}
