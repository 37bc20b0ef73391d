//! Somebody who publishes by plain HTTP requests, without the client and its patience: for faults and for many publishes.

use std::net::SocketAddr;

use skill_bundle::{Package, archive, envelope, hash::sha256, keys::SecretKey, statement};
use skill_schema::{
    Digest, Limits,
    index::parse_chain,
    statement::{Gate, Policy, Release, Role, ScopeKey, ScopeKeys},
    time::Timestamp,
};

use crate::{
    http::{self, Answer},
    registry::Registry,
};

/// What separates the parts of a form.
const BOUNDARY: &str = "faults-9a8b7c6d5e4f";

/// A scope with a key, and a token for it.
#[derive(Debug, Clone)]
pub struct Publisher {
    scope: String,
    token: String,
    key: SecretKey,
    origin: String,
}

/// The present time, as the registry of a test has it.
#[expect(clippy::disallowed_methods, reason = "the registry of a test has the real time")]
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    Timestamp::from_unix(since.as_secs())
}

impl Publisher {
    /// A new user with a scope of this name.
    pub fn enrol(registry: &Registry, scope: &str) -> Self {
        registry.admin(&["user", "add", scope]).ok();
        let rights = "publish:new,publish:update,yank,owners";
        let token = registry.admin(&["token", "new", "--user", scope, "--permission", rights]).ok().stdout;
        let shown = registry.get("/.well-known/skill-registry").json();
        let publisher = Self {
            scope: scope.to_owned(),
            token: token.trim().to_owned(),
            key: SecretKey::from_seed(&sha256(scope.as_bytes()).0),
            origin: shown["origin"].as_str().expect("an origin").to_owned(),
        };
        let answer = publisher.put_scope(registry.address());
        assert_eq!(answer.status, 201, "{}", answer.text());
        publisher
    }

    /// The scope.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The log that its statements are for.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    fn put_scope(&self, address: SocketAddr) -> Answer {
        let roles = vec![Role::Owner, Role::Publish, Role::Yank];
        let keys = ScopeKeys {
            created: now(),
            keys: vec![ScopeKey { key: self.key.public().to_text(), roles, valid_from: now() }],
            origin: self.origin.clone(),
            policy: Policy { cooldown_hours: 0, gate: Gate::Standard, threshold: 1, verifiers: vec![] },
            prev: Digest::ZERO,
            recovery: vec![],
            revoked: vec![],
            scope: self.scope.clone(),
            seq: 1,
        };
        let envelope = envelope::sign(&statement::scope(keys), &[&self.key]).expect("signed");
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        http::send(address, "PUT", &format!("/api/skill/v1/scopes/{}", self.scope), &headers, &envelope)
    }

    /// The chain's next number and the envelope before it; `None` if nobody answers.
    pub fn next(&self, address: SocketAddr) -> Option<(u64, Digest)> {
        let answer = http::try_send(address, "GET", &format!("/index/{}", self.scope), &[], b"")?;
        let chain = parse_chain(&answer.body).ok().filter(|_| answer.status == 200)?;
        chain.last().map(|last| (last.seq + 1, last.stmt))
    }

    /// A publish request for a version of `scope/notes`, ready to be sent, as often as one likes.
    pub fn request(&self, (seq, prev): (u64, Digest), version: &str) -> Request {
        let text = format!("---\nname: notes\ndescription: Keeps notes, for tests.\n---\n\nNumber {version}.\n");
        let manifest = format!("[skill]\nname = \"{}/notes\"\nversion = \"{version}\"\n", self.scope);
        let files = [("SKILL.md", text.as_bytes()), ("skill.toml", manifest.as_bytes())]
            .map(|(path, content)| skill_bundle::File { path, content, executable: false });
        let archive = archive::gzip(&archive::encode(files).expect("encoded")).expect("compressed");
        let package = Package::open(archive.as_slice(), &Limits::V1).expect("a package");
        let release = Release {
            created: now(),
            evals: vec![],
            files: package.file_count(),
            license: None,
            name: "notes".to_owned(),
            origin: self.origin.clone(),
            parent: None,
            prev,
            scope: self.scope.clone(),
            seq,
            size: package.size(),
            suite: None,
            unpacked_size: package.unpacked_size(),
            version: version.to_owned(),
        };
        let statement = statement::release(release, package.digest(), package.tree());
        let envelope = envelope::sign(&statement, &[&self.key]).expect("signed");
        let mut body = Vec::new();
        for (name, part) in [("meta", b"{}".as_slice()), ("statement", &envelope), ("archive", &archive)] {
            let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend([head.as_bytes(), part, b"\r\n"].concat());
        }
        body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
        Request {
            path: format!("/api/skill/v1/skills/{}/notes/{version}", self.scope),
            bearer: format!("Bearer {}", self.token),
            version: version.to_owned(),
            body,
        }
    }

    /// Publishes a version at the chain's end.
    pub fn publish(&self, address: SocketAddr, version: &str) -> Option<Answer> {
        self.request(self.next(address)?, version).send(address)
    }
}

/// A publish request.
#[derive(Debug, Clone)]
pub struct Request {
    path: String,
    bearer: String,
    /// The version that it publishes.
    pub version: String,
    body: Vec<u8>,
}

impl Request {
    /// Sends it; `None` if nobody answers, or not to the end.
    pub fn send(&self, address: SocketAddr) -> Option<Answer> {
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let headers = [("authorization", self.bearer.as_str()), ("content-type", kind.as_str())];
        http::try_send(address, "PUT", &self.path, &headers, &self.body)
    }
}
