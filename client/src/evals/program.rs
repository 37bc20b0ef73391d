//! The program of `--executor cli`: a command line in words, and what of this machine it may see.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use skill_engine::executor::{cli::Template, sandbox};
use skill_schema::{Fault, codes};

use crate::env::Env;

/// Where agents look for skills, from the folder of a run, unless a flag says otherwise.
const SKILLS: &str = ".agents/skills";

/// How the program is started.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
pub struct Program {
    /// The command of --executor cli, with {prompt}, {workdir} and {skills}; quotes as in a shell.
    #[arg(long, help_heading = "Executor cli", value_name = "CMD", required_if_eq("executor", "cli"))]
    pub command: Option<String>,
    /// Where the command looks for skills: from its folder, or ~/… [default: .agents/skills].
    #[arg(long, help_heading = "Executor cli", value_name = "DIR", requires = "command")]
    pub command_skills: Option<String>,
    /// What the command may read beside the system's folders: where it is installed.
    #[arg(long, help_heading = "Executor cli", value_name = "PATH", requires = "command")]
    pub command_reads: Vec<PathBuf>,
    /// A variable of the environment that the command gets, such as the key of its model.
    #[arg(long, help_heading = "Executor cli", value_name = "NAME", requires = "command")]
    pub command_env: Vec<String>,
}

impl Program {
    /// The words of the command; none without one.
    ///
    /// # Errors
    /// [`codes::USAGE`] for a quote that is not closed, and for no word at all.
    pub fn words(&self) -> Result<Option<Vec<String>>, Fault> {
        let Some(command) = &self.command else { return Ok(None) };
        let wrong = |detail: &str| Fault::new(codes::USAGE).at("--command").detail(detail);
        let words = shell_words::split(command).map_err(|_| wrong("a quote is not closed, or a backslash ends it"))?;
        if words.first().is_none_or(String::is_empty) {
            return Err(wrong("it names no program"));
        }
        Ok(Some(words))
    }

    /// The command in its one spelling, whatever quotes it was written with: part of the score key. Empty without one.
    ///
    /// # Errors
    /// As [`Program::words`].
    pub fn spelled(&self) -> Result<String, Fault> {
        Ok(self.words()?.map(shell_words::join).unwrap_or_default())
    }

    /// Where it looks for skills.
    pub fn skills(&self) -> &str {
        self.command_skills.as_deref().unwrap_or(SKILLS)
    }

    /// What the executor starts.
    ///
    /// # Errors
    /// As [`Program::words`]; [`codes::USAGE`] for a variable that is not set, a path that cannot be read, and a folder of skills that
    /// leaves the run's own.
    pub fn template(&self, network: bool) -> Result<Template, Fault> {
        let argv = self.words()?.unwrap_or_default();
        let wrong = |place: &str, detail: String| Fault::new(codes::USAGE).at(place.to_owned()).detail(detail);
        let skills = self.skills().to_owned();
        let below = std::path::Path::new(skills.strip_prefix("~/").unwrap_or(&skills));
        if skills.is_empty() || !below.components().all(|part| matches!(part, std::path::Component::Normal(_))) {
            return Err(wrong("--command-skills", format!("{skills} is not below the run's folder or ~")));
        }
        let read = |path: &PathBuf| {
            path.canonicalize().map_err(|e| wrong("--command-reads", format!("{}: {e}", path.display())))
        };
        let mut env = BTreeMap::new();
        for name in &self.command_env {
            let value = Env::named(name)?.ok_or_else(|| wrong("--command-env", format!("{name} is not set")))?;
            env.insert(name.clone(), value);
        }
        Ok(Template {
            name: argv.first().cloned().unwrap_or_default(),
            argv,
            skills,
            env,
            read: self.command_reads.iter().map(read).collect::<Result<_, _>>()?,
            network,
            limits: sandbox::Limits::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(command: &str) -> Program {
        Program { command: Some(command.to_owned()), ..Program::default() }
    }

    #[test]
    fn a_command_is_split_as_a_shell_does() {
        let words = |command: &str| program(command).words().map(Option::unwrap_or_default);
        for (command, expected) in [
            ("agent -p {prompt}", vec!["agent", "-p", "{prompt}"]),
            ("  agent\t'a b'  \"c d\"e ", vec!["agent", "a b", "c de"]),
            ("sh -c 'cat \"$1\"' - {prompt}", vec!["sh", "-c", "cat \"$1\"", "-", "{prompt}"]),
            ("agent a\\ b ''", vec!["agent", "a b", ""]),
            ("agent \"say \\\"hi\\\"\"", vec!["agent", "say \"hi\""]),
        ] {
            assert_eq!(words(command).unwrap(), expected, "{command}");
        }
        for bad in ["agent 'a b", "agent \"a b", "agent it's", "agent \\", "", "   ", "'' a"] {
            assert_eq!(words(bad).unwrap_err().code, codes::USAGE, "{bad}");
        }
        assert_eq!(Program::default().words(), Ok(None));
    }

    #[test]
    fn the_same_words_have_the_same_spelling() {
        let spelled = |command: &str| program(command).spelled().unwrap();
        assert_eq!(spelled("agent  'x' \"a b\""), spelled("agent x a\\ b"));
        assert_ne!(spelled("agent a b"), spelled("agent 'a b'"));
    }

    #[test]
    fn what_it_may_see_must_exist_and_skills_stay_inside() {
        let with = |change: &dyn Fn(&mut Program)| {
            let mut program = program("agent");
            change(&mut program);
            program.template(false).map_err(|fault| fault.place.unwrap_or_default())
        };
        assert_eq!(with(&|_| ()).unwrap().skills, ".agents/skills");
        assert_eq!(with(&|p| p.command_skills = Some("~/.claude/skills".into())).unwrap().skills, "~/.claude/skills");
        for outside in ["", "/etc", "../x", "~/../x", "a/./b/.."] {
            let found = with(&|p| p.command_skills = Some(outside.into()));
            assert_eq!(found.unwrap_err(), "--command-skills", "{outside}");
        }
        assert_eq!(with(&|p| p.command_reads = vec!["/nonexistent/x".into()]).unwrap_err(), "--command-reads");
        assert_eq!(with(&|p| p.command_env = vec!["NO_SUCH_VARIABLE_HERE".into()]).unwrap_err(), "--command-env");
    }
}
