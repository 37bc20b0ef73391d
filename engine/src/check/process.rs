//! A [`ScriptRunner`] without a sandbox: for tests, and for suites that one trusts as one's own code.

use std::{
    io::Read,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid},
};

use super::script::{MAX_OUTPUT, ScriptEnd, ScriptOutcome, ScriptRequest, ScriptRunner};

/// How often a running program is looked at.
const PAUSE: Duration = Duration::from_millis(5);

/// How long output is waited for once the program has ended: a process that left the group may hold the pipe open.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where programs are looked for.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Starts programs as they are, with a time limit and an environment of their own, and nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainRunner;

impl ScriptRunner for PlainRunner {
    fn run(&self, request: ScriptRequest) -> ScriptOutcome {
        let Some((program, arguments)) = request.command.split_first() else {
            return not_started("there is no command".to_owned());
        };
        let child = Command::new(program)
            .args(arguments)
            .current_dir(&request.workdir)
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", &request.folder)
            .envs(request.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn();
        match child {
            Ok(child) => watch(child, request.timeout),
            Err(error) => not_started(format!("{program}: {error}")),
        }
    }
}

fn not_started(reason: String) -> ScriptOutcome {
    ScriptOutcome { end: ScriptEnd::NotStarted(reason), stdout: Vec::new(), stderr: Vec::new() }
}

/// Waits for the program, ends it and all of its group, and takes what it printed.
fn watch(mut child: Child, timeout: Duration) -> ScriptOutcome {
    let stdout = child.stdout.take().map(first_bytes);
    let stderr = child.stderr.take().map(first_bytes);
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return not_started("it has no process id".to_owned());
    };
    let begin = Instant::now();
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let in_time = loop {
        match waitid(WaitId::Pid(pid), look) {
            Ok(Some(_)) => break true,
            Ok(None) | Err(Errno::INTR) if begin.elapsed() < timeout => thread::sleep(PAUSE),
            _ => break false,
        }
    };
    // The program is not reaped yet, so that its group cannot be another's.
    let _ = kill_process_group(pid, Signal::KILL);
    let end = match child.wait() {
        Ok(status) if in_time => ScriptEnd::Exited(number(status)),
        Ok(_) => ScriptEnd::TimedOut,
        Err(error) => ScriptEnd::NotStarted(error.to_string()),
    };
    let last = |bytes: Option<Receiver<Vec<u8>>>| {
        bytes.and_then(|bytes| bytes.recv_timeout(LAST_WORDS).ok()).unwrap_or_default()
    };
    ScriptOutcome { end, stdout: last(stdout), stderr: last(stderr) }
}

fn number(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(128)
}

/// Reads to the end in a thread, keeping the first [`MAX_OUTPUT`] bytes, so that the program never waits for a reader.
fn first_bytes(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            let room = MAX_OUTPUT - kept.len();
            kept.extend_from_slice(&buffer[..count.min(room)]);
        }
        let _ = sender.send(kept);
    });
    receiver
}
