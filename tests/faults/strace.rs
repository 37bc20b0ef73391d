//! Breaks system calls of a running process.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A tracer that is attached to a process; detached when it is dropped.
pub struct Strace {
    child: Child,
}

impl Strace {
    /// Attaches to all threads of a process. `calls` and `fault` are as strace's `--inject` takes them: `all`, `signal=KILL:when=7`.
    #[expect(
        clippy::zombie_processes,
        reason = "it is waited for when the tracer is dropped, and a failed test ends with it"
    )]
    pub fn attach(pid: u32, folder: &Path, calls: &str, fault: &str) -> Self {
        let (log, out) = (folder.join("strace.err"), folder.join("strace.out"));
        let errors = fs::File::create(&log).expect("a file");
        let child = Command::new("strace")
            .args(["-f", "-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:{fault}"), "-o"])
            .arg(&out)
            .args(["-p", &pid.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .expect("strace starts");
        let begun = Instant::now();
        loop {
            let threads = fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
            let said = fs::read_to_string(&log).unwrap_or_default();
            // It says so once for all threads, or once for each.
            let attached = if said.contains(" attached with ") { threads } else { said.matches(" attached").count() };
            if threads == 0 || attached >= threads {
                return Self { child };
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "strace does not attach: {attached} of {threads}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        // It lets go of the process when it is asked to end; a dead process has ended it already.
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).stderr(Stdio::null()).status();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
