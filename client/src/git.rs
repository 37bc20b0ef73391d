//! What git says of a folder. It is only asked, never told to do anything.

use std::{path::Path, process::Command};

use skill_schema::{Fault, codes};

use crate::context::Context;

/// Whether a folder can be had back as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is no repository, or no git.
    Unknown,
    /// All of it is committed.
    Clean,
}

/// Refuses a folder of a git repository that has changes which are not committed. Without git, or outside of a repository, nothing is
/// known and nothing refused.
///
/// # Errors
/// [`codes::DIRTY`].
pub fn check_committed(folder: &Path, context: &Context) -> Result<State, Fault> {
    let mut git = Command::new("git");
    // A repository may name programs to run for a status; this one is only asked, not trusted.
    git.args(["-c", "core.fsmonitor=false", "-C"]).arg(folder);
    let asked = git.args(["status", "--porcelain", "--untracked-files=all", "--", "."]).output();
    let output = match asked {
        Ok(output) if output.status.success() => output.stdout,
        _ => {
            context.output.trace(1, || "no git repository here".to_owned());
            return Ok(State::Unknown);
        }
    };
    let text = String::from_utf8_lossy(&output);
    let changed: Vec<&str> = text.lines().filter_map(|line| line.get(3..)).collect();
    if changed.is_empty() {
        return Ok(State::Clean);
    }
    let shown = changed.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    let more = if changed.len() > 3 { format!(" and {} more", changed.len() - 3) } else { String::new() };
    Err(Fault::new(codes::DIRTY).at(folder.display().to_string()).detail(format!("{shown}{more}")))
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;
    use crate::{env::Env, global::Global};

    fn context() -> Context {
        Context::new(Env::default(), Global::default()).expect("a context")
    }

    fn git(folder: &Path, args: &[&str]) {
        let mut git = Command::new("git");
        git.arg("-C").arg(folder).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(args);
        let status = git.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("git is there");
        assert!(status.success(), "git {args:?}");
    }

    #[test]
    fn only_a_folder_that_is_committed_as_it_stands_is_clean() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let folder = dir.path().join("notes");
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join("SKILL.md"), "one").expect("written");
        let state = || check_committed(&folder, &context()).map_err(|fault| fault.code);
        assert_eq!(state(), Ok(State::Unknown), "no repository, nothing to say");
        git(dir.path(), &["init", "-q"]);
        assert_eq!(state(), Err(codes::DIRTY));
        git(dir.path(), &["add", "."]);
        assert_eq!(state(), Err(codes::DIRTY));
        git(dir.path(), &["commit", "-q", "-m", "one"]);
        assert_eq!(state(), Ok(State::Clean));
        std::fs::write(dir.path().join("beside"), "x").expect("written");
        assert_eq!(state(), Ok(State::Clean), "what lies beside the folder does not matter");
        std::fs::write(folder.join("SKILL.md"), "two").expect("written");
        assert_eq!(state(), Err(codes::DIRTY));
    }
}
