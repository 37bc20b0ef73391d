//! For tests: a PostgreSQL server of our own in a temporary folder, gone with the process that started it.
//!
//! The server's programs are found through `pg_config` or where Debian puts them. It refuses to run as root, so as root it is run as
//! `postgres` or `nobody`. A freshly made cluster is kept as a template in the temporary folder: making one takes a second.

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Runs the server until its standard input ends, then removes its folder.
const SUPERVISOR: &str = r#""$1/postgres" -D "$2" -k "$2" -c listen_addresses= -c fsync=off -c max_connections=400 >"$2/log" 2>&1 &
server=$!
read -r end
kill -QUIT $server
wait $server
rm -rf "$2""#;

/// A running server.
pub struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    user: Option<(u32, u32)>,
    _supervisor: Child,
}

impl Postgres {
    /// The server of this process, started on first use; or why there is none.
    pub fn shared() -> Result<&'static Self, String> {
        static SERVER: OnceLock<Result<Postgres, String>> = OnceLock::new();
        SERVER.get_or_init(Self::start).as_ref().map_err(Clone::clone)
    }

    /// Makes an empty database and answers its address.
    pub fn fresh_database(&self) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.psql(&format!("create database {name}")).expect("a server that runs makes databases");
        format!("postgres:///{name}?host={}&user=registry", self.folder.display())
    }

    fn start() -> Result<Self, String> {
        let programs = programs().ok_or("initdb was not found")?;
        let user = unprivileged_user()?;
        let template = template(&programs, user)?;
        let folder = std::env::temp_dir().join(format!("skill-test-pg-{}", std::process::id()));
        run(command("cp", user).arg("-r").arg(&template).arg(&folder))?;
        let supervisor = command("sh", user)
            .args(["-c", SUPERVISOR, "sh"])
            .args([&programs, &folder])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| e.to_string())?;
        let server = Self { programs, folder, user, _supervisor: supervisor };
        for _ in 0..300 {
            if server.psql("select 1").is_ok() {
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(format!("it did not start: {}", fs::read_to_string(server.folder.join("log")).unwrap_or_default()))
    }

    fn psql(&self, sql: &str) -> Result<(), String> {
        let mut psql = command(self.programs.join("psql"), self.user);
        run(psql.args(["-X", "-q", "-U", "registry", "-d", "postgres", "-c", sql, "-h"]).arg(&self.folder))
    }
}

fn programs() -> Option<PathBuf> {
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = configured.map(|out| PathBuf::from(String::from_utf8_lossy(&out.stdout).trim()));
    let debian = fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin"));
    configured
        .into_iter()
        .chain(debian)
        .find(|folder| ["initdb", "postgres", "psql"].iter().all(|program| folder.join(program).is_file()))
}

/// Whom to run it as: nobody else, unless we are root.
fn unprivileged_user() -> Result<Option<(u32, u32)>, String> {
    if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) != 0) {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd").map_err(|e| e.to_string())?;
    let find = |name: &str| {
        let fields: Vec<_> = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|f| f[0] == name)?;
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody")).map(Some).ok_or_else(|| "there is no user to run it as".to_owned())
}

/// An initialised cluster to copy, made once and kept.
fn template(programs: &Path, user: Option<(u32, u32)>) -> Result<PathBuf, String> {
    let home = std::env::temp_dir().join(format!("skill-test-pg-template-{}", user.map_or(1, |(uid, _)| uid)));
    fs::create_dir_all(&home).map_err(|e| e.to_string())?;
    if let Some((uid, gid)) = user {
        chown(&home, Some(uid), Some(gid)).map_err(|e| e.to_string())?;
    }
    let lock = fs::File::create(home.join("lock")).map_err(|e| e.to_string())?;
    lock.lock().map_err(|e| e.to_string())?;
    let version = Command::new(programs.join("postgres")).arg("--version").output().map_err(|e| e.to_string())?;
    let name: String = String::from_utf8_lossy(&version.stdout).chars().filter(char::is_ascii_alphanumeric).collect();
    let cluster = home.join(&name);
    if !cluster.exists() {
        let fresh = home.join(format!("{name}-new"));
        let _ = fs::remove_dir_all(&fresh);
        let mut initdb = command(programs.join("initdb"), user);
        run(initdb.args(["--no-sync", "-A", "trust", "-U", "registry", "-E", "UTF8", "--locale=C", "-D"]).arg(&fresh))?;
        fs::rename(&fresh, &cluster).map_err(|e| e.to_string())?;
    }
    Ok(cluster)
}

fn command(program: impl AsRef<std::ffi::OsStr>, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

fn run(command: &mut Command) -> Result<(), String> {
    let out = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if out.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&out.stderr).into_owned()) }
}
