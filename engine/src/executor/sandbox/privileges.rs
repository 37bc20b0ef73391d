//! Namespaces, users, capabilities and resource limits of Linux.

use std::{fs, io, path::Path};

use rustix::{
    process::{DumpableBehavior, Resource, Rlimit, Signal, getegid, geteuid, setrlimit},
    thread::{CapabilitiesSecureBits, CapabilitySet, CapabilitySets, UnshareFlags},
};

use super::Limits;

/// Capabilities that a kernel may know; those beyond its last are refused, which ends the loop over them.
const CAPABILITIES: u32 = 64;

/// Bytes above the limit of memory that a process may reserve without using them: its program, libraries and thread stacks.
const RESERVE: u64 = 64 << 20;

/// Processes and threads of the sandbox itself that count too, and a few beyond: whoever passes the limit shall be seen doing it, and
/// not be slowed down by retrying at it.
const OWN_PROCESSES: u64 = 16;

/// Files that a process may hold open: more than any tool needs, few enough that a table of them costs nothing.
const OPEN_FILES: u64 = 1024;

/// Enters new namespaces: as root directly, else in a user namespace in which this user is root. `false` if the kernel refuses.
/// The caller has one thread.
pub(super) fn namespaces(network: bool) -> io::Result<bool> {
    let mut flags = UnshareFlags::NEWNS | UnshareFlags::NEWPID | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    if !network {
        flags |= UnshareFlags::NEWNET;
    }
    if geteuid().is_root() && unshare(flags).is_ok() {
        return Ok(true);
    }
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    if unshare(flags | UnshareFlags::NEWUSER).is_err() {
        return Ok(false);
    }
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    Ok(true)
}

/// What makes `unshare` unsafe is a table of file descriptors that threads no longer share; these flags never touch it.
#[expect(deprecated, reason = "the successor is unsafe for the sake of UnshareFlags::FILES, which is not used")]
fn unshare(flags: UnshareFlags) -> io::Result<()> {
    Ok(rustix::thread::unshare(flags)?)
}

/// Nobody reads this process's memory or environment. The first process of a namespace also dies with the one that started it, and takes
/// all others along; elsewhere it has to live on until it has killed them, and learns from its socket that the caller is gone.
pub(super) fn protect_self(namespaces: bool) -> io::Result<()> {
    if namespaces {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    }
    Ok(rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Processes that lose their parent become children of this one.
pub(super) fn adopt_orphans() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Whether this user id exists in the user namespace that we are in, and we may take it.
pub(super) fn can_become(uid: u32) -> bool {
    let may = rustix::thread::capabilities(None).is_ok_and(|sets| {
        sets.effective.contains(CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::CHOWN)
    });
    let maps = |file: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().any(|line| {
            let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            matches!(numbers[..], [first, _, count] if (first..first + count).contains(&u64::from(uid)))
        })
    };
    may && maps("/proc/self/uid_map") && maps("/proc/self/gid_map")
}

/// Gives a folder and all that is in it to this user; links themselves, not what they point to.
pub(super) fn give(path: &Path, uid: u32) -> io::Result<()> {
    std::os::unix::fs::lchown(path, Some(uid), Some(uid))?;
    if path.symlink_metadata()?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), uid)?;
        }
    }
    Ok(())
}

/// Limits of this process and of those that it starts. `processes` only where this user has no others.
pub(super) fn limit(limits: &Limits, processes: bool) -> io::Result<()> {
    let set = |resource, value| setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) });
    set(Resource::Core, 0)?;
    // Address space that is only reserved does not count: several runtimes reserve terabytes.
    set(Resource::Data, limits.memory.saturating_add(RESERVE))?;
    set(Resource::Fsize, limits.file_size)?;
    set(Resource::Nofile, OPEN_FILES)?;
    set(Resource::Memlock, 64 << 10)?;
    // A process that ignores the clock is ended by the processor time of all the time it has, on each of its threads.
    set(Resource::Cpu, limits.time.as_secs().saturating_mul(4).saturating_add(2))?;
    if processes {
        set(Resource::Nproc, u64::from(limits.processes) + OWN_PROCESSES)?;
    }
    Ok(())
}

/// What this thread starts gets no capability, whoever it is and whatever it executes. `keep` leaves the thread its own, which it needs
/// for changing to another user; otherwise they are dropped now.
pub(super) fn drop_capabilities(keep: bool) -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    let held = rustix::thread::capabilities(None)?;
    if held.effective.contains(CapabilitySet::SETPCAP) {
        let bits = CapabilitiesSecureBits::NO_ROOT
            | CapabilitiesSecureBits::NO_ROOT_LOCKED
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
            | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED;
        rustix::thread::set_capabilities_secure_bits(bits)?;
        for bit in 0..CAPABILITIES {
            if rustix::thread::remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)).is_err() {
                break;
            }
        }
    }
    if !keep {
        let none = CapabilitySet::empty();
        rustix::thread::set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    }
    Ok(())
}
