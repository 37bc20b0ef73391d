//! A process sandbox for commands that nobody vouches for: what a model wrote, what a skill ships, what a suite runs.
//!
//! The caller starts a [`Helper`] (the program itself under a hidden subcommand that calls [`enter`]), hands it a [`Spec`] over
//! a socket, and gets an [`Outcome`]. On Linux the helper builds new pid, mount, network, IPC and host-name spaces (as root,
//! or in a user namespace of its own), a root that holds the system read-only and the command's own folders and nothing else, and
//! Landlock on top of that; where namespaces are refused Landlock stands alone. Where neither is to be had nothing runs, unless
//! [`Spec::allow_none`] says that the command is trusted.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use skill_bundle::{hash::sha256, jcs};
use skill_schema::{Digest, Fault};

use crate::run::Status;

#[cfg(unix)]
mod frame;
#[cfg(unix)]
mod helper;
#[cfg(unix)]
mod inside;
#[cfg(target_os = "linux")]
mod landlock;
#[cfg(target_os = "linux")]
mod mounts;
#[cfg(unix)]
mod outside;
#[cfg(target_os = "linux")]
mod privileges;
#[cfg(unix)]
mod watch;

#[cfg(unix)]
pub use helper::enter;
#[cfg(unix)]
pub use outside::{probe, run};

/// The program that calls [`enter`] as the first thing it does, and the arguments that make it do so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    /// Absolute path of the program.
    pub program: PathBuf,
    /// Its arguments, for example `["__sandbox"]`.
    pub args: Vec<String>,
}

/// Runs commands. The [`Helper`] does it in the sandbox; tests have scripts of their own. Blocks.
pub trait Shell: Send + Sync + fmt::Debug {
    /// Runs one command to its end; everything that it started is gone then. An error is the machine's fault.
    fn run(&self, spec: &Spec) -> Result<Outcome, Fault>;
}

#[cfg(unix)]
impl Shell for Helper {
    fn run(&self, spec: &Spec) -> Result<Outcome, Fault> {
        run(self, spec)
    }
}

/// What one command may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Wall time; then everything is killed.
    pub time: Duration,
    /// Bytes of memory that a process may allocate, and bytes that all its processes together may hold.
    pub memory: u64,
    /// Bytes of standard output, and again of standard error.
    pub output: u64,
    /// Processes and threads at once.
    pub processes: u32,
    /// Bytes of the largest file.
    pub file_size: u64,
    /// Bytes of all files in the writable folders.
    pub disk: u64,
}

impl Default for Limits {
    /// Enough for a script of a skill, too little to trouble a laptop.
    fn default() -> Self {
        Self {
            time: Duration::from_mins(1),
            memory: 2 << 30,
            output: 1 << 20,
            processes: 256,
            file_size: 256 << 20,
            disk: 512 << 20,
        }
    }
}

/// What to run, and what it may see. Every path is absolute; inside it has the same name as outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Program and arguments; the program is looked up in the system's folders.
    pub argv: Vec<String>,
    /// The working folder, in one of the writable folders.
    pub dir: PathBuf,
    /// Folders that it may read and write.
    pub write: Vec<PathBuf>,
    /// Folders and files that it may read, beside the system's. If the caller is root they must be readable by anybody.
    pub read: Vec<PathBuf>,
    /// Its whole environment, beside a `PATH` of the system's folders.
    pub env: BTreeMap<String, String>,
    /// Whether it may use the network.
    pub network: bool,
    /// What it may use.
    pub limits: Limits,
    /// Run it even where no sandbox can be had: somebody vouches for the command.
    pub allow_none: bool,
}

/// What confines a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// Namespaces with a root of their own, and Landlock.
    NamespacesLandlock,
    /// Namespaces with a root of their own; the kernel has no Landlock.
    Namespaces,
    /// Landlock alone: files, TCP, signals. UDP, named Unix sockets and the presence of files are not hidden.
    Landlock,
    /// Nothing but limits.
    None,
}

/// What a limit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// Standard output or error.
    Output,
    /// Memory of all processes together.
    Memory,
    /// Processes and threads.
    Processes,
    /// One file.
    FileSize,
    /// All files.
    Disk,
    /// Processor time.
    Cpu,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// By itself, with this status.
    Exit(i32),
    /// By this signal, which it did not get from us.
    Signal(i32),
    /// Its time was over.
    Timeout,
    /// It used up something.
    Limit(Resource),
    /// It could not be started: there is no such program, or it cannot be executed.
    NotStarted(String),
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// Standard output, cut at the limit.
    pub stdout: Vec<u8>,
    /// Standard error, cut at the limit.
    pub stderr: Vec<u8>,
    /// Milliseconds of wall time, the sandbox's own included.
    pub ms: u64,
    /// What confined it.
    pub mechanism: Mechanism,
    /// Processes that it left behind; they were killed.
    pub left_behind: u32,
}

impl Outcome {
    /// Its exit status as a shell gives it: 128 + n for signal n, 124 for the time, 137 for a limit, 127 if it did not start.
    pub fn code(&self) -> i32 {
        match &self.end {
            End::Exit(code) => *code,
            End::Signal(signal) => 128 + signal,
            End::Timeout => 124,
            End::Limit(_) => 137,
            End::NotStarted(_) => 127,
        }
    }

    /// What this means for a run that *is* the command: a status other than 0 is a crash.
    pub fn status(&self) -> Status {
        match &self.end {
            End::Exit(0) => Status::Ok,
            End::Exit(_) | End::Signal(_) | End::NotStarted(_) => Status::Crash,
            End::Timeout => Status::Timeout,
            End::Limit(_) => Status::Limit,
        }
    }
}

/// Everything about a sandbox that may change what a command does: part of the score key. The kernel's version is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// Version of these rules.
    pub version: u32,
    /// What confines the command.
    pub mechanism: Mechanism,
    /// Whether there is a network.
    pub network: bool,
    /// What closes the network: `namespace`, `landlock-tcp` or `open`.
    pub network_by: &'static str,
    /// Milliseconds, then bytes, processes and bytes, in the order of [`Limits`].
    pub limits: [u64; 6],
}

/// Describes the sandbox that a command with these wishes gets.
pub fn describe(mechanism: Mechanism, network: bool, limits: &Limits) -> Profile {
    let network_by = match (network, mechanism) {
        (true, _) | (_, Mechanism::None) => "open",
        (_, Mechanism::Landlock) => "landlock-tcp",
        _ => "namespace",
    };
    let ms = u64::try_from(limits.time.as_millis()).unwrap_or(u64::MAX);
    let Limits { time: _, memory, output, processes, file_size, disk } = *limits;
    let limits = [ms, memory, output, u64::from(processes), file_size, disk];
    Profile { version: 1, mechanism, network, network_by, limits }
}

impl Profile {
    /// SHA-256 of its canonical JSON.
    pub fn digest(&self) -> Result<Digest, Fault> {
        Ok(sha256(&jcs::to_vec(self)?))
    }
}

/// What goes to the helper.
#[cfg(unix)]
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    spec: Spec,
    /// An empty folder of the caller on which the new root is built.
    root: PathBuf,
    /// User and group of the command where the helper may choose one.
    uid: u32,
    /// Whether to try namespaces at all.
    namespaces: bool,
}

/// What comes back.
#[cfg(unix)]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Report {
    /// The command ran.
    Ended { end: End, mechanism: Mechanism, left_behind: u32 },
    /// The namespaces were granted and then could not be furnished; nothing ran.
    NoNamespaces(String),
    /// There is no sandbox, and the command is not trusted.
    Refused(String),
    /// The helper failed before it could start anything.
    Failed(String),
}
