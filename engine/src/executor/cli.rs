//! The executor `cli`: any agent that takes a prompt on its command line and prints its answer, in a sandbox with a fresh home.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use skill_schema::{Fault, codes};

use super::{
    Ended, Execution, Executor, Job, Skill, Workplace, blocking, input,
    sandbox::{Limits, Outcome, Shell, Spec},
};
use crate::{
    run::{Transcript, TranscriptEvent, Usage},
    suite::Task,
};

/// How to start an agent. Arguments may hold `{prompt}`, `{workdir}` and `{skills}`, which are replaced; there is no shell between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The agent, for people.
    pub name: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Where the agent looks for skills, from the home (`~/…`) or from the working folder; `{skills}` is this folder's path.
    pub skills: String,
    /// What it needs of the environment, such as a key for its model.
    pub env: BTreeMap<String, String>,
    /// Where it is installed, if that is none of the system's folders.
    pub read: Vec<PathBuf>,
    /// Whether it reaches its model over the network.
    pub network: bool,
    /// What it may use; its time is the case's.
    pub limits: Limits,
}

/// Runs an agent's program for each case.
#[derive(Debug, Clone)]
pub struct Cli {
    /// How it is started.
    pub template: Template,
    /// Runs it.
    pub shell: Arc<dyn Shell>,
}

impl Cli {
    /// Prepares the folders and the command of one run.
    fn prepare(template: &Template, job: &Job, prompt: &str, files: &[String]) -> Result<(Workplace, Spec), Fault> {
        let place = Workplace::of(job, files)?;
        let skills = match template.skills.strip_prefix("~/") {
            Some(rest) => place.home().join(rest),
            None => place.work().join(&template.skills),
        };
        if let Some(skill) = &job.skill {
            install(skill, &skills)?;
        }
        let text = input::with_names(prompt, files);
        let argv = fill(&template.argv, &text, &place.work().display().to_string(), &skills.display().to_string());
        let limits = Limits { time: Duration::from_secs(job.limits.seconds), ..template.limits };
        let mut spec = place.spec(argv, template.read.clone(), template.network || job.network, limits);
        spec.env.extend(template.env.clone());
        Ok((place, spec))
    }

    async fn make(&self, job: &Job) -> Execution {
        let Task::Prompt { prompt, files, .. } = &job.case.task else {
            return Execution::infra("a command can be asked prompt cases only");
        };
        let (template, shell, again) = (self.template.clone(), Arc::clone(&self.shell), job.clone());
        let (asked, files) = (prompt.clone(), files.clone());
        let made = blocking(move || {
            let (place, spec) = Self::prepare(&template, &again, &asked, &files)?;
            let outcome = shell.run(&spec)?;
            if let Some(skill) = &again.skill
                && !template.skills.starts_with('~')
            {
                // What was installed is not what the run left.
                let _ = fs::remove_dir_all(place.work().join(&template.skills).join(&skill.name));
            }
            Ok((place, outcome))
        });
        match made.await {
            Ok((place, outcome)) => finish(job, prompt, place, &outcome),
            Err(why) => Execution::infra(&why),
        }
    }
}

/// Copies the skill to where the agent looks.
fn install(skill: &Skill, skills: &std::path::Path) -> Result<(), Fault> {
    let io = |e: std::io::Error| Fault::new(codes::IO).detail(e.to_string());
    for file in &skill.files {
        let to = skills.join(&skill.name).join(file);
        fs::create_dir_all(to.parent().unwrap_or(skills)).map_err(io)?;
        fs::copy(skill.folder().join(file), to).map_err(io)?;
    }
    Ok(())
}

/// Replaces the placeholders, each once and from the left: what a prompt holds is not replaced again.
fn fill(argv: &[String], prompt: &str, workdir: &str, skills: &str) -> Vec<String> {
    let values = [("{prompt}", prompt), ("{workdir}", workdir), ("{skills}", skills)];
    let one = |argument: &String| {
        let (mut filled, mut rest) = (String::new(), argument.as_str());
        while let Some((at, name, value)) = values
            .iter()
            .filter_map(|(name, value)| Some((rest.find(name)?, *name, *value)))
            .min_by_key(|found| found.0)
        {
            filled.push_str(&rest[..at]);
            filled.push_str(value);
            rest = &rest[at + name.len()..];
        }
        filled + rest
    };
    argv.iter().map(one).collect()
}

fn finish(job: &Job, prompt: &str, place: Workplace, outcome: &Outcome) -> Execution {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut events = vec![TranscriptEvent::Prompt { text: prompt.to_owned() }];
    if !outcome.stderr.is_empty() {
        events.push(TranscriptEvent::Note { text: text(&outcome.stderr) });
    }
    if outcome.left_behind > 0 {
        let text = format!("{} processes were left behind and killed", outcome.left_behind);
        events.push(TranscriptEvent::Note { text });
    }
    events.push(TranscriptEvent::Answer { text: text(&outcome.stdout).trim_end().to_owned() });
    let usage = Usage { ms: outcome.ms, turns: 1, ..Usage::default() };
    let end = Ended { status: outcome.status(), exit: outcome.code(), usage, metric: None };
    Execution::close(job, Transcript { events }, Some(place), end)
}

impl Executor for Cli {
    fn kind(&self) -> &'static str {
        "cli"
    }

    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Execution> {
        self.make(job).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FakeShell, job, outcome, prompt, skill};
    use super::*;
    use crate::{executor::sandbox::End, run::Status};

    fn template(skills: &str) -> Template {
        Template {
            name: "echo".to_owned(),
            argv: ["agent", "-p", "{prompt}", "--dir={workdir}", "--skills", "{skills}"].map(str::to_owned).to_vec(),
            skills: skills.to_owned(),
            env: BTreeMap::from([("KEY".to_owned(), "k".to_owned())]),
            read: Vec::new(),
            network: true,
            limits: Limits::default(),
        }
    }

    #[tokio::test]
    async fn the_agent_finds_prompt_folder_and_skill_and_its_output_is_the_answer() {
        for (skills, in_home) in [("~/.agent/skills", true), (".agent/skills", false)] {
            let shell = FakeShell::new(move |spec| {
                let root = if in_home { PathBuf::from(&spec.env["HOME"]) } else { spec.dir.clone() };
                let folder = root.join(".agent/skills");
                assert!(folder.join("notes/SKILL.md").exists());
                assert_eq!(spec.argv[2], "Say {skills} and {workdir}");
                assert_eq!(spec.argv[3], format!("--dir={}", spec.dir.display()));
                assert_eq!(spec.argv[5], folder.display().to_string());
                assert_eq!((spec.env["KEY"].as_str(), spec.network), ("k", true));
                fs::write(spec.dir.join("left.txt"), "x").unwrap();
                Ok(outcome(End::Exit(0), "the answer\n"))
            });
            let cli = Cli { template: template(skills), shell };
            let job = job(Some(skill("notes", "Writes notes.", "x")), prompt("Say {skills} and {workdir}", &[]));
            let run = cli.run(&job).await;
            assert_eq!((run.status, run.transcript.final_text()), (Status::Ok, "the answer"));
            let work = run.place.as_ref().unwrap().work();
            assert!(work.join("left.txt").exists() && !work.join(".agent/skills/notes").exists());
        }
    }

    #[tokio::test]
    async fn the_baseline_has_no_skill_anywhere_and_a_failure_is_a_crash() {
        let shell = FakeShell::new(|spec| {
            assert_eq!(fs::read_dir(&spec.env["HOME"]).unwrap().count(), 0);
            assert_eq!(fs::read_dir(&spec.dir).unwrap().count(), 0);
            Ok(outcome(End::Exit(3), "partial"))
        });
        let cli = Cli { template: template("~/.agent/skills"), shell };
        let run = cli.run(&job(None, prompt("p", &[]))).await;
        assert_eq!((run.status, run.exit), (Status::Crash, 3));
        let broken = FakeShell::new(|_| Err(Fault::new(codes::SANDBOX)));
        let cli = Cli { template: template("x"), shell: broken };
        assert_eq!(cli.run(&job(None, prompt("p", &[]))).await.status, Status::Infra);
    }
}
