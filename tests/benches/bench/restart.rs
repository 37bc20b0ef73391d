//! The start of a registry with a long log: `just bench restart`.
//!
//! Beside the start: reading every row of the same events from the same database with `sqlite3` of Python, and hashing each.

use std::{path::Path, thread, time::Instant};

use skill_tests::{World, run};

use crate::{
    publish::{clients, send_all},
    table::{Row, Table},
};

/// 16 clients × 98 skills × 64 versions are 100,352 versions.
const SKILLS: usize = 98;

/// Measures and adds rows.
pub fn run(table: &mut Table) {
    let mut world = World::start();
    let address = world.registry.address();
    let mut publishers = clients(&world);
    thread::scope(|scope| {
        for client in &mut publishers {
            scope.spawn(move || (0..SKILLS).for_each(|skill| send_all(address, &client.prepare(skill))));
        }
    });
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
        world.folder(),
        &[],
        None,
    );
    let read_all = start.elapsed();
    println!("leaves: {}", read.ok().stdout.trim());
    table.add(Row {
        what: "start with 100,000 leaves",
        ours: format!("{:.1} ms", restart.as_secs_f64() * 1e3),
        beside: "Python reading and hashing every envelope",
        theirs: format!("{:.1} ms", read_all.as_secs_f64() * 1e3),
        ratio: restart.as_secs_f64() / read_all.as_secs_f64(),
        goal: "≤ 2 s",
    });
}
