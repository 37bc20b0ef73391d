//! Where the programs under test are.

use std::path::PathBuf;

/// The client's program, `skill`.
pub fn skill() -> PathBuf {
    built("skill")
}

/// The registry's program, `skill-registry`.
pub fn skill_registry() -> PathBuf {
    built("skill-registry")
}

/// Programs lie in the target folder beside `deps/`, where the running test lies. They are built by `cargo build --bins`, which
/// `./test` runs first: cargo alone builds the programs of a test's own package only.
fn built(name: &str) -> PathBuf {
    let program = beside(name);
    assert!(program.is_file(), "{} is not built: run `cargo build --bins` first", program.display());
    program
}

fn beside(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    test.parent().and_then(|deps| deps.parent()).expect("target/debug").join(name)
}

/// The program that runs embedded models: the one that was built with the others, or that of `scripts/engine-tools.sh`. It needs a C++
/// compiler, so it may be missing.
pub fn worker() -> Option<PathBuf> {
    const NAME: &str = "skill-engine-worker";
    [beside(NAME), root().join(".tools/bin").join(NAME)].into_iter().find(|program| program.is_file())
}

/// Whether this is a run that must not skip anything.
#[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the product")]
pub fn in_ci() -> bool {
    std::env::var_os("CI").is_some()
}

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("the root").to_owned()
}
