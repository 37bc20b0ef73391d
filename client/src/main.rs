//! The program `skill`. Everything happens in the library.

fn main() -> std::process::ExitCode {
    skill_client::main()
}
