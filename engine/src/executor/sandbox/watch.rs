//! Watching a command from beside it: its end, its time, and what all its processes use together.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, wait};

use super::{End, Limits, Resource, Spec};

/// Between two looks at whether the command has ended.
const TICK: Duration = Duration::from_millis(5);

/// Between two counts of processes and memory.
const SURVEY: Duration = Duration::from_millis(50);

/// Between two sums of the files' sizes, at least; a sum that takes long waits ten times as long before the next.
const MEASURE: Duration = Duration::from_millis(250);

/// Files that are summed up at most: who makes more has used up the disk's index, whatever their size.
const MAX_FILES: u64 = 200_000;

/// Rounds of killing: each kills all that can be seen, and what was forked meanwhile is seen in the next.
const ROUNDS: u32 = 1_000;

/// Waits until the command ends or must be ended; its process group is killed then.
pub(super) fn until_end(pid: u32, spec: &Spec, begun: Instant, namespaces: bool, stop: &AtomicBool) -> End {
    let mut looks = Looks { surveyed: begun, measured: begun, pause: MEASURE };
    let end = loop {
        if let Some(end) = reap(pid) {
            // The last files may have come since the last look.
            break if measure(spec) > spec.limits.disk { End::Limit(Resource::Disk) } else { end };
        }
        if stop.load(Ordering::SeqCst) {
            // The caller has had enough of its output, or is gone and hears nothing of this.
            break End::Limit(Resource::Output);
        }
        if begun.elapsed() >= spec.limits.time {
            break End::Timeout;
        }
        if let Some(resource) = looks.exceeded(spec, namespaces) {
            break End::Limit(resource);
        }
        thread::sleep(TICK);
    };
    kill_group(pid);
    end
}

/// When we last looked at what is used.
struct Looks {
    surveyed: Instant,
    measured: Instant,
    pause: Duration,
}

impl Looks {
    /// What is used up, if it is time to look and something is.
    fn exceeded(&mut self, spec: &Spec, namespaces: bool) -> Option<Resource> {
        if self.surveyed.elapsed() >= SURVEY {
            self.surveyed = Instant::now();
            if let Some(resource) = survey(&spec.limits, namespaces) {
                return Some(resource);
            }
        }
        if self.measured.elapsed() >= self.pause {
            let at = Instant::now();
            let sum = measure(spec);
            (self.measured, self.pause) = (Instant::now(), MEASURE.max(at.elapsed() * 10));
            return (sum > spec.limits.disk).then_some(Resource::Disk);
        }
        None
    }
}

/// Takes the status of children that ended, orphans among them; that of the command, if it is there.
fn reap(pid: u32) -> Option<End> {
    while let Ok(Some((ended, status))) = wait(WaitOptions::NOHANG) {
        if u32::try_from(ended.as_raw_pid()).is_ok_and(|ended| ended == pid) {
            return Some(end(status));
        }
    }
    None
}

fn end(status: WaitStatus) -> End {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => End::Exit(code),
        (_, Some(signal)) if signal == Signal::XFSZ.as_raw() => End::Limit(Resource::FileSize),
        (_, Some(signal)) if signal == Signal::XCPU.as_raw() => End::Limit(Resource::Cpu),
        (_, signal) => End::Signal(signal.unwrap_or(0)),
    }
}

fn survey(limits: &Limits, namespaces: bool) -> Option<Resource> {
    let processes = processes(namespaces);
    let threads: u64 = processes.iter().map(|process| process.threads).sum();
    if threads > u64::from(limits.processes) {
        return Some(Resource::Processes);
    }
    let memory: u64 = processes.iter().map(|process| process.memory).sum();
    (memory > limits.memory).then_some(Resource::Memory)
}

/// Bytes of all files in the writable folders; everything if there are too many to count.
fn measure(spec: &Spec) -> u64 {
    let mut entries = 0;
    spec.write.iter().map(|path| size(path, &mut entries)).fold(0, u64::saturating_add)
}

fn size(path: &Path, entries: &mut u64) -> u64 {
    use std::os::unix::fs::MetadataExt;
    *entries += 1;
    if *entries > MAX_FILES {
        return u64::MAX;
    }
    let Ok(meta) = path.symlink_metadata() else { return 0 };
    let below = if meta.is_dir() { fs::read_dir(path).ok() } else { None };
    let below = below.into_iter().flatten().flatten().map(|entry| size(&entry.path(), entries));
    below.fold(meta.blocks().saturating_mul(512), u64::saturating_add)
}

/// Kills everything that the command started and that is still there; how many there were at first.
pub(super) fn kill_the_rest(namespaces: bool) -> u32 {
    let mut first = None;
    for _ in 0..ROUNDS {
        let _ = reap(0);
        let rest = processes(namespaces);
        let count = u32::try_from(rest.len()).unwrap_or(u32::MAX);
        first.get_or_insert(count);
        if count == 0 {
            break;
        }
        for pid in rest.iter().filter_map(|process| Pid::from_raw(process.pid)) {
            let _ = kill_process(pid, Signal::KILL);
        }
        thread::sleep(Duration::from_millis(1));
    }
    first.unwrap_or(0)
}

fn kill_group(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

/// One living process.
struct Process {
    pid: i32,
    parent: i32,
    threads: u64,
    /// Resident bytes.
    memory: u64,
}

/// The processes of the command: all but ourselves in a pid namespace of our own, else our descendants.
fn processes(namespaces: bool) -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut all: Vec<Process> = numbers.filter_map(process).collect();
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    if namespaces {
        all.retain(|process| process.pid != own);
        return all;
    }
    let mut known = BTreeSet::from([own]);
    loop {
        let before = known.len();
        known.extend(
            all.iter().filter(|process| known.contains(&process.parent)).map(|process| process.pid).collect::<Vec<_>>(),
        );
        if known.len() == before {
            break;
        }
    }
    all.retain(|process| process.pid != own && known.contains(&process.pid));
    all
}

/// Reads `/proc/PID/status` (proc(5)); its lines are `Name:` and a value. `None` if the process is gone or a zombie.
fn process(pid: i32) -> Option<Process> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.split_whitespace().next())
    };
    if matches!(field("State"), Some("Z" | "X")) {
        return None;
    }
    // Kernel threads have no memory of their own.
    let kilobytes: u64 = field("VmRSS").and_then(|text| text.parse().ok()).unwrap_or(0);
    let (parent, threads) = (field("PPid")?.parse().ok()?, field("Threads")?.parse().ok()?);
    Some(Process { pid, parent, threads, memory: kilobytes.saturating_mul(1024) })
}
