//! What a command in the sandbox cannot do, and how the run is marked when it tries. Linux alone has a sandbox.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "the helpers of tests may panic as tests do")]

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use skill_engine::{
    executor::sandbox::{self, End, Helper, Limits, Mechanism, Outcome, Resource, Spec},
    run::Status,
};

fn helper() -> Helper {
    Helper { program: PathBuf::from(env!("CARGO_BIN_EXE_skill-sandbox")), args: Vec::new() }
}

/// A folder for the command, and one beside it with what it must not see.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["work", "skill", "suite/evals", "other-arm"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("suite/evals/evals.json"), "SECRET").unwrap();
        fs::write(folder.path().join("other-arm/answer.txt"), "SECRET").unwrap();
        fs::write(folder.path().join("skill/SKILL.md"), "the skill").unwrap();
        Self { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn spec(&self, script: &str) -> Spec {
        Spec {
            argv: ["bash", "-c", script].map(str::to_owned).to_vec(),
            dir: self.at("work"),
            write: vec![self.at("work")],
            read: vec![self.at("skill")],
            env: BTreeMap::from([("HOME".to_owned(), self.at("work").display().to_string())]),
            network: false,
            limits: Limits { time: Duration::from_secs(30), ..Limits::default() },
            allow_none: false,
        }
    }

    fn run(&self, script: &str) -> Outcome {
        sandbox::run(&helper(), &self.spec(script)).unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn assert_hidden(outcome: &Outcome) {
    assert!(matches!(outcome.end, End::Exit(code) if code != 0), "{outcome:?}");
    assert!(!text(&outcome.stdout).contains("SECRET"), "{outcome:?}");
    assert_eq!(outcome.status(), Status::Crash);
}

#[test]
fn a_command_works_in_its_own_folder_and_reads_the_skill() {
    let place = Place::new();
    let script = format!(
        "cat {}; echo hello >out.txt; pwd; echo \"$HOME\"; echo oops >&2; exit 3",
        place.at("skill/SKILL.md").display()
    );
    let outcome = place.run(&script);
    assert_eq!(outcome.end, End::Exit(3), "{outcome:?}");
    let work = place.at("work").display().to_string();
    assert_eq!(text(&outcome.stdout), format!("the skill{work}\n{work}\n"));
    assert_eq!(text(&outcome.stderr), "oops\n");
    assert_eq!(fs::read_to_string(place.at("work/out.txt")).unwrap(), "hello\n");
    assert_eq!(outcome.left_behind, 0);
    assert_ne!(outcome.mechanism, Mechanism::None);
}

#[test]
fn the_skill_cannot_be_written() {
    let place = Place::new();
    let outcome = place.run(&format!("echo x >{0}/new || echo x >>{0}/SKILL.md", place.at("skill").display()));
    assert_hidden(&outcome);
    assert_eq!(fs::read_to_string(place.at("skill/SKILL.md")).unwrap(), "the skill");
}

#[test]
fn the_suite_the_other_arm_and_the_home_folders_are_not_there() {
    let place = Place::new();
    let suite = place.at("suite").display().to_string();
    let other = place.at("other-arm").display().to_string();
    for script in [
        format!("cat {suite}/evals/evals.json"),
        format!("ls {suite}"),
        format!("cat {other}/answer.txt"),
        "cat ../suite/evals/evals.json ../other-arm/answer.txt".to_owned(),
        "ln -s ../suite s && cat s/evals/evals.json".to_owned(),
        "ls /root".to_owned(),
        "ls /home/*".to_owned(),
        "cat /etc/shadow".to_owned(),
        "ls /var/run /run".to_owned(),
    ] {
        let outcome = place.run(&script);
        assert_hidden(&outcome);
    }
}

#[test]
fn the_environment_of_other_processes_cannot_be_read() {
    let place = Place::new();
    for script in [
        "cat /proc/1/environ",
        "cat /proc/1/cwd/x",
        "readlink /proc/1/fd/0",
        &format!("cat /proc/{}/environ", std::process::id()),
    ] {
        assert_hidden(&place.run(script));
    }
    let outcome = place.run("env");
    let mut names: Vec<String> =
        text(&outcome.stdout).lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
    names.sort();
    assert_eq!(names, ["HOME", "PATH", "PWD", "SHLVL", "_"], "{outcome:?}");
}

#[test]
fn there_is_no_network() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo SECRET");
    assert_hidden(&place.run(&connect));
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "somebody connected");
    // The same command connects where the suite allows the network, so it is the sandbox that stops it.
    let mut spec = place.spec(&connect);
    spec.network = true;
    let outcome = sandbox::run(&helper(), &spec).unwrap();
    assert_eq!(outcome.end, End::Exit(0), "{outcome:?}");
    assert!(listener.accept().is_ok());
}

#[test]
fn a_thousand_processes_are_too_many() {
    let place = Place::new();
    let mut spec = place.spec("for i in $(seq 1000); do sleep 60 & done; wait");
    spec.limits.processes = 64;
    let begun = Instant::now();
    let outcome = sandbox::run(&helper(), &spec).unwrap();
    assert_eq!(outcome.end, End::Limit(Resource::Processes), "{outcome:?}");
    assert_eq!(outcome.status(), Status::Limit);
    assert!(begun.elapsed() < Duration::from_secs(20), "{outcome:?}");
    let mut few = place.spec("for i in $(seq 20); do sleep 0.1 & done; wait; echo done");
    few.limits.processes = 64;
    assert_eq!(sandbox::run(&helper(), &few).unwrap().end, End::Exit(0));
}

#[test]
fn a_gigabyte_is_not_written_in_one_file_nor_in_many() {
    let place = Place::new();
    let mut spec = place.spec("head -c 1000000000 /dev/zero >big");
    spec.limits.file_size = 8 << 20;
    let outcome = sandbox::run(&helper(), &spec).unwrap();
    assert_ne!(outcome.status(), Status::Ok, "{outcome:?}");
    assert!(fs::metadata(place.at("work/big")).unwrap().len() <= 8 << 20);
    spec.argv[2] = "for i in $(seq 200); do head -c 6000000 /dev/zero >f$i || exit 1; done".to_owned();
    spec.limits.disk = 32 << 20;
    let outcome = sandbox::run(&helper(), &spec).unwrap();
    assert_eq!(outcome.end, End::Limit(Resource::Disk), "{:?} {:?}", outcome.end, text(&outcome.stderr));
    assert_eq!(outcome.status(), Status::Limit);
}

#[test]
fn memory_is_limited() {
    let place = Place::new();
    let mut spec = place.spec("head -c 300000000 /dev/zero | tail -c 250000000 | wc -c");
    spec.argv = ["bash", "-c", "x=$(head -c 300000000 /dev/zero | tr '\\0' a); echo ${#x}"].map(str::to_owned).to_vec();
    spec.limits.memory = 64 << 20;
    let outcome = sandbox::run(&helper(), &spec).unwrap();
    assert_ne!(text(&outcome.stdout), "300000000\n", "{outcome:?}");
    assert_ne!(outcome.status(), Status::Ok, "{outcome:?}");
}

#[test]
fn a_command_that_sleeps_for_ever_is_ended() {
    let place = Place::new();
    let mut spec = place.spec("trap '' TERM INT HUP; while true; do sleep 1000; done");
    spec.limits.time = Duration::from_millis(300);
    let begun = Instant::now();
    let outcome = sandbox::run(&helper(), &spec).unwrap();
    assert_eq!((&outcome.end, outcome.status(), outcome.code()), (&End::Timeout, Status::Timeout, 124));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn what_is_left_in_the_background_is_killed_and_counted() {
    let place = Place::new();
    let script = "(setsid bash -c 'sleep 1; echo late >late.txt; sleep 600' >/dev/null 2>&1 &) ; sleep 0.2; exit 0";
    let begun = Instant::now();
    let outcome = place.run(script);
    assert_eq!(outcome.end, End::Exit(0), "{outcome:?}");
    assert!(outcome.left_behind >= 1, "{outcome:?}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    std::thread::sleep(Duration::from_millis(1500));
    assert!(!place.at("work/late.txt").exists(), "it lived on");
}

#[test]
fn too_much_output_ends_the_command() {
    let place = Place::new();
    let mut spec = place.spec("yes");
    spec.limits.output = 10_000;
    let outcome = sandbox::run(&helper(), &spec).unwrap();
    assert_eq!((&outcome.end, outcome.stdout.len()), (&End::Limit(Resource::Output), 10_000));
    spec.argv[2] = "head -c 10000 /dev/zero".to_owned();
    let outcome = sandbox::run(&helper(), &spec).unwrap();
    assert_eq!((&outcome.end, outcome.stdout.len()), (&End::Exit(0), 10_000));
}

#[test]
fn a_command_has_no_privileges_to_gain() {
    let place = Place::new();
    let outcome = place.run(
        "grep -E 'Cap(Eff|Prm|Bnd|Amb)|NoNewPrivs' /proc/self/status; id -u; mount -t tmpfs none /tmp && echo SECRET",
    );
    let out = text(&outcome.stdout);
    // Landlock alone shows no /proc at all.
    if outcome.mechanism != Mechanism::Landlock {
        for name in ["CapPrm", "CapEff", "CapAmb"] {
            assert!(out.contains(&format!("{name}:\t0000000000000000")), "{out}");
        }
        assert!(out.contains("NoNewPrivs:\t1"), "{out}");
    }
    assert!(!out.contains("SECRET"));
    assert_ne!(outcome.end, End::Exit(0));
}

#[test]
fn a_program_that_does_not_exist_is_said_to_be_missing() {
    let place = Place::new();
    let mut spec = place.spec("");
    spec.argv = vec!["no-such-program".to_owned()];
    let outcome = sandbox::run(&helper(), &spec).unwrap();
    assert!(matches!(outcome.end, End::NotStarted(_)), "{outcome:?}");
    assert_eq!(outcome.code(), 127);
}

#[test]
fn a_spec_that_makes_no_sense_is_refused() {
    let place = Place::new();
    let change: [fn(&mut Spec); 5] = [
        |spec| spec.argv.clear(),
        |spec| spec.dir = PathBuf::from("/usr"),
        |spec| spec.write.push(PathBuf::from("relative")),
        |spec| spec.read.push(PathBuf::from("/")),
        |spec| spec.dir = PathBuf::from("/"),
    ];
    for change in change {
        let mut spec = place.spec("true");
        change(&mut spec);
        let fault = sandbox::run(&helper(), &spec).unwrap_err();
        assert_eq!(fault.code.id, "E_SANDBOX_FAILED");
    }
    let broken = Helper { program: PathBuf::from("/bin/true"), args: Vec::new() };
    let fault = sandbox::run(&broken, &place.spec("true")).unwrap_err();
    assert_eq!(fault.code.id, "E_SANDBOX_FAILED");
}

#[test]
fn the_profile_names_what_closes_the_network_and_its_digest_follows_every_member() {
    let limits = Limits::default();
    let digest = |mechanism, network, limits: &Limits| sandbox::describe(mechanism, network, limits).digest().unwrap();
    let base = digest(Mechanism::NamespacesLandlock, false, &limits);
    assert_eq!(base, digest(Mechanism::NamespacesLandlock, false, &limits));
    assert_ne!(base, digest(Mechanism::Landlock, false, &limits));
    assert_ne!(base, digest(Mechanism::NamespacesLandlock, true, &limits));
    assert_ne!(base, digest(Mechanism::NamespacesLandlock, false, &Limits { memory: 1, ..limits }));
    assert_eq!(sandbox::describe(Mechanism::Landlock, false, &limits).network_by, "landlock-tcp");
    let place = Place::new();
    assert_ne!(sandbox::probe(&helper(), &place.at("skill"), false).unwrap(), Mechanism::None);
    assert!(Path::new("/proc/self").exists());
}

/// Runs a command that never ends, in the folder that it was started in.
#[test]
#[ignore = "started by the test below, in a folder of its own"]
fn a_caller_that_will_be_killed() {
    let folder = std::env::current_dir().unwrap();
    if !folder.join("caller").exists() {
        return;
    }
    let work = folder.join("work");
    let spec = Spec {
        argv: ["bash", "-c", "n=0; while true; do n=$((n+1)); echo $n >beat; sleep 0.02; done"]
            .map(str::to_owned)
            .to_vec(),
        dir: work.clone(),
        write: vec![work],
        read: Vec::new(),
        env: BTreeMap::new(),
        network: false,
        limits: Limits { time: Duration::from_mins(1), ..Limits::default() },
        allow_none: false,
    };
    let _ = sandbox::run(&helper(), &spec);
}

#[test]
fn a_dead_caller_takes_its_command_with_it() {
    let place = Place::new();
    fs::write(place.at("caller"), "").unwrap();
    let mut caller = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_caller_that_will_be_killed", "--ignored"])
        .current_dir(place.folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let beat = || fs::read_to_string(place.at("work/beat")).unwrap_or_default();
    let wait_for = |what: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !what() {
            assert!(begun.elapsed() < Duration::from_secs(20), "in vain");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    wait_for(&|| !beat().is_empty());
    caller.kill().unwrap();
    caller.wait().unwrap();
    wait_for(&|| {
        let before = beat();
        std::thread::sleep(Duration::from_millis(500));
        before == beat()
    });
}
