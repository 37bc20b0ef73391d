//! What a person waits for: a cold and a warm install of 100 skills, and a sync that has nothing to do. Whole processes, medians.
//!
//! Beside them: `curl` fetching the same 100 archives over 8 connections and `tar` unpacking each; `cp -r` of the same 100 folders;
//! and `git status` in the same project.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use skill_tests::{Person, Project, World, run};

use crate::table::{Row, Table};

const SKILLS: usize = 100;
const RUNS: usize = 5;
/// Enough for ticks of 10 ms.
const CPU_RUNS: u32 = 40;

/// Measures and adds four rows. The scope has 101 statements, all of which a verification reads.
pub fn run(table: &mut Table) {
    let world = World::start();
    let owner = world.owner("acme");
    let skills: Vec<_> = (0..SKILLS).map(|n| owner.publishes(&format!("skill-{n}"), "1.0.0")).collect();
    let reader = world.reader("ann");
    let project = reader.project("many");
    let wanted: Vec<_> = skills.iter().map(|skill| format!("\"{}\" = \"1\"\n", skill.id())).collect();
    project.write("skills.toml", &format!("[skills]\n{}", wanted.concat()));
    project.skill(&["install"]).ok();

    let cold = median(|| {
        forget(&reader, &project, true);
        timed(|| project.skill(&["install", "--locked"]).ok())
    });
    let fetched = median(|| timed(|| fetch_and_unpack(&world, &owner)));
    row(table, "cold install of 100 skills", cold, "curl and tar of the same archives", fetched, "≤ 1.5 s");

    let warm = median(|| {
        forget(&reader, &project, false);
        timed(|| project.skill(&["install", "--frozen", "--offline"]).ok())
    });
    let copied = median(|| timed(|| copy_all(&world, &reader)));
    row(table, "warm offline install of 100 skills", warm, "cp -r of the same folders", copied, "≤ 0.15 s");

    let synced = median(|| timed(|| project.skill(&["sync"]).ok()));
    let one = reader.project("one");
    one.skill(&["add", skills[0].id()]).ok();
    let verified = cpu(|| drop(one.skill(&["verify", "--offline"]).ok()));
    let nothing = cpu(|| drop(one.skill(&["--version"]).ok()));
    row(table, "CPU of verifying one install", verified, "`skill --version`", nothing, "≤ 20 ms");

    let git = |args: &[&str]| {
        run::run(Path::new("/usr/bin/env"), &[&["git"], args].concat(), &project.folder, reader.environment(), None)
            .ok()
    };
    git(&["init", "-q"]);
    let status = median(|| timed(|| git(&["status", "--porcelain"])));
    row(table, "sync with nothing to do", synced, "git status in the same project", status, "≤ 20 ms");
}

fn row(table: &mut Table, what: &str, ours: Duration, beside: &str, theirs: Duration, goal: &str) {
    table.add(Row {
        what,
        ours: format!("{:.1} ms", ours.as_secs_f64() * 1e3),
        beside,
        theirs: format!("{:.1} ms", theirs.as_secs_f64() * 1e3),
        ratio: ours.as_secs_f64() / theirs.as_secs_f64(),
        goal,
    });
}

/// Removes what an install leaves: the agents' folders, and if it is to be cold the store and the cache too.
fn forget(reader: &Person, project: &Project<'_>, cold: bool) {
    for folder in [".agents", ".claude"] {
        let _ = fs::remove_dir_all(project.path(folder));
    }
    if cold {
        let _ = Command::new("chmod").args(["-R", "u+w"]).arg(reader.store()).status();
        let _ = fs::remove_dir_all(reader.home.join(".local/share/skill"));
        let _ = fs::remove_dir_all(reader.cache());
    }
}

fn fetch_and_unpack(world: &World, owner: &Person) {
    let place = world.place("fetched");
    fs::remove_dir_all(&place).and_then(|()| fs::create_dir_all(&place)).expect("an empty folder");
    let mut config = String::new();
    for n in 0..SKILLS {
        let index = world.registry.get(&format!("/index/acme/skill-{n}")).text();
        let line: serde_json::Value = serde_json::from_str(index.lines().nth(1).expect("a version")).expect("JSON");
        let sha256 = line["sha256"].as_str().expect("a digest");
        let url = format!("{}/blob/sha256/{sha256}", world.registry.url());
        let _ = writeln!(config, "url = \"{url}\"\noutput = \"{n}.tar.gz\"");
    }
    fs::write(place.join("curl.config"), config).expect("written");
    let script = "curl -sf --parallel --parallel-max 8 -K curl.config && for f in *.tar.gz; do mkdir $f.d && tar -xzf $f -C $f.d; done";
    run::run(Path::new("/bin/sh"), &["-c", script], &place, owner.environment(), None).ok();
}

fn copy_all(world: &World, reader: &Person) {
    let place = world.place("copied");
    fs::remove_dir_all(&place).expect("a folder");
    let (from, to) = (reader.store(), place);
    run::run(
        Path::new("/bin/cp"),
        &["-r", &from.to_string_lossy(), &to.to_string_lossy()],
        &reader.home,
        reader.environment(),
        None,
    )
    .ok();
}

/// User and system time of the programs that an action runs, the mean of a few.
fn cpu(action: impl Fn()) -> Duration {
    let before = children();
    (0..CPU_RUNS).for_each(|_| action());
    (children() - before) / CPU_RUNS
}

/// User and system time of all children that ended so far: fields 16 and 17 of `/proc/self/stat`, in ticks of 10 ms.
fn children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit_once(')').expect("a name").1;
    let ticks = after_name.split_whitespace().skip(13).take(2).map(|n| n.parse::<u64>().expect("a number"));
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

fn timed<T>(action: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    action();
    start.elapsed()
}

fn median(mut measure: impl FnMut() -> Duration) -> Duration {
    let mut values: Vec<_> = (0..RUNS).map(|_| measure()).collect();
    values.sort();
    values[RUNS / 2]
}
