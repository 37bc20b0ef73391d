//! Somebody who publishes fast: over HTTP as a client does, but in this process and without asking the registry what it knows already.

use std::time::SystemTime;

use skill_bundle::{File, Package, archive, envelope, hash::sha256, keys::SecretKey, statement};
use skill_schema::{
    Digest, Limits,
    index::parse_chain,
    statement::{Gate, Policy, Release, Role, ScopeKey, ScopeKeys},
    time::Timestamp,
};
use skill_tests::{World, http};

/// A user with a scope of the same name and its key.
pub struct Publisher {
    address: std::net::SocketAddr,
    authorization: String,
    origin: String,
    scope: String,
    key: SecretKey,
    next: (u64, Digest),
}

fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the registry compares what is signed with the clock")]
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Timestamp::from_unix(since.as_secs())
}

impl Publisher {
    /// Makes the user, a token and the scope.
    pub fn enrol(world: &World, origin: &str, scope: &str) -> Self {
        world.registry.admin(&["user", "add", scope]).ok();
        let rights = "publish:new,publish:update,owners";
        let token = world.registry.admin(&["token", "new", "--user", scope, "--permission", rights]).ok().stdout;
        let mut publisher = Self {
            address: world.registry.address(),
            authorization: format!("Bearer {}", token.trim()),
            origin: origin.to_owned(),
            scope: scope.to_owned(),
            key: SecretKey::from_seed(&sha256(scope.as_bytes()).0),
            next: (1, Digest::ZERO),
        };
        let keys = ScopeKeys {
            created: now(),
            keys: vec![ScopeKey {
                key: publisher.key.public().to_text(),
                roles: vec![Role::Owner, Role::Publish, Role::Yank],
                valid_from: now(),
            }],
            origin: publisher.origin.clone(),
            policy: Policy { cooldown_hours: 0, gate: Gate::Standard, threshold: 1, verifiers: vec![] },
            prev: publisher.next.1,
            recovery: vec![],
            revoked: vec![],
            scope: scope.to_owned(),
            seq: publisher.next.0,
        };
        let envelope = envelope::sign(&statement::scope(keys), &[&publisher.key]).expect("signed");
        publisher.put(&format!("scopes/{scope}"), "application/json", &envelope);
        // The operator has signed it too, so that it has another digest now.
        let chain = parse_chain(&world.registry.get(&format!("/index/{scope}")).body).expect("a chain");
        let last = chain.last().expect("one statement");
        publisher.next = (last.seq + 1, last.stmt);
        publisher
    }

    /// Publishes a version of the skill `demo`, and answers the proof that came with the answer: a C2SP tlog-proof.
    pub fn publish(&mut self, version: &str) -> String {
        let (archive, package) = pack(&self.scope, version);
        let release = Release {
            created: now(),
            evals: vec![],
            files: package.file_count(),
            license: Some("MIT".to_owned()),
            name: "demo".to_owned(),
            origin: self.origin.clone(),
            parent: None,
            prev: self.next.1,
            scope: self.scope.clone(),
            seq: self.next.0,
            size: package.size(),
            suite: None,
            unpacked_size: package.unpacked_size(),
            version: version.to_owned(),
        };
        let statement = statement::release(release, package.digest(), package.tree());
        let envelope = envelope::sign(&statement, &[&self.key]).expect("signed");
        let mut body = Vec::new();
        for (name, content) in [("meta", b"{}".as_slice()), ("statement", &envelope), ("archive", &archive)] {
            body.extend(format!("--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n").bytes());
            body.extend(content);
            body.extend(b"\r\n");
        }
        body.extend(b"--cut--\r\n");
        let path = format!("skills/{}/demo/{version}", self.scope);
        let answer = self.put(&path, "multipart/form-data; boundary=cut", &body);
        self.next = (self.next.0 + 1, sha256(&envelope));
        answer.json()["proof"].as_str().expect("a proof").to_owned()
    }

    fn put(&self, path: &str, kind: &str, body: &[u8]) -> http::Answer {
        let headers = [("authorization", self.authorization.as_str()), ("content-type", kind)];
        let answer = http::send(self.address, "PUT", &format!("/api/skill/v1/{path}"), &headers, body);
        assert_eq!(answer.status, 201, "{path}: {}", answer.text());
        answer
    }
}

fn pack(scope: &str, version: &str) -> (Vec<u8>, Package) {
    let text = format!("---\nname: demo\ndescription: Version {version} of a skill.\n---\n\n# Demo\n");
    let manifest = format!("[skill]\nname = \"{scope}/demo\"\nversion = \"{version}\"\nlicense = \"MIT\"\n");
    let files = [("SKILL.md", text.as_bytes()), ("skill.toml", manifest.as_bytes())];
    let files = files.map(|(path, content)| File { path, content, executable: false });
    let bytes = archive::gzip(&archive::encode(files).expect("encoded")).expect("compressed");
    let package = Package::open(&bytes, &Limits::V1).expect("a package");
    (bytes, package)
}
