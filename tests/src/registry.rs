//! A real `skill-registry` in a folder of its own, started on a free port.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    http::{self, Answer},
    programs,
    run::{self, Outcome},
};

/// How long a start may take before the test fails: many times what it takes, since test machines are busy.
const START: Duration = Duration::from_secs(30);

/// A registry: its folder, its settings, and its process while it runs.
#[derive(Debug)]
pub struct Registry {
    folder: PathBuf,
    data: PathBuf,
    flags: Vec<String>,
    database: Option<String>,
    running: Option<Running>,
    address: Option<SocketAddr>,
}

#[derive(Debug)]
struct Running {
    child: Child,
}

impl Registry {
    /// A registry that keeps everything below the folder, with further flags for `serve`. It is not started yet.
    pub fn new(folder: &Path, flags: &[&str], database: Option<&str>) -> Self {
        let data = folder.join("data");
        fs::create_dir_all(folder).expect("the registry's folder");
        Self {
            folder: folder.to_owned(),
            data,
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            database: database.map(str::to_owned),
            running: None,
            address: None,
        }
    }

    /// The same registry a second time: a copy of its folder as it is now, which must be stopped. The copy has the same keys and the same
    /// past, and from here on a history of its own.
    pub fn copy(&self, folder: &Path) -> Self {
        assert!(self.running.is_none() && self.database.is_none(), "stop it first");
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        let copy = Self::new(folder, &flags, None);
        copy_folder(&self.data, &copy.data);
        copy
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The address of its database, if that is a server.
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// Starts it and waits until it answers. After the first start it keeps its port.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// The same with another clock, as faketime writes it (`+40d`); false if faketime is not installed.
    pub fn start_at(&mut self, offset: &str) -> bool {
        let library = Command::new("sh")
            .args(["-c", "ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | head -n 1"])
            .output()
            .expect("a shell");
        let library = String::from_utf8_lossy(&library.stdout).trim().to_owned();
        if library.is_empty() {
            assert!(!programs::in_ci(), "faketime is not installed: run scripts/test-tools.sh");
            return false;
        }
        self.start_with(&[("LD_PRELOAD", &library), ("FAKETIME", offset), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")]);
        true
    }

    /// Runs `serve` a second time, beside whatever runs, until it ends by itself.
    pub fn serve_again(&self) -> Outcome {
        let data = self.data.to_string_lossy().into_owned();
        let mut all = vec!["serve", "--data", data.as_str(), "--listen", "127.0.0.1:0"];
        if let Some(url) = &self.database {
            all.extend(["--database-url", url.as_str()]);
        }
        run::run(&programs::skill_registry(), &all, &self.folder, &[], None)
    }

    /// Whether its process has ended by itself, or by somebody else's hand.
    pub fn has_ended(&mut self) -> bool {
        self.running.as_mut().is_none_or(|running| running.child.try_wait().expect("a child").is_some())
    }

    /// Forgets a process that has ended.
    pub fn forget(&mut self) {
        self.running = None;
    }

    fn start_with(&mut self, environment: &[(&str, &str)]) {
        assert!(self.running.is_none(), "it runs already");
        let ready = self.folder.join("ready");
        let _ = fs::remove_file(&ready);
        let log = fs::File::options().create(true).append(true).open(self.log()).expect("a log file");
        let listen = self.address.map_or_else(|| "127.0.0.1:0".to_owned(), |address| address.to_string());
        let mut command = Command::new(programs::skill_registry());
        command
            .env_clear()
            .envs(environment.iter().copied())
            .args(["serve", "--data"])
            .arg(&self.data)
            .args(["--listen", &listen, "--ready-file"])
            .arg(&ready);
        command.args(&self.flags);
        if let Some(url) = &self.database {
            command.args(["--database-url", url]);
        }
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("the registry starts");
        let mut running = Running { child };
        let begun = Instant::now();
        let address = loop {
            let text = fs::read_to_string(&ready).unwrap_or_default();
            if let Some(line) = text.lines().next().filter(|_| text.ends_with('\n')) {
                break line.trim_start_matches("http://").parse().expect("an address in the ready file");
            }
            if let Some(status) = running.child.try_wait().expect("a child") {
                panic!(
                    "the registry ended ({status}) before it answered:\n{}",
                    fs::read_to_string(self.log()).unwrap_or_default()
                );
            }
            assert!(begun.elapsed() < START, "the registry does not answer");
            std::thread::sleep(Duration::from_millis(2));
        };
        self.address = Some(address);
        self.running = Some(running);
    }

    /// Starts it where it is expected to refuse, and says how it ended.
    pub fn serve_to_the_end(&self) -> Outcome {
        let data = self.data.to_string_lossy().into_owned();
        let args = ["serve", "--data", &data, "--listen", "127.0.0.1:0", "--log", "error"];
        run::run(&programs::skill_registry(), &args, &self.folder, &[], None)
    }

    /// Asks it to stop, waits until it has, and says with which exit status it ended.
    pub fn stop(&mut self) -> i32 {
        let mut running = self.running.take().expect("it runs");
        let pid = running.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        run::status_of(running.child.wait().expect("it ends"))
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        drop(self.running.take().expect("it runs"));
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("it runs").child.id()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address.expect("it was started")
    }

    /// The address that people use.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// What it logged so far.
    pub fn log_text(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Runs `skill-registry admin …` on its folder.
    pub fn admin(&self, args: &[&str]) -> Outcome {
        self.on_its_folder("admin", args)
    }

    /// Runs `skill-registry fsck …` on its folder.
    pub fn fsck(&self, args: &[&str]) -> Outcome {
        self.on_its_folder("fsck", args)
    }

    fn on_its_folder(&self, command: &str, args: &[&str]) -> Outcome {
        let data = self.data.to_string_lossy().into_owned();
        let mut all = vec![command, "--data", data.as_str()];
        if let Some(url) = &self.database {
            all.extend(["--database-url", url.as_str()]);
        }
        all.extend(args);
        run::run(&programs::skill_registry(), &all, &self.folder, &[], None)
    }

    /// Reads an address of it.
    pub fn get(&self, path: &str) -> Answer {
        http::send(self.address(), "GET", path, &[], b"")
    }

    /// Sends any request.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        http::send(self.address(), method, path, headers, body)
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }
}

/// Copies a folder with everything in it.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
