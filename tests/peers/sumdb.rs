//! The peer: Go's implementation of transparent logs, as Debian packages it.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;
use skill_tests::programs;

/// Where Debian puts the sources of Go packages.
const PACKAGES: &str = "/usr/share/gocode";

/// The built program.
pub struct Sumdb {
    program: PathBuf,
    _folder: tempfile::TempDir,
}

impl Sumdb {
    /// Builds the program; says what is missing and answers `None` if that cannot be done here.
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    pub fn build() -> Option<Self> {
        let package = PathBuf::from(PACKAGES).join("src/golang.org/x/mod/sumdb/tlog");
        if !package.is_dir() || Command::new("go").arg("version").output().is_err() {
            eprintln!("skipped: Go or golang.org/x/mod is not installed; scripts/test-tools.sh installs both");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("sumdb");
        let output = Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(programs::root().join("tests/peers/sumdb.go"))
            .env("GO111MODULE", "off")
            .env("GOPATH", PACKAGES)
            .env("GOFLAGS", "")
            .env("GOCACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/go"))
            .output()
            .expect("go runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(Self { program, _folder: folder })
    }

    /// Runs a command of the program; an error is what it found wrong.
    pub fn run(&self, command: &str, input: &Value) -> Result<Value, String> {
        let mut child = Command::new(&self.program)
            .arg(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the peer runs");
        // It reads all of its input before it writes.
        serde_json::to_writer(child.stdin.take().expect("a pipe"), input).expect("the peer reads");
        let output = child.wait_with_output().expect("the peer ends");
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).expect("JSON"))
        } else {
            Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
    }
}
