//! A command that proposes: it gets the brief as JSON on standard input and edits the folder that it is started in, a copy of the parent.
//! The last line that it prints is the idea.
//!
//! It is the user's own command and runs with the user's rights: a coding agent needs its keys and its network. What it edits is checked
//! afterwards like anybody's edit.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command as Process},
};

use super::super::{Brief, NoProposal, Propose, Proposed, brief::one_line};

/// Bytes of output that are read; a command that prints more is ended.
const MAX_OUTPUT: u64 = 4 << 20;

/// The command, for `sh -c`.
#[derive(Debug, Clone)]
pub struct Command {
    /// The command line.
    pub line: String,
}

impl Propose for Command {
    async fn propose(&self, brief: &Brief, folder: &Path, within: Duration) -> Result<Proposed, NoProposal> {
        let failed = |why: String| NoProposal::Failed(why);
        let mut process = Process::new("sh");
        process.args(["-c", &self.line]).current_dir(folder).kill_on_drop(true);
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        process.process_group(0);
        let child = process.spawn().map_err(|e| failed(format!("the command cannot be started: {e}")))?;
        let group = Group(child.id());
        let text = serde_json::to_vec(brief).unwrap_or_default();
        let answered = tokio::time::timeout(within, talk(child, text)).await;
        drop(group);
        let (success, said, complained) = match answered {
            Ok(Ok(done)) => done,
            Ok(Err(error)) => return Err(failed(format!("the command failed: {error}"))),
            Err(_) => return Err(failed(format!("the command took more than {} seconds", within.as_secs()))),
        };
        let last = |text: &str| one_line(text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default());
        if !success {
            return Err(failed(format!("the command failed: {}", last(&complained))));
        }
        Ok(Proposed { idea: last(&said), tokens: 0, cost_micros: 0 })
    }
}

/// Writes the brief and reads what is said, both at once. Output over the limit ends it.
async fn talk(mut child: Child, brief: Vec<u8>) -> std::io::Result<(bool, String, String)> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async move {
        if let Some(mut stdin) = stdin {
            // A command that does not read its brief closes the pipe: that is its own business.
            let _ = stdin.write_all(&brief).await;
        }
    };
    let (said, complained, ()) = tokio::join!(read(stdout), read(stderr), write);
    let (said, complained) = (said?, complained?);
    let status = child.wait().await?;
    Ok((status.success(), said, complained))
}

async fn read(pipe: Option<impl tokio::io::AsyncRead + Unpin>) -> std::io::Result<String> {
    let Some(pipe) = pipe else { return Ok(String::new()) };
    let mut bytes = Vec::new();
    pipe.take(MAX_OUTPUT + 1).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > MAX_OUTPUT {
        return Err(std::io::Error::other("it prints too much"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The processes that the command started: they end with it, however it ends.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::tests::brief, *};

    async fn run(line: &str, seconds: u64) -> Result<Proposed, String> {
        let folder = tempfile::tempdir().unwrap();
        let command = Command { line: line.to_owned() };
        let answer = command.propose(&brief(), folder.path(), Duration::from_secs(seconds)).await;
        answer.map_err(|error| match error {
            NoProposal::Failed(why) => why,
            NoProposal::Unavailable(fault) => fault.to_string(),
        })
    }

    #[tokio::test]
    async fn the_brief_comes_in_and_the_last_line_is_the_idea() {
        let proposed = run("grep -c skill.improve-brief && echo 'say it  shorter' && echo", 20).await.unwrap();
        assert_eq!(proposed.idea, "say it shorter");
    }

    #[tokio::test]
    async fn failing_late_and_talkative_commands_are_crashes() {
        assert!(run("echo sorry >&2; exit 3", 20).await.unwrap_err().contains("sorry"));
        assert!(run("sleep 60", 1).await.unwrap_err().contains("1 seconds"));
        assert!(run("yes", 20).await.unwrap_err().contains("too much"));
    }
}
