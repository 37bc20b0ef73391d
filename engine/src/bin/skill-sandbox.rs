//! The helper of the sandbox as a program of its own, for tests and for programs that embed the engine.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(unix)]
    return skill_engine::executor::sandbox::enter();
    #[cfg(not(unix))]
    ExitCode::FAILURE
}
