//! Giving up what the worker does not need, before it reads anything from outside: a model is a stranger's file, and the library
//! that reads it is large.

use std::path::Path;

use skill_engine::model::protocol::Sandbox;

/// What the drivers of GPUs read, and the devices that they use.
#[cfg(target_os = "linux")]
const DRIVER_FILES: &[&str] = &["/usr", "/lib", "/lib64", "/etc", "/proc", "/sys", "/opt"];
/// What a computation on the CPU asks the system about.
#[cfg(target_os = "linux")]
const SYSTEM_FILES: &[&str] = &["/sys/devices/system", "/proc/meminfo", "/proc/cpuinfo"];

/// Shuts this process in: it can read `model` and what lies in `cache`, write only in `cache`, start nothing, and reach no
/// network. For what is started later too: this must come before the first thread. With `gpu` the driver's files stay readable
/// and its devices usable.
#[cfg(target_os = "linux")]
pub fn enter(model: &Path, cache: Option<&Path>, gpu: bool) -> Sandbox {
    let files = files(model, cache, gpu).unwrap_or(false);
    Sandbox { files, network: network().is_ok(), programs: files }
}

/// Elsewhere nothing is given up, and the worker says so.
#[cfg(not(target_os = "linux"))]
pub fn enter(_: &Path, _: Option<&Path>, _: bool) -> Sandbox {
    Sandbox::default()
}

#[cfg(target_os = "linux")]
fn files(model: &Path, cache: Option<&Path>, gpu: bool) -> Result<bool, landlock::RulesetError> {
    use landlock::{
        ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, path_beneath_rules,
    };
    let abi = ABI::V5;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let all = AccessFs::from_all(abi);
    let mut rules = Ruleset::default()
        .handle_access(all)?
        .create()?
        .add_rules(path_beneath_rules([model], AccessFs::ReadFile))?
        .add_rules(path_beneath_rules(SYSTEM_FILES, read))?
        .add_rules(path_beneath_rules(cache, all & !AccessFs::Execute))?;
    if gpu {
        // Drivers load their own libraries.
        rules = rules
            .add_rules(path_beneath_rules(DRIVER_FILES, read | AccessFs::Execute))?
            .add_rules(path_beneath_rules(devices(), all))?;
    }
    Ok(rules.restrict_self()?.ruleset != RulesetStatus::NotEnforced)
}

/// The devices of GPUs that this machine has.
#[cfg(target_os = "linux")]
fn devices() -> Vec<std::path::PathBuf> {
    let known = |name: &str| name.starts_with("nvidia") || matches!(name, "dri" | "kfd" | "shm");
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_str().is_some_and(known)).map(|entry| entry.path()).collect()
}

/// No sockets but those of this machine, and no way around it.
#[cfg(target_os = "linux")]
fn network() -> Result<(), seccompiler::Error> {
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };
    let (unix, denied) = (libc::AF_UNIX as u64, libc::EPERM as u32);
    let other = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, unix)?;
    let rules = [(libc::SYS_socket, vec![SeccompRule::new(vec![other])?]), (libc::SYS_io_uring_setup, vec![])];
    let architecture = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(
        rules.into_iter().collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(denied),
        architecture,
    )?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter(&program)
}
