//! Index reads: what one of them costs the server in CPU time, full answers and 304s, from 32 keep-alive connections.
//!
//! Beside it: a bare axum handler in a process of its own that answers with the same number of bytes and does nothing else.

use std::{
    fs,
    io::Write as _,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

use skill_tests::World;

use crate::{
    load,
    table::{Row, Table},
};

const REQUESTS: u64 = 200_000;
const CONNECTIONS: usize = 32;

/// Measures and adds two rows.
pub fn run(table: &mut Table) {
    let world = World::start();
    let owner = world.owner("acme");
    let paths: Vec<String> = (0..10)
        .map(|n| {
            owner.publishes(&format!("skill-{n}"), "1.0.0");
            format!("/index/acme/skill-{n}")
        })
        .collect();
    let answer = world.registry.get(&paths[0]);
    let etag = answer.header("etag").expect("an ETag").to_owned();

    let bare = Bare::start(answer.body.len());
    let theirs = cost(bare.address, bare.child.id(), &["/".to_owned()], "", 200);
    let ours = cost(world.registry.address(), world.registry.pid(), &paths, "", 200);
    row(table, "index reads a second per core of server time", ours, theirs);
    let one = [paths[0].clone()];
    let unchanged =
        cost(world.registry.address(), world.registry.pid(), &one, &format!("if-none-match: {etag}\r\n"), 304);
    row(table, "unchanged index (304) a second per core of server time", unchanged, theirs);
}

fn row(table: &mut Table, what: &str, ours: f64, theirs: f64) {
    table.add(Row {
        what,
        ours: format!("{ours:.0}/s"),
        beside: "a bare axum handler, the same number of bytes",
        theirs: format!("{theirs:.0}/s"),
        ratio: ours / theirs,
        goal: "≥ 50,000/s",
    });
}

/// Requests per second of the server's CPU time.
#[allow(clippy::cast_precision_loss, reason = "a small count")]
fn cost(address: SocketAddr, pid: u32, paths: &[String], headers: &str, status: u16) -> f64 {
    load::run(address, paths, headers, status, CONNECTIONS, REQUESTS / 10).expect("a warm-up");
    let before = cpu(pid);
    load::run(address, paths, headers, status, CONNECTIONS, REQUESTS).expect("a run");
    REQUESTS as f64 / cpu(pid).saturating_sub(before).as_secs_f64()
}

/// CPU time (user and system) that a process has used so far, from `/proc/PID/stat`, in ticks of 10 ms.
fn cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a running process");
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The bare server in a process of its own, stopped at the end.
struct Bare {
    child: Child,
    address: SocketAddr,
}

impl Bare {
    fn start(size: usize) -> Self {
        let program = std::env::current_exe().expect("the path of this program");
        let mut child = Command::new(program)
            .args(["bare-server", &size.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the bare server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).expect("its address");
        Self { address: line.trim().parse().expect("an address"), child }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `bench bare-server SIZE`: prints its address and answers every request with so many bytes until it is killed.
pub fn bare_server() {
    let size: usize = std::env::args().nth(2).and_then(|n| n.parse().ok()).expect("a size");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let body = axum::body::Bytes::from(vec![b'x'; size]);
        let app = axum::Router::new().route("/", axum::routing::get(move || std::future::ready(body.clone())));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("{}", listener.local_addr().expect("an address"));
        std::io::stdout().flush().expect("printed");
        axum::serve(listener, app).await.expect("it serves");
    });
}
