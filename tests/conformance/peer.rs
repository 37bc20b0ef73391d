//! The peer: `agentskills validate` of PyPI's skills-ref, the demonstration library beside the specification.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use skill_tests::programs;

/// The Python that has the peer: that of the program `agentskills`, where `scripts/test-tools.sh` puts it, or on the path.
pub fn find() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where programs are, as a shell finds them")]
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [programs::root().join(".tools/venv/bin")].into_iter().chain(env::split_paths(&path));
    let program = folders.map(|folder| folder.join("agentskills")).find(|program| program.is_file())?;
    let script = fs::read_to_string(program).ok()?;
    let python = PathBuf::from(script.lines().next()?.strip_prefix("#!")?.trim());
    let imports = Command::new(&python).args(["-c", "import skills_ref.cli"]).output();
    imports.is_ok_and(|output| output.status.success()).then_some(python)
}

/// What the peer says about each folder: `valid`, `invalid` or `crashes`.
pub fn validate_all(python: &Path, folders: &[PathBuf]) -> Vec<String> {
    let mut peer = Command::new(python)
        .args(["-c", include_str!("peer.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the peer runs");
    let mut input = peer.stdin.take().expect("a pipe");
    for folder in folders {
        // A line each, and far less than what a pipe holds together with the short answers.
        writeln!(input, "{}", folder.to_str().expect("a name")).expect("the peer reads");
    }
    drop(input);
    let output = peer.wait_with_output().expect("the peer ends");
    assert!(output.status.success(), "the peer failed");
    let said: Vec<_> = String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect();
    assert_eq!(said.len(), folders.len(), "a verdict for each folder");
    said
}
