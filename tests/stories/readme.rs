//! The commands of the README, of the first steps and of the page about keys, run as a reader would run them: every block, in order, in one shell.

use std::{
    fmt::Write as _,
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use skill_tests::{programs, run::Outcome};

/// Before a block: it is not run, with the reason.
const NOT_RUN: &str = "<!-- not run: ";
/// The address that the pages use; a test takes a free port instead.
const ADDRESS: &str = "127.0.0.1:8080";

/// The shell blocks of a page, without those that say why they are not run.
fn blocks(page: &str) -> Vec<String> {
    let text = fs::read_to_string(programs::root().join(page)).expect("a page");
    let mut found = Vec::new();
    let mut lines = text.lines();
    let mut before = "";
    while let Some(line) = lines.next() {
        if line == "```sh" {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if !before.starts_with(NOT_RUN) {
                found.push(block.join("\n"));
            }
        }
        before = line;
    }
    assert!(!found.is_empty(), "{page} has no commands");
    found
}

/// Runs blocks in one shell that ends at the first failure, with a home of its own, and ends what they left in the background.
fn shell(blocks: &[String], home: &Path) -> Outcome {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let mut script = String::from("set -e\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n");
    for line in blocks.iter().flat_map(|block| block.lines()) {
        let line = line.replace(ADDRESS, &format!("127.0.0.1:{port}"));
        script.push_str(&line);
        script.push('\n');
        if line.ends_with(" &") {
            // A reader types more slowly than a registry starts.
            let _ = writeln!(script, "until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.05; done");
        }
    }
    let log = home.join("log");
    let file = fs::File::create(&log).expect("a log file");
    // Not through pipes: what stays in the background would hold them open.
    let status = command("bash")
        .args(["-c", &script])
        .current_dir(programs::root())
        .env_remove("SKILL_REGISTRY")
        .env("HOME", home)
        .envs(cargo_home())
        .stdin(Stdio::null())
        .stdout(file.try_clone().expect("a file"))
        .stderr(file)
        .status()
        .expect("bash runs");
    Outcome {
        line: "bash".to_owned(),
        status: skill_tests::run::status_of(status),
        stdout: fs::read_to_string(&log).expect("UTF-8"),
        stderr: String::new(),
    }
}

/// A program with the environment in which `./test` was called: without what cargo and nextest add for a test, since build scripts
/// would take another environment for a reason to build again, in the middle of the tests.
fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let added =
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PRIMARY_", "NEXTEST", "__NEXTEST"];
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if added.iter().any(|prefix| text.starts_with(prefix))
            || matches!(&*text, "CARGO" | "OUT_DIR" | "LD_LIBRARY_PATH")
        {
            command.env_remove(&name);
        }
    }
    command
}

/// cargo and rustup look for their folders in HOME, which is another one here.
fn cargo_home() -> Vec<(&'static str, String)> {
    #[expect(clippy::disallowed_methods, reason = "the toolchain of this machine, not something of the product")]
    let (home, cargo, rustup) = (std::env::var("HOME"), std::env::var("CARGO_HOME"), std::env::var("RUSTUP_HOME"));
    let home = home.unwrap_or_default();
    vec![
        ("CARGO_HOME", cargo.unwrap_or_else(|_| format!("{home}/.cargo"))),
        ("RUSTUP_HOME", rustup.unwrap_or_else(|_| format!("{home}/.rustup"))),
    ]
}

#[test]
fn the_five_minutes_and_the_first_steps_work_as_written() {
    let home = tempfile::tempdir().expect("a home");
    let mut all = blocks("README.md");
    let demo = all.iter().position(|block| block == "./demo").expect("the README begins with ./demo");
    all.remove(demo);
    all.extend(blocks("docs/getting-started.md"));
    all.extend(blocks("docs/keys.md"));
    let outcome = shell(&all, home.path());
    assert_eq!(outcome.status, 0, "{outcome}");
    assert!(home.path().join("project/.claude/skills/sql-review/SKILL.md").exists(), "{outcome}");
}

#[test]
fn the_demo_ends_by_itself_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    // Measuring needs a C++ compiler and minutes; the stories of `eval` measure on a scripted model.
    let output = command(programs::root().join("demo"))
        .arg("--no-eval")
        .env("TMPDIR", folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("the demo runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    for words in ["skill publish examples/sql-review", "skill verify", "E_VERIFY_FAILED", "To try next"] {
        assert!(said.contains(words), "the demo does not say {words:?}:\n{said}");
    }
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[test]
fn every_command_of_the_readme_that_is_not_run_exists() {
    assert!(programs::root().join("test").is_file());
    assert!(fs::read_to_string(programs::root().join("README.md")).expect("a page").matches(NOT_RUN).count() == 1);
}
