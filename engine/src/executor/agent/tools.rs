//! The agent's tools. Files are read and written by us, inside the working folder and the skill's alone; commands run in the sandbox. No
//! command runs while a tool does something, so that what was checked stays as it was.

use std::{
    fs::{self, File},
    io::Read,
    path::{Component, Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use skill_schema::Fault;

use super::action::Action;
use crate::executor::{
    Skill, Workplace,
    prompt::shown,
    sandbox::{End, Limits, Outcome, Shell},
};

/// Bytes of a tool's result that the model sees: about four thousand tokens.
const MAX_RESULT: usize = 16 << 10;

/// Bytes of a file that is read: what is cut off later need not be held.
const MAX_READ: u64 = 1 << 20;

/// Bytes that one `write` may write.
const MAX_WRITE: usize = 1 << 20;

/// Entries of a folder that are listed.
const MAX_LISTED: usize = 500;

/// How long one command may take, within the time of the run.
const MAX_COMMAND: Duration = Duration::from_mins(2);

/// The folder under which skills lie.
const SKILLS: &str = "skills";

/// The tools of one run.
#[derive(Debug)]
pub(super) struct Tools {
    place: Workplace,
    skill: Option<Arc<Skill>>,
    shell: Arc<dyn Shell>,
    network: bool,
}

/// What a tool gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToolOutput {
    pub(super) output: String,
    pub(super) failed: bool,
    /// The skill that was taken up.
    pub(super) activated: Option<String>,
}

impl Tools {
    pub(super) fn new(place: Workplace, skill: Option<Arc<Skill>>, shell: Arc<dyn Shell>, network: bool) -> Self {
        let tools = Self { place, skill, shell, network };
        tools.link();
        tools
    }

    /// The folders, without the link to the skill.
    pub(super) fn into_place(self) -> Workplace {
        let link = self.place.work().join(SKILLS);
        if link.is_symlink() {
            let _ = fs::remove_file(link);
        }
        self.place
    }

    /// Lets commands find the skill where the model is told that it is; not where the run has something of that name.
    fn link(&self) {
        #[cfg(unix)]
        if let Some(parent) = self.skill.as_ref().and_then(|skill| skill.folder().parent().map(Path::to_owned)) {
            let _ = std::os::unix::fs::symlink(parent, self.place.work().join(SKILLS));
        }
    }

    /// Carries out an action, which is not `final`. An error is the machine's.
    pub(super) fn carry_out(&self, action: &Action, left: Duration) -> Result<ToolOutput, Fault> {
        let result = match action {
            Action::Read { path } => return Ok(self.read(path)),
            Action::Skill { name } => return Ok(self.take_up(name)),
            Action::Run { command } => return self.run(command, left),
            Action::Write { path, content } => self.write(path, content),
            Action::List { path } => self.list(path),
            Action::Final { answer } => Ok(answer.clone()),
        };
        Ok(output(result))
    }

    fn take_up(&self, name: &str) -> ToolOutput {
        match self.skill.as_ref().filter(|skill| skill.name == name.trim()) {
            Some(skill) => {
                ToolOutput { output: cut(&shown(skill)), failed: false, activated: Some(skill.name.clone()) }
            }
            None => output(Err(format!("there is no skill {name}"))),
        }
    }

    fn read(&self, path: &str) -> ToolOutput {
        let real = match self.find(path) {
            Ok(real) => real,
            Err(wrong) => return output(Err(wrong)),
        };
        let mut content = Vec::new();
        let read = if real.is_file() {
            File::open(&real).and_then(|file| file.take(MAX_READ).read_to_end(&mut content)).map_err(|e| e.to_string())
        } else {
            Err("not a regular file".to_owned())
        };
        let mut result = output(read.and_then(|_| match String::from_utf8(content) {
            Ok(text) => Ok(text),
            Err(error) if error.utf8_error().error_len().is_none() => {
                let whole = error.utf8_error().valid_up_to();
                Ok(String::from_utf8_lossy(&error.as_bytes()[..whole]).into_owned())
            }
            Err(error) => Err(format!("not text ({} bytes)", error.as_bytes().len())),
        }));
        // Clients that have no tool for it take up a skill by reading its SKILL.md.
        let taken_up = |skill: &&Arc<Skill>| {
            !result.failed && skill.folder().join("SKILL.md").canonicalize().is_ok_and(|at| at == real)
        };
        result.activated = self.skill.as_ref().filter(taken_up).map(|skill| skill.name.clone());
        result
    }

    fn list(&self, path: &str) -> Result<String, String> {
        let real = self.find(path)?;
        let mut names = Vec::new();
        for entry in fs::read_dir(real).map_err(|e| e.to_string())?.take(MAX_LISTED + 1) {
            let entry = entry.map_err(|e| e.to_string())?;
            let folder = entry.path().is_dir();
            names.push(format!("{}{}", entry.file_name().to_string_lossy(), if folder { "/" } else { "" }));
        }
        let more = names.len() > MAX_LISTED;
        names.truncate(MAX_LISTED);
        names.sort();
        if more {
            names.push("… and more".to_owned());
        }
        Ok(if names.is_empty() { "the folder is empty".to_owned() } else { names.join("\n") })
    }

    fn write(&self, path: &str, content: &str) -> Result<String, String> {
        if content.len() > MAX_WRITE {
            return Err(format!("more than {MAX_WRITE} bytes"));
        }
        let relative = plain(path)?;
        let name = relative.file_name().ok_or("not a file's name")?;
        let mut folder = self.place.work().to_owned();
        for part in relative.parent().unwrap_or(Path::new("")).components() {
            folder.push(part);
            match folder.symlink_metadata() {
                Ok(meta) if meta.is_dir() => {}
                Ok(_) => return Err("the path leads over something that is no folder".to_owned()),
                Err(_) => fs::create_dir(&folder).map_err(|e| e.to_string())?,
            }
        }
        let target = folder.join(name);
        if target.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
            return Err("there is something that is no regular file".to_owned());
        }
        fs::write(target, content).map_err(|e| e.to_string())?;
        Ok(format!("{} bytes written", content.len()))
    }

    /// The real path of something that exists in the working folder or the skill's.
    fn find(&self, path: &str) -> Result<PathBuf, String> {
        let relative = plain(path)?;
        let skill = self.skill.as_ref().map(|skill| skill.folder());
        let in_skill = skill.as_ref().and_then(|folder| {
            let rest = relative.strip_prefix(SKILLS).ok()?;
            rest.strip_prefix(folder.file_name()?).ok().map(|rest| folder.join(rest))
        });
        let at = in_skill.unwrap_or_else(|| self.place.work().join(relative));
        let real = at.canonicalize().map_err(|_| "there is no such file or folder".to_owned())?;
        let roots = [Some(self.place.work().to_owned()), skill.and_then(|folder| folder.canonicalize().ok())];
        let inside = roots.iter().flatten().any(|root| real.starts_with(root));
        if inside { Ok(real) } else { Err("outside of the working folder".to_owned()) }
    }

    fn run(&self, command: &str, left: Duration) -> Result<ToolOutput, Fault> {
        let argv = ["sh", "-c", command].map(str::to_owned).to_vec();
        let read = self.skill.iter().map(|skill| skill.folder()).collect();
        let limits = Limits { time: left.min(MAX_COMMAND), ..Limits::default() };
        let outcome = self.shell.run(&self.place.spec(argv, read, self.network, limits))?;
        let failed = outcome.end != End::Exit(0);
        Ok(ToolOutput { output: cut(&said(&outcome)), failed, activated: None })
    }
}

/// Output, errors and how it ended, as a model reads it.
fn said(outcome: &Outcome) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let mut parts = vec![text(&outcome.stdout), text(&outcome.stderr)];
    parts.push(match &outcome.end {
        End::Exit(0) => String::new(),
        End::Exit(code) => format!("exit status {code}"),
        End::Signal(signal) => format!("ended by signal {signal}"),
        End::Timeout => "its time was over".to_owned(),
        End::Limit(resource) => format!("it used up its {resource:?}").to_lowercase(),
        End::NotStarted(why) => why.clone(),
    });
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() { "done, no output".to_owned() } else { parts.join("\n") }
}

fn output(result: Result<String, String>) -> ToolOutput {
    let failed = result.is_err();
    ToolOutput { output: cut(&result.unwrap_or_else(|wrong| wrong)), failed, activated: None }
}

/// The beginning and the end of a long text.
fn cut(text: &str) -> String {
    if text.len() <= MAX_RESULT {
        return text.to_owned();
    }
    let half = MAX_RESULT / 2;
    let head = (0..=half).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let tail = (text.len() - half..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    format!("{}\n… {} bytes left out …\n{}", &text[..head], tail - head, &text[tail..])
}

/// A relative path without `..`; `.` and the empty path are the working folder.
fn plain(path: &str) -> Result<PathBuf, String> {
    let mut plain = PathBuf::new();
    for part in Path::new(path.trim()).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => plain.push(part),
            _ => return Err("paths are relative to the working folder and do not climb".to_owned()),
        }
    }
    Ok(plain)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::super::testing::{FakeShell, outcome, skill};
    use super::*;

    fn tools(skilled: bool) -> Tools {
        let skill = skilled.then(|| skill("notes", "Writes notes.", "Use bullets."));
        let place = Workplace::new(Path::new("/nonexistent"), &[]).unwrap();
        Tools::new(place, skill, FakeShell::new(|_| Ok(outcome(End::Exit(0), "x"))), false)
    }

    fn did(tools: &Tools, action: &Action) -> ToolOutput {
        tools.carry_out(action, Duration::from_secs(5)).unwrap()
    }

    fn read(tools: &Tools, path: &str) -> ToolOutput {
        did(tools, &Action::Read { path: path.to_owned() })
    }

    #[test]
    fn nothing_outside_of_the_folders_is_read_or_written() {
        let tools = tools(true);
        let work = tools.place.work().to_owned();
        symlink("/etc", work.join("etc")).unwrap();
        symlink("/etc/passwd", work.join("passwd")).unwrap();
        symlink("../inputs", work.join("inputs")).unwrap();
        for path in
            ["/etc/passwd", "../inputs", "etc/passwd", "passwd", "inputs", "a/../../x", "skills/../../x", "none"]
        {
            assert!(read(&tools, path).failed, "{path}");
            let write = Action::Write { path: path.to_owned(), content: "x".to_owned() };
            assert!(path == "none" || did(&tools, &write).failed, "{path}");
        }
        assert!(
            did(&tools, &Action::Write { path: "skills/notes/SKILL.md".to_owned(), content: "x".to_owned() }).failed
        );
        assert!(did(&tools, &Action::Write { path: String::new(), content: "x".to_owned() }).failed);
        assert!(did(&tools, &Action::List { path: "..".to_owned() }).failed);
    }

    #[test]
    fn files_are_written_read_and_listed() {
        let tools = tools(false);
        let written = did(&tools, &Action::Write { path: "sub/a.txt".to_owned(), content: "hello".to_owned() });
        assert_eq!((written.output.as_str(), written.failed), ("5 bytes written", false));
        assert_eq!(read(&tools, "./sub/a.txt").output, "hello");
        assert_eq!(did(&tools, &Action::List { path: ".".to_owned() }).output, "sub/");
        assert_eq!(did(&tools, &Action::List { path: String::new() }).output, "sub/");
        fs::write(tools.place.work().join("b.bin"), [0xff, 0xfe, 0]).unwrap();
        assert_eq!(read(&tools, "b.bin").output, "not text (3 bytes)");
        assert!(read(&tools, "sub").failed);
        fs::write(tools.place.work().join("long"), "é".repeat(100_000)).unwrap();
        let long = read(&tools, "long").output;
        assert!(long.len() < MAX_RESULT + 100 && long.contains("bytes left out"));
    }

    #[test]
    fn a_skill_is_taken_up_by_its_tool_or_by_reading_it_and_is_not_there_on_the_other_arm() {
        let tools = tools(true);
        let up = did(&tools, &Action::Skill { name: "notes".to_owned() });
        assert_eq!(up.activated.as_deref(), Some("notes"));
        assert!(up.output.contains("Use bullets."));
        assert_eq!(read(&tools, "skills/notes/SKILL.md").activated.as_deref(), Some("notes"));
        assert_eq!(did(&tools, &Action::List { path: "skills/notes".to_owned() }).output, "SKILL.md");
        assert!(did(&tools, &Action::Skill { name: "other".to_owned() }).failed);
        let place = tools.into_place();
        assert!(!place.work().join("skills").is_symlink());
        let bare = super::tests::tools(false);
        assert!(did(&bare, &Action::Skill { name: "notes".to_owned() }).failed);
        assert!(read(&bare, "skills/notes/SKILL.md").failed);
    }

    #[test]
    fn a_command_gets_the_time_that_is_left_and_says_how_it_ended() {
        let shell = FakeShell::new(|spec| {
            assert_eq!(spec.limits.time, Duration::from_secs(5));
            assert!(!spec.network && spec.read.is_empty());
            Ok(outcome(End::Exit(2), "partial\n"))
        });
        let place = Workplace::new(Path::new("/nonexistent"), &[]).unwrap();
        let tools = Tools::new(place, None, shell, false);
        let run = did(&tools, &Action::Run { command: "false".to_owned() });
        assert_eq!((run.output.as_str(), run.failed), ("partial\nexit status 2", true));
        assert_eq!(said(&outcome(End::Exit(0), "")), "done, no output");
    }
}
