//! `skill completions`: the script that makes a shell complete commands, flags and the names of skills.
//!
//! The script asks this program at each Tab (`COMPLETE=SHELL skill -- …`), so that it never goes stale and knows the skills that were
//! seen on this machine. Completing reads files only; it never asks a registry.

use std::{ffi::OsStr, path::Path};

use clap_complete::{
    ArgValueCompleter, CompletionCandidate,
    env::{CompleteEnv, Shells},
};
use skill_schema::{SkillId, codes};

use super::{explain, help};
use crate::{cli, context::Context, env::Env, files, report};

/// The variable by which a shell's script asks for completions.
const VARIABLE: &str = "COMPLETE";
/// Candidates are of no use by the thousand.
const MAX_NAMES: usize = 500;

/// Print the script that completes commands in a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  source <(skill completions bash)                          in ~/.bashrc
  source <(skill completions zsh)                           in ~/.zshrc, after compinit
  skill completions fish | source                           in ~/.config/fish/config.fish
  skill completions powershell | Out-String | iex           in $PROFILE
  eval (skill completions elvish | slurp)                   in ~/.config/elvish/rc.elv")]
pub struct Args {
    /// The shell.
    #[arg(value_name = "SHELL", value_parser = ["bash", "zsh", "fish", "powershell", "elvish"])]
    shell: String,
}

/// Runs `skill completions`.
///
/// # Errors
/// [`codes::IO`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let shells = Shells::builtins();
    let shell = shells.completer(&args.shell).ok_or_else(|| skill_schema::Fault::new(codes::USAGE).at(&args.shell))?;
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, "skill", "skill", "skill", &mut script)?;
    context.output.bytes(&script);
    Ok(())
}

/// Answers a shell that asks for completions; true if it did, and then the program is done.
pub fn answer() -> bool {
    let folder = std::env::current_dir().ok();
    CompleteEnv::with_factory(command)
        .var(VARIABLE)
        .try_complete(std::env::args_os(), folder.as_deref())
        .unwrap_or_else(|error| {
            report::usage(&error, false);
            true
        })
}

/// The command line, with what is known for values: skills of this machine, codes and rules, commands and topics.
fn command() -> clap::Command {
    with_values(cli::command())
}

fn with_values(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            let words: Vec<String> =
                arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
            let is = |word: &str| words.iter().any(|name| name.split('|').any(|part| part == word));
            if is("SPEC") || is("SKILL") {
                arg.add(ArgValueCompleter::new(|typed: &OsStr| starting_with(typed, skills())))
            } else if is("CODE") && is("RULE") {
                arg.add(ArgValueCompleter::new(|typed: &OsStr| starting_with(typed, explain::ids())))
            } else if is("COMMAND") && is("TOPIC") {
                arg.add(ArgValueCompleter::new(|typed: &OsStr| starting_with(typed, help::words())))
            } else {
                arg
            }
        })
        .mut_subcommands(with_values)
}

/// The words that start with what was typed.
fn starting_with(typed: &OsStr, words: Vec<String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_str().unwrap_or_default();
    let fits = words.into_iter().filter(|word| word.starts_with(typed));
    fits.take(MAX_NAMES).map(CompletionCandidate::new).collect()
}

/// The skills that this machine knows, seen from the current folder.
fn skills() -> Vec<String> {
    let folder = std::env::current_dir().unwrap_or_default();
    Env::from_process().map(|env| names(&env, &folder)).unwrap_or_default()
}

/// The skills that this machine knows: those of the project's lock, of the global one, and of the index cache.
fn names(env: &Env, folder: &Path) -> Vec<String> {
    let locks = folder.ancestors().map(|f| f.join("skills.lock")).find(|path| path.is_file());
    let global = env.data_dir.join("global/skills.lock");
    let mut found: Vec<String> = locks.iter().chain([&global]).flat_map(|path| locked(path)).collect();
    found.extend(cached(&env.cache_dir.join("index")));
    found.sort();
    found.dedup();
    found
}

/// The names in a lock file; a damaged one completes nothing.
fn locked(path: &Path) -> Vec<String> {
    let text = files::read_text(path, skill_schema::lock::MAX_BYTES).ok().flatten().unwrap_or_default();
    let lock = skill_schema::lock::Lock::parse(&text).ok();
    lock.into_iter().flat_map(|lock| lock.skills).map(|skill| skill.name.to_string()).collect()
}

/// The names in the index cache: `REGISTRY/SCOPE/NAME…`.
fn cached(index: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for registry in folders(index) {
        for scope in folders(&registry) {
            for file in entries(&scope) {
                let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
                let scope = scope.file_name().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
                found.extend(format!("{scope}/{stem}").parse::<SkillId>().ok().map(|id| id.to_string()));
            }
        }
    }
    found
}

fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn folders(folder: &Path) -> Vec<std::path::PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(line: &str) -> Vec<String> {
        let words: Vec<std::ffi::OsString> = line.split(' ').map(Into::into).collect();
        let last = words.len() - 1;
        let found = clap_complete::engine::complete(&mut command(), words, last, None).expect("completions");
        found.iter().map(|candidate| candidate.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn commands_codes_rules_topics_and_values_are_completed() {
        assert!(complete("skill chec").contains(&"check".to_owned()));
        assert_eq!(complete("skill explain E_DIG"), ["E_DIGEST"]);
        assert_eq!(complete("skill explain name.form"), ["name.format"]);
        assert_eq!(complete("skill help exit"), ["exit-codes"]);
        assert_eq!(complete("skill help expl"), ["explain"]);
        assert_eq!(complete("skill check --profile cl"), ["claude"]);
    }

    #[test]
    fn skills_of_the_lock_files_and_of_the_index_cache_are_known() {
        let home = tempfile::tempdir().expect("a folder");
        let env = Env { data_dir: home.path().join("data"), cache_dir: home.path().join("cache"), ..Env::default() };
        let index = env.cache_dir.join("index/log-1234/acme");
        std::fs::create_dir_all(&index).expect("a folder");
        for name in ["notes.ndjson", "Bad Name.ndjson", ".tmp-x"] {
            std::fs::write(index.join(name), "").expect("written");
        }
        assert_eq!(names(&env, home.path()), ["acme/notes"]);
        std::fs::write(home.path().join("skills.lock"), "damaged").expect("written");
        assert_eq!(names(&env, &home.path().join("inner")), ["acme/notes"]);
    }
}
