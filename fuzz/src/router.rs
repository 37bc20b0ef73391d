//! Everything that the registry answers: any method, path, headers and body, against a registry in this process with a user, a token, a
//! scope and a skill. Whatever is asked, nothing panics, nothing is an error of the server, and every refusal is a problem with a code.
//!
//! The input is a request as text: a line with method and path, headers, an empty line, the body. `$TOKEN` stands for the token.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, LazyLock},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderName, HeaderValue, Method, Uri, header},
    response::Response,
};
use skill_bundle::{File, Package, archive, envelope, keys::SecretKey, statement};
use skill_registry::{
    Config, app,
    auth::Peer,
    blobs::Blobs,
    clock::{Clock, FixedClock},
    data,
    log::{Log, Parts, witnesses::Witnesses},
    state::AppState,
    tokens,
    vault::Vault,
};
use skill_schema::{
    Limits,
    api::token::{self, Permission},
    codes, index,
    problem::MEDIA_TYPE,
    statement::{Gate, Policy, Release, Role, ScopeKey, ScopeKeys},
};
use tokio::runtime::Runtime;
use tower::ServiceExt;

const NOW: &str = "2026-11-23T05:00:00Z";
const ORIGIN: &str = "registry.test/log";

/// A registry without a socket.
struct World {
    runtime: Runtime,
    router: Router,
    token: String,
    clock: Arc<FixedClock>,
    _folder: tempfile::TempDir,
}

static WORLD: LazyLock<World> = LazyLock::new(World::new);

impl World {
    fn new() -> Self {
        let (folder, runtime) = (tempfile::tempdir().expect("a folder"), Runtime::new().expect("a runtime"));
        let config = Config::for_testing(folder.path().join("data"));
        let clock = Arc::new(FixedClock::at(NOW.parse().expect("a time")));
        let (router, token) = runtime.block_on(start(config, &clock));
        let world = Self { runtime, router, token, clock, _folder: folder };
        let accepted = |request: Vec<u8>| {
            let (answer, body) = world.send(&request).expect("a request");
            assert_eq!(answer.status(), 201, "{}", String::from_utf8_lossy(&body));
        };
        accepted(world.enrol());
        accepted(world.publish("1.0.0"));
        world
    }

    fn key() -> SecretKey {
        SecretKey::from_seed(&[1; 32])
    }

    /// The request that makes the scope `acme`.
    fn enrol(&self) -> Vec<u8> {
        let now = self.clock.timestamp();
        let keys = ScopeKeys {
            created: now,
            keys: vec![ScopeKey {
                key: Self::key().public().to_text(),
                roles: vec![Role::Owner, Role::Publish, Role::Yank],
                valid_from: now,
            }],
            origin: ORIGIN.to_owned(),
            policy: Policy { cooldown_hours: 0, gate: Gate::Standard, threshold: 1, verifiers: vec![] },
            prev: skill_schema::Digest::ZERO,
            recovery: vec![],
            revoked: vec![],
            scope: "acme".to_owned(),
            seq: 1,
        };
        let envelope = envelope::sign(&statement::scope(keys), &[&Self::key()]).expect("signed");
        text("PUT", "/api/skill/v1/scopes/acme", "application/json", &envelope)
    }

    /// The request that publishes a version of `acme/demo`, as it fits now.
    fn publish(&self, version: &str) -> Vec<u8> {
        let (_, chain) = self.send(b"GET /index/acme\n\n").expect("a request");
        let chain = index::parse_chain(&chain).expect("a chain");
        let last = chain.last().expect("a statement");
        let skill = "---\nname: demo\ndescription: Says what it is for.\n---\n\nText.\n";
        let manifest = format!("[skill]\nname = \"acme/demo\"\nversion = \"{version}\"\nlicense = \"MIT\"\n");
        let files = [("SKILL.md", skill.as_bytes()), ("skill.toml", manifest.as_bytes())];
        let files = files.map(|(path, content)| File { path, content, executable: false });
        let archive = archive::gzip(&archive::encode(files).expect("encoded")).expect("compressed");
        let package = Package::open(&archive, &Limits::V1).expect("a package");
        let release = Release {
            created: self.clock.timestamp(),
            evals: vec![],
            files: package.file_count(),
            license: Some("MIT".to_owned()),
            name: "demo".to_owned(),
            origin: ORIGIN.to_owned(),
            parent: None,
            prev: last.stmt,
            scope: "acme".to_owned(),
            seq: last.seq + 1,
            size: package.size(),
            suite: None,
            unpacked_size: package.unpacked_size(),
            version: version.to_owned(),
        };
        let statement = statement::release(release, package.digest(), package.tree());
        let envelope = envelope::sign(&statement, &[&Self::key()]).expect("signed");
        let mut form = Vec::new();
        for (name, content) in [("meta", b"{}".as_slice()), ("statement", &envelope), ("archive", &archive)] {
            form.extend(format!("--cut\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n").bytes());
            form.extend(content);
            form.extend(b"\r\n");
        }
        form.extend(b"--cut--\r\n");
        text("PUT", &format!("/api/skill/v1/skills/acme/demo/{version}"), "multipart/form-data; boundary=cut", &form)
    }

    /// Sends a request that is given as text; `None` if it is none that an HTTP server would hand on.
    fn send(&self, input: &[u8]) -> Option<(Response, Bytes)> {
        let request = self.read(input)?;
        self.runtime.block_on(async {
            let (parts, body) = self.router.clone().oneshot(request).await.ok()?.into_parts();
            let bytes = to_bytes(body, 64 << 20).await.expect("the body comes to its end");
            Some((Response::from_parts(parts, Body::empty()), bytes))
        })
    }

    fn read(&self, input: &[u8]) -> Option<Request> {
        let end = input.windows(2).position(|two| two == b"\n\n").unwrap_or(input.len());
        let (head, body) = (&input[..end], input.get(end + 2..).unwrap_or_default());
        let mut lines = head.split(|byte| *byte == b'\n');
        let first = lines.next()?;
        let space = first.iter().position(|byte| *byte == b' ')?;
        let mut request = Request::new(Body::from(body.to_vec()));
        *request.method_mut() = Method::from_bytes(&first[..space]).ok()?;
        *request.uri_mut() = Uri::try_from(&first[space + 1..]).ok()?;
        for line in lines {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let value = String::from_utf8_lossy(line[colon + 1..].trim_ascii()).replace("$TOKEN", &self.token);
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            request.headers_mut().append(name, HeaderValue::try_from(value).ok()?);
        }
        request.extensions_mut().insert(Peer(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        Some(request)
    }
}

/// A request as text, by the holder of the token.
fn text(method: &str, path: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("{method} {path}\nauthorization: Bearer $TOKEN\ncontent-type: {kind}\n\n");
    [head.as_bytes(), body].concat()
}

async fn start(config: Config, clock: &Arc<FixedClock>) -> (Router, String) {
    let (store, identity) = data::open(&config).await.expect("a database");
    let blobs = Blobs::open(&config.data, config.limits.blob_cache).expect("a folder");
    let vault = Vault::open(&config.data).expect("a folder");
    let identity = Arc::new(identity);
    let parts = Parts {
        store: store.clone(),
        blobs: blobs.clone(),
        identity: identity.clone(),
        clock: clock.clone(),
        witnesses: Witnesses::new(vec![]).expect("none"),
        verifiers: config.verifiers.clone(),
    };
    let (log, sequencer) = Log::open(&config.data, parts).await.expect("a log");
    tokio::spawn(sequencer);
    store.add_user(&"acme".parse().expect("a name"), clock.micros()).await.expect("added");
    let wanted = token::Request {
        name: "test".to_owned(),
        permissions: Permission::ALL.to_vec(),
        pattern: "*".to_owned(),
        days: 90,
    };
    let token = tokens::create(&store, "acme", wanted, clock.micros()).await.expect("created").token;
    let base = "http://registry.test".to_owned();
    (app::router(AppState::new(config, base, store, (blobs, vault), log, identity, clock.clone())), token)
}

/// Any request.
pub fn router(data: &[u8]) {
    let Some((answer, body)) = WORLD.send(data) else { return };
    let status = answer.status();
    let shown = || format!("{status}: {}\n{}", String::from_utf8_lossy(&body), String::from_utf8_lossy(data));
    assert!(!status.is_server_error(), "{}", shown());
    assert!(answer.headers().contains_key("x-request-id"), "{}", shown());
    if status.is_client_error() {
        let kind = answer.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
        assert_eq!(kind, Some(MEDIA_TYPE.as_bytes()), "{}", shown());
        // An answer to HEAD has the headers of a problem and no body.
        if data.starts_with(b"HEAD ") && body.is_empty() {
            return;
        }
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_else(|e| panic!("{e}: {}", shown()));
        let code = problem["code"].as_str().unwrap_or_else(|| panic!("no code: {}", shown()));
        assert!(codes::find(code).is_some(), "{}", shown());
        assert_eq!(problem["status"], status.as_u16(), "{}", shown());
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{}", shown());
    }
}

/// Requests that make sense: each path with every method, and a publish that is accepted.
pub fn inputs() -> Vec<Vec<u8>> {
    let filled = |path: &str| {
        let known = [
            ("{scope}", "acme"),
            ("{name}", "demo"),
            ("{version}", "1.0.0"),
            ("{*path}", "0/000.p/1"),
            ("{size}", "1"),
        ];
        let path = known.iter().fold(path.to_owned(), |path, (hole, value)| path.replace(hole, value));
        let mut out = String::new();
        for (n, part) in path.split('{').enumerate() {
            // Whatever is left stands for a digest, a user or a number of a token.
            out += if n == 0 { part } else { part.split_once('}').map_or("", |(_, rest)| rest) };
            if n + 1 < path.split('{').count() {
                out += &"ab".repeat(32);
            }
        }
        out
    };
    let mut inputs = Vec::new();
    for endpoint in skill_registry::routes::endpoints() {
        let path = filled(endpoint.path);
        inputs.push(format!("GET {path}\n\n").into_bytes());
        let body = b"{\"name\":\"x\",\"permissions\":[\"yank\"],\"pattern\":\"*\",\"days\":1,\"user\":\"acme\",\"status\":\"active\"}";
        for method in ["GET", "PUT", "POST", "DELETE"] {
            inputs.push(text(method, &path, "application/json", body));
        }
    }
    let more = [
        "GET /api/skill/v1/search?q=demo&limit=3\n\n",
        "GET /index/acme/demo\nif-none-match: \"x\"\naccept-encoding: gzip;q=0.5, *\n\n",
        "HEAD /log/checkpoint\n\n",
        "GET /snapshot/18446744073709551615\n\n",
        "OPTIONS *\n\n",
        "GET http://user@registry.test:1/log/tile/entries/000.p/1?x=%00\nrange: bytes=0-1, 3-\nif-range: x\n\n",
        "DELETE /api/skill/v1/tokens/9223372036854775808\nauthorization: Bearer $TOKEN\n\n",
        "PUT /api/skill/v1/skills/acme/demo%00/1.0.0\nauthorization: bearer  $TOKEN\n\n",
        "GET /index/%e2%80%ae/demo\nx-forwarded-for: 1.2.3.4, x\nx-request-id: a\n\n",
    ];
    inputs.extend(more.map(|text| text.as_bytes().to_vec()));
    inputs.extend([WORLD.enrol(), WORLD.publish("1.0.0"), WORLD.publish("1.1.0")]);
    inputs
}
