//! A real `skill-registry witness` in a folder of its own, started on a free port.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{programs, run};

/// How long a start may take before the test fails.
const START: Duration = Duration::from_secs(30);

/// A witness of one log: its folder, and its process while it runs.
#[derive(Debug)]
pub struct Witness {
    folder: PathBuf,
    log: String,
    running: Option<Child>,
    address: Option<SocketAddr>,
}

impl Witness {
    /// A witness of a log, by the log's key. It is not started yet.
    pub fn new(folder: &Path, log: &str) -> Self {
        fs::create_dir_all(folder).expect("the witness's folder");
        Self { folder: folder.to_owned(), log: log.to_owned(), running: None, address: None }
    }

    /// Its key.
    pub fn key(&self) -> String {
        let data = self.data();
        let args = ["witness", "--data", &data, "--name", "witness.test/w1", "--show-key"];
        run::run(&programs::skill_registry(), &args, &self.folder, &[], None).ok().stdout.trim().to_owned()
    }

    /// Starts it and waits until it answers. After the first start it keeps its port.
    pub fn start(&mut self) {
        let ready = self.folder.join("ready");
        let _ = fs::remove_file(&ready);
        let listen = self.address.map_or_else(|| "127.0.0.1:0".to_owned(), |address| address.to_string());
        let mut child = Command::new(programs::skill_registry())
            .env_clear()
            .args(["witness", "--data", &self.data(), "--name", "witness.test/w1", "--log", &self.log])
            .args(["--listen", &listen, "--ready-file"])
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the witness starts");
        let begun = Instant::now();
        self.address = loop {
            let text = fs::read_to_string(&ready).unwrap_or_default();
            if let Some(line) = text.lines().next().filter(|_| text.ends_with('\n')) {
                break Some(line.trim_start_matches("http://").parse().expect("an address in the ready file"));
            }
            assert!(child.try_wait().expect("a child").is_none(), "the witness ended before it answered");
            assert!(begun.elapsed() < START, "the witness does not answer");
            std::thread::sleep(Duration::from_millis(2));
        };
        self.running = Some(child);
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        let mut child = self.running.take().expect("it runs");
        child.kill().expect("killed");
        child.wait().expect("it ends");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address.expect("it was started")
    }

    fn data(&self) -> String {
        self.folder.join("data").to_string_lossy().into_owned()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
