//! Publish throughput: 16 clients in 16 scopes, each publishing one version after the other, durably.
//!
//! Beside it: 16 threads that each write, sync and rename a file of the archive's size and sync its folder, and then append 1 KiB to
//! one log under a lock and sync it. That is the least that two durable places (a blob and a transaction) can cost on this disk.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use skill_bundle::{envelope, hash::sha256, keys::SecretKey, pack::pack_dir, statement};
use skill_schema::{
    Digest, Limits, SkillId, Version,
    api::{publish, scope},
    statement::{Gate, Policy, Release, Role, ScopeKey, ScopeKeys},
    time::Timestamp,
};
use skill_tests::{Skill, World};

use crate::table::{Row, Table};

pub const CLIENTS: usize = 16;
/// Versions of each skill.
const VERSIONS: usize = 64;

/// Measures and adds a row.
pub fn run(table: &mut Table) {
    let world = World::start();
    let address = world.registry.address();
    // Signing is the client's cost, not the registry's, and is done before.
    let requests: Vec<_> = clients(&world).iter_mut().map(|client| client.prepare(0)).collect();
    let size = requests[0][0].len();
    let start = Instant::now();
    thread::scope(|scope| {
        for requests in &requests {
            scope.spawn(move || send_all(address, requests));
        }
    });
    let ours = rate(start.elapsed());
    drop(world);
    let floor = rate(disk_floor(size));
    table.add(Row {
        what: "durable publishes a second, 16 clients in 16 scopes",
        ours: format!("{ours:.0}/s"),
        beside: "the same bytes written and synced to two places",
        theirs: format!("{floor:.0}/s"),
        ratio: ours / floor,
        goal: "≥ 400/s",
    });
}

/// The clients, each with a scope of its own.
pub fn clients(world: &World) -> Vec<Client> {
    let well_known = world.registry.get("/.well-known/skill-registry").json();
    let origin = well_known["origin"].as_str().expect("an origin");
    (0..CLIENTS).map(|n| Client::new(world, origin, n)).collect()
}

#[allow(clippy::cast_precision_loss, reason = "a small count")]
fn rate(wall: Duration) -> f64 {
    (CLIENTS * VERSIONS) as f64 / wall.as_secs_f64()
}

/// A publisher with the end of its scope's chain.
pub struct Client {
    name: String,
    token: String,
    key: SecretKey,
    origin: String,
    place: PathBuf,
    seq: u64,
    prev: Digest,
}

impl Client {
    fn new(world: &World, origin: &str, n: usize) -> Self {
        let name = format!("team{n}");
        world.registry.admin(&["user", "add", &name]).ok();
        let rights = "publish:new,publish:update,owners";
        let token = world.registry.admin(&["token", "new", "--user", &name, "--permission", rights]).ok();
        let token = token.stdout.trim().to_owned();
        let key = SecretKey::generate().expect("randomness");
        let prev = enroll(world, &name, &token, &key, origin, Timestamp::from_unix(now()));
        let place = world.place(&name);
        Self { name, token, key, origin: origin.to_owned(), place, seq: 2, prev }
    }

    /// Signed requests for the versions of one skill.
    pub fn prepare(&mut self, skill: usize) -> Vec<Vec<u8>> {
        (0..VERSIONS).map(|version| self.prepare_one(skill, version as u64)).collect()
    }

    fn prepare_one(&mut self, skill: usize, minor: u64) -> Vec<u8> {
        let id: SkillId = format!("{}/skill-{skill}", self.name).parse().expect("a name");
        let version = Version::new(1, minor, 0);
        let written = Skill::write(&self.place, &id.to_string(), &version.to_string());
        let packed = pack_dir(&written.folder, &Limits::V1).expect("a valid skill");
        let package = &packed.package;
        let release = Release {
            created: Timestamp::from_unix(now()),
            evals: Vec::new(),
            files: package.file_count(),
            license: Some("Apache-2.0".into()),
            name: id.name.to_string(),
            origin: self.origin.clone(),
            parent: None,
            prev: self.prev,
            scope: self.name.clone(),
            seq: self.seq,
            size: package.size(),
            suite: None,
            unpacked_size: package.unpacked_size(),
            version: version.to_string(),
        };
        let statement = statement::release(release, package.digest(), package.tree());
        let signed = envelope::sign(&statement, &[&self.key]).expect("signed");
        (self.seq, self.prev) = (self.seq + 1, sha256(&signed));
        request(&id, &version, &self.token, &signed, &packed.archive)
    }
}

/// Sends requests one after the other over one connection; each must be accepted.
pub fn send_all(address: SocketAddr, requests: &[Vec<u8>]) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("a socket option");
    let mut buffer = vec![0; 64 * 1024];
    for request in requests {
        stream.write_all(request).expect("sent");
        let n = stream.read(&mut buffer).expect("an answer");
        let answer = String::from_utf8_lossy(&buffer[..n]);
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
}

/// Enrols the key and returns the digest of the stored statement.
fn enroll(world: &World, name: &str, token: &str, key: &SecretKey, origin: &str, created: Timestamp) -> Digest {
    let keys = ScopeKeys {
        created,
        keys: vec![ScopeKey {
            key: key.public().to_text(),
            roles: vec![Role::Owner, Role::Publish, Role::Yank],
            valid_from: created,
        }],
        origin: origin.to_owned(),
        policy: Policy { cooldown_hours: 0, gate: Gate::Standard, threshold: 1, verifiers: Vec::new() },
        prev: Digest::ZERO,
        recovery: Vec::new(),
        revoked: Vec::new(),
        scope: name.to_owned(),
        seq: 1,
    };
    let signed = envelope::sign(&statement::scope(keys), &[key]).expect("signed");
    let path = scope::path(&name.parse().expect("a scope"));
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let answer = world.registry.send("PUT", &path, &headers, &signed);
    assert!(answer.status < 300, "{}", answer.text());
    answer.json()["stmt"].as_str().and_then(|hex| hex.parse().ok()).expect("a digest")
}

fn request(id: &SkillId, version: &Version, token: &str, statement: &[u8], archive: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, bytes) in [("meta", b"{}".as_slice()), ("statement", statement), ("archive", archive)] {
        body.extend_from_slice(
            format!("--bench\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--bench--\r\n");
    let head = format!(
        "PUT {} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: multipart/form-data; \
         boundary=bench\r\ncontent-length: {}\r\n\r\n",
        publish::path(id, version),
        body.len()
    );
    [head.as_bytes(), &body].concat()
}

/// The least that durability costs here; see the top of this file.
fn disk_floor(size: usize) -> Duration {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = Mutex::new(File::create(folder.path().join("log")).expect("a file"));
    let bytes = vec![7; size];
    let start = Instant::now();
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (log, bytes, folder) = (&log, &bytes, folder.path());
            scope.spawn(move || (0..VERSIONS).for_each(|n| write_twice(folder, &format!("{client}-{n}"), bytes, log)));
        }
    });
    start.elapsed()
}

fn write_twice(folder: &Path, name: &str, bytes: &[u8], log: &Mutex<File>) {
    let temporary = folder.join(format!("{name}.tmp"));
    let mut file = File::create(&temporary).expect("a file");
    file.write_all(bytes).and_then(|()| file.sync_all()).expect("written");
    fs::rename(&temporary, folder.join(name)).expect("renamed");
    File::open(folder).and_then(|folder| folder.sync_all()).expect("synced");
    let mut log = log.lock().expect("no thread panicked");
    log.write_all(&[7; 1024]).and_then(|()| log.sync_all()).expect("written");
}

#[allow(clippy::disallowed_methods, reason = "the registry under test runs on the real clock")]
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs()
}
