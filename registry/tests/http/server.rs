//! The server itself: connections, limits, health, metrics, two servers, the end.

use std::{io::Write, time::Duration};

use skill_registry::{Error, serve};
use skill_schema::codes;
use tokio::net::TcpListener;

use crate::{
    client::{connect, raw, read, send},
    world::{World, eventually},
};

#[test]
fn health_and_readiness_are_answered() {
    let world = World::new();
    assert_eq!(world.get("/healthz").text(), "ok\n");
    assert_eq!(world.get("/readyz").text(), "ok\n");
}

#[test]
fn metrics_are_on_the_operators_listener_only() {
    let ready = tempfile::tempdir().expect("a folder");
    let file = ready.path().join("ready");
    let world = World::with(|config| {
        config.http.admin_listen = Some("127.0.0.1:0".parse().expect("an address"));
        config.http.ready_file = Some(file.clone());
    });
    eventually("the ready file", || file.exists());
    let text = std::fs::read_to_string(&file).expect("read");
    let (public, admin) = text.trim_end().split_once('\n').expect("two lines");
    assert_eq!(public, format!("http://{}", world.at));
    let admin = admin.strip_prefix("http://").expect("an address").parse().expect("an address");
    world.get("/index/acme/notes");
    world.get("/made/up/by/the/client");
    let metrics = send(admin, "GET", "/metrics", &[], b"").text();
    assert!(metrics.contains("skill_requests_total{"), "{metrics}");
    assert!(metrics.contains("route=\"/index/{scope}/{name}\""), "{metrics}");
    assert!(!metrics.contains("/made/up"), "{metrics}");
    assert_eq!(send(admin, "GET", "/readyz", &[], b"").status, 200);
    assert_eq!(send(admin, "GET", "/index/acme", &[], b"").code(), "E_NOT_FOUND");
    assert_eq!(world.get("/metrics").code(), "E_NOT_FOUND");
}

#[test]
fn every_answer_has_a_request_id_and_takes_a_good_one() {
    let world = World::new();
    let own = world.get_with("/healthz", &[("x-request-id", "my-id.1")]);
    assert_eq!(own.header("x-request-id"), "my-id.1");
    let other = world.get_with("/nope", &[("x-request-id", "not a good one")]);
    assert_eq!(other.header("x-request-id").len(), 32);
    other.code();
}

#[test]
fn a_client_that_asks_too_often_is_told_to_wait() {
    let world = World::with(|config| {
        config.rates.reads = 1;
        config.rates.read_burst = 3;
        config.rates.writes = 1;
        config.rates.write_burst = 1;
    });
    let replies: Vec<_> = (0..5).map(|_| world.get("/index/acme/notes")).collect();
    let last = replies.last().expect("five");
    assert_eq!((replies[0].status, last.status, last.code().as_str()), (404, 429, "E_RATE_LIMITED"));
    assert!(last.header("retry-after").parse::<u64>().is_ok_and(|seconds| (1..=3).contains(&seconds)));
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(world.get("/index/acme/notes").status, 404);
    std::thread::sleep(Duration::from_millis(2_100));
    let alice = world.user("alice");
    let path = "/api/skill/v1/skills/acme/notes/deprecation";
    assert_eq!(world.call(&alice, "PUT", path, b"{}").code(), "E_SCOPE_UNKNOWN");
    assert_eq!(world.call(&alice, "PUT", path, b"{}").code(), "E_RATE_LIMITED");
    assert_eq!(world.get("/healthz").status, 200);
}

#[test]
fn headers_that_are_too_many_too_large_or_too_slow_end_the_connection() {
    let world = World::with(|config| config.limits.header_time = Duration::from_millis(300));
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(100));
    assert_eq!(raw(world.at, many.as_bytes(), false).map(|reply| reply.status), Some(431));
    let large = format!("GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "b".repeat(100_000));
    assert!(raw(world.at, large.as_bytes(), false).is_none_or(|reply| reply.status == 431));
    let mut slow = connect(world.at);
    slow.write_all(b"GET / HTTP/1.1\r\nhost:").expect("sent");
    assert!(read(&mut slow, false).is_none_or(|reply| reply.status == 408));
    assert_eq!(raw(world.at, b"\x16\x03\x01 not http\r\n\r\n", false).map(|reply| reply.status), Some(400));
    assert_eq!(world.get("/healthz").status, 200);
}

#[test]
fn several_requests_come_over_one_connection() {
    let world = World::new();
    let mut stream = connect(world.at);
    for _ in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
        assert_eq!(read(&mut stream, false).expect("an answer").status, 200);
    }
}

#[test]
fn a_second_server_on_the_folder_is_refused() {
    let world = World::new();
    assert_eq!(world.get("/healthz").status, 200);
    let refused = world.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        serve(listener, world.config.clone(), world.clock.clone(), std::future::pending()).await
    });
    assert_eq!(refused.expect_err("refused").code(), codes::DATA_BUSY);
}

#[test]
fn a_request_in_flight_is_finished_before_the_end() {
    let mut world = World::new();
    let token = world.user("alice");
    let mut stream = connect(world.at);
    let body = br#"{"name":"late","permissions":["yank"]}"#;
    let head = format!(
        "POST /api/skill/v1/tokens HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(&body[..10]).expect("sent");
    std::thread::sleep(Duration::from_millis(400)); // a busy machine takes its time to read the head
    let rest = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        stream.write_all(&body[10..]).expect("sent");
        read(&mut stream, false).expect("an answer").status
    });
    world.stop().expect("stopped");
    assert_eq!(rest.join().expect("no panic"), 201);
    assert!(std::net::TcpStream::connect(world.at).is_err());
}

#[test]
fn a_folder_of_another_registry_is_refused() {
    let mut world = World::new();
    assert_eq!(world.get("/healthz").status, 200);
    world.stop().expect("stopped");
    world.config.policy.origin = Some("other.test/log".to_owned());
    world.start();
    let error: Error = world.stop().expect_err("refused");
    assert_eq!(error.code(), codes::DATA_FOREIGN);
}
