//! The registry is hurt while it publishes: killed at a system call, its disk fails or is full, its clock jumps.

use std::{fs, path::Path, process::Command};

use skill_tests::{World, publisher::Publisher};

use crate::{row, strace::Strace, trial::Trial, tries};

/// Size of the disk that is filled, in KiB: enough for the data of all tries of the long form, some 100 KiB each.
const DISK_KIB: usize = 16 * 1024;

/// Publishes while the tracer breaks something; true if the fault hit: the server is gone or did not acknowledge.
fn publish_under(trial: &mut Trial, calls: &str, fault: &str) -> (skill_tests::publisher::Request, bool) {
    let request = trial.request();
    let tracer = Strace::attach(trial.world.registry.pid(), &trial.world.place("strace"), calls, fault);
    let answer = request.send(trial.world.registry.address());
    drop(tracer);
    let scope = trial.ada.scope().to_owned();
    let acknowledged = trial.note(&scope, &request, answer.as_ref());
    (request, !acknowledged)
}

#[test]
fn killed_at_every_system_call_of_a_publish_it_loses_nothing() {
    let mut trial = Trial::new();
    let (wanted, mut hit, mut call, mut done) = (tries(40, 2_000), 0, 0, 0);
    // In the short form every nth call; in the long one every single one, over and over: the log has other sizes each time.
    let stride = tries(9, 1);
    while done < wanted {
        call += stride;
        done += 1;
        // A fresh one after more than a full tile, since looking at everything after each try takes longer as the log grows.
        if done % 300 == 0 {
            trial = Trial::new();
        }
        let (request, fault_hit) = publish_under(&mut trial, "all", &format!("signal=KILL:when={call}"));
        if trial.world.registry.has_ended() {
            hit += 1;
            trial.world.registry.forget();
            trial.world.registry.start();
        } else if fault_hit {
            hit += 1; // it is dying
        } else {
            call = done % stride;
        }
        trial.settle(&request);
    }
    assert!(hit * 2 > done, "most tries hit the server: {hit} of {done}");
    row("kill -9 at every system call of one publish", done, hit);
}

/// Breaks the nth call of a kind, for n from 1 until a publish goes through unharmed, and again with later ones.
fn sweep(name: &str, calls: &str, fault: &dyn Fn(usize) -> String, wanted: usize) {
    let mut trial = Trial::new();
    let (mut hit, mut n) = (0, 0);
    for _ in 0..wanted {
        n += 1;
        let (request, fault_hit) = publish_under(&mut trial, calls, &fault(n));
        hit += usize::from(fault_hit);
        if !fault_hit {
            n = 0;
        }
        assert!(!trial.world.registry.has_ended(), "a fault of the disk must not end the server");
        trial.settle(&request);
        // What it holds in memory must not be all that is left.
        if n % 5 == 0 {
            trial.world.registry.kill();
            trial.world.registry.start();
            trial.check();
        }
    }
    assert!(hit > 0, "no try broke anything: the test shows nothing");
    row(name, wanted, hit);
}

#[test]
fn a_disk_that_fails_to_sync_once_loses_nothing() {
    sweep("fsync fails once (EIO)", "fsync,fdatasync", &|n| format!("error=EIO:when={n}"), tries(8, 60));
}

#[test]
fn a_disk_that_fails_to_sync_twice_in_a_row_loses_nothing() {
    let twice = |n: usize| format!("error=EIO:when={n}..{}", n + 1);
    sweep("fsync fails twice in a row (EIO)", "fsync,fdatasync", &twice, tries(8, 60));
}

#[test]
fn a_rename_that_fails_loses_nothing() {
    sweep("rename fails (EIO)", "rename,renameat,renameat2", &|n| format!("error=EIO:when={n}"), tries(6, 40));
}

/// A small file system of its own; unmounted with the test.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mount(place: &Path, kilobytes: usize) -> Option<Self> {
        let size = format!("size={kilobytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(place).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(place.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "so that nobody believes that it was tested")]
fn a_full_disk_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(disk) = Disk::mount(folder.path(), DISK_KIB) else {
        println!("not tested: file systems can be mounted by root only");
        return;
    };
    let mut trial = Trial::of(World::in_folder(&disk.0));
    let ballast = disk.0.join("ballast");
    let (wanted, mut hit) = (tries(10, 100), 0);
    for n in 0..wanted {
        let request = trial.request();
        // Fill everything, then give back a little more each time, so that the disk is full at another step.
        let _ = fs::write(&ballast, vec![0; (DISK_KIB + 1024) * 1024]);
        let filled = fs::metadata(&ballast).expect("written").len();
        let free = u64::try_from(n % 25).expect("small") * 4096;
        fs::File::options()
            .write(true)
            .open(&ballast)
            .and_then(|f| f.set_len(filled.saturating_sub(free)))
            .expect("cut");
        let answer = request.send(trial.world.registry.address());
        let scope = trial.ada.scope().to_owned();
        hit += usize::from(!trial.note(&scope, &request, answer.as_ref()));
        fs::remove_file(&ballast).expect("removed");
        assert!(!trial.world.registry.has_ended(), "a full disk must not end the server");
        trial.settle(&request);
    }
    assert!(hit > 0, "the disk was never full");
    row("disk full at each step of a publish", wanted, hit);
}

#[test]
fn a_second_server_on_the_folder_is_refused_and_the_first_goes_on() {
    let mut trial = Trial::new();
    trial.world.registry.serve_again().refused(7, "E_DATA_BUSY");
    let request = trial.request();
    trial.settle(&request);
    row("a second server on the folder", 1, 1);
}

#[test]
fn lost_and_cut_files_of_the_log_are_made_again() {
    let mut trial = Trial::new();
    for _ in 0..5 {
        let request = trial.request();
        trial.settle(&request);
    }
    let log = trial.world.registry.data().join("log");
    let mut done = 0;
    for (path, cut) in files(&log).into_iter().flat_map(|path| [(path.clone(), false), (path, true)]) {
        trial.world.registry.stop();
        if !path.exists() {
            trial.world.registry.start();
            continue;
        }
        if cut {
            let bytes = fs::read(&path).expect("read");
            fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
        } else {
            fs::remove_file(&path).expect("removed");
        }
        trial.world.registry.start();
        trial.check();
        done += 1;
    }
    row("missing and truncated files of the log", done, done);
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_clock_that_jumps_changes_no_history() {
    let mut trial = Trial::new();
    let mut done = 0;
    for offset in ["+40d", "-400d", "+0", "-1d", "+3600d", "+0"] {
        trial.world.registry.stop();
        if !trial.world.registry.start_at(offset) {
            trial.world.registry.start();
            return;
        }
        // With a clock that is wrong it refuses what is signed now, and its log stays what it was.
        let request = trial.request();
        let answer = request.send(trial.world.registry.address()).expect("an answer");
        let scope = trial.ada.scope().to_owned();
        let acknowledged = trial.note(&scope, &request, Some(&answer));
        assert_eq!(acknowledged, offset == "+0", "{offset}: {}", answer.text());
        trial.check();
        done += 1;
    }
    row("the registry's clock jumps", done, done);
}

#[test]
fn a_database_of_yesterday_is_refused_and_that_of_today_goes_on() {
    let mut trial = Trial::new();
    let request = trial.request();
    trial.settle(&request);
    trial.world.registry.stop();
    let data = trial.world.registry.data().to_owned();
    let names = ["registry.db", "registry.db-wal", "registry.db-shm"];
    let read = || names.map(|name| fs::read(data.join(name)).ok());
    let write = |files: &[Option<Vec<u8>>; 3]| {
        for (name, bytes) in names.iter().zip(files) {
            let path = data.join(name);
            match bytes {
                Some(bytes) => fs::write(path, bytes).expect("written"),
                None => drop(fs::remove_file(path)),
            }
        }
    };
    let yesterday = read();
    trial.world.registry.start();
    let request = trial.request();
    trial.settle(&request);
    trial.world.registry.stop();
    let today = read();
    write(&yesterday);
    trial.world.registry.serve_again().refused(6, "E_LOG_ROLLBACK");
    write(&today);
    trial.world.registry.start();
    trial.check();
    let _ = Publisher::enrol(&trial.world.registry, "bob");
    trial.check();
    row("a database of yesterday", 1, 1);
}
