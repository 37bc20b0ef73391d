//! The peer: `agentskills validate` of PyPI's skills-ref, the demonstration library beside the specification.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use skill_tests::programs;

/// The program: where `scripts/test-tools.sh` puts it, or on the path.
pub fn find() -> Option<PathBuf> {
    let ours = programs::root().join(".tools/venv/bin/agentskills");
    let runs =
        |program: &Path| Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    [ours, PathBuf::from("agentskills")].into_iter().find(|program| runs(program))
}

/// What the peer says about each folder: `valid`, `invalid` or `crashes`. It is a program of Python that takes a tenth of a second
/// to start, so that several run at a time.
pub fn validate_all(program: &Path, folders: &[PathBuf]) -> Vec<&'static str> {
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(2, usize::from) * 2;
    let mut said: Vec<(usize, &'static str)> = thread::scope(|scope| {
        let work = || {
            std::iter::from_fn(|| {
                let at = next.fetch_add(1, Ordering::Relaxed);
                folders.get(at).map(|folder| (at, validate(program, folder)))
            })
            .collect::<Vec<_>>()
        };
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|worker| worker.join().expect("a worker")).collect()
    });
    said.sort_unstable();
    said.into_iter().map(|(_, verdict)| verdict).collect()
}

fn validate(program: &Path, folder: &Path) -> &'static str {
    // From the folder above and behind `./`, since the name of a folder may look like an option.
    let name = folder.file_name().and_then(|name| name.to_str()).expect("a name");
    let output = Command::new(program)
        .arg("validate")
        .arg(format!("./{name}"))
        .current_dir(folder.parent().expect("a folder"))
        .output()
        .expect("the peer runs");
    if output.status.success() {
        "valid"
    } else if String::from_utf8_lossy(&output.stderr).contains("Traceback") {
        "crashes"
    } else {
        "invalid"
    }
}
