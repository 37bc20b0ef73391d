//! The start of a registry with a long log, and what checking one install costs: `just bench restart`.
//!
//! Beside the start: reading every row of the same events from the same database with `sqlite3` of Python, and hashing each.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use skill_tests::{World, run};

use crate::{
    publish::{CLIENTS, clients, publish_all},
    table::{Row, Table},
};

/// 16 clients × 98 skills × 64 versions are 100,352 versions.
const SKILLS: usize = 98;
const RUNS: u32 = 20;

/// Measures and adds rows.
pub fn run(table: &mut Table) {
    let mut world = World::start();
    let clients = clients(&world, SKILLS);
    let wall = publish_all(&world, &clients);
    println!("{} scopes with {SKILLS} skills each published in {:.0} s", CLIENTS, wall.as_secs_f64());
    drop(clients);
    let reader = world.reader("ann");
    let project = reader.project("one");
    project.skill(&["add", "team0/skill-0"]).ok();

    world.registry.stop();
    let start = Instant::now();
    world.registry.start();
    let restart = start.elapsed();
    let start = Instant::now();
    let script = "import sqlite3,hashlib,sys\nn=0\nfor (e,) in sqlite3.connect(sys.argv[1]).execute('select envelope from events order by leaf'):\n  hashlib.sha256(e.encode() if isinstance(e,str) else e).digest(); n+=1\nprint(n)";
    let database = world.registry.data().join("registry.db");
    let read = run::run(
        Path::new("/usr/bin/env"),
        &["python3", "-c", script, &database.to_string_lossy()],
        &reader.home,
        &[],
        None,
    );
    let read_all = start.elapsed();
    println!("leaves: {}", read.ok().stdout.trim());
    add(table, "start with 100,000 leaves", restart, "Python reading and hashing every envelope", read_all, "≤ 2 s");

    let verify = cpu(|| drop(project.skill(&["verify", "--offline"]).ok()));
    let nothing = cpu(|| drop(project.skill(&["--version"]).ok()));
    add(table, "CPU of `skill verify` of one install", verify, "`skill --version`", nothing, "≤ 20 ms");
}

fn add(table: &mut Table, what: &str, ours: Duration, beside: &str, theirs: Duration, goal: &str) {
    table.add(Row {
        what,
        ours: format!("{:.1} ms", ours.as_secs_f64() * 1e3),
        beside,
        theirs: format!("{:.1} ms", theirs.as_secs_f64() * 1e3),
        ratio: ours.as_secs_f64() / theirs.as_secs_f64(),
        goal,
    });
}

/// User and system time of the children of one action, the mean of a few.
fn cpu(action: impl Fn()) -> Duration {
    let before = children();
    (0..RUNS).for_each(|_| action());
    (children() - before) / RUNS
}

/// User and system time of all children that ended so far: fields 16 and 17 of `/proc/self/stat`, in ticks of 10 ms.
fn children() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit_once(')').expect("a name").1;
    let ticks: u64 = after_name.split_whitespace().skip(13).take(2).map(|n| n.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}
