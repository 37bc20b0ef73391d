//! A PostgreSQL server for one test: made in a temporary folder, reachable over a Unix socket only, gone with the test.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Command, Output},
};

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: tempfile::TempDir,
}

impl Postgres {
    /// Makes a cluster and starts it. As root it runs as the user `postgres`, since PostgreSQL refuses to run as root.
    pub fn start() -> Self {
        let programs = programs().expect("PostgreSQL's initdb is not installed: run scripts/test-tools.sh");
        let folder = tempfile::Builder::new().prefix("skill-pg-").tempdir().expect("a temporary folder");
        // The server's user must reach it, and nobody else must get further than its name.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).expect("permissions");
        let server = Self { programs, folder };
        let home = server.folder.path().join("home");
        fs::create_dir(&home).expect("a folder");
        if is_root() {
            checked(Command::new("chown").arg("postgres").arg(&home));
        }
        let data = home.join("data");
        checked(
            server
                .run("initdb")
                .args(["-U", "skill", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
                .arg(&data),
        );
        let options = format!("-k {} -c listen_addresses='' -c fsync=off -c max_connections=40", home.display());
        let log = home.join("log");
        checked(server.run("pg_ctl").args(["start", "-w", "-s", "-o", &options, "-l"]).arg(&log).arg("-D").arg(&data));
        server
    }

    /// The address of its database, for `--database-url`.
    pub fn url(&self) -> String {
        let socket = self.folder.path().join("home").to_string_lossy().replace('/', "%2F");
        format!("postgres://skill@{socket}/postgres")
    }

    /// Ends every connection but its own.
    pub fn cut_connections(&self) {
        let home = self.folder.path().join("home");
        let sql = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = 'postgres'";
        checked(self.run("psql").args(["-q", "-U", "skill", "-d", "postgres", "-c", sql, "-h"]).arg(&home));
    }

    fn run(&self, program: &str) -> Command {
        let path = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir("/").env_clear().env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.folder.path().join("home/data");
        let _ = self.run("pg_ctl").args(["stop", "-m", "immediate", "-s", "-w", "-D"]).arg(data).output();
    }
}

/// The newest installed version's programs.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .chain(["/usr/local/bin", "/usr/bin"].map(PathBuf::from))
        .filter(|folder| folder.join("initdb").exists())
        .collect();
    found.sort();
    found.iter().rev().find(|folder| folder.starts_with("/usr/lib/postgresql")).or_else(|| found.first()).cloned()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|data| std::os::unix::fs::MetadataExt::uid(&data) == 0)
}

fn checked(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
