//! A registry with users, and publishers with keys.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use skill_bundle::{Package, archive, envelope, hash::sha256, keys::SecretKey, statement};
use skill_registry::{
    Config, Error,
    clock::{Clock, FixedClock},
    data, serve, tokens,
};
use skill_schema::{
    Digest, Limits,
    api::token::{Permission, Request},
    index::{ChainLine, parse_chain},
    statement::{Gate, Policy, Release, Role, ScopeKey, ScopeKeys, State, Status},
    time::Timestamp,
};
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot, task::JoinHandle};

use crate::client::{self, Reply, form};

/// When every world starts.
pub const NOW: &str = "2026-11-23T05:00:00Z";

/// What stops a server, and what it says at its end.
type Server = (oneshot::Sender<()>, JoinHandle<Result<(), Error>>);

/// A running registry.
pub struct World {
    pub at: SocketAddr,
    pub config: Config,
    pub clock: Arc<FixedClock>,
    _dir: tempfile::TempDir,
    runtime: Runtime,
    server: Option<Server>,
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// A registry whose configuration is changed first.
    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut config = Config::for_testing(dir.path().join("data"));
        config.database.readers = 2;
        change(&mut config);
        let runtime = Runtime::new().expect("a runtime");
        let clock = Arc::new(FixedClock::at(NOW.parse().expect("a time")));
        let at = config.http.listen;
        let mut world = Self { at, config, clock, _dir: dir, runtime, server: None };
        world.start();
        world
    }

    /// Starts the server (again), on a free port.
    pub fn start(&mut self) {
        let listener = self.runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("bound");
        self.at = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let running = serve(listener, self.config.clone(), self.clock.clone(), async {
            let _ = stopped.await;
        });
        self.server = Some((stop, self.runtime.spawn(running)));
    }

    /// Stops the server and answers what it says.
    pub fn stop(&mut self) -> Result<(), Error> {
        let (stop, server) = self.server.take().expect("running");
        let _ = stop.send(());
        self.runtime.block_on(server).expect("no panic")
    }

    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// A new user with a token for everything; answers the token.
    pub fn user(&self, name: &str) -> String {
        self.block_on(async {
            let (store, _) = data::open(&self.config).await.expect("opened");
            store.add_user(&name.parse().expect("a name"), self.clock.micros()).await.expect("added");
            store.close().await;
        });
        self.token(name, &Permission::ALL, "*", 90)
    }

    /// A new token for a user.
    pub fn token(&self, user: &str, permissions: &[Permission], pattern: &str, days: u64) -> String {
        let wanted =
            Request { name: "test".to_owned(), permissions: permissions.to_vec(), pattern: pattern.to_owned(), days };
        self.block_on(async {
            let (store, _) = data::open(&self.config).await.expect("opened");
            let created = tokens::create(&store, user, wanted, self.clock.micros()).await.expect("created");
            store.close().await;
            created.token
        })
    }

    pub fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[])
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        client::send(self.at, "GET", path, headers, b"")
    }

    /// A request with a token and, if it has one, a JSON body.
    pub fn call(&self, token: &str, method: &str, path: &str, body: &[u8]) -> Reply {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        client::send(self.at, method, path, &headers, body)
    }

    /// A publish request of these parts.
    pub fn publish(&self, token: &str, id: &str, version: &str, parts: &[(&str, &[u8])]) -> Reply {
        let (kind, body) = form(parts);
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", kind.as_str())];
        client::send(self.at, "PUT", &format!("/api/skill/v1/skills/{id}/{version}"), &headers, &body)
    }

    /// A user `name` with a scope of the same name and its first key.
    pub fn publisher(&self, name: &str) -> Publisher<'_> {
        let publisher = Publisher::new(self, name, &self.user(name));
        let reply = publisher.enrol();
        assert_eq!(reply.status, 201, "{}", reply.text());
        publisher
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if self.server.is_some() && !std::thread::panicking() {
            self.stop().expect("stopped in order");
        }
    }
}

/// Somebody who publishes to a scope.
pub struct Publisher<'a> {
    pub world: &'a World,
    pub scope: String,
    pub token: String,
    pub key: SecretKey,
}

/// A package and what a statement says of it.
pub struct Packed {
    pub archive: Vec<u8>,
    pub package: Package,
}

/// The package of a skill with this name, version and readme.
pub fn pack(id: &str, version: &str, readme: &str) -> Packed {
    let name = id.split('/').nth(1).expect("a name");
    let text = format!("---\nname: {name}\ndescription: Says what {name} is for, in one sentence.\n---\n\n{readme}\n");
    let manifest = format!("[skill]\nname = \"{id}\"\nversion = \"{version}\"\nlicense = \"MIT\"\n");
    pack_files(&[("SKILL.md", text.as_bytes()), ("skill.toml", manifest.as_bytes())])
}

/// The package of these files, which must be sorted.
pub fn pack_files(files: &[(&str, &[u8])]) -> Packed {
    let files = files.iter().map(|(path, content)| skill_bundle::File { path, content, executable: false });
    let archive = archive::gzip(&archive::encode(files).expect("encoded")).expect("compressed");
    let package = Package::open(&archive, &Limits::V1).expect("a package");
    Packed { archive, package }
}

impl<'a> Publisher<'a> {
    pub fn new(world: &'a World, scope: &str, token: &str) -> Self {
        let seed = sha256(scope.as_bytes());
        Self { world, scope: scope.to_owned(), token: token.to_owned(), key: SecretKey::from_seed(&seed.0) }
    }

    pub fn now(&self) -> Timestamp {
        self.world.clock.timestamp()
    }

    pub fn origin(&self) -> String {
        self.world.config.policy.origin.clone().expect("set for tests")
    }

    pub fn chain(&self) -> Vec<ChainLine> {
        let reply = self.world.get(&format!("/index/{}", self.scope));
        if reply.status == 200 { parse_chain(&reply.body).expect("a chain") } else { Vec::new() }
    }

    /// The next statement's number, and the envelope before it.
    pub fn next(&self) -> (u64, Digest) {
        self.chain().last().map_or((1, Digest::ZERO), |last| (last.seq + 1, last.stmt))
    }

    pub fn scope_keys(&self) -> ScopeKeys {
        let (seq, prev) = self.next();
        ScopeKeys {
            created: self.now(),
            keys: vec![ScopeKey {
                key: self.key.public().to_text(),
                roles: vec![Role::Owner, Role::Publish, Role::Yank],
                valid_from: self.now(),
            }],
            origin: self.origin(),
            policy: Policy { cooldown_hours: 0, gate: Gate::Standard, threshold: 1, verifiers: vec![] },
            prev,
            recovery: vec![],
            revoked: vec![],
            scope: self.scope.clone(),
            seq,
        }
    }

    pub fn put_scope(&self, keys: ScopeKeys, signers: &[&SecretKey]) -> Reply {
        let envelope = envelope::sign(&statement::scope(keys), signers).expect("signed");
        self.world.call(&self.token, "PUT", &format!("/api/skill/v1/scopes/{}", self.scope), &envelope)
    }

    pub fn enrol(&self) -> Reply {
        self.put_scope(self.scope_keys(), &[&self.key])
    }

    /// The release statement of a package, at the chain's end.
    pub fn release(&self, id: &str, version: &str, packed: &Packed) -> Release {
        let (seq, prev) = self.next();
        let package = &packed.package;
        Release {
            created: self.now(),
            evals: vec![],
            files: package.file_count(),
            license: Some("MIT".to_owned()),
            name: id.split('/').nth(1).expect("a name").to_owned(),
            origin: self.origin(),
            parent: None,
            prev,
            scope: self.scope.clone(),
            seq,
            size: package.size(),
            suite: None,
            unpacked_size: package.unpacked_size(),
            version: version.to_owned(),
        }
    }

    pub fn sign(&self, release: Release, packed: &Packed) -> Vec<u8> {
        let statement = statement::release(release, packed.package.digest(), packed.package.tree());
        envelope::sign(&statement, &[&self.key]).expect("signed")
    }

    /// Publishes a version with this readme, as a well-behaved client does.
    pub fn publish(&self, id: &str, version: &str, readme: &str) -> Reply {
        let packed = pack(id, version, readme);
        let envelope = self.sign(self.release(id, version, &packed), &packed);
        self.send(id, version, &envelope, &packed)
    }

    pub fn send(&self, id: &str, version: &str, envelope: &[u8], packed: &Packed) -> Reply {
        let parts: [(&str, &[u8]); 3] = [("meta", b"{}"), ("statement", envelope), ("archive", &packed.archive)];
        self.world.publish(&self.token, id, version, &parts)
    }

    /// Changes the state of a published version.
    pub fn set_status(&self, id: &str, version: &str, state: State) -> Reply {
        let envelope = self.status(id, version, state);
        self.world.call(&self.token, "PUT", &format!("/api/skill/v1/skills/{id}/{version}/status"), &envelope)
    }

    pub fn status(&self, id: &str, version: &str, state: State) -> Vec<u8> {
        let info = self.world.get(&format!("/api/skill/v1/skills/{id}")).json();
        let line = info["versions"].as_array().expect("versions").iter().find(|v| v["version"] == version);
        let digest = |name: &str| line.expect("the version")[name].as_str().expect("hex").parse().expect("a digest");
        let (seq, prev) = self.next();
        let status = Status {
            created: self.now(),
            note: "a test".to_owned(),
            origin: self.origin(),
            prev,
            reason: "broken".to_owned(),
            scope: self.scope.clone(),
            seq,
            state,
        };
        let (id, version) = (id.parse().expect("an id"), version.parse().expect("a version"));
        let statement = statement::status(status, &id, &version, digest("archive"), digest("tree"));
        envelope::sign(&statement, &[&self.key]).expect("signed")
    }
}

/// Waits a moment for something that the server does in the background.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("{what} did not happen");
}
