//! The program `skill-registry`: what it prints, how it ends, and that the operator's commands work beside a running server.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skill-registry"));
    command.env_clear();
    command
}

fn admin(data: &Path, args: &[&str]) -> Output {
    program().arg("admin").arg("--data").arg(data).args(args).output().expect("it runs")
}

#[track_caller]
fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn fails(output: &Output, code: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.starts_with(&format!("error[{code}]: ")), "{text}");
    assert!(output.stdout.is_empty());
}

/// A server that is ended with the test.
struct Server(Child);

impl Server {
    fn start(data: &Path) -> Self {
        let ready = data.with_extension("ready");
        let _ = fs::remove_file(&ready);
        let child = program()
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--data"])
            .arg(data)
            .arg("--ready-file")
            .arg(&ready)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let started = Instant::now();
        while !ready.exists() {
            assert!(started.elapsed() < Duration::from_secs(30), "the server is not ready");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(fs::read_to_string(&ready).expect("read").starts_with("http://127.0.0.1:"));
        Self(child)
    }

    fn terminate(mut self) -> Output {
        let killed = Command::new("kill").arg(self.0.id().to_string()).status().expect("kill runs");
        assert!(killed.success());
        let mut output = Output { status: self.0.wait().expect("it ends"), stdout: Vec::new(), stderr: Vec::new() };
        std::io::Read::read_to_end(self.0.stdout.as_mut().expect("piped"), &mut output.stdout).expect("read");
        std::io::Read::read_to_end(self.0.stderr.as_mut().expect("piped"), &mut output.stderr).expect("read");
        output
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_operators_commands_work_on_an_empty_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    assert_eq!(stdout(&admin(&data, &["user", "add", "alice"])), "");
    fails(&admin(&data, &["user", "add", "alice"]), "E_EXISTS");
    assert!(stdout(&admin(&data, &["user", "ls"])).starts_with("alice\t20"));
    let token = stdout(&admin(&data, &["token", "new", "--user", "alice", "--permission", "publish:new,yank"]));
    skill_schema::token::check(token.trim_end()).expect("a token on a line of its own");
    fails(&admin(&data, &["token", "new", "--user", "bob", "--permission", "yank"]), "E_USER_UNKNOWN");
    let listed = stdout(&admin(&data, &["token", "ls", "--user", "alice"]));
    assert!(listed.contains("publish:new,yank\t*\t") && listed.trim_end().ends_with("\tvalid"), "{listed}");
    let id = listed.split('\t').next().expect("an id");
    assert_eq!(stdout(&admin(&data, &["token", "revoke", id])), "");
    assert!(stdout(&admin(&data, &["token", "ls", "--user", "alice"])).contains("\trevoked 20"));
    assert_eq!(stdout(&admin(&data, &["scope", "reserve", "acme", "--owner", "alice"])), "");
    fails(&admin(&data, &["scope", "reserve", "acme", "--owner", "bob"]), "E_USER_UNKNOWN");
    let key = stdout(&admin(&data, &["key", "show"]));
    let key: skill_bundle::note::VerifierKey = key.trim_end().parse().expect("a verifier key");
    assert!(key.name().starts_with("local-"));
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    let dir = tempfile::tempdir().expect("a folder");
    for args in [
        &["token", "new", "--user", "alice", "--permission", "fly"][..],
        &["user", "add", "Not_A_Name"],
        &["scope", "reserve", "api", "--owner", "alice"],
        &[],
    ] {
        assert_eq!(admin(dir.path(), args).status.code(), Some(2), "{args:?}");
    }
    let unknown = program().args(["serve", "--data", "x", "--no-such-flag"]).output().expect("it runs");
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn a_server_logs_to_standard_error_prints_nothing_and_ends_in_order() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    let server = Server::start(&data);
    assert_eq!(stdout(&admin(&data, &["user", "add", "alice"])), "");
    let second = program().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).output().expect("it runs");
    fails(&second, "E_DATA_BUSY");
    let output = server.terminate();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    assert!(output.stdout.is_empty());
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!((lines[0]["message"].as_str(), lines[0]["level"].as_str()), (Some("serving"), Some("INFO")));
    assert_eq!(lines.last().expect("lines")["message"], "stopped");
    Server::start(&data).terminate();
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_with_its_place() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("registry.toml"), "opn-scopes = true\n").expect("written");
    let output = program().args(["serve", "--data"]).arg(dir.path()).output().expect("it runs");
    fails(&output, "E_SERVER_CONFIG");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("registry.toml") && text.contains("opn-scopes"), "{text}");
}
